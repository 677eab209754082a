"""/gaps: what is not observed now, and what to do about it. /notices: who was told what, and how far it got."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from auditor.notices import Delivery
from auditor.publish.notice_text import about, state
from auditor.web.access import Scope, need
from auditor.web.backend import Backend, backend
from auditor.web.queries.unseen import unseen
from auditor.web.templating import page
from auditor.web.views.live import pulsed

_MOST_NOTICES = 100


def unseen_router() -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[Depends(need(Scope.READ)), Depends(pulsed)])

    @router.get("/gaps")
    def gaps(
        request: Request,
        ground: Annotated[Backend, Depends(backend)],
        environment: Annotated[str, Query(max_length=64)] = "",
    ) -> HTMLResponse:
        config = ground.config
        name = config.environment(environment).name if environment else ""
        return page(request, "gaps.html", shown=unseen(ground.store, config, name), chosen=name)

    @router.get("/notices")
    def notices(
        request: Request,
        ground: Annotated[Backend, Depends(backend)],
        state_: Annotated[Delivery | None, Query(alias="state")] = None,
    ) -> HTMLResponse:
        found = ground.store.notices(state_, _MOST_NOTICES)
        now = ground.clock()
        return page(
            request,
            "notices.html",
            rows=[(queued, about(queued.notice), state(queued, now)) for queued in found],
            chosen=state_,
            states=list(Delivery),
            most=_MOST_NOTICES,
        )

    return router
