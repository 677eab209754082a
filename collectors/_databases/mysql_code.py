"""Routines, events, databases and users of MySQL and MariaDB."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Kind, Resource
from collectors._databases.forms import body
from collectors._databases.kinds import Kinds
from collectors._databases.mysql import SYSTEM, Catalogue, plain_type
from collectors._databases.parts import Scope, bounded

_ROUTINES = """
    select routine_schema, routine_name, routine_type, dtd_identifier, routine_definition, is_deterministic,
           sql_data_access, security_type, sql_mode
    from information_schema.routines
    where routine_schema not in %s and (routine_schema = %s or %s = '') and routine_type in ('FUNCTION', 'PROCEDURE')
    order by routine_schema, routine_name, routine_type
"""
_ARGUMENTS = """
    select specific_schema, specific_name, routine_type, parameter_mode, parameter_name, dtd_identifier
    from information_schema.parameters
    where specific_schema not in %s and (specific_schema = %s or %s = '') and ordinal_position > 0
    order by specific_schema, specific_name, routine_type, ordinal_position
"""
_EVENTS = """
    select event_schema, event_name, event_type, interval_value, interval_field, status, event_definition
    from information_schema.events where event_schema not in %s and (event_schema = %s or %s = '')
    order by event_schema, event_name
"""
_DATABASES = """
    select schema_name, default_collation_name from information_schema.schemata
    where schema_name not in %s and (schema_name = %s or %s = '') order by schema_name
"""
_EVERYWHERE = "select grantee, privilege_type, is_grantable from information_schema.user_privileges"
_SCHEMAS = """
    select grantee, table_schema, privilege_type, is_grantable from information_schema.schema_privileges
    where table_schema not in %s
"""
_TABLES = """
    select grantee, table_schema, privilege_type, count(*) from information_schema.table_privileges
    where table_schema not in %s group by grantee, table_schema, privilege_type
"""
_LOGINS = """
    select user, host, {is_role}, coalesce(authentication_string, '') = '' and plugin in
           ('', 'mysql_native_password', 'mysql_old_password', 'caching_sha2_password', 'sha256_password', 'ed25519')
    from mysql.user
"""
_GROUPS = {
    True: "select user, role from mysql.roles_mapping",
    False: "select to_user, from_user from mysql.role_edges",
}
_GRANTEE = re.compile(r"'((?:[^']|'')*)'@'((?:[^']|'')*)'\Z")
_FOREIGN = re.compile(
    r"mysql\..*|mariadb\.sys|rdsadmin|rds_.*|rdsrepladmin|azure_superuser|cloudsql.*|PUBLIC", re.DOTALL
)
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass
class Code:
    """What a server holds besides tables and views."""

    catalogue: Catalogue
    kinds: Kinds
    event: Kind
    scope: Scope
    database: str

    def identity(self, schema: str, name: str) -> str:
        return f"{self.scope.name}.{name}" if self.database else f"{self.scope.name}.{schema}.{name}"

    def databases(self) -> Iterator[Resource | Gap]:
        self.catalogue.needs("SELECT", self.database, "every database")
        for schema, collation in self._rows(_DATABASES):
            if self.scope.options.schemas.takes(schema):
                # A collation's name begins with that of the character set it is for.
                attributes = {"collation": collation}
                identity = self.scope.name if self.database else f"{self.scope.name}.{schema}"
                yield self.scope.resource(self.kinds.database, identity, attributes)

    def routines(self) -> Iterator[Resource | Gap]:
        if not self.catalogue.may("SELECT", "mysql") and not self.catalogue.may("SHOW_ROUTINE", "*"):
            self.catalogue.needs("EXECUTE", self.database, "routines")
        found = [row for row in self._rows(_ROUTINES) if self.scope.options.schemas.takes(row[0])]
        yield from self._bounded(found, self.kinds.routine, "routines")
        arguments: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        for schema, name, kind, mode, argument, sort in self._rows(_ARGUMENTS):
            said = (mode, argument, plain_type(sort))
            arguments[schema, name, kind].append(" ".join(str(part) for part in said if part))
        for schema, name, kind, returns, code, deterministic, access, security, mode in found[: self._most]:
            attributes: dict[str, Any] = {
                "type": str(kind).lower(),
                "arguments": arguments[schema, name, kind],
                "deterministic": deterministic == "YES",
                "sql_data_access": access,
                "security_definer": security == "DEFINER",
                "sql_mode": ",".join(sorted(str(mode or "").split(","))),
            }
            attributes |= {"returns": plain_type(returns)} if returns else {}
            identity = self.identity(schema, name)
            if code is not None:
                attributes["body_digest"] = self._digest(code)
            yield self.scope.resource(self.kinds.routine, identity, attributes)
            if code is None:
                right = ("SELECT", "mysql", "proc") if self.catalogue.is_maria else ("SHOW_ROUTINE", "", "*")
                denied = f"the login may not see its body: {self.catalogue.grant(*right)}"
                error = CollectError(GapReason.ACCESS_DENIED, denied)
                yield self.scope.gap(self.kinds.routine, error, resource=identity, attribute="body_digest")

    def events(self) -> Iterator[Resource | Gap]:
        self.catalogue.needs("EVENT", self.database, "events")
        found = [row for row in self._rows(_EVENTS) if self.scope.options.schemas.takes(row[0])]
        yield from self._bounded(found, self.event, "events")
        for schema, name, kind, every, unit, status, code in found[: self._most]:
            when = f"every {every} {str(unit).lower()}" if every is not None else str(kind).lower()
            attributes = {"when": when, "enabled": str(status).upper() == "ENABLED", "body_digest": self._digest(code)}
            yield self.scope.resource(self.event, self.identity(schema, name), attributes)

    def roles(self) -> Iterator[Resource | Gap]:
        if not self.catalogue.may("SELECT", "mysql"):
            grant = self.catalogue.grant("SELECT", "mysql")
            raise CollectError(GapReason.ACCESS_DENIED, f"the login sees no rights but its own: {grant}")
        logins = self.catalogue.rows(_LOGINS.format(is_role="is_role = 'Y'" if self.catalogue.is_maria else "false"))
        groups: dict[str, set[str]] = defaultdict(set)
        for user, role in self.catalogue.rows(_GROUPS[self.catalogue.is_maria]):
            groups[str(user)].add(str(role))
        grants = self._grants()
        users: dict[str, list[tuple[str, bool, bool]]] = defaultdict(list)
        for user, host, is_role, open_ in logins:
            if not _FOREIGN.fullmatch(str(user)):
                users[str(user)].append((str(host), bool(is_role), bool(open_)))
        # Of one database only those are told who may do anything there: others belong to its neighbours.
        told = sorted(
            user
            for user in users
            if not self.database or grants.get(user) or any(grants.get(group) for group in groups.get(user, ()))
        )
        yield from self._bounded(told, self.kinds.role, "roles")
        for user in told[: self._most]:
            held = grants.get(user, {})
            everywhere = held.get("everything", {})
            superuser = "SUPER" in everywhere
            shown = held | ({"everything": {"ALL PRIVILEGES": "all"}} if superuser else {})
            attributes: dict[str, Any] = {
                "superuser": superuser,
                "login": not all(is_role for _, is_role, _ in users[user]),
                "no_password": any(open_ and not is_role for _, is_role, open_ in users[user]),
                "member_of": sorted(groups.get(user, ())),
                "connects_from": sorted({_from(host) for host, is_role, _ in users[user] if not is_role}),
                "grants": [{"on": what} | rights for what, rights in sorted(shown.items())],
            }
            yield self.scope.resource(self.kinds.role, f"{self.scope.name}.{user or 'anonymous'}", attributes)

    @property
    def _most(self) -> int:
        return self.scope.options.limits.objects

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self.catalogue.rows(statement, (SYSTEM, self.database, self.database))

    def _bounded(self, found: list[Any], kind: Kind, what: str) -> Iterator[Gap]:
        error = bounded(found, self._most, what)
        if error is not None:
            yield self.scope.gap(kind, error)

    def _digest(self, code: Any) -> str:
        names = self.scope.context.aliases or (self.scope.context.environment,)
        return self.scope.context.fingerprint(body(str(code or ""), names))

    def _grants(self) -> dict[str, dict[str, dict[str, str]]]:
        """By user: on what -> right -> `all`, or `some` where it is held of single tables."""
        found: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
        for grantee, right, grantable in self.catalogue.rows(_EVERYWHERE):
            if right != "USAGE":
                _add(found[_user(grantee)]["everything"], right, grantable)
        for grantee, schema, right, grantable in self.catalogue.rows(_SCHEMAS, (SYSTEM,)):
            if self._takes(schema) and right != "USAGE":
                _add(found[_user(grantee)][f"database {self._called(schema)}"], right, grantable)
        for grantee, schema, right, _ in self.catalogue.rows(_TABLES, (SYSTEM,)):
            if self._takes(schema) and right != "USAGE":
                found[_user(grantee)][f"tables in {self._called(schema)}"][str(right)] = "some"
        return found

    def _takes(self, pattern: str) -> bool:
        """A grant's database may be a pattern; `_` and `%` of a name are escaped there."""
        return not self.database or pattern.replace("\\", "") == self.database or "%" in pattern

    def _called(self, pattern: str) -> str:
        plain = str(pattern).replace("\\", "")
        return self.scope.name if plain == self.database else plain


def _add(rights: dict[str, str], right: Any, grantable: Any) -> None:
    rights[str(right)] = "all"
    if grantable == "YES":
        rights["GRANT OPTION"] = "all"


def _user(grantee: Any) -> str:
    found = _GRANTEE.match(str(grantee))
    return found[1].replace("''", "'") if found else str(grantee)


def _from(host: str) -> str:
    return "here" if host in _LOCAL else "anywhere" if host == "%" else "a network"
