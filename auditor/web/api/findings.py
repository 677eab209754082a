"""Findings: lists of them with every filter of the pages, single ones, their events, and why they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field

from auditor.errors import AuditorError
from auditor.explaining import explained_at
from auditor.happenings import LOOKBACK, with_returns
from auditor.model import Category, Severity, Status
from auditor.moved_lookup import with_moved
from auditor.policy_text import rule_text
from auditor.publish.explain_report import explained_object
from auditor.publish.json_report import event_object, finding_object, shown_object
from auditor.store.query import Order
from auditor.waived import covering
from auditor.web.api.answers import Answer, page
from auditor.web.api.names import Fingerprint
from auditor.web.api.operations import Ground, gets, router
from auditor.web.api.paging import After, Limit, part
from auditor.web.api.shapes.findings import EventList, FindingExplained, FindingFacets, FindingList, FindingWhole
from auditor.web.queries.findings import NOBODY, PARAMETERS, FilterError, Filters, listing, read

if TYPE_CHECKING:
    from auditor.explain import Explanation
    from auditor.life import Event, StoredFinding
    from auditor.model import Finding
    from auditor.waivers import Waiver
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

    @found.get("/findings/{fingerprint}", **gets("getFinding", "One finding", FindingWhole, 404))
    def finding(ground: Ground, fingerprint: Fingerprint) -> Answer:
        """Everything that is known of it, as `audit show --format json` prints it. Where no audit could tell which side
        moved, the histories are asked now."""
        known = _known(ground, fingerprint)
        return Answer(shown_object(known.finding, known.events, known.waiver, known.unmoved))

    @found.get("/findings/{fingerprint}/events", **gets("listEvents", "What happened to a finding", EventList, 404))
    def events(
        request: Request, ground: Ground, fingerprint: Fingerprint, limit: Limit = 100, after: After = None
    ) -> Answer:
        """Every change in its life, oldest first."""
        stored = ground.store.finding(fingerprint)
        numbered = {f"{number:09d}": event for number, event in enumerate(ground.store.events(stored.fingerprint))}
        shown, following = part(list(numbered), str, "events", limit, after)
        return page(request, [event_object(numbered[number]) for number in shown], following)

    @found.get(
        "/findings/{fingerprint}/explanation", **gets("explainFinding", "Why it is a finding", FindingExplained, 404)
    )
    def explanation(ground: Ground, fingerprint: Fingerprint) -> Answer:
        """The rule as its file spells it, every rule that matches the place with what it does there, and how the two
        resources were paired, as `audit explain --format json` prints it. Judged under the policies as they are now."""
        known = _known(ground, fingerprint)
        rule = known.stored.breach.rule
        text = rule_text(rule.file, rule.line, ground.config.policies)
        explained, notes = _explained(ground, known.stored)
        return Answer(
            explained_object(known.stored.finding, known.events, known.waiver, known.unmoved, text, explained, notes)
        )

    return found


@dataclass(frozen=True, slots=True)
class _Known:
    """A finding with what is looked up when somebody asks about it alone."""

    stored: StoredFinding
    finding: Finding
    events: tuple[Event, ...]
    waiver: Waiver | None
    unmoved: str


def _explained(ground: Backend, stored: StoredFinding) -> tuple[list[Explanation], list[str]]:
    """The place as it is judged now, and what has to be known about that."""
    loaded, breach = ground.loaded(), stored.breach
    try:
        stage = ground.stages.get(ground, loaded, loaded.config.pair(breach.left.environment, breach.right.environment))
    except AuditorError as error:
        return [], [f"the place cannot be judged again: {error}"]
    return explained_at(stage, stored)


def _known(ground: Backend, fingerprint: str) -> _Known:
    now, loaded = ground.clock(), ground.loaded()
    stored = ground.store.finding(fingerprint)
    stored, unmoved = with_moved(loaded.config, ground.registry, ground.store, stored, now)
    waiver, _ = covering(stored, loaded.waivers.waivers, ground.store, now)
    (finding,) = returned(ground, (stored,))
    return _Known(stored, finding, ground.store.events(stored.fingerprint), waiver, unmoved)


def returned(ground: Backend, kept: tuple[StoredFinding, ...]) -> tuple[Finding, ...]:
    """The findings as they are now, with how often each came back in the last 24 hours."""
    now = ground.clock()
    history = ground.store.came_back([stored.fingerprint for stored in kept], now - LOOKBACK)
    return with_returns((stored.finding for stored in kept), history, now)


def refusal(error: FilterError) -> RequestValidationError:
    """`limit: 0 findings cannot be given` is about the parameter `limit`."""
    name, _, message = str(error).partition(": ")
    place = ("query", name) if message else ("query",)
    return RequestValidationError([{"loc": place, "msg": message or name, "type": "value_error"}])
