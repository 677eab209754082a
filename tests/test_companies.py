"""A small part of the generated companies: the figures are exact, and identical environments are silent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.accuracy.companies.company import draw
from bench.accuracy.companies.measure import Bench, bench, measure
from bench.accuracy.companies.run import with_companies
from bench.accuracy.companies.tables import Figures, headline, reached, show, tables

# Six small companies: AWS alone, files alone, both, under six naming schemes and both layouts of folders.
SEEDS = (54, 41, 56, 11, 33, 50)


@pytest.fixture(scope="module")
def tools() -> Iterator[Bench]:
    with bench() as made:
        yield made


@pytest.mark.parametrize("seed", SEEDS)
def test_identical_environments_give_no_finding(tools: Bench, seed: int) -> None:
    """Names, accounts, ids, addresses, secrets and order differ; nothing is found, and every resource is paired."""
    outcome = measure(seed, tools, identical=True)
    assert [(b.rule.id, b.kind, b.left.identity, b.path) for b in outcome.breaches] == []
    assert outcome.wrong == ()


def test_every_planted_drift_is_found_and_nothing_else(tools: Bench) -> None:
    """The exact figures of six companies: a change of any of them is a change of judgement."""
    outcomes = [measure(seed, tools) for seed in SEEDS]
    found = Figures.of(outcomes)
    planted = {outcome.seed: (len(outcome.labels), outcome.right, outcome.pairable) for outcome in outcomes}
    assert planted == {54: (5, 7, 19), 41: (6, 6, 25), 56: (6, 6, 30), 11: (6, 7, 31), 33: (7, 7, 45), 50: (8, 8, 54)}
    assert ([label for outcome in outcomes for label in outcome.missed], found.false, found.wrong) == ([], 0, 0)
    assert reached(outcomes, [])


def test_a_company_is_the_same_every_time_it_is_drawn() -> None:
    """The seed decides everything, also what is planted where."""
    (first, labels), (second, again) = draw(11), draw(11)
    assert labels == again
    assert [repr(item) for item in first.left.items.values()] == [repr(item) for item in second.left.items.values()]
    other, _ = draw(12)
    assert set(other.left.items) != set(first.left.items)


def test_the_page_shows_what_went_wrong(tools: Bench) -> None:
    """A miss and a false alarm are told by seed and place; without them it says so."""
    good = measure(54, tools)
    text = tables([good], [])
    assert "Nothing.\n\n### False alarms\n\nNone.\n\n### Wrong pairs\n\nNone." in text
    worse = type(good)(**{**_fields(good), "missed": good.labels[:1], "wrong": (("aws.rds.instance", "a with b"),)})
    assert f"seed 54 (suffix): {good.labels[0].drift}" in tables([worse], [])
    assert "seed 54 (suffix): `aws.rds.instance`: a with b" in show(worse, good)
    assert not reached([worse], [])
    assert "1 of 1 companies" in headline([good], [worse])


def test_the_section_of_the_page_is_replaced_whole() -> None:
    """Whatever stands around it stays."""
    once = with_companies("# Page\n")
    assert with_companies(once) == once
    assert once.startswith("# Page\n\n<!-- generated companies")


def _fields(outcome: object) -> dict[str, object]:
    return {name: getattr(outcome, name) for name in outcome.__dataclass_fields__}  # type: ignore[attr-defined]
