"""/pairs/LEFT/RIGHT/match: what was paired with what, and saying so where names cannot tell, as text to be committed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from auditor.errors import AuditorError, StoreError
from auditor.match import Counterpart
from auditor.model import MatchMethod
from auditor.web.access import Scope, need
from auditor.web.backend import Backend, backend
from auditor.web.queries import matching
from auditor.web.queries.matching import ChoiceError
from auditor.web.queries.reports import pair_names
from auditor.web.templating import page, url

if TYPE_CHECKING:
    from auditor.explaining import Stage

# Servers take request lines of some 8 kB; what is chosen beyond that is shown, and has no address.
_LONGEST_ADDRESS = 6_000
_MOST_LONE = 500
Keys = Annotated[list[str] | None, Query(max_length=matching.MOST)]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the page beside its choices."""

    everything: bool = False
    wait: bool = False
    kind: str = ""
    method: MatchMethod | None = None
    text: str = ""
    start: int = 0


def matching_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)
    read, act = Depends(need(Scope.READ)), Depends(need(Scope.ACT))

    @router.get("/pairs/{left}/{right}/match", dependencies=[read])
    def show(
        request: Request,
        ground: Annotated[Backend, Depends(backend)],
        left: str,
        right: str,
        yes: Keys = None,
        no: Keys = None,
        hand: Keys = None,
        everything: Annotated[bool, Query(alias="all")] = False,
        wait: bool = False,
        kind: Annotated[str, Query(max_length=200)] = "",
        method: Annotated[str, Query(max_length=20)] = "",
        text: Annotated[str, Query(max_length=200)] = "",
        start: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    ) -> HTMLResponse:
        known = next((one for one in MatchMethod if one.value == method), None)
        asked = Asked(everything, wait, kind.strip(), known, text.strip(), start)
        return _page(request, ground, (left, right), yes or [], no or [], hand or [], asked)

    @router.get("/pairs/{left}/{right}/match.yaml", dependencies=[read])
    def download(
        ground: Annotated[Backend, Depends(backend)],
        left: str,
        right: str,
        yes: Keys = None,
        no: Keys = None,
        hand: Keys = None,
    ) -> Response:
        pair = pair_names(ground.store, ground.config, left, right)
        found = matching.suggestions(ground.store, pair)
        try:
            said = matching.choices(found, yes or [], no or [], _by_hand(ground, pair, hand or []))
        except ChoiceError as error:
            return Response(f"# {error}\n", 422, media_type="text/plain; charset=utf-8")
        headers = {"content-disposition": f'attachment; filename="match-{pair[0]}-{pair[1]}.yaml"'}
        return Response(matching.yaml_of(said), media_type="application/yaml", headers=headers)

    @router.post("/pairs/{left}/{right}/match", dependencies=[act])
    async def say(request: Request, ground: Annotated[Backend, Depends(backend)], left: str, right: str) -> Response:
        fields = (await request.form(max_fields=4 * matching.MOST)).multi_items()
        sent = [(name, value) for name, value in fields if isinstance(value, str)]
        yes = [name.removeprefix("say.") for name, value in sent if name.startswith("say.") and value == "yes"]
        no = [name.removeprefix("say.") for name, value in sent if name.startswith("say.") and value == "no"]
        hand = [value for name, value in sent if name == "hand"]
        return await run_in_threadpool(_said, request, ground, (left, right), yes, no, hand)

    @router.post("/pairs/{left}/{right}/match/pair", dependencies=[act])
    def pair(
        request: Request,
        ground: Annotated[Backend, Depends(backend)],
        left: str,
        right: str,
        kind: Annotated[str, Form(max_length=200)],
        ours: Annotated[str, Form(max_length=4_000)] = "",
        theirs: Annotated[str, Form(max_length=4_000)] = "",
        yes: Annotated[list[str] | None, Form(max_length=matching.MOST)] = None,
        no: Annotated[list[str] | None, Form(max_length=matching.MOST)] = None,
        hand: Annotated[list[str] | None, Form(max_length=matching.MOST)] = None,
    ) -> Response:
        """Two more, chosen by hand."""
        chosen = [*(hand or []), matching.spelled(Counterpart(kind, ours, theirs))]
        return _said(request, ground, (left, right), yes or [], no or [], chosen)

    return router


def _said(
    request: Request,
    ground: Backend,
    names: tuple[str, str],
    yes: list[str],
    no: list[str],
    hand: list[str],
) -> Response:
    """To the address that shows what was said. What is wrong, or too long for an address, is shown here."""
    pair = pair_names(ground.store, ground.config, *names)
    address = url(f"/pairs/{pair[0]}/{pair[1]}/match", yes=yes, no=no, hand=hand)
    found = matching.suggestions(ground.store, pair)
    try:
        matching.choices(found, yes, no, _by_hand(ground, pair, hand))
    except ChoiceError:
        return _page(request, ground, pair, yes, no, hand, Asked())
    if len(address) > _LONGEST_ADDRESS:
        return _page(request, ground, pair, yes, no, hand, Asked())
    return RedirectResponse(f"{address}#commit" if yes or no or hand else address, 303)


def _page(
    request: Request,
    ground: Backend,
    names: tuple[str, str],
    yes: list[str],
    no: list[str],
    hand: list[str],
    asked: Asked,
) -> HTMLResponse:
    pair = pair_names(ground.store, ground.config, *names)
    found = matching.suggestions(ground.store, pair)
    known = {one.key for one in found.items}
    shown: dict[str, Any] = {"problem": "", "yaml": "", "matching": None, "waiting": False, "trouble": ""}
    status = 200
    try:
        said = matching.choices(found, yes, no, _by_hand(ground, pair, hand))
        shown["yaml"] = matching.yaml_of(said) if said else ""
    except ChoiceError as error:
        shown["problem"], status = str(error), 422
    if asked.everything:
        try:
            stage = _stage(ground, pair, wait=asked.wait)
            shown["waiting"] = stage is None
            if stage is not None:
                shown["matching"] = matching.matching(
                    stage, kind=asked.kind, method=asked.method, text=asked.text, start=asked.start
                )
        except StoreError:
            raise
        except AuditorError as error:
            shown["trouble"] = str(error)
    return page(
        request,
        "match.html",
        status=200 if "hx-request" in request.headers else status,
        pair=pair,
        suggestions=found,
        yes=[key for key in yes if key in known],
        no=[key for key in no if key in known],
        hand=hand,
        lost=sum(key not in known for key in (*yes, *no)),
        asked=asked,
        step=matching.PAGE,
        most=_MOST_LONE,
        **shown,
    )


def _stage(ground: Backend, pair: tuple[str, str], *, wait: bool) -> Stage | None:
    loaded = ground.loaded()
    configured = loaded.config.pair(*pair)
    return ground.stages.get(ground, loaded, configured) if wait else ground.stages.known(ground, loaded, configured)


def _by_hand(ground: Backend, pair: tuple[str, str], hand: list[str]) -> tuple[Counterpart, ...]:
    def stage() -> Stage:
        loaded = ground.loaded()
        return ground.stages.get(ground, loaded, loaded.config.pair(*pair))

    try:
        return matching.by_hand(hand, stage)
    except (ChoiceError, StoreError):
        raise
    except AuditorError as error:
        raise ChoiceError(str(error)) from error
