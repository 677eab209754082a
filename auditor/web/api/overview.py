"""How everything stands at a glance, and what happened lately."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request

from auditor.durations import parse_duration
from auditor.publish.json_report import event_object
from auditor.publish.spelling import iso
from auditor.web.api.answers import Answer, page
from auditor.web.api.names import Fingerprint
from auditor.web.api.operations import Found, Ground, gets, router
from auditor.web.api.paging import After, Limit, wrong
from auditor.web.api.pairs import standing_object
from auditor.web.api.shapes.overview import HappeningList, Overview, Timeline
from auditor.web.queries.standing import Answer as Mirrors
from auditor.web.queries.timeline import DAYS, timeline
from auditor.web.queries.versions import in_order

if TYPE_CHECKING:
    from auditor.store import Happened
    from auditor.web.queries.timeline import Course

_AGE = r"^[1-9][0-9]{0,3}[smhdw]$"
_MOST_DAYS = 366


def overview_router() -> APIRouter:
    found = router("Overview")

    @found.get("/overview", **gets("getOverview", "How everything stands", Overview))
    def overview(ground: Ground, kept: Found) -> Answer:
        """Every configured pair as it stands, what is incomplete or stale, and what changed within the last 24 hours."""
        config = ground.config
        found = kept.overviews.get(ground.store, config, ground.clock())
        paired = {name for standing in found.standings for name in standing.key}
        return Answer(
            {
                "environments": list(in_order(config)),
                "alone": [name for name in config.environments if name not in paired],
                "pairs": [standing_object(one) for one in found.standings],
                "answers": {
                    answer.value: sum(1 for one in found.standings if one.answer is answer) for answer in Mirrors
                },
                "incomplete": ["/".join(one.key) for one in found.standings if one.incomplete],
                "stale": ["/".join(one.key) for one in found.standings if one.stale],
                "since": iso(found.since),
                "changed": asdict(found.changed),
            }
        )

    @found.get("/happened", **gets("listHappened", "What happened lately", HappeningList))
    def happened(
        request: Request,
        ground: Ground,
        since: Annotated[str, Query(pattern=_AGE, description="How long ago at most.")] = "24h",
        limit: Limit = 100,
        after: After = None,
    ) -> Answer:
        """Every change of a finding's status, by audits and by people, the newest first."""
        begin = ground.clock() - _span(since)
        try:
            found = ground.store.recent(begin, None, limit, after)
        except ValueError as error:
            raise wrong("after", str(error)) from error
        return page(request, [_happened_object(one) for one in found.items], found.next, since=iso(begin))

    @found.get("/findings/{fingerprint}/timeline", **gets("getTimeline", "A finding's place over time", Timeline, 404))
    def over_time(
        ground: Ground,
        fingerprint: Fingerprint,
        days: Annotated[int, Query(ge=1, le=_MOST_DAYS, description="So many days back at most.")] = DAYS,
    ) -> Answer:
        """What each side held, and from when on, as far as the snapshots that are kept tell."""
        stored = ground.store.finding(fingerprint)
        told = timeline(ground.store, ground.config, ground.registry.kind, stored.breach, ground.clock(), days)
        left, right = told.courses
        return Answer(
            {
                "fingerprint": stored.fingerprint,
                "start": iso(told.start),
                "end": iso(told.end),
                "left": _course_object(left),
                "right": _course_object(right),
            }
        )

    return found


def _happened_object(one: Happened) -> dict[str, Any]:
    breach = one.finding.breach
    return {
        **event_object(one.event),
        "fingerprint": breach.fingerprint,
        "left": breach.left.environment,
        "right": breach.right.environment,
        "severity": breach.severity.value,
        "category": breach.category.value,
        "kind": breach.kind,
        "resource": breach.identity,
        "path": list(breach.path),
        "message": breach.message,
        "status": one.finding.status.value,
    }


def _course_object(course: Course) -> dict[str, Any]:
    return {
        "environment": course.environment,
        "stretches": [
            {
                "text": one.text,
                "after": iso(one.after) if one.after else None,
                "since": iso(one.since),
                "until": iso(one.until),
            }
            for one in course.stretches
        ],
        "more": course.more,
        "why": course.why or None,
    }


def _span(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise wrong("since", str(error)) from error
