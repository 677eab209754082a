"""Vault's paths, mounts, auth methods and policies, against a server that answers as Vault does."""

from __future__ import annotations

import copy
import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from pydantic import ValidationError

from auditor.contract import broken_promises
from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Resource
from collectors.vault import COLLECTOR, VaultOptions
from tests.collectors.whole import compared, judged, patience, read, snapshots, told
from tests.standins.hostile import CANARY, FAULTS, Answer, Hostile, hostile

TIMES = {"created_time": "2026-01-02T03:04:05.6Z", "updated_time": "2026-02-03T04:05:06.7Z"}


def secret(values: dict[str, Any], *, version: int = 1, deleted: str = "", **noted: str) -> dict[str, Any]:
    """A versioned secret: its metadata as Vault answers it, and what it holds."""
    metadata = {
        **TIMES, "cas_required": False, "current_version": version, "delete_version_after": "0s", "max_versions": 0,
        "oldest_version": 0, "custom_metadata": noted or None,
        "versions": {str(version): {"created_time": TIMES["updated_time"], "deletion_time": deleted, "destroyed": False}},
    }  # fmt: skip
    return {"metadata": metadata, "values": values}


def engine(kind: str, **more: Any) -> dict[str, Any]:
    config = {"default_lease_ttl": 0, "max_lease_ttl": 0, "force_no_cache": False}
    return {
        "accessor": f"{kind}_{id(more):08x}", "uuid": "d7ad2b8c", "type": kind, "description": "", "local": False,
        "seal_wrap": False, "external_entropy_access": False, "options": None, "plugin_version": "",
        "running_plugin_version": "v0.21.0+builtin", "running_sha256": "", "deprecation_status": "supported",
        "config": config, **more,
    }  # fmt: skip


STORE: dict[str, Any] = {
    "secrets": {
        "orders/db": secret({"user": "orders", "password": f"{CANARY}-1"}, version=3, team="orders"),
        "orders/mail/smtp": secret({"password": f"{CANARY}-2"}),
        "billing": secret({"api_key": f"{CANARY}-3", "retries": 5}),
    },
    "old": {"legacy": {"password": f"{CANARY}-4"}},
    "mounts": {
        "secret/": engine("kv", options={"version": "2"}),
        "old/": engine("kv", options={"version": "1"}),
        "pki/": engine("pki", config={"default_lease_ttl": 86400, "max_lease_ttl": 315360000}),
        "sys/": engine("system"),
        "cubbyhole/": engine("cubbyhole"),
    },
    "auth": {"token/": engine("token"), "kubernetes/": engine("kubernetes")},
    "policies": {
        "root": "",
        "orders": 'path "secret/data/orders/*" {\n  capabilities = ["read", "list"] # all of it\n}\n'
        'path "pki/issue/orders" {\n  capabilities = ["update"]\n}\n',
        "legacy": '{"path": {"old/*": {"capabilities": ["read"]}}}',
    },
}


class Vault:
    """Answers `/v1`. `denied` are beginnings of paths that the token may not use."""

    def __init__(self, store: dict[str, Any] = STORE, *denied: str) -> None:
        self.store, self.denied = store, denied

    def __call__(self, path: str) -> Answer | None:
        parts = urlsplit(path)
        at = unquote(parts.path.removeprefix("/v1/"))
        if any(at.startswith(one) for one in self.denied):
            return said({"errors": [f"1 error occurred:\n\t* permission denied {CANARY}\n\n"]}, 403)
        found = self.listed(at) if parse_qs(parts.query).get("list") else self.read(at)
        if isinstance(found, Answer):
            return found
        return said({"data": found}) if found is not None else said({"errors": []}, 404)

    def listed(self, at: str) -> Any:
        if at == "sys/policies/acl":
            return {"keys": list(self.store["policies"])}
        for prefix, names in (("secret/metadata/", self.store["secrets"]), ("old/", self.store["old"])):
            if at.startswith(prefix):
                below = [
                    name.removeprefix(at.removeprefix(prefix)) for name in names if f"{prefix}{name}".startswith(at)
                ]
                keys = sorted({name.partition("/")[0] + ("/" if "/" in name else "") for name in below})
                return {"keys": keys} if keys else None
        return said({"errors": [f'no handler for route "{at}". route entry not found.']}, 404)

    def read(self, at: str) -> Any:
        if at in ("sys/mounts", "sys/auth"):
            return self.store[at.removeprefix("sys/")]
        if at.startswith("sys/internal/ui/mounts/"):
            mount = f"{at.removeprefix('sys/internal/ui/mounts/').partition('/')[0]}/"
            return {"path": mount, **self.store["mounts"][mount]} if mount in self.store["mounts"] else None
        if at.startswith("sys/policies/acl/"):
            name = at.rpartition("/")[2]
            return {"name": name, "policy": self.store["policies"][name]}
        if at.startswith("old/"):
            return self.store["old"].get(at.removeprefix("old/"))
        what, _, name = at.removeprefix("secret/").partition("/")
        one = self.store["secrets"][name]
        if what == "metadata":
            return one["metadata"]
        if what == "subkeys":
            return {"subkeys": dict.fromkeys(one["values"]), "metadata": {"version": 1}}
        return {"data": one["values"], "metadata": {"version": 1}} if what == "data" else None


def said(answer: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(answer).encode(), status)


def items(server: Hostile, **options: Any) -> list[Resource | Gap]:
    return read(COLLECTOR, {"url": server.url, "token": "t0ken", **options})


def resources(server: Hostile, **options: Any) -> dict[str, Resource]:
    found = items(server, **options)
    assert [item for item in found if isinstance(item, Gap)] == []
    return {f"{item.kind} {item.identity}": item for item in found if isinstance(item, Resource)}


def test_paths_metadata_mounts_auth_methods_and_policies_are_read() -> None:
    """Of both versions of the store, through all folders; without a value, an accessor or a time."""
    with hostile(Vault()) as server:
        found = resources(server, namespace="team-a")
        assert {headers["x-vault-namespace"] for _, headers in server.asked} == {"team-a"}
        assert {headers["x-vault-token"] for _, headers in server.asked} == {"t0ken"}
        assert not [path for path, _ in server.asked if "/data/" in path]
    assert sorted(found) == [
        "vault.auth kubernetes", "vault.auth token", "vault.mount old", "vault.mount pki", "vault.mount secret",
        "vault.policy legacy", "vault.policy orders", "vault.secret old/legacy", "vault.secret secret/billing",
        "vault.secret secret/orders/db", "vault.secret secret/orders/mail/smtp",
    ]  # fmt: skip
    assert found["vault.secret secret/orders/db"].attributes == {
        "metadata": {
            "current_version": 3, "max_versions": 0, "cas_required": False, "delete_version_after": "0s",
            "custom_metadata": {"team": "orders"}, "deleted": False,
        }
    }  # fmt: skip
    assert found["vault.secret old/legacy"].attributes == {}
    assert found["vault.mount pki"].attributes == {
        "type": "pki", "local": False, "seal_wrap": False, "external_entropy_access": False, "options": {},
        "config": {"default_lease_ttl": 86400, "max_lease_ttl": 315360000},
    }  # fmt: skip
    assert found["vault.policy orders"].attributes["paths"] == {
        "secret/data/orders/*": {"capabilities": ["read", "list"]},
        "pki/issue/orders": {"capabilities": ["update"]},
    }
    assert found["vault.policy legacy"].attributes["paths"] == {"old/*": {"capabilities": ["read"]}}
    assert CANARY not in repr(found)


def test_keys_and_fingerprints_of_values_are_read_where_they_are_asked_for() -> None:
    """Keys without their values; values as fingerprints only, numbers too, once the redactor has seen them."""
    with hostile(Vault()) as server:
        keys = resources(server, parts=["secrets"], read="keys", paths=["secret/orders", "secret/orders/mail/", "old/"])
        given = {"url": server.url, "token": "t", "parts": ["secrets"], "read": "values"}
        snapshot, _ = snapshots(COLLECTOR, given, given)
    assert {name: item.attributes["keys"] for name, item in keys.items()} == {
        "vault.secret secret/orders/db": ["password", "user"],
        "vault.secret secret/orders/mail/smtp": ["password"],
        "vault.secret old/legacy": ["password"],
    }
    assert CANARY not in repr((keys, snapshot))
    values = {item.identity: item.attributes["values"] for item in snapshot.resources}
    assert set(values["secret/billing"]) == {"api_key", "retries"}
    assert all(value.startswith("{secret:") for held in values.values() for value in held.values())


def test_it_keeps_what_every_collector_promises() -> None:
    """As the contract checks it, with the values read."""
    with hostile(Vault()) as server:
        given = {"url": server.url, "token": CANARY, "read": "values"}
        assert broken_promises(COLLECTOR, given, secrets=[CANARY]) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_every_failure_is_a_gap_with_its_reason(fault: str) -> None:
    """Of each part; nothing of the answer is told, and nothing is listed as empty."""
    part = sorted(VaultOptions.model_fields["parts"].default)[sorted(FAULTS).index(fault) % 4]
    with hostile(Vault()) as server:
        server.fault = fault
        with pytest.raises(CollectError) as raised:
            items(server, parts=[part], timeout=patience(fault), max_bytes=1_000_000)
    assert raised.value.reason == FAULTS[fault]
    assert CANARY not in str(raised.value)


def test_what_may_not_be_read_costs_itself_and_says_what_to_grant() -> None:
    """A folder hides what lies below it, a secret's metadata itself, a policy itself; all the rest is read."""
    store = Vault(STORE, "secret/metadata/orders/mail", "secret/metadata/billing", "sys/policies/acl/orders")
    with hostile(store) as server:
        found = items(server)
    gaps = {item.resource: item for item in found if isinstance(item, Gap)}
    assert {name: gap.attribute for name, gap in gaps.items()} == {
        "secret/orders/mail/": None, "secret/billing": "metadata", "orders": None,
    }  # fmt: skip
    assert 'path "secret/metadata/orders/mail/*" { capabilities = ["list"] }' in gaps["secret/orders/mail/"].detail
    assert {gap.reason for gap in gaps.values()} == {GapReason.ACCESS_DENIED}
    granted = COLLECTOR.grant(VaultOptions.model_validate({"url": "https://v", "token": "t"}), list(gaps.values()))
    assert granted is not None
    assert granted.change.splitlines() == [
        'path "secret/metadata/billing" { capabilities = ["read"] }',
        'path "secret/metadata/orders/mail/*" { capabilities = ["list"] }',
        'path "sys/policies/acl/orders" { capabilities = ["read"] }',
    ]
    names = {item.identity for item in found if isinstance(item, Resource) and item.kind == "vault.secret"}
    assert names == {"old/legacy", "secret/billing", "secret/orders/db"}


def test_a_token_that_sees_no_mounts_is_told_to_name_paths() -> None:
    """With paths it reads below them, and a path that is denied, or is no key/value store, costs itself."""
    with hostile(Vault(STORE, "sys/mounts", "sys/internal/ui/mounts/old")) as server:
        with pytest.raises(CollectError) as raised:
            items(server, parts=["secrets"])
        assert 'path "sys/mounts" { capabilities = ["read"] }, or name in paths' in raised.value.detail
        found = items(server, parts=["secrets"], paths=["secret/orders/mail", "old", "pki"])
    assert [(item.resource, item.reason) for item in found if isinstance(item, Gap)] == [
        ("old/", GapReason.ACCESS_DENIED),
        ("pki/", GapReason.UNSUPPORTED),
    ]
    assert [item.identity for item in found if isinstance(item, Resource)] == ["secret/orders/mail/smtp"]


def test_a_listing_that_is_too_long_or_breaks_off_is_no_complete_one() -> None:
    """Beyond the limit the listing is given up; a folder that answers otherwise than Vault does is a gap."""
    with hostile(Vault()) as server:
        with pytest.raises(CollectError) as raised:
            items(server, parts=["secrets"], max_secrets=3)
        assert raised.value.reason is GapReason.TRUNCATED
        server.faults["/v1/secret/metadata/orders/"] = "404"
        found = items(server, parts=["secrets"])
    (gap,) = (item for item in found if isinstance(item, Gap))
    assert (gap.resource, gap.reason) == ("secret/orders/", GapReason.UNSUPPORTED)


def production(**changes: Any) -> dict[str, Any]:
    """The same Vault as production has it: secrets and versions of its own, in another order."""
    twin: dict[str, Any] = copy.deepcopy(STORE)
    for part in twin:
        twin[part] = dict(reversed(twin[part].items()))
    for number, one in enumerate(twin["secrets"].values()):
        one["metadata"]["current_version"] += 7
        one["metadata"]["versions"] = {
            str(one["metadata"]["current_version"]): {"deletion_time": "", "destroyed": False}
        }
        one["values"] = {key: f"{value}-production-{number}" for key, value in one["values"].items()}
    twin["old"]["legacy"]["password"] += "-production"
    for part, more in changes.items():
        twin[part] |= more
    return twin


def test_a_twin_is_quiet_and_each_change_is_found() -> None:
    """Other secrets, versions, accessors and order are no finding; what differs besides is one each."""
    leaked = secret({"password": f"{CANARY}-2"}, version=4)
    changed = production(
        secrets={
            "orders/mail/smtp": leaked,
            "billing": secret({}, version=2, deleted="2026-03-01T00:00:00Z"),
            "orders/cache": secret({"password": "p"}),
        },
        mounts={"pki/": engine("pki", config={"default_lease_ttl": 86400, "max_lease_ttl": 3600})},
        auth={"userpass/": engine("userpass")},
        policies={
            "orders": STORE["policies"]["orders"].replace('["read", "list"]', '["list", "read", "sudo"]'),
            "legacy": '{"path": {"old/*": {"capabilities": ["read", "update"]}}}',
        },
    )
    given = {"token": "t", "read": "values"}
    with hostile(Vault()) as left, hostile(Vault(production())) as right:
        sides = {"url": left.url, **given}, {"url": right.url, **given}
        assert compared(COLLECTOR, *sides) == []
        right.routes = Vault(changed)
        found = compared(COLLECTOR, *sides)
    assert found == [
        ("legacy", "paths.old/*.capabilities", "medium", "vault-policy-differs"),
        ("orders", "paths.secret/data/orders/*.capabilities", "high", "vault-policy-wider-in-production"),
        ("pki", "config.max_lease_ttl", "medium", "store-differs"),
        ("secret/billing", "metadata.deleted", "high", "secret-deleted"),
        ("secret/billing", "values", "low", "setting-one-sided"),
        ("secret/orders/cache", "", "medium", "resource-missing"),
        ("secret/orders/mail/smtp", "values.password", "high", "secret-shared"),
        ("userpass", "", "medium", "resource-missing"),
    ]


def test_a_folder_that_could_not_be_listed_lacks_nothing() -> None:
    """What production holds below it is unknown in staging, under the environment's own name, too; the rest is missing."""
    names = ("staging/db", "staging/mail/smtp", "billing")
    ours = {**STORE, "secrets": {name: secret({}) for name in names[1:]}}
    theirs = {**STORE, "secrets": {name.replace("staging", "production"): secret({}) for name in names}}
    theirs["old"] = {**STORE["old"], "tax": {}}
    given = {"token": "t", "parts": ["secrets"]}
    with hostile(Vault(ours, "secret/metadata/staging/")) as left, hostile(Vault(theirs)) as right:
        sides = snapshots(COLLECTOR, {"url": left.url, **given}, {"url": right.url, **given})
    assert [(gap.resource, gap.reason) for gap in sides[0].gaps] == [("secret/staging/", GapReason.ACCESS_DENIED)]
    assert told(judged(COLLECTOR, *sides).breaches) == [("old/tax", "", "medium", "resource-missing")]


@pytest.mark.parametrize(
    "options",
    [{"url": "https://v"}, {"url": "https://v", "token": ""}, {"url": "https://v", "token": CANARY, "paths": ["/"]}],
)
def test_options_that_are_wrong_are_refused_without_being_quoted(options: Any) -> None:
    """No token, an empty one, a path that names no mount."""
    with pytest.raises(ValidationError) as raised:
        VaultOptions.model_validate(options)
    assert CANARY not in str(raised.value)
