"""Snapshots as content: a document per resource's attributes, a manifest per source in chunks, and one row that names them.

What did not change is already there by its digest, so an unchanged snapshot adds its row and one per source. `saving` writes
them; what is here reads them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, literal, select, tuple_
from sqlalchemy.orm import Session

from auditor.codec import decode
from auditor.document import Document
from auditor.model import Gap, Listing, Snapshot
from auditor.store import blobs
from auditor.store.database import Database
from auditor.store.documents import Documents
from auditor.store.entries import DIGEST, Named, Row, Sharing, chunks_of, names, rows_of
from auditor.store.tables import ChunkRow, DocumentRow, ManifestRow, SnapshotManifestRow, SnapshotRow

Item = TypeVar("Item", bound=Named)
Made = TypeVar("Made")


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
    """A snapshot without its resources. `runs` says in which order these came: (manifest, first entry, how many).

    `ordered` stands for the order of their names, and no two of one name; then there are no runs."""

    gaps: tuple[Gap, ...]
    listings: tuple[Listing, ...]
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    runs: tuple[tuple[int, ...], ...]
    ordered: bool = False


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


def load(session: Session, row: SnapshotRow, database: Database) -> Snapshot:
    """The snapshot; its documents are read from `database` where somebody looks at them."""
    said = facts(session, row)
    find = Documents(database)
    make = Sharing().resource
    listed = read(session, manifests(session, row.id), lambda row: make(row, Document(row[DIGEST], load=find)))
    resources = tuple(in_order(said, listed))
    find.walks(Document.of(one.attributes).sha256 for one in resources)
    return Snapshot(
        id=row.id,
        environment=row.environment,
        taken_at=row.taken_at,
        resources=resources,
        gaps=said.gaps,
        listings=said.listings,
        accounts=said.accounts,
        regions=said.regions,
    )


def facts(session: Session, row: SnapshotRow) -> Facts:
    """What a snapshot says besides its resources, and in which order these came."""
    return decode(Facts, json.loads(blobs.get(session, DocumentRow, [row.facts])[row.facts]))


def in_order(said: Facts, listed: Sequence[Sequence[Item]]) -> list[Item]:
    """What the manifests list, in the order of the snapshot."""
    if not said.ordered:
        return [item for which, first, count in said.runs for item in listed[which][first : first + count]]
    found = list(chain.from_iterable(listed))
    if len(listed) > 1:
        named = names(found)
        return [found[place] for place in sorted(range(len(found)), key=named.__getitem__)]
    return found


def read(session: Session, digests: Sequence[str], made: Callable[[Row], Made]) -> list[list[Made]]:
    """What is made of each row that these manifests list."""
    contents = blobs.get(session, ManifestRow, dict.fromkeys(digests))
    parts = {key: chunks_of(content) for key, content in contents.items()}
    wanted = dict.fromkeys(chunk for part in parts.values() for chunk in part or ())
    # One after the other: as rows they take ten times the room of what is made of them.
    read_once = {key: list(map(made, rows_of(content))) for key, _, content in blobs.checked(session, ChunkRow, wanted)}
    return [
        list(map(made, rows_of(contents[key]))) if part is None else [one for chunk in part for one in read_once[chunk]]
        for key, part in ((key, parts[key]) for key in digests)
    ]


def info(row: SnapshotRow) -> SnapshotInfo:
    return SnapshotInfo(row.id, row.environment, row.taken_at, row.resources, row.gaps)


def manifests(session: Session, snapshot: str) -> list[str]:
    """The digests of a snapshot's manifests, in their order."""
    statement = select(SnapshotManifestRow.manifest).where(SnapshotManifestRow.snapshot == snapshot)
    return list(session.scalars(statement.order_by(SnapshotManifestRow.position)))
