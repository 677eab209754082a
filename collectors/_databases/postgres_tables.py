"""PostgreSQL's tables and views out of its catalogue. Needs no right but to connect: the catalogue is open to everybody.

https://www.postgresql.org/docs/current/catalogs.html
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from auditor.model import Gap, Resource
from collectors._databases.forms import definition, flat, holds_secret, series, shortened
from collectors._databases.kinds import Kinds
from collectors._databases.migrations import is_book
from collectors._databases.parts import Scope, bounded
from collectors._databases.postgres import OWN_SCHEMA, Catalogue, not_of_an_extension

_RELATIONS = f"""
    select c.oid, n.nspname, c.relname, c.relkind::text, c.relispartition or exists (
               select 1 from pg_inherits i where i.inhrelid = c.oid),
           c.relrowsecurity, c.relforcerowsecurity, c.relpersistence = 'u', pg_get_partkeydef(c.oid), c.reloptions
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relpersistence <> 't' and {OWN_SCHEMA}
      and {not_of_an_extension("pg_class", "c.oid")}
    order by n.nspname, c.relname
"""
_COLUMNS = """
    select a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), not a.attnotnull,
           pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, a.attgenerated::text,
           case when a.attcollation <> t.typcollation then l.collname end,
           exists (select 1 from pg_depend s join pg_class q on q.oid = s.objid and q.relkind = 'S'
                   where s.classid = 'pg_class'::regclass and s.refclassid = 'pg_class'::regclass
                     and s.refobjid = a.attrelid and s.refobjsubid = a.attnum and s.deptype = 'a')
    from pg_attribute a join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    left join pg_collation l on l.oid = a.attcollation
    where a.attrelid = any(%s) and a.attnum > 0 and not a.attisdropped
    order by a.attrelid, a.attnum
"""
_INDEXES = """
    select i.indrelid, pg_get_indexdef(i.indexrelid), i.indisunique, i.indisprimary, i.indisvalid, k.condeferrable
    from pg_index i left join pg_constraint k on k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x')
    where i.indrelid = any(%s)
"""
_CONSTRAINTS = """
    select c.conrelid, c.contype::text, pg_get_constraintdef(c.oid), c.convalidated,
           (select string_agg(a.attname, ', ' order by a.attname) from pg_attribute a
            where a.attrelid = c.conrelid and a.attnum = any(c.conkey))
    from pg_constraint c
    where c.conrelid = any(%s) and c.contype in ('f', 'c', 'x')
"""
_TRIGGERS = """
    select t.tgrelid, t.tgname, pg_get_triggerdef(t.oid), t.tgenabled::text
    from pg_trigger t where t.tgrelid = any(%s) and not t.tgisinternal
"""
_POLICIES = """
    select p.polrelid, p.polname, p.polpermissive, p.polcmd::text, pg_get_expr(p.polqual, p.polrelid),
           pg_get_expr(p.polwithcheck, p.polrelid),
           (select array_agg(coalesce(r.rolname, 'PUBLIC')) from unnest(p.polroles) o left join pg_roles r on r.oid = o)
    from pg_policy p where p.polrelid = any(%s)
"""
_PARTITIONS = """
    select i.inhparent, c.relname, pg_get_expr(c.relpartbound, c.oid)
    from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = any(%s)
"""
_VIEWS = "select c.oid, pg_get_viewdef(c.oid) from pg_class c where c.oid = any(%s)"
_COMMANDS = {"r": "select", "a": "insert", "w": "update", "d": "delete", "*": "all"}
_FIRED = {"O": "origin", "D": "never", "R": "replica", "A": "always"}


@dataclass(frozen=True, slots=True)
class _Relation:
    oid: int
    schema: str
    name: str
    kind: str
    is_child: bool
    row_security: bool
    forced: bool
    unlogged: bool
    partitioned_by: str | None
    options: Sequence[str] | None


@dataclass
class Tables:
    """The tables and views of one database."""

    catalogue: Catalogue
    kinds: Kinds
    scope: Scope

    def tables(self) -> Iterator[Resource | Gap]:
        found = [each for each in self._relations("rpf") if not each.is_child and not is_book(each.name)]
        # Of several that differ in a date only, the newest speaks.
        newest = {(each.schema, series(each.name)): each for each in found}
        yield from self._bounded(list(newest.values()), self.kinds.table, "tables")
        chosen = dict(list(newest.items())[: self._most])
        ids = [each.oid for each in chosen.values()]
        columns, indexes = self._columns(ids), self._indexes(ids)
        constraints, triggers = self._constraints(ids), self._triggers(ids)
        policies, partitions = self._policies(ids), self._partitions(ids)
        for (schema, name), each in chosen.items():
            attributes: dict[str, Any] = {"columns": columns[each.oid], "indexes": indexes[each.oid]}
            attributes |= constraints[each.oid]
            attributes |= {"triggers": triggers[each.oid]} if triggers[each.oid] else {}
            attributes["row_security"] = {
                "enabled": each.row_security,
                "forced": each.forced,
                "policies": policies[each.oid],
            }
            attributes |= {"unlogged": True} if each.unlogged else {}
            attributes |= {"foreign": True} if each.kind == "f" else {}
            if each.partitioned_by:
                attributes["partitioned_by"] = each.partitioned_by
                attributes |= {"partitions": _partitions(each.partitioned_by, partitions[each.oid])}
            yield self.scope.resource(self.kinds.table, f"{self.scope.name}.{schema}.{name}", attributes)

    def views(self) -> Iterator[Resource | Gap]:
        found = self._relations("vm")
        yield from self._bounded(found, self.kinds.view, "views")
        found = found[: self._most]
        ids = [each.oid for each in found]
        columns, indexes = self._columns(ids), self._indexes(ids)
        texts = dict(self.catalogue.rows(_VIEWS, [ids]))
        for each in found:
            attributes: dict[str, Any] = {
                "columns": [{"name": column["name"], "type": column["type"]} for column in columns[each.oid]],
                "definition": definition(texts.get(each.oid) or ""),
                "materialized": each.kind == "m",
            }
            attributes |= {"indexes": indexes[each.oid]} if indexes[each.oid] else {}
            attributes |= {"options": sorted(each.options)} if each.options else {}
            yield self.scope.resource(self.kinds.view, f"{self.scope.name}.{each.schema}.{each.name}", attributes)

    @property
    def _most(self) -> int:
        return self.scope.options.limits.objects

    def _bounded(self, found: Sequence[Any], kind: Any, what: str) -> Iterator[Gap]:
        error = bounded(found, self._most, what)
        if error is not None:
            yield self.scope.gap(kind, error)

    def _relations(self, kinds: str) -> list[_Relation]:
        relations = [_Relation(*row) for row in self.catalogue.rows(_RELATIONS)]
        return [each for each in relations if each.kind in kinds and self.scope.takes(each.schema, each.name)]

    def _columns(self, ids: list[int]) -> dict[int, list[dict[str, Any]]]:
        found: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for oid, name, sort, nullable, default, identity, generated, collation, has_sequence in self.catalogue.rows(
            _COLUMNS, [ids]
        ):
            column: dict[str, Any] = {"name": name, "type": sort, "nullable": nullable}
            if identity:
                column["generated"] = "always as identity" if identity == "a" else "by default as identity"
            elif generated:
                column["generated"] = f"from {flat(default or '')}"
            elif has_sequence and default and default.startswith("nextval("):
                # The sequence's own name was made up when the table was.
                column["default"] = "next of its own sequence"
            elif default is not None and holds_secret(name, default):
                column["default"] = f"text {self.scope.context.fingerprint(default)}"
            elif default is not None:
                column["default"] = shortened(flat(default))
            column |= {"collation": collation} if collation else {}
            found[oid].append(column)
        return found

    def _indexes(self, ids: list[int]) -> dict[int, list[dict[str, Any]]]:
        found: dict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
        for oid, text, unique, primary, valid, deferrable in self.catalogue.rows(_INDEXES, [ids]):
            # Behind the names of index and table, of which the first may be made up, stands what it is.
            on = shortened(flat(re.sub(r"^.*? USING ", "", text, count=1, flags=re.DOTALL)))
            index: dict[str, Any] = {"on": on, "unique": unique}
            index |= {"primary": True} if primary else {}
            index |= {} if valid else {"valid": False}
            index |= {"deferrable": True} if deferrable else {}
            before = found[oid].get(on)
            if before is None or (unique and not before["unique"]):
                found[oid][on] = index
        return defaultdict(list, {oid: list(indexes.values()) for oid, indexes in found.items()})

    def _constraints(self, ids: list[int]) -> dict[int, dict[str, Any]]:
        keys: dict[int, list[dict[str, Any]]] = defaultdict(list)
        checks: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        others: dict[int, list[str]] = defaultdict(list)
        for oid, kind, text, validated, columns in self.catalogue.rows(_CONSTRAINTS, [ids]):
            said = flat(text.removesuffix(" NOT VALID"))
            if kind == "f":
                own, _, target = said.removeprefix("FOREIGN KEY").strip().partition("REFERENCES")
                key: dict[str, Any] = {"columns": own.strip(" ()"), "references": target.strip()}
                keys[oid].append(key | ({} if validated else {"validated": False}))
            elif kind == "c":
                checks[oid][columns or "the row"].append(shortened(said.removeprefix("CHECK").strip()))
            else:
                others[oid].append(shortened(said))
        found: dict[int, dict[str, Any]] = {}
        for oid in ids:
            told: dict[str, Any] = {}
            if keys[oid]:
                told["foreign_keys"] = sorted(keys[oid], key=lambda each: (each["columns"], each["references"]))
            if checks[oid]:
                told["checks"] = [{"columns": own, "hold": sorted(hold)} for own, hold in sorted(checks[oid].items())]
            if others[oid]:
                told["exclusions"] = sorted(others[oid])
            found[oid] = told
        return found

    def _triggers(self, ids: list[int]) -> dict[int, list[dict[str, Any]]]:
        found: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for oid, name, text, enabled in self.catalogue.rows(_TRIGGERS, [ids]):
            does = re.sub(r"^CREATE (?:CONSTRAINT )?TRIGGER ", "", flat(text)).replace(
                self.catalogue.spelled(name), "", 1
            )
            does = does.removeprefix(name).strip()
            found[oid].append({"name": name, "does": shortened(does), "fires": _FIRED.get(enabled, enabled)})
        return found

    def _policies(self, ids: list[int]) -> dict[int, list[dict[str, Any]]]:
        found: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for oid, name, permissive, command, using, check, roles in self.catalogue.rows(_POLICIES, [ids]):
            policy: dict[str, Any] = {"name": name, "permissive": permissive, "on": _COMMANDS.get(command, command)}
            policy |= {"using": shortened(flat(using))} if using else {}
            policy |= {"check": shortened(flat(check))} if check else {}
            found[oid].append(policy | {"roles": sorted(roles or ())})
        return found

    def _partitions(self, ids: list[int]) -> dict[int, list[tuple[str, str]]]:
        found: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for parent, name, bound in self.catalogue.rows(_PARTITIONS, [ids]):
            found[parent].append((name, bound or ""))
        return found


def _partitions(key: str, parts: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """How a table is split, without the parts that come and go with time and load."""
    bounds = [bound for _, bound in parts]
    told: dict[str, Any] = {"default": "DEFAULT" in bounds, "attached": bool(parts)}
    if key.upper().startswith("LIST"):
        told["values"] = sorted(flat(bound) for bound in bounds if bound != "DEFAULT")
    if key.upper().startswith("HASH"):
        told["count"] = len(parts)
    return told
