"""GET /events: tells an open page that something changed, as server-sent events. What changed, the page itself shows.

A page says which pulse of the store it shows, and compares what it hears with that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from auditor.errors import StoreError
from auditor.web.access import Scope, need
from auditor.web.backend import Backend, backend
from auditor.web.keeps import Keeps, keeps
from auditor.web.queries.pulses import SECONDS, Pulses

if TYPE_CHECKING:
    from auditor.web.access.need import Access

# Proxies close connections on which nothing happens; most wait a minute.
_SILENT_SECONDS = 20.0
# After how many looks it is asked whether the reader still may read: whoever was shut out hears nothing more.
_LOOKS = 10


def live_router() -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[Depends(need(Scope.READ))])

    @router.get("/events")
    async def events(
        request: Request, ground: Annotated[Backend, Depends(backend)], kept: Annotated[Keeps, Depends(keeps)]
    ) -> StreamingResponse:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(changes(request, ground, kept.pulses), media_type="text/event-stream", headers=headers)

    return router


def pulsed(
    request: Request, ground: Annotated[Backend, Depends(backend)], kept: Annotated[Keeps, Depends(keeps)]
) -> None:
    """Asked before a page reads anything: what is recorded while it is made, or until it listens, is news to it."""
    try:
        request.state.pulse = kept.pulses.fresh(ground)
    except StoreError:
        # What the page reads says why.
        request.state.pulse = ""


async def changes(request: Request, ground: Backend, pulses: Pulses, seconds: float = SECONDS) -> AsyncIterator[str]:
    """An event with the store's pulse whenever that is another one: it is looked at every so many `seconds`.

    Until the reader goes or may not read any more, or the service stops."""
    yield "retry: 3000\n\n"
    told, silent, looks = "", 0.0, 0
    while not ground.stopping() and not await request.is_disconnected():
        looks += 1
        if looks % _LOOKS == 0 and not await _still_may(request):
            return
        try:
            pulse = await run_in_threadpool(pulses.now, ground)
        except StoreError:
            # The page shows what it has; it is told when the store answers again.
            pulse = told
        if pulse != told:
            told, silent = pulse, 0.0
            yield f"event: pulse\ndata: {pulse}\n\n"
        elif silent >= _SILENT_SECONDS:
            silent = 0.0
            yield ": still there\n\n"
        await asyncio.sleep(seconds)
        silent += seconds


async def _still_may(request: Request) -> bool:
    """Whether the token or session with which the stream began is still worth something."""
    access: Access = request.app.state.access
    try:
        await access.identify(request, Scope.READ)
    except HTTPException:
        return False
    except StoreError:
        # Nobody knows; and a store that does not answer tells nobody anything.
        return True
    return True
