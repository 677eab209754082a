"""/ready: is each environment ready, and what does the answer rest on. Nothing is observed for it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from auditor.errors import ConfigError
from auditor.model import Severity
from auditor.publish.ready import render
from auditor.readiness.model import Answer
from auditor.store import NotFoundError
from auditor.web.access import Scope, need
from auditor.web.backend import Backend, backend
from auditor.web.keeps import Keeps, keeps
from auditor.web.queries.readiness import DEFAULT, Answered, Asked, Unasked, overview
from auditor.web.templating import page, url
from auditor.web.views.environment import own_name, segment
from auditor.web.views.live import pulsed

# A page is answered at once: what is not found out within this time, it shows as soon as it is.
_AT_ONCE = 0.1
_POLLED = 1.0
# Who asks for a document waits for it.
_FOR_A_FILE = 45.0
_KINDS = {"json": ("application/json", "json"), "md": ("text/markdown; charset=utf-8", "markdown")}
# What needs somebody comes first; within that the order of the checklist.
_ORDER = (Answer.NO, Answer.NOT_OBSERVED, Answer.YES, Answer.NOT_APPLICABLE)
_Ground = Annotated[Backend, Depends(backend)]
_Keeps = Annotated[Keeps, Depends(keeps)]
_Against = Annotated[str, Query(max_length=200)]


def readiness_router() -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[Depends(need(Scope.READ))])

    @router.get("/ready", dependencies=[Depends(pulsed)])
    def all_of_them(request: Request, ground: _Ground, kept: _Keeps) -> HTMLResponse:
        rows = overview(ground, kept.readiness)
        return page(request, "readiness_list.html", rows=[_row(asked, found) for asked, found in rows])

    @router.get("/ready/{name}", dependencies=[Depends(pulsed)])
    def one(
        request: Request,
        name: str,
        ground: _Ground,
        kept: _Keeps,
        against: _Against = "",
        severity: Severity = DEFAULT,
        audit: Annotated[str, Query(max_length=200)] = "",
        asked_again: Annotated[int, Query(alias="again", ge=0, le=10_000)] = 0,
    ) -> HTMLResponse:
        """`audit` is a run that was asked for; `again` counts how often the page asked whether the answers are found out."""
        name = own_name(request, ground, name)
        asked = kept.readiness.asked(ground, name, against or None, severity)
        found, problem = _found(ground, kept, asked, _POLLED if asked_again else _AT_ONCE)
        here = f"/ready/{segment(name)}"
        chosen = {"against": against, "severity": "" if severity is DEFAULT else severity.value}
        return page(
            request,
            "readiness.html",
            name=name,
            here=here,
            asked=asked,
            unasked=isinstance(asked, Unasked),
            found=found,
            problem=problem,
            against=against,
            severity=severity.value,
            severities=[one.value for one in Severity],
            again=url(here, **chosen, audit=audit, again=asked_again + 1),
            files={kind: url(f"{here}/export.{kind}", **chosen) for kind in _KINDS},
            answers=Answer,
            run=ground.runs.find(audit) if audit else None,
            sorted=sorted(found.checklist.items, key=lambda item: _ORDER.index(item.answer)) if found else (),
        )

    @router.get("/ready/{name}/row")
    def row(request: Request, name: str, ground: _Ground, kept: _Keeps) -> HTMLResponse:
        """The environment's row of the list, once it is known."""
        name = own_name(request, ground, name)
        asked = kept.readiness.asked(ground, name)
        found, problem = _found(ground, kept, asked, _POLLED)
        return page(request, "readiness_row.html", row=_row(asked, found, problem))

    @router.get("/ready/{name}/export.{kind}")
    def export(
        request: Request,
        name: str,
        kind: str,
        ground: _Ground,
        kept: _Keeps,
        against: _Against = "",
        severity: Severity = DEFAULT,
    ) -> Response:
        if kind not in _KINDS:
            raise HTTPException(404, f"there is no export as {kind[:20]!r}; known are {', '.join(_KINDS)}")
        name = own_name(request, ground, name)
        asked = kept.readiness.asked(ground, name, against or None, severity)
        if isinstance(asked, Unasked):
            raise HTTPException(409, asked.problem)
        if asked.audited is None:
            raise HTTPException(409, f"{asked.pair.left} and {asked.pair.right} were never audited: audit them first")
        found = kept.readiness.answer(ground, asked, _FOR_A_FILE)
        if found is None:
            raise HTTPException(503, "the checklist is still being answered: ask again in a minute")
        media, format_ = _KINDS[kind]
        text = render(found.checklist, format_, width=None, color=False, now=ground.clock(), allow_incomplete=False)
        return Response(text, media_type=media, headers={"content-disposition": f'inline; filename="ready.{kind}"'})

    @router.post("/ready/{name}/audit", dependencies=[Depends(need(Scope.ACT))])
    def audit(request: Request, name: str, ground: _Ground, kept: _Keeps, against: _Against = "") -> Response:
        """Audit the pair that the answers rest on, soon. The page shows the new answers once it is done."""
        name = own_name(request, ground, name)
        asked = kept.readiness.asked(ground, name, against or None)
        if isinstance(asked, Unasked):
            raise HTTPException(409, asked.problem)
        run = ground.runs.ask(asked.pair.left, asked.pair.right)
        if run is None:
            raise HTTPException(503, "the service stops, or too many audits wait already: ask again later")
        return RedirectResponse(url(f"/ready/{segment(name)}", against=against, audit=run.id), 303)

    return router


def _found(ground: Backend, kept: Keeps, asked: Asked | Unasked, seconds: float) -> tuple[Answered | None, str]:
    """The answers if they are known by then, or why there are none."""
    if isinstance(asked, Unasked):
        return None, asked.problem
    if asked.audited is None:
        return None, f"{asked.pair.left} and {asked.pair.right} were never audited."
    try:
        return kept.readiness.answer(ground, asked, seconds), ""
    except (NotFoundError, ConfigError) as error:
        return None, f"The last audit cannot be read any more ({error}): audit again."


def _row(asked: Asked | Unasked, found: Answered | None, problem: str = "") -> dict[str, object]:
    if isinstance(asked, Unasked):
        return {"name": asked.environment, "problem": asked.problem, "found": None, "pair": None, "waiting": False}
    never = asked.audited is None
    told = problem or ("never audited" if never else "")
    return {
        "name": asked.environment,
        "problem": told,
        "found": found,
        "pair": asked.pair,
        "waiting": found is None and not told,
    }
