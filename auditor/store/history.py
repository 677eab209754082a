"""An environment's past, read a page of looks and a handful of contents at a time: what `auditor.looks.Past` asks for."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from operator import le
from weakref import WeakValueDictionary

from sqlalchemy import ScalarSelect, select
from sqlalchemy.orm import Session

from auditor.codec import compact, decode, parse
from auditor.looks import Facts, Look, Manifest, Pointers
from auditor.model import Json
from auditor.store import blobs
from auditor.store.database import Database
from auditor.store.entries import chunks_of, first_name, lines, pointers, row_name, row_of, rows_called, rows_of, said
from auditor.store.tables import ChunkRow, DocumentRow, ManifestRow, SnapshotManifestRow, SnapshotRow


class Chunk:
    """Some resources of one source, as kept: a walk holds all of a look's, and reads a handful.

    `first` is the name of the first of them; None where all would have to be read to tell."""

    def __init__(self, body: bytes, first: str | None) -> None:
        self._body, self.first = body, first

    @property
    def content(self) -> bytes:
        return blobs.decompress(self._body)

    def holds(self, row: bytes) -> bool:
        """Whether it lists exactly this."""
        return row in self.content

    @cached_property
    def entries(self) -> tuple[Mapping[str, Json], ...]:
        return tuple(map(said, rows_of(self.content)))

    @property
    def lines(self) -> Sequence[bytes]:
        return lines(self.content)

    def pointers(self, lines: Sequence[bytes]) -> Sequence[Pointers]:
        return pointers(self.content, lines)

    def called(self, kind: str, identity: str) -> Sequence[Mapping[str, Json]]:
        """Those of this very name."""
        return tuple(map(said, rows_called(self.content, kind, identity)))


@dataclass(frozen=True)
class Chunked(Manifest):
    """A manifest whose resources are listed by `chunks`, by digest, in their order."""

    chunks: Mapping[str, Chunk]

    def holds(self, line: bytes) -> bool:
        found = row_of(parse(line))
        row, name = compact(found).strip(), row_name(found)
        return any(chunk.holds(row) for chunk in self._between(name, f"{name}\0"))

    def of_kind(self, kind: str) -> Sequence[Mapping[str, Json]]:
        chunks = self._between(f"{kind}\0", f"{kind}\1")
        return [entry for chunk in chunks for entry in chunk.entries if entry["kind"] == kind]

    def called(self, kind: str, identity: str) -> Sequence[Mapping[str, Json]]:
        chunks = self._between(f"{kind}\0{identity}\0", f"{kind}\0{identity}\1")
        return [entry for chunk in chunks for entry in chunk.called(kind, identity)]

    @property
    def parts(self) -> Mapping[str, Chunk]:
        return self.chunks

    def _between(self, low: str, high: str) -> Sequence[Chunk]:
        """The chunks that resources may be in whose names are not below `low`, and below `high`."""
        if self._firsts is None:
            return tuple(self.chunks.values())
        return self._ordered[max(bisect_left(self._firsts, low) - 1, 0) : bisect_left(self._firsts, high)]

    @cached_property
    def _ordered(self) -> Sequence[Chunk]:
        return tuple(self.chunks.values())

    @cached_property
    def _firsts(self) -> list[str] | None:
        """The name that each chunk begins with; None where they do not tell where a name is to be found."""
        named = [chunk.first for chunk in self._ordered]
        found = [name for name in named if name is not None]
        return found if len(found) == len(named) and all(map(le, found, found[1:])) else None

    @cached_property
    def entries(self) -> Mapping[str, tuple[Mapping[str, Json], ...]]:
        found: dict[str, list[Mapping[str, Json]]] = {}
        for chunk in self.chunks.values():
            for entry in chunk.entries:
                found.setdefault(entry["kind"], []).append(entry)
        return {kind: tuple(entries) for kind, entries in found.items()}


class StoredPast:
    """The past of every environment in one database. Each method is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: WeakValueDictionary[str, Chunk] = WeakValueDictionary()

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
        contents = self._read(ManifestRow, digests)
        parts = {key: chunks_of(content) for key, content in contents.items()}
        chunks = self._chunks({chunk for part in parts.values() for chunk in part or ()})
        return {
            key: Manifest(contents[key]) if part is None else Chunked(contents[key], {one: chunks[one] for one in part})
            for key, part in parts.items()
        }

    def documents(self, digests: Collection[str]) -> Mapping[str, Mapping[str, Json]]:
        return {key: parse(content) for key, content in self._read(DocumentRow, digests).items()}

    def _chunks(self, digests: Set[str]) -> dict[str, Chunk]:
        """Each is read once while a manifest that somebody holds has it."""
        found = {key: chunk for key in digests if (chunk := self._known.get(key)) is not None}
        with self._database.reading() as session:
            read = blobs.checked(session, ChunkRow, digests - found.keys())
            fresh = {key: Chunk(body, first_name(content)) for key, body, content in read}
        self._known.update(fresh)
        return found | fresh

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
