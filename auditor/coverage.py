"""How much of what should have been observed was: no verdict is given without it."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeAlias

from auditor.model import Coverage, Gap, GapReason, SourceCoverage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditor.comparison import Comparison
    from auditor.model import Listing, Snapshot

_STEPS = 10_000
_Place: TypeAlias = tuple[str, str | None, str]


def coverage_of(comparison: Comparison) -> Coverage:
    """The coverage of one comparison. Not one pair matched: 0, because nothing was compared.

    A listing counts as one; one that lost single resources counts as the share of those it still has, and a resource
    read but for an attribute as half lost. A listing that failed counts as nothing, and where what failed may hold
    several kinds (`aws.*`), it counts as many times nothing as the source would have made listings, or as the other side
    has of them, whichever is more: two sides that are both unread hide no less than one.
    """
    left, right = comparison.left, comparison.right
    sources = (*_sources(left, right), *_sources(right, left))
    expected = sum(source.expected for source in sources)
    observed = sum(source.observed for source in sources)
    sides = Counter(entry.side for entry in comparison.unmatched)
    return Coverage(
        ratio=_share(observed, expected, complete=not (left.gaps or right.gaps)) if comparison.matches else 0.0,
        left=len(left.resources),
        right=len(right.resources),
        matched=len(comparison.matches),
        unmatched_left=sides["left"],
        unmatched_right=sides["right"],
        sources=sources,
    )


def _share(observed: float, expected: int, *, complete: bool) -> float:
    """Rounded down, so that one thing unread in a hundred thousand is not all of them."""
    if not expected:
        return 0.0
    share = math.floor(observed / expected * _STEPS) / _STEPS
    return share if complete else min(share, 1 - 1 / _STEPS)


def one_sided_gaps(left: Snapshot, right: Snapshot) -> tuple[Snapshot, Snapshot]:
    """Both snapshots, with a gap for every kind that only the other one's sources list and hold something of.

    Without it a database source on one side only would be compared with nothing, and nothing would be said.
    """
    return (
        replace(left, gaps=(*left.gaps, *_not_read(left, right))),
        replace(right, gaps=(*right.gaps, *_not_read(right, left))),
    )


def _not_read(side: Snapshot, other: Snapshot) -> list[Gap]:
    seen = {resource.kind for resource in other.resources}
    return [
        Gap(
            side.environment,
            "",
            kind,
            GapReason.UNSUPPORTED,
            f"no source of {side.environment} reads {kind}, and {other.environment} has it: add the source to compare it",
        )
        for kind in sorted(seen)
        if not _listed(side.listings, kind)
        and not any(gap.resource is None and fnmatchcase(kind, gap.kind) for gap in side.gaps)
    ]


def _listed(listings: Iterable[Listing], kind: str) -> bool:
    return any(fnmatchcase(kind, listing.kind) for listing in listings)


def _sources(snapshot: Snapshot, other: Snapshot) -> list[SourceCoverage]:
    expected: Counter[str] = Counter()
    observed: dict[str, float] = defaultdict(float)
    lost = _Lost.of(snapshot)
    for listing in snapshot.listings:
        expected[listing.source] += 1
        observed[listing.source] += lost.share_left(listing)
    whole = [gap for gap in snapshot.gaps if gap.resource is None]
    have = {listing.kind for listing in snapshot.listings}
    lacking = {listing.kind for listing in other.listings} - have
    never_begun: Counter[_Place] = Counter()
    for gap in whole:
        never_begun[gap.source, gap.region, gap.kind] += gap.listings
    for place, gap in {(gap.source, gap.region, gap.kind): gap for gap in whole}.items():
        behind = 1 if gap.attribute is not None else _listings_behind(gap, lacking)
        expected[gap.source] += max(behind, never_begun[place])
    return [
        SourceCoverage(snapshot.environment, source, expected[source], round(observed[source], 4))
        for source in sorted(expected)
    ]


def _listings_behind(gap: Gap, lacking: Iterable[str]) -> int:
    """How many listings failed with a gap: as many as the other side has of its kinds, and this one is `lacking`."""
    return max(1, sum(fnmatchcase(kind, gap.kind) for kind in lacking))


_Room: TypeAlias = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class _Lost:
    """Resources of one snapshot that could not be read, and those it has, by source and region, then by kind."""

    held: Mapping[_Room, Counter[str]]
    whole: Mapping[_Room, Counter[str]]
    partly: Mapping[_Room, Counter[str]]

    @classmethod
    def of(cls, snapshot: Snapshot) -> _Lost:
        named = [gap for gap in snapshot.gaps if gap.resource is not None]
        whole = {(gap.source, gap.region, gap.kind, gap.resource) for gap in named if gap.attribute is None}
        partly = {(gap.source, gap.region, gap.kind, gap.resource) for gap in named} - whole
        # What is there is counted only where something of it is lost.
        rooms = {(gap.source, gap.region) for gap in named}
        held = (one for one in snapshot.resources if (one.source, one.region) in rooms) if rooms else ()
        return cls(
            _by_room((one.source, one.region, one.kind) for one in held),
            _by_room(place[:3] for place in whole),
            _by_room(place[:3] for place in partly),
        )

    def share_left(self, listing: Listing) -> float:
        """0 to 1. What may have been of several kinds is lost from all that the source has of them."""
        room = listing.source, listing.region
        whole, partly = self.whole.get(room, _NONE), self.partly.get(room, _NONE)
        left = 1.0
        for kind in sorted({kind for kind in (*whole, *partly) if _concerns(kind, listing)}, key=repr):
            wider = kind if fnmatchcase(listing.kind, kind) else listing.kind
            had = sum(number for held, number in self.held.get(room, _NONE).items() if fnmatchcase(held, wider))
            left -= (whole[kind] + partly[kind] / 2) / max(had + whole[kind], 1)
        return max(left, 0.0)


_NONE: Counter[str] = Counter()


def _by_room(places: Iterable[_Place]) -> Mapping[_Room, Counter[str]]:
    found: dict[_Room, Counter[str]] = defaultdict(Counter)
    for source, region, kind in places:
        found[source, region][kind] += 1
    return found


def _concerns(kind: str, listing: Listing) -> bool:
    return fnmatchcase(listing.kind, kind) or fnmatchcase(kind, listing.kind)
