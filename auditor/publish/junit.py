"""The report as JUnit XML, as continuous integration reads it: one test suite per category, one for what was observed.

A finding that fails the audit is a failure, any other one is skipped with its reason, a gap is an error unless gaps were allowed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from auditor.model import Category
from auditor.ordering import order
from auditor.publish.entries import counterpart, is_one_sided, shown_identity, warnings
from auditor.publish.spelling import brief, iso, middle, path_text, sentence, side_by_side
from auditor.publish.view import ACTIVE, fails

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.model import Audit, Breach, Finding, Gap, Severity
    from auditor.publish.view import Report

_ROOM = 400


def junit(report: Report) -> str:
    """The document, with its declaration. Characters that XML cannot hold are spelled out (`\\x1b`)."""
    audit = report.audit
    root = ET.Element("testsuites", name=brief(f"Parity of {audit.left} and {audit.right}"))
    for category in Category:
        findings = sorted((f for f in audit.findings if f.breach.category is category), key=order)
        if findings or category in audit.scores:
            _category(root, audit, category, findings, report.fail_on)
    _coverage(root, report)
    seconds = f"{(audit.finished_at - audit.started_at).total_seconds():.3f}"
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", seconds)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _category(
    root: ET.Element, audit: Audit, category: Category, findings: Sequence[Finding], fail_on: Severity
) -> None:
    suite = _suite(root, audit, category.value)
    for finding in findings:
        case = _case(suite, finding.breach.kind, _name(finding.breach))
        if fails(finding, fail_on):
            failure = ET.SubElement(case, "failure", type=brief(finding.breach.rule.id), message=_message(finding))
            failure.text = _body(audit, finding)
        else:
            ET.SubElement(case, "skipped", message=f"{_why_skipped(finding, fail_on)}: {_message(finding)}")
            ET.SubElement(case, "system-out").text = _body(audit, finding)
    if not findings:
        _case(suite, category.value, "no finding")
    _count(suite)


def _coverage(root: ET.Element, report: Report) -> None:
    """What was not seen: errors, unless the verdict forgives it (`--allow-incomplete`). Beside it how much was, and notes."""
    tag = "skipped" if report.exit_code == 0 else "error"
    suite = _suite(root, report.audit, "coverage")
    for gap in report.audit.gaps:
        case = _case(suite, gap.kind, _place(gap))
        message = f"{gap.reason.value}: {brief(gap.detail, _ROOM)}"
        ET.SubElement(
            case, tag, type=gap.reason.value, message=message
        ).text = "Not observed, so unknown: neither missing nor equal."
    if not report.compared:
        case = _case(suite, "coverage", "something was compared")
        ET.SubElement(case, tag, type="nothing_compared", message="Nothing was compared.")
    elif not report.audit.gaps:
        case = _case(suite, "coverage", "everything was observed")
        if not report.audit.complete:
            ET.SubElement(case, tag, type="incomplete", message=report.gap_sentence)
    _count(suite)
    lines = [("Verdict", report.sentence), *report.facts]
    ET.SubElement(suite, "system-out").text = "\n".join(f"{name}: {text}" for name, text in lines)


def _suite(root: ET.Element, audit: Audit, name: str) -> ET.Element:
    return ET.SubElement(root, "testsuite", name=name, timestamp=iso(audit.started_at))


def _case(suite: ET.Element, kind: str, name: str) -> ET.Element:
    return ET.SubElement(
        suite, "testcase", classname=f"parity.{suite.get('name')}.{brief(kind)}", name=middle(name, _ROOM)
    )


def _count(suite: ET.Element) -> None:
    suite.set("tests", str(len(suite.findall("testcase"))))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))


def _name(breach: Breach) -> str:
    parts = (shown_identity(breach), path_text(breach.path), f"[{brief(breach.rule.id)}]")
    return " ".join(part for part in parts if part)


def _place(gap: Gap) -> str:
    parts = (gap.environment, gap.source, gap.region, gap.kind, gap.resource, gap.attribute)
    return sentence(" ".join(part for part in parts if part))


def _message(finding: Finding) -> str:
    return f"{finding.breach.severity.value}: {brief(finding.breach.message, _ROOM)}"


def _why_skipped(finding: Finding, fail_on: Severity) -> str:
    return f"below {fail_on.value}" if finding.status in ACTIVE else finding.status.value


def _body(audit: Audit, finding: Finding) -> str:
    breach = finding.breach
    if is_one_sided(breach):
        left, right = (side.identity or "(absent)" for side in (breach.left, breach.right))
    else:
        left, right = (shown.text for shown in side_by_side(breach.left.value, breach.right.value, _ROOM))
    lines = [
        f"{brief(audit.left)}: {sentence(left)}",
        f"{brief(audit.right)}: {sentence(right)}",
        f"Why: {sentence(breach.about)}",
        f"Cause: {sentence(breach.cause)}" if breach.cause else "",
        "; ".join(warnings(finding)),
        f"Fix: {sentence(breach.remediation)}" if breach.remediation else "",
        counterpart(breach),
        f"Rule: {brief(breach.rule.policy)}/{brief(breach.rule.id)}, {brief(breach.rule.file)}:{breach.rule.line}",
        f"Fingerprint: {breach.fingerprint}",
    ]
    return "\n".join(line for line in lines if line)
