"""One resource over time: the versions of its document, from the snapshot that is looked at back to where it came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from auditor.compare import compare_match
from auditor.comparison import Match
from auditor.model import MatchMethod
from auditor.publish.spelling import Shown, side_by_side
from auditor.realms import names_of
from auditor.snapshot import normal_form
from auditor.unchanged import Unchanged

if TYPE_CHECKING:
    from auditor.config import Config
    from auditor.looks import Look
    from auditor.model import Path
    from auditor.registry import Registry
    from auditor.store import Inventory, LightResource, SnapshotInfo, Store

LOOKS = 1000
"""Snapshots that are gone back through, at most."""
_READ = 60
_VERSIONS = 12
_LEAVES = 12
_ROOM = 60


@dataclass(frozen=True, slots=True)
class Changed:
    path: Path
    old: Shown
    new: Shown


@dataclass(frozen=True, slots=True)
class Version:
    """A document that the resource had over one stretch of snapshots.

    first    when the first of them was taken, `snapshot` is its id
    after    when the last one was taken that showed something else; None: not known
    changes  what became another value with it, at most some; `more` counts the others
    """

    first: datetime
    snapshot: str
    after: datetime | None
    changes: tuple[Changed, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class Lineage:
    """Versions, the present one first. `came` is when it was first there after it was seen not to be; None: not seen.

    `looks` snapshots were gone through; `cut` where there are more."""

    versions: tuple[Version, ...]
    came: datetime | None
    looks: int
    cut: bool


def lineage(store: Store, config: Config, registry: Registry, info: SnapshotInfo, light: LightResource) -> Lineage:
    """Goes back from the snapshot `info`, which holds the resource. Where nobody could look it is taken as unchanged."""
    looks = store.past.looks(info.environment, until=info.id, limit=LOOKS + 1)
    located = registry.kind(light.kind).located
    # A stretch of one document: the look where it begins, and its digest.
    stretches: list[tuple[Look, str]] = [(looks[0], light.digest)]
    ends: list[datetime] = []
    read, passed, came, cut = 0, 1, None, len(looks) > LOOKS
    before = looks[0]
    for look in looks[1:LOOKS]:
        if look.manifests != before.manifests or look.facts != before.facts:
            read += 1
            if read > _READ or len(stretches) > _VERSIONS:
                cut = True
                break
            inventory = store.listing(look.id)
            found = _digest(inventory, light)
            if found is None and _was_listed(inventory, light, located):
                came = stretches[-1][0].taken_at
                ends.append(look.taken_at)
                break
            if found is not None and found != stretches[-1][1]:
                ends.append(look.taken_at)
                stretches.append((look, found))
            elif found is not None:
                stretches[-1] = (look, found)
        else:
            stretches[-1] = (look, stretches[-1][1]) if _seen_in(before, stretches) else stretches[-1]
        before = look
        passed += 1
    versions = []
    for number, (look, _) in enumerate(stretches):
        earlier = stretches[number + 1][0] if number + 1 < len(stretches) else None
        told = _told(store, config, registry, info, light, earlier, look) if earlier is not None else ()
        after = ends[number] if number < len(ends) else None
        versions.append(Version(look.taken_at, look.id, after, told[:_LEAVES], max(len(told) - _LEAVES, 0)))
    return Lineage(tuple(versions), came, passed, cut)


def _seen_in(before: Look, stretches: list[tuple[Look, str]]) -> bool:
    """Whether the resource was in the look just gone through, and not hidden there."""
    return stretches[-1][0].id == before.id


def _digest(inventory: Inventory, light: LightResource) -> str | None:
    for one in inventory.resources:
        if (one.identity, one.kind, one.source, one.region) == (light.identity, light.kind, light.source, light.region):
            return one.digest
    return None


def _was_listed(inventory: Inventory, light: LightResource, located: bool) -> bool:
    """Whether the snapshot would show it if it had been there."""
    listed = any(one.source == light.source and fnmatchcase(light.kind, one.kind) for one in inventory.listings)
    gaps = (gap for gap in inventory.gaps if gap.source == light.source)
    return listed and not any(gap.covers(light.kind, light.identity, located=located) for gap in gaps)


def _told(
    store: Store,
    config: Config,
    registry: Registry,
    info: SnapshotInfo,
    light: LightResource,
    earlier: Look,
    later: Look,
) -> tuple[Changed, ...]:
    """What became another value, in normal form: times and counters that say nothing are left out."""
    kind, names = registry.kind(light.kind), names_of(config, info.environment)
    old, new = (
        normal_form(store.resource(look.id, light.kind, light.identity, light.source, light.region), kind, names, {})
        for look in (earlier, later)
    )
    differences = compare_match(Match(old, new, MatchMethod.IDENTITY, 1.0), Unchanged(names)).differences
    return tuple(Changed(one.path, *side_by_side(one.left, one.right, _ROOM)) for one in differences)
