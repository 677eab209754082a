"""What a snapshot holds, without the documents of its resources; and one resource with its document."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from sqlalchemy.orm import Session

from auditor.codec import parse
from auditor.model import Gap, Listing, Resource
from auditor.store import blobs, snapshots
from auditor.store.entries import DIGEST, Row, chunks_of, rows_of
from auditor.store.errors import NotFoundError
from auditor.store.snapshots import SnapshotInfo
from auditor.store.tables import ChunkRow, DocumentRow, ManifestRow, SnapshotRow

# How many resources are remembered: some 100 MB.
REMEMBERED = 50_000
_MANIFESTS = 256


@dataclass(frozen=True, slots=True)
class LightResource:
    """A `Resource` but for its attributes. `digest` is their SHA-256: equal digests are equal attributes."""

    kind: str
    identity: str
    digest: str
    source: str = ""
    region: str | None = None
    account: str | None = None
    parent: str | None = None
    refs: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    component: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """A `Snapshot` whose resources are light, in the same order."""

    info: SnapshotInfo
    gaps: tuple[Gap, ...]
    listings: tuple[Listing, ...]
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    resources: tuple[LightResource, ...]


class Manifests:
    """Manifests read again and again: each of their chunks is decoded once while it is remembered. Safe to share between threads."""

    def __init__(self, most: int = REMEMBERED) -> None:
        """`most` resources are remembered."""
        self._most = most
        self._parts: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._known: OrderedDict[str, tuple[LightResource, ...]] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def read(self, session: Session, digests: Sequence[str]) -> list[tuple[LightResource, ...]]:
        """The resources of each, in the order of `digests`."""
        chunks: dict[str, tuple[LightResource, ...]] = {}
        parts = self._chunks(session, digests, chunks)
        wanted = dict.fromkeys(chunk for key in digests for chunk in parts[key])
        with self._lock:
            for chunk in wanted:
                if chunk in self._known:
                    self._known.move_to_end(chunk)
                    chunks[chunk] = self._known[chunk]
        missing = [chunk for chunk in wanted if chunk not in chunks]
        for chunk, content in blobs.get(session, ChunkRow, missing).items():
            chunks[chunk] = tuple(map(_light, rows_of(content)))
            self._remember(chunk, chunks[chunk])
        return [tuple(chain.from_iterable(chunks[chunk] for chunk in parts[key])) for key in digests]

    def _chunks(
        self, session: Session, digests: Sequence[str], read: dict[str, tuple[LightResource, ...]]
    ) -> dict[str, tuple[str, ...]]:
        """The chunks of each manifest. One without chunks is one itself, and put into `read` where it was not remembered."""
        with self._lock:
            found = {key: self._parts[key] for key in digests if key in self._parts}
            for key in found:
                self._parts.move_to_end(key)
            missing = [key for key in dict.fromkeys(digests) if key not in found or self._is_forgotten(key, found)]
        for key, content in blobs.get(session, ManifestRow, missing).items():
            parts = chunks_of(content)
            found[key] = (key,) if parts is None else parts
            if parts is None:
                read[key] = tuple(map(_light, rows_of(content)))
                self._remember(key, read[key])
        with self._lock:
            self._parts.update((key, found[key]) for key in missing)
            while len(self._parts) > _MANIFESTS:
                self._parts.popitem(last=False)
        return found

    def _is_forgotten(self, key: str, parts: Mapping[str, tuple[str, ...]]) -> bool:
        return parts[key] == (key,) and key not in self._known

    def _remember(self, key: str, resources: tuple[LightResource, ...]) -> None:
        with self._lock:
            if key in self._known or len(resources) > self._most:
                return
            self._known[key] = resources
            self._held += len(resources)
            while self._held > self._most:
                _, forgotten = self._known.popitem(last=False)
                self._held -= len(forgotten)


def inventory(session: Session, row: SnapshotRow, manifests: Manifests) -> Inventory:
    facts = snapshots.facts(session, row)
    read = manifests.read(session, snapshots.manifests(session, row.id))
    resources = tuple(snapshots.in_order(facts, read))
    return Inventory(snapshots.info(row), facts.gaps, facts.listings, facts.accounts, facts.regions, resources)


def resource(
    session: Session,
    row: SnapshotRow,
    manifests: Manifests,
    kind: str,
    identity: str,
    source: str | None,
    region: str | None,
) -> Resource:
    """Raises NotFoundError where there is none, or more than one."""
    read = manifests.read(session, snapshots.manifests(session, row.id))
    found = [
        item
        for manifest in read
        for item in manifest
        if item.identity == identity and item.kind == kind and source in (None, item.source)
    ]
    # Whoever names no region may mean any, but first of all the one that has none.
    found = [item for item in found if item.region == region] or ([] if region is not None else found)
    if len(found) > 1:
        places = ", ".join(sorted(f"{item.source} {item.region or ''}".strip() for item in found)[:3])
        raise NotFoundError(
            f"store: {kind} {identity!r} is there {len(found)} times ({places}): name source and region"
        )
    if not found:
        raise NotFoundError(f"store: snapshot {row.id} holds no {kind} {identity!r}")
    return _whole(found[0], blobs.get(session, DocumentRow, [found[0].digest])[found[0].digest])


def _light(row: Row) -> LightResource:
    return LightResource(row[0], row[1], row[DIGEST], *row[2:DIGEST])


def _whole(light: LightResource, document: bytes) -> Resource:
    return Resource(
        kind=light.kind,
        identity=light.identity,
        attributes=parse(document),
        source=light.source,
        region=light.region,
        account=light.account,
        parent=light.parent,
        refs=light.refs,
        tags=light.tags,
        component=light.component,
        location=light.location,
    )
