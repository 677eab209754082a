"""/versions: which version of what runs where, and what a promotion would bring."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from auditor.web.access import Scope, need
from auditor.web.backend import Backend, backend
from auditor.web.keeps import Keeps, keeps
from auditor.web.templating import page, url
from auditor.web.views.live import pulsed

# Longer names of components are cut where they are stored.
_LONGEST = 200
# Of more promotions only numbers are shown; each has a page of its own, with its two environments.
_DETAILED = 4


def versions_router() -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[Depends(need(Scope.READ)), Depends(pulsed)])

    @router.get("/versions")
    def versions(
        request: Request,
        ground: Annotated[Backend, Depends(backend)],
        kept: Annotated[Keeps, Depends(keeps)],
        text: Annotated[str, Query(max_length=_LONGEST)] = "",
        differing: bool = False,
        environment: Annotated[list[str] | None, Query(max_length=100)] = None,
        after: Annotated[str, Query(max_length=_LONGEST)] = "",
    ) -> HTMLResponse:
        config, now = ground.config, ground.clock()
        found = kept.versions.versions(
            ground.store,
            config,
            now,
            text=text,
            differing=differing,
            environments=environment or (),
            after=after,
        )
        asked = {"text": text, "differing": differing, "environment": environment}
        return page(
            request,
            "versions.html",
            versions=found,
            text=text,
            differing=differing,
            chosen=environment or [],
            detailed=_DETAILED,
            first=url("/versions", **asked) if after else "",
            older=url("/versions", **asked, after=found.after) if found.after else "",
        )

    return router
