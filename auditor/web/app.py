"""The service's HTTP face: health, metrics, runs on demand, and what else is included as a router.

Health and metrics are for reading, by whoever reaches the address. A run on demand is for this machine only: there is
no authentication yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException

from auditor.errors import StoreError
from auditor.web.health import Check


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


def create_app(state: State, routers: Iterable[APIRouter] = ()) -> FastAPI:
    """The application. Pages that describe it are not served."""
    app = FastAPI(title="Parity Auditor", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(_watching(state))
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(StoreError, _no_store)
    return app


def _watching(state: State) -> APIRouter:
    router = APIRouter()

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

    @router.get("/metrics")
    def metrics(request: Request) -> Response:
        kind, body = state.metrics(request.headers.get("accept"))
        return Response(body, headers={"content-type": kind})

    @router.get("/")
    def index() -> PlainTextResponse:
        return PlainTextResponse("Parity Auditor: /metrics, /healthz, /readyz, /pairs/LEFT/RIGHT, /findings/FINDING\n")

    return router


def _no_store(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": f"the store cannot be read now: {error}"}, 503)


def _refused(_request: Request, error: Exception) -> JSONResponse:
    """Every refusal is JSON with one sentence."""
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": error.detail}, error.status_code, headers=error.headers)
