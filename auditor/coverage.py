"""How much of what should have been observed was: no verdict is given without it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from auditor.model import Coverage, Gap, GapReason, SourceCoverage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.model import Comparison, Listing, Snapshot


def coverage_of(comparison: Comparison) -> Coverage:
    """The coverage of one comparison. Nothing matched and nothing missing: 0, because nothing was compared.

    A listing counts as one; one that lost single resources counts as the share of those it still has. A listing that
    failed, and one that only the other side has, counts as nothing.
    """
    sources = (*_sources(comparison.left), *_sources(comparison.right))
    expected = sum(source.expected for source in sources)
    observed = sum(source.observed for source in sources)
    compared = len(comparison.matches) + len(comparison.unmatched)
    sides = Counter(entry.side for entry in comparison.unmatched)
    return Coverage(
        ratio=round(observed / expected, 4) if expected and compared else 0.0,
        left=len(comparison.left.resources),
        right=len(comparison.right.resources),
        matched=len(comparison.matches),
        unmatched_left=sides["left"],
        unmatched_right=sides["right"],
        sources=sources,
    )


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
        if not _listed(side.listings, kind) and not any(fnmatchcase(kind, gap.kind) for gap in side.gaps)
    ]


def _listed(listings: Iterable[Listing], kind: str) -> bool:
    return any(fnmatchcase(kind, listing.kind) for listing in listings)


def _sources(snapshot: Snapshot) -> list[SourceCoverage]:
    expected: Counter[str] = Counter()
    observed: Counter[str] = Counter()
    held = Counter((resource.source, resource.region, resource.kind) for resource in snapshot.resources)
    lost = Counter((gap.source, gap.region, gap.kind) for gap in snapshot.gaps if gap.resource is not None)
    shares: dict[str, float] = {}
    for listing in snapshot.listings:
        expected[listing.source] += 1
        observed[listing.source] += 1
        gone = sum(
            count
            for (source, region, kind), count in lost.items()
            if (source, region) == (listing.source, listing.region) and fnmatchcase(listing.kind, kind)
        )
        if gone:
            had = _held(held, listing)
            shares[listing.source] = shares.get(listing.source, 0.0) + gone / max(had + gone, 1)
    expected.update(gap.source for gap in snapshot.gaps if gap.resource is None)
    return [
        SourceCoverage(
            snapshot.environment, source, expected[source], round(observed[source] - shares.get(source, 0.0), 4)
        )
        for source in sorted(expected)
    ]


def _held(held: Counter[tuple[str, str | None, str]], listing: Listing) -> int:
    return sum(
        count
        for (source, region, kind), count in held.items()
        if (source, region) == (listing.source, listing.region) and fnmatchcase(kind, listing.kind)
    )
