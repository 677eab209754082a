"""/environments: where each stands; one of them with its sources, gaps and snapshots; what changed in it."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse

from auditor.web.access import Scope, need
from auditor.web.backend import Backend, backend
from auditor.web.keeps import Keeps, keeps
from auditor.web.queries import environments as asking
from auditor.web.queries.changes import rows, since_of
from auditor.web.templating import page, url
from auditor.web.views.live import pulsed

# Bundles and members of one bundle that a page shows; the rest is in `audit drift --format json`.
_MOST_BUNDLES = 200
_MOST_MEMBERS = 50
# A page is answered at once: what is not found out within this time, it shows as soon as it is.
_AT_ONCE = 0.15
_POLLED = 1.0
_Ground = Annotated[Backend, Depends(backend)]
_Keeps = Annotated[Keeps, Depends(keeps)]
_Id = Annotated[str, Query(max_length=200)]


def environment_router() -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[Depends(need(Scope.READ)), Depends(pulsed)])

    @router.get("/environments")
    def environments(request: Request, ground: _Ground) -> HTMLResponse:
        found = asking.environments(ground.store, ground.config, ground.clock())
        return page(request, "environments.html", environments=found)

    @router.get("/environments/{name}")
    def environment(request: Request, name: str, ground: _Ground, before: _Id = "") -> HTMLResponse:
        name = own_name(request, ground, name)
        found = asking.environment(ground.store, ground.config, ground.registry, name, ground.clock())
        listed = asking.snapshots(ground.store, name, before) if before else found.snapshots
        here = f"/environments/{segment(name)}"
        older = url(here, before=listed.before) + "#snapshots" if listed.before else ""
        return page(
            request, "environment.html", environment=found, here=here, listed=listed, older=older, paging=bool(before)
        )

    @router.get("/environments/{name}/changes")
    def changes(
        request: Request,
        name: str,
        ground: _Ground,
        kept: _Keeps,
        from_: Annotated[str, Query(alias="from", max_length=200)] = "",
        to: _Id = "",
        since: Annotated[str, Query(max_length=60)] = "",
        asked_again: Annotated[int, Query(alias="again", ge=0, le=10_000)] = 0,
    ) -> HTMLResponse:
        """`again` counts how often the page asked whether it is found out."""
        name = own_name(request, ground, name)
        here = f"/environments/{segment(name)}"
        seconds = _POLLED if asked_again else _AT_ONCE
        if since:
            try:
                found = kept.changes.since(ground, name, since_of(since, ground.clock()), seconds)
            except ValueError as error:
                raise HTTPException(422, str(error)) from error
        else:
            found = kept.changes.between(ground, name, from_ or None, to or None, seconds)
        return page(
            request,
            "changes.html",
            name=name,
            here=here,
            changes=found,
            since=since,
            chosen=bool(from_ or to),
            rows=rows,
            again=url(f"{here}/changes", from_=from_, to=to, since=since, again=asked_again + 1),
            most=_MOST_BUNDLES,
            members=_MOST_MEMBERS,
        )

    return router


def segment(name: str) -> str:
    """A name as a part of a path."""
    return quote(name, safe="")


def own_name(request: Request, ground: Backend, name: str) -> str:
    """The environment's own name. An alias leads to the same page under its own name; an unknown one is a ConfigError."""
    own = ground.config.environment(name).name
    if own == name:
        return own
    base, _, rest = request.url.path.lstrip("/").partition("/")
    below = rest.partition("/")[2]
    target = "/".join(("", base, segment(own), *([below] if below else [])))
    query = f"?{request.url.query}" if request.url.query else ""
    raise HTTPException(303, f"it is called {own}", {"location": f"{target}{query}"})
