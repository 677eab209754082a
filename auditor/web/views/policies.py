"""/policies: which rules judge what, how much each finds, and why a place is a finding or is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from auditor.chain import Part
from auditor.errors import AuditorError, ConfigError, StoreError
from auditor.expect import Family
from auditor.explain import explain
from auditor.model import Severity
from auditor.paths import read
from auditor.publish.gap_groups import gap_groups
from auditor.web.access import Scope, need
from auditor.web.backend import Backend, backend
from auditor.web.queries import explained, policies
from auditor.web.queries.policies import RuleFilter
from auditor.web.templating import page
from auditor.web.views.live import pulsed

if TYPE_CHECKING:
    from auditor.config import Config, Pair

_MOST_PLACES = 50
_WORDS = {
    Part.DECIDES: "decides",
    Part.FAILS: "fails",
    Part.PASSES: "passes",
    Part.OVERRIDDEN: "overridden",
    Part.CONDITION: "not here",
    Part.TYPE: "not here",
    Part.ENVIRONMENT: "not here",
    Part.SILENT: "not here",
    Part.IGNORED: "ignored",
    Part.DIFFERS: "as above",
}
Text = Annotated[str, Query(max_length=200)]
Name = Annotated[str, Query(max_length=64)]


def policies_router() -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[Depends(need(Scope.READ)), Depends(pulsed)])

    @router.get("/policies")
    def every(request: Request, ground: Annotated[Backend, Depends(backend)]) -> HTMLResponse:
        return page(request, "policies.html", packs=policies.packs(ground, ground.loaded()))

    @router.get("/policies/explain")
    def why(
        request: Request,
        ground: Annotated[Backend, Depends(backend)],
        left: Name = "",
        right: Name = "",
        resource: Annotated[str, Query(max_length=1000)] = "",
        path: Annotated[str, Query(max_length=1000)] = "",
        kind: Text = "",
        wait: bool = False,
    ) -> HTMLResponse:
        asked = {"left": left, "right": right, "resource": resource, "path": path, "kind": kind}
        return _explained(request, ground, asked, wait=wait)

    @router.get("/policies/{name}")
    def one(
        request: Request,
        ground: Annotated[Backend, Depends(backend)],
        name: str,
        text: Text = "",
        kind: Text = "",
        severity: Annotated[list[Severity] | None, Query()] = None,
        silent: bool = False,
    ) -> HTMLResponse:
        wanted = RuleFilter(text.strip(), kind.strip(), frozenset(severity or ()), silent)
        found = policies.pack(ground, ground.loaded(), name, wanted)
        return page(
            request,
            "policy.html",
            pack=found,
            wanted=wanted,
            narrowed=wanted != RuleFilter(),
            choices=[(one.value, one.value) for one in Severity],
            ignore=Family.IGNORE,
        )

    @router.get("/policies/{name}/check")
    def check(
        request: Request,
        ground: Annotated[Backend, Depends(backend)],
        name: str,
        left: Name = "",
        right: Name = "",
        wait: bool = False,
    ) -> HTMLResponse:
        return _checked(request, ground, name, (left, right), wait=wait)

    @router.get("/policies/{name}/rules/{rule_id}")
    def rule(request: Request, ground: Annotated[Backend, Depends(backend)], name: str, rule_id: str) -> HTMLResponse:
        shown = policies.rule(ground, ground.loaded(), name, rule_id)
        return page(request, "rule.html", shown=shown, ignore=Family.IGNORE)

    return router


def _explained(request: Request, ground: Backend, asked: dict[str, str], *, wait: bool) -> HTMLResponse:
    """The form, and below it what came of what was asked: at once where the pair is laid already, else on a second look."""
    loaded = ground.loaded()
    shown: dict[str, Any] = {
        "asked": asked,
        "found": None,
        "waiting": False,
        "problem": "",
        "pairs": loaded.config.pairs,
    }
    status = 200
    if asked["resource"].strip():
        try:
            pair = _pair(loaded.config, asked["left"], asked["right"])
            place = read(asked["path"]) if asked["path"].strip() else ()
            stage = ground.stages.get(ground, loaded, pair) if wait else ground.stages.known(ground, loaded, pair)
            if stage is None:
                shown["waiting"] = True
            else:
                places = explain(stage.scenery, asked["resource"].strip(), place, asked["kind"].strip() or None)
                shown["found"] = explained.told(ground.store, stage, places[:_MOST_PLACES])
                shown["more"] = max(len(places) - _MOST_PLACES, 0)
                shown["stage"] = stage
        except StoreError:
            raise
        except (AuditorError, ValueError) as error:
            shown["problem"], status = _said(error), 422
    return page(request, "explain.html", status=_status(request, status), gap_groups=gap_groups, words=_WORDS, **shown)


def _checked(request: Request, ground: Backend, name: str, wanted: tuple[str, str], *, wait: bool) -> HTMLResponse:
    loaded = ground.loaded()
    pack = policies.pack(ground, loaded, name, RuleFilter())
    shown: dict[str, Any] = {"pack": pack, "found": None, "waiting": False, "problem": "", "pair": None}
    status = 200
    try:
        pair = _pair(loaded.config, *wanted) if all(wanted) else _first(loaded.config, pack)
        shown["pair"] = pair
        if pair is not None and not wait and ground.stages.known(ground, loaded, pair) is None:
            shown["waiting"] = True
        else:
            shown["found"] = explained.checked(ground, loaded, pack, pair)
    except StoreError:
        raise
    except AuditorError as error:
        shown["problem"], status = _said(error), 422
    return page(request, "policy_check.html", status=_status(request, status), **shown)


def _status(request: Request, status: int) -> int:
    """What is fetched into a page has to come with success, or it would not be shown."""
    return 200 if "hx-request" in request.headers else status


def _first(config: Config, pack: policies.PackPage) -> Pair | None:
    """The first pair that the pack judges; None where it judges none."""
    return next((config.pair(*pair) for pair in pack.line.pairs), None)


def _pair(config: Config, left: str, right: str) -> Pair:
    if left and right:
        return config.pair(left, right)
    if not config.pairs:
        raise ValueError("no pairs are configured: name two environments under `pairs:`")
    return config.pairs[0]


def _said(error: Exception) -> str:
    if isinstance(error, ConfigError):
        return "; ".join(
            f"{problem.message}; {problem.remedy}" if problem.remedy else problem.message for problem in error.problems
        )
    return str(error)
