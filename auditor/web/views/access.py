"""/access: who may come in (tokens and sessions), and the trail of who did what. For `admin` only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from auditor.credentials import CredentialError, Deed, Scope, issue, revoke
from auditor.durations import parse_duration
from auditor.web.access import Identity, need
from auditor.web.access.trail import actor_of
from auditor.web.backend import Backend, backend
from auditor.web.templating import page

if TYPE_CHECKING:
    from datetime import timedelta

    from auditor.credentials import Issued

_PAGE = 100
_LAST_ID = 2**31 - 1
_NEVER = "never"
LASTING = (("7d", "a week"), ("30d", "30 days"), ("90d", "90 days"), ("365d", "a year"), (_NEVER, "until revoked"))


def access_router() -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[Depends(need(Scope.ADMIN))])

    @router.get("/access")
    def access(
        request: Request,
        ground: Annotated[Backend, Depends(backend)],
        before: Annotated[int | None, Query(ge=1, le=_LAST_ID)] = None,
    ) -> Response:
        return _page(request, ground, before=before)

    @router.post("/access/tokens")
    def create(
        request: Request,
        ground: Annotated[Backend, Depends(backend)],
        name: Annotated[str, Form(max_length=200)] = "",
        scope: Annotated[Scope, Form()] = Scope.READ,
        lasts: Annotated[str, Form(max_length=20)] = "90d",
    ) -> Response:
        try:
            issued = issue(ground.store, name, scope, _lasting(lasts), ground.clock(), actor_of(request))
        except CredentialError as error:
            text = str(error)
            return _page(request, ground, status=422, problem=f"{text[:1].upper()}{text[1:]}.", name=name)
        # Not after a redirect: the secret would have to be kept somewhere in between.
        return _page(request, ground, status=201, issued=issued)

    @router.post("/access/tokens/{token_id}/revoke")
    def take_back(request: Request, ground: Annotated[Backend, Depends(backend)], token_id: str) -> Response:
        found = ground.store.token(token_id)
        if found is None:
            raise HTTPException(404, "there is no such token: see /access")
        revoke(ground.store, found[0], ground.clock(), actor_of(request))
        return RedirectResponse("/access", 303)

    @router.post("/access/sessions/{session_id}/end")
    def end(request: Request, ground: Annotated[Backend, Depends(backend)], session_id: str) -> Response:
        now, actor = ground.clock(), actor_of(request)
        found = next((one for one in ground.store.sessions(now) if one.digest == session_id), None)
        if found is None:
            raise HTTPException(404, "there is no such session, or it has ended: see /access")
        deed = Deed(now, actor.name, actor.via, "session.end", found.name, "done", actor.address)
        ground.store.end_session(session_id, deed)
        return RedirectResponse("/access", 303)

    return router


def _lasting(text: str) -> timedelta | None:
    if text == _NEVER:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise CredentialError("say how long the token lasts, such as 90d, or never") from error


def _page(
    request: Request,
    ground: Backend,
    *,
    status: int = 200,
    before: int | None = None,
    issued: Issued | None = None,
    problem: str = "",
    name: str = "",
) -> Response:
    now = ground.clock()
    identity: Identity = request.state.identity
    deeds = ground.store.trail(before=before, limit=_PAGE + 1)
    return page(
        request,
        "access.html",
        status=status,
        issued=issued,
        problem=problem,
        name=name,
        tokens=[(token, token.state(now)) for token in ground.store.tokens()] if before is None else [],
        sessions=ground.store.sessions(now) if before is None else (),
        own=identity.key,
        deeds=deeds[:_PAGE],
        older=deeds[_PAGE - 1].id if len(deeds) > _PAGE else None,
        before=before,
        auth=ground.config.serve.auth,
        lasting=LASTING,
        scopes=[(scope.value, scope.value) for scope in Scope],
    )
