"""The share of what should have been observed that was: never all of it where anything was not read."""

from __future__ import annotations

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
