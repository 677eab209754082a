"""PostgreSQL's routines, sequences and types out of its catalogue, and the tables of migration tools."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from auditor.model import Gap, Resource
from collectors._databases import migrations
from collectors._databases.forms import body, flat, series, shortened
from collectors._databases.kinds import Kinds
from collectors._databases.parts import Scope, bounded, migrations_of
from collectors._databases.postgres import OWN_SCHEMA, Catalogue, not_of_an_extension

# More of a body than anyone writes by hand; its length is part of what the fingerprint is taken of.
_LONGEST_BODY = 1_000_000
_ROUTINES = f"""
    select n.nspname, p.proname, oidvectortypes(p.proargtypes), p.prokind::text, pg_get_function_result(p.oid),
           l.lanname, p.provolatile::text, p.proisstrict, p.prosecdef, p.proparallel::text, p.proconfig,
           left(coalesce({{body}}), {_LONGEST_BODY}), length(p.prosrc)
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
    where {OWN_SCHEMA} and {not_of_an_extension("pg_proc", "p.oid")}
    order by n.nspname, p.proname, 3
"""
_SEQUENCES = f"""
    select n.nspname, c.relname, s.seqtypid::regtype::text, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle
    from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
    where {OWN_SCHEMA} and c.relpersistence <> 't' and {not_of_an_extension("pg_class", "c.oid")}
      and not exists (select 1 from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
                      and d.deptype in ('a', 'i') and d.refobjsubid > 0)
    order by n.nspname, c.relname
"""
_TYPES = f"""
    select n.nspname, t.typname, t.typtype::text, case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) end,
           t.typnotnull, t.typdefault,
           (select array_agg(e.enumlabel::text order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid),
           (select array_agg(pg_get_constraintdef(k.oid) order by 1) from pg_constraint k
            where k.contypid = t.oid and k.contype = 'c')
    from pg_type t join pg_namespace n on n.oid = t.typnamespace
    where t.typtype in ('e', 'd') and {OWN_SCHEMA} and {not_of_an_extension("pg_type", "t.oid")}
    order by n.nspname, t.typname
"""
_BOOKS = f"""
    select n.nspname, c.relname, has_table_privilege(c.oid, 'SELECT') and has_schema_privilege(n.oid, 'USAGE'),
           (select array_agg(lower(a.attname::text)) from pg_attribute a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where lower(c.relname) = any(%s) and c.relkind in ('r', 'p') and {OWN_SCHEMA}
"""
_KINDS = {"f": "function", "p": "procedure", "a": "aggregate", "w": "window function"}
_VOLATILITY = {"i": "immutable", "s": "stable", "v": "volatile"}
_PARALLEL = {"s": "safe", "r": "restricted", "u": "unsafe"}


@dataclass
class Code:
    """What a database holds besides tables and views."""

    catalogue: Catalogue
    kinds: Kinds
    scope: Scope

    def routines(self) -> Iterator[Resource | Gap]:
        since_14 = self.catalogue.connection.info.server_version >= 140_000
        text = "pg_get_function_sqlbody(p.oid), p.prosrc" if since_14 else "p.prosrc"
        found = [row for row in self.catalogue.rows(_ROUTINES.format(body=text)) if self._takes(row[0])]
        yield from self._bounded(found, self.kinds.routine, "routines")
        names = self.scope.context.aliases or (self.scope.context.environment,)
        for row in found[: self.scope.options.limits.objects]:
            (
                schema,
                name,
                arguments,
                kind,
                result,
                language,
                volatile,
                strict,
                definer,
                parallel,
                settings,
                code,
                size,
            ) = row
            written = body(code or "", names)
            attributes: dict[str, Any] = {
                "type": _KINDS.get(kind, kind),
                "returns": result,
                "language": language,
                "volatility": _VOLATILITY.get(volatile, volatile),
                "strict": strict,
                "security_definer": definer,
                "parallel": _PARALLEL.get(parallel, parallel),
                "body_digest": self.scope.context.fingerprint(
                    written if size <= _LONGEST_BODY else f"{written} and {size} characters in all"
                ),
            }
            attributes |= {"settings": dict(sorted(item.split("=", 1) for item in settings))} if settings else {}
            attributes = {key: value for key, value in attributes.items() if value is not None}
            yield self.scope.resource(self.kinds.routine, self._identity(schema, f"{name}({arguments})"), attributes)

    def sequences(self) -> Iterator[Resource | Gap]:
        found = [row for row in self.catalogue.rows(_SEQUENCES) if self._takes(row[0])]
        yield from self._bounded(found, self.kinds.sequence, "sequences")
        for schema, name, sort, step, least, most, cycles in found[: self.scope.options.limits.objects]:
            attributes = {"type": sort, "increment": step, "minimum": least, "maximum": most, "cycles": cycles}
            yield self.scope.resource(self.kinds.sequence, self._identity(schema, series(name)), attributes)

    def types(self) -> Iterator[Resource | Gap]:
        found = [row for row in self.catalogue.rows(_TYPES) if self._takes(row[0])]
        yield from self._bounded(found, self.kinds.type, "types")
        for schema, name, kind, base, not_null, default, labels, checks in found[: self.scope.options.limits.objects]:
            attributes: dict[str, Any] = {"type": "enum", "labels": list(labels or ())}
            if kind == "d":
                attributes = {"type": "domain", "base": base, "nullable": not not_null}
                attributes |= {"default": shortened(default)} if default is not None else {}
                attributes |= {"checks": sorted(shortened(flat(each)) for each in checks)} if checks else {}
            yield self.scope.resource(self.kinds.type, self._identity(schema, name), attributes)

    def migrations(self) -> Iterator[Resource | Gap]:
        found = [
            migrations.Found(schema, table, frozenset(columns or ()), readable)
            for schema, table, readable, columns in self.catalogue.rows(_BOOKS, [list(migrations.TABLES)])
            if self._takes(schema)
        ]
        login = self.catalogue.connection.info.user
        yield from migrations_of(
            self.scope,
            self.kinds.migrations,
            found,
            self.catalogue,
            identity=lambda table: self._identity(table.schema, table.table),
            grant=lambda table: (
                f"GRANT USAGE ON SCHEMA {self.catalogue.spelled(table.schema)} TO {self.catalogue.spelled(login)}; "
                f"GRANT SELECT ON {self.catalogue.spelled(table.schema, table.table)} TO {self.catalogue.spelled(login)}"
            ),
            guard=self.catalogue.part,
        )

    def _takes(self, schema: str) -> bool:
        return self.scope.options.schemas.takes(schema)

    def _identity(self, schema: str, name: str) -> str:
        return f"{self.scope.name}.{schema}.{name}"

    def _bounded(self, found: list[Any], kind: Any, what: str) -> Iterator[Gap]:
        error = bounded(found, self.scope.options.limits.objects, what)
        if error is not None:
            yield self.scope.gap(kind, error)


@dataclass
class Grants:
    """Grants on objects, gathered by who holds them, and on what class of things in which schema."""

    totals: dict[str, int]
    held: dict[str, dict[str, dict[str, int]]]

    @classmethod
    def empty(cls) -> Grants:
        return cls({}, defaultdict(lambda: defaultdict(dict)))

    def of(self, role: str) -> list[dict[str, Any]]:
        """`{on: tables in public, SELECT: all, INSERT: some}` for each class."""
        return [
            {"on": what}
            | {
                privilege: "all" if number >= self.totals.get(what, 1) else "some"
                for privilege, number in sorted(privileges.items())
            }
            for what, privileges in sorted(self.held.get(role, {}).items())
        ]
