"""/findings: every finding of every pair, narrowed by the query string."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from auditor.web.access import Identity, Scope, need
from auditor.web.backend import Backend, backend
from auditor.web.queries.facets import choices
from auditor.web.queries.finding_rows import rows
from auditor.web.queries.findings import FilterError, Filters, chips, listing, read
from auditor.web.templating import page
from auditor.web.views.acting import said
from auditor.web.views.live import pulsed

_MAY_READ = need(Scope.READ)


def findings_router() -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[Depends(_MAY_READ), Depends(pulsed)])

    @router.get("/findings")
    def findings(
        request: Request,
        ground: Annotated[Backend, Depends(backend)],
        who: Annotated[Identity, Depends(_MAY_READ)],
        after: Annotated[str, Query(max_length=4000)] = "",
        did: Annotated[str, Query(max_length=20)] = "",
        n: Annotated[int, Query(ge=1, le=10_000)] = 1,
    ) -> HTMLResponse:
        now, config, problem = ground.clock(), ground.config, ""
        try:
            filters = read(request.query_params.multi_items()).at(config)
            found = listing(ground.store, filters, now, after=after or None, facets=True)
        except FilterError as error:
            # What was asked for cannot be: the page says why, and shows what there is.
            filters, problem, after = Filters(), str(error), ""
            found = listing(ground.store, filters, now, facets=True)
        pairs = [(pair.left, pair.right) for pair in config.pairs]
        return page(
            request,
            "findings.html",
            status=422 if problem else 200,
            problem=problem,
            filters=filters,
            listing=found,
            rows=rows(found.items, now),
            chips=chips(filters),
            facets=choices(found.facets, filters, pairs, "/findings") if found.facets else (),
            older=filters.address("/findings", after=found.next) if found.next else "",
            first=filters.address("/findings") if after else "",
            here=filters.address("/findings", after=after),
            said=said(did, n),
            may_act=who.scope.covers(Scope.ACT),
        )

    return router
