"""Saving a snapshot: what is new of it is written, a little at a time, and last of all the row that makes it one.

Whether content is there is asked of a manifest first, of its chunks only where it is not, and of documents only for new chunks:
content that is there has all that it refers to. Documents are asked for their bodies, compressed and written in batches of a
transaction each, so that neither memory nor other writers' patience limit how large a snapshot may be. Until the last transaction
nobody sees them; after a crash they wait for the next snapshot that says the same, or for pruning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from itertools import groupby, islice
from operator import attrgetter

import zstandard
from sqlalchemy.orm import Session

import auditor
from auditor.codec import canonical, digest, encode
from auditor.deployed import DEPLOYED_VERSION, KINDS, deployed
from auditor.document import Document, elsewhere
from auditor.errors import StoreError
from auditor.gauges import Deployed
from auditor.model import Resource, Snapshot
from auditor.store import blobs, deployments, entries, memory, snapshots, summaries
from auditor.store.blobs import groups
from auditor.store.database import Database, in_turn, next_number
from auditor.store.documents import Documents
from auditor.store.entries import DIGEST
from auditor.store.snapshots import Facts
from auditor.store.tables import ChunkRow, DocumentRow, ManifestRow, SnapshotManifestRow, SnapshotRow

PRUNED = "store:pruned"
"""The fact that counts how often content was deleted: while it stays, what was found to be there is there."""
# Documents of one transaction: some megabytes.
_BATCH = 2_000
# Of how many environments it is remembered what the last snapshot said is deployed.
_REMEMBERED = 100
# Chunks whose documents are asked for at once.
_CHUNKS = 64
_SOURCE, _ATTRIBUTES = attrgetter("source"), attrgetter("attributes")


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Some resources of one source, by their places in the snapshot."""

    digest: str
    places: Sequence[int]


@dataclass(slots=True)
class _Parts:
    """A snapshot taken apart. `manifests` by digest, in their order."""

    resources: Sequence[Resource]
    facts: bytes = b""
    manifests: dict[str, bytes] = field(default_factory=dict)
    chunks: dict[str, list[_Chunk]] = field(default_factory=dict)


@dataclass(slots=True)
class _New:
    """What of a snapshot is not there: manifests and chunks by digest, and one place of each document."""

    pruned: object
    manifests: list[str] = field(default_factory=list)
    chunks: dict[str, _Chunk] = field(default_factory=dict)
    documents: dict[str, int] = field(default_factory=dict)


class Saver:
    """Saves snapshots into one database. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._running: dict[str, tuple[str, tuple[Deployed, ...]]] = {}

    def save(self, snapshot: Snapshot, words: tuple[str, ...]) -> None:
        """The same again changes nothing, another of its id is refused. Documents that were not at hand are found in this
        store from then on, several at once."""
        self._save(snapshot, words)
        away = elsewhere(map(_ATTRIBUTES, snapshot.resources))
        find = Documents(self._database, (one.sha256 for one in away))
        for one in away:
            one.found_by(find)

    def _save(self, snapshot: Snapshot, words: tuple[str, ...]) -> None:
        parts = _take_apart(snapshot)
        with self._database.reading() as session:
            if _is_there(session, snapshot, parts):
                return
            new = _new(session, parts)
        told_by, running = self._deployed(snapshot, words)
        rest = iter(sorted(new.documents))
        while len(new.documents) > _BATCH and (batch := list(islice(rest, _BATCH))):
            rows = _compressed(parts, new, batch)
            with self._database.writing() as session:
                blobs.insert_new(session, DocumentRow, rows)
            for one in batch:
                del new.documents[one]
        last = _compressed(parts, new, sorted(new.documents))
        with self._database.writing() as session:
            in_turn(session, "snapshots", snapshot.environment)
            if _is_there(session, snapshot, parts):
                return
            if memory.recall(session, PRUNED) != new.pruned:
                # What was there when we looked may be gone.
                new = _new(session, parts)
                last = _compressed(parts, new, sorted(new.documents))
            _write(session, snapshot, parts, new, last)
            summaries.keep_snapshot(session, snapshot, running, told_by)
            deployments.keep(session, snapshot, words, running)

    def _deployed(self, snapshot: Snapshot, words: tuple[str, ...]) -> tuple[str, tuple[Deployed, ...]]:
        """What the snapshot says is deployed, with the digest of all that tells it: where that is the last snapshot's, so
        is what it tells, and not one document is read."""
        telling = [one for one in snapshot.resources if one.kind in KINDS]
        key = _told_by(telling, words)
        found = self._running.pop(snapshot.environment, None)
        if found is None or found[0] != key:
            with self._database.reading() as session:
                found = summaries.running(session, snapshot.environment)
        if found is None or found[0] != key:
            found = key, deployed(_read_together(self._database, telling), words)
        self._running[snapshot.environment] = found
        for old in list(self._running)[:-_REMEMBERED]:
            self._running.pop(old, None)
        return found


def _told_by(resources: Sequence[Resource], words: tuple[str, ...]) -> str:
    told = sha256(canonical([DEPLOYED_VERSION, auditor.__version__, words]))
    for some in groups(resources, _BATCH):
        told.update(entries.spelled(some))
    return told.hexdigest()


def _read_together(database: Database, resources: Sequence[Resource]) -> Iterator[Resource]:
    """The resources, with those documents read at once that are not at hand and that this store has."""
    away = elsewhere(map(_ATTRIBUTES, resources))
    find = Documents(database)
    find.expect([one.digest for one in away])
    for resource in resources:
        document = resource.attributes
        if isinstance(document, Document) and not document.held:
            load = partial(_found, find, document)
            yield replace(resource, attributes=Document(document.digest, load=load))
        else:
            yield resource


def _found(find: Documents, document: Document, digest: str) -> bytes:
    """What was loaded from another store is not in this one before it is saved."""
    try:
        return find(digest)
    except StoreError:
        return document.body()


def _is_there(session: Session, snapshot: Snapshot, parts: _Parts) -> bool:
    row = session.get(SnapshotRow, snapshot.id)
    if row is None:
        return False
    said = row.environment, row.taken_at, row.facts, snapshots.manifests(session, row.id)
    if said != (snapshot.environment, snapshot.taken_at, digest(parts.facts), list(parts.manifests)):
        raise StoreError(f"store: there already is another snapshot {snapshot.id}")
    return True


def _new(session: Session, parts: _Parts) -> _New:
    new = _New(memory.recall(session, PRUNED))
    known = blobs.existing(session, ManifestRow, parts.manifests)
    new.manifests = [key for key in parts.manifests if key not in known]
    chunks = {chunk.digest: chunk for key in new.manifests for chunk in parts.chunks[key]}
    there = blobs.existing(session, ChunkRow, chunks)
    new.chunks = {key: chunk for key, chunk in chunks.items() if key not in there}
    for some in groups(new.chunks.values(), _CHUNKS):
        places = [place for chunk in some for place in chunk.places]
        listed = entries.rows(parts.resources[place] for place in places)
        documents = {row[DIGEST]: place for row, place in zip(listed, places, strict=True)}
        there = blobs.existing(session, DocumentRow, documents)
        new.documents.update((key, place) for key, place in documents.items() if key not in there)
    return new


def _compressed(parts: _Parts, new: _New, digests: Iterable[str]) -> list[dict[str, object]]:
    """Rows of documents, by digest: two writers cannot wait in a circle."""
    compress = zstandard.ZstdCompressor(write_checksum=True).compress
    bodies = ((key, entries.document(parts.resources[new.documents[key]]).body()) for key in digests)
    return [{"digest": key, "body": compress(body)} for key, body in bodies]


def _write(session: Session, snapshot: Snapshot, parts: _Parts, new: _New, documents: list[dict[str, object]]) -> None:
    facts = digest(parts.facts)
    blobs.insert_new(session, DocumentRow, documents)
    blobs.put(session, DocumentRow, {facts: parts.facts})
    compress = zstandard.ZstdCompressor(write_checksum=True).compress
    for batch in blobs.chunks(sorted(new.chunks)):
        spelled = (
            (key, entries.spelled([parts.resources[place] for place in new.chunks[key].places])) for key in batch
        )
        blobs.insert_new(session, ChunkRow, [{"digest": key, "body": compress(content)} for key, content in spelled])
    blobs.put(session, ManifestRow, {key: parts.manifests[key] for key in new.manifests})
    session.add(
        SnapshotRow(
            id=snapshot.id,
            environment=snapshot.environment,
            taken_at=snapshot.taken_at,
            resources=len(snapshot.resources),
            gaps=len(snapshot.gaps),
            facts=facts,
            sequence=next_number(session, SnapshotRow.sequence),
        )
    )
    session.flush()
    session.add_all(
        SnapshotManifestRow(snapshot=snapshot.id, position=position, manifest=key)
        for position, key in enumerate(parts.manifests)
    )


def _take_apart(snapshot: Snapshot) -> _Parts:
    # Nothing is kept by resource but its name: a hundred thousand rows would be gone through again and again by the garbage
    # collector, at three times the price of making them.
    resources = snapshot.resources
    named = entries.names(resources)
    ordered = entries.is_ordered(named)
    by_source: dict[str, list[int]] = {}
    for place, source in enumerate(map(_SOURCE, resources)):
        by_source.setdefault(source, []).append(place)
    parts = _Parts(resources)
    listed: list[list[int]] = []
    for source in sorted(by_source):
        places = by_source[source] if ordered else entries.order(named, resources, by_source[source])
        chunks = list(_chunks(resources, named, places))
        content = entries.manifest([chunk.digest for chunk in chunks])
        parts.manifests[digest(content)] = content
        parts.chunks[digest(content)] = chunks
        listed.append(places)
    facts = Facts(
        snapshot.gaps, snapshot.listings, snapshot.accounts, snapshot.regions, () if ordered else _runs(listed), ordered
    )
    parts.facts = canonical(encode(facts))
    return parts


def _chunks(resources: Sequence[Resource], named: Sequence[str], places: Sequence[int]) -> Iterator[_Chunk]:
    for start, end in entries.cuts([named[place] for place in places]):
        these = places[start:end]
        yield _Chunk(digest(entries.spelled([resources[place] for place in these])), these)


def _runs(listed: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    """[[0, 1], [2]] -> ((0, 0, 2), (1, 0, 1)): neighbours share what manifest and offset have in common."""
    order: Mapping[int, tuple[int, int]] = {
        place: (manifest, entry) for manifest, places in enumerate(listed) for entry, place in enumerate(places)
    }
    grouped = groupby(range(len(order)), key=lambda place: (order[place][0], order[place][1] - place))
    runs = (list(group) for _, group in grouped)
    return tuple((*order[run[0]], len(run)) for run in runs)
