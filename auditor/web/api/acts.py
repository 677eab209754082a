"""What programs do about findings for people: acknowledge, waive, snooze, revoke. The same as on the page and in Slack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TypeAlias

from fastapi import APIRouter, Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ConfigDict, Field
from starlette.exceptions import HTTPException

from auditor import acts
from auditor.acts import ActError
from auditor.publish.json_report import finding_object
from auditor.publish.lists import waiver_object
from auditor.store.errors import ConflictError
from auditor.waivers import in_force
from auditor.web.access.trail import note
from auditor.web.api.answers import Answer, page
from auditor.web.api.bodies import Sent, body
from auditor.web.api.findings import returned
from auditor.web.api.names import Fingerprint, Id
from auditor.web.api.operations import Asker, Found, Ground, does, gets, router
from auditor.web.api.paging import MOST, After, Limit, part
from auditor.web.api.shapes import Finding
from auditor.web.api.shapes.findings import Acknowledged, Waiver, WaiverList, Waivers
from auditor.web.queries import terms

if TYPE_CHECKING:
    from datetime import datetime

    from auditor import waivers
    from auditor.life import StoredFinding
    from auditor.web.backend import Backend
    from auditor.web.keeps import Keeps
    from auditor.web.queries.waivers import Count

ORIGIN = "api"
_FASTER = "somebody else or an audit was faster: look at the finding again"

_Fingerprint: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]+$", max_length=64)]
_Fingerprints: TypeAlias = Annotated[
    list[_Fingerprint],
    Field(min_length=1, max_length=MOST, description="Whole, or as much of each as tells it from others."),
]
_Until: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=60, description="`7d` counts from now; `2026-12-31` ends with its day; or a time."),
]
_Reason: TypeAlias = Annotated[str, Field(min_length=1, max_length=4000, description="Why; shown with the finding.")]
_Owner: TypeAlias = Annotated[
    str | None, Field(min_length=1, max_length=200, description="Who answers for it; by default whoever asks.")
]


class Acknowledge(Sent):
    note: str = Field("", max_length=4000, description="What is done about it; kept in the finding's history.")


class AcknowledgeSeveral(Acknowledge):
    fingerprints: _Fingerprints


class Waive(Sent):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "load test until Friday", "until": "7d", "owner": "ada"}]}
    )

    reason: _Reason
    until: _Until
    owner: _Owner = None
    bind_values: bool = Field(False, description="Only while the two values are what they are now.")


class WaiveSeveral(Waive):
    fingerprints: _Fingerprints


class Snooze(Sent):
    until: _Until
    reason: str = Field("snoozed", min_length=1, max_length=4000)


class SnoozeSeveral(Snooze):
    fingerprints: _Fingerprints


def acts_router() -> APIRouter:
    found = router("Findings")

    @found.post(
        "/findings/acknowledge", **does("acknowledgeFindings", "Acknowledge several findings", Acknowledged, 404, 409)
    )
    def acknowledge_several(
        request: Request,
        ground: Ground,
        asker: Asker,
        wanted: Annotated[AcknowledgeSeveral, Depends(body(AcknowledgeSeveral))],
    ) -> Answer:
        """Somebody looks after them: each is silent until it is gone, or gets worse. All of them, or none."""
        kept = _acknowledged(request, ground, asker.name, wanted.fingerprints, wanted.note)
        return Answer({"items": [finding_object(one) for one in returned(ground, kept)]})

    @found.post(
        "/findings/{fingerprint}/acknowledge", **does("acknowledgeFinding", "Acknowledge a finding", Finding, 404, 409)
    )
    def acknowledge(
        request: Request,
        ground: Ground,
        asker: Asker,
        fingerprint: Fingerprint,
        wanted: Annotated[Acknowledge, Depends(body(Acknowledge))],
    ) -> Answer:
        """Somebody looks after it: it is silent until it is gone, or gets worse. To do it again changes nothing."""
        kept = _acknowledged(request, ground, asker.name, [fingerprint], wanted.note)
        return Answer(finding_object(returned(ground, kept)[0]))

    @found.post("/findings/snooze", **does("snoozeFindings", "Snooze several findings", Waiver, 404, 409, status=201))
    def snooze_several(
        request: Request,
        ground: Ground,
        kept: Found,
        asker: Asker,
        wanted: Annotated[SnoozeSeveral, Depends(body(SnoozeSeveral))],
    ) -> Answer:
        """A waiver for a short time, in the name of whoever asks."""
        (made,) = _waived(request, ground, "snooze", asker.name, wanted.fingerprints, wanted)
        return Answer(_waiver(ground, kept, made), 201)

    @found.post(
        "/findings/{fingerprint}/snooze", **does("snoozeFinding", "Snooze a finding", Waiver, 404, 409, status=201)
    )
    def snooze(
        request: Request,
        ground: Ground,
        kept: Found,
        asker: Asker,
        fingerprint: Fingerprint,
        wanted: Annotated[Snooze, Depends(body(Snooze))],
    ) -> Answer:
        """A waiver for a short time, in the name of whoever asks."""
        (made,) = _waived(request, ground, "snooze", asker.name, [fingerprint], wanted)
        return Answer(_waiver(ground, kept, made), 201)

    @found.post(
        "/findings/{fingerprint}/waive", **does("waiveFinding", "Waive a finding", Waiver, 404, 409, status=201)
    )
    def waive(
        request: Request,
        ground: Ground,
        kept: Found,
        asker: Asker,
        fingerprint: Fingerprint,
        wanted: Annotated[Waive, Depends(body(Waive))],
    ) -> Answer:
        """Tolerate it for a time: known, accepted, and of no more interest until then. It is open again afterwards."""
        (made,) = _waived(request, ground, "waive", asker.name, [fingerprint], wanted)
        return Answer(_waiver(ground, kept, made), 201)

    return found


def waivers_router() -> APIRouter:
    found = router("Waivers")

    @found.get("/waivers", **gets("listWaivers", "List the waivers", WaiverList))
    def waivers(
        request: Request,
        ground: Ground,
        kept: Found,
        expired: Annotated[
            bool, Query(description="Also those that people made and that are expired or revoked.")
        ] = False,
        limit: Limit = 100,
        after: After = None,
    ) -> Answer:
        """What is tolerated, by when it ends, and how many findings each waiver covers now: what is in force, and what is
        expired but still stands in the waiver file."""
        now = ground.clock()
        listed = [
            *ground.loaded().waivers.waivers,
            *(waiver for waiver in ground.store.waivers() if expired or in_force(waiver, now)),
        ]
        shown, following = part(
            listed, lambda waiver: f"{waiver.ended_at.isoformat()} {waiver.id}", "waivers", limit, after
        )
        counts = kept.covered.counts(ground.store, shown, now)
        return page(request, [_waiver_object(waiver, counts.get(waiver.id), now) for waiver in shown], following)

    @found.post("/waivers", **does("createWaivers", "Waive findings", Waivers, 404, 409, status=201))
    def waive(
        request: Request,
        ground: Ground,
        kept: Found,
        asker: Asker,
        wanted: Annotated[WaiveSeveral, Depends(body(WaiveSeveral))],
    ) -> Answer:
        """One waiver for all of them; with `bind_values` one for each, since each is bound to its own values."""
        made = _waived(request, ground, "waive", asker.name, wanted.fingerprints, wanted)
        return Answer({"items": [_waiver(ground, kept, one) for one in made]}, 201)

    @found.post("/waivers/{waiver}/revoke", **does("revokeWaiver", "Revoke a waiver", Waiver, 404, 409))
    def revoke(request: Request, ground: Ground, kept: Found, asker: Asker, waiver: Id) -> Answer:
        """Take it back: what nothing else covers is open again at once. What stands in the waiver file is removed there.
        To revoke it again changes nothing."""
        now, loaded = ground.clock(), ground.loaded()
        if not any(one.id.startswith(waiver) for one in (*ground.store.waivers(), *loaded.waivers.waivers)):
            raise HTTPException(404, f"there is no waiver {waiver!r}")
        with _told_apart():
            taken = acts.revoke(ground.store, waiver, asker.name, now, loaded.waivers.waivers, ground.teller())
        ground.recorded()
        note(request, "waiver.revoke", taken.id)
        return Answer(_waiver(ground, kept, taken))

    return found


@contextmanager
def _told_apart() -> Iterator[None]:
    """That somebody was faster is no fault of the store."""
    try:
        yield
    except ConflictError as error:
        raise HTTPException(409, _FASTER) from error


def _acknowledged(
    request: Request, ground: Backend, actor: str, fingerprints: Sequence[str], said: str
) -> tuple[StoredFinding, ...]:
    whole = _whole(ground, fingerprints)
    with _told_apart():
        kept = acts.acknowledge(ground.store, whole, actor, ground.clock(), said, ground.teller())
    _done(request, ground, "acknowledge", whole, said)
    return kept


def _waived(
    request: Request, ground: Backend, act: str, actor: str, fingerprints: Sequence[str], wanted: Waive | Snooze
) -> list[waivers.Waiver]:
    whole = _whole(ground, fingerprints)
    now, longest = ground.clock(), ground.loaded().waivers.longest
    owner = (wanted.owner if isinstance(wanted, Waive) else None) or actor
    bind = isinstance(wanted, Waive) and wanted.bind_values
    until = _end(wanted.until, now)
    with _told_apart():
        made = [
            acts.waive(
                ground.store,
                group,
                owner,
                wanted.reason,
                now,
                until,
                ORIGIN,
                bind,
                longest=longest,
                teller=ground.teller(),
            )
            for group in ([[one] for one in whole] if bind else [whole])
        ]
    _done(request, ground, act, whole, ", ".join(one.id for one in made[:3]))
    return made


def _end(text: str, now: datetime) -> datetime:
    try:
        return terms.until(text, now)
    except ActError as error:
        raise RequestValidationError([{"loc": ("body", "until"), "msg": str(error), "type": "value_error"}]) from error


def _whole(ground: Backend, fingerprints: Sequence[str]) -> list[str]:
    """Each once. Raises NotFoundError for one that is not there, or could be several."""
    return list(dict.fromkeys(ground.store.finding(one).fingerprint for one in fingerprints))


def _done(request: Request, ground: Backend, act: str, fingerprints: Sequence[str], detail: str) -> None:
    ground.recorded()
    note(request, f"finding.{act}", " ".join(one[:8] for one in fingerprints[:20]), detail=detail[:400])


def _waiver(ground: Backend, kept: Keeps, waiver: waivers.Waiver) -> dict[str, object]:
    now = ground.clock()
    counts = kept.covered.counts(ground.store, [waiver], now)
    return _waiver_object(waiver, counts.get(waiver.id), now)


def _waiver_object(waiver: waivers.Waiver, covered: Count | None, now: datetime) -> dict[str, object]:
    """The waiver; how many findings it covers is null while that is being counted."""
    told = waiver_object(waiver, covered.number if covered is not None else 0, now)
    return told if covered is not None else {**told, "findings": None}
