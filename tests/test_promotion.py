"""What was rehearsed, and how far one environment is behind the other, as the history of both shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from auditor.alike import Pair
from auditor.comparison import Comparison
from auditor.judge import judge
from auditor.model import Breach, Category, Kind, Severity
from auditor.names import environment_names
from auditor.past import History, promotes, recall, seen
from auditor.policy import load_policy
from auditor.promotion import LONGEST_UNSEEN, Deployment
from tests.factories import compared, comparison, normal, snapshot

DAY = timedelta(days=1)
STAGING = environment_names("staging", ["stg"], {"prod": []})
PROD = environment_names("prod", [], {"staging": ["stg"]})
NAMES = Pair(STAGING, PROD)
HTTP = Kind("http.version", Category.DEPLOYMENT, "An endpoint")
D1, D2 = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
NOW = snapshot("prod").taken_at


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def past(environment: str, *runs: str, component: str = "api") -> list[Deployment]:
    """`"1.0 40 10"`: 1.0 ran from 40 to 10 days ago, `"1.1@2 10"`: and 1.1 with digest 2 since. The first of them was
    running when the history began."""
    found = []
    for number, text in enumerate(runs):
        version, first, *last = text.split()
        version, _, digest = version.partition("@")
        after = None if number == 0 else ago(float(first)) - timedelta(minutes=15)
        end = ago(float(last[0])) - timedelta(minutes=15) if last else NOW
        name = {"1": D1, "2": D2, "": None}[digest]
        found.append(Deployment(environment, component, version, name, after, ago(float(first)), end, not last))
    return found


def history(left: Iterable[Deployment], right: Iterable[Deployment], chain: dict[str, str] | None = None) -> History:
    known = {"staging": tuple(left), "prod": tuple(right)}
    return recall(
        lambda name, _: known[name],
        NAMES,
        comparison(),
        {"staging": "prod"} if chain is None else chain,
    )


def verdict(left: Iterable[Deployment], right: Iterable[Deployment]) -> bool | None:
    (found,) = history(left, right).promotions
    return found.rehearsed


LONG = "0.9 60 20"


@pytest.mark.parametrize(
    ("left", "right", "rehearsed"),
    [
        ([LONG, "1.0 20"], [LONG, "1.0 10"], True),
        ([LONG, "1.0 20 15", "1.1 15"], [LONG, "1.0 10"], True),
        ([LONG, "1.0 5"], [LONG, "1.0 10"], True),
        ([LONG, "1.1 20"], [LONG, "1.0 10"], False),
        ([LONG, "1.0@1 20"], [LONG, "1.0@1 10"], True),
        ([LONG, "1.0@1 20"], [LONG, "1.0@2 10"], False),
        ([LONG, "1.0@1 20"], [LONG, "1.0 10"], True),
        ([LONG, "stg-4f2a11c 20"], [LONG, "prod-4f2a11c 10"], True),
        ([LONG, "stg-4f2a11c 20"], [LONG, "prod-99ab12f 10"], False),
    ],
)
def test_what_runs_in_production_ran_in_staging_first(left: list[str], right: list[str], rehearsed: bool):
    """By digest, without one by version; the environment's own name in a tag says nothing."""
    assert verdict(past("staging", *left), past("prod", *right)) is rehearsed


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (["0.9 15"], [LONG, "1.0 10"]),
        ([LONG, "0.9 20"], ["1.0 10"]),
        (["0.9 60 20"], [LONG, "1.0 10"]),
        (["0.9 60 16", "1.1 14"], [LONG, "1.0 10"]),
        ([LONG, "latest 20"], [LONG, "1.0 10"]),
        ([LONG, "1.1 20"], [LONG, "latest 10"]),
    ],
    ids=[
        "left too short",
        "right too short",
        "left runs it no more",
        "a hole in the left",
        "left moves",
        "right moves",
    ],
)
def test_a_history_that_cannot_tell_says_nothing(left: list[str], right: list[str]):
    """Too short, not observed completely, or of tags that mean something else tomorrow."""
    ours = past("staging", *left)
    if "1.1 14" in left:
        # Two days between two looks at staging: anything may have run there.
        ours[1] = replace(ours[1], after=ours[0].last_seen)
        assert ours[1].first_seen - ours[0].last_seen > LONGEST_UNSEEN
    assert verdict(ours, past("prod", *right)) is None


@pytest.mark.parametrize(
    ("right", "rehearsed"),
    [
        ([LONG, "1.0 12 11", "1.0 10"], None),
        ([LONG, "1.0 12 11", "0.9 11 10", "1.0 10"], False),
    ],
    ids=["only unseen for a day", "rolled back and deployed again"],
)
def test_a_version_runs_since_it_was_deployed_last(right: list[str], rehearsed: bool | None):
    """Staging was watched for eight days before the second time, and for six before the first."""
    assert verdict(past("staging", "0.8 18"), past("prod", *right)) is rehearsed


def test_staging_is_asked_for_as_long_as_production_runs_what_it_runs():
    """What production has run for two hundred days was rehearsed before that."""
    asked: dict[str, datetime] = {}

    def ask(name: str, since: datetime) -> list[Deployment]:
        asked[name] = since
        return past("prod", "1.0 200") if name == "prod" else []

    recall(ask, NAMES, comparison(), {})
    assert asked["prod"] == ago(90)
    assert asked["staging"] < ago(207)


def test_a_component_that_staging_never_ran_is_another_matter():
    """It is missing there, which is a finding of its own."""
    assert history(past("staging", LONG, component="web"), past("prod", LONG, "1.0 10")).promotions == ()


@pytest.mark.parametrize(
    ("chain", "left", "right", "expected"),
    [
        ({"dev": "test", "test": "staging", "staging": "prod"}, "staging", "prod", True),
        ({"dev": "test", "test": "staging", "staging": "prod"}, "dev", "prod", True),
        ({"dev": "test", "test": "staging", "staging": "prod"}, "prod", "staging", False),
        ({"staging": "prod-eu", "prod-eu": "prod-us"}, "prod-eu", "prod-us", True),
        ({}, "staging", "prod-eu", True),
        ({}, "prod-us", "prod-eu", False),
        ({"staging": "prod"}, "preview", "prod", False),
        ({"a": "b", "b": "a"}, "a", "c", False),
    ],
)
def test_the_configured_chain_says_what_comes_first(chain: dict[str, str], left: str, right: str, expected: bool):
    """Where it is silent, production comes after whatever is none."""
    assert promotes(chain, left, right) is expected


def endpoints(left: str, right: str) -> Comparison:
    ours, theirs = (
        normal({"version": version}, identity="api", kind=HTTP, source="http", component="api")
        for version in (left, right)
    )
    sides = [snapshot(name, resources=(one.resource,)) for name, one in (("staging", ours), ("prod", theirs))]
    return comparison(compared(ours, theirs), left=sides[0], right=sides[1])


def breaches(left: list[str], right: list[str], pack: str = "default") -> list[Breach]:
    """What is said of an endpoint that tells the last of these versions on each side."""
    found = endpoints(left[-1].split()[0], right[-1].split()[0])
    told = history(past("staging", *left), past("prod", *right))
    return list(judge(found, load_policy(["default", pack]), STAGING, PROD, NOW, history=told).breaches)


def test_what_was_never_rehearsed_is_a_finding_that_says_what_was_seen():
    """The message names what staging ran instead, and since when it was watched."""
    (breach,) = [one for one in breaches([LONG, "1.2 20"], [LONG, "1.0 10"]) if one.rule.id == "promoted-unrehearsed"]
    assert (breach.severity, breach.kind, breach.identity) == (Severity.HIGH, "deployment.component", "api")
    assert breach.message == (
        "api runs 1.0 in prod since 2026-11-12 12:00 UTC, and no snapshot of staging since 2026-09-23 12:00 UTC shows it"
        " there: staging ran 1.2, 0.9"
    )
    assert (breach.left.value, breach.right.value) == ("1.2", "1.0")
    assert breach.remediation == "Deploy 1.0 to staging, and promote from there what ran there"


@pytest.mark.parametrize(
    ("left", "right", "rule"),
    [
        ([LONG, "1.0 20 3", "1.1 3"], [LONG, "1.0 10"], None),
        ([LONG, "1.0 20 8", "1.1 8 3", "1.2 3"], [LONG, "1.0 10"], "deployed-ahead"),
        ([LONG, "4f2a11c 20 3", "99ab12f 3"], [LONG, "4f2a11c 10"], None),
        ([LONG, "4f2a11c 20 8", "99ab12f 8 3", "77ee210 3"], [LONG, "4f2a11c 10"], "deployed-ahead"),
        ([LONG, "1.0 20"], [LONG, "1.0 10 1", "1.1 1"], "deployed-behind"),
        (["1.1 20"], ["1.0 20"], "deployed-ahead"),
        (["4f2a11c 20"], ["99ab12f 20"], "service-version-differs"),
    ],
    ids=["tried", "stays ahead", "tried, by commits", "stays, by commits", "hotfix", "no date", "no order"],
)
def test_staging_may_be_ahead_for_a_week_and_production_never(left: list[str], right: list[str], rule: str | None):
    """The lag counts from the first version that production has not, whatever staging ran after it."""
    found = [one for one in breaches(left, right) if one.kind == "http.version"]
    assert [one.rule.id for one in found] == ([] if rule is None else [rule])
    if rule == "deployed-ahead" and len(left) > 1:
        assert "it has been behind for 8 days" in found[0].message


def test_releases_are_counted_as_deployed_where_versions_do_not_tell(tmp_path_factory: pytest.TempPathFactory):
    """Three commits were deployed to staging since the one that production runs."""
    folder = tmp_path_factory.mktemp("policies")
    (folder / "lag.yaml").write_text(
        "policy: lag\nrules:\n  - id: lag\n    about: a\n    path: version\n"
        "    expect: {max_lag: {releases: 2, side: right}}\n"
    )
    left = past("staging", LONG, "4f2a11c 20 8", "99ab12f 8 5", "1a2b3c4 5 3", "77ee210 3")
    told = history(left, past("prod", LONG, "4f2a11c 10"))
    found = judge(endpoints("77ee210", "4f2a11c"), load_policy(["lag"], [folder]), STAGING, PROD, NOW, history=told)
    assert [one.message for one in found.breaches] == [
        "version of api is 77ee210 in staging and 4f2a11c in prod: it is 3 releases behind"
    ]


def test_it_is_settled_once_staging_ran_it_or_production_runs_something_else():
    """And not by an audit that could not see production."""
    (breach,) = [one for one in breaches([LONG, "1.2 20"], [LONG, "1.0 10"]) if one.rule.id == "promoted-unrehearsed"]
    rehearsed = history(past("staging", LONG, "1.0 1"), past("prod", LONG, "1.0 10"))
    still = history(past("staging", LONG, "1.2 20"), past("prod", LONG, "1.0 10"))
    unknown = history(past("staging", "1.2 2"), past("prod", LONG, "1.0 10"))
    gone = history(past("staging", LONG), past("prod", LONG))
    assert [seen(comparison(), told, breach) for told in (rehearsed, still, unknown, gone)] == [
        True,
        False,
        False,
        True,
    ]


def test_what_a_later_snapshot_showed_is_not_known_yet():
    """The history is that of the snapshots that are compared, however late they are judged."""
    later = NOW + DAY
    rows = [
        *past("staging", LONG, "1.0 20"),
        Deployment("staging", "api", "9.9", None, NOW, later, later, True),
    ]
    told = history(rows, past("prod", LONG, "1.0 10"))
    assert [each.version for each in told.pasts["left"].of("api")] == ["0.9", "1.0"]
    assert [each.version for each in told.pasts["left"].running("api")] == ["1.0"]
