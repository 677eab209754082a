"""PostgreSQL's roles by what they may do. Reads `pg_roles`, which shows everybody all but the passwords."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from auditor.model import Gap, Resource
from collectors._databases.kinds import Kinds
from collectors._databases.parts import Scope, bounded
from collectors._databases.postgres import OWN_SCHEMA, Catalogue, not_of_an_extension
from collectors._databases.postgres_code import Grants

# What the server, or whoever hosts it, brought along.
_FOREIGN = re.compile(r"pg_|rds_?|rdsadmin|aws_|azure_|azuresu|cloudsql|alloydb|neon_|supabase_")
_ROLES = """
    select r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication,
           r.rolbypassrls, r.rolconnlimit, r.rolvaliduntil is not null, r.rolconfig,
           (select array_agg(g.rolname order by g.rolname) from pg_auth_members m join pg_roles g on g.oid = m.roleid
            where m.member = r.oid)
    from pg_roles r where r.rolname !~ '^pg_' order by r.rolname
"""
_CLASSES = {"r": "tables", "p": "tables", "v": "views", "m": "views", "f": "tables", "S": "sequences"}
_RELATIONS = f"""
    select n.nspname, c.relkind::text, o.rolname, count(*)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_roles o on o.oid = c.relowner
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and not c.relispartition and c.relpersistence <> 't'
      and {OWN_SCHEMA} and {not_of_an_extension("pg_class", "c.oid")}
    group by 1, 2, 3
"""
_GRANTS = f"""
    select coalesce(g.rolname, 'PUBLIC'), n.nspname, c.relkind::text, a.privilege_type, count(distinct c.oid)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    cross join lateral aclexplode(c.relacl) a left join pg_roles g on g.oid = a.grantee
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and not c.relispartition and c.relpersistence <> 't'
      and a.grantee <> c.relowner and {OWN_SCHEMA} and {not_of_an_extension("pg_class", "c.oid")}
    group by 1, 2, 3, 4
"""
_SCHEMAS = f"""
    select coalesce(g.rolname, 'PUBLIC'), n.nspname, a.privilege_type
    from pg_namespace n cross join lateral aclexplode(n.nspacl) a left join pg_roles g on g.oid = a.grantee
    where a.grantee <> n.nspowner and {OWN_SCHEMA} and {not_of_an_extension("pg_namespace", "n.oid")}
"""
_SWITCHES = ("superuser", "inherit", "createrole", "createdb", "login", "replication", "bypass_row_security")


@dataclass
class Roles:
    """The roles of a server, as far as one database shows what they may do in it."""

    catalogue: Catalogue
    kinds: Kinds
    scope: Scope

    def roles(self) -> Iterator[Resource | Gap]:
        grants, owned = self._grants()
        found = [
            row
            for row in self.catalogue.rows(_ROLES)
            if not _FOREIGN.match(row[0])
            and not (self._is_anothers(row[0]) and not grants.held.get(row[0]) and row[0] not in owned)
        ]
        most = self.scope.options.limits.objects
        error = bounded(found, most, "roles")
        if error is not None:
            yield self.scope.gap(self.kinds.role, error)
        for name, *switches, connections, expires, settings, groups in found[:most]:
            attributes: dict[str, Any] = dict(zip(_SWITCHES, switches, strict=True))
            attributes |= {"expires": expires, "member_of": sorted(groups or ())}
            attributes |= {"connection_limit": connections} if connections >= 0 else {}
            attributes |= {"settings": dict(sorted(item.split("=", 1) for item in settings))} if settings else {}
            yield self._role(name, attributes, grants, owned)
        if grants.held.get("PUBLIC"):
            yield self._role("PUBLIC", {}, grants, owned)

    def _is_anothers(self, role: str) -> bool:
        """Whether a role carries the name of another environment, as roles do where two share a server."""
        asked = self.scope.context
        named = set(re.split(r"[^a-z0-9]+", role.lower()))
        return bool(named & set(asked.others)) and not named & set(asked.aliases)

    def _role(
        self, name: str, attributes: dict[str, Any], grants: Grants, owned: dict[str, dict[str, int]]
    ) -> Resource:
        owns = [
            {"what": what, "share": "all" if number >= grants.totals.get(what, 1) else "some"}
            for what, number in sorted(owned.get(name, {}).items())
        ]
        told = attributes | {"grants": grants.of(name)} | ({"owns": owns} if owns else {})
        return self.scope.resource(self.kinds.role, f"{self.scope.name}.{name}", told)

    def _grants(self) -> tuple[Grants, dict[str, dict[str, int]]]:
        grants = Grants.empty()
        owned: dict[str, dict[str, int]] = defaultdict(dict)
        for schema, kind, owner, number in self.catalogue.rows(_RELATIONS):
            what = f"{_CLASSES[kind]} in {schema}"
            grants.totals[what] = grants.totals.get(what, 0) + number
            owned[owner][what] = owned[owner].get(what, 0) + number
        for role, schema, kind, privilege, number in self.catalogue.rows(_GRANTS):
            held = grants.held[role][f"{_CLASSES[kind]} in {schema}"]
            held[privilege] = held.get(privilege, 0) + number
        for role, schema, privilege in self.catalogue.rows(_SCHEMAS):
            grants.held[role][f"schema {schema}"][privilege] = 1
        return grants, owned
