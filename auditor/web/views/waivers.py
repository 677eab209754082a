"""/waivers: what is tolerated, by whom, until when, and taking it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from auditor import acts
from auditor.acts import ActError
from auditor.store.errors import ConflictError
from auditor.waivers import WaiverState, in_force
from auditor.waivers import state as state_of
from auditor.web.access import Identity, Scope, need
from auditor.web.access.origins import local_path
from auditor.web.access.trail import note
from auditor.web.backend import Backend, backend
from auditor.web.keeps import Keeps, keeps
from auditor.web.queries.waivers import WaiverFilter, covers_text, one, waivers
from auditor.web.templating import page, url
from auditor.web.views.acting import DONE
from auditor.web.views.live import pulsed

if TYPE_CHECKING:
    from auditor.waivers import Waiver

_MAY_READ, _MAY_ACT = need(Scope.READ), need(Scope.ACT)
Ground = Annotated[Backend, Depends(backend)]
Actor = Annotated[Identity, Depends(_MAY_ACT)]
Text = Annotated[str, Query(max_length=200)]


def waivers_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/waivers", dependencies=[Depends(_MAY_READ), Depends(pulsed)])
    def every(
        request: Request,
        ground: Ground,
        who: Annotated[Identity, Depends(_MAY_READ)],
        kept: Annotated[Keeps, Depends(keeps)],
        state: Text = "",
        owner: Text = "",
        text: Text = "",
        did: Annotated[str, Query(max_length=20)] = "",
    ) -> HTMLResponse:
        wanted = WaiverFilter(_state(state), owner.strip(), text.strip())
        found = waivers(ground.store, ground.loaded().waivers.waivers, kept.covered, wanted, ground.clock())
        return page(
            request,
            "waivers.html",
            found=found,
            wanted=wanted,
            here=url("/waivers", state=wanted.state, owner=wanted.owner, text=wanted.text),
            said=DONE.get(did, ""),
            may_act=who.scope.covers(Scope.ACT),
            file=ground.config.waivers is not None,
        )

    @router.get("/waivers/{waiver}/revoke", dependencies=[Depends(_MAY_ACT)])
    def ask(
        request: Request, ground: Ground, waiver: str, back: Annotated[str, Query(max_length=2000)] = ""
    ) -> HTMLResponse:
        return _form(request, ground, waiver, back)

    @router.post("/waivers/{waiver}/revoke")
    def revoke(
        request: Request, ground: Ground, who: Actor, waiver: str, back: Annotated[str, Form(max_length=2000)] = ""
    ) -> Response:
        written = ground.loaded().waivers.waivers
        try:
            given = acts.revoke(ground.store, waiver, who.name, ground.clock(), written, ground.teller())
        except (ActError, ConflictError) as error:
            said = str(error) if isinstance(error, ActError) else "somebody else or an audit was faster: try again"
            return _form(request, ground, waiver, back, said, 409)
        ground.recorded()
        note(request, "waiver.revoke", given.id, detail=f"of {given.owner}"[:400])
        path = local_path(back, "/waivers")
        return RedirectResponse(f"{path}{'&' if '?' in path else '?'}did=revoked", 303)

    return router


def _form(
    request: Request, ground: Backend, waiver_id: str, back: str, error: str = "", status: int = 200
) -> HTMLResponse:
    """Whether it is meant. Raises HTTPException for a waiver that is not there."""
    now = ground.clock()
    known = one(ground.store, ground.loaded().waivers.waivers, waiver_id)
    if known is None:
        raise HTTPException(404, f"there is no waiver {waiver_id[:40]!r}: /waivers lists them")
    waiver, written = known
    return page(
        request,
        "waiver_revoke.html",
        status=status,
        waiver=waiver,
        state=state_of(waiver, now),
        covers=covers_text(waiver),
        refusal=error or _refusal(waiver, written, in_force(waiver, now)),
        back=local_path(back, "/waivers"),
    )


def _refusal(waiver: Waiver, written: bool, still: bool) -> str:
    """Why it cannot be taken back; empty where it can."""
    if written:
        return f"it is written in {waiver.origin}: remove it there"
    if waiver.revoked_at is not None:
        return "it was revoked already"
    return "" if still else "it expired: there is nothing to revoke"


def _state(text: str) -> WaiverState | None:
    if not text.strip():
        return None
    try:
        return WaiverState(text.strip().lower())
    except ValueError as error:
        known = ", ".join(state.value for state in WaiverState)
        raise HTTPException(422, f"state: {text[:40]!r} is none; use one of {known}") from error
