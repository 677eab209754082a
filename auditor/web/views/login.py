"""/login and /logout: a token that is entered, or a provider's word, becomes a session.

These routes are for everybody, but for /logout. What is sent to them has to come from the login page, and each failure counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import structlog
from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from auditor.credentials import Scope, same
from auditor.web.access import Identity, need
from auditor.web.access.gate import Gate, Login
from auditor.web.access.grants import granted, groups_of
from auditor.web.access.oidc import CALLBACK, LoginError, is_verified, name_of
from auditor.web.access.origins import local_path
from auditor.web.templating import page

if TYPE_CHECKING:
    from auditor.settings import OidcSettings

_LONGEST_TOKEN = 200
_LONGEST_NAME = 200

_log = structlog.get_logger(__name__)


def login_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/login", _form, methods=["GET"])
    router.add_api_route("/login", _entered, methods=["POST"])
    router.add_api_route("/login/oidc", _to_the_provider, methods=["GET"])
    router.add_api_route(CALLBACK, _from_the_provider, methods=["GET"])
    router.add_api_route("/logout", _logout, methods=["POST"])
    return router


def gate_of(request: Request) -> Gate:
    """What tells who sends requests. HTTPException 404 where the application has none."""
    gate = request.app.state.access
    if not isinstance(gate, Gate):
        raise HTTPException(404, "nobody logs in here")
    return gate


async def _form(request: Request, gate: Annotated[Gate, Depends(gate_of)], next: str = "/") -> Response:  # noqa: A002
    onward = local_path(next)
    try:
        await gate.identify(request, Scope.READ)
    except HTTPException as error:
        if error.status_code != 401:
            raise
        return _page(request, gate, onward)
    return RedirectResponse(onward, 303)


async def _entered(request: Request, gate: Annotated[Gate, Depends(gate_of)]) -> Response:
    await gate.meant(request)
    form = await request.form()
    text, onward = form.get("token"), form.get("next")
    onward = local_path(onward if isinstance(onward, str) else "/")
    if not gate.auth.tokens:
        raise HTTPException(403, "tokens let nobody in here: see serve.auth.tokens in the configuration")
    try:
        await run_in_threadpool(_begin_by_token, request, gate, text if isinstance(text, str) else "")
    except HTTPException as error:
        if error.status_code != 401:
            raise
        return _page(request, gate, onward, status=401, problem="The token is unknown, expired or revoked.")
    return RedirectResponse(onward, 303)


def _begin_by_token(request: Request, gate: Gate, text: str) -> None:
    gate.begin(request, gate.by_token(request, text.strip()[:_LONGEST_TOKEN]))


def _to_the_provider(request: Request, gate: Annotated[Gate, Depends(gate_of)], next: str = "/") -> Response:  # noqa: A002
    settings = _settings(gate)
    try:
        begun = gate.provider.begin(settings, f"{gate.url}{CALLBACK}")
    except LoginError as error:
        _log.error("Nobody can log in at the provider.", reason=str(error))
        raise HTTPException(503, "the login provider cannot be used now: the service's log says why") from error
    under_way = {"state": begun.state, "nonce": begun.nonce, "verifier": begun.verifier, "next": local_path(next)}
    gate.remember_login(request, under_way)
    return RedirectResponse(begun.url, 303)


def _from_the_provider(
    request: Request,
    gate: Annotated[Gate, Depends(gate_of)],
    state: Annotated[str, Query(max_length=1000)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    settings = _settings(gate)
    under_way = gate.recall_login(request)
    if not under_way or not state or not same(under_way["state"], state):
        gate.refused(request, "oidc", "the answer belongs to no login that began in this browser")
        raise HTTPException(403, "this login did not begin in this browser, or too long ago: begin again at /login")
    if error or not code:
        gate.refused(request, "oidc", "the provider refused")
        return _page(request, gate, under_way["next"], status=403, problem="The provider did not let you in.")
    try:
        claims = gate.provider.finish(
            settings, f"{gate.url}{CALLBACK}", code, nonce=under_way["nonce"], verifier=under_way["verifier"]
        )
    except LoginError as failure:
        _log.warning("A login at the provider did not work out.", reason=str(failure))
        gate.refused(request, "oidc", "the provider's answer is not valid")
        problem = "The provider's answer is not valid: try again, or ask who administers this."
        return _page(request, gate, under_way["next"], status=403, problem=problem)
    name = name_of(claims, settings.name_claim)[:_LONGEST_NAME]
    verified = settings.claim != "email" or is_verified(claims)
    scope = granted(settings, groups_of(claims, settings.claim) if verified else ())
    if scope is None:
        gate.refused(request, "oidc", "in no group that may use this", name)
        problem = f"{name} is in no group that may use this: ask who administers it."
        return _page(request, gate, under_way["next"], status=403, problem=problem)
    gate.begin(request, Login(name, scope, "oidc"))
    return RedirectResponse(under_way["next"], 303)


def _logout(
    request: Request,
    gate: Annotated[Gate, Depends(gate_of)],
    identity: Annotated[Identity, Depends(need(Scope.READ))],
) -> Response:
    gate.end(request, identity)
    return RedirectResponse("/login", 303)


def _settings(gate: Gate) -> OidcSettings:
    settings = gate.auth.oidc
    if settings is None:
        raise HTTPException(404, "there is no provider to log in at: see serve.auth.oidc in the configuration")
    return settings


def _page(request: Request, gate: Gate, onward: str, *, status: int = 200, problem: str = "") -> Response:
    auth = gate.auth
    return page(
        request,
        "login.html",
        status=status,
        csrf=gate.csrf(gate.browser(request)),
        onward=onward,
        problem=problem,
        tokens=auth.tokens,
        oidc=auth.oidc is not None,
        proxy=auth.proxy is not None,
    )
