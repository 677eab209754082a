"""What ran where, and from when to when: written with every snapshot, kept when snapshots are pruned.

A stretch has one row, however many snapshots show it; while the last one does, its end is open. So an environment in
which nothing was deployed costs one small row's change per snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from auditor.codec import parse
from auditor.deployed import KINDS, deployed
from auditor.gauges import Deployed
from auditor.model import Resource, Snapshot
from auditor.promotion import LONGEST_UNSEEN, Deployment
from auditor.store import blobs
from auditor.store.entries import DIGEST, resource
from auditor.store.snapshots import read
from auditor.store.tables import DeploymentRow, DocumentRow, SnapshotManifestRow, SnapshotRow, WatchRow

# How many stored snapshots a database that was made before there was this history is read back.
_LOOK_BACK = 500
_Key: TypeAlias = tuple[str, str, str]
_COLUMNS = (
    DeploymentRow.component,
    DeploymentRow.version,
    DeploymentRow.digest,
    DeploymentRow.after,
    DeploymentRow.first_seen,
    DeploymentRow.last_seen,
    DeploymentRow.deployed_at,
)


def keep(session: Session, snapshot: Snapshot, names: Iterable[str], running: Sequence[Deployed]) -> None:
    """Carry the environment's history on by `snapshot`, which is its last; no other one may be saved at the same time.

    `running` is what it says is deployed. The first time, the history is made from the snapshots that are stored."""
    names = tuple(names)
    watch = session.get(WatchRow, snapshot.environment)
    if watch is None:
        _catch_up(session, snapshot, names)
        watch = session.get(WatchRow, snapshot.environment)
    _carry_on(session, snapshot.environment, snapshot.taken_at, running, watch)


def listed(session: Session, environment: str, component: str | None, since: datetime | None) -> tuple[Deployment, ...]:
    """Stretches by component and start; those that ended before `since` are left out."""
    watch = session.get(WatchRow, environment)
    if watch is None:
        return ()
    # Columns, not objects: an environment has a row for each of thousands of components.
    statement = select(*_COLUMNS).where(DeploymentRow.environment == environment)
    if component is not None:
        statement = statement.where(DeploymentRow.component == component)
    if since is not None:
        statement = statement.where(or_(DeploymentRow.last_seen.is_(None), DeploymentRow.last_seen >= since))
    order = (DeploymentRow.component, DeploymentRow.first_seen, DeploymentRow.version, DeploymentRow.digest)
    last_seen = watch.last_seen
    rows = session.execute(statement.order_by(*order))
    return tuple(
        Deployment(
            environment,
            found,
            version,
            digest or None,
            after,
            first,
            last or last_seen,
            last is None,
            deployed_at,
        )
        for found, version, digest, after, first, last, deployed_at in rows
    )


def _carry_on(
    session: Session, environment: str, taken_at: datetime, found: Sequence[Deployed], watch: WatchRow | None
) -> None:
    last = watch.last_seen if watch is not None else None
    # A clock that was set back must not end a stretch before it began.
    at = taken_at if last is None else max(taken_at, last)
    seen = {_key(row): row for row in found}
    statement = select(DeploymentRow).where(DeploymentRow.environment == environment, DeploymentRow.last_seen.is_(None))
    running = {(row.component, row.version, row.digest) for row in session.scalars(statement)}
    unwatched = last is not None and at - last > LONGEST_UNSEEN
    for key in sorted(running if unwatched else running - seen.keys()):
        _end(session, environment, key, last)
    for key in sorted(seen if unwatched else seen.keys() - running):
        component, version, digest = key
        row = {
            "environment": environment,
            "component": component,
            "version": version,
            "digest": digest,
            "first_seen": at,
            "after": last,
            "last_seen": None,
            "deployed_at": seen[key].deployed_at,
        }
        blobs.upsert(session, DeploymentRow, row)
    blobs.upsert(session, WatchRow, {"environment": environment, "last_seen": at})
    session.expire_all()


def _end(session: Session, environment: str, key: _Key, last: datetime | None) -> None:
    component, version, digest = key
    session.execute(
        update(DeploymentRow)
        .where(
            DeploymentRow.environment == environment,
            DeploymentRow.component == component,
            DeploymentRow.version == version,
            DeploymentRow.digest == digest,
            DeploymentRow.last_seen.is_(None),
        )
        .values(last_seen=last)
        .execution_options(synchronize_session=False)
    )


def _key(row: Deployed) -> _Key:
    return row.component, row.version, row.digest or ""


def _catch_up(session: Session, newest: Snapshot, names: Sequence[str]) -> None:
    """Replay the stored snapshots of the environment, oldest first, but for the newest."""
    own = (SnapshotRow.environment == newest.environment, SnapshotRow.id != newest.id)
    order = (SnapshotRow.sequence.desc(), SnapshotRow.id.desc())
    last = select(SnapshotRow.id, SnapshotRow.taken_at).where(*own).order_by(*order).limit(_LOOK_BACK)
    known: dict[str, tuple[Resource, ...]] = {}
    parts: tuple[str, ...] | None = None
    found: tuple[Deployed, ...] = ()
    for snapshot, taken_at in reversed(session.execute(last).all()):
        own_parts = _parts(session, snapshot)
        if own_parts != parts:
            parts = own_parts
            known = {part: known[part] if part in known else _deployable(session, part) for part in parts}
            found = deployed([resource for part in parts for resource in known[part]], names)
        _carry_on(session, newest.environment, taken_at, found, session.get(WatchRow, newest.environment))


def _parts(session: Session, snapshot: str) -> tuple[str, ...]:
    statement = select(SnapshotManifestRow.manifest).where(SnapshotManifestRow.snapshot == snapshot)
    return tuple(session.scalars(statement.order_by(SnapshotManifestRow.position)))


def _deployable(session: Session, manifest: str) -> tuple[Resource, ...]:
    """The resources of one source that say what is deployed; no others are read."""
    (listed,) = read(session, [manifest], lambda row: row if row[0] in KINDS else None)
    telling = [row for row in listed if row is not None]
    documents = blobs.get(session, DocumentRow, [row[DIGEST] for row in telling])
    return tuple(resource(row, parse(documents[row[DIGEST]])) for row in telling)
