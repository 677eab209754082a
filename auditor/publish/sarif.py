"""The report as SARIF 2.1.0, as code scanning reads it: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html

A result is a finding, at the file and line that its resource was read from or else at its rule's; what could not be
observed is a notification of the run. The same audit gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from auditor import __version__
from auditor.model import Severity, Status
from auditor.ordering import order
from auditor.publish.gap_groups import MEANINGS
from auditor.publish.json_report import dump
from auditor.publish.sources import Source, gap_source, rule_source, sources_of
from auditor.publish.spelling import brief, count, distinct, iso, path_text, sentence

if TYPE_CHECKING:
    from auditor.gate import Silence
    from auditor.model import Finding, Gap, Json
    from auditor.publish.sources import Places
    from auditor.publish.view import Report

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "parityFingerprint/v1"
_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning"}
# The bands in which code scanning reads these numbers: above 9 critical, from 7 high, from 4 medium, above 0 low.
_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.5",
    Severity.INFO: "0.0",
}
_SUPPRESSIONS = {Status.WAIVED: "accepted", Status.ACKNOWLEDGED: "underReview"}
_ROOM = 1000
_REMEDIES = 3
_BASES: Mapping[str, str] = {
    "SRCROOT": "The root of the repository that the environments' files and policies stand in",
    "AUDITOR": "Where the auditor is installed: the policies that ship with it",
}


def sarif(report: Report, places: Places | None = None, silences: Mapping[str, Silence] | None = None) -> str:
    """The log, one run. `places` says where relative paths begin; `silences` who set findings aside, by fingerprint."""
    found = sorted((one for one in report.audit.findings if one.status is not Status.RESOLVED), key=order)
    by_rule: dict[str, list[Finding]] = {}
    for finding in found:
        by_rule.setdefault(_rule_id(finding), []).append(finding)
    rules = sorted(by_rule)
    index = {rule: number for number, rule in enumerate(rules)}
    results = [_result(finding, index, places, silences or {}) for finding in found]
    return dump({"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report, by_rule, results, places)]})


def _run(
    report: Report, by_rule: Mapping[str, Sequence[Finding]], results: list[Json], places: Places | None
) -> dict[str, Json]:
    audit = report.audit
    reasons = sorted({gap.reason for gap in audit.gaps})
    driver = {
        "name": "Parity Auditor",
        "version": __version__,
        "rules": [_rule(rule, by_rule[rule], places) for rule in sorted(by_rule)],
        "notifications": [
            {"id": f"gap/{reason.value}", "shortDescription": {"text": f"Not observed: {MEANINGS[reason]}"}}
            for reason in reasons
        ],
    }
    invocation = {
        # It did run; what it could not see stands in the notifications.
        "executionSuccessful": True,
        "exitCode": report.exit_code,
        "exitCodeDescription": report.sentence,
        "startTimeUtc": iso(audit.started_at),
        "endTimeUtc": iso(audit.finished_at),
        "toolExecutionNotifications": [_notification(gap, places) for gap in audit.gaps],
    }
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"parity/{brief(audit.left)}/{brief(audit.right)}/"},
        "invocations": [invocation],
        "originalUriBaseIds": {name: {"description": {"text": text}} for name, text in _BASES.items()},
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {
            "audit": audit.id,
            "verdict": report.sentence,
            "score": audit.score,
            "coverage": audit.coverage.ratio,
            "outcome": "complete" if audit.complete else "incomplete",
        },
    }


def _rule_id(finding: Finding) -> str:
    return f"{brief(finding.breach.rule.policy)}/{brief(finding.breach.rule.id)}"


def _rule(rule: str, findings: Sequence[Finding], places: Places | None) -> dict[str, Json]:
    """A rule with its reason and, as help, how its findings are mended."""
    worst = max((finding.breach for finding in findings), key=lambda breach: breach.severity.rank)
    about = _text(worst.about)
    remedies = distinct(_text(finding.breach.remediation) for finding in findings)
    more = [f"and {count(len(remedies) - _REMEDIES, 'more')} of the kind"] if len(remedies) > _REMEDIES else []
    fixes = [*remedies[:_REMEDIES], *more]
    where = rule_source(findings[0], places)
    place = f"{where.path}:{where.line}" if where.line else where.path
    text = "\n".join([about, *(f"Fix: {fix}" for fix in fixes), f"Rule: {rule}, {brief(place)}"])
    return {
        "id": rule,
        "name": _name(rule),
        "shortDescription": {"text": about},
        "fullDescription": {"text": about},
        "help": {"text": text},
        "defaultConfiguration": {"level": _level(worst.severity)},
        "properties": {
            "tags": sorted({"parity", *(finding.breach.category.value for finding in findings)}),
            "security-severity": _SCORES[worst.severity],
        },
    }


def _name(rule: str) -> str:
    """`default/version-behind` as `VersionBehind`: what viewers show that want an identifier."""
    words = re.findall(r"[A-Za-z0-9]+", rule.rpartition("/")[2])
    return "".join(word[:1].upper() + word[1:] for word in words) or "Rule"


def _result(
    finding: Finding, index: Mapping[str, int], places: Places | None, silences: Mapping[str, Silence]
) -> dict[str, Json]:
    breach, rule = finding.breach, _rule_id(finding)
    found = sources_of(finding, places)
    first, others = (found[0], found[1:]) if found else (rule_source(finding, places), ())
    names = [
        {"fullyQualifiedName": brief(f"{side.environment}/{breach.kind}/{side.identity}", 400), "kind": "resource"}
        for side in (breach.left, breach.right)
        if side.identity is not None
    ]
    result: dict[str, Json] = {
        "ruleId": rule,
        "ruleIndex": index[rule],
        "level": "note" if finding.status is Status.PENDING else _level(breach.severity),
        "message": {"text": _message(finding)},
        "locations": [{"physicalLocation": _physical(first), "logicalLocations": names}],
        "partialFingerprints": {FINGERPRINT: breach.fingerprint},
        "properties": {
            "security-severity": _SCORES[breach.severity],
            "severity": breach.severity.value,
            "status": finding.status.value,
            "category": breach.category.value,
            "kind": brief(breach.kind),
            "resource": brief(breach.identity, 400),
            "path": path_text(breach.path),
            "first_seen": iso(finding.first_seen),
        },
    }
    if others:
        result["relatedLocations"] = [
            {"id": number, "physicalLocation": _physical(source), "message": {"text": "the other environment"}}
            for number, source in enumerate(others, start=1)
        ]
    if finding.status in _SUPPRESSIONS:
        result["suppressions"] = [_suppression(finding, silences.get(breach.fingerprint))]
    return result


def _suppression(finding: Finding, silence: Silence | None) -> dict[str, Json]:
    until = f" until {iso(silence.until)}" if silence and silence.until else ""
    by = f" by {sentence(silence.by)}{until}" if silence else ""
    reason = f": {sentence(silence.reason)}" if silence and silence.reason else ""
    return {
        "kind": "external",
        "status": _SUPPRESSIONS[finding.status],
        "justification": _text(f"{finding.status.value}{by}{reason}"),
    }


def _message(finding: Finding) -> str:
    breach = finding.breach
    fix = f" Fix: {sentence(breach.remediation)}" if breach.remediation else ""
    said = brief(breach.message or f"{breach.identity}: {breach.about}", _ROOM).rstrip(".")
    return _text(f"{said}.{fix}", _ROOM * 2)


def _notification(gap: Gap, places: Places | None) -> dict[str, Json]:
    parts = (gap.environment, gap.source, gap.region, gap.kind, gap.resource, gap.attribute)
    where = " ".join(brief(part) for part in parts if part)
    source = gap_source(gap, places)
    told: dict[str, Json] = {
        "descriptor": {"id": f"gap/{gap.reason.value}"},
        "level": "error",
        "message": {"text": _text(f"Not observed, so unknown: {where}: {gap.reason.value}: {gap.detail}", _ROOM)},
    }
    if source is not None:
        told["locations"] = [{"physicalLocation": _physical(source)}]
    return told


def _physical(source: Source) -> dict[str, Json]:
    artifact: dict[str, Json] = {"uri": source.uri}
    if not source.uri.startswith("file://"):
        artifact["uriBaseId"] = "AUDITOR" if source.shipped else "SRCROOT"
    return {"artifactLocation": artifact, "region": {"startLine": source.line or 1}}


def _level(severity: Severity) -> str:
    return _LEVELS.get(severity, "note")


def _text(text: str, room: int = _ROOM) -> str:
    """Text that a viewer takes as nothing but text: no placeholder (`{0}`) and no embedded link (`[a](b)`)."""
    return re.sub(r"\]\(", "] (", re.sub(r"\{([0-9]+)\}", r"{ \1 }", brief(text, room)))
