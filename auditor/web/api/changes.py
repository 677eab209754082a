"""What changed: in an environment over time, and between any two snapshots."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, TypeAlias

from fastapi import APIRouter, Query, Response
from starlette.exceptions import HTTPException

from auditor.drifts import BOUNDS, drifts
from auditor.parting import movers
from auditor.pipeline import lay
from auditor.publish.diff_report import diff_json
from auditor.publish.drift_report import drift_object
from auditor.realms import realm_of
from auditor.web.api.answers import sent
from auditor.web.api.names import EnvironmentName
from auditor.web.api.operations import SECONDS, Found, Ground, gets, later, router
from auditor.web.api.paging import wrong
from auditor.web.api.shapes.changes import Drift
from auditor.web.api.shapes.environments import SnapshotDiff
from auditor.web.queries.changes import Changes, since_of

if TYPE_CHECKING:
    from auditor.model import Snapshot
    from auditor.web.backend import Backend

Named: TypeAlias = Annotated[
    str, Query(min_length=1, max_length=120, description="The id of a snapshot, or an environment: its latest one.")
]
Earlier: TypeAlias = Annotated[
    str | None, Query(alias="from", max_length=120, description="The earlier snapshot; by default the one before.")
]
Later: TypeAlias = Annotated[
    str | None, Query(max_length=120, description="The later snapshot; by default the one that was recorded last.")
]


def changes_router() -> APIRouter:
    found = router("Environments")

    @found.get(
        "/environments/{environment}/drift", **gets("getDrift", "What changed in an environment", Drift, 404, 409)
    )
    def drift(
        ground: Ground,
        kept: Found,
        environment: EnvironmentName,
        since: Annotated[str, Query(max_length=40, description="`24h`, `7d`, or a date or time.")] = "24h",
    ) -> Response:
        """From what to what, between which two snapshots, and what was changed back, as `audit drift --format json` prints
        it. Nothing is observed for it."""
        name = ground.config.environment(environment).name
        try:
            begin = since_of(since, ground.clock())
        except ValueError as error:
            raise wrong("since", str(error)) from error
        told = kept.changes.since(ground, name, begin, SECONDS)
        if told.view is not None:
            # The same changes answer every time within one stretch of snapshots.
            view = replace(told.view, drifted=replace(told.view.drifted, since=begin))
            told = replace(told, view=view)
        return _told(told, f"there is no snapshot of {name} yet: have it audited first")

    @found.get(
        "/environments/{environment}/changes",
        **gets("getChanges", "What changed between two snapshots of an environment", Drift, 404, 409),
    )
    def between(
        ground: Ground, kept: Found, environment: EnvironmentName, from_: Earlier = None, to: Later = None
    ) -> Response:
        """The same between two snapshots of the environment, by default its last two; what came between them is not
        looked at."""
        name = ground.config.environment(environment).name
        told = kept.changes.between(ground, name, from_, to, SECONDS)
        return _told(told, f"there are no two snapshots of {name} to compare yet")

    @found.get("/diff", **gets("diffSnapshots", "What differs between two snapshots", SnapshotDiff, 404))
    def diff(ground: Ground, left: Named, right: Named) -> Response:
        """Of one environment or of two: everything that differs once names are set aside, whatever the policies say of it,
        with which side changed last where the history tells, as `audit diff --format json` prints it."""
        config, kind_of = ground.config, ground.registry.kind
        ours, theirs = (_kept(ground, name) for name in (left, right))
        laid = lay(config, ours, theirs, ground.tools())
        environments = ours.environment, theirs.environment
        first, second = (realm_of(config, name, kind_of) for name in environments)
        past, ids = ground.store.past, (ours.id, theirs.id)
        told = drifts(laid, lambda asked: movers(asked, (first, second), past, ids, BOUNDS))
        # Backwards in time nothing "went from one to the other".
        words = ids if environments[0] == environments[1] and ours.taken_at > theirs.taken_at else environments
        gaps = laid.comparison.left.gaps + laid.comparison.right.gaps
        return sent(diff_json(told, left=ours.id, right=theirs.id, environments=words, gaps=gaps))

    return found


def _told(changes: Changes, nothing: str) -> Response:
    if changes.waiting:
        raise later()
    if changes.view is None:
        raise HTTPException(409, nothing)
    return sent(drift_object(changes.view))


def _kept(ground: Backend, name: str) -> Snapshot:
    """The snapshot called `name`, or the latest one of the environment called so. Raises NotFoundError."""
    if name not in ground.config.environments:
        found = ground.store.load_snapshot(name)
        if found.environment not in ground.config.environments:
            raise HTTPException(404, f"the snapshot is of {found.environment}, which is not configured any more")
        return found
    latest = ground.store.latest_snapshot(name)
    if latest is None:
        raise HTTPException(404, f"there is no snapshot of {name} yet: have it audited first")
    return latest
