"""How Vault is asked, and the shape of its mounts, auth methods and policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Json, Resource
from collectors._answers import as_type, maybe, text
from collectors._web import Site
from collectors.files import structured, terraform
from collectors.files.text import Malformed

# Vault makes these itself, alike everywhere.
_BUILT_IN = frozenset({"system", "identity", "cubbyhole", "ns_system", "ns_identity", "ns_cubbyhole", "ns_token"})
_SETTINGS = ("type", "description", "local", "seal_wrap", "external_entropy_access", "plugin_version")


@dataclass(frozen=True, slots=True)
class Asking:
    """One part of a Vault being read.

    kind   the kind that is listed
    place  its address, without secrets
    paths  the folders to read of key/value stores, each with a slash at its end; none means all
    read   how much of each secret: `paths`, `metadata`, `keys`, `values`
    most   how many secrets are listed before that is given up
    """

    site: Site
    context: Context
    source: str
    kind: str
    place: str
    namespace: str | None
    paths: tuple[str, ...] = ()
    read: str = "metadata"
    most: int = 2000

    def data(self, path: str) -> dict[str, Any]:
        """The `data` of the answer at `path`. Raises CollectError."""
        answer = as_type(self.site.json(self.context, f"/v1/{quote(path)}"), dict, "data")
        return as_type(answer.get("data"), dict, "data")

    def keys(self, path: str) -> list[str]:
        """What a folder lists, folders with a slash at their end; nothing where it holds nothing. Raises CollectError."""
        reply = self.site.get(self.context, f"/v1/{quote(path)}", accept=(200, 404), list="true")
        answer = as_type(reply.json(), dict, "keys")
        if reply.status == 404:
            # An empty folder is told by a 404 that complains of nothing; every other 404 has something to say.
            if answer.get("errors") != []:
                raise CollectError(GapReason.UNSUPPORTED, f"answered 404 to the listing of {path}: check url and paths")
            return []
        listed = as_type(as_type(answer.get("data"), dict, "data").get("keys"), list, "keys")
        return [as_type(key, str, "keys") for key in listed]

    def resource(self, identity: str, attributes: Mapping[str, Json], path: str) -> Resource:
        return Resource(
            self.kind, identity, attributes, parent=self.namespace, location=f"{self.place}/v1/{quote(path)}"
        )

    def gap(self, error: CollectError, resource: str, needed: str, attribute: str | None = None) -> Gap:
        """What could not be read; where access was denied, with what would grant it."""
        denied = error.reason is GapReason.ACCESS_DENIED
        detail = f"{error.detail}: the token needs {needed}" if denied else error.detail
        return Gap(
            self.context.environment,
            self.source,
            self.kind,
            error.reason,
            detail,
            resource=resource,
            attribute=attribute,
        )


def mounts(asking: Asking) -> Iterator[Resource | Gap]:
    """The secrets engines. Raises CollectError."""
    yield from _engines(asking, "sys/mounts")


def auth_methods(asking: Asking) -> Iterator[Resource | Gap]:
    """The auth methods. Raises CollectError."""
    yield from _engines(asking, "sys/auth")


def _engines(asking: Asking, path: str) -> Iterator[Resource]:
    for name, about in granted(asking, path).items():
        engine = as_type(about, dict, name)
        if text(engine, "type", name) in _BUILT_IN:
            continue
        said = maybe(engine, "config", dict, name) or {}
        config = {key: value for key, value in said.items() if value not in (None, "", [])}
        attributes = {key: engine[key] for key in _SETTINGS if engine.get(key) not in (None, "")}
        attributes |= {"config": config, "options": maybe(engine, "options", dict, name) or {}}
        yield asking.resource(name.rstrip("/"), attributes, f"{path}/{name.rstrip('/')}")


def granted(asking: Asking, path: str, needed: str = "read") -> dict[str, Any]:
    """The data at a path of the system, with what is needed for it told where it is refused. Raises CollectError."""
    try:
        return asking.data(path)
    except CollectError as error:
        raise explained(error, path, needed) from error


def explained(error: CollectError, path: str, needed: str) -> CollectError:
    """The error, with the grant that is missing."""
    if error.reason is not GapReason.ACCESS_DENIED:
        return error
    return CollectError(
        error.reason, f'{error.detail}: the token needs path "{path}" {{ capabilities = ["{needed}"] }}'
    )


def policies(asking: Asking) -> Iterator[Resource | Gap]:
    """The ACL policies, each with what it allows on which path. One that is refused costs itself."""
    try:
        names = asking.keys("sys/policies/acl")
    except CollectError as error:
        raise explained(error, "sys/policies/acl", "list") from error
    for name in names:
        if name == "root":  # allows all, has no text, and cannot be changed
            continue
        path = f"sys/policies/acl/{name}"
        try:
            written = text(asking.data(path), "policy", name)
        except CollectError as error:
            yield asking.gap(error, name, f'path "{path}" {{ capabilities = ["read"] }}')
            continue
        yield asking.resource(name, {"paths": _allowed(written)}, path)


def _allowed(policy: str) -> Json:
    """What a policy allows by path, from HCL or JSON; a text that is neither is compared as it is."""
    try:
        found = structured.json_document(policy) if policy.lstrip().startswith("{") else terraform.document(policy)
    except Malformed:
        return policy
    paths = found.get("path", {}) if isinstance(found, dict) else None
    return paths if isinstance(paths, dict) else policy
