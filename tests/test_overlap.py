"""What data is expected to be outside production: not production's, not kept for too long; and of whom that is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from auditor.comparison import Unmatched
from auditor.errors import ConfigError
from auditor.judge import judge, was_observed
from auditor.model import (
    Breach,
    Category,
    Gap,
    GapReason,
    Kind,
    Resource,
)
from auditor.names import environment_names, is_production
from auditor.overlap import Overlap, Sketches
from auditor.policy import load_policy
from tests.factories import NOW, PROD, STAGING, compared, comparison, normal, policy_of, snapshot

COLUMN = Kind("data.column", Category.SECURITY, "A column")
POLICY = load_policy(["default", "data-safety"])


def column(identity: str, *fingerprints: str, total: int | None = None) -> Resource:
    held = {"fingerprints": list(fingerprints), "fingerprinted": total or len(fingerprints)}
    return Resource("data.column", identity, held)


def test_values_are_found_in_whichever_resource_of_the_other_side_holds_most_of_them() -> None:
    """A copy under another name is a copy; of several holders the counterpart is told."""
    sketches = Sketches(
        "prod", [column("b.name", "1", "2"), column("a.mail", "1", "2", "3"), column("z.mail", "1", "2", "3")]
    )
    assert sketches.overlap(column("old.mail", "1", "2", "3", "4")) == Overlap(3, 4, "a.mail", "prod")
    assert sketches.overlap(column("old.mail", "1", "2", "3", "4"), "z.mail") == Overlap(3, 4, "z.mail", "prod")
    assert sketches.overlap(column("x", "8", "9")) == Overlap(0, 2, "", "prod")
    assert sketches.overlap(Resource("data.column", "x", {})) is None
    assert Sketches("prod", []).overlap(column("x", "1")) is None


def test_only_what_the_other_side_would_have_kept_is_compared() -> None:
    """Where the other side kept two of many, a larger fingerprint may be there all the same: nothing is said of it."""
    sketches = Sketches("prod", [column("a", "1", "3", total=1000)])
    found = sketches.overlap(column("b", "1", "2", "3", "7", "8", "9"))
    assert found == Overlap(2, 3, "a", "prod")
    assert found is not None
    assert found.share == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("name", "aliases", "expected"),
    [
        ("prod", (), True),
        ("prod-eu", (), True),
        ("blue", ("production",), True),
        ("live", (), True),
        ("staging", (), False),
        ("uat", (), False),
        ("eu-test", (), False),
        ("pre-prod", (), False),
        ("blue", (), None),
    ],
)
def test_whether_an_environment_is_production_is_told_by_its_names(
    name: str, aliases: tuple[str, ...], expected: bool | None
) -> None:
    """Or by nothing."""
    assert is_production(environment_names(name, aliases)) is expected


def found(left: str, right: str, resources: int = 1) -> set[str]:
    """The environments in which a column with e-mail addresses is a finding, on both sides of a pair."""
    names = environment_names(left, others={right: ()}), environment_names(right, others={left: ()})
    pair = compared(*(normal({"personal": {"email": {"share": 0.5}}}, kind=COLUMN, identity="shop.a.b") for _ in names))
    judged = judge(comparison(pair, left=snapshot(left), right=snapshot(right)), POLICY, *names, NOW)
    return {breach.message.split(" in ")[-1].split(":")[0] for breach in judged.breaches}


def test_every_side_that_is_not_production_is_asked_and_production_never() -> None:
    """Left unless its name says production; right only where its name says that it is another stage."""
    assert found("staging", "prod") == {"staging"}
    assert found("blue", "green") == {"blue"}
    assert found("dev", "staging") == {"dev and staging"}
    assert found("prod-eu", "prod-us") == set()
    assert found("staging", "live") == {"staging"}


def alone(share: float = 0.5, gaps: tuple[Gap, ...] = (), listings: tuple[str, ...] = ("*",)) -> tuple[Breach, ...]:
    """What is said of a column that only staging has."""
    only = normal({"personal": {"email": {"share": share}}}, kind=COLUMN, identity="shop.old.mail")
    against = snapshot("prod", gaps=gaps, listings=listings)
    return judge(comparison(unmatched=(Unmatched("left", only),), right=against), POLICY, STAGING, PROD, NOW).breaches


def test_a_column_without_counterpart_is_asked_whether_or_not_production_was_read() -> None:
    """A forgotten copy stands under a name of its own, and not everybody lets an auditor read production."""
    denied = Gap("prod", "test:prod", "data.*", GapReason.ACCESS_DENIED, "denied")
    for breaches in (alone(), alone(gaps=(denied,)), alone(listings=())):
        (breach,) = breaches
        assert (breach.rule.id, breach.severity, breach.right.identity) == ("emails", "high", None)
        assert breach.rule.overrode == ("data-safety/emails-few",)
        assert breach.message.startswith(
            "personal.email.share of shop.old.mail is 0.5 in staging: at most 0.01 is expected"
        )
    assert alone(share=0) == ()


def test_an_attribute_that_could_not_be_read_is_not_asked() -> None:
    """A gap hides it."""
    only = normal(
        {"oldest": "2020-01-01T00:00:00+00:00"}, kind=replace(COLUMN, name="data.table"), identity="shop.audit_log"
    )
    gap = Gap("staging", "s", "data.table", GapReason.TIMEOUT, "", resource="shop.audit_log", attribute="oldest")
    for gaps, count in (((), 1), ((gap,), 0)):
        sides = comparison(unmatched=(Unmatched("left", only),), left=snapshot("staging", gaps=gaps))
        assert len(judge(sides, POLICY, STAGING, PROD, NOW).breaches) == count


def test_a_finding_that_needed_no_counterpart_is_resolved_by_its_own_side_alone() -> None:
    """Production that cannot be read does not keep it open; its own side unread does."""
    (breach,) = alone(listings=())
    unread = snapshot("prod", listings=())
    assert was_observed(comparison(right=unread), breach)
    assert not was_observed(comparison(left=snapshot("staging", listings=()), right=unread), breach)
    denied = Gap("staging", "test:staging", "data.*", GapReason.ACCESS_DENIED, "denied", resource="shop.old")
    assert not was_observed(comparison(left=snapshot("staging", gaps=(denied,)), right=unread), breach)


@pytest.mark.parametrize(
    ("expect", "message"),
    [
        ("{overlap: {values: 0}}", "`values` of `overlap` is a whole number, 1 or more"),
        ("{overlap: {share: 1}}", "`share` of `overlap` is a number from 0 to less than 1"),
        ("{overlap: {vales: 3}}", "`overlap` knows no `vales`"),
        ("{overlap: 3}", "`overlap` takes a mapping of values and share"),
        ("{max_age: soon}", "expected a duration, got 'soon'"),
        ("{at_most: [1]}", "`at_most` takes one value"),
    ],
)
def test_a_wrong_argument_is_told(tmp_path: Path, expect: str, message: str) -> None:
    """With what it takes instead."""
    rule = f'{{id: asked, about: It is asked, path: "**", expect: {expect}}}'
    with pytest.raises(ConfigError) as caught:
        policy_of(tmp_path, f"rules: [{rule}]")
    assert message in str(caught.value)


def test_at_most_compares_numbers_sizes_and_versions(tmp_path: Path) -> None:
    """As `at_least` does; what cannot be compared is not judged."""
    policy = policy_of(
        tmp_path, 'rules: [{id: most, about: It is asked, in: non-production, path: "**", expect: {at_most: 7.2}}]'
    )
    for value, count in ((8, 1), (7.2, 0), (3, 0), ("7.10.1", 1), ("7.1.9", 0), ("plenty", 0)):
        pair = compared(normal({"memory": value}), normal({"memory": value}))
        assert len(judge(comparison(pair), policy, STAGING, PROD, NOW).breaches) == count
