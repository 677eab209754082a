"""An environment's past, read a page of looks and a handful of contents at a time: what `auditor.looks.Past` asks for."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import ScalarSelect, select
from sqlalchemy.orm import Session

from auditor.codec import decode
from auditor.looks import Facts, Look, Manifest
from auditor.model import Json
from auditor.store import blobs
from auditor.store.database import Database
from auditor.store.tables import DocumentRow, ManifestRow, SnapshotManifestRow, SnapshotRow


class StoredPast:
    """The past of every environment in one database. Each method is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def looks(
        self,
        environment: str,
        *,
        until: str | None = None,
        before: str | None = None,
        since: datetime | None = None,
        limit: int | None = None,
    ) -> tuple[Look, ...]:
        """Those recorded last first. `until` and `before` are ids: what was recorded after `until`, or not before
        `before`, is left out, as is what was taken before `since`."""
        statement = select(SnapshotRow.id, SnapshotRow.taken_at, SnapshotRow.facts)
        statement = statement.where(SnapshotRow.environment == environment)
        if until is not None:
            statement = statement.where(SnapshotRow.sequence <= _sequence(until))
        if before is not None:
            statement = statement.where(SnapshotRow.sequence < _sequence(before))
        if since is not None:
            statement = statement.where(SnapshotRow.taken_at >= since)
        statement = statement.order_by(SnapshotRow.sequence.desc(), SnapshotRow.id.desc()).limit(limit)
        with self._database.reading() as session:
            rows = session.execute(statement).all()
            manifests = _manifests(session, [row.id for row in rows])
        return tuple(Look(row.id, row.taken_at, row.facts, tuple(manifests[row.id])) for row in rows)

    def facts(self, digests: Collection[str]) -> Mapping[str, Facts]:
        return {key: decode(Facts, json.loads(content)) for key, content in self._read(DocumentRow, digests).items()}

    def manifests(self, digests: Collection[str]) -> Mapping[str, Manifest]:
        return {key: Manifest(content) for key, content in self._read(ManifestRow, digests).items()}

    def documents(self, digests: Collection[str]) -> Mapping[str, Mapping[str, Json]]:
        return {key: json.loads(content) for key, content in self._read(DocumentRow, digests).items()}

    def _read(self, table: blobs.Blob, digests: Collection[str]) -> dict[str, bytes]:
        with self._database.reading() as session:
            return blobs.get(session, table, digests)


def _manifests(session: Session, snapshots: list[str]) -> dict[str, list[str]]:
    """The digests of each snapshot's manifests, in their order."""
    found: dict[str, list[str]] = defaultdict(list)
    for chunk in blobs.chunks(snapshots):
        statement = select(SnapshotManifestRow.snapshot, SnapshotManifestRow.manifest)
        statement = statement.where(SnapshotManifestRow.snapshot.in_(chunk))
        order = (SnapshotManifestRow.snapshot, SnapshotManifestRow.position)
        for snapshot, manifest in session.execute(statement.order_by(*order)):
            found[snapshot].append(manifest)
    return found


def _sequence(snapshot: str) -> ScalarSelect[int]:
    return select(SnapshotRow.sequence).where(SnapshotRow.id == snapshot).scalar_subquery()
