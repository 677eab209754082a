"""The order of promotions and the way back, from what the two environments were seen to run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from auditor.promotion import Deployment
from auditor.readiness.model import Answer
from tests.readiness.company import PROMOTED, Company, gap, ran


def answer(*deployments: Deployment, **more: Any) -> tuple[str, str, str]:
    """Answer, sentence and first piece of evidence of the order."""
    item = replace(Company(), deployments=deployments, **more).items()["promotion-order"]
    return item.answer.value, item.sentence, item.evidence[0].text if item.evidence else ""


def test_what_was_seen_in_staging_before_it_was_seen_in_production_is_in_order() -> None:
    """Seen there on the 19th, here two days later: yes, and by which digest."""
    digests = [replace(one, digest=f"sha256:{one.version}") for one in PROMOTED]
    assert answer(*digests) == (
        "yes",
        "staging ran each of 1 component first (1 by the same digest, 0 by the same version).",
        "api 2.3.1: in staging by 2026-11-19 13:00 UTC, in prod by 2026-11-21 12:00 UTC",
    )


def test_the_same_version_with_another_digest_was_not_tested() -> None:
    """A tag that was built twice is two builds."""
    left = [replace(one, digest="sha256:a") for one in PROMOTED if one.environment == "staging"]
    right = [replace(one, digest="sha256:b") for one in PROMOTED if one.environment == "prod"]
    found = answer(*left, *right)
    assert found[0] == "no"
    assert found[1] == "1 version went to prod without staging having run it first."


def test_a_version_that_production_ran_first_is_out_of_order() -> None:
    """A hotfix that staging got a day later was not rehearsed there."""
    found = answer(
        ran("staging", "api", "2.3.0", 300, until=25),
        ran("staging", "api", "2.3.1", 24, after=25),
        ran("prod", "api", "2.3.0", 300, until=72),
        ran("prod", "api", "2.3.1", 71, after=72),
    )
    assert found == (
        "no",
        "1 version went to prod without staging having run it first.",
        "api 2.3.1: in prod by 2026-11-19 13:00 UTC, in staging not before 2026-11-21 11:00 UTC",
    )


def test_a_version_that_staging_never_ran_is_out_of_order_once_staging_was_watched_long_enough() -> None:
    """Twelve days of snapshots of staging do not show it: no. Two days would leave it open."""
    theirs = (ran("prod", "api", "2.3.0", 300, until=25), ran("prod", "api", "9.9.9", 24, after=25))
    assert answer(ran("staging", "api", "2.3.0", 300), *theirs)[0] == "no"
    found = answer(ran("staging", "api", "2.3.0", 48), *theirs)
    assert (found[0], found[2]) == ("not observed", "api: prod runs 9.9.9, and staging runs 2.3.0")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        # Both from the first snapshot on; both changed between the same two snapshots.
        ((300, None), (300, None)),
        ((24, 25), (24, 25)),
    ],
)
def test_an_order_that_the_snapshots_do_not_show_is_open(
    ours: tuple[float, float | None], theirs: tuple[float, float | None]
) -> None:
    """Nobody looked in between, so nobody knows."""
    sides = (
        ran(name, "api", "2.3.1", first, after=after) for name, (first, after) in (("staging", ours), ("prod", theirs))
    )
    found = answer(*sides)
    assert (found[0], found[2]) == (
        "not observed",
        "api 2.3.1: which of the two ran it first, the snapshots do not tell",
    )


def test_a_source_that_tells_when_it_was_deployed_settles_the_order() -> None:
    """Between the same two snapshots, but staging at half past and production at a quarter to."""
    ours, theirs = (ran(name, "api", "2.3.1", 24, after=25) for name in ("staging", "prod"))
    first = replace(ours, deployed_at=ours.first_seen.replace(hour=11, minute=30))
    second = replace(theirs, deployed_at=theirs.first_seen.replace(hour=11, minute=45))
    assert answer(first, second)[0] == "yes"
    assert (
        answer(replace(first, deployed_at=second.deployed_at), replace(second, deployed_at=first.deployed_at))[0]
        == "no"
    )


def test_a_component_that_only_production_runs_leaves_the_order_open() -> None:
    """Yes is said of all components or of none."""
    found = answer(*PROMOTED, ran("prod", "mailer", "1.0", 24, after=25))
    assert (found[0], found[1]) == ("not observed", "For 1 component of 2 the order is not known: mailer.")


def test_a_gap_among_deployments_leaves_the_order_open() -> None:
    """A task definition that was denied may run what nobody tested."""
    assert answer(*PROMOTED, gaps=(gap("aws.ecs.*", "prod"),))[0] == "not observed"


def back(*deployments: Deployment) -> tuple[Answer, str]:
    item = replace(Company(), deployments=deployments).items()["way-back"]
    return item.answer, item.sentence


def test_the_way_back_is_the_version_that_production_ran_before() -> None:
    """It is named with its digest, and until when it ran."""
    digests = [replace(one, digest=f"sha256:{one.version}") for one in PROMOTED]
    item = replace(Company(), deployments=tuple(digests)).items()["way-back"]
    assert item.answer is Answer.YES
    assert item.evidence[0].text == "api: before 2.3.1 ran 2.3.0 (sha256:2.3.0), until 2026-11-21 11:00 UTC"


def test_there_is_no_way_back_from_a_tag_that_moves() -> None:
    """`latest` before and `latest` now: there is nothing to name."""
    found = back(*PROMOTED, ran("prod", "mailer", "latest", 24, after=25))
    assert found == (Answer.NO, "Deployed by a tag that moves, so there is no version to go back to: mailer (latest).")


def test_a_way_back_that_was_never_seen_is_open() -> None:
    """The first version that was ever seen has nothing before it, as far as is known."""
    found = back(*PROMOTED, ran("prod", "mailer", "1.0", 300))
    assert found == (
        Answer.NOT_OBSERVED,
        "Of mailer one version only was ever seen, so it is not known what there is to go back to.",
    )
