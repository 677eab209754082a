"""Consul's key/value store, against a server that answers as Consul does."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from pydantic import ValidationError

from auditor.contract import broken_promises
from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Resource
from collectors.consul import COLLECTOR, ConsulOptions
from tests.collectors.whole import compared, judged, patience, read, snapshots, told
from tests.standins.hostile import CANARY, FAULTS, Answer, Hostile, hostile

LOCK, SEMAPHORE = 3304740253564472344, 16210313421097356768
STAGING: dict[str, Any] = {
    "staging/orders/LOG_LEVEL": "info",
    "staging/orders/DB_HOST": "orders.staging.internal",
    "staging/orders/DB_PASSWORD": f"{CANARY}-of-staging",
    "staging/orders/http": '{"timeout": 5, "retries": [1, 2]}',
    "staging/orders/application.yaml": "pool:\n  size: 10\nfeatures:\n  basket: true\n",
    "staging/orders/data": "# of Spring\nserver:\n  port: 8080\n",
    "staging/orders/motd": "Note: the shop\nis open",
    "staging/orders/leader": ("node-7", {"Flags": LOCK}),
    "staging/orders/holder": ("node-7", {"Session": "adf4238a-882b-9ddc-4a9d-5b6758e4159e"}),
    "staging/orders/": None,
    "staging/keystore": b"\xfe\xff\x00\x01",
    "root": "yes",
}


def production(**changes: Any) -> dict[str, Any]:
    """The same store as production has it: other names, other secrets, other order."""
    twin = {
        key.replace("staging", "production"): value.replace("staging", "production")
        if isinstance(value, str)
        else value
        for key, value in reversed(STAGING.items())
    }
    return {**twin, **{f"production/{key}": value for key, value in changes.items()}}


class Consul:
    """Answers `/v1/kv`. `hidden` are beginnings of keys that the token may not read."""

    def __init__(self, keys: Mapping[str, Any], hidden: str = "") -> None:
        self.keys, self.hidden = keys, hidden

    def __call__(self, path: str) -> Answer | None:
        parts = urlsplit(path)
        if not parts.path.startswith("/v1/kv/") or parse_qs(parts.query).get("recurse") != ["true"]:
            return None
        prefix = unquote(parts.path.removeprefix("/v1/kv/"))
        wanted = {key: value for key, value in self.keys.items() if key.startswith(prefix)}
        seen = {key: value for key, value in wanted.items() if not self.hidden or not key.startswith(self.hidden)}
        headers = {"content-type": "application/json", "x-consul-index": "42"}
        if len(seen) < len(wanted):
            headers["x-consul-results-filtered-by-acls"] = "true"
        if not seen:
            return Answer(b"", 404, headers)
        entries = [entry(key, value, index) for index, (key, value) in enumerate(seen.items())]
        return Answer(json.dumps(entries).encode(), headers=headers)


def entry(key: str, value: Any, index: int) -> dict[str, Any]:
    value, more = value if isinstance(value, tuple) else (value, {})
    raw = value.encode() if isinstance(value, str) else value
    encoded = base64.b64encode(raw).decode() if raw else None
    return {"LockIndex": 0, "Key": key, "Flags": 0, "Value": encoded, "CreateIndex": index, "ModifyIndex": 7, **more}


def resources(server: Hostile, **options: Any) -> dict[str, Resource]:
    items = read(COLLECTOR, {"url": server.url, **options})
    assert all(isinstance(item, Resource) for item in items)
    return {item.identity: item for item in items if isinstance(item, Resource)}


def test_keys_are_read_by_folder_and_documents_by_what_they_say() -> None:
    """Locks, folders themselves and what Vault keeps are no configuration; what is no text is a digest."""
    with hostile(Consul({**STAGING, "vault/core/keyring": b"\x00"})) as server:
        found = resources(server, token="t0ken", datacenter="dc7")
    assert list(found) == ["/", "staging", "staging/orders"]
    assert found["/"].attributes == {"data": {"root": "yes"}}
    orders = found["staging/orders"].attributes["data"]
    assert orders["application.yaml"] == {"pool": {"size": 10}, "features": {"basket": True}}
    assert (orders["data"], orders["motd"]) == ({"server": {"port": 8080}}, "Note: the shop\nis open")
    assert set(orders) == {"LOG_LEVEL", "DB_HOST", "DB_PASSWORD", "http", "application.yaml", "data", "motd"}
    blob = found["staging"].attributes["data"]["keystore"]
    assert blob["bytes"] == 4
    assert blob["content"].startswith("sha256-")
    assert len(server.asked) == 1
    path, headers = server.asked[0]
    assert (path, headers["x-consul-token"]) == ("/v1/kv/?recurse=true&dc=dc7", "t0ken")


def test_prefixes_are_asked_one_by_one_and_an_empty_one_is_empty() -> None:
    """One that another covers is not asked twice; a 404 as Consul gives it means that there is no such key."""
    with hostile(Consul({"a/x": "1", "b/y": "2", "ab": "3"})) as server:
        assert sorted(resources(server, prefixes=["a/", "a/x", "nothing/"])) == ["a"]
        assert [path for path, _ in server.asked] == ["/v1/kv/a/?recurse=true", "/v1/kv/nothing/?recurse=true"]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_failure_is_a_gap_with_its_reason(fault: str) -> None:
    """A prefix that could not be read is unknown, never empty; and nothing of the answer is told."""
    with hostile(Consul(STAGING)) as server:
        server.fault = fault
        with pytest.raises(CollectError) as raised:
            read(COLLECTOR, {"url": server.url, "token": CANARY, "timeout": patience(fault), "max_bytes": 1_000_000})
    assert raised.value.reason == FAULTS[fault]
    assert CANARY not in str(raised.value)


def test_keys_that_the_token_may_not_read_make_the_listing_incomplete() -> None:
    """Consul leaves them out in silence but for a header; the gap says what to grant."""
    with hostile(Consul(STAGING, hidden="staging/orders/DB")) as server:
        with pytest.raises(CollectError) as raised:
            read(COLLECTOR, {"url": server.url, "prefixes": ["staging/"]})
        assert raised.value.reason is GapReason.ACCESS_DENIED
        sides = snapshots(COLLECTOR, {"url": server.url, "prefixes": ["staging/"]}, {"url": server.url})
        granted = COLLECTOR.grant(ConsulOptions.model_validate({"url": server.url}), sides[0].gaps)
        assert granted is not None
        assert granted.missing == ('key_prefix "staging/" { policy = "read" }',)
    with hostile(Consul(STAGING, hidden="staging")) as server, pytest.raises(CollectError):
        read(COLLECTOR, {"url": server.url, "prefixes": ["staging/"]})


def test_it_keeps_what_every_collector_promises() -> None:
    """As the contract checks it, with passwords in the answer."""
    with hostile(Consul(STAGING)) as server:
        assert broken_promises(COLLECTOR, {"url": server.url, "token": CANARY}, secrets=[CANARY]) == []


@pytest.mark.parametrize("answer", [[], {"Key": "a"}, ["a"], [{"Value": None}], [{"Key": "a", "Value": "no base64!"}]])
def test_an_answer_of_another_shape_is_malformed(answer: Any) -> None:
    """Valid JSON that is no listing of keys is not an empty one."""
    with hostile({"/v1/kv/": answer}) as server, pytest.raises(CollectError) as raised:
        read(COLLECTOR, {"url": server.url})
    assert raised.value.reason is GapReason.MALFORMED


def test_a_twin_is_quiet_and_each_change_is_found() -> None:
    """Names, secrets and order of another environment are no finding; what differs besides is one each."""
    changed = {
        "orders/LOG_LEVEL": "debug",
        "orders/http": '{"timeout": 30, "retries": [2, 1]}',
        "orders/application.yaml": "pool:\n  size: 5\nfeatures:\n  basket: true\n",
        "orders/QUEUE": "fifo",
        "orders/DB_PASSWORD": f"{CANARY}-of-staging",
        "orders/DB_HOST": "orders.staging.internal",
        "keystore": b"\xfe\xff\x00\x02",
        "billing/MODE": "strict",
    }
    with hostile(Consul(STAGING)) as left, hostile(Consul(production())) as right:
        urls = {"url": left.url}, {"url": right.url}
        assert compared(COLLECTOR, *urls) == []
        right.routes = Consul(production(**changed))
        assert [one[1:] for one in compared(COLLECTOR, *urls)] == [
            ("data.keystore.content", "low", "value-differs"),
            ("", "medium", "resource-missing"),
            ("data.DB_HOST", "high", "reference-to-staging"),
            ("data.DB_PASSWORD", "high", "secret-shared"),
            ("data.LOG_LEVEL", "medium", "log-level-in-production"),
            ("data.QUEUE", "medium", "variable-one-sided"),
            ("data.application.yaml.pool.size", "medium", "capacity-inverted"),
            ("data.http.timeout", "low", "duration-differs"),
        ]


def test_no_secret_leaves_and_what_is_unread_is_not_missing() -> None:
    """Passwords are fingerprints in the snapshot; a staging that could not be read lacks nothing."""
    with hostile(Consul(STAGING)) as left, hostile(Consul(production())) as right:
        sides = snapshots(COLLECTOR, {"url": left.url}, {"url": right.url})
        assert CANARY not in repr(sides)
        left.fault = "403"
        blind, whole = snapshots(COLLECTOR, {"url": left.url}, {"url": right.url})
    assert [(gap.kind, gap.reason) for gap in blind.gaps] == [("consul.folder", GapReason.ACCESS_DENIED)]
    assert isinstance(blind.gaps[0], Gap)
    granted = COLLECTOR.grant(ConsulOptions.model_validate({"url": left.url}), blind.gaps)
    assert granted is not None
    assert granted.missing == ('key_prefix "" { policy = "read" }',)
    assert told(judged(COLLECTOR, blind, whole).breaches) == []


@pytest.mark.parametrize(
    "options", [{"url": f"ftp://{CANARY}"}, {"url": "https://c", "token": f"{CANARY} x"}, {"url": "https://c", "x": 1}]
)
def test_options_that_are_wrong_are_refused_without_being_quoted(options: Any) -> None:
    """Another scheme, a token that no header can hold, an unknown key."""
    with pytest.raises(ValidationError) as raised:
        ConsulOptions.model_validate(options)
    assert CANARY not in str(raised.value)


def test_the_label_says_where_without_saying_how() -> None:
    """A user and password in the address are nobody's business."""
    options = ConsulOptions.model_validate(
        {"url": f"https://u:{CANARY}@consul.acme.example:8501/", "datacenter": "dc1"}
    )
    assert COLLECTOR.label(options) == "consul:https://consul.acme.example:8501:dc1"
    assert CANARY not in repr(options)
