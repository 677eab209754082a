"""What a snapshot holds, without the documents of its resources; and one resource with its document."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from auditor.codec import decode
from auditor.model import Gap, Json, Listing, Resource
from auditor.store import blobs, snapshots
from auditor.store.errors import NotFoundError
from auditor.store.snapshots import SnapshotInfo
from auditor.store.tables import DocumentRow, ManifestRow, SnapshotRow

# How many resources are remembered: some 100 MB.
REMEMBERED = 50_000


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
    """Manifests read again and again: each is decoded once while it is remembered. Safe to share between threads."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._known: OrderedDict[str, tuple[LightResource, ...]] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def read(self, session: Session, digests: Sequence[str]) -> list[tuple[LightResource, ...]]:
        """The resources of each, in the order of `digests`."""
        with self._lock:
            found = {key: self._known[key] for key in digests if key in self._known}
            for key in found:
                self._known.move_to_end(key)
        missing = [key for key in dict.fromkeys(digests) if key not in found]
        for key, content in blobs.get(session, ManifestRow, missing).items():
            found[key] = tuple(_light(entry) for entry in snapshots.entries(content))
            self._remember(key, found[key])
        return [found[key] for key in digests]

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
    resources = (item for which, first, count in facts.runs for item in read[which][first : first + count])
    return Inventory(snapshots.info(row), facts.gaps, facts.listings, facts.accounts, facts.regions, tuple(resources))


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


def _light(entry: Mapping[str, Json]) -> LightResource:
    return decode(LightResource, {**entry, "digest": entry["attributes"]})


def _whole(light: LightResource, document: bytes) -> Resource:
    return Resource(
        kind=light.kind,
        identity=light.identity,
        attributes=json.loads(document),
        source=light.source,
        region=light.region,
        account=light.account,
        parent=light.parent,
        refs=light.refs,
        tags=light.tags,
        component=light.component,
        location=light.location,
    )
