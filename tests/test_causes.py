"""Findings with one cause share one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auditor.judge import judge
from auditor.model import Breach, Unmatched
from tests.factories import NOW, PROD, STAGING, compared, comparison, normal, policy_of

RULES = (
    "rules:\n  - {id: any, about: They differ, path: '**', expect: equal}\n"
    "  - {id: alone, about: a, expect: equal}\n"
    "  - {id: q, about: Names lack the environment, path: 'secrets.*', expect: equal}\n"
)


def causes(tmp_path: Path, pairs: Mapping[str, tuple[Any, Any]], *alone: str) -> list[Breach]:
    """The breaches of several pairs of documents, and of resources that only production has."""
    matches = [
        compared(normal(left, identity=name, raw_identity=name), normal(right, identity=name, raw_identity=name))
        for name, (left, right) in pairs.items()
    ]
    lonely = tuple(Unmatched("right", normal({}, identity=name, raw_identity=name)) for name in alone)
    found = judge(comparison(*matches, unmatched=lonely), policy_of(tmp_path, RULES), STAGING, PROD, NOW)
    return list(found.breaches)


def test_one_change_of_value_in_three_resources_has_one_cause(tmp_path: Path) -> None:
    """An engine that was upgraded everywhere is one thing to mend."""
    pairs = {name: ({"engine": "14.9"}, {"engine": "16.3"}) for name in ("a", "b", "c")}
    assert {breach.cause for breach in causes(tmp_path, pairs)} == {
        "engine is 14.9 in staging and 16.3 in prod (3 resources)"
    }


def test_two_alike_may_be_chance(tmp_path: Path) -> None:
    """They stay by themselves."""
    pairs = {name: ({"engine": "14.9"}, {"engine": "16.3"}) for name in ("a", "b")}
    assert {breach.cause for breach in causes(tmp_path, pairs)} == {None}


def test_common_values_are_no_cause(tmp_path: Path) -> None:
    """Three different switches that happen to be off and on have nothing to do with one another."""
    left, right = dict.fromkeys("xyz", False), dict.fromkeys("xyz", True)
    assert {breach.cause for breach in causes(tmp_path, {"a": (left, right)})} == {None}


def test_keys_that_were_added_below_one_parent_have_one_cause(tmp_path: Path) -> None:
    """An egress list of many lines."""
    right = {"egress": {"rules": {f"host-{index}": index for index in range(6)}}}
    found = causes(tmp_path, {"a": ({"egress": {"rules": {}}}, right)})
    assert {breach.cause for breach in found} == {"6 keys of egress.rules in a exist in prod only"}


def test_one_rule_broken_below_one_parent_has_one_cause(tmp_path: Path) -> None:
    """Names that follow another scheme."""
    left = {"secrets": {name: f"rabbit-{name}" for name in ("host", "port", "user")}}
    right = {"secrets": {name: f"acme-rabbit-prod-{name}" for name in ("host", "port", "user")}}
    found = causes(tmp_path, {"a": (left, right)})
    assert {breach.cause for breach in found} == {"Names lack the environment: 3 times below secrets of a"}


def test_one_path_in_three_resources_has_one_cause(tmp_path: Path) -> None:
    """Every service deployed anew, each with a version of its own."""
    pairs = {name: ({"image": f"{name}:1"}, {"image": f"{name}:2"}) for name in ("a", "b", "c")}
    assert {breach.cause for breach in causes(tmp_path, pairs)} == {
        "They differ: image of 3 resources of kind aws.rds.instance"
    }


def test_a_kind_on_one_side_only_has_one_cause(tmp_path: Path) -> None:
    """Nobody created any of them in staging."""
    found = causes(tmp_path, {}, "a", "b", "c")
    assert {breach.cause for breach in found} == {
        "3 resources of kind aws.rds.instance exist in prod only, not in staging"
    }


def test_a_cause_keeps_its_key_when_members_come_and_go(tmp_path: Path) -> None:
    """The sentence counts them; the key is what they have in common."""
    pairs = {name: ({"engine": "14.9"}, {"engine": "16.3"}) for name in ("a", "b", "c", "d")}
    many = causes(tmp_path, pairs)
    pairs.pop("a")
    few = causes(tmp_path, pairs)
    assert {breach.cause for breach in many} != {breach.cause for breach in few}
    assert {breach.cause_key for breach in many} == {breach.cause_key for breach in few}


def test_causes_of_another_kind_or_value_have_other_keys(tmp_path: Path) -> None:
    """Two things to mend are two keys; what has no cause has no key."""
    pairs = {name: ({"engine": "14.9", "zone": "a"}, {"engine": "16.3", "zone": "b"}) for name in ("a", "b", "c")}
    found = causes(tmp_path, {**pairs, "d": ({"lone": "x"}, {"lone": "y"})}, "p", "q", "r")
    assert len({breach.cause_key for breach in found if breach.cause}) == 3
    assert [breach.cause_key for breach in found if not breach.cause] == [None]
