"""What an audit did not find fault with, by category: what is the same, what a rule calls normal, what gaps hide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from auditor.comparison import Unmatched
from auditor.evaluate import Ruling
from auditor.judge import judge
from auditor.model import Category, Gap, GapReason, Tally
from auditor.places import Place
from auditor.registry import Registry
from auditor.tallies import with_hidden
from tests.factories import ENV_FILE, NOW, PROD, STAGING, compared, comparison, normal, policy_of, snapshot

RULES = """\
rules:
  - {id: any, about: a, path: '**', expect: equal, severity: medium}
  - {id: quiet, about: a, path: 'labels.*', expect: ignore}
  - {id: alone, about: a, expect: equal, severity: high}
"""


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


def gap(kind: str, source: str = "aws:1", **where: Any) -> Gap:
    return Gap("prod", source, kind, GapReason.ACCESS_DENIED, "no", **where)


def test_judging_counts_by_category_and_tells_what_is_expected(tmp_path: Path) -> None:
    """A pair with a finding is not the same; a difference that a rule ignores leaves it the same, and is handed on."""
    same = compared(normal({"size": 1}), normal({"size": 1}))
    quiet = compared(
        normal({"labels": {"a": "x"}}, raw_identity="two-staging"),
        normal({"labels": {"a": "y"}}, raw_identity="two-prod"),
    )
    wrong = compared(normal({"A": "1"}, kind=ENV_FILE), normal({"A": "2"}, kind=ENV_FILE))
    hidden = Unmatched("left", normal({}, identity="three"))
    told: list[tuple[Place, Ruling]] = []
    judgement = judge(
        comparison(same, quiet, wrong, unmatched=(hidden,), right=snapshot("prod", gaps=(gap("aws.rds.instance"),))),
        policy_of(tmp_path, RULES),
        STAGING,
        PROD,
        NOW,
        on_expected=lambda place, ruling: told.append((place, ruling)),
    )
    assert judgement.tallies == {Category.DATABASE: Tally(2, 1, 1)}
    assert (judgement.expected, judgement.unknown) == (1, 1)
    ((place, ruling),) = told
    assert (place.path, place.left.raw, place.right.raw, ruling.rule.name) == (("labels", "a"), "x", "y", "test/quiet")


def test_a_listing_that_was_not_read_makes_its_categories_unknown(registry: Registry) -> None:
    """Whether or not anything of them was seen; single resources and attributes are counted where they are compared."""
    found = with_hidden(
        {Category.DATABASE: Tally(3, 1, 2)},
        [Category.DATABASE],
        [
            gap("aws.rds.instance"),
            gap("aws.rds.instance", region="eu-west-1"),
            gap("aws.sqs.*"),
            gap("aws.ec2.instance", resource="web"),
            gap("aws.s3.bucket", attribute="versioning"),
        ],
        registry,
    )
    assert found == {Category.DATABASE: Tally(3, 1, 5), Category.MESSAGING: Tally(0, 0, 1)}


def test_a_source_that_was_not_read_hides_whatever_its_collector_reads(registry: Registry) -> None:
    """A database server holds no queue; of a source that nobody knows, anything may be hidden."""
    assert set(with_hidden({}, [], [gap("*", "postgres:orders")], registry)) == {
        kind.category for kind in registry.get("postgres").kinds
    }
    assert Category.MESSAGING not in with_hidden({}, [], [gap("*", "postgres:orders")], registry)
    assert set(with_hidden({}, [], [gap("*", "elsewhere")], registry)) == set(Category)
