"""How the resources of a pair were paired, what stayed alone, and what differs as it should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException

from auditor.explain import explain
from auditor.explaining import NothingSeen, Stage
from auditor.model import Category, MatchMethod
from auditor.paths import read as typed
from auditor.publish.explain_report import explanation_object, seen_object
from auditor.publish.json_report import gap_object
from auditor.publish.lists import match_object, unmatched_object
from auditor.web.api.answers import Answer, page
from auditor.web.api.names import Left, Right
from auditor.web.api.operations import Found, Ground, gets, router
from auditor.web.api.paging import After, Limit, part, wrong
from auditor.web.api.shapes.findings import PlaceExplained
from auditor.web.api.shapes.matching import ExpectedList, GapList, MatchList, UnmatchedList
from auditor.web.queries.staging import Busy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeVar

    from auditor.comparison import Comparison
    from auditor.web.backend import Backend

    Item = TypeVar("Item")

Kind: TypeAlias = Annotated[str | None, Query(max_length=200, description="Only of this kind.")]


def matching_router() -> APIRouter:
    found = router("Pairs")

    @found.get("/pairs/{left}/{right}/matches", **gets("listMatches", "How resources were paired", MatchList, 404, 409))
    def matches(
        request: Request,
        ground: Ground,
        left: Left,
        right: Right,
        kind: Kind = None,
        matched_by: Annotated[MatchMethod | None, Query(description="Only those paired in this way.")] = None,
        limit: Limit = 100,
        after: After = None,
    ) -> Answer:
        """The resources of the pair's last audit, paired as `audit match --format json` tells it."""
        made = [
            compared.match
            for compared in _comparison(ground, left, right).matches
            if (kind is None or compared.match.left.kind.name == kind)
            and (matched_by is None or compared.match.method is matched_by)
        ]
        shown, following = _part(made, "matches", limit, after)
        return page(request, [match_object(one) for one in shown], following, total=len(made))

    @found.get(
        "/pairs/{left}/{right}/unmatched", **gets("listUnmatched", "What has no counterpart", UnmatchedList, 404, 409)
    )
    def unmatched(
        request: Request,
        ground: Ground,
        left: Left,
        right: Right,
        kind: Kind = None,
        suggested: Annotated[bool | None, Query(description="Only with a probable counterpart, or without.")] = None,
        limit: Limit = 100,
        after: After = None,
    ) -> Answer:
        """What stayed alone in the pair's last audit, and what it probably belongs to."""
        alone = [
            one
            for one in _comparison(ground, left, right).unmatched
            if (kind is None or one.normal.kind.name == kind)
            and (suggested is None or (one.suggestion is not None) is suggested)
        ]
        shown, following = _part(alone, "unmatched", limit, after)
        return page(request, [unmatched_object(one) for one in shown], following, total=len(alone))

    @found.get(
        "/pairs/{left}/{right}/expected", **gets("listExpected", "What differs as it should", ExpectedList, 404, 409)
    )
    def expected(
        ground: Ground,
        kept: Found,
        left: Left,
        right: Right,
        category: Annotated[Category | None, Query(description="Only of this category.")] = None,
    ) -> Answer:
        """The differences that a rule calls normal, by that rule; of each category 500 at most are listed."""
        loaded = ground.loaded()
        pair = loaded.config.pair(left, right)
        try:
            told = kept.expected.get(ground, loaded, pair)
        except NothingSeen as error:
            raise HTTPException(409, str(error)) from error
        except Busy as error:
            raise HTTPException(503, str(error), {"retry-after": "60"}) from error
        items = [
            {
                "category": name.value,
                "rule": f"{ruled.policy}/{ruled.rule}",
                "about": ruled.about,
                "expect": ruled.expect,
                "number": ruled.number,
                "differences": [
                    {
                        "kind": one.kind,
                        "resource": one.identity,
                        "path": list(one.path),
                        "left": one.left.text,
                        "right": one.right.text,
                    }
                    for one in ruled.items
                ],
            }
            for name, several in told.by_category.items()
            if category is None or name is category
            for ruled in several
        ]
        return Answer({"items": items, "total": told.total})

    @found.get(
        "/pairs/{left}/{right}/explanation",
        **gets("explainPlace", "Why a place is reported, or is not", PlaceExplained, 404, 409),
    )
    def explanation(
        ground: Ground,
        left: Left,
        right: Right,
        resource: Annotated[str, Query(min_length=1, max_length=10_000, description="As either side calls it.")],
        path: Annotated[str, Query(max_length=2_000, description="A dotted path; all of the resource without.")] = "",
        kind: Kind = None,
    ) -> Answer:
        """Every rule that matches the place, how it was paired, and what was observed, as
        `audit explain LEFT RIGHT --at RESOURCE --format json` prints it."""
        stage = _stage(ground, left, right)
        try:
            steps = typed(path) if path else ()
        except ValueError as error:
            raise wrong("path", str(error)) from error
        found = explain(stage.scenery, resource, steps, kind)
        seen = seen_object((stage.left, stage.right))
        return Answer({"schema": 1, "seen": seen, "places": [explanation_object(one) for one in found]})

    @found.get("/pairs/{left}/{right}/gaps", **gets("listGaps", "What could not be observed", GapList, 404))
    def gaps(
        request: Request, ground: Ground, left: Left, right: Right, limit: Limit = 100, after: After = None
    ) -> Answer:
        """What the pair's last audit could not see, and why. What a gap covers is unknown: neither missing nor equal."""
        pair = ground.config.pair(left, right)
        last = ground.store.last_audit(pair.left, pair.right)
        listed = last.gaps if last is not None else ()
        shown, following = _part(listed, "gaps", limit, after)
        return page(request, [gap_object(gap) for gap in shown], following, audit=last.id if last else None)

    return found


def _comparison(ground: Backend, left: str, right: str) -> Comparison:
    return _stage(ground, left, right).scenery.comparison


def _stage(ground: Backend, left: str, right: str) -> Stage:
    loaded = ground.loaded()
    pair = loaded.config.pair(left, right)
    try:
        return ground.stages.get(ground, loaded, pair)
    except NothingSeen as error:
        raise HTTPException(409, str(error)) from error
    except Busy as error:
        raise HTTPException(503, str(error), {"retry-after": "60"}) from error


def _part(items: Sequence[Item], name: str, limit: int, after: str | None) -> tuple[list[Item], str | None]:
    """A page of a list that is in order already: of one audit, it stays as it is."""
    numbered = {f"{number:09d}": item for number, item in enumerate(items)}
    shown, following = part(list(numbered), str, name, limit, after)
    return [numbered[number] for number in shown], following
