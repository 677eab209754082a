"""What `audit show`, `explain`, `findings`, `snapshot` and `diff` print."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from auditor.life import Event
from auditor.model import ABSENT, Finding, Resource, Severity, Snapshot, Status
from auditor.publish.diff_report import diff_json, diff_text
from auditor.publish.json_report import finding_json, findings_json, snapshot_json
from auditor.publish.lookups import doubt, explain_text, finding_text, findings_table, snapshot_text
from auditor.publish.view import Drift
from auditor.store import AuditInfo

from .audits import NOW, STARTED, rich
from .golden import same_as_golden

DRIFTS = (
    Drift("aws.rds.instance", "orders-prod", ("engine_version",), "14.7", "15.4"),
    Drift("aws.rds.instance", "orders-prod", ("parameters", "max.size"), None, ABSENT),
    Drift("aws.sqs.queue", "refunds-prod", (), ABSENT, {"visibility_timeout": 30}),
)


def found(*step: str) -> Finding:
    """The finding of the rich audit at the path that ends so."""
    return next(item for item in rich().findings if item.breach.path[-len(step) :] == step)


def life(finding: Finding) -> list[Event]:
    name = finding.breach.fingerprint
    return [
        Event(name, STARTED, "a3", "auditor", Status.ACKNOWLEDGED, Status.REGRESSED, "came back"),
        Event(name, STARTED - timedelta(days=3), "a1", "auditor", None, Status.OPEN, "found"),
        Event(name, STARTED - timedelta(days=2), None, "ana", Status.OPEN, Status.ACKNOWLEDGED, "on it\x1b[2J"),
    ]


def snapshot() -> Snapshot:
    resources = tuple(Resource("aws.sqs.queue", f"queue-{n}", {}) for n in range(12))
    resources += (Resource("aws.rds.instance", "orders-prod", {}),)
    return Snapshot("01JD", "prod", STARTED, resources, rich().gaps[:4], ())


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("name", ["engine_version", "nginx.conf", "DATABASE_URL"])
def test_a_finding_is_shown_with_both_values_in_full_and_its_life(name: str, width: int) -> None:
    """Values of several lines keep their lines; events are in the order of time, and harmless."""
    finding = found(name)
    text = finding_text(finding, life(finding), width=width, color=False, now=NOW)
    same_as_golden(f"lookups/show-{name}-{width}.txt", text)
    assert text.index("open, by auditor") < text.index("acknowledged, by ana") < text.index("regressed, by auditor")
    assert "\x1b" not in text


@pytest.mark.parametrize("name", ["engine_version", "image"])
def test_a_finding_is_explained_by_its_rule_the_rules_it_overrode_and_the_pairing(name: str) -> None:
    """The file and line of the rule, the chain, and how the two resources came together."""
    finding = found(name)
    text = explain_text(finding, width=100, color=False)
    same_as_golden(f"lookups/explain-{name}.txt", text)
    assert f"{finding.breach.rule.file}:{finding.breach.rule.line}" in text
    assert "default/unclassified" in text


def test_an_unmatched_resource_is_explained_by_its_probable_counterpart() -> None:
    """Similarity is told, and told to prove nothing."""
    lonely = next(item for item in rich().findings if item.breach.suggestion == "refund-dead-letters-staging")
    text = explain_text(lonely, width=100, color=False)
    same_as_golden("lookups/explain-unmatched.txt", text)
    assert "refund-dead-letters-staging (82 % alike), which proves nothing" in " ".join(text.split())


@pytest.mark.parametrize("width", [80, 200])
def test_findings_are_listed_worst_first(width: int) -> None:
    """A row each, with status, age and the name to look them up by."""
    text = findings_table(rich().findings, width=width, color=False, now=NOW)
    same_as_golden(f"lookups/findings-{width}.txt", text)
    assert text.splitlines()[1].startswith("critical")
    assert text.endswith(f"{len(rich().findings)} findings\n")
    assert findings_table((), width=width, color=False, now=NOW) == "No findings.\n"


def test_a_pair_that_was_not_audited_for_more_than_a_day_is_said_to_be_old() -> None:
    """At a day it is not yet."""
    last = AuditInfo("a", "staging", "prod", "s", "p", NOW, NOW, complete=True, score=1.0, coverage=1.0)
    assert doubt("staging", "prod", last, NOW + timedelta(days=1)) == ""
    assert doubt("staging", "prod", last, NOW + timedelta(days=3)) == "staging/prod: the last audit was 3 d ago."
    text = findings_table(rich().findings, width=80, color=False, now=NOW, doubts=("it is old",))
    assert text.endswith(f"{len(rich().findings)} findings\nit is old\n")


def test_findings_that_nothing_audits_any_more_are_told_below_the_table() -> None:
    """A line for each such pair."""
    gone = (("staging", "old"), ("test", "prod"))
    text = findings_table(rich().findings, width=80, color=False, now=NOW, unconfigured=gone)
    assert text.splitlines()[-2:] == [
        "staging/old is no longer configured: its findings stand as they were last seen.",
        "test/prod is no longer configured: its findings stand as they were last seen.",
    ]


def test_a_snapshot_is_counted_by_kind_and_says_what_it_did_not_see() -> None:
    """Incomplete is in its headline, the gaps are last."""
    text = snapshot_text(snapshot(), width=100, color=False)
    same_as_golden("lookups/snapshot.txt", text)
    assert "INCOMPLETE: 4 gaps." in text
    whole = snapshot_text(replace(snapshot(), gaps=()), width=100, color=False)
    assert "INCOMPLETE" not in whole


def test_drift_is_told_resource_by_resource() -> None:
    """Both snapshots head their columns; a resource that came or went is told as a whole."""
    text = diff_text(DRIFTS, left="01JA 09:00", right="01JB 10:00", width=100, color=False)
    same_as_golden("lookups/drift.txt", text)
    assert diff_text((), left="a", right="b", width=100, color=False) == "No difference between a and b.\n"


def test_machines_get_the_same_as_json() -> None:
    """Absent is told from null, events and gaps are in order."""
    finding = found("engine_version")
    shown = json.loads(finding_json(finding, life(finding)))
    assert [event["to"] for event in shown["events"]] == ["open", "acknowledged", "regressed"]
    assert [item["severity"] for item in json.loads(findings_json(rich().findings))][:3] == [
        Severity.CRITICAL,
        Severity.CRITICAL,
        Severity.HIGH,
    ]
    drift = json.loads(diff_json(DRIFTS, left="a", right="b"))["differences"]
    assert drift[1]["left"] == {"value": None, "absent": False}
    assert drift[1]["right"] == {"value": None, "absent": True}
    taken = json.loads(snapshot_json(snapshot()))
    assert taken["resources"] == {"aws.rds.instance": 1, "aws.sqs.queue": 12}
    assert taken["snapshot"]["outcome"] == "incomplete"
    assert len(taken["gaps"]) == 4
