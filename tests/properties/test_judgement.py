"""What must hold whatever two environments look like: from spelling to judgement."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.chain import Part, Tracer
from auditor.codec import canonical as encoded
from auditor.codec import encode
from auditor.comparison import Comparison
from auditor.judge import Judgement, judge
from auditor.model import ABSENT, Breach, Resource
from auditor.past import History
from auditor.places import differing, leaves
from auditor.policy import load_policy
from auditor.rules import Policy
from auditor.snapshot import normalise
from auditor.values import canonical
from tests.factories import policy_of
from tests.properties.documents import (
    KINDS,
    NOW,
    PROD,
    SCALARS,
    SERVICE,
    STAGING,
    Side,
    edited,
    laid,
    prod,
    shuffled,
    spoken,
    staging,
    templates,
)

SYMMETRIC = """
rules:
  - {id: any, about: Something differs, path: "**", expect: equal, severity: low}
  - {id: there, about: It is there on both sides, expect: both_or_neither, severity: high}
  - {id: version, about: Versions agree, path: "**.engine_version", expect: same_minor, severity: high}
  - {id: filled, about: Nothing is left to be filled in, path: "**", expect: no_placeholder, severity: critical}
  - {id: own, about: Secrets are their own, path: "**", values: secret, expect: differ, severity: critical}
"""
FEW = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
MANY = settings(FEW, max_examples=300)

drifting = templates().flatmap(lambda common: st.tuples(st.just(common), edited(common)))


@pytest.fixture(scope="module")
def symmetric(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """A policy that knows neither left nor right."""
    return policy_of(Path(tmp_path_factory.mktemp("policy")), SYMMETRIC)


@pytest.fixture(scope="module")
def default() -> Policy:
    return load_policy(["default", "secrets", "production-readiness", "versions"])


def judged(found: Comparison, policy: Policy, left: Side, right: Side) -> Judgement:
    return judge(found, policy, left.names, right.names, NOW)


@MANY
@given(
    SCALARS, st.sampled_from(["", "memory", "cpu", "engine_version", "image_tag", "phone_number", "url", "account_id"])
)
def test_spelling_a_value_twice_changes_nothing(value: Any, key: str) -> None:
    """Whatever was respelled has the one spelling that it would be given again."""
    once = canonical(value, key)
    again = canonical(once, key)
    assert (type(again), again) == (type(once), once)


@FEW
@given(templates())
def test_normalising_twice_changes_nothing(common: tuple[Resource, ...]) -> None:
    """A resource that is made of a normal form, or of what it shows as spelled at the source, has that same form."""
    for resources, names in ((spoken(common, "staging"), STAGING), (spoken(common, "prod"), PROD)):
        for normal in normalise(resources, KINDS.__getitem__, names):
            for document in (normal.raw, normal.form):
                (again,) = normalise([replace(normal.resource, attributes=document)], KINDS.__getitem__, names)
                assert again.form == normal.form
                assert again.digest == normal.digest


@FEW
@given(drifting)
def test_swapping_left_and_right_mirrors_the_differences(drift: tuple[tuple[Resource, ...], ...]) -> None:
    """The same pairs, and of each the same places with their values exchanged."""
    left, right = staging(drift[0]), prod(drift[1])
    there, back = laid(left, right), laid(right, left)
    assert _pairs(there) == {(b, a): found for (a, b), found in _pairs(back, mirrored=True).items()}
    alone = {(item.side, item.normal.resource.identity, item.normal.kind.name) for item in there.unmatched}
    other = {"left": "right", "right": "left"}
    assert alone == {
        (other[item.side], item.normal.resource.identity, item.normal.kind.name) for item in back.unmatched
    }


@FEW
@given(drifting)
def test_swapping_left_and_right_mirrors_the_findings_of_symmetric_rules(
    symmetric: Policy, drift: tuple[tuple[Resource, ...], ...]
) -> None:
    """Rule, severity and place stay; the sides change places."""
    left, right = staging(drift[0]), prod(drift[1])
    there = judged(laid(left, right), symmetric, left, right)
    back = judged(laid(right, left), symmetric, right, left)
    assert Counter(_seen(one) for one in there.breaches) == Counter(_seen(one, mirrored=True) for one in back.breaches)
    assert (there.score, there.expected, there.unknown) == (back.score, back.expected, back.unknown)


@settings(FEW, max_examples=40)
@given(drifting, st.randoms(use_true_random=False))
def test_reordering_anything_changes_nothing(
    default: Policy, drift: tuple[tuple[Resource, ...], ...], chance: Any
) -> None:
    """Resources, sources, keys, and items of lists without order: the judgement is the same, byte for byte."""

    def shuffle(items: list[Any]) -> list[Any]:
        mixed: list[Any] = chance.sample(items, len(items))
        return mixed

    def mixed_up(side: Side) -> Side:
        resources = [
            replace(one, attributes=shuffled(dict(one.attributes), shuffle, frozenset({"command"})))
            for one in side.resources
        ]
        return replace(side, resources=tuple(shuffle(resources)))

    left, right = staging(drift[0]), prod(drift[1])
    plain = judged(laid(left, right), default, left, right)
    left, right = mixed_up(left), mixed_up(right)
    assert encoded(encode(judged(laid(left, right), default, left, right))) == encoded(encode(plain))


def test_the_order_of_what_nothing_names_does_not_show(default: Policy) -> None:
    """Blocks and lists that stand on one side only, and keys: neither the value nor the message tells how they came."""
    blocks = [{"memory": "1Gi", "engine_version": "<e>-1"}, {"engine_version": "<e>-2"}, {"memory": "<s>"}]
    left = staging([Resource(SERVICE.name, "orders-<e>", {}, source="one")])
    told = []
    for turned in (blocks, [dict(reversed(block.items())) for block in reversed(blocks)]):
        zones = [str(len(block)) for block in turned]
        right = prod([Resource(SERVICE.name, "orders-<e>", {"blocks": turned, "zones": zones}, source="one")])
        told.append(encoded(encode(judged(laid(left, right), default, left, right))))
    assert told[0] == told[1]


@FEW
@given(drifting)
def test_every_difference_is_decided_by_exactly_one_rule(
    default: Policy, symmetric: Policy, drift: tuple[tuple[Resource, ...], ...]
) -> None:
    """By the one that the judge takes: the catch-all where no other speaks. Nothing passes unseen."""
    left, right = staging(drift[0]), prod(drift[1])
    found = laid(left, right)
    for policy in (default, symmetric, Policy(("none",), ())):
        tracer = Tracer(policy, found, {"left": left.names, "right": right.names}, NOW, History())
        for compared in found.matches:
            for place in differing(compared):
                links = tracer.comparing(place)
                (decides,) = [link for link in links if link.part is Part.DECIDES]
                ruling = tracer.decide(place)
                assert (decides.rule.name, decides.met) == (ruling.rule.name, ruling.verdict.met)
            differs = {place.spot for place in differing(compared)}
            for leaf in leaves(compared.match, (left.names, right.names)):
                if leaf.path:
                    failed = {ruling.rule.name for ruling in tracer.checks(leaf, differs=leaf.spot in differs)}
                    links = tracer.checking(leaf, differs=leaf.spot in differs)
                    assert {link.rule.name for link in links if link.part is Part.FAILS} == failed
        if not policy.rules:
            places = sum(len(list(differing(compared))) for compared in found.matches)
            judgement = judged(found, policy, left, right)
            assert {one.rule.id for one in judgement.breaches} <= {"unclassified"}
            assert bool(judgement.breaches) is bool(places or found.unmatched)


@FEW
@given(templates())
def test_an_environment_beside_itself_differs_in_nothing(symmetric: Policy, common: tuple[Resource, ...]) -> None:
    """Whatever it holds, even where another one's names stand in it: only checks of single values may find something."""
    left = staging(common)
    right = Side(PROD, left.resources)
    found = laid(left, right)
    assert [compared.differences for compared in found.matches if compared.differences] == []
    assert found.unmatched == ()
    assert {one.rule.id for one in judged(found, symmetric, left, right).breaches} <= {"filled", "own"}


@FEW
@given(templates())
def test_two_environments_that_differ_in_names_alone_differ_in_nothing(
    symmetric: Policy, common: tuple[Resource, ...]
) -> None:
    """Each with its own name, account and region in identities, keys, values, hosts and ARNs."""
    left, right = staging(common), prod(common)
    found = laid(left, right)
    assert [
        (compared.match.left.identity, compared.differences) for compared in found.matches if compared.differences
    ] == []
    assert found.unmatched == ()


@FEW
@given(drifting)
def test_the_same_at_another_time_is_judged_the_same(
    symmetric: Policy, drift: tuple[tuple[Resource, ...], ...]
) -> None:
    """A policy that asks for no age knows no clock."""
    left, right = staging(drift[0]), prod(drift[1])
    found = laid(left, right)
    later = judge(found, symmetric, left.names, right.names, NOW + timedelta(days=90))
    assert later == judged(found, symmetric, left, right)


def test_what_is_drawn_is_worth_judging() -> None:
    """A generator that draws nothing proves nothing: there are keyed lists, drift, lonely resources and secrets in it."""
    drawn: Counter[str] = Counter()

    @settings(FEW, max_examples=60)
    @given(drifting)
    def look(drift: tuple[tuple[Resource, ...], ...]) -> None:
        found = laid(staging(drift[0]), prod(drift[1]))
        drawn["matched"] += len(found.matches)
        drawn["alone"] += len(found.unmatched)
        drawn["different"] += sum(len(compared.differences) for compared in found.matches)
        drawn["keyed"] += sum("containers" in one.attributes for one in drift[0] if one.kind == SERVICE.name)
        drawn["secret"] += sum("{secret:" in str(one.attributes) for one in drift[0])
        drawn["named"] += sum("<" in str(one.attributes) for one in drift[0])

    look()
    assert all(drawn[name] >= 10 for name in ("matched", "alone", "different", "keyed", "secret", "named")), drawn


def _pairs(found: Comparison, *, mirrored: bool = False) -> dict[tuple[str, str], set[tuple[Any, ...]]]:
    """What differs, by pair of resources."""
    pairs: dict[tuple[str, str], set[tuple[Any, ...]]] = {}
    for compared in found.matches:
        key = tuple(
            f"{side.kind.name} {side.resource.identity}" for side in (compared.match.left, compared.match.right)
        )
        values = [(d.right, d.left) if mirrored else (d.left, d.right) for d in compared.differences]
        pairs[(key[0], key[1])] = {
            (difference.path, repr(a), repr(b)) for difference, (a, b) in zip(compared.differences, values, strict=True)
        }
    return pairs


def _seen(breach: Breach, *, mirrored: bool = False) -> tuple[Any, ...]:
    sides = [
        (side.identity, "absent" if side.value is ABSENT else repr(side.value)) for side in (breach.left, breach.right)
    ]
    return (breach.rule.id, breach.severity, breach.kind, breach.path, *(reversed(sides) if mirrored else sides))
