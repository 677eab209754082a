"""Feature flags of LaunchDarkly and Unleash, against servers that answer as they do."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from auditor.collector import Collector
from auditor.contract import broken_promises
from auditor.errors import CollectError
from auditor.model import GapReason, Resource
from collectors._flags import names_individuals
from collectors.launchdarkly import COLLECTOR as LAUNCHDARKLY
from collectors.unleash import COLLECTOR as UNLEASH
from tests.collectors.whole import compared, context, patience, read
from tests.standins.hostile import CANARY, FAULTS, Answer, Hostile, hostile

SERVED_BY: dict[str, tuple[Collector, dict[str, Any]]] = {
    "launchdarkly": (LAUNCHDARKLY, {"token": "t0ken", "project": "shop", "environment": "production"}),
    "unleash": (UNLEASH, {"token": "*:production.t0ken"}),
}


def darkly_flag(key: str, **production: Any) -> dict[str, Any]:
    """A flag as LaunchDarkly answers it with `summary=0`, in two environments that are alike but for `production`."""
    settings = {
        "on": True, "archived": False, "salt": "c0ffee", "sel": "beef", "lastModified": 1700000000000, "version": 61,
        "targets": [{"values": [f"{CANARY}@example.org"], "variation": 0, "contextKind": "user"}], "contextTargets": [],
        "rules": [
            {"_id": "r1", "variation": 0, "trackEvents": False, "ref": "x", "clauses": [
                {"_id": "c1", "attribute": "country", "op": "in", "values": ["DE", "AT"], "contextKind": "user", "negate": False},
                {"_id": "c2", "attribute": "email", "op": "endsWith", "values": [f"@{CANARY}.example"], "contextKind": "user", "negate": True},
            ]},
        ],
        "fallthrough": {"rollout": {"contextKind": "user", "variations": [
            {"variation": 0, "weight": 25000}, {"variation": 1, "weight": 75000}]}},
        "offVariation": 1, "prerequisites": [{"key": "basket", "variation": 0}], "trackEvents": False, "_site": {},
        "_environmentName": "Production", "_summary": {},
    }  # fmt: skip
    return {
        "key": key, "name": key.title(), "kind": "boolean", "_version": 7, "creationDate": 1600000000000, "tags": [],
        "temporary": True, "archived": False, "maintainerId": "569f", "clientSideAvailability": {"usingMobileKey": False},
        "variations": [{"_id": "v1", "value": True}, {"_id": "v2", "value": False}],
        "environments": {"production": {**settings, **production}, "staging": {**copy.deepcopy(settings), "version": 9}},
    }  # fmt: skip


class Darkly:
    """Answers `/api/v2/flags/shop` in pages. `said` stands in the headers of every answer."""

    def __init__(self, *flags: dict[str, Any], page: int = 100, **said: str) -> None:
        self.flags, self.page, self.said = flags, page, said

    def __call__(self, path: str) -> Any:
        parts = urlsplit(path)
        if parts.path != "/api/v2/flags/shop":
            return None
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        start = int(query["offset"])
        wanted = self.flags[start : start + min(self.page, int(query["limit"]))]
        items = [{**flag, "environments": {query["env"]: flag["environments"][query["env"]]}} for flag in wanted]
        answer = {"items": items, "totalCount": len(self.flags), "_links": {}}
        return answer if not self.said else Answer(_json(answer), headers={**self.said})


def _json(value: Any) -> bytes:
    import json

    return json.dumps(value).encode()


def unleash_flag(name: str, *, enabled: bool = True, share: str = "25", **changes: Any) -> dict[str, Any]:
    """A feature as Unleash answers it to a program."""
    return {
        "name": name, "type": "release", "enabled": enabled, "project": "default", "stale": False, "impressionData": False,
        "description": "made by somebody", "variants": [], "dependencies": [],
        "strategies": [
            {"name": "flexibleRollout", "parameters": {"rollout": share, "stickiness": "default", "groupId": name},
             "constraints": [
                 {"contextName": "country", "operator": "IN", "values": ["DE", "AT"], "inverted": False},
                 {"contextName": "userId", "operator": "NOT_IN", "values": [CANARY], "inverted": False}],
             "variants": [{"name": "blue", "weight": 1000, "weightType": "variable", "stickiness": "default",
                           "payload": {"type": "string", "value": "#00f"}}]},
            {"name": "userWithId", "parameters": {"userIds": f"{CANARY},7"}, "constraints": []},
        ],
        **changes,
    }  # fmt: skip


def features(*flags: dict[str, Any]) -> dict[str, Any]:
    return {"/api/client/features": {"version": 2, "features": list(flags), "query": {"environment": "production"}}}


def flags(server: Hostile, service: str, **options: Any) -> dict[str, Resource]:
    collector, given = SERVED_BY[service]
    items = read(collector, {"url": server.url, **given, **options})
    assert all(isinstance(item, Resource) for item in items)
    return {item.identity: item for item in items if isinstance(item, Resource)}


def test_a_flag_of_launchdarkly_is_told_by_the_names_of_its_variations() -> None:
    """What is served to whom, without numbers, ids and counters; no user is named."""
    with hostile(Darkly(darkly_flag("one-click"))) as server:
        found = flags(server, "launchdarkly")["one-click"]
        path, headers = server.asked[0]
    assert found.attributes == {
        "enabled": True, "type": "release", "temporary": True, "archived": False,
        "variations": {"true": True, "false": False}, "off_variation": "false",
        "fallthrough": {"shares": {"true": 25.0}, "by": "key of user"},
        "rules": {"country in and not email endsWith": {
            "clauses": {"country in": ["AT", "DE"], "not email endsWith": ["individuals"]},
            "serve": {"shares": {"true": 100.0}, "by": "key of user"}}},
        "targets": ["user: true"], "prerequisites": {"basket": 0}, "client_side": {"usingMobileKey": False},
    }  # fmt: skip
    assert CANARY not in repr(found)
    assert (headers["authorization"], headers["ld-api-version"]) == ("t0ken", "20240415")
    assert "env=production" in path
    assert "summary=0" in path


def test_a_flag_of_unleash_is_told_by_its_strategies() -> None:
    """With constraints, shares and variants; no user is named, and the group that is the flag's own goes without saying."""
    with hostile(features(unleash_flag("one-click", dependencies=[{"feature": "basket"}]))) as server:
        found = flags(server, "unleash", project="shop")["one-click"]
        assert server.asked[0][0] == "/api/client/features?project=shop"
        assert list(flags(server, "unleash", url=f"{server.url}/api/")) == ["one-click"]
    assert found.attributes == {
        "enabled": True, "type": "release", "stale": False, "variants": {},
        "prerequisites": {"basket": {"enabled": True, "variants": []}},
        "strategies": {
            "flexibleRollout": {
                "parameters": {"rollout": "25", "stickiness": "default"},
                "constraints": {"country IN": ["AT", "DE"], "userId NOT_IN": ["individuals"]},
                "variants": {"blue": {"weight": 1000, "weight_type": "variable", "stickiness": "default", "payload": "#00f",
                                      "overrides": False}}},
            "userWithId": {"parameters": {"userIds": "individuals"}, "constraints": {}},
        },
    }  # fmt: skip
    assert CANARY not in repr(found)


@pytest.mark.parametrize(
    ("attribute", "individual"),
    [("userId", True), ("subscriberId", True), ("key", True), ("email", True), ("firstName", True), ("remoteAddress", True),
     ("country", False), ("appName", False), ("plan", False), ("valid", False), ("environment", False), ("", False)],
)  # fmt: skip
def test_attributes_that_tell_one_from_another_are_known_by_their_last_word(
    attribute: str, *, individual: bool
) -> None:
    """Whom an environment has differs; which countries, plans and programs there are is compared."""
    assert names_individuals(attribute) is individual


def test_every_page_is_read_and_one_that_is_missing_is_told() -> None:
    """As many flags as the first answer promised; a limit that is used up is waited for, but not for ever."""
    waited: list[float | None] = []

    class Watch:
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout)
            return False

        def is_set(self) -> bool:
            return False

    limits = {"x-ratelimit-route-remaining": "0", "x-ratelimit-reset": "32503680000000"}
    many = [darkly_flag(f"flag-{number}") for number in range(5)]
    collector, given = SERVED_BY["launchdarkly"]
    with hostile(Darkly(*many, page=2, **limits)) as server:
        options = collector.options.model_validate({"url": server.url, **given})
        (task,) = collector.plan(options, context(cancelled=Watch()))
        assert len(list(task.run())) == 5
        assert waited == [15.0, 15.0]
        server.faults[next(path for path, _ in server.asked if "offset=4" in path)] = "500"
        with pytest.raises(CollectError):
            read(collector, {"url": server.url, **given})
        server.routes = lambda path: {"items": [many[0]], "totalCount": 5}
        with pytest.raises(CollectError) as raised:
            read(collector, {"url": server.url, **given})
    assert raised.value.reason is GapReason.TRUNCATED


@pytest.mark.parametrize("service", SERVED_BY)
def test_it_keeps_what_every_collector_promises(service: str) -> None:
    """As the contract checks it, with people named in the answer."""
    collector, given = SERVED_BY[service]
    with hostile(Darkly(darkly_flag("a")) if service == "launchdarkly" else features(unleash_flag("a"))) as server:
        assert broken_promises(collector, {"url": server.url, **given}, secrets=[CANARY, "t0ken"]) == []


@pytest.mark.parametrize("service", SERVED_BY)
def test_every_failure_is_a_gap_with_its_reason(service: str) -> None:
    """Of each kind of failure: its reason, nothing of the answer, and never an empty list of flags."""
    collector, given = SERVED_BY[service]
    with hostile({}) as server:
        for fault, reason in FAULTS.items():
            server.fault = fault
            with pytest.raises(CollectError) as raised:
                read(collector, {"url": server.url, **given, "timeout": patience(fault), "max_bytes": 1_000_000})
            assert raised.value.reason == reason, fault
            assert CANARY not in str(raised.value)


@pytest.mark.parametrize("service", SERVED_BY)
@pytest.mark.parametrize("answer", [[], {}, {"items": {}}, {"features": None}, {"items": [1]}, {"features": [{}]}])
def test_an_answer_of_another_shape_is_malformed(service: str, answer: Any) -> None:
    """Valid JSON that is no list of flags is not an empty one."""
    collector, given = SERVED_BY[service]
    with hostile(lambda _path: answer) as server, pytest.raises(CollectError) as raised:
        read(collector, {"url": server.url, **given})
    assert raised.value.reason is GapReason.MALFORMED


def test_an_environment_that_the_project_does_not_have_is_said() -> None:
    """A key that is misspelled is no environment without flags."""
    flag = darkly_flag("one-click")
    answer = {"items": [{**flag, "environments": {}}], "totalCount": 1}
    collector, given = SERVED_BY["launchdarkly"]
    with hostile({"/api/v2/flags/shop": answer}) as server, pytest.raises(CollectError) as raised:
        read(collector, {"url": server.url, **given})
    assert "production" in raised.value.detail
    assert raised.value.reason is GapReason.UNSUPPORTED


def darkly_pair(*production: dict[str, Any]) -> tuple[Callable[[str], Any], dict[str, Any], dict[str, Any]]:
    return Darkly(*production), {**SERVED_BY["launchdarkly"][1], "environment": "staging"}, SERVED_BY["launchdarkly"][1]


def test_two_environments_of_launchdarkly_are_quiet_where_they_agree_and_told_where_not() -> None:
    """Versions, salts and times say nothing; what decides who gets what is one finding each."""
    whole, wider = darkly_flag("a"), copy.deepcopy(darkly_flag("b"))
    wider["environments"]["production"]["rules"][0]["clauses"][0]["values"].append("CH")
    further = darkly_flag("c")
    further["environments"]["production"]["fallthrough"] = {"variation": 0}
    slower = darkly_flag("d")
    slower["environments"]["production"]["fallthrough"]["rollout"]["variations"] = [
        {"variation": 0, "weight": 5000},
        {"variation": 1, "weight": 95000},
    ]
    pulled = darkly_flag("kill-switch-payments", on=False)
    unrehearsed = darkly_flag("e")
    unrehearsed["environments"]["staging"]["on"] = False
    collector = LAUNCHDARKLY
    routes, left, right = darkly_pair(whole)
    with hostile(routes) as server:
        assert compared(collector, {"url": server.url, **left}, {"url": server.url, **right}) == []
        server.routes = Darkly(whole, wider, further, slower, pulled, unrehearsed, darkly_flag("f", on=False))
        found = compared(collector, {"url": server.url, **left}, {"url": server.url, **right})
    assert found == [
        ("b", "rules.country in and not email endsWith.clauses.country in", "medium", "feature-flag-differs"),
        ("c", "fallthrough.shares.true", "medium", "feature-flag-differs"),
        ("d", "fallthrough.shares.true", "low", "feature-flag-rolling-out"),
        ("e", "enabled", "high", "feature-flag-on-in-production"),
        ("f", "enabled", "low", "feature-flag-on-in-staging"),
        ("kill-switch-payments", "enabled", "high", "kill-switch-differs"),
    ]


def test_two_environments_of_unleash_are_quiet_where_they_agree_and_told_where_not() -> None:
    """Order, descriptions and groups of the flag's own say nothing; what decides who gets what is one finding each."""
    ours = [unleash_flag(name) for name in ("a", "b", "c", "d", "kill", "new")]
    ours[4]["type"] = "kill-switch"
    shares = [{"name": "flexibleRollout", "parameters": {"rollout": share}} for share in ("10", "90")]
    ours.append(unleash_flag("two", strategies=shares))
    twin = [{**flag, "strategies": flag["strategies"][::-1], "description": "other"} for flag in ours[::-1]]
    theirs = [
        unleash_flag("a", enabled=False, strategies=[]),
        unleash_flag("b", share="10"),
        unleash_flag("c", share="100"),
        unleash_flag("d", strategies=unleash_flag("d")["strategies"][:1]),
        unleash_flag("kill", enabled=False, type="kill-switch"),
        unleash_flag("old"),
        unleash_flag("two", strategies=shares[::-1]),
    ]
    given = SERVED_BY["unleash"][1]
    with hostile(features(*ours)) as staging, hostile(features(*twin)) as production:
        sides = {"url": staging.url, **given}, {"url": production.url, **given}
        assert compared(UNLEASH, *sides) == []
        production.routes = features(*theirs)
        found = compared(UNLEASH, *sides)
    assert found == [
        ("a", "enabled", "low", "feature-flag-on-in-staging"),
        ("a", "strategies.flexibleRollout", "info", "feature-flag-without-effect"),
        ("a", "strategies.userWithId", "info", "feature-flag-without-effect"),
        ("b", "strategies.flexibleRollout.parameters.rollout", "low", "feature-flag-rolling-out"),
        ("c", "strategies.flexibleRollout.parameters.rollout", "medium", "feature-flag-differs"),
        ("d", "strategies.userWithId", "medium", "feature-flag-differs"),
        ("kill", "enabled", "high", "kill-switch-differs"),
        ("new", "", "low", "feature-flag-unknown-in-production"),
        ("old", "", "medium", "feature-flag-unknown-in-staging"),
    ]
