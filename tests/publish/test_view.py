"""What is concluded from an audit, and how its findings are brought together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from auditor.model import ABSENT, Audit, Category, Finding, Gap, GapReason, MatchMethod, Severity, Status
from auditor.publish.entries import is_one_sided, needs_message
from auditor.publish.gap_groups import gap_groups
from auditor.publish.view import report, verdict

from .audits import finding, incomplete, nothing, parity, rich


def high(path: str = "engine_version", **more: Any) -> Finding:
    return finding(
        "database-engine-version", Severity.HIGH, Category.DATABASE, "aws.rds.instance", "orders-{env}",
        (path,), "14.7", "15.4", **more,
    )  # fmt: skip


def holding(audit: Audit, *findings: Finding) -> Audit:
    return replace(audit, findings=findings)


@pytest.mark.parametrize(
    ("audit", "fail_on", "allowed", "code", "words"),
    [
        (parity(), Severity.HIGH, False, 0, "In parity."),
        (holding(parity(), high()), Severity.HIGH, False, 1, "Not in parity: 1 finding at or above high."),
        (holding(parity(), high()), Severity.CRITICAL, False, 0, "Nothing at or above critical; 1 finding below it."),
        (holding(incomplete(), high()), Severity.HIGH, True, 1, "Not in parity: 1 finding at or above high."),
        (incomplete(), Severity.HIGH, False, 3, "Undecided: nothing at or above high was found"),
        (incomplete(), Severity.HIGH, True, 0, "Passed with gaps"),
        (nothing(), Severity.HIGH, False, 3, "Nothing was compared"),
        (nothing(), Severity.HIGH, True, 3, "Nothing was compared"),
    ],
)
def test_the_verdict_is_findings_first_then_gaps_and_never_parity_of_nothing(
    audit: Audit, fail_on: Severity, allowed: bool, code: int, words: str
) -> None:
    """The exit code and its sentence for every state that an audit can end in."""
    exit_code, sentence = verdict(audit, fail_on, allowed)
    assert exit_code == code
    assert sentence.startswith(words)


@pytest.mark.parametrize("status", [Status.PENDING, Status.ACKNOWLEDGED, Status.WAIVED])
def test_a_finding_that_is_tolerated_or_silenced_does_not_fail_the_audit(status: Status) -> None:
    """It is shown apart and not counted."""
    audit = holding(parity(), high(status=status))
    shown = report(audit, Severity.HIGH)
    assert shown.exit_code == 0
    assert shown.severities == "none"
    assert shown.sections == ()
    assert [len(found) for found in shown.aside.values()] == [1]


def test_a_finding_that_came_back_fails_the_audit() -> None:
    """Regressed counts as open."""
    assert verdict(holding(parity(), high(status=Status.REGRESSED)), Severity.HIGH)[0] == 1


def test_coverage_below_one_is_incomplete_even_without_a_gap() -> None:
    """What was not seen counts whether or not a reason is known."""
    audit = replace(parity(), coverage=replace(parity().coverage, ratio=0.5))
    assert verdict(audit, Severity.HIGH)[0] == 3
    assert "50 % of what should have been observed" in report(audit, Severity.HIGH).gap_sentence


def test_categories_and_rules_are_ordered_by_their_worst_finding() -> None:
    """A critical finding of configuration comes before a medium one of compute."""
    shown = report(rich(), Severity.HIGH)
    worst = [section.blocks[0].severity.rank for section in shown.sections]
    assert worst == sorted(worst, reverse=True)
    for section in shown.sections:
        ranks = [block.severity.rank for block in section.blocks]
        assert ranks == sorted(ranks, reverse=True)


def test_every_finding_is_shown_in_exactly_one_place() -> None:
    """Sections, unmatched resources, information and what is set aside add up to the audit, nothing twice."""
    audit = rich()
    shown = report(audit, Severity.HIGH)
    blocks = [block for section in shown.sections for block in section.blocks] + list(shown.one_sided)
    entries = [entry for block in blocks for entry in block.entries] + list(shown.info)
    findings = [item for entry in entries for item in entry.findings]
    findings += [item for found in shown.aside.values() for item in found]
    assert len(findings) == len(audit.findings)
    assert {item.breach.fingerprint for item in findings} == {item.breach.fingerprint for item in audit.findings}


def test_members_of_one_cause_are_one_entry_under_the_worst_of_them() -> None:
    """A cause that reaches into two categories and severities is one group, named once."""
    first = high("a", cause="one base image")
    second = replace(
        high("b", cause="one base image"),
        breach=replace(high("b", cause="one base image").breach, severity=Severity.LOW, category=Category.CONFIG),
    )
    shown = report(holding(parity(), second, first), Severity.HIGH)
    (section,) = shown.sections
    (entry,) = section.blocks[0].entries
    assert section.category is Category.DATABASE
    assert [item.breach.path for item in entry.findings] == [("a",), ("b",)]
    assert entry.title == "one base image: 2 findings"


def test_a_cause_with_a_single_finding_is_no_group() -> None:
    """A group of one would only repeat itself."""
    shown = report(holding(parity(), high(cause="one base image")), Severity.HIGH)
    assert shown.sections[0].blocks[0].entries[0].cause is None


def test_one_resource_with_several_findings_of_a_rule_is_named_once_with_their_common_path() -> None:
    """Rows tell what differs; what they share stands above them."""
    found = [replace(high(), breach=replace(high().breach, path=("env", name), fingerprint=name)) for name in "AB"]
    (entry,) = report(holding(parity(), *found), Severity.HIGH).sections[0].blocks[0].entries
    assert entry.identity == "orders-{env}"
    assert entry.path == ("env",)
    assert [entry.label(item) for item in entry.findings] == ["A", "B"]


def test_two_resources_that_are_only_probably_counterparts_stand_with_the_unmatched() -> None:
    """Both names are known, but nothing paired them."""
    probable = high(matched_by=None).breach
    assert is_one_sided(replace(probable, path=()))
    assert not is_one_sided(replace(probable, path=(), matched_by=MatchMethod.TAG))
    assert not is_one_sided(probable)


@pytest.mark.parametrize(
    ("left", "right", "message", "needed"),
    [
        ("14.7", "15.4", "engine_version of orders is 14.7 in staging and 15.4 in prod", False),
        ("14.7", "15.4", "staging is behind: engine_version is 14.7 against 15.4 in prod", False),
        ("14.7", "15.4", "engine_version is 14.7 in staging and 15.4 in prod; also, it is a placeholder", True),
        ("TODO", "15.4", "engine_version is TODO in staging: it is a placeholder", True),
        ("same", "same", "key is a secret in staging and prod: the values must differ", True),
        (ABSENT, "x", "key of orders exists in prod only, not in staging: x", False),
        (ABSENT, "x", "key of orders is absent in staging: it must be there", True),
        (["a"], ["b"], "list of orders differs: only staging has a; only prod has b", False),
        ("14.7", "15.4", "", False),
    ],
)
def test_a_sentence_is_shown_where_it_gives_a_reason_and_not_where_it_repeats_the_values(
    left: Any, right: Any, message: str, needed: bool
) -> None:
    """Values beside each other say a plain difference by themselves."""
    found = replace(high().breach, message=message)
    found = replace(found, left=replace(found.left, value=left), right=replace(found.right, value=right))
    assert needs_message(found) is needed


def test_gaps_of_one_place_and_reason_are_one_group_that_names_what_it_hides() -> None:
    """Kinds, single resources and attributes are counted apart."""
    shown = report(rich(), Severity.HIGH)
    assert [(group.environment, group.reason.value, group.hidden) for group in shown.gaps] == [
        ("prod", "access_denied", "3 kinds"),
        ("prod", "throttled", "1 kind"),
        ("staging", "access_denied", "1 attribute"),
        ("staging", "malformed", "1 resource"),
    ]
    everything = Gap("prod", "aws:4", "*", GapReason.UNREACHABLE, "no answer")
    some = replace(everything, kind="aws.ec2.*", reason=GapReason.TIMEOUT)
    hidden = [group.hidden for group in report(replace(parity(), gaps=(everything, some)), Severity.HIGH).gaps]
    assert hidden == ["at least 1 kind", "everything in it"]


@pytest.mark.parametrize(
    ("source", "command"),
    [("aws:444455556666", "`audit iam-policy` prints"), ("data:db/shop", "`audit collectors NAME` says")],
)
def test_whoever_is_denied_is_sent_to_what_tells_the_permissions(source: str, command: str) -> None:
    """A database has no IAM policy; each collector says itself what it needs."""
    (group,) = gap_groups([Gap("prod", source, "data.*", GapReason.ACCESS_DENIED, "denied")])
    assert command in group.remedy


def test_a_source_of_which_nothing_is_read_lacks_credentials_and_not_one_permission() -> None:
    """Nobody signed in, or a key that is no more: no permission mends that."""
    nothing_read, one_service = (
        gap_groups([Gap("prod", "aws:default", kind, GapReason.ACCESS_DENIED, "denied")])[0]
        for kind in ("aws.*", "aws.rds.*")
    )
    assert nothing_read.meaning == "there are no credentials that may read any of it"
    assert nothing_read.remedy.startswith("Look at its credentials first. Grant the missing permission; ")
    assert one_service.meaning == "the credentials may not read it"
    assert one_service.remedy.startswith("Grant the missing permission; ")
