"""Tables and views of MySQL and MariaDB, out of `information_schema`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Kind, Resource
from collectors._databases import migrations
from collectors._databases.forms import body, definition, flat, holds_secret, series, shortened
from collectors._databases.kinds import Kinds
from collectors._databases.mysql import SYSTEM, Catalogue, plain_type
from collectors._databases.parts import Scope, bounded, migrations_of

_WHERE = "{0}.table_schema not in %s and ({0}.table_schema = %s or %s = '')"
_TABLES = f"""
    select t.table_schema, t.table_name, t.engine, t.table_collation
    from information_schema.tables t
    where {_WHERE.format("t")} and t.table_type in ('BASE TABLE', 'SYSTEM VERSIONED')
    order by t.table_schema, t.table_name
"""
_COLUMNS = f"""
    select c.table_schema, c.table_name, c.column_name, c.column_type, c.is_nullable, c.column_default, c.extra,
           c.generation_expression, c.collation_name
    from information_schema.columns c where {_WHERE.format("c")}
    order by c.table_schema, c.table_name, c.ordinal_position
"""
_INDEXES = f"""
    select s.table_schema, s.table_name, s.index_name, s.non_unique, s.index_type, s.column_name, s.sub_part,
           s.collation, {{expression}}
    from information_schema.statistics s where {_WHERE.format("s")}
    order by s.table_schema, s.table_name, s.index_name, s.seq_in_index
"""
_KEYS = f"""
    select k.table_schema, k.table_name, k.constraint_name, k.column_name, k.referenced_table_schema,
           k.referenced_table_name, k.referenced_column_name, r.update_rule, r.delete_rule
    from information_schema.key_column_usage k join information_schema.referential_constraints r
      on r.constraint_schema = k.constraint_schema and r.constraint_name = k.constraint_name
      and r.table_name = k.table_name
    where {_WHERE.format("k")} and k.referenced_table_name is not null
    order by k.table_schema, k.table_name, k.constraint_name, k.ordinal_position
"""
_CHECKS = {
    True: """
        select c.constraint_schema, c.table_name, c.check_clause from information_schema.check_constraints c
        where c.constraint_schema not in %s and (c.constraint_schema = %s or %s = '')
    """,
    False: f"""
        select t.table_schema, t.table_name, c.check_clause from information_schema.check_constraints c
        join information_schema.table_constraints t
          on t.constraint_schema = c.constraint_schema and t.constraint_name = c.constraint_name
        where {_WHERE.format("t")} and t.constraint_type = 'CHECK'
    """,
}
_PARTITIONS = f"""
    select p.table_schema, p.table_name, p.partition_method, p.partition_expression, p.partition_description
    from information_schema.partitions p where {_WHERE.format("p")} and p.partition_method is not null
    order by p.table_schema, p.table_name, p.partition_ordinal_position
"""
_TRIGGERS = """
    select t.event_object_schema, t.event_object_table, t.trigger_name, t.action_timing, t.event_manipulation,
           t.action_statement
    from information_schema.triggers t
    where t.event_object_schema not in %s and (t.event_object_schema = %s or %s = '')
"""
_VIEWS = f"""
    select v.table_schema, v.table_name, v.view_definition, v.security_type, v.check_option
    from information_schema.views v where {_WHERE.format("v")} order by v.table_schema, v.table_name
"""
_BOOKS = f"""
    select c.table_schema, c.table_name, lower(c.column_name) from information_schema.columns c
    where {_WHERE.format("c")} and lower(c.table_name) in %s
"""
_Key = tuple[str, str]


@dataclass
class Tables:
    """The tables and views of one database, or of all."""

    catalogue: Catalogue
    kinds: Kinds
    scope: Scope
    database: str

    def identity(self, schema: str, name: str) -> str:
        return f"{self.scope.name}.{name}" if self.database else f"{self.scope.name}.{schema}.{name}"

    def tables(self) -> Iterator[Resource | Gap]:
        self.seen("every table")
        found = [
            row for row in self._rows(_TABLES) if self.scope.takes(row[0], row[1]) and not migrations.is_book(row[1])
        ]
        newest = {
            (schema, series(name)): (schema, name, engine, collation) for schema, name, engine, collation in found
        }
        yield from self._bounded(list(newest.values()), self.kinds.table, "tables")
        columns, indexes = self._columns({(row[0], row[1]): row[3] for row in found}), self._indexes()
        keys, checks = self._foreign_keys(), self._checks()
        partitions, triggers = self._partitions(), self._triggers()
        for (schema, called), (_, name, engine, collation) in list(newest.items())[: self.scope.options.limits.objects]:
            at = (schema, name)
            attributes: dict[str, Any] = {"engine": engine, "collation": collation, "columns": columns[at]}
            attributes["indexes"] = indexes[at]
            attributes |= {"foreign_keys": keys[at]} if keys[at] else {}
            attributes |= {"checks": sorted(checks[at])} if checks[at] else {}
            attributes |= {"triggers": triggers[at]} if triggers[at] else {}
            attributes |= partitions.get(at, {})
            yield self.scope.resource(self.kinds.table, self.identity(schema, called), attributes)
        if not self._may("TRIGGER"):
            # Constraints, too, are shown to those only who may do more than read.
            for attribute in ("triggers", "foreign_keys", "checks"):
                what = attribute.replace("_", " ")
                denied = f"the login may not see {what}: {self.catalogue.grant('TRIGGER', self.database)}"
                error = CollectError(GapReason.ACCESS_DENIED, denied)
                yield self.scope.gap(self.kinds.table, error, attribute=attribute)

    def views(self) -> Iterator[Resource | Gap]:
        self.seen("every view")
        found = [row for row in self._rows(_VIEWS) if self.scope.takes(row[0], row[1])]
        yield from self._bounded(found, self.kinds.view, "views")
        columns = self._columns({(row[0], row[1]): None for row in found})
        for schema, name, text, security, checked in found[: self.scope.options.limits.objects]:
            shown = [{"name": column["name"], "type": column["type"]} for column in columns[schema, name]]
            attributes = {"columns": shown, "security_definer": security == "DEFINER", "check_option": checked}
            identity = self.identity(schema, name)
            if text:
                # The server writes its database's name before every table and column.
                own = self.catalogue.server.quoted(schema).replace("%%", "%")
                attributes["definition"] = definition(text.replace(f"{own}.", ""))
            yield self.scope.resource(self.kinds.view, identity, attributes)
            if not text:
                denied = f"the login may not see its definition: {self.catalogue.grant('SHOW VIEW', schema)}"
                error = CollectError(GapReason.ACCESS_DENIED, denied)
                yield self.scope.gap(self.kinds.view, error, resource=identity, attribute="definition")

    def migrations(self) -> Iterator[Resource | Gap]:
        self.seen("the tables of migration tools")
        columns: dict[_Key, set[str]] = defaultdict(set)
        for schema, table, column in self.catalogue.rows(
            _BOOKS, (SYSTEM, self.database, self.database, migrations.TABLES)
        ):
            if self.scope.options.schemas.takes(schema):
                columns[schema, table].add(column)
        yield from migrations_of(
            self.scope,
            self.kinds.migrations,
            [migrations.Found(schema, table, frozenset(names)) for (schema, table), names in columns.items()],
            self.catalogue,
            identity=lambda table: self.identity(table.schema, table.table),
            grant=lambda table: self.catalogue.grant("SELECT", table.schema, table.table),
            guard=self.catalogue.part,
        )

    def seen(self, what: str) -> None:
        """Raise CollectError where the login is not shown everything: what it is shown is no listing then."""
        self.catalogue.needs("SELECT", self.database, what)

    def _may(self, right: str) -> bool:
        return self.catalogue.may(right, self.database or "*")

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self.catalogue.rows(statement, (SYSTEM, self.database, self.database))

    def _bounded(self, found: Sequence[Any], kind: Kind, what: str) -> Iterator[Gap]:
        error = bounded(found, self.scope.options.limits.objects, what)
        if error is not None:
            yield self.scope.gap(kind, error)

    def _columns(self, wanted: dict[_Key, str | None]) -> dict[_Key, list[dict[str, Any]]]:
        found: dict[_Key, list[dict[str, Any]]] = defaultdict(list)
        for schema, table, name, sort, nullable, default, extra, generated, collation in self._rows(_COLUMNS):
            if (schema, table) not in wanted:
                continue
            column: dict[str, Any] = {
                "name": name,
                "type": plain_type(sort),
                "nullable": nullable == "YES",
            }
            if default is not None and str(default) != "NULL":
                hidden = holds_secret(name, str(default)) or holds_secret(name, f"'{default}'")
                text = str(default)
                column["default"] = f"text {self.scope.context.fingerprint(text)}" if hidden else shortened(text)
            beside = " ".join(str(extra or "").replace("DEFAULT_GENERATED", "").split()).lower()
            column |= {"extra": beside} if beside else {}
            column |= {"generated": f"from {flat(str(generated))}"} if generated else {}
            column |= {"collation": collation} if collation and collation != wanted[schema, table] else {}
            found[schema, table].append(column)
        return found

    def _indexes(self) -> dict[_Key, list[dict[str, Any]]]:
        parts: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        shape: dict[tuple[str, str, str], tuple[bool, str]] = {}
        expression = "null" if self.catalogue.is_maria else "s.expression"
        for schema, table, index, non_unique, sort, column, length, order, said in self._rows(
            _INDEXES.format(expression=expression)
        ):
            text = str(column) if column is not None else f"({flat(str(said))})"
            text += f"({length})" if length is not None else ""
            parts[schema, table, index].append(text + (" desc" if order == "D" else ""))
            shape[schema, table, index] = (not non_unique, str(sort).lower())
        found: dict[_Key, dict[str, dict[str, Any]]] = defaultdict(dict)
        for (schema, table, index), columns in parts.items():
            unique, sort = shape[schema, table, index]
            on = shortened(f"{sort} ({', '.join(columns)})")
            before = found[schema, table].get(on)
            if before is None or (unique and not before["unique"]):
                primary = {"primary": True} if index == "PRIMARY" else {}
                found[schema, table][on] = {"on": on, "unique": unique, **primary}
        return defaultdict(list, {at: list(indexes.values()) for at, indexes in found.items()})

    def _foreign_keys(self) -> dict[_Key, list[dict[str, Any]]]:
        own: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        others: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        rules: dict[tuple[str, str, str], tuple[str, str, str]] = {}
        for schema, table, name, column, other_schema, other, target, update, delete in self._rows(_KEYS):
            key = (schema, table, name)
            own[key].append(column)
            others[key].append(target)
            rules[key] = (other if other_schema == schema else f"{other_schema}.{other}", update, delete)
        found: dict[_Key, list[dict[str, Any]]] = defaultdict(list)
        for key, columns in own.items():
            other, update, delete = rules[key]
            target = f"{other}({', '.join(others[key])}) on update {update.lower()} on delete {delete.lower()}"
            found[key[0], key[1]].append({"columns": ", ".join(columns), "references": target})
        return found

    def _checks(self) -> dict[_Key, list[str]]:
        found: dict[_Key, list[str]] = defaultdict(list)
        for schema, table, clause in self._rows(_CHECKS[self.catalogue.is_maria]):
            found[schema, table].append(shortened(flat(str(clause))))
        return found

    def _partitions(self) -> dict[_Key, dict[str, Any]]:
        parts: dict[_Key, list[tuple[str, str, str]]] = defaultdict(list)
        for schema, table, method, expression, bound in self._rows(_PARTITIONS):
            parts[schema, table].append((str(method), str(expression or ""), str(bound or "")))
        found: dict[_Key, dict[str, Any]] = {}
        for at, bounds in parts.items():
            method, expression, _ = bounds[0]
            told: dict[str, Any] = {"attached": True}
            if method.startswith("LIST"):
                told["values"] = sorted(bound for _, _, bound in bounds)
            if "HASH" in method or "KEY" in method:
                told["count"] = len(bounds)
            found[at] = {"partitioned_by": f"{method} ({flat(expression)})", "partitions": told}
        return found

    def _triggers(self) -> dict[_Key, list[dict[str, Any]]]:
        names = self.scope.context.aliases or (self.scope.context.environment,)
        found: dict[_Key, list[dict[str, Any]]] = defaultdict(list)
        for schema, table, name, timing, event, statement in self._rows(_TRIGGERS):
            digest = self.scope.context.fingerprint(body(str(statement), names))
            found[schema, table].append({"name": name, "does": f"{timing} {event}", "body_digest": digest})
        return found
