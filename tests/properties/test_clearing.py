"""A glance that clears a place never hides what a check would have found there."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import policies
from auditor.clearing import Plan, Plans
from auditor.evaluate import Evaluator
from auditor.expect import Leaf
from auditor.model import ABSENT, Resource
from auditor.places import NOTHING, Place
from auditor.policy import load_policy
from auditor.rules import Policy
from auditor.sides import Sides
from auditor.values import canonical
from tests.factories import policy_of
from tests.properties.documents import NOW, laid, prod, staging

KINDS = ("aws.ssm.parameter", "aws.ecs.task_definition", "env.file", "kubernetes.deployment")
STEPS = (
    "DB_PASSWORD db_name image image_tag value secrets LOG_LEVEL queue_url kms_key_id host environment description"
    " APP_ENV alarm_actions bucket client_id webhook_url data account"
).split()
PARTS = (
    "orders staging stg prod production PROD qa dev acceptance - _ . / : :// @ https s3 222222222222 111111111111 .com"
    " arn:aws:sqs:eu-west-1:222222222222: .internal latest acme/api:1.4.0 {secret:0123456789abcdef0123456789abcdef}"
    " {secret:0123456789abcdef:placeholder} changeme DB_PASSWORD <token> todo to-be-defined ſ Σ ss x vpc-0a1b2c3d4e5f60718"
).split()
# Each of them is what one check or another is about.
TRIGGERS = (
    "acme/api:latest acme/api:1.4.0 DB_PASSWORD LOG_LEVEL {secret:0123456789abcdef0123456789abcdef} topic/99-orders"
    " {secret:0123456789abcdef:placeholder} mysql://app:{secret:0123456789abcdef}@db/app https://cache-77.shop.internal/x"
    " cache-77.shop.internal arn:aws:sqs:eu-west-1:222222222222:orders orders-prod.internal orders-staging changeme orders"
    " s3://acme-production-exports/daily https://sqs.eu-west-1.amazonaws.com/222222222222/orders https://orders.example.com"
    " https://dev.orders.example.com"
).split()
TEXTS = st.lists(st.sampled_from([*PARTS, " ", "\n", "CHANGE ME"]), max_size=6).map("".join)
VALUES = st.one_of(
    TEXTS, TEXTS, st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False), st.lists(TEXTS | st.integers(), max_size=3),
    st.just({}), st.just(ABSENT),
)  # fmt: skip


class Looking(Plans):
    """Plans by which every check is asked."""

    def of(self, place: Place) -> Plan | None:
        found = super().of(place)
        return None if found is None else replace(found, tests=None)


@st.composite
def places(draw: st.DrawFn) -> Place:
    kind, path = draw(st.sampled_from(KINDS)), tuple(draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=3)))
    left = draw(VALUES | st.sampled_from(TRIGGERS))
    right = left if draw(st.booleans()) else draw(VALUES)
    return place(kind, path, left, right, unqualified=draw(st.booleans()))


def place(
    kind: str, path: tuple[str, ...], left: Any, right: Any, *, unqualified: bool = False, name: str = "DB_PASSWORD"
) -> Place:
    """A place of two resources that hold these values there."""
    resource = Resource(kind, f"/orders/{name}", {}, source="one")
    return Place(kind, path, _leaf(left, path), _leaf(right, path), resource, resource, unqualified, path)


def _leaf(value: Any, path: tuple[str, ...]) -> Leaf:
    if value is ABSENT:
        return NOTHING
    typed = [canonical(item, path[-1]) for item in value] if isinstance(value, list) else canonical(value, path[-1])
    return Leaf(typed, value)


# Expectations that a glance may clear. Each is tried alone: one that is not cleared would have all others looked at.
GLANCED = ("no_placeholder", "immutable_tag", "differ", "own_secrets", "qualified", "{no_reference_to: prod}")
_POLICY = load_policy(["default", "strict", "secrets", "production-readiness", "versions"])
_ALL = load_policy(sorted(file.stem for file in Path(policies.__file__).parent.glob("*.yaml")))
_BOTH = [Resource("env.file", "orders-<e>", {"URL": "https://orders-<e>.internal"}, source="one")]
# Nothing in their names tells whose they are.
_HANDLES = ("cache-77.shop.internal", "topic/99-orders")


@cache
def evaluators(*, apart: bool) -> tuple[Evaluator, Evaluator]:
    """Those of the shipped policies."""
    return evaluators_of(_POLICY, apart=apart)


def evaluators_of(policy: Policy, *, apart: bool) -> tuple[Evaluator, Evaluator]:
    """One that glances first, and one that asks every check; of environments with accounts of their own, or in one."""
    left, right = staging(_BOTH), prod(_BOTH)
    comparison = laid(left, right)
    accounts = ("111111111111",), ("222222222222" if apart else "111111111111",)
    comparison = replace(
        comparison,
        left=replace(comparison.left, accounts=accounts[0]),
        right=replace(comparison.right, accounts=accounts[1], resources=(replace(right.resources[0], refs=_HANDLES),)),
    )
    names = {"left": left.names.at(accounts[0], ()), "right": right.names.at(accounts[1], ())}
    glancing, looking = (Evaluator(policy, comparison, names, NOW) for _ in range(2))
    looking._plans = Looking(policy, Sides(comparison, names), names, separate=looking.separate)
    return glancing, looking


def asked(found: Place, *, apart: bool, differs: bool) -> None:
    """Both evaluators say the same of a place."""
    compared(evaluators(apart=apart), found, differs=differs)


def compared(evaluators: tuple[Evaluator, Evaluator], found: Place, *, differs: bool) -> None:
    """Both say the same of a place."""
    glancing, looking = evaluators
    assert glancing.checks(found, differs=differs) == looking.checks(found, differs=differs)
    assert glancing.matters(found) == looking.matters(found)
    if found.left.present != found.right.present:
        assert glancing.checks_alone(found) == looking.checks_alone(found)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(places(), min_size=5, max_size=15), st.booleans(), st.booleans())
def test_what_is_cleared_no_check_would_have_failed(found: list[Place], apart: bool, differs: bool) -> None:
    """Whatever the kind, the path and the values."""
    for one in found:
        asked(one, apart=apart, differs=differs)


@pytest.mark.parametrize("apart", [True, False])
def test_what_checks_are_about_is_not_cleared(apart: bool) -> None:
    """Every two of the texts that some check is about, each at some path and each pair at one that says nothing."""
    for number, (left, right) in enumerate(product(TRIGGERS, TRIGGERS)):
        kind = KINDS[number % len(KINDS)]
        asked(place(kind, ("settings", STEPS[number % len(STEPS)]), left, right), apart=apart, differs=False)
        asked(place(kind, ("settings", "talks_to"), left, right), apart=apart, differs=True)
        asked(place(kind, ("settings", left), left, left, unqualified=True), apart=apart, differs=False)
        asked(place("aws.ssm.parameter", ("value",), left, right, name=right), apart=apart, differs=False)


def test_a_condition_without_an_answer_is_noted_though_it_asks_for_no_value(tmp_path: Path) -> None:
    """Else a rule would never apply, and nobody would hear why."""
    rule = '{id: one, about: It, path: "**", where: separate_accounts > 1, expect: no_placeholder, severity: high}'
    glancing, looking = evaluators_of(policy_of(tmp_path, f"rules: [{rule}]"), apart=False)
    compared((glancing, looking), place("env.file", ("PASSWORD",), "changeme", "changeme"), differs=False)
    assert glancing.faults.notes() == looking.faults.notes() != ()


@pytest.mark.parametrize("expectation", GLANCED)
@pytest.mark.parametrize("environment", ["", ", in: prod", ", in: staging", ", in: non-production"])
def test_what_a_rule_is_about_is_not_cleared(tmp_path: Path, environment: str, expectation: str) -> None:
    """Whichever side a rule is about, and though a parameter is known by its own name, too."""
    rule = f'{{id: one, about: It, path: "**", expect: {expectation}, severity: high{environment}}}'
    both = evaluators_of(policy_of(tmp_path, f"rules:\n  - {rule}\n"), apart=False)
    for left, right in product(TRIGGERS, TRIGGERS):
        compared(both, place("env.file", ("settings", "talks_to"), left, right), differs=False)
        compared(both, place("env.file", ("settings", "talks_to"), left, right, unqualified=True), differs=False)
        compared(both, place("aws.ssm.parameter", ("value",), left, right, name=right), differs=False)


def test_what_passes_today_only_is_judged_again(tmp_path: Path) -> None:
    """A rule that asks for the time may find another day what it does not find today."""
    rule = 'where: now > timestamp("2031-01-01T00:00:00Z"), expect: differ, severity: high'
    policy = policy_of(tmp_path, f"rules: [{{id: own, about: Each has its own, path: bucket, {rule}}}]")
    comparison = laid(staging(_BOTH), prod(_BOTH))
    names = {"left": staging(_BOTH).names, "right": prod(_BOTH).names}
    leaves = Leaf("a", "a"), Leaf("b", "b")
    evaluator = Evaluator(policy, comparison, names, NOW)
    assert evaluator.matters(Place("env.file", ("bucket",), *leaves, None, None))
    assert not evaluator.matters(Place("env.file", ("other",), *leaves, None, None))


def test_nothing_that_is_asked_everywhere_keeps_values_from_being_cleared() -> None:
    """One rule about all paths that no glance clears would have every check of every value asked, each time anew."""
    for name in _ALL.names:
        glancing, _ = evaluators_of(load_policy([name]), apart=True)
        for kind in KINDS:
            plan = glancing._plans.of(place(kind, ("settings", "ss"), 1, 1))
            assert plan is None or (plan.tests is not None and plan.keyed), (name, kind)


@pytest.mark.parametrize("apart", [True, False])
def test_no_shipped_rule_is_ever_without_an_answer(apart: bool) -> None:
    """An expression written for one text is asked of each item of a list, and of nothing that it cannot be asked of."""
    glancing, _ = evaluators_of(_ALL, apart=apart)
    values: list[Any] = [*TRIGGERS, *(list(each) for each in pairwise(TRIGGERS)), [], [3, 4], {}, None, 7, 1.5, True]
    for number, (left, right) in enumerate(product(values, values)):
        one = place(KINDS[number % len(KINDS)], ("settings", STEPS[number % len(STEPS)]), left, right)
        glancing.checks(one, differs=left != right)
        glancing.decide(one)
    assert glancing.faults.notes() == ()
