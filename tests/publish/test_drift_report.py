"""What `audit drift` and `audit diff` print."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from auditor.drift import Changed, Drifted, Step, Unseen
from auditor.drift_causes import InTime, Leaf, bundled
from auditor.model import ABSENT, Gap, GapReason, Moved
from auditor.promotion import Deployment
from auditor.publish.diff_report import diff_json, diff_text
from auditor.publish.drift_report import drift_markdown, drift_object, drift_table
from auditor.publish.drift_view import DriftView, drift_view
from auditor.publish.view import Drift

from .golden import same_as_golden

NINE = datetime(2026, 11, 17, 9, 0, tzinfo=UTC)
RDS, ECS = "aws.rds.instance", "aws.ecs.service"


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def changed(kind: str, identity: str, path: str, *values: Any, by: int = 30, every: int = 15, **more: Any) -> Changed:
    """A place that held these values one after the other."""
    steps = [
        Step(old, new, at(by - every + number * every), at(by + number * every))
        for number, (old, new) in enumerate(pairwise(values))
    ]
    return Changed(kind, identity, tuple(path.split(".")) if path else (), values[0], values[-1], tuple(steps), **more)


def drifted(**more: Any) -> Drifted:
    """A day in which about everything happened."""
    changes = [
        *(changed(ECS, f"{name}-prod", "image", "shop/base:1", "shop/base:2", by=45) for name in ("api", "mail", "web")),
        *(changed(ECS, f"{name}-prod", "environment.TOKEN", f"{{secret:{n}a}}", f"{{secret:{n}b}}", by=60 + 15 * n)
          for n, name in enumerate(("api", "mail", "web"))),
        changed(RDS, "orders-prod", "engine_version", "15.4", "15.8"),
        changed(RDS, "orders-prod", "multi_az", True, False, True),
        changed(RDS, "orders-prod", "storage", 100, 200, 100, 200, 100, 200, region="eu-west-1"),
        changed(RDS, "orders-prod", "size", 1, 2, 3),
        changed(RDS, "reports-prod", "", ABSENT, True),
        changed(RDS, "old-prod", "", True, ABSENT),
        changed(ECS, "brief-prod", "", ABSENT, True, ABSENT),
    ]  # fmt: skip
    denied = Gap("prod", "aws:1", "aws.sqs.*", GapReason.ACCESS_DENIED, "not authorized", region="eu-west-1")
    part = replace(denied, kind=RDS, resource="orders-prod", attribute="tags")
    said = {"environment": "prod", "since": at(5), "base": at(0), "last": at(180), "looks": 13}
    unseen = (Unseen(denied, 3, at(30), at(60), False), Unseen(part, 1, at(180), at(180), True))
    return Drifted(**{**said, "changes": tuple(changes), "unseen": unseen, "newly_seen": 2, **more})


def view(**more: Any) -> DriftView:
    ran = {"environment": "prod", "digest": None, "last_seen": at(180), "running": True}
    deployments = [
        Deployment(component="api", version="1.4.0", after=None, first_seen=at(-900), **{**ran, "running": False}),
        Deployment(component="api", version="1.5.0", after=at(30), first_seen=at(45), deployed_at=at(40), **ran),
        Deployment(component="mail", version="7", after=None, first_seen=at(60), **{**ran, "running": False}),
    ]
    return drift_view(drifted(**more), deployments)


def test_the_table_puts_together_what_belongs_together() -> None:
    """An image everywhere and a key in many services are one change each; what was undone comes after."""
    text = drift_table(view(), width=100, color=False)
    same_as_golden("drift/table-100.txt", text)
    same_as_golden("drift/table-80.txt", drift_table(view(), width=80, color=False))
    assert text.startswith("10 changes, 3 changed and changed back in prod between 2026-11-17 09:00:00 UTC and ")
    assert "image went from shop/base:1 to shop/base:2, in 3 resources of kind aws.ecs.service" in text
    assert "environment.TOKEN changed, in 3 resources of kind aws.ecs.service" in text


def test_markdown_says_the_same_and_stays_text() -> None:
    """Names from outside cannot form markup."""
    hostile = changed(RDS, "<script>|`x`", "a.b", "[x](http://y)", "@all")
    text = drift_markdown(view(changes=(*drifted().changes, hostile)))
    same_as_golden("drift/report.md", text)
    assert "<script" not in text


def test_machines_get_every_step() -> None:
    """With the cause of each change, what ran from when on, and what was not observed."""
    told = json.loads(drift_object(view()))
    same_as_golden("drift/report.json", drift_object(view()))
    courses = {(one["resource"], ".".join(one["path"])): one["course"] for one in told["changes"]}
    assert courses[("orders-prod", "multi_az")] == "undone"
    assert courses[("orders-prod", "storage")] == "flapped"
    assert (told["verdict"]["exit_code"], told["outcome"]) == (1, "incomplete")


def test_what_is_not_known_is_said_in_the_headline_and_the_exit_code() -> None:
    """Nothing changed only where everything was seen; one look is nothing to compare."""
    calm: Mapping[str, Any] = {"changes": (), "unseen": (), "newly_seen": 0}
    cases = [
        (calm, 0, "Nothing changed in prod between 2026-11-17 09:00:00 UTC and 2026-11-17 12:00:00 UTC."),
        ({**calm, "unseen": drifted().unseen}, 3, "Nothing was seen to change in prod between"),
        ({**calm, "looks": 1, "base": at(10), "last": at(10)}, 3,
         "There is only one snapshot of prod, of 2026-11-17 09:10:00 UTC: nothing to compare it with."),
        ({**calm, "looks": 1, "last": at(0)}, 3,
         "No snapshot of prod was taken since 2026-11-17 09:05:00 UTC; the last one is of 2026-11-17 09:00:00 UTC."),
    ]  # fmt: skip
    for more, code, sentence in cases:
        found = drift_view(drifted(**more))
        assert (found.exit_code, found.headline.startswith(sentence)) == (code, True), found.headline
    late = drift_view(drifted(**calm, base=at(10)))
    assert late.remarks == (
        "The first snapshot that is kept is of 2026-11-17 09:10:00 UTC: what changed before is not known.",
    )
    short = drift_view(drifted(**calm, cut_short=True))
    assert (short.exit_code, short.remarks[0]) == (
        3, "There are more than 13 snapshots since then; only the last 13 were looked at."
    )  # fmt: skip


def test_what_was_not_seen_for_a_while_was_not_deployed_again() -> None:
    """A blind look ends no release and begins none; what it may hide was last seen, and is not said to have ended."""
    hidden = Gap("prod", "files:prod", "compose.service", GapReason.MALFORMED, "not YAML", resource="compose.yaml")

    def ran(component: str, version: str, after: int | None, first: int, last: int, running: bool) -> Deployment:
        start = None if after is None else at(after)
        return Deployment("prod", component, version, None, start, at(first), at(last), running)

    deployments = [
        ran("api", "1.1.0", 5, 15, 30, False),
        ran("api", "1.1.0", 45, 60, 180, True),  # the look at 45 was blind
        ran("web", "2", None, 0, 30, False),
        ran("web", "3", 45, 60, 180, True),
        ran("canary", "7", None, 0, 180, True),
        ran("canary", "8", 15, 30, 60, False),
        ran("canary", "8", 75, 90, 120, False),  # 7 was seen meanwhile, so 8 had ended
        ran("jobs", "4", 60, 75, 90, False),
    ]

    def told(still: bool) -> list[tuple[str, str | None, str, bool | None]]:
        unseen = (Unseen(hidden, 1, at(45), at(45), still),)
        found = json.loads(drift_object(drift_view(drifted(unseen=unseen), deployments)))["deployments"]
        return [
            (f"{each['component']} {each['version']}", each["was"], each["after"][11:16], each["running"])
            for each in found
        ]

    expected: list[tuple[str, str | None, str, bool | None]] = [
        ("api 1.1.0", None, "09:05", True),
        ("canary 8", "7", "09:15", False),
        ("web 3", "2", "09:30", True),
        ("jobs 4", None, "10:00", False),
        ("canary 8", "8", "10:15", False),
    ]
    assert told(still=False) == expected
    assert told(still=True) == [(*each[:3], None if each[0] == "jobs 4" else each[3]) for each in expected]
    text = drift_table(
        drift_view(drifted(unseen=(Unseen(hidden, 1, at(45), at(45), True),)), deployments), width=100, color=False
    )
    assert (
        "jobs 4: first seen between Tue 2026-11-17 10:00 and 10:15 UTC, last seen 2026-11-17 10:30:00 UTC"
        in " ".join(text.split())
    )


def test_bundles_take_the_widest_cause_and_leave_the_rest_alone() -> None:
    """A kind that came; one change of value; one path; many keys below one parent. Flags and pairs have no cause."""
    leaves = [
        *(Leaf(RDS, f"r{n}", (), ABSENT, True) for n in range(3)),
        *(Leaf(ECS, f"s{n}", ("x", "image"), "1", "2") for n in range(3)),
        *(Leaf(ECS, f"s{n}", ("key",), n, n + 10) for n in range(3)),
        *(Leaf(ECS, "s0", ("env", f"K{n}"), n, f"v{n}") for n in range(5)),
        *(Leaf(ECS, f"s{n}", ("flag", f"f{n}"), False, True) for n in range(3)),
        Leaf(RDS, "a", ("v",), "1", "9"),
        Leaf(RDS, "b", ("v",), "1", "9"),
    ]
    found = bundled(leaves, lambda leaf: leaf, InTime())
    assert [(bundle.title, len(bundle.members)) for bundle in found] == [
        (f"3 resources of kind {RDS} came", 3),
        (f"image went from 1 to 2, in 3 resources of kind {ECS}", 3),
        (f"key changed, in 3 resources of kind {ECS}", 3),
        ("5 keys: what is below env of s0 changed", 5),
        *[("", 1)] * 5,
    ]


DIFFS = (
    *(Drift(ECS, f"{name}-{{env}}", ("image",), "shop/base:1", "shop/base:2",
            Moved("right", "prod", at(0), at(15), "shop/base:1", "shop/base:2", "p-1")) for name in ("api", "mail", "web")),
    Drift(RDS, "orders-{env}", ("engine_version",), "15.4", "15.8"),
)  # fmt: skip


def test_a_diff_is_bundled_by_cause_with_when_it_came_to_differ() -> None:
    """Of two environments it says what each has; of one environment what went from what to what."""
    beside = diff_text(DIFFS, left="s-9", right="p-9", width=100, color=False, environments=("staging", "prod"))
    same_as_golden("drift/diff.txt", beside)
    assert "image is shop/base:1 in staging and shop/base:2 in prod, in 3 resources" in beside
    assert beside.count("prod changed between Tue 2026-11-17 09:00 and 09:15 UTC") == 3
    in_time = diff_text(DIFFS, left="p-8", right="p-9", width=100, color=False, environments=("prod", "prod"))
    assert "image went from shop/base:1 to shop/base:2, in 3 resources" in in_time
    told = json.loads(diff_json(DIFFS, left="s-9", right="p-9", environments=("staging", "prod")))["differences"]
    assert told[0]["cause"].startswith("image is shop/base:1 in staging")
    assert (told[0]["moved"]["by"], told[3]["moved"], told[3]["cause"]) == ("2026-11-17T09:15:00Z", None, None)
