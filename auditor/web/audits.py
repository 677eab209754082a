"""POST /api/v1/audits: an audit now, as if its schedule had come. GET tells what became of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Protocol

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from auditor.errors import ConfigError
from auditor.web.guard import body_of, json_only, known_host, local_only

PATH = "/api/v1/audits"
_MOST_BYTES = 10_000


class Wanted(BaseModel):
    """The body of a request: two environments, by name or alias."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    left: str = Field(min_length=1, max_length=64)
    right: str = Field(min_length=1, max_length=64)


class Run(Protocol):
    """One audit that was asked for.

    `state` is `waiting`, `running`, `done` or `failed`; `audit_id` is there once it is done, `error` where it failed."""

    @property
    def id(self) -> str: ...

    @property
    def left(self) -> str: ...

    @property
    def right(self) -> str: ...

    @property
    def state(self) -> str: ...

    @property
    def asked_at(self) -> datetime: ...

    @property
    def audit_id(self) -> str | None: ...

    @property
    def error(self) -> str | None: ...


class Runs(Protocol):
    """Audits on demand. Called from several threads."""

    def ask(self, left: str, right: str) -> Run | None:
        """Begin an audit soon. None where too many wait, or the service stops. Raises ConfigError for names nobody knows."""
        ...

    def find(self, run_id: str) -> Run | None: ...


def audits_router(runs: Runs, names: Callable[[], Collection[str]]) -> APIRouter:
    """`names` are the host names that the service goes by, beside those of the loopback interface."""
    router = APIRouter(dependencies=[Depends(local_only), Depends(known_host(names))])

    @router.post(PATH, dependencies=[Depends(json_only)])
    async def ask(request: Request) -> JSONResponse:
        wanted = _wanted(await body_of(request, _MOST_BYTES))
        try:
            run = await run_in_threadpool(runs.ask, wanted.left, wanted.right)
        except ConfigError as error:
            raise HTTPException(422, "; ".join(problem.message for problem in error.problems)) from error
        if run is None:
            raise HTTPException(503, "the service stops, or too many audits wait already: ask again later")
        return JSONResponse(_told(run), 202, headers={"location": f"{PATH}/jobs/{run.id}"})

    @router.get(f"{PATH}/jobs/{{run_id}}")
    def job(run_id: str) -> JSONResponse:
        run = runs.find(run_id)
        if run is None:
            raise HTTPException(404, "no audit of this id was asked for, or it is too long ago")
        return JSONResponse(_told(run))

    return router


def _wanted(body: bytes) -> Wanted:
    try:
        return Wanted.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        where = f"{place}: " if place else ""
        raise HTTPException(422, f'{where}{first["msg"]}; send {{"left": …, "right": …}}') from error


def _told(run: Run) -> dict[str, str | None]:
    return {
        "id": run.id,
        "left": run.left,
        "right": run.right,
        "state": run.state,
        "asked_at": run.asked_at.astimezone(UTC).isoformat(),
        "audit_id": run.audit_id,
        "error": run.error,
    }
