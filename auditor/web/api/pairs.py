"""Pairs as they stand, and how that came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request

from auditor.publish.spelling import iso
from auditor.web.api.answers import Answer, page
from auditor.web.api.names import Left, Right
from auditor.web.api.operations import Found, Ground, gets, router
from auditor.web.api.paging import After, Limit, part
from auditor.web.api.shapes.pairs import PairList, PairStanding, Trend
from auditor.web.queries.standing import standings

if TYPE_CHECKING:
    from auditor.store import DayPoint
    from auditor.web.queries.standing import Cell, Standing

_MOST_DAYS = 366


def pairs_router() -> APIRouter:
    found = router("Pairs")

    @found.get("/pairs", **gets("listPairs", "List the pairs", PairList))
    def pairs(request: Request, ground: Ground, kept: Found, limit: Limit = 100, after: After = None) -> Answer:
        """The configured pairs, each with its verdict, score, coverage, and what is open by category."""
        found = {one.key: one for one in kept.overviews.get(ground.store, ground.config, ground.clock()).standings}
        shown, following = part(list(found), "/".join, "pairs", limit, after)
        return page(request, [standing_object(found[key]) for key in shown], following)

    @found.get("/pairs/{left}/{right}", **gets("getPair", "One pair", PairStanding, 404))
    def pair(ground: Ground, left: Left, right: Right) -> Answer:
        """The same of any two environments that were audited, be they configured as a pair or not."""
        wanted = ground.config.pair(left, right)
        (standing,) = standings(ground.store, ground.config, [(wanted.left, wanted.right)], ground.clock())
        return Answer(standing_object(standing))

    @found.get("/pairs/{left}/{right}/trend", **gets("getTrend", "A pair day by day", Trend, 404))
    def trend(
        ground: Ground,
        left: Left,
        right: Right,
        days: Annotated[int, Query(ge=1, le=_MOST_DAYS, description="So many days, with today.")] = 30,
    ) -> Answer:
        """Score, coverage and open findings at the end of each day, UTC, on which there was an audit."""
        wanted = ground.config.pair(left, right)
        key = (wanted.left, wanted.right)
        return Answer({"items": [_day_object(point) for point in ground.store.trend([key], days)[key]]})

    return found


def standing_object(standing: Standing) -> dict[str, object]:
    last = standing.summary
    return {
        "left": standing.left,
        "right": standing.right,
        "answer": standing.answer.value,
        "sentence": standing.sentence,
        "configured": standing.configured,
        "schedule": standing.schedule,
        "stale": standing.stale or None,
        "audit": None
        if last is None
        else {
            "id": last.audit,
            "finished_at": iso(last.last_audit),
            "outcome": "complete" if last.complete else "incomplete",
            "score": last.score,
            "scores": {category.value: score for category, score in sorted(last.scores.items())},
            "coverage": last.coverage,
            "gaps": last.gaps,
            "last_complete": iso(last.last_complete) if last.last_complete else None,
        },
        "open": {severity.value: number for severity, number in standing.open.items()},
        "categories": {
            category.value: _cell_object(cell) for category, cell in standing.cells.items() if cell.state != "none"
        },
    }


def _cell_object(cell: Cell) -> dict[str, object]:
    return {
        "state": cell.state.value,
        "drift": cell.drift,
        "worst": cell.worst.value if cell.worst else None,
        "noted": cell.noted,
        "waived": cell.waived,
        "pending": cell.pending,
        "same": cell.same,
        "expected": cell.expected,
        "unknown": cell.unknown,
    }


def _day_object(point: DayPoint) -> dict[str, object]:
    counts = point.open
    return {
        "day": point.day.isoformat(),
        "score": point.score,
        "coverage": point.coverage,
        "open": None if counts is None else {severity.value: number for severity, number in counts.items()},
        "audits": point.audits,
        "incomplete": point.incomplete,
    }
