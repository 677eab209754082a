"""Findings: lists of them with every filter of the pages, single ones, their events, and why they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field

from auditor.happenings import LOOKBACK, with_returns
from auditor.model import Category, Severity, Status
from auditor.publish.json_report import finding_object
from auditor.store.query import Order
from auditor.web.api.answers import Answer, page
from auditor.web.api.operations import Ground, gets, router
from auditor.web.api.paging import After, Limit
from auditor.web.api.shapes.findings import FindingFacets, FindingList
from auditor.web.queries.findings import NOBODY, PARAMETERS, FilterError, Filters, listing, read

if TYPE_CHECKING:
    from auditor.life import StoredFinding
    from auditor.model import Finding
    from auditor.web.backend import Backend

_AGE = r"^[1-9][0-9]{0,4}[smhdw]$"
_KIND = r"^[A-Za-z0-9_.-]+(\.\*)?$"


def _filter(name: str, default: Any = None, **limits: Any) -> Any:
    return Field(default, description=PARAMETERS[name], **limits)


class FindingFilters(BaseModel):
    """The filters of the pages, with their names."""

    left: str | None = _filter("left", max_length=64)
    right: str | None = _filter("right", max_length=64)
    severity: list[Severity] = _filter("severity", [])
    min_severity: Severity | None = _filter("min_severity")
    status: list[Status] = _filter("status", [])
    category: list[Category] = _filter("category", [])
    kind: list[Annotated[str, Field(pattern=_KIND, max_length=200)]] = _filter("kind", [], max_length=50)
    owner: list[Annotated[str, Field(max_length=200)]] = _filter("owner", [], max_length=50)
    rule: str | None = _filter("rule", max_length=200)
    cause: str | None = _filter("cause", max_length=200)
    text: str | None = _filter("text", max_length=200)
    older: str | None = _filter("older", pattern=_AGE)
    newer: str | None = _filter("newer", pattern=_AGE)
    suggested: bool | None = _filter("suggested")
    sort: Order = _filter("sort", Order.SEVERITY)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """As the query string of a page says it."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            for one in value if isinstance(value, list) else [value]:
                if one is not None:
                    yield name, str(int(one)) if isinstance(one, bool) else str(one)


def _filters(ground: Ground, asked: Annotated[FindingFilters, Query()]) -> Filters:
    try:
        return read(asked.pairs()).at(ground.config)
    except FilterError as error:
        raise refusal(error) from error


Chosen: TypeAlias = Annotated[Filters, Depends(_filters)]


def findings_router() -> APIRouter:
    found = router("Findings")

    @found.get("/findings", **gets("listFindings", "List findings", FindingList))
    def findings(request: Request, ground: Ground, filters: Chosen, limit: Limit = 100, after: After = None) -> Answer:
        """Findings as they stand, each as in an audit's report; those that are not resolved, unless `status` asks for
        others. Filters add up; repeated ones ask for any of their values."""
        try:
            listed = listing(ground.store, filters, ground.clock(), after=after, limit=limit)
        except FilterError as error:
            raise refusal(error) from error
        items = [finding_object(finding) for finding in returned(ground, listed.items)]
        return page(request, items, listed.next, total=listed.total)

    @found.get(
        "/findings/facets", **gets("countFindings", "Count findings by what they can be filtered by", FindingFacets)
    )
    def facets(ground: Ground, filters: Chosen) -> Answer:
        """How many unresolved findings each choice of one filter would give, all other filters being as they are."""
        counts = ground.store.facets(filters.query(ground.clock()))
        return Answer(
            {
                "severity": {severity.value: counts.severity.get(severity, 0) for severity in Severity},
                "status": dict(counts.status),
                "category": dict(counts.category),
                "kind": dict(counts.kind),
                "owner": {owner or NOBODY: number for owner, number in counts.owner.items()},
                "total": counts.total,
            }
        )

    return found


def returned(ground: Backend, kept: tuple[StoredFinding, ...]) -> tuple[Finding, ...]:
    """The findings as they are now, with how often each came back in the last 24 hours."""
    now = ground.clock()
    pairs = {(stored.breach.left.environment, stored.breach.right.environment) for stored in kept}
    history = [event for pair in sorted(pairs) for event in ground.store.last_changes(*pair, now - LOOKBACK)]
    return with_returns((stored.finding for stored in kept), history, now)


def refusal(error: FilterError) -> RequestValidationError:
    """`limit: 0 findings cannot be given` is about the parameter `limit`."""
    name, _, message = str(error).partition(": ")
    place = ("query", name) if message else ("query",)
    return RequestValidationError([{"loc": place, "msg": message or name, "type": "value_error"}])
