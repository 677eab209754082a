"""The verdict of a gate: what holds, what does not, and what cannot be told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.gate import Observation, Standing, Terms, Verdict, decide
from auditor.model import Audit, Finding, Gap, GapReason, Severity, Status
from auditor.scope import Scope
from tests.publish.audits import NOW, STARTED, incomplete, nothing, parity, rich

SEEN = Observation(STARTED, STARTED, recorded=False)
ORDERS = Scope(
    services=("orders",),
    members=frozenset({("aws.rds.instance", "orders-{env}"), ("aws.ecs.service", "orders-{env}")}),
    left=2,
    right=2,
    matched=2,
    of=400,
    kinds=frozenset({("aws.rds.instance", "aws:1"), ("aws.ecs.service", "aws:1")}),
    regions=frozenset({"eu-west-1"}),
)


def high(
    status: Status = Status.OPEN, severity: Severity = Severity.HIGH, number: int = 0, **breach: object
) -> Finding:
    """The database version of the rich audit, as a finding of its own."""
    found = rich().findings[0]
    changed = replace(found.breach, severity=severity, fingerprint=f"{number:032x}", **breach)  # type: ignore[arg-type]
    return replace(found, status=status, breach=changed)


def judged(
    audit: Audit, *findings: Finding, unseen: tuple[Finding, ...] = (), scope: Scope | None = None, **terms: object
):  # type: ignore[no-untyped-def]
    return decide(replace(audit, findings=findings), Standing(NOW, findings, unseen), Terms(**terms), SEEN, scope)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "severity", "verdict"),
    [
        (Status.OPEN, Severity.HIGH, Verdict.HOLD),
        (Status.REGRESSED, Severity.CRITICAL, Verdict.HOLD),
        (Status.OPEN, Severity.MEDIUM, Verdict.PASS),
        (Status.PENDING, Severity.CRITICAL, Verdict.PASS),
        (Status.WAIVED, Severity.CRITICAL, Verdict.PASS),
        (Status.ACKNOWLEDGED, Severity.CRITICAL, Verdict.PASS),
    ],
)
def test_only_what_is_open_and_severe_enough_holds(status: Status, severity: Severity, verdict: Verdict) -> None:
    """What a rule tolerates, a waiver covers or somebody answers for passes, as it does in an audit."""
    assert judged(parity(), high(status, severity)).verdict is verdict


def test_findings_hold_whether_or_not_everything_was_observed() -> None:
    """A hold is certain; only a pass needs to have seen all."""
    gate = judged(incomplete(), high())
    assert (gate.verdict, gate.exit_code, gate.sentence) == (Verdict.HOLD, 1, "Hold: 1 finding at or above high.")


def test_a_gap_makes_it_impossible_to_tell_unless_gaps_are_allowed() -> None:
    """Nothing found where not all was seen is no pass; nothing compared is none even where gaps are allowed."""
    assert judged(incomplete()).verdict is Verdict.INCOMPLETE
    assert judged(incomplete()).exit_code == 3
    assert judged(incomplete(), allow_incomplete=True).verdict is Verdict.PASS
    assert judged(nothing(), allow_incomplete=True).verdict is Verdict.INCOMPLETE


def test_several_findings_of_one_cause_are_counted_as_one_cause() -> None:
    """The sentence says how much there is to mend."""
    found = [high(number=number, cause="one engine") for number in range(3)]
    assert judged(parity(), *found, high(number=9)).sentence == "Hold: 4 findings at or above high, of 2 causes."


def test_an_open_finding_that_a_gap_hides_now_still_holds() -> None:
    """Nothing says that it is gone. One that no gap hides is of something that nobody reads any more."""
    gap = Gap("prod", "aws:1", "aws.rds.*", GapReason.ACCESS_DENIED, "no")
    gate = judged(replace(incomplete(), gaps=(gap,)), unseen=(high(),))
    assert (gate.verdict, gate.unseen) == (Verdict.HOLD, frozenset({high().breach.fingerprint}))
    assert judged(replace(incomplete(), gaps=(gap,)), unseen=(high(Status.WAIVED),)).verdict is Verdict.INCOMPLETE
    elsewhere = replace(gap, kind="aws.sqs.queue")
    assert judged(replace(incomplete(), gaps=(elsewhere,)), unseen=(high(),)).verdict is Verdict.INCOMPLETE
    assert judged(parity(), unseen=(high(),)).verdict is Verdict.PASS


def test_a_finding_outside_of_the_scope_is_told_and_does_not_hold() -> None:
    """Inside by its normal identity or by either side's; coverage counts the scope."""
    outside = high(number=7, identity="catalogue-{env}")
    outside = replace(outside, breach=replace(outside.breach, left=replace(outside.breach.left, identity="c"),
                                              right=replace(outside.breach.right, identity="d")))  # fmt: skip
    gate = judged(parity(), outside, scope=ORDERS, services=("orders",))
    assert (gate.verdict, gate.outside, gate.audit.findings) == (Verdict.PASS, (outside,), ())
    assert (gate.audit.coverage.left, gate.audit.coverage.ratio) == (2, 1.0)
    assert judged(parity(), outside, high(), scope=ORDERS).holding == (high(),)


@pytest.mark.parametrize(
    ("gap", "verdict"),
    [
        (Gap("prod", "aws:1", "aws.rds.instance", GapReason.TIMEOUT, ""), Verdict.INCOMPLETE),
        (Gap("prod", "aws:1", "aws.*", GapReason.TIMEOUT, ""), Verdict.INCOMPLETE),
        (Gap("prod", "", "aws.rds.instance", GapReason.UNSUPPORTED, ""), Verdict.INCOMPLETE),
        (Gap("prod", "aws:1", "aws.rds.instance", GapReason.TIMEOUT, "", resource="orders-{env}", attribute="x"), Verdict.INCOMPLETE),
        (Gap("prod", "aws:1", "aws.rds.instance", GapReason.TIMEOUT, "", region="us-east-1"), Verdict.PASS),
        (Gap("prod", "aws:1", "aws.sqs.queue", GapReason.TIMEOUT, ""), Verdict.PASS),
        (Gap("prod", "aws:1", "aws.rds.instance", GapReason.TIMEOUT, "", resource="other", attribute="x"), Verdict.PASS),
        (Gap("prod", "files:deploy", "*", GapReason.MALFORMED, "", resource="x.yaml"), Verdict.PASS),
    ],
)  # fmt: skip
def test_only_a_gap_that_may_hide_a_part_of_the_scope_counts(gap: Gap, verdict: Verdict) -> None:
    """Its kind, its region, its resource and its source decide; those that do not count are told."""
    gate = judged(replace(incomplete(), gaps=(gap,)), scope=ORDERS)
    assert gate.verdict is verdict
    assert gate.gaps_outside == (() if verdict is Verdict.INCOMPLETE else (gap,))


def test_a_scope_of_which_nothing_was_compared_cannot_be_judged() -> None:
    """A service that only one side has shows no parity."""
    assert judged(parity(), scope=replace(ORDERS, right=0, matched=0)).verdict is Verdict.INCOMPLETE
