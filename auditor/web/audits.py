"""POST /api/v1/audits: an audit now, as if its schedule had come. GET tells what became of it."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from auditor.errors import ConfigError
from auditor.web.access import Scope, need
from auditor.web.backend import Backend, Run, backend
from auditor.web.guard import body_of, json_only

PATH = "/api/v1/audits"
_MOST_BYTES = 10_000


class Wanted(BaseModel):
    """The body of a request: two environments, by name or alias."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    left: str = Field(min_length=1, max_length=64)
    right: str = Field(min_length=1, max_length=64)


def audits_router() -> APIRouter:
    router = APIRouter()

    @router.post(PATH, dependencies=[Depends(need(Scope.ACT)), Depends(json_only)])
    async def ask(request: Request, ground: Annotated[Backend, Depends(backend)]) -> JSONResponse:
        wanted = _wanted(await body_of(request, _MOST_BYTES))
        try:
            run = await run_in_threadpool(ground.runs.ask, wanted.left, wanted.right)
        except ConfigError as error:
            raise HTTPException(422, "; ".join(problem.message for problem in error.problems)) from error
        if run is None:
            raise HTTPException(503, "the service stops, or too many audits wait already: ask again later")
        return JSONResponse(_told(run), 202, headers={"location": f"{PATH}/jobs/{run.id}"})

    @router.get(f"{PATH}/jobs/{{run_id}}", dependencies=[Depends(need(Scope.READ))])
    def job(run_id: str, ground: Annotated[Backend, Depends(backend)]) -> JSONResponse:
        run = ground.runs.find(run_id)
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
