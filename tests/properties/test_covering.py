"""How much was observed, counted by place, is what asking every gap about every listing and resource counts."""

from __future__ import annotations

import math
from collections import Counter
from fnmatch import fnmatchcase

from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.comparison import Comparison
from auditor.coverage import coverage_of
from auditor.declared import set_aside
from auditor.model import (
    Gap,
    GapReason,
    Listing,
    Resource,
    Snapshot,
)
from tests.factories import NOW, compared, normal

_KINDS = ("aws.rds.instance", "aws.sqs.queue", "aws.iam.role")
_GLOBS = (*_KINDS, "aws.*", "*")
_SOURCES = ("one", "two")
_REGIONS = (None, "eu-west-1", "us-east-1")


def _expected(snapshot: Snapshot, other: Snapshot) -> tuple[Counter[str], Counter[str]]:
    """What should have been observed of each source, and what was."""
    expected: Counter[str] = Counter()
    observed: Counter[str] = Counter()
    for listing in snapshot.listings:
        expected[listing.source] += 1
        observed[listing.source] += _share_left(snapshot, listing)  # type: ignore[assignment]
    whole = [gap for gap in snapshot.gaps if gap.resource is None]
    places = {(gap.source, gap.region, gap.kind): gap for gap in whole}
    for place, gap in places.items():
        have = {listing.kind for listing in snapshot.listings}
        theirs = {listing.kind for listing in other.listings if fnmatchcase(listing.kind, gap.kind)}
        behind = 1 if gap.attribute is not None else max(1, len(theirs - have))
        told = sum(each.listings for each in whole if (each.source, each.region, each.kind) == place)
        expected[gap.source] += max(behind, told)
    return expected, observed


def _share_left(snapshot: Snapshot, listing: Listing) -> float:
    named = [gap for gap in snapshot.gaps if gap.resource is not None]
    lost = {(gap.source, gap.region, gap.kind, gap.resource) for gap in named if gap.attribute is None}
    half = {(gap.source, gap.region, gap.kind, gap.resource) for gap in named} - lost
    left = 1.0
    for place in sorted({gap[:3] for gap in (*lost, *half)}, key=str):
        source, region, kind = place
        if (source, region) != (listing.source, listing.region):
            continue
        if not fnmatchcase(listing.kind, kind) and not fnmatchcase(kind, listing.kind):
            continue
        wider = kind if fnmatchcase(listing.kind, kind) else listing.kind
        there = [one for one in snapshot.resources if (one.source, one.region) == (source, region)]
        had = sum(fnmatchcase(one.kind, wider) for one in there)
        whole, partly = (sum(gap[:3] == place for gap in gaps) for gaps in (lost, half))
        left -= (whole + partly / 2) / max(had + whole, 1)
    return max(left, 0.0)


_gaps = st.builds(
    Gap,
    st.just("x"),
    st.sampled_from(_SOURCES),
    st.sampled_from(_GLOBS),
    st.just(GapReason.THROTTLED),
    st.just(""),
    region=st.sampled_from(_REGIONS),
    resource=st.sampled_from((None, "a", "b")),
    attribute=st.sampled_from((None, None, "size")),
    listings=st.sampled_from((0, 0, 3)),
)
_listings = st.builds(Listing, st.sampled_from(_SOURCES), st.sampled_from(_GLOBS), st.sampled_from(_REGIONS))
_resources = st.builds(
    lambda kind, source, region: Resource(kind, "a", {}, source=source, region=region),
    st.sampled_from(_KINDS), st.sampled_from(_SOURCES), st.sampled_from(_REGIONS),
)  # fmt: skip
_snapshots = st.builds(
    lambda resources, gaps, listings: Snapshot("1", "x", NOW, tuple(resources), tuple(gaps), tuple(listings)),
    st.lists(_resources, max_size=6),
    st.lists(_gaps, max_size=4),
    st.lists(_listings, max_size=4),
)


@settings(max_examples=60)
@given(_snapshots, _snapshots)
def test_counting_by_place_counts_the_same(left: Snapshot, right: Snapshot) -> None:
    """Every source's share, and the whole."""
    found = coverage_of(Comparison(left, right, (compared(normal({}), normal({})),), ()))
    told = [(one.source, one.expected, one.observed) for one in found.sources]
    sides = [_expected(left, right), _expected(right, left)]
    assert told == [
        (source, expected[source], round(observed[source], 4))
        for expected, observed in sides
        for source in sorted(expected)
    ]
    total = sum(sum(expected.values()) for expected, _ in sides)
    share = sum(one.observed for one in found.sources) / total if total else 0.0
    share = math.floor(share * 10_000) / 10_000
    assert found.ratio == (min(share, 0.9999) if left.gaps or right.gaps else share)


_copies = st.builds(
    lambda region, account: Resource(
        "terraform.resource.aws_sqs_queue",
        "aws_sqs_queue.jobs",
        {},
        refs=(f"arn:aws:sqs:{region or ''}:{account}:jobs",),
    ),
    st.sampled_from(_REGIONS),
    st.sampled_from(("", "111122223333", "444455556666")),
)


@settings(max_examples=60)
@given(_snapshots, _copies, st.sampled_from(((), ("111122223333",))))
def test_what_a_state_declares_is_absent_where_a_listing_of_its_region_lacks_it(
    snapshot: Snapshot, copy: Resource, accounts: tuple[str, ...]
) -> None:
    """Not where something there was not seen, nor of an account that nobody reads."""
    others = tuple(one for one in snapshot.resources if one.kind != "aws.sqs.queue")
    there = Snapshot("1", "x", NOW, (*others, copy), snapshot.gaps, snapshot.listings, accounts)
    _, _, (declared, _) = set_aside(there, Snapshot("2", "y", NOW, (), (), ()))
    _, _, _, region, account, _ = copy.refs[0].split(":")
    kind = "aws.sqs.queue"

    def near(of: str | None) -> bool:
        return not region or of in (None, region)

    hidden = any(one.attribute is None and fnmatchcase(kind, one.kind) and near(one.region) for one in there.gaps)
    listed = any(fnmatchcase(kind, one.kind) and near(one.region) for one in there.listings)
    read = not account or not accounts or account in accounts
    assert declared.absent == ((copy,) if listed and read and not hidden else ())
