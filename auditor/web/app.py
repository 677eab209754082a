"""The service's HTTP face: health, metrics, pages, API, and what else is included as a router.

Health is for whoever reaches the address; what everything else demands, each route says (`auditor.web.access.need`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from auditor import __version__
from auditor.web import problems
from auditor.web.health import Check
from auditor.web.security import Security

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from auditor.web.access.need import Access
    from auditor.web.backend import Backend


@dataclass(frozen=True, slots=True)
class State:
    """What the pages ask of the service. Each may be called from any thread, and none may take long.

    silent   the loops that do not come round, and for how long
    checks   what the service needs, by name
    metrics  the answer to a scrape that accepts this: content type and body
    """

    silent: Callable[[], Mapping[str, timedelta]]
    checks: Callable[[], Mapping[str, Check]]
    metrics: Callable[[str | None], tuple[str, bytes]]


async def everybody(_request: Request) -> None:
    """Lets everybody pass."""


def create_app(
    state: State,
    routers: Iterable[APIRouter] = (),
    *,
    backend: Backend | None = None,
    access: Access | None = None,
    https: Callable[[], bool] = lambda: False,
    may_scrape: Callable[[Request], Awaitable[None]] = everybody,
) -> FastAPI:
    """The application. Without `backend` and `access` only what needs neither can be answered.

    `https` says whether people reach it so; `may_scrape` raises HTTPException where somebody may not have the metrics."""
    app = _Secured(
        https,
        title="Parity Auditor",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # It would send to whatever address `Host` names, before anybody has looked who asks.
        redirect_slashes=False,
    )
    app.state.backend = backend
    app.state.access = access
    app.include_router(_watching(state, may_scrape))
    for router in routers:
        app.include_router(router)
    problems.install(app)
    return app


class _Secured(FastAPI):
    """Its outermost part heads every answer, those to defects of ours too."""

    def __init__(self, https: Callable[[], bool], **options: Any) -> None:
        super().__init__(**options)
        self._https = https

    def build_middleware_stack(self) -> ASGIApp:
        return Security(super().build_middleware_stack(), self._https)


def _watching(state: State, may_scrape: Callable[[Request], Awaitable[None]]) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> JSONResponse:
        silent = {name: round(silence.total_seconds(), 1) for name, silence in state.silent().items()}
        body: dict[str, Any] = {"alive": not silent, "silent_seconds": silent}
        return JSONResponse(body, 503 if silent else 200)

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        checks = state.checks()
        ready = all(check.ok for check in checks.values())
        told = {name: {"ok": check.ok, "detail": check.detail} for name, check in checks.items()}
        return JSONResponse({"ready": ready, "checks": told}, 200 if ready else 503)

    @router.get("/metrics", dependencies=[Depends(may_scrape)])
    def metrics(request: Request) -> Response:
        kind, body = state.metrics(request.headers.get("accept"))
        return Response(body, headers={"content-type": kind})

    return router
