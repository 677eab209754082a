"""The report for machines. Keys are added, never renamed or removed; `docs/reports.md` describes each."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from auditor.model import ABSENT, Absent, Json
from auditor.ordering import order
from auditor.publish.moves import moved_object
from auditor.publish.spelling import iso, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.model import Audit, Finding, Gap, Severity, Side, Snapshot
    from auditor.publish.view import Event, Report
    from auditor.waivers import Waiver

SCHEMA = 1


def json_report(report: Report) -> str:
    """One JSON object, the same bytes for the same audit. Text outside ASCII is escaped, so any pipe can carry it."""
    return dump(audit_object(report.audit, report.exit_code, report.sentence, report.fail_on))


def dump(value: Json) -> str:
    """Strict JSON: a number that JSON cannot say (`NaN`) is a string."""
    return json.dumps(plain(value), indent=2, allow_nan=False) + "\n"


def audit_object(audit: Audit, exit_code: int, sentence: str, fail_on: Severity) -> dict[str, Json]:
    """An audit as plain JSON values."""
    coverage = audit.coverage
    return {
        "schema": SCHEMA,
        "audit": {
            "id": audit.id,
            "left": audit.left,
            "right": audit.right,
            "started_at": iso(audit.started_at),
            "finished_at": iso(audit.finished_at),
            "outcome": "complete" if audit.complete else "incomplete",
            "policies": list(audit.policies),
        },
        "verdict": {"exit_code": exit_code, "sentence": sentence, "fail_on": fail_on.value},
        "score": audit.score,
        "scores": {category.value: score for category, score in sorted(audit.scores.items())},
        "coverage": {
            "ratio": coverage.ratio,
            "resources": {
                "left": coverage.left,
                "right": coverage.right,
                "matched": coverage.matched,
                "unmatched_left": coverage.unmatched_left,
                "unmatched_right": coverage.unmatched_right,
            },
            "sources": [
                {
                    "environment": source.environment,
                    "source": source.source,
                    "expected": source.expected,
                    "observed": source.observed,
                }
                for source in coverage.sources
            ],
        },
        "expected": audit.expected,
        "unknown": audit.unknown,
        "tallies": {
            category.value: {"matched": tally.matched, "expected": tally.expected, "unknown": tally.unknown}
            for category, tally in sorted(audit.tallies.items())
        },
        "notes": list(audit.notes),
        "findings": [finding_object(finding) for finding in sorted(audit.findings, key=order)],
        "groups": _groups(audit.findings),
        "gaps": [gap_object(gap) for gap in audit.gaps],
    }


def _groups(findings: Sequence[Finding]) -> list[Json]:
    """What one cause explains together, as the members come in the order of findings."""
    by_cause: dict[str, list[Finding]] = {}
    for finding in sorted(findings, key=order):
        if finding.breach.cause_key is not None:
            by_cause.setdefault(finding.breach.cause_key, []).append(finding)
    return [
        {
            "cause": members[0].breach.cause,
            "key": key,
            "severity": members[0].breach.severity.value,
            "members": [member.breach.fingerprint for member in members],
        }
        for key, members in by_cause.items()
        if len(members) > 1
    ]


def finding_object(finding: Finding) -> dict[str, Json]:
    """A finding as plain JSON values, with the chain of rules that decided it."""
    breach = finding.breach
    return {
        "fingerprint": breach.fingerprint,
        "rule": breach.rule.id,
        "severity": breach.severity.value,
        "category": breach.category.value,
        "status": finding.status.value,
        "kind": breach.kind,
        "resource": breach.identity,
        "path": list(breach.path),
        "left": _side(breach.left),
        "right": _side(breach.right),
        "message": breach.message,
        "about": breach.about,
        "remediation": breach.remediation,
        "matched_by": breach.matched_by.value if breach.matched_by else None,
        "confidence": breach.confidence,
        "first_seen": iso(finding.first_seen),
        "last_seen": iso(finding.last_seen),
        "moved": moved_object(finding),
        "opened_at": iso(finding.opened_at) if finding.opened_at else None,
        "flaps": finding.flaps,
        "returns": finding.returns,
        "cause": breach.cause,
        "cause_key": breach.cause_key,
        "reach": breach.reach,
        "suggestion": breach.suggestion,
        "tolerated_seconds": int(breach.tolerated_for.total_seconds()),
        "escalates": [
            {"after_seconds": int(step.after.total_seconds()), "to": step.to.value} for step in breach.escalation
        ],
        "escalated_from": breach.escalated_from.value if breach.escalated_from else None,
        "decided_by": {
            "policy": breach.rule.policy,
            "file": breach.rule.file,
            "line": breach.rule.line,
            "overrode": list(breach.rule.overrode),
        },
    }


def _side(side: Side) -> dict[str, Json]:
    return {
        "environment": side.environment,
        "identity": side.identity,
        **value_object(side.value),
        "location": side.location,
        **({"declared": side.declared} if side.declared is not None else {}),
    }


def value_object(value: Json | Absent) -> dict[str, Json]:
    """A value that may be missing. Both keys are always there: `absent` tells a missing value from a null one."""
    return {"value": None if value is ABSENT else value, "absent": value is ABSENT}


def gap_object(gap: Gap) -> dict[str, Json]:
    """A gap as plain JSON values."""
    return {
        "environment": gap.environment,
        "source": gap.source,
        "kind": gap.kind,
        "reason": gap.reason.value,
        "detail": gap.detail,
        "region": gap.region,
        "resource": gap.resource,
        "attribute": gap.attribute,
        "location": gap.location,
    }


def findings_json(findings: Sequence[Finding]) -> str:
    """`audit findings --format json`: an array of findings, worst first."""
    return dump([finding_object(finding) for finding in sorted(findings, key=order)])


def finding_json(finding: Finding, events: Sequence[Event], waiver: Waiver | None = None, unmoved: str = "") -> str:
    """`audit show --format json`."""
    return dump(shown_object(finding, events, waiver, unmoved))


def shown_object(
    finding: Finding, events: Sequence[Event], waiver: Waiver | None = None, unmoved: str = ""
) -> dict[str, Json]:
    """A finding, its `waiver`, its `events`, oldest first. `moved_unknown` says why it is not known which side moved."""
    return {
        **finding_object(finding),
        "moved_unknown": unmoved or None,
        "waiver": _waiver_object(waiver) if waiver else None,
        "events": [event_object(event) for event in _by_time(events)],
    }


def snapshot_json(snapshot: Snapshot) -> str:
    """`audit snapshot --format json`: resources counted by kind, and the gaps."""
    kinds = Counter(resource.kind for resource in snapshot.resources)
    return dump(
        {
            "schema": SCHEMA,
            "snapshot": {
                "id": snapshot.id,
                "environment": snapshot.environment,
                "taken_at": iso(snapshot.taken_at),
                "outcome": "incomplete" if snapshot.gaps else "complete",
            },
            "resources": dict(sorted(kinds.items())),
            "gaps": [gap_object(gap) for gap in snapshot.gaps],
        }
    )


def _waiver_object(waiver: Waiver) -> dict[str, Json]:
    return {
        "id": waiver.id,
        "owner": waiver.owner,
        "reason": waiver.reason,
        "expires_at": iso(waiver.expires_at),
        "origin": waiver.origin,
    }


def event_object(event: Event) -> dict[str, Json]:
    return {
        "at": iso(event.at),
        "from": event.from_status.value if event.from_status else None,
        "to": event.to_status.value,
        "actor": event.actor,
        "audit": event.audit_id,
        "reason": event.reason,
    }


def _by_time(events: Sequence[Event]) -> list[Event]:
    return sorted(events, key=lambda event: event.at)
