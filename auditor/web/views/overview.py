"""GET /: every environment and pair at a glance."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from auditor.web.access import Scope, need
from auditor.web.backend import Backend, backend
from auditor.web.keeps import Keeps, keeps
from auditor.web.templating import page
from auditor.web.views.live import pulsed


def overview_router() -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[Depends(need(Scope.READ)), Depends(pulsed)])

    @router.get("/")
    def show(
        request: Request,
        ground: Annotated[Backend, Depends(backend)],
        kept: Annotated[Keeps, Depends(keeps)],
        asked: Annotated[str, Query(max_length=64)] = "",
    ) -> Response:
        found = kept.overviews.get(ground.store, ground.config, ground.clock())
        return page(request, "overview.html", view=found, asked=asked, run=ground.runs.find(asked) if asked else None)

    return router
