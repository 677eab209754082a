"""Environments, their snapshots, and what these hold."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException

from auditor.publish.json_report import gap_object
from auditor.publish.spelling import iso
from auditor.web.api.answers import Answer, page
from auditor.web.api.names import EnvironmentName, Id
from auditor.web.api.operations import Found, Ground, gets, router
from auditor.web.api.paging import After, Limit, part, row_cursor
from auditor.web.api.shapes.environments import (
    Environment,
    EnvironmentList,
    Resource,
    ResourceList,
    Snapshot,
    SnapshotList,
)
from auditor.web.queries.resources import called

if TYPE_CHECKING:
    from auditor.store import LightResource, SnapshotInfo
    from auditor.web.backend import Backend

_MOST_NAMED = 10


def environments_router() -> APIRouter:
    found = router("Environments")

    @found.get("/environments", **gets("listEnvironments", "List the environments", EnvironmentList))
    def environments(request: Request, ground: Ground, limit: Limit = 100, after: After = None) -> Answer:
        """What is configured, by name, each with the snapshot that was recorded last."""
        shown, following = part(list(ground.config.environments), str, "environments", limit, after)
        return page(request, [_environment_object(ground, name) for name in shown], following)

    @found.get("/environments/{environment}", **gets("getEnvironment", "One environment", Environment, 404))
    def environment(ground: Ground, environment: EnvironmentName) -> Answer:
        """Its other names, where it promotes to, what is read of it, and the snapshot that was recorded last."""
        return Answer(_environment_object(ground, ground.config.environment(environment).name))

    @found.get(
        "/environments/{environment}/snapshots",
        **gets("listSnapshots", "List the snapshots of an environment", SnapshotList, 404),
    )
    def snapshots(
        request: Request, ground: Ground, environment: EnvironmentName, limit: Limit = 100, after: After = None
    ) -> Answer:
        """Those that are kept, recorded last first."""
        name = ground.config.environment(environment).name
        listed = ground.store.snapshots(name, before=row_cursor(after), limit=limit + 1)
        following = listed[limit - 1].id if len(listed) > limit else None
        return page(request, [snapshot_line(info) for info in listed[:limit]], following)

    @found.get("/snapshots/{snapshot}", **gets("getSnapshot", "One snapshot, without its resources", Snapshot, 404))
    def snapshot(ground: Ground, snapshot: Id) -> Answer:
        """What was seen by kind, which listings were complete, and what could not be observed."""
        whole = ground.store.listing(snapshot)
        return Answer(
            {
                **snapshot_line(whole.info),
                "kinds": dict(sorted(Counter(resource.kind for resource in whole.resources).items())),
                "accounts": list(whole.accounts),
                "regions": list(whole.regions),
                "listings": [
                    {"source": listing.source, "kind": listing.kind, "region": listing.region}
                    for listing in whole.listings
                ],
                "unseen": [gap_object(gap) for gap in whole.gaps],
            }
        )

    @found.get(
        "/snapshots/{snapshot}/resources",
        **gets("listResources", "List the resources of a snapshot", ResourceList, 404),
    )
    def resources(
        request: Request,
        ground: Ground,
        snapshot: Id,
        kind: Annotated[str | None, Query(max_length=200, description="Only of this kind.")] = None,
        text: Annotated[str, Query(max_length=200, description="Only with this in the identity.")] = "",
        limit: Limit = 100,
        after: After = None,
    ) -> Answer:
        """By kind and identity, without their attributes."""
        whole = ground.store.listing(snapshot)
        wanted = [
            one
            for one in whole.resources
            if (kind is None or one.kind == kind) and text.lower() in one.identity.lower()
        ]
        shown, following = part(wanted, _key, "resources", limit, after)
        return page(request, [_line_object(one) for one in shown], following, total=len(wanted))

    @found.get("/snapshots/{snapshot}/resource", **gets("getResource", "One resource of a snapshot", Resource, 404))
    def resource(
        ground: Ground,
        kept: Found,
        snapshot: Id,
        kind: Annotated[str, Query(max_length=200, description="Its kind.")],
        identity: Annotated[str, Query(description="Its whole name.")],
        source: Annotated[str, Query(description="Its source, where several have one of this name.")] = "",
        region: Annotated[str, Query(max_length=100, description="Its region, where several have one.")] = "",
    ) -> Answer:
        """With its attributes as its source spells them, and its normal form: what is compared once names are set aside."""
        whole = ground.store.listing(snapshot)
        fitting = called(whole, kind, identity, source, region)
        if not fitting:
            raise HTTPException(404, "the snapshot holds no resource of this kind and name")
        if len(fitting) > 1:
            places = ", ".join(f"{one.source} {one.region or ''}".strip() for one in fitting[:_MOST_NAMED])
            raise HTTPException(404, f"several resources are called so: say which source and region ({places})")
        (one,) = fitting
        document = ground.store.resource(whole.info.id, one.kind, one.identity, one.source, one.region)
        normal, form = kept.normals.view(ground.store, ground.config, ground.registry, whole.info, one)
        return Answer(
            {
                **_line_object(one),
                "tags": dict(one.tags),
                "refs": list(one.refs),
                "attributes": dict(document.attributes),
                "normal": {"identity": normal.identity, "form": form},
            }
        )

    return found


def snapshot_line(info: SnapshotInfo) -> dict[str, object]:
    return {
        "id": info.id,
        "environment": info.environment,
        "taken_at": iso(info.taken_at),
        "resources": info.resources,
        "gaps": info.gaps,
    }


def _environment_object(ground: Backend, name: str) -> dict[str, object]:
    config = ground.config
    environment = config.environments[name]
    last = next(iter(ground.store.snapshots(name, limit=1)), None)
    return {
        "name": name,
        "aliases": [alias for alias in environment.aliases if alias != name.lower()],
        "promotes_to": config.promotes_to.get(name),
        "sources": [{"collector": one.collector.name, "source": one.label} for one in environment.sources],
        "snapshot": snapshot_line(last) if last else None,
    }


def _key(resource: LightResource) -> str:
    """By kind and identity; no two of a snapshot share one. Any character may stand in a name, so it is spelled in hex."""
    parts = (resource.kind, resource.identity, resource.source, resource.region or "")
    return "-".join(part.encode("utf-8", "surrogatepass").hex() for part in parts)


def _line_object(resource: LightResource) -> dict[str, object]:
    return {
        "kind": resource.kind,
        "identity": resource.identity,
        "source": resource.source,
        "region": resource.region,
        "account": resource.account,
        "parent": resource.parent,
        "component": resource.component,
        "location": resource.location,
        "digest": resource.digest,
    }
