"""Vault (and OpenBao): the paths of its key/value stores with their metadata, and the shape of mounts, auth methods and policies.

Lists and reads with GET only. Which values stand at a path is asked with `read: values` alone, and they leave as keyed
fingerprints. What may not be listed hides what lies below it, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from auditor.collector import Context, Grant, Task
from auditor.model import Category, Gap, Kind, Resource
from collectors._grants import asked_for
from collectors._stores import StoreOptions
from collectors._vault import Asking, auth_methods, mounts, policies
from collectors._vault_secrets import secrets

SECRET = Kind(
    name="vault.secret",
    category=Category.CONFIG,
    about="A path of a key/value store: its metadata, its keys where asked for, never a value",
    secret=("values.**",),
    references=("keys.**", "keys"),
    verbatim=("custom_metadata", "values"),
)
MOUNT = Kind(
    name="vault.mount",
    category=Category.CONFIG,
    about="A secrets engine: its type, version and settings",
    verbatim=("options",),
)
AUTH = Kind(
    name="vault.auth",
    category=Category.SECURITY,
    about="An auth method: its type and settings",
    verbatim=("options",),
)
POLICY = Kind(
    name="vault.policy",
    category=Category.SECURITY,
    about="An ACL policy: what it allows on which path",
    references=("paths.**",),
    verbatim=("paths",),
)
_RULE = re.compile(r'path "[^"]*" \{ capabilities = \[[^]]*\] \}')
_PARTS = {"secrets": SECRET, "mounts": MOUNT, "auth": AUTH, "policies": POLICY}
_READERS: dict[str, Callable[[Asking], Iterator[Resource | Gap]]] = {
    "secrets": secrets,
    "mounts": mounts,
    "auth": auth_methods,
    "policies": policies,
}


class VaultOptions(StoreOptions):
    """The options of `collector: vault`."""

    token: SecretStr = Field(description="Token that may read, usually `${VARIABLE}`")
    namespace: str | None = Field(default=None, description="Namespace to ask (Vault Enterprise, OpenBao)")
    paths: tuple[str, ...] = Field(
        default=(),
        description="Key/value stores, or folders of them, to read (`secret/`, `kv/orders/`); by default all that there are",
    )
    read: Literal["paths", "metadata", "keys", "values"] = Field(
        default="metadata",
        description="How much of each secret: that it exists; metadata too (a request each, version 2 only); which keys it"
        " has, too; or fingerprints of their values, too",
    )
    parts: tuple[Literal["secrets", "mounts", "auth", "policies"], ...] = Field(
        default=("secrets", "mounts", "auth", "policies"), min_length=1, description="What to read; all by default"
    )
    max_secrets: int = Field(default=2000, ge=1, le=100_000, description="Paths beyond which the listing is given up")

    @field_validator("paths")
    @classmethod
    def _are_folders(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        bare = [path.strip("/") for path in paths]
        if not all(bare):
            raise ValueError("each path names a mount, as `secret/`")
        return tuple(f"{path}/" for path in bare)

    def expected_listings(self) -> int:
        return len(self.parts)


class VaultCollector:
    name = "vault"
    about = "Vault: paths and metadata of key/value stores; mounts, auth methods and policies"
    kinds = (SECRET, MOUNT, AUTH, POLICY)
    options = VaultOptions
    by_name = False
    permissions = (
        'path "MOUNT/metadata/*" { capabilities = ["read", "list"] }',
        'path "MOUNT/subkeys/*" { capabilities = ["read"] } (with read: keys)',
        'path "MOUNT/data/*" { capabilities = ["read"] } (with read: values)',
        'path "sys/mounts" { capabilities = ["read"] }',
        'path "sys/auth" { capabilities = ["read"] }',
        'path "sys/policies/acl" { capabilities = ["list"] }',
        'path "sys/policies/acl/*" { capabilities = ["read"] }',
    )

    def label(self, options: VaultOptions) -> str:
        return f"vault:{options.place}" + (f":{options.namespace.strip('/')}" if options.namespace else "")

    def plan(self, options: VaultOptions, context: Context) -> Iterable[Task]:
        source = self.label(options)
        for part in dict.fromkeys(options.parts):
            kind = _PARTS[part].name
            yield Task(source, (kind,), partial(_read, options, context, source, part), label=part)

    def grant(self, options: VaultOptions, gaps: Sequence[Gap]) -> Grant | None:
        """The rules that are missing in the policies of the token."""
        where = f" in namespace {options.namespace}" if options.namespace else ""
        return asked_for(gaps, _RULE, f"an ACL policy of the token{where}")


COLLECTOR = VaultCollector()


def _read(options: VaultOptions, context: Context, source: str, part: str) -> Iterator[Resource | Gap]:
    headers = {"x-vault-token": options.token.get_secret_value(), "x-vault-namespace": options.namespace}
    site = options.site("vault", context, {**headers, "x-vault-request": "true"})
    asking = Asking(
        site,
        context,
        source,
        _PARTS[part].name,
        options.place,
        options.namespace,
        paths=options.paths,
        read=options.read,
        most=options.max_secrets,
    )
    yield from _READERS[part](asking)
