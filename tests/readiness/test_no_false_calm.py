"""Nothing turns to yes because less was seen."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.model import Gap, GapReason
from tests.readiness.company import LISTED, Company, finding, resources

KINDS = sorted({one.kind for one in resources("staging")})
GLOBS = [*LISTED, *KINDS, "*", "aws.*", "{env,yaml}.file"]
SPOILED = (
    finding("aws.rds.instance", ("engine_version",)),
    finding("env.file", ("TIMEOUT",)),
    finding("env.file", ("KEY",), left="{secret:ab}", right="{secret:ab}", rule="secret-shared"),
    finding("data.column", ("personal", "email", "share")),
)
COMPANIES = (Company(), replace(Company(), findings=SPOILED), replace(Company(), deployments=()))
GAPS = st.builds(
    Gap,
    environment=st.sampled_from(["staging", "prod"]),
    source=st.sampled_from(["aws:staging", "aws:prod", "files:deploy/staging", "files:deploy/prod", "http:api", ""]),
    kind=st.sampled_from(GLOBS),
    reason=st.sampled_from(list(GapReason)),
    detail=st.just("not seen"),
    resource=st.sampled_from([None, "orders.env", "api", "shop"]),
    attribute=st.sampled_from([None, "value"]),
)
QUICK = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@cache
def answers(number: int, kept: frozenset[tuple[str, str]] | None = None) -> dict[str, str]:
    """The answers of a company of which only those (side, kind) were seen."""
    company = COMPANIES[number]
    if kept is not None:
        company = replace(
            company,
            left=[one for one in company.left if ("left", one.kind) in kept],
            right=[one for one in company.right if ("right", one.kind) in kept],
        )
    return company.answers()


@QUICK
@given(number=st.integers(0, len(COMPANIES) - 1), gaps=st.lists(GAPS, min_size=1, max_size=3))
def test_a_gap_turns_no_answer_to_yes(number: int, gaps: list[Gap]) -> None:
    """Whatever could not be seen, wherever: what was no or open before is not yes after."""
    before, after = answers(number), replace(COMPANIES[number], gaps=tuple(gaps)).answers()
    assert [name for name in before if before[name] != "yes" and after[name] == "yes"] == []


@QUICK
@given(
    number=st.integers(0, len(COMPANIES) - 1),
    kept=st.frozensets(st.tuples(st.sampled_from(["left", "right"]), st.sampled_from(KINDS))),
    gone=st.frozensets(st.tuples(st.sampled_from(["left", "right"]), st.sampled_from(KINDS)), min_size=1),
)
def test_resources_that_were_not_seen_turn_no_open_answer_to_yes(
    number: int, kept: frozenset[tuple[str, str]], gone: frozenset[tuple[str, str]]
) -> None:
    """Kinds that one side or both no longer show never make an answer yes that was not."""
    before, after = answers(number, kept), answers(number, kept - gone)
    assert [name for name in before if before[name] != "yes" and after[name] == "yes"] == []


def test_where_nothing_was_seen_nothing_is_yes() -> None:
    """Two empty environments that were listed completely: no question about what is in them is answered."""
    empty = replace(Company(), left=[], right=[], deployments=())
    assert [name for name, answer in empty.answers().items() if answer == "yes"] == ["fresh"]


@pytest.mark.parametrize(
    ("kind", "spared"),
    [
        ("aws.rds.instance", {"infrastructure", "production-backup"}),
        ("env.file", {"configuration", "secrets-differ", "secrets-stored"}),
        ("data.column", {"data-anonymised"}),
        (
            "aws.ecs.task_definition",
            {"configuration", "secrets-differ", "secrets-stored", "promotion-order", "way-back"},
        ),
    ],
)
def test_a_gap_opens_the_questions_that_it_is_about_and_no_other(kind: str, spared: set[str]) -> None:
    """An account that denies its databases says nothing against the order of promotions."""
    hidden = Gap("prod", "aws:prod", kind, GapReason.ACCESS_DENIED, "denied")
    after = replace(Company(), gaps=(hidden,)).answers()
    assert {name for name, answer in Company().answers().items() if after[name] != answer} == spared
