"""What lists say of each thing for machines: the command line with `--format json` and the API, in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor.publish.json_report import gap_object
from auditor.publish.notice_text import about
from auditor.publish.spelling import iso
from auditor.waivers import state

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.collector import Collector
    from auditor.comparison import Comparison, Match, Unmatched
    from auditor.credentials import ApiToken
    from auditor.model import Json
    from auditor.notices import Queued
    from auditor.policy import Pack
    from auditor.waivers import Waiver


def waiver_object(waiver: Waiver, findings: int, now: datetime) -> dict[str, Json]:
    """`findings` is how many it covers now."""
    return {
        "id": waiver.id,
        "state": state(waiver, now).value,
        "owner": waiver.owner,
        "reason": waiver.reason,
        "created_at": iso(waiver.created_at),
        "expires_at": iso(waiver.expires_at),
        "revoked_at": _moment(waiver.revoked_at),
        "origin": waiver.origin,
        "covers": {
            "fingerprints": list(waiver.fingerprints),
            "left": waiver.left,
            "right": waiver.right,
            "rule": waiver.rule,
            "kind": waiver.kind,
            "identity": waiver.identity,
            "path": waiver.path,
            "bound_to_values": waiver.values is not None,
        },
        "findings": findings,
    }


def notice_object(queued: Queued) -> dict[str, Json]:
    notice = queued.notice
    return {
        "id": notice.id,
        "state": queued.state.value,
        "kind": notice.kind.value,
        "target": notice.target,
        "topic": notice.topic,
        "about": about(notice),
        "created_at": iso(notice.created_at),
        "not_before": iso(notice.not_before),
        "attempts": queued.attempts,
        "attempted_at": _moment(queued.attempted_at),
        "in_doubt": not queued.ended,
        "next_at": _moment(queued.next_at),
        "error": queued.error,
        "reference": queued.reference,
        "delivered_at": _moment(queued.delivered_at),
    }


def token_object(token: ApiToken, now: datetime) -> dict[str, Json]:
    """A token, never its secret: that is not known."""
    return {
        "id": token.id,
        "name": token.name,
        "scope": token.scope.value,
        "state": token.state(now),
        "created_by": token.created_by,
        "revoked_by": token.revoked_by,
        "created_at": iso(token.created_at),
        "expires_at": _moment(token.expires_at),
        "used_at": _moment(token.used_at),
        "revoked_at": _moment(token.revoked_at),
    }


def pack_object(pack: Pack) -> dict[str, Json]:
    return {
        "name": pack.name,
        "about": pack.about,
        "file": pack.file,
        "extends": list(pack.extends),
        "rules": pack.rules,
        "ships": pack.shipped,
    }


def collector_object(collector: Collector) -> dict[str, Any]:
    """`options` is the JSON Schema of what a source may say."""
    return {
        "name": collector.name,
        "about": collector.about,
        "kinds": [
            {"name": kind.name, "category": kind.category.value, "about": kind.about, "type": kind.cloudformation}
            for kind in sorted(collector.kinds, key=lambda kind: kind.name)
        ],
        "permissions": list(collector.permissions),
        "options": collector.options.model_json_schema(),
    }


def matching_object(comparison: Comparison) -> dict[str, Json]:
    """How the resources of two environments were paired, what stayed alone, and what was not seen and could be either."""
    gaps = comparison.left.gaps + comparison.right.gaps
    return {
        "left": comparison.left.environment,
        "right": comparison.right.environment,
        "matches": [match_object(compared.match) for compared in comparison.matches],
        "unmatched": [unmatched_object(one) for one in comparison.unmatched],
        "outcome": "incomplete" if gaps else "complete",
        "gaps": [gap_object(gap) for gap in gaps],
    }


def match_object(match: Match) -> dict[str, Json]:
    return {
        "kind": match.left.kind.name,
        "left": match.left.resource.identity,
        "right": match.right.resource.identity,
        "matched_by": match.method.value,
        "confidence": match.confidence,
    }


def unmatched_object(one: Unmatched) -> dict[str, Json]:
    return {
        "kind": one.normal.kind.name,
        "side": one.side,
        "identity": one.normal.resource.identity,
        "suggestion": one.suggestion.resource.identity if one.suggestion else None,
        "confidence": one.confidence if one.suggestion else None,
    }


def _moment(at: datetime | None) -> str | None:
    return iso(at) if at is not None else None
