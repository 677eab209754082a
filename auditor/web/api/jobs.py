"""Audits that were asked for: how far they are, and what comes of them, told while it happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException

from auditor.publish.spelling import iso
from auditor.web.api.answers import Answer
from auditor.web.api.names import Id
from auditor.web.api.operations import Ground, gets, router
from auditor.web.api.shapes.audits import Job, JobList

if TYPE_CHECKING:
    from auditor.web.backend import Backend, Run

_ENDED = ("done", "failed")
_SECONDS = 0.25
# Proxies close connections on which nothing happens; most wait a minute.
_SILENT_SECONDS = 20.0
STREAM = "text/event-stream"
STREAM_MEDIA = {STREAM: {"type": "string"}}
STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


def jobs_router() -> APIRouter:
    found = router("Audits")

    @found.get("/audits/jobs", **gets("listJobs", "List the audits that were asked for", JobList))
    def jobs(ground: Ground) -> Answer:
        """What this copy of the service was asked for, at most the last 200, the latest first."""
        return Answer({"items": [job_object(run) for run in ground.runs.recent()]})

    @found.get("/audits/jobs/{job}", **gets("getJob", "What became of an audit that was asked for", Job, 404))
    def job(ground: Ground, job: Id) -> Answer:
        """`waiting`, `running`, `done` with the id of the audit, or `failed` with the reason; and how far each source is
        read."""
        return Answer(job_object(_run(ground, job)))

    @found.get(
        "/audits/jobs/{job}/events",
        **gets("followJob", "Follow an audit that was asked for", str, 404, media=STREAM_MEDIA),
    )
    async def follow(request: Request, ground: Ground, job: Id) -> StreamingResponse:
        """Server-sent events called `job`, each with the job as it then is, whenever that changes. After the one that
        says `done` or `failed` the stream ends: do not connect again."""
        _run(ground, job)
        return StreamingResponse(_events(request, ground, job), media_type=STREAM, headers=STREAM_HEADERS)

    return found


def job_object(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "left": run.left,
        "right": run.right,
        "state": run.state,
        "asked_at": iso(run.asked_at),
        "audit_id": run.audit_id,
        "error": run.error,
        "sources": [
            {
                "environment": one.environment,
                "source": one.source,
                "stage": str(one.stage),
                "listings": one.listings,
                "ended": one.ended,
                "count": one.count,
            }
            for one in run.sources
        ],
    }


def _run(ground: Backend, job: str) -> Run:
    run = ground.runs.find(job)
    if run is None:
        raise HTTPException(404, "no audit of this id was asked for, or it is too long ago")
    return run


async def _events(request: Request, ground: Backend, job: str) -> AsyncIterator[str]:
    told, silent = "", 0.0
    while not ground.stopping() and not await request.is_disconnected():
        run = ground.runs.find(job)
        if run is None:
            return
        now = json.dumps(job_object(run), separators=(",", ":"))
        if now != told:
            told, silent = now, 0.0
            yield f"event: job\ndata: {now}\n\n"
        elif silent >= _SILENT_SECONDS:
            silent = 0.0
            yield ": still there\n\n"
        if run.state in _ENDED:
            return
        await asyncio.sleep(_SECONDS)
        silent += _SECONDS
