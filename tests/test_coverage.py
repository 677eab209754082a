"""The share of what should have been observed that was: never all of it where anything was not read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.coverage import coverage_of, one_sided_gaps
from auditor.model import Gap, GapReason, Resource, Snapshot
from tests.factories import compared, comparison, normal, snapshot

PAIR = compared(normal({"a": 1}), normal({"a": 1}))


def gap(kind: str, *, resource: str | None = None, attribute: str | None = None, side: str = "prod") -> Gap:
    source = f"test:{side}"
    return Gap(side, source, kind, GapReason.ACCESS_DENIED, "denied", resource=resource, attribute=attribute)


def databases(number: int, side: str = "prod") -> tuple[Resource, ...]:
    return tuple(Resource("aws.rds.instance", f"db-{i}", {}, source=f"test:{side}") for i in range(number))


def ratio(left: Snapshot, right: Snapshot) -> float:
    return coverage_of(comparison(PAIR, left=left, right=right)).ratio


KINDS = ("aws.rds.instance", "aws.ec2.instance", "aws.ecs.service", "env.file")


def test_everything_listed_on_both_sides_is_all_of_it() -> None:
    """Exactly 1, and only then."""
    assert ratio(snapshot("staging", listings=KINDS), snapshot("prod", listings=KINDS)) == 1.0


def test_nothing_matched_is_no_coverage_however_complete_the_listings() -> None:
    """An empty folder, a region where nothing exists: all of the other side may be missing, nothing was compared."""
    assert coverage_of(comparison(left=snapshot("staging"), right=snapshot("prod"))).ratio == 0.0


def test_a_source_that_failed_as_a_whole_weighs_as_much_as_what_the_other_side_has_of_it() -> None:
    """Denied everywhere on one side: half of it all is unread, not one listing of many."""
    denied = snapshot("prod", listings=(), gaps=(gap("*"),))
    assert ratio(snapshot("staging", listings=KINDS), denied) == 0.5
    some = snapshot("prod", listings=("env.file",), gaps=(gap("aws.*"),))
    assert ratio(snapshot("staging", listings=KINDS), some) == pytest.approx(5 / 8)


AWS = tuple(f"aws.made.up_{number}" for number in range(12))


def gone(side: str, listings: int, *, region: str | None = None) -> Gap:
    return replace(gap("aws.*", side=side), region=region, listings=listings)


def test_a_source_that_both_sides_could_not_ask_weighs_as_much_as_it_would_have_listed() -> None:
    """Two gaps, and 24 listings that nobody made: 8 of 32 were, not 8 of 10."""
    left = snapshot("staging", listings=KINDS, gaps=(gone("staging", 12),))
    right = snapshot("prod", listings=KINDS, gaps=(gone("prod", 12),))
    found = coverage_of(comparison(PAIR, left=left, right=right))
    assert found.ratio == 8 / 32
    assert [(each.source, each.expected, each.observed) for each in found.sources] == [
        ("test:staging", 16, 4),
        ("test:prod", 16, 4),
    ]


def test_a_source_that_could_not_be_asked_weighs_no_less_than_what_the_other_side_has_of_it() -> None:
    """Whichever is more: its own options ask for 5 kinds, or in three regions for 36, where the other side lists 12."""
    left = snapshot("staging", listings=("env.file", *AWS))
    for own, weight in ((0, 12), (5, 12), (12, 12), (36, 36)):
        right = snapshot("prod", listings=("env.file",), gaps=(gone("prod", own),))
        assert ratio(left, right) == pytest.approx(14 / (14 + weight), abs=1e-4)


def test_two_sources_of_one_label_that_could_not_be_asked_weigh_as_much_as_both() -> None:
    """Each told why in its own words; the kinds are the same."""
    other = replace(gone("prod", 3), detail="expired")
    right = snapshot("prod", listings=("env.file",), gaps=(gone("prod", 4), other))
    assert ratio(snapshot("staging", listings=("env.file",)), right) == pytest.approx(2 / 9, abs=1e-4)


@pytest.mark.parametrize("other", ["whole", "partly", "gone"])
def test_a_source_gone_is_never_better_covered_than_the_same_source_read_in_part(other: str) -> None:
    """Whatever the other side has, and never above the share of the listings that were made."""
    lefts = {
        "whole": snapshot("staging", listings=("env.file", *AWS)),
        "partly": snapshot(
            "staging", listings=("env.file", *AWS[6:]), gaps=tuple(gap(kind, side="staging") for kind in AWS[:6])
        ),
        "gone": snapshot("staging", listings=("env.file",), gaps=(gone("staging", 12),)),
    }
    read = {"whole": 12, "partly": 6, "gone": 0}[other]
    ratios = [ratio(lefts[other], snapshot("prod", listings=("env.file",), gaps=(gone("prod", 12),)))]
    for number in range(13):
        lost = tuple(gap(kind) for kind in AWS[number:])
        ratios.append(ratio(lefts[other], snapshot("prod", listings=("env.file", *AWS[:number]), gaps=lost)))
    assert ratios == sorted(ratios)
    assert ratios[0] <= (2 + read) / 26


def test_a_source_that_could_not_be_asked_is_not_told_again_kind_by_kind() -> None:
    """The one gap covers what the other side holds; only what no source was configured for is a gap of its own."""
    left = snapshot("staging", listings=("env.file",), gaps=(gone("staging", 12),))
    right = snapshot("prod", listings=KINDS, resources=(*databases(2), Resource("http.service", "shop", {})))
    found = [(each.kind, each.reason) for each in one_sided_gaps(left, right)[0].gaps]
    assert found == [("aws.*", GapReason.ACCESS_DENIED), ("http.service", GapReason.UNSUPPORTED)]


def test_one_thing_unread_in_a_hundred_thousand_is_not_all_of_them() -> None:
    """The ratio is rounded down, below 1."""
    right = snapshot("prod", listings=KINDS, resources=databases(100_000), gaps=(gap(KINDS[0], resource="db-x"),))
    assert 0.999 < ratio(snapshot("staging", listings=KINDS), right) < 1.0


def test_an_attribute_unread_of_the_only_resource_costs_half_a_listing_however_often_it_is_told() -> None:
    """Two attributes of one resource are one resource read in part."""
    gaps = (gap(KINDS[0], resource="db-0", attribute="a"), gap(KINDS[0], resource="db-0", attribute="b"))
    right = snapshot("prod", listings=KINDS, resources=databases(1), gaps=gaps)
    assert ratio(snapshot("staging", listings=KINDS), right) == pytest.approx(7.5 / 8)


def test_a_file_that_may_have_been_of_any_kind_is_lost_from_what_its_source_has_of_all_kinds() -> None:
    """One of four files unread: a quarter of the source, not every listing of it that happens to be empty."""
    right = snapshot("prod", listings=KINDS, resources=databases(3), gaps=(gap("*", resource="a.yaml"),))
    assert ratio(snapshot("staging", listings=KINDS), right) == pytest.approx(7 / 8)


def test_a_gap_that_belongs_to_no_listing_still_keeps_the_ratio_below_one() -> None:
    """A part in a region that no listing names was not read either."""
    lost = Gap("prod", "test:prod", "aws.rds.instance", GapReason.TIMEOUT, "late", region="eu-west-9", resource="db")
    assert ratio(snapshot("staging", listings=KINDS), snapshot("prod", listings=KINDS, gaps=(lost,))) < 1.0


def test_what_only_one_side_has_a_source_for_is_a_gap_even_beside_an_unreadable_file() -> None:
    """A broken file of any kind does not excuse that nobody reads the databases."""
    left = snapshot("staging", listings=("env.file",), gaps=(gap("*", resource="a.yaml", side="staging"),))
    right = snapshot("prod", listings=KINDS, resources=databases(1))
    gaps = one_sided_gaps(left, right)[0].gaps
    assert [(found.kind, found.reason) for found in gaps[1:]] == [("aws.rds.instance", GapReason.UNSUPPORTED)]
