"""PostgreSQL as a source of samples. Reads the catalogue of `pg_catalog`, which also names what the login may not read:
`information_schema` would leave those tables out, and their silence would pass for safety.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from collectors._meter import counted
from collectors._postgres import API, classified, connected
from collectors.data.database import UNTOLD, WORDS, Column, KeySort, Sort, Table
from collectors.data.place import Place

if TYPE_CHECKING:
    import psycopg

_LONGEST = 10_000

# Partitions are read through their parent; views by request; foreign tables belong to another server.
_TABLES = """
    select c.oid, n.nspname, c.relname, c.relkind = 'v', c.reltuples::bigint, c.relpages,
           has_schema_privilege(n.oid, 'usage') and has_any_column_privilege(c.oid, 'select'), row_security_active(c.oid)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm', 'v') and not c.relispartition
      and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%%'
      and not exists (
          select from pg_depend d where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype = 'e'
      )
    order by n.nspname, c.relname
"""
_COLUMNS = """
    select a.attrelid, a.attname, coalesce(b.typname, t.typname), coalesce(b.typtype, t.typtype),
           coalesce(b.typcategory, t.typcategory), e.typname, has_column_privilege(a.attrelid, a.attnum, 'select')
    from pg_attribute a
    join pg_type t on t.oid = a.atttypid
    left join pg_type b on b.oid = t.typbasetype
    left join pg_type e on e.oid = coalesce(b.typelem, t.typelem)
    where a.attrelid = any(%s) and a.attnum > 0 and not a.attisdropped
    order by a.attrelid, a.attnum
"""
_INDEXES = """
    select i.indrelid, a.attname, i.indisprimary and i.indnkeyatts = 1
    from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = any(%s) and i.indisvalid and i.indpred is null
"""
_SORTS = {
    **dict.fromkeys(("text", "varchar", "bpchar", "citext", "name", "xml", "hstore", "char"), Sort.TEXT),
    **dict.fromkeys(("json", "jsonb"), Sort.DOCUMENT),
    **dict.fromkeys(("inet", "cidr"), Sort.ADDRESS),
    **dict.fromkeys(("int2", "int4", "int8", "numeric"), Sort.NUMBER),
    **dict.fromkeys(("date", "timestamp", "timestamptz"), Sort.TIME),
    "bool": Sort.SWITCH,
    **dict.fromkeys(
        "float4 float8 uuid time timetz interval money oid bit varbit macaddr macaddr8 pg_lsn xid xid8 tid".split(),
        Sort.PLAIN,
    ),
}
_INTEGERS = ("int2", "int4", "int8")


@dataclass(frozen=True)
class Postgres:
    """A `Database` over one read-only transaction."""

    connection: psycopg.Connection[Any]
    is_replica: bool
    meter: Callable[[str, str], None]
    engine: str = "postgresql"
    samples_pages: bool = True

    @property
    def name(self) -> str:
        return self.connection.info.dbname

    def tables(self, *, views: bool) -> list[Table]:
        found = [row for row in self.rows(_TABLES) if views or not row[3]]
        oids = [row[0] for row in found if row[6]]
        columns: dict[int, list[Column]] = defaultdict(list)
        types: dict[tuple[int, str], str] = {}
        for oid, name, base, kind, category, element, readable in self.rows(_COLUMNS, [oids]):
            columns[oid].append(Column(name, base, _sort(base, kind, category, element), readable))
            types[oid, name] = base
        indexed: dict[int, set[str]] = defaultdict(set)
        keys: dict[int, str] = {}
        for oid, name, is_key in self.rows(_INDEXES, [oids]):
            indexed[oid].add(name)
            if is_key:
                keys[oid] = name
        return [
            Table(
                schema,
                name,
                tuple(columns[oid]),
                rows=estimate if estimate >= 0 and not is_view else None,
                pages=None if is_view else pages,
                key=keys.get(oid),
                key_sort=_key_sort(types.get((oid, keys.get(oid, "")))),
                indexed=frozenset(indexed[oid]),
                is_view=is_view,
                denied=_denied(readable=readable, row_security=row_security),
            )
            for oid, schema, name, is_view, estimate, pages, readable, row_security in found
        ]

    def unseen(self) -> CollectError | None:
        return None

    @contextmanager
    def part(self) -> Iterator[None]:
        with _classified(), self.connection.transaction():
            yield

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with counted(self.meter, API), _classified():
            return self.connection.execute(statement.encode(), list(parameters)).fetchall()

    def quoted(self, *names: str) -> str:
        return ".".join('"' + name.replace('"', '""').replace("%", "%%") + '"' for name in names)

    def as_text(self, column: Column) -> str:
        quoted = self.quoted(column.name)
        if column.type.startswith("_"):
            quoted = f"array_to_json({quoted})"
        return f"left({quoted}::text, {_LONGEST})"

    def as_day(self, expression: str) -> str:
        return f"to_char({expression}, 'YYYY-MM-DD\"T00:00:00+00:00\"')"


@contextmanager
def opened(
    place: Place, meter: Callable[[str, str], None], *, connect_timeout: int, statement_seconds: float
) -> Iterator[Postgres]:
    """Of several hosts in the URL, a standby is taken where there is one."""
    url = str(place.login["conninfo"])
    if "," in place.host and "target_session_attrs" not in url:
        url += ("&" if "?" in url else "?") + "target_session_attrs=prefer-standby"
    with connected(url, meter, connect_timeout=connect_timeout, statement_seconds=statement_seconds) as connection:
        with counted(meter, API), classified():
            row = connection.execute("select pg_is_in_recovery()").fetchone()
        yield Postgres(connection, bool(row and row[0]), meter)


@contextmanager
def _classified() -> Iterator[None]:
    """The driver's errors as ours, without their texts."""
    try:
        with classified():
            yield
    except CollectError as error:
        state = getattr(error.__cause__, "sqlstate", None)
        text = WORDS.get(error.reason, UNTOLD)
        raise CollectError(error.reason, f"{text} (SQLSTATE {state})" if state else text) from None


def _denied(*, readable: bool, row_security: bool) -> str | None:
    if not readable:
        return "the login may not read it: grant it SELECT, or exclude the table"
    if row_security:
        return "row-level security hides rows from the login: let it bypass the policies, or exclude the table"
    return None


def _sort(base: str, kind: str, category: str, element: str | None) -> Sort:
    if kind == "e":
        return Sort.PLAIN
    if category == "A" and element is not None:
        inner = _SORTS.get(element, Sort.UNKNOWN)
        return Sort.DOCUMENT if inner in (Sort.TEXT, Sort.DOCUMENT, Sort.ADDRESS) else inner
    return _SORTS.get(base, Sort.UNKNOWN)


def _key_sort(base: str | None) -> KeySort:
    if base in _INTEGERS:
        return KeySort.INTEGER
    return KeySort.UUID if base == "uuid" else KeySort.OTHER
