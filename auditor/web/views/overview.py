"""GET /: every environment and pair at a glance."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from auditor.web.access import Scope, need
from auditor.web.backend import Backend, backend
from auditor.web.queries.overview import overview
from auditor.web.queries.standing import Reasons
from auditor.web.templating import page


def overview_router() -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[Depends(need(Scope.READ))])
    reasons = Reasons()

    @router.get("/")
    def show(
        request: Request,
        ground: Annotated[Backend, Depends(backend)],
        asked: Annotated[str, Query(max_length=64)] = "",
    ) -> Response:
        found = overview(ground.store, ground.config, reasons, ground.clock())
        return page(request, "overview.html", view=found, asked=asked, run=ground.runs.find(asked) if asked else None)

    return router
