"""What people do about findings from the page: acknowledge, waive, snooze. Each is a form that works without a script.

The forms stand in dialogs of the pages, and on pages of their own: there whoever has no script, chose several findings,
or was refused finds them, with what was typed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from auditor import acts
from auditor.acts import ActError
from auditor.model import Status
from auditor.publish.spelling import count
from auditor.store import NotFoundError
from auditor.store.errors import ConflictError
from auditor.waivers import days, values_digest
from auditor.web.access import Identity, Scope, need
from auditor.web.access.origins import local_path
from auditor.web.access.trail import note as keep
from auditor.web.backend import Backend, backend
from auditor.web.queries import terms
from auditor.web.queries.finding_rows import rows
from auditor.web.queries.findings import MOST
from auditor.web.templating import page, url

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from auditor.life import StoredFinding

ORIGIN = "page"
DONE = {
    "acknowledged": "Acknowledged: silent until it is gone, or gets worse.",
    "waived": "Waived. Audits keep it so until the time is over.",
    "snoozed": "Snoozed. It comes back by itself when the time is over.",
    "revoked": "The waiver was revoked. What nothing else covers is open again.",
}
"""What is said on the page that an act leads back to."""
_CHANGED = "somebody else or an audit was faster: this is how it stands now; look at it, and decide again"

_MAY_ACT = need(Scope.ACT)
Actor = Annotated[Identity, Depends(_MAY_ACT)]
Ground = Annotated[Backend, Depends(backend)]
Names = Annotated[list[str] | None, Query(alias="fingerprint", max_length=MOST)]
Chosen = Annotated[list[str] | None, Form(alias="fingerprint", max_length=MOST)]
Short = Annotated[str, Form(max_length=1000)]
Text = Annotated[str, Form(max_length=4000)]
Back = Annotated[str, Form(max_length=2000)]
Came = Annotated[str, Query(alias="back", max_length=2000)]


@dataclass(frozen=True, slots=True)
class _Asked:
    """One act that somebody asks for: on which findings, and where to go afterwards.

    `seen` names the values that the form showed, of a single finding."""

    act: str
    fingerprints: tuple[str, ...]
    back: str
    seen: str = ""


def acting_router() -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[Depends(_MAY_ACT)])

    @router.get("/findings/acknowledge")
    def ask_acknowledge(request: Request, ground: Ground, names: Names = None, back: Came = "") -> Response:
        return _form(request, ground, _Asked("acknowledge", tuple(names or ()), back), {})

    @router.get("/findings/waive")
    def ask_waive(request: Request, ground: Ground, who: Actor, names: Names = None, back: Came = "") -> Response:
        return _form(request, ground, _Asked("waive", tuple(names or ()), back), {"owner": who.name})

    @router.get("/findings/{fingerprint}/acknowledge")
    def ask_acknowledge_one(request: Request, ground: Ground, fingerprint: str) -> Response:
        return _form(request, ground, _Asked("acknowledge", (fingerprint,), ""), {})

    @router.get("/findings/{fingerprint}/waive")
    def ask_waive_one(request: Request, ground: Ground, who: Actor, fingerprint: str) -> Response:
        return _form(request, ground, _Asked("waive", (fingerprint,), ""), {"owner": who.name})

    @router.post("/findings/acknowledge")
    def acknowledge(
        request: Request,
        ground: Ground,
        who: Actor,
        names: Chosen = None,
        note: Text = "",
        seen: Short = "",
        back: Back = "",
    ) -> Response:
        return _acknowledge(request, ground, who, _Asked("acknowledge", tuple(names or ()), back, seen), note)

    @router.post("/findings/{fingerprint}/acknowledge")
    def acknowledge_one(
        request: Request,
        ground: Ground,
        who: Actor,
        fingerprint: str,
        note: Text = "",
        seen: Short = "",
        back: Back = "",
    ) -> Response:
        return _acknowledge(request, ground, who, _Asked("acknowledge", (fingerprint,), back, seen), note)

    @router.post("/findings/waive")
    def waive(
        request: Request,
        ground: Ground,
        who: Actor,
        names: Chosen = None,
        owner: Short = "",
        reason: Text = "",
        until: Short = "",
        bind: bool = Form(default=False),
        seen: Short = "",
        back: Back = "",
    ) -> Response:
        typed = {"owner": owner, "reason": reason, "until": until, "bind": bind}
        return _waive(request, ground, who, _Asked("waive", tuple(names or ()), back, seen), typed)

    @router.post("/findings/{fingerprint}/waive")
    def waive_one(
        request: Request,
        ground: Ground,
        who: Actor,
        fingerprint: str,
        owner: Short = "",
        reason: Text = "",
        until: Short = "",
        bind: bool = Form(default=False),
        seen: Short = "",
        back: Back = "",
    ) -> Response:
        typed = {"owner": owner, "reason": reason, "until": until, "bind": bind}
        return _waive(request, ground, who, _Asked("waive", (fingerprint,), back, seen), typed)

    @router.post("/findings/{fingerprint}/snooze")
    def snooze(
        request: Request,
        ground: Ground,
        who: Actor,
        fingerprint: str,
        lasts: Annotated[str, Form(alias="for", max_length=40)] = "",
        seen: Short = "",
        back: Back = "",
    ) -> Response:
        return _snooze(request, ground, who, _Asked("snooze", (fingerprint,), back, seen), lasts)

    return router


def _acknowledge(request: Request, ground: Backend, who: Identity, asked: _Asked, note: str) -> Response:
    def act(now: datetime) -> str:
        acts.acknowledge(ground.store, asked.fingerprints, who.name, now, note, ground.teller())
        return note.strip()

    return _done(request, ground, asked, "acknowledged", act, {"note": note})


def _waive(request: Request, ground: Backend, who: Identity, asked: _Asked, typed: dict[str, Any]) -> Response:
    longest = ground.loaded().waivers.longest

    def act(now: datetime) -> str:
        end = terms.until(typed["until"], now)
        made = []
        if typed["bind"] and len(asked.fingerprints) > 1:
            _unresolved(ground, asked.fingerprints)
        # Findings that are bound to their values are so each to its own.
        groups = [(name,) for name in asked.fingerprints] if typed["bind"] else [asked.fingerprints]
        for group in groups:
            waiver = acts.waive(
                ground.store,
                group,
                typed["owner"],
                typed["reason"],
                now,
                end,
                ORIGIN,
                typed["bind"],
                longest=longest,
                teller=ground.teller(),
                actor=who.name,
            )
            made.append(waiver.id)
        return f"{', '.join(made[:3])} for {typed['owner'].strip()}"

    return _done(request, ground, asked, "waived", act, typed)


def _snooze(request: Request, ground: Backend, who: Identity, asked: _Asked, lasts: str) -> Response:
    longest = ground.loaded().waivers.longest

    def act(now: datetime) -> str:
        chosen = terms.snooze(lasts, now, longest)
        reason = f"snoozed on the page {chosen.said}"
        waiver = acts.waive(
            ground.store,
            asked.fingerprints,
            who.name,
            reason,
            now,
            chosen.until,
            ORIGIN,
            longest=longest,
            teller=ground.teller(),
        )
        return waiver.id

    return _done(request, ground, asked, "snoozed", act, {"for": lasts})


def _done(
    request: Request,
    ground: Backend,
    asked: _Asked,
    did: str,
    act: Callable[[datetime], str],
    typed: dict[str, Any],
) -> Response:
    """Do it and go back to where the result can be seen; where it cannot be done, the form says why."""
    try:
        _unchanged(ground, asked)
        detail = act(ground.clock())
    except ActError as error:
        return _form(request, ground, asked, typed, str(error), 409)
    except ConflictError:
        return _form(request, ground, asked, typed, _CHANGED, 409)
    ground.recorded()
    subject = " ".join(name[:8] for name in asked.fingerprints[:20])
    keep(request, f"finding.{asked.act}", subject, detail=detail[:400])
    return RedirectResponse(_target(asked, did), 303)


def _unchanged(ground: Backend, asked: _Asked) -> None:
    """Raises ActError where the values are not those that the form showed: nobody decides on what he has not seen."""
    if not asked.seen or len(asked.fingerprints) != 1:
        return
    try:
        stored = ground.store.finding(asked.fingerprints[0])
    except NotFoundError as error:
        raise ActError(str(error).removeprefix("store: ")) from error
    if values_digest(stored.breach) != asked.seen:
        raise ActError(
            "the values have changed since you looked: these are the new ones; look at them, and decide again"
        )


def _unresolved(ground: Backend, names: Sequence[str]) -> None:
    """Raises ActError for a finding that is resolved, before anything is done to one of several."""
    for stored in _found(ground, names):
        if stored.status is Status.RESOLVED:
            raise ActError(f"the finding {stored.fingerprint[:8]} is resolved: there is nothing left to tolerate")


def _target(asked: _Asked, did: str) -> str:
    default = f"/findings/{asked.fingerprints[0]}" if len(asked.fingerprints) == 1 else "/findings"
    path = local_path(asked.back, default)
    mark = url("", did=did, n=len(asked.fingerprints) if len(asked.fingerprints) > 1 else None)[1:]
    kept, _, query = path.partition("?")
    rest = "&".join(part for part in query.split("&") if part and part.partition("=")[0] not in ("did", "n"))
    return f"{kept}?{rest}&{mark}" if rest else f"{kept}?{mark}"


def _form(
    request: Request, ground: Backend, asked: _Asked, typed: dict[str, Any], error: str = "", status: int = 200
) -> Response:
    """The form by itself, with the findings as they are now and what was typed before."""
    now = ground.clock()
    found = _found(ground, asked.fingerprints)
    longest = ground.loaded().waivers.longest
    return page(
        request,
        "finding_act.html",
        status=status,
        act=asked.act,
        back=local_path(asked.back, f"/findings/{found[0].fingerprint}" if len(found) == 1 else "/findings"),
        rows=rows(found, now),
        typed={"note": "", "owner": "", "reason": "", "until": "", "bind": False, **typed},
        error=error,
        seen=values_digest(found[0].breach) if len(found) == 1 else "",
        **offered(now, longest),
    )


def offered(now: datetime, longest: timedelta) -> dict[str, Any]:
    """What the forms offer to choose from."""
    return {
        "snoozes": terms.snoozes(now, longest),
        "suggestions": terms.suggestions(longest),
        "usual": terms.default(longest),
        "longest": days(longest),
        "latest": now + longest,
    }


def _found(ground: Backend, names: Sequence[str]) -> list[StoredFinding]:
    """The findings that are named. Raises NotFoundError for one that is not there, ActError where none is named."""
    if not names:
        raise ActError("no finding was chosen: tick some in the list first")
    found = {stored.fingerprint: stored for stored in (ground.store.finding(name) for name in names)}
    return list(found.values())


def said(did: str, number: int) -> str:
    """What is said of an act that was done."""
    return f"{count(number, 'finding')}. {DONE[did]}" if did in DONE and number > 1 else DONE.get(did, "")
