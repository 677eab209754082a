"""Snapshots as content: a document per resource's attributes, a manifest per source, and one row that names them.

What did not change is already there by its digest, so an unchanged snapshot adds its row and one per source.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import ColumnElement, Select, literal, select, tuple_
from sqlalchemy.orm import Session

from auditor.codec import canonical, decode, digest, encode
from auditor.errors import StoreError
from auditor.model import Gap, Json, Listing, Resource, Snapshot
from auditor.store import blobs
from auditor.store.database import in_turn, next_number
from auditor.store.tables import DocumentRow, ManifestRow, SnapshotManifestRow, SnapshotRow


@dataclass(frozen=True, slots=True)
class SnapshotInfo:
    """What a list of snapshots shows of each: how many resources and gaps it holds."""

    id: str
    environment: str
    taken_at: datetime
    resources: int
    gaps: int


@dataclass(frozen=True, slots=True)
class Facts:
    """A snapshot without its resources. `runs` says in which order these came: (manifest, first entry, how many)."""

    gaps: tuple[Gap, ...]
    listings: tuple[Listing, ...]
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    runs: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class _Parts:
    documents: Mapping[str, bytes]
    manifests: Mapping[str, bytes]
    facts: str


def save(session: Session, snapshot: Snapshot) -> bool:
    """Store `snapshot`; False where it is there already. The same again changes nothing, another of its id is refused."""
    parts = _take_apart(snapshot)
    in_turn(session, "snapshots", snapshot.environment)
    row = session.get(SnapshotRow, snapshot.id)
    if row is not None:
        if (row.environment, row.taken_at, row.facts, manifests(session, row.id)) != (
            snapshot.environment,
            snapshot.taken_at,
            parts.facts,
            list(parts.manifests),
        ):
            raise StoreError(f"store: there already is another snapshot {snapshot.id}")
        return False
    blobs.put(session, DocumentRow, parts.documents)
    blobs.put(session, ManifestRow, parts.manifests)
    session.add(
        SnapshotRow(
            id=snapshot.id,
            environment=snapshot.environment,
            taken_at=snapshot.taken_at,
            resources=len(snapshot.resources),
            gaps=len(snapshot.gaps),
            facts=parts.facts,
            sequence=next_number(session, SnapshotRow.sequence),
        )
    )
    session.flush()
    session.add_all(
        SnapshotManifestRow(snapshot=snapshot.id, position=position, manifest=key)
        for position, key in enumerate(parts.manifests)
    )
    return True


def newest_first(environment: str | None) -> Select[SnapshotRow]:
    """Those recorded last first, as audits are."""
    statement = select(SnapshotRow)
    if environment is not None:
        statement = statement.where(SnapshotRow.environment == environment)
    return statement.order_by(SnapshotRow.sequence.desc(), SnapshotRow.id.desc())


def recorded_after(snapshot: str) -> ColumnElement[bool]:
    """Whether a snapshot was recorded after this one; none was where this one is not there."""
    mine = select(SnapshotRow.sequence).where(SnapshotRow.id == snapshot).scalar_subquery()
    return SnapshotRow.sequence > mine


def recorded_before(snapshot: str) -> ColumnElement[bool]:
    """Whether a snapshot comes after this one in `newest_first`; none does where this one is not there."""
    mine = select(SnapshotRow.sequence).where(SnapshotRow.id == snapshot).scalar_subquery()
    return tuple_(SnapshotRow.sequence, SnapshotRow.id) < tuple_(mine, literal(snapshot, SnapshotRow.id.type))


def load(session: Session, row: SnapshotRow) -> Snapshot:
    said = facts(session, row)
    keys = manifests(session, row.id)
    contents = blobs.get(session, ManifestRow, keys)
    listed = [entries(contents[key]) for key in keys]
    attributes = blobs.get(session, DocumentRow, [entry["attributes"] for manifest in listed for entry in manifest])
    return Snapshot(
        id=row.id,
        environment=row.environment,
        taken_at=row.taken_at,
        resources=tuple(
            decode(Resource, {**entry, "attributes": json.loads(attributes[entry["attributes"]])})
            for manifest, first, count in said.runs
            for entry in listed[manifest][first : first + count]
        ),
        gaps=said.gaps,
        listings=said.listings,
        accounts=said.accounts,
        regions=said.regions,
    )


def facts(session: Session, row: SnapshotRow) -> Facts:
    """What a snapshot says besides its resources, and in which order these came."""
    return decode(Facts, json.loads(blobs.get(session, DocumentRow, [row.facts])[row.facts]))


def entries(manifest: bytes) -> list[dict[str, Json]]:
    """The resources of one source; each one's `attributes` is the digest of the document that holds them."""
    listed: list[dict[str, Json]] = json.loads(manifest)
    return listed


def info(row: SnapshotRow) -> SnapshotInfo:
    return SnapshotInfo(row.id, row.environment, row.taken_at, row.resources, row.gaps)


def manifests(session: Session, snapshot: str) -> list[str]:
    """The digests of a snapshot's manifests, in their order."""
    statement = select(SnapshotManifestRow.manifest).where(SnapshotManifestRow.snapshot == snapshot)
    return list(session.scalars(statement.order_by(SnapshotManifestRow.position)))


def _take_apart(snapshot: Snapshot) -> _Parts:
    documents: dict[str, bytes] = {}
    lines = [_line(resource, documents) for resource in snapshot.resources]
    by_source: dict[str, list[int]] = {}
    for index, resource in enumerate(snapshot.resources):
        by_source.setdefault(resource.source, []).append(index)
    manifests: dict[str, bytes] = {}
    places: dict[int, tuple[int, int]] = {}
    for number, source in enumerate(sorted(by_source)):
        # Sorted, so that a listing that came in another order is the same manifest.
        indices = sorted(by_source[source], key=lines.__getitem__)
        content = b"[" + b",".join(lines[index] for index in indices) + b"]"
        manifests[digest(content)] = content
        places.update({index: (number, entry) for entry, index in enumerate(indices)})
    order = [places[index] for index in range(len(lines))]
    facts = Facts(snapshot.gaps, snapshot.listings, snapshot.accounts, snapshot.regions, _runs(order))
    content = canonical(encode(facts))
    documents[digest(content)] = content
    return _Parts(documents, manifests, digest(content))


def _line(resource: Resource, documents: dict[str, bytes]) -> bytes:
    entry = encode(resource)
    try:
        content = canonical(entry["attributes"])
    except ValueError as error:
        raise StoreError(f"store: {resource.kind} {resource.identity}: attributes are not JSON: {error}") from error
    entry["attributes"] = digest(content)
    documents[entry["attributes"]] = content
    return canonical(entry)


def _runs(order: Sequence[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    """[(0, 4), (0, 5), (1, 0)] -> ((0, 4, 2), (1, 0, 1)): neighbours share what manifest and offset have in common."""
    numbered = enumerate(order)
    grouped = groupby(numbered, key=lambda item: (item[1][0], item[1][1] - item[0]))
    runs = (list(group) for _, group in grouped)
    return tuple((*run[0][1], len(run)) for run in runs)
