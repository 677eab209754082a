"""/environments/X/snapshots/Y and /environments/X/resource: what a snapshot holds, and one resource of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response

from auditor.model import Json
from auditor.store import Inventory, LightResource, SnapshotInfo
from auditor.web.access import Scope, need
from auditor.web.backend import Backend, backend
from auditor.web.keeps import Keeps, keeps
from auditor.web.queries import resources as asking
from auditor.web.queries.counterparts import waiting
from auditor.web.queries.documents import document, dumped
from auditor.web.queries.lineage import lineage
from auditor.web.queries.resources import LATEST, Wanted
from auditor.web.templating import page, url
from auditor.web.views.environment import own_name, segment
from auditor.web.views.live import pulsed

_AT_ONCE = 0.2
_ASKED_FOR = 2.0
# Names may be long; what stands in an address has to end somewhere.
_LONGEST = 12_000
_Ground = Annotated[Backend, Depends(backend)]
_Keeps = Annotated[Keeps, Depends(keeps)]
_Text = Annotated[str, Query(max_length=200)]
_Name = Annotated[str, Query(max_length=_LONGEST)]
PARTS = ("normal", "history", "pairs")


@dataclass(frozen=True, slots=True)
class _Asked:
    """The resource that an address names; `choices` where it names several."""

    name: str
    info: SnapshotInfo
    inventory: Inventory
    choices: tuple[LightResource, ...]
    pinned: bool

    @property
    def light(self) -> LightResource:
        return self.choices[0]

    def address(self, path: str = "", /, **more: str) -> str:
        one = self.light
        snapshot = self.info.id if self.pinned else ""
        query = {"kind": one.kind, "identity": one.identity, "source": one.source, "region": one.region}
        return url(f"/environments/{segment(self.name)}/resource{path}", **query, snapshot=snapshot, **more)


def resource_router() -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[Depends(need(Scope.READ)), Depends(pulsed)])

    @router.get("/environments/{name}/snapshots/{snapshot}")
    def snapshot(
        request: Request,
        name: str,
        snapshot: str,
        ground: _Ground,
        kind: _Name = "",
        source: _Name = "",
        text: _Text = "",
        skip: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    ) -> HTMLResponse:
        name = own_name(request, ground, name)
        info = asking.snapshot_of(ground.store, name, snapshot)
        found = asking.held(ground.store, info, Wanted(kind, source, text, skip))
        here = f"/environments/{segment(name)}"
        listed = f"{here}/snapshots/{segment(snapshot)}"
        asked = {"kind": kind, "source": source, "text": text}
        return page(
            request,
            "snapshot.html",
            name=name,
            here=here,
            listed=listed,
            latest=snapshot == LATEST,
            held=found,
            asked=asked,
            links=[_link(here, one, "" if snapshot == LATEST else info.id) for one in found.resources],
            older=url(listed, **asked, skip=found.more) if found.more else "",
            newer=url(listed, **asked, skip=max(skip - asking.PAGE, 0) or None) if skip else "",
            listings=asking.listed_by_source(found.listings),
        )

    @router.get("/environments/{name}/resource")
    def resource(
        request: Request,
        name: str,
        ground: _Ground,
        kept: _Keeps,
        kind: _Name = "",
        identity: _Name = "",
        source: _Name = "",
        region: _Name = "",
        snapshot: _Text = "",
        part: Annotated[list[str] | None, Query()] = None,
    ) -> HTMLResponse:
        """`part` names what else is to be there at once, of PARTS; the page fetches the others by itself."""
        asked = _asked(request, ground, name, kind, identity, source, region, snapshot)
        here = f"/environments/{segment(asked.name)}"
        if len(asked.choices) > 1:
            links = [_link(here, one, asked.info.id if asked.pinned else "") for one in asked.choices]
            return page(request, "resource_choice.html", name=asked.name, here=here, asked=asked, links=links)
        store, config, registry, light = ground.store, ground.config, ground.registry, asked.light
        found = store.resource(asked.info.id, light.kind, light.identity, light.source, light.region)
        parts = set(part or ())
        normal = history = pairs = None
        if "normal" in parts:
            normal, _ = kept.normals.view(store, config, registry, asked.info, light)
        if "history" in parts:
            history = lineage(store, config, registry, asked.info, light)
        if "pairs" in parts:
            pairs = kept.counterparts.of(ground, asked.name, light, _ASKED_FOR)
        return page(
            request,
            "resource.html",
            name=asked.name,
            here=here,
            info=asked.info,
            pinned=asked.pinned,
            resource=found,
            about=registry.kind(light.kind),
            attributes=document(found.attributes),
            whole=asked.address("/document"),
            whole_normal=asked.address("/document", form="normal"),
            address=asked.address(),
            addresses={one: asked.address(part=one) for one in PARTS},
            latest=url(f"{here}/resource", kind=kind, identity=identity, source=source, region=region),
            normal=normal,
            most=asking.MOST_LEAVES,
            history=history,
            pairs=pairs,
            waiting=waiting(pairs or ()),
            gaps=_gaps(asked),
        )

    @router.get("/environments/{name}/resource/document")
    def whole(
        request: Request,
        name: str,
        ground: _Ground,
        kept: _Keeps,
        kind: _Name = "",
        identity: _Name = "",
        source: _Name = "",
        region: _Name = "",
        snapshot: _Text = "",
        form: Annotated[str, Query(pattern="^(attributes|normal)$")] = "attributes",
    ) -> Response:
        """The whole document as a file, however large."""
        asked = _asked(request, ground, name, kind, identity, source, region, snapshot)
        if len(asked.choices) > 1:
            raise HTTPException(409, f"there are {len(asked.choices)} resources of this name: name source and region")
        light, store = asked.light, ground.store
        body: Json
        if form == "normal":
            _, body = kept.normals.view(store, ground.config, ground.registry, asked.info, light)
        else:
            body = store.resource(asked.info.id, light.kind, light.identity, light.source, light.region).attributes
        headers = {"content-disposition": f'inline; filename="{form}.json"'}
        return Response(dumped(body) + "\n", media_type="application/json", headers=headers)

    return router


def _asked(
    request: Request, ground: Backend, name: str, kind: str, identity: str, source: str, region: str, snapshot: str
) -> _Asked:
    name = own_name(request, ground, name)
    info = asking.snapshot_of(ground.store, name, snapshot)
    inventory = ground.store.listing(info.id)
    found = asking.called(inventory, kind, identity, source, region)
    if not found:
        shown = identity if len(identity) <= 100 else f"{identity[:100]}…"
        said = f"the snapshot {info.id} of {name} holds no {kind[:100]} called {shown!r}; "
        raise HTTPException(404, said + "it may be in an older one, or in another environment")
    return _Asked(name, info, inventory, found, snapshot not in ("", LATEST))


def _link(here: str, one: LightResource, snapshot: str) -> str:
    query = {"kind": one.kind, "identity": one.identity, "source": one.source, "region": one.region}
    return url(f"{here}/resource", **query, snapshot=snapshot)


def _gaps(asked: _Asked) -> list[str]:
    """Attributes of the resource that could not be read, and why."""
    light = asked.light
    return [
        f"{gap.attribute}: {gap.reason.value.replace('_', ' ')} ({gap.detail})"
        for gap in asked.inventory.gaps
        if gap.attribute is not None and gap.source == light.source and gap.resource in (None, light.identity)
        and gap.kind == light.kind
    ]  # fmt: skip
