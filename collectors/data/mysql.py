"""MySQL and MariaDB as a source of samples, through `information_schema`.

It shows a login only what it may read. So a login that was granted tables one by one cannot know what it does not see,
and the listing is then said to be incomplete.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import GapReason
from collectors._meter import counted
from collectors.data.database import UNTOLD, WORDS, Column, KeySort, Sort, Table
from collectors.data.place import Place

if TYPE_CHECKING:
    import pymysql

API = "mysql"
_LONGEST = 10_000
_SYSTEM = ("information_schema", "performance_schema", "mysql", "sys")
_TABLES = """
    select table_schema, table_name, table_type, table_rows
    from information_schema.tables
    where table_schema not in %s and (table_schema = %s or %s = '')
      and table_type in ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW')
    order by table_schema, table_name
"""
_COLUMNS = """
    select table_schema, table_name, column_name, data_type, coalesce(privileges, '')
    from information_schema.columns
    where table_schema not in %s and (table_schema = %s or %s = '')
    order by table_schema, table_name, ordinal_position
"""
_INDEXES = """
    select table_schema, table_name, index_name, column_name, seq_in_index
    from information_schema.statistics
    where table_schema not in %s and (table_schema = %s or %s = '')
"""
_SORTS = {
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext"), Sort.TEXT),
    "json": Sort.DOCUMENT,
    **dict.fromkeys(("inet4", "inet6"), Sort.ADDRESS),
    **dict.fromkeys(("smallint", "mediumint", "int", "bigint", "decimal"), Sort.NUMBER),
    **dict.fromkeys(("date", "datetime", "timestamp"), Sort.TIME),
    "tinyint": Sort.SWITCH,
    **dict.fromkeys(("float", "double", "time", "year", "enum", "set", "uuid", "bit"), Sort.PLAIN),
}
_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")
_GRANT = re.compile(r"GRANT (.+?) ON (?:`((?:[^`]|``)*)`|(\*))\.\* TO ", re.IGNORECASE)

# https://mariadb.com/kb/en/mariadb-error-codes/, https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
_REASONS = {
    **dict.fromkeys((1044, 1045, 1142, 1143, 1227, 1356, 1370, 1698, 4151), GapReason.ACCESS_DENIED),
    **dict.fromkeys((1040, 1203, 1226), GapReason.THROTTLED),
    **dict.fromkeys((1205, 1969, 3024, 1317), GapReason.TIMEOUT),
    **dict.fromkeys((1049, 1129, 1130, 2002, 2003, 2005, 2006, 2013, 2026, 2055), GapReason.UNREACHABLE),
    **dict.fromkeys((1064, 1146, 1054, 1235), GapReason.UNSUPPORTED),
}
_SAID = {
    1044: "the login may not use this database",
    1045: "the server does not accept the user or the password",
    1049: "the server knows no database of this name: check url",
    1698: "the server does not accept the user or the password",
}


@dataclass(frozen=True)
class MySql:
    """A `Database` over one read-only transaction."""

    connection: pymysql.connections.Connection[Any]
    engine: str
    name: str
    is_replica: bool
    meter: Callable[[str, str], None]
    samples_pages: bool = False

    def tables(self, *, views: bool) -> list[Table]:
        where = (_SYSTEM, self.name, self.name)
        columns: dict[tuple[str, str], list[Column]] = defaultdict(list)
        for schema, table, name, kind, privileges in self.rows(_COLUMNS, where):
            sort = _SORTS.get(kind.lower(), Sort.UNKNOWN)
            readable = not privileges or "select" in privileges.lower()
            columns[schema, table].append(Column(name, kind.lower(), sort, readable))
        indexed: dict[tuple[str, str], set[str]] = defaultdict(set)
        keys: dict[tuple[str, str], list[str]] = defaultdict(list)
        for schema, table, index, name, position in self.rows(_INDEXES, where):
            if position == 1 and name is not None:
                indexed[schema, table].add(name)
            if index == "PRIMARY":
                keys[schema, table].append(name)
        return [
            _table(schema, name, kind == "VIEW", estimate, columns[schema, name], keys, indexed)
            for schema, name, kind, estimate in self.rows(_TABLES, where)
            if views or kind != "VIEW"
        ]

    def unseen(self) -> CollectError | None:
        granted: list[str] = []
        for (line,) in self.rows("show grants"):
            found = _GRANT.match(line)
            if found and re.search(r"\b(?:SELECT|ALL PRIVILEGES)\b(?! *\()", found[1], re.IGNORECASE):
                granted.append("*" if found[3] else _as_glob(found[2].replace("``", "`")))
        if any(glob == "*" or (self.name and fnmatchcase(self.name, glob)) for glob in granted):
            return None
        where = f"{self.name}.*" if self.name else "*.*"
        return CollectError(
            GapReason.ACCESS_DENIED,
            f"the login sees only what it was granted piece by piece: grant it SELECT on {where}",
        )

    @contextmanager
    def part(self) -> Iterator[None]:
        yield

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with counted(self.meter, API), _classified(), self.connection.cursor() as cursor:
            cursor.execute(statement, tuple(parameters))
            return list(cursor.fetchall())

    def quoted(self, *names: str) -> str:
        return ".".join("`" + name.replace("`", "``").replace("%", "%%") + "`" for name in names)

    def as_text(self, column: Column) -> str:
        return f"left(cast({self.quoted(column.name)} as char), {_LONGEST})"

    def as_day(self, expression: str) -> str:
        return f"concat(cast(date({expression}) as char), 'T00:00:00+00:00')"


@contextmanager
def opened(
    place: Place, meter: Callable[[str, str], None], *, connect_timeout: int, statement_seconds: float
) -> Iterator[MySql]:
    """TLS where the server offers it. The driver waits somewhat longer than the server may take for a statement."""
    import pymysql

    with counted(meter, API), _classified():
        connection: pymysql.connections.Connection[Any] = pymysql.connect(
            **place.login,
            connect_timeout=connect_timeout,
            read_timeout=connect_timeout,
            write_timeout=connect_timeout,
            program_name="parity-auditor",
        )
        # One that accepts and says nothing is waited for as long as for a connection; the driver has no other way to say so.
        connection._read_timeout = connection._write_timeout = round(statement_seconds) + 10
    try:
        with counted(meter, API), _classified(), connection.cursor() as cursor:
            cursor.execute("select version(), @@global.read_only")
            version, read_only = cursor.fetchone() or ("", 0)
            is_maria = "mariadb" in str(version).lower()
            limit = (
                f"max_statement_time = {statement_seconds:g}"
                if is_maria
                else f"max_execution_time = {round(statement_seconds * 1000)}"
            )
            wait = max(1, min(5, round(statement_seconds)))
            cursor.execute(f"set session {limit}, lock_wait_timeout = {wait}, innodb_lock_wait_timeout = {wait}")
            # No view of the past is held open for the statements that follow, and none of them can write.
            cursor.execute("set session transaction isolation level read committed")
            cursor.execute("set session transaction read only")
            cursor.execute("start transaction read only")
        engine = "mariadb" if is_maria else "mysql"
        # Of a server that lets nobody write, as of a replica, nobody waits for an answer.
        yield MySql(connection, engine, place.database, bool(read_only), meter)
    finally:
        connection.close()


@contextmanager
def _classified() -> Iterator[None]:
    """The driver's errors as ours, by number. Their texts are left out: they may quote what was read."""
    import pymysql

    try:
        yield
    except (pymysql.MySQLError, RuntimeError, OSError) as error:
        code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        reason = _REASONS.get(code, GapReason.MALFORMED)
        text = str(error.args[-1]) if error.args else ""
        if "timed out" in text:
            reason = GapReason.TIMEOUT
        if "cryptography" in text:
            raise CollectError(
                GapReason.UNSUPPORTED, "the server asks for a password exchange that needs TLS: switch TLS on there"
            ) from None
        raise CollectError(reason, f"{_SAID.get(code) or WORDS.get(reason, UNTOLD)} (error {code})") from None


def _table(
    schema: str,
    name: str,
    is_view: bool,
    estimate: int | None,
    columns: list[Column],
    keys: dict[tuple[str, str], list[str]],
    indexed: dict[tuple[str, str], set[str]],
) -> Table:
    key = keys[schema, name][0] if len(keys[schema, name]) == 1 else None
    key_type = next((column.type for column in columns if column.name == key), "")
    return Table(
        schema,
        name,
        tuple(columns),
        rows=None if is_view or estimate is None else int(estimate),
        key=key,
        key_sort=KeySort.INTEGER if key_type in _INTEGERS else KeySort.UUID if key_type == "uuid" else KeySort.OTHER,
        indexed=frozenset(indexed[schema, name]),
        is_view=is_view,
        denied=None if any(column.readable for column in columns) else "the login may not read it: grant it SELECT",
    )


def _as_glob(pattern: str) -> str:
    """A grant's pattern (`shop\\_%`) as a glob."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    return "".join({"%": "*", "_": "?"}.get(part, f"[{part[-1]}]" if part[-1] in "*?[" else part[-1]) for part in parts)
