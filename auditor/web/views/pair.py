"""/pairs/LEFT/RIGHT: the findings of a pair, what is expected to differ, and an audit on demand."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from auditor.explaining import NothingSeen
from auditor.model import Category
from auditor.store import FindingQuery
from auditor.web.access import Scope, need
from auditor.web.access.origins import local_path
from auditor.web.access.trail import note
from auditor.web.backend import Backend, backend
from auditor.web.keeps import Keeps, keeps
from auditor.web.problems import wants_page
from auditor.web.queries.expected import MOST
from auditor.web.queries.findings import FilterError, Filters, read
from auditor.web.queries.pair import Names, findings, head, named, path_of, tabs
from auditor.web.queries.staging import Busy
from auditor.web.templating import page, url
from auditor.web.views.acting import said
from auditor.web.views.live import pulsed

_MOST_PAIRS = 200
Ground = Annotated[Backend, Depends(backend)]
_Keeps = Annotated[Keeps, Depends(keeps)]


def pair_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)
    reading = [Depends(need(Scope.READ)), Depends(pulsed)]

    @router.get("/pairs/{left}/{right}", dependencies=reading)
    def show(
        request: Request,
        ground: Ground,
        kept: _Keeps,
        left: str,
        right: str,
        after: Annotated[str, Query(max_length=4000)] = "",
        asked: Annotated[str, Query(max_length=64)] = "",
        did: Annotated[str, Query(max_length=20)] = "",
        n: int = 1,
    ) -> Response:
        names = named(ground.store, ground.config, left, right)
        if names is None:
            return _unknown(request, ground, left, right)
        if (names.left, names.right) != (left, right):
            return _renamed(request, names)
        now, problem, status = ground.clock(), "", 200
        above = head(ground.store, ground.config, kept.reasons, names, now)
        try:
            found = findings(ground.store, above, read(request.query_params.multi_items()), now, after or None)
        except FilterError as error:
            # What was asked for cannot be; the page shows what is open, and says why.
            problem, status = str(error), 422
            found = findings(ground.store, above, Filters(), now)
        return page(
            request,
            "pair.html",
            status=status,
            head=above,
            tabs=found.tabs,
            view=found,
            problem=problem,
            said=said(did, n),
            asked=asked,
            run=ground.runs.find(asked) if asked else None,
        )

    @router.get("/pairs/{left}/{right}/expected", dependencies=reading)
    def expected(
        request: Request,
        ground: Ground,
        kept: _Keeps,
        left: str,
        right: str,
        category: Category | None = None,
        wait: bool = False,
    ) -> Response:
        loaded = ground.loaded()
        names = named(ground.store, loaded.config, left, right)
        if names is None:
            return _unknown(request, ground, left, right)
        if (names.left, names.right) != (left, right):
            return _renamed(request, names, "/expected")
        if not names.known:
            raise HTTPException(404, f"{left} or {right} is not configured any more: nothing can be compared again")
        above = head(ground.store, loaded.config, kept.reasons, names, ground.clock())
        pair = loaded.config.pair(left, right)
        try:
            found = kept.expected.get(ground, loaded, pair) if wait else kept.expected.known(ground, loaded, pair)
        except Busy as error:
            raise HTTPException(503, str(error)) from error
        except NothingSeen as error:
            raise HTTPException(404, str(error)) from error
        return page(
            request,
            "expected.html",
            head=above,
            tabs=tabs(Filters(), above, ground.store.facets(FindingQuery(names.left, names.right)), "expected"),
            category=category,
            found=found,
            most=MOST,
            said="",
            asked="",
            run=None,
            waiting=url(f"{above.base}/expected", category=category.value if category else None, wait=1),
        )

    @router.post("/pairs/{left}/{right}/audit", dependencies=[Depends(need(Scope.ACT))])
    def audit(
        request: Request,
        ground: Ground,
        left: str,
        right: str,
        back: Annotated[str, Form(max_length=2000)] = "",
    ) -> Response:
        pair = ground.config.pair(left, right)
        run = ground.runs.ask(pair.left, pair.right)
        note(request, "audit", f"{pair.left}/{pair.right}", "done" if run is not None else "refused")
        target = local_path(back, path_of(pair.left, pair.right)).partition("?")[0]
        return RedirectResponse(url(target, asked="full" if run is None else run.id), 303)

    return router


def _renamed(request: Request, names: Names, more: str = "") -> Response:
    """An alias leads to the real name, with whatever else was asked for."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{path_of(names.left, names.right)}{more}{query}", 307)


def _unknown(request: Request, ground: Backend, left: str, right: str) -> Response:
    config = ground.config
    pairs = [(pair.left, pair.right) for pair in config.pairs][:_MOST_PAIRS]
    if not wants_page(request):
        known = ", ".join(f"{one}/{other}" for one, other in pairs) or "none"
        raise HTTPException(404, f"there is no such pair; configured are: {known}")
    unknown = [name for name in dict.fromkeys((left, right)) if not _is_known(ground, name)]
    return page(request, "pair_unknown.html", status=404, left=left, right=right, unknown=unknown, pairs=pairs)


def _is_known(ground: Backend, name: str) -> bool:
    return any(name.lower() in environment.aliases for environment in ground.config.environments.values())
