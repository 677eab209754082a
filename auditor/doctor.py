"""What each source of an environment lets us read, what it does not, and the smallest change that would. Pure.

Made from a snapshot that was taken to be looked at: nothing is compared, judged or kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from auditor.collector import Grantable
from auditor.model import GapReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from auditor.collect import Environment, Source
    from auditor.collector import Grant
    from auditor.model import Gap, Listing, Snapshot


class Sight(StrEnum):
    """How much of a listing could be read."""

    WHOLE = "read"
    PART = "in_part"
    NONE = "not_read"


@dataclass(frozen=True, slots=True)
class Part:
    """One listing of a source: a kind (or glob of kinds) in a region. `held`: kind -> how many resources were read."""

    kind: str
    region: str | None
    sight: Sight
    held: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What came of one source. `collector` is None where the source is none of those that are configured.

    `takes` is what its collector must be allowed, where something was denied and no smaller change is known."""

    environment: str
    source: str
    collector: str | None
    parts: tuple[Part, ...]
    gaps: tuple[Gap, ...]
    grant: Grant | None
    takes: tuple[str, ...] = ()

    @property
    def sight(self) -> Sight:
        """Of the source as a whole: nothing was read, all of it, or something between."""
        if not any(part.sight is not Sight.NONE for part in self.parts):
            return Sight.NONE
        return Sight.PART if self.gaps else Sight.WHOLE

    @property
    def held(self) -> dict[str, int]:
        """How many resources of each kind were read, kinds in order."""
        counts: Counter[str] = Counter()
        for part in self.parts:
            counts.update(dict(part.held))
        return dict(sorted(counts.items()))

    def count(self, sight: Sight) -> int:
        """How many listings were read whole, in part or not at all; not begun ones of a closed source included."""
        found = sum(part.sight is sight for part in self.parts)
        return found + sum(max(gap.listings - 1, 0) for gap in self.gaps) if sight is Sight.NONE else found


def diagnose(environment: Environment, snapshot: Snapshot) -> tuple[Diagnosis, ...]:
    """What each source of `environment` let `snapshot` read, in the order in which they are configured."""
    listings: dict[str, list[Listing]] = defaultdict(list)
    gaps: dict[str, list[Gap]] = defaultdict(list)
    for listing in snapshot.listings:
        listings[listing.source].append(listing)
    for gap in snapshot.gaps:
        gaps[gap.source].append(gap)
    configured = {source.label: source for source in environment.sources}
    labels = dict.fromkeys((*configured, *sorted({*listings, *gaps})))
    return tuple(
        _diagnosis(environment, snapshot, label, _source(label, environment.sources), listings[label], gaps[label])
        for label in labels
        # A source that reads several accounts answers under a name of its own for each of them.
        if listings[label] or gaps[label] or not _is_split(label, configured, labels)
    )


def _is_split(label: str, configured: Iterable[str], labels: Iterable[str]) -> bool:
    collector = label.partition(":")[0]
    return any(other not in set(configured) and other.partition(":")[0] == collector for other in labels)


def _source(label: str, sources: Sequence[Source]) -> Source | None:
    """The configured source of this name; else the only one of its collector."""
    for source in sources:
        if source.label == label:
            return source
    same = [source for source in sources if source.collector.name == label.partition(":")[0]]
    return same[0] if len(same) == 1 else None


def _diagnosis(
    environment: Environment,
    snapshot: Snapshot,
    label: str,
    source: Source | None,
    listings: Sequence[Listing],
    gaps: Sequence[Gap],
) -> Diagnosis:
    held: Counter[tuple[str, str | None]] = Counter(
        (resource.kind, resource.region) for resource in snapshot.resources if resource.source == label
    )
    parts = [_part(listing, held, gaps) for listing in listings]
    unread = {(gap.kind, gap.region) for gap in gaps if gap.resource is None and gap.attribute is None}
    seen = {(part.kind, part.region) for part in parts}
    parts += [Part(kind, region, Sight.NONE) for kind, region in unread - seen]
    ordered = tuple(sorted(parts, key=lambda part: (part.kind, part.region or "")))
    denied = [gap for gap in gaps if gap.reason is GapReason.ACCESS_DENIED]
    collector = source.collector if source is not None else None
    grant = collector.grant(source.options, denied) if source and denied and isinstance(collector, Grantable) else None
    name = collector.name if collector is not None else None
    takes = tuple(collector.permissions) if collector is not None and denied and grant is None else ()
    return Diagnosis(environment.name, label, name, ordered, tuple(gaps), grant, takes)


def _part(listing: Listing, held: Counter[tuple[str, str | None]], gaps: Sequence[Gap]) -> Part:
    own = {
        kind: number
        for (kind, region), number in held.items()
        if fnmatchcase(kind, listing.kind) and (listing.region is None or region == listing.region)
    }
    lost = any(
        (fnmatchcase(gap.kind, listing.kind) or fnmatchcase(listing.kind, gap.kind)) and gap.region == listing.region
        for gap in gaps
    )
    # What lost single things and holds none has shown nothing.
    sight = Sight.WHOLE if not lost else Sight.PART if own else Sight.NONE
    return Part(listing.kind, listing.region, sight, tuple(sorted(own.items())))
