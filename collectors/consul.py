"""Consul's key/value store: every folder of keys with its values, below the prefixes that are named.

Sends `GET /v1/kv/PREFIX?recurse`. The token needs `key_prefix "PREFIX" { policy = "read" }`. Consul leaves out what a
token may not read without refusing, and says so in a header: such an answer is no listing. Locks and semaphores are
left out, because they are held, not configured.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Any
from urllib.parse import quote

from pydantic import Field

from auditor.collector import Context, Grant, Task
from auditor.errors import CollectError
from auditor.model import Category, Gap, GapReason, Json, Kind, Resource
from collectors._answers import as_type
from collectors._grants import asked_for
from collectors._stores import StoreOptions, document, keyed_digest

_ROOT = "/"
_RULE = re.compile(r'key_prefix "[^"]*" \{ policy = "read" \}')
# The flags by which Consul's own clients mark locks and semaphores.
_HELD = frozenset({0x2DDCCBC058A50C18, 0xE0F69A2BAA414DE0})

KIND = Kind(
    name="consul.folder",
    category=Category.CONFIG,
    about="A folder of keys in Consul's key/value store, with their values",
    verbatim=("data",),
)


class ConsulOptions(StoreOptions):
    """The options of `collector: consul`."""

    prefixes: tuple[str, ...] = Field(
        default=("",), min_length=1, description="Beginnings of the keys to read (`config/`); by default every key"
    )
    exclude: tuple[str, ...] = Field(
        default=("vault/core/*", "vault/logical/*", "vault/sys/*", "vault/auth/*", "vault/audit/*"),
        description="Globs of keys to leave out; by default what Vault keeps, where it is stored in Consul",
    )
    datacenter: str | None = Field(default=None, description="Datacenter to ask; by default the agent's own")
    namespace: str | None = Field(default=None, description="Namespace to ask (Consul Enterprise)")
    partition: str | None = Field(default=None, description="Admin partition to ask (Consul Enterprise)")

    def expected_listings(self) -> int:
        return len(self.prefixes)


class ConsulCollector:
    name = "consul"
    about = "Consul's key/value store, by prefix"
    kinds = (KIND,)
    options = ConsulOptions
    by_name = False
    permissions = ('key_prefix "PREFIX" { policy = "read" }',)

    def label(self, options: ConsulOptions) -> str:
        where = [one for one in (options.datacenter, options.partition, options.namespace) if one]
        return ":".join(("consul", options.place, *where))

    def plan(self, options: ConsulOptions, context: Context) -> Iterable[Task]:
        source = self.label(options)
        for prefix in _outermost(options.prefixes):
            yield Task(
                source=source,
                kinds=(KIND.name,),
                run=partial(_read, options, context, prefix.lstrip("/")),
                label=prefix or "all keys",
            )

    def grant(self, _options: ConsulOptions, gaps: Sequence[Gap]) -> Grant | None:
        """The rules that are missing in the policy of the token."""
        return asked_for(gaps, _RULE, "an ACL policy of the token")


COLLECTOR = ConsulCollector()


def _outermost(prefixes: Iterable[str]) -> list[str]:
    """The prefixes without those that another one covers."""
    bare = sorted({prefix.lstrip("/") for prefix in prefixes})
    return [one for one in bare if not any(one != other and one.startswith(other) for other in bare)]


def _read(options: ConsulOptions, context: Context, prefix: str) -> Iterator[Resource | Gap]:
    folders: dict[str, dict[str, Json]] = {}
    for entry in _entries(options, context, prefix):
        key = as_type(entry.get("Key"), str, "Key")
        if key.endswith("/") or _is_held(entry) or any(fnmatchcase(key, glob) for glob in options.exclude):
            continue
        folder, _, name = key.rpartition("/")
        folders.setdefault(folder or _ROOT, {})[name] = _value(name, entry.get("Value"), context)
    for folder, data in sorted(folders.items()):
        yield Resource(
            KIND.name,
            folder,
            {"data": data},
            parent=options.namespace,
            location=f"{options.place}/v1/kv/{quote(folder.strip('/'))}",
        )


def _entries(options: ConsulOptions, context: Context, prefix: str) -> list[dict[str, Any]]:
    """Every entry below the prefix. Raises CollectError where some may be hidden."""
    where = {"dc": options.datacenter, "ns": options.namespace, "partition": options.partition}
    chosen: dict[str, Any] = {name: value for name, value in where.items() if value}
    site = options.site("consul", context, {"x-consul-token": options.secret_token})
    try:
        reply = site.get(context, f"/v1/kv/{quote(prefix)}", accept=(200, 404), recurse="true", **chosen)
    except CollectError as error:
        if error.reason is not GapReason.ACCESS_DENIED:
            raise
        rule = f'key_prefix "{prefix}" {{ policy = "read" }}'
        raise CollectError(error.reason, f"{error.detail}: the token is not known, or needs {rule}") from error
    if reply.headers.get("x-consul-results-filtered-by-acls", "").lower() == "true":
        raise CollectError(
            GapReason.ACCESS_DENIED,
            f'the token may not read every key below "{prefix}": grant key_prefix "{prefix}" {{ policy = "read" }},'
            " or name in prefixes what it may read",
        )
    if reply.status == 404:
        # Consul answers so where there is no such key; whatever else stands at this address lacks the header.
        if "x-consul-index" not in reply.headers:
            raise CollectError(GapReason.UNSUPPORTED, "answered 404, and not as Consul does: check url")
        return []
    entries = as_type(reply.json(), list, "a list of keys")
    if not entries:  # of which Consul speaks with a 404
        raise CollectError(GapReason.MALFORMED, "answered with an empty list, as Consul never does: check url")
    return [as_type(entry, dict, "an entry") for entry in entries]


def _is_held(entry: dict[str, Any]) -> bool:
    return bool(entry.get("Session")) or as_type(entry.get("Flags", 0), int, "Flags") in _HELD


def _value(name: str, encoded: Any, context: Context) -> Json:
    """The text or the document of a value, which comes in base64. What is no text is told apart by fingerprint only."""
    if encoded is None:
        return ""
    try:
        plain = base64.b64decode(as_type(encoded, str, "Value"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise CollectError(GapReason.MALFORMED, "a value is not in base64") from error
    try:
        return document(name, plain.decode())
    except UnicodeDecodeError:
        return {"content": keyed_digest(context, plain.hex()), "bytes": len(plain)}
