"""One order everywhere; what flaps and what grew old says so; what one cause explains is a group of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from auditor.happenings import with_returns
from auditor.life import Event
from auditor.model import Audit, Coverage, Escalation, Finding, MatchMethod, Severity, Status
from auditor.ordering import order
from auditor.publish.console import console
from auditor.publish.html import html
from auditor.publish.json_report import json_report
from auditor.publish.junit import junit
from auditor.publish.lookups import explain_text, finding_text, findings_table
from auditor.publish.markdown import markdown
from auditor.publish.view import Report, report
from tests.store.samples import at, breach

NOW = at(60)
SEVEN = (Escalation(timedelta(days=7), Severity.HIGH), Escalation(timedelta(days=30), Severity.CRITICAL))


def finding(name: str, opened: float = 0, **changes: object) -> Finding:
    values = {"matched_by": MatchMethod.IDENTITY, "identity": name, **changes}
    return Finding(breach(name, **values), Status.OPEN, at(-600), NOW, None, at(opened))


def audit(*findings: Finding) -> Audit:
    coverage = Coverage(1.0, 3, 3, 3, 0, 0)
    return Audit("a-1", "staging", "prod", at(59), NOW, ("default",), 0.5, {}, coverage, findings, ())


def test_findings_come_by_severity_then_age_then_reach():
    """The newest of a severity first; of one audit what concerns most; then by place, so that it is always the same."""
    low = finding("low", 50, severity=Severity.LOW, reach=9)
    old, new = finding("old", 0, reach=9), finding("new", 30)
    wide, narrow, twin = finding("wide", 10, reach=3), finding("narrow", 10, reach=1), finding("other", 10, reach=1)
    came_back = replace(finding("back", 40), first_seen=at(-900))
    expected = ["back", "new", "wide", "narrow", "other", "old", "low"]
    for some in ([low, old, new, wide, narrow, twin, came_back], [came_back, twin, narrow, new, wide, low, old]):
        assert [one.breach.identity for one in sorted(some, key=order)] == expected


RENDERERS: list[Callable[[Report], str]] = [
    lambda shown: console(shown, width=200, color=False, now=NOW),
    lambda shown: markdown(shown, now=NOW).replace("\\", "").replace("&#95;", "_"),
    lambda shown: html(shown, now=NOW),
    junit,
    lambda shown: json_report(shown),
]


@pytest.mark.parametrize("render", RENDERERS, ids=["table", "markdown", "html", "junit", "json"])
@pytest.mark.parametrize("cause", [None, "One cause of two"])
def test_every_report_says_what_flaps_and_what_is_severe_by_age(render: Callable[[Report], str], cause: str | None):
    """Also inside a group, and in one order."""
    shared = {"cause": cause, "cause_key": cause and "key"}
    flapping = replace(finding("flapping", 20, **shared), returns=4)
    aged = finding("aged", 10, severity=Severity.HIGH, escalation=SEVEN, escalated_from=Severity.MEDIUM, **shared)
    text = render(report(audit(aged, flapping), Severity.HIGH))
    assert text.index("flapping") < text.index("aged")
    if render is RENDERERS[4]:
        found = {one["resource"]: one for one in json.loads(text)["findings"]}
        assert (found["flapping"]["flaps"], found["flapping"]["returns"]) == (True, 4)
        assert (found["aged"]["escalated_from"], found["aged"]["escalates"][1]) == (
            "medium",
            {"after_seconds": 30 * 86400, "to": "critical"},
        )
        return
    assert "flaps: came back 4 times within 24 hours" in text
    assert "high because it has been open for long, medium by its rule" in text


def test_the_groups_of_a_report_for_machines_have_their_members_in_order():
    """A cause with its key, as severe as its worst member; what nothing explains is in no group."""
    members = [
        finding("a", cause="Two of them", cause_key="k1", severity=Severity.MEDIUM),
        finding("b", cause="Two of them", cause_key="k1", severity=Severity.HIGH),
        finding("c", cause="One of one", cause_key="k2"),
        finding("d"),
    ]
    found = json.loads(json_report(report(audit(*members), Severity.HIGH)))
    assert found["groups"] == [
        {"cause": "Two of them", "key": "k1", "severity": "high", "members": ["fp-b", "fp-a"]},
    ]
    assert {one["fingerprint"]: one["cause_key"] for one in found["findings"]}["fp-c"] == "k2"


def test_a_finding_that_is_looked_up_says_that_it_flaps_and_when_it_gets_worse():
    """In the list by its status, in full where it is shown, with what its rule says of age where it is explained."""
    known = replace(finding("a", severity=Severity.MEDIUM, escalation=SEVEN), returns=3)
    options = {"width": 200, "color": False}
    assert "open (flaps)" in findings_table([known], now=NOW, **options)  # type: ignore[arg-type]
    shown = finding_text(known, (), now=NOW, **options)  # type: ignore[arg-type]
    assert "open; flaps: came back 3 times within 24 hours" in shown
    explained = explain_text(known, **options)  # type: ignore[arg-type]
    assert "to high when open for 7 d, to critical when open for 30 d" in explained


def test_only_the_last_24_hours_count():
    """Three times in a day flap; the one of the day before yesterday does not count."""
    events = [
        Event("fp-a", at(60 - minutes), "a", "auditor", Status.RESOLVED, Status.REGRESSED, "came back")
        for minutes in (10, 600, 1430, 1450)
    ]
    (counted,) = with_returns([finding("a")], events, NOW)
    assert (counted.returns, counted.flaps) == (3, True)
    (calm,) = with_returns([finding("a")], events[1:], NOW)
    assert (calm.returns, calm.flaps) == (2, False)
