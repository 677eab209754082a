"""How much of what should have been observed was: no verdict is given without it."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeAlias

from auditor.model import Coverage, Gap, GapReason, SourceCoverage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.model import Comparison, Listing, Snapshot

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
    never_begun: Counter[_Place] = Counter()
    for gap in whole:
        never_begun[gap.source, gap.region, gap.kind] += gap.listings
    for place, gap in {(gap.source, gap.region, gap.kind): gap for gap in whole}.items():
        behind = 1 if gap.attribute is not None else _listings_behind(gap, snapshot, other)
        expected[gap.source] += max(behind, never_begun[place])
    return [
        SourceCoverage(snapshot.environment, source, expected[source], round(observed[source], 4))
        for source in sorted(expected)
    ]


def _listings_behind(gap: Gap, snapshot: Snapshot, other: Snapshot) -> int:
    """How many listings failed with a gap, judged by the other side: as many as it has of its kinds and this has not."""
    have = {listing.kind for listing in snapshot.listings}
    theirs = {listing.kind for listing in other.listings if fnmatchcase(listing.kind, gap.kind)}
    return max(1, len(theirs - have))


@dataclass(frozen=True, slots=True)
class _Lost:
    """Resources of one snapshot that could not be read, and those it has, by source, region and kind."""

    held: Counter[_Place]
    whole: Counter[_Place]
    partly: Counter[_Place]

    @classmethod
    def of(cls, snapshot: Snapshot) -> _Lost:
        named = [gap for gap in snapshot.gaps if gap.resource is not None]
        whole = {(gap.source, gap.region, gap.kind, gap.resource) for gap in named if gap.attribute is None}
        partly = {(gap.source, gap.region, gap.kind, gap.resource) for gap in named} - whole
        return cls(
            Counter((resource.source, resource.region, resource.kind) for resource in snapshot.resources),
            Counter(place[:3] for place in whole),
            Counter(place[:3] for place in partly),
        )

    def share_left(self, listing: Listing) -> float:
        """0 to 1. What may have been of several kinds is lost from all that the source has of them."""
        left = 1.0
        gone = {place for place in (*self.whole, *self.partly) if _concerns(place, listing)}
        for place in sorted(gone, key=str):
            wider = place[2] if fnmatchcase(listing.kind, place[2]) else listing.kind
            had = sum(
                number for held, number in self.held.items() if held[:2] == place[:2] and fnmatchcase(held[2], wider)
            )
            whole, partly = self.whole[place], self.partly[place]
            left -= (whole + partly / 2) / max(had + whole, 1)
        return max(left, 0.0)


def _concerns(place: _Place, listing: Listing) -> bool:
    source, region, kind = place
    same = (source, region) == (listing.source, listing.region)
    return same and (fnmatchcase(listing.kind, kind) or fnmatchcase(kind, listing.kind))
