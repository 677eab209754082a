"""Matches and their differences."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.alike import Pair
from auditor.compare import compare_match
from auditor.comparison import Change, Compared, Match, Normal
from auditor.match import Counterpart, match
from auditor.model import (
    ABSENT,
    Category,
    Kind,
    MatchMethod,
    Resource,
)
from auditor.names import environment_names
from auditor.snapshot import normalise

STAGING = environment_names("staging", (), {"prod": ()})
PROD = environment_names("prod", (), {"staging": ()})
PAIR = Pair(STAGING, PROD)
KIND = Kind("test.thing", Category.CONFIG, "a thing")


def normals(side: str, *resources: Resource) -> tuple[Normal, ...]:
    names = STAGING if side == "left" else PROD
    return normalise(resources, lambda name: Kind(name, Category.CONFIG, name), names)


def compared(left: dict[str, Any], right: dict[str, Any]) -> Compared:
    a = normals("left", Resource(KIND.name, "t", left))[0]
    b = normals("right", Resource(KIND.name, "t", right))[0]
    return compare_match(Match(a, b, MatchMethod.IDENTITY, 1.0), PAIR)


def found(left: dict[str, Any], right: dict[str, Any]) -> list[tuple[tuple[str, ...], Any, Any, Change]]:
    return [(d.path, d.left, d.right, d.change) for d in compared(left, right).differences]


def test_a_changed_leaf_is_one_difference_at_its_path() -> None:
    """Path, both values as the sources spell them, and the kind of change."""
    assert found({"a": {"memory": "1Gi"}}, {"a": {"memory": "2Gi"}}) == [(("a", "memory"), "1Gi", "2Gi", Change.VALUE)]


def test_what_stands_on_one_side_only_is_one_difference_for_the_whole_subtree() -> None:
    """An added map is one difference, not one for each leaf; null is not absent."""
    assert found({}, {"m": {"a": 1, "b": 2}}) == [(("m",), ABSENT, {"a": 1, "b": 2}, Change.ADDED)]
    assert found({"m": None}, {}) == [(("m",), None, ABSENT, Change.REMOVED)]
    assert found({"m": None}, {"m": 0}) == [(("m",), None, 0, Change.TYPE)]


def test_a_list_of_scalars_is_one_leaf() -> None:
    """A list that lacks an item is one difference with both lists."""
    assert found({"z": ["a", "b"]}, {"z": ["b"]}) == [(("z",), ["a", "b"], ["b"], Change.VALUE)]
    assert found({"z": ["a", "b"]}, {"z": ["b", "a"]}) == []


def test_the_order_of_a_command_has_a_meaning_and_that_of_other_lists_has_none() -> None:
    """Declared, or known by its name; names of environments in its words are set aside all the same."""
    assert found({"command": ["sh", "-c"]}, {"command": ["-c", "sh"]}) == [
        (("command",), ["sh", "-c"], ["-c", "sh"], Change.VALUE)
    ]
    assert found({"args": ["--env", "staging"]}, {"args": ["--env", "prod"]}) == []
    assert found({"args": ["--env", "staging"]}, {"args": ["--env", "prod", "-v"]})[0][3] is Change.VALUE
    assert found({"zones": ["a", "b"]}, {"zones": ["b", "a"]}) == []


def test_keys_that_carry_names_are_one_key() -> None:
    """A key spelled per environment is compared, under its neutral name."""
    assert found({"STAGING_DB": "x"}, {"PROD_DB": "x"}) == []
    assert found({"STAGING_DB": "x"}, {"PROD_DB": "y"}) == [(("{env}_DB",), "x", "y", Change.VALUE)]


def test_items_that_nothing_names_are_paired_with_the_most_alike() -> None:
    """One attribute of one item is one difference; its path holds no position and no value."""
    left = {"rules": [{"a": 1, "b": 2, "c": 3, "n": "x"}, {"a": 5, "b": 6, "c": 7, "n": "x"}]}
    right = {"rules": [{"a": 5, "b": 6, "c": 7, "n": "x"}, {"a": 1, "b": 2, "c": 4, "n": "x"}]}
    assert found(left, right) == [(("rules", "*", "c"), 3, 4, Change.VALUE)]


def test_a_section_that_one_side_lacks_is_a_difference_for_each_of_its_groups() -> None:
    """`data` of Terraform sorts blocks by type: each type is named, and a map of plain settings stays one."""
    blocks = {"data": {"aws_vpc": {"main": {"id": 1}}, "aws_ami": {"base": {"name": "x"}}}}
    assert [row[0] for row in found({}, blocks)] == [("data", "aws_ami"), ("data", "aws_vpc")]
    assert [row[0] for row in found({"jobs": {"a": {"on": True}, "b": {"on": True}}}, {})] == [("jobs",)]


def test_annotations_are_compared_one_by_one() -> None:
    """Each speaks to another program, so that one side has none at all is as many differences."""
    rows = found({"metadata": {"annotations": {"a/b": "1", "c/d": "2"}}}, {"metadata": {}})
    assert [row[0] for row in rows] == [("metadata", "annotations", "a/b"), ("metadata", "annotations", "c/d")]


def test_the_one_unnamed_item_of_each_side_is_the_same_item() -> None:
    """Where nothing else is left to pair it with, and it is made alike, its attributes are compared."""
    left, right = {"tls": [{"hosts": ["a.org"], "secret": "x-tls"}]}, {"tls": [{"hosts": ["b.org"], "secret": "y-tls"}]}
    assert [row[0] for row in found(left, right)] == [("tls", "*", "hosts"), ("tls", "*", "secret")]
    assert [row[0] for row in found(left, {"tls": [{"cipher": "strong"}]})] == [("tls", "*")] * 2


def test_unnamed_items_that_only_stand_at_another_host_are_the_same_item() -> None:
    """Routes: the same path of another host is the same route, and of several hosts the one that is called alike."""
    left = {"routes": [{"route": "shop.apps.example.org"}, {"route": "shop.apps.example.org/api"}]}
    right = {"routes": [{"route": "shop.example.com/api"}, {"route": "shop.example.com"}]}
    assert found(left, right) == [
        (("routes", "*", "route"), "shop.apps.example.org", "shop.example.com", Change.VALUE),
        (("routes", "*", "route"), "shop.apps.example.org/api", "shop.example.com/api", Change.VALUE),
    ]
    left = {"routes": [{"route": "pay.staging.example.org"}, {"route": "shop.staging.example.org"}]}
    right = {"routes": [{"route": "shop.example.org"}, {"route": "pay.example.org"}]}
    assert found(left, right) == []
    assert [row[0] for row in found(left, {"routes": [{"route": "shop.example.org"}]})] == [("routes", "*")]


def test_a_variable_that_one_side_lacks_is_one_difference_whatever_it_is_read_from() -> None:
    """A reference to a secret is the variable's value, not a part of it."""
    env = [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "api", "key": "TOKEN"}}}]
    rows = found({"env": [*env, {"name": "MODE", "value": "x"}]}, {"env": [{"name": "MODE", "value": "x"}]})
    assert [row[0] for row in rows] == [("env", "TOKEN")]


def test_four_hundred_keyed_rules_with_many_changes_are_told_apart() -> None:
    """Keyed items are never searched for their counterpart: every change is at its own item."""
    left = {"rules": [{"name": f"r{i}", "port": i} for i in range(400)]}
    right = {"rules": [{"name": f"r{i}", "port": i + (i % 5 < 3)} for i in reversed(range(400))]}
    rows = found(left, right)
    assert len(rows) == 240
    assert rows[0][0] == ("rules", "r0", "port")


tree = st.recursive(
    st.integers(-3, 3) | st.sampled_from(["x", "y", "10Mi"]) | st.none() | st.booleans(),
    lambda inner: st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, min_size=1, max_size=3),
    max_leaves=10,
)


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(value, dict):
        return [leaf for key, below in value.items() for leaf in leaves(below, (*path, key))]
    return [path]


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), tree, min_size=1, max_size=3), st.data())
def test_every_single_mutation_is_found_once_at_its_path(document: dict[str, Any], data: st.DataObject) -> None:
    """Whatever leaf is changed, exactly that one is reported; and an unchanged copy gives nothing."""
    assert found(document, copy.deepcopy(document)) == []
    place = data.draw(st.sampled_from(leaves(document)))
    mutated = copy.deepcopy(document)
    parent = mutated
    for step in place[:-1]:
        parent = parent[step]
    before = parent[place[-1]]
    parent[place[-1]] = "mutated"
    assert [row[:3] for row in found(document, mutated)] == [(place, before, "mutated")]


def paired(left: tuple[Normal, ...], right: tuple[Normal, ...], **more: Any) -> dict[tuple[str, str], MatchMethod]:
    matches, _ = match(left, right, PAIR, **more)
    return {(m.left.resource.identity, m.right.resource.identity): m.method for m in matches}


@pytest.mark.parametrize(
    ("left", "right", "method"),
    [
        ("orders-staging", "orders-prod", MatchMethod.IDENTITY),
        ("orders", "orders-prod", MatchMethod.ALIAS),
        ("regstgtmp", "regprodtmp", MatchMethod.ALIAS),
    ],
)
def test_resources_are_paired_by_name(left: str, right: str, method: MatchMethod) -> None:
    """The same name in each environment's spelling pairs two resources, and the match says how."""
    others = Resource("k", "billing", {}), Resource("k", "web", {})
    assert (
        paired(normals("left", Resource("k", left, {}), *others), normals("right", Resource("k", right, {}), *others))[
            left, right
        ]
        is method
    )


def test_the_configuration_and_a_tag_come_before_names() -> None:
    """A declared counterpart wins over an equal name, and so does a tag."""
    left = normals("left", Resource("k", "a", {}), Resource("k", "b", {}, tags={"parity:id": "7"}))
    right = normals(
        "right", Resource("k", "a", {}), Resource("k", "z", {}), Resource("k", "y", {}, tags={"parity:id": "7"})
    )
    assert paired(left, right, declared=[Counterpart("k", "a", "z")]) == {
        ("a", "z"): MatchMethod.CONFIG,
        ("b", "y"): MatchMethod.TAG,
    }


def test_resources_of_one_name_are_paired_within_their_parents() -> None:
    """Of several with one name, those of corresponding parents belong together, however the parents sort."""
    left = normals(
        "left", Resource("k", "quota", {}, parent="a-preprod"), Resource("k", "quota", {}, parent="b-staging")
    )
    right = normals(
        "right", Resource("k", "quota", {}, parent="b-production"), Resource("k", "quota", {}, parent="a-prod")
    )
    matches, unmatched = match(left, right, PAIR)
    assert unmatched == ()
    assert {(m.left.resource.parent, m.right.resource.parent) for m in matches} == {
        ("a-preprod", "a-prod"),
        ("b-staging", "b-production"),
    }


def test_similarity_suggests_and_never_decides() -> None:
    """Two resources alike by name and shape stay unmatched, each naming the other as its probable counterpart."""
    left = normals("left", Resource("k", "order-worker", {"size": 1, "mode": "x"}), Resource("k", "web", {}))
    right = normals("right", Resource("k", "order-workers-v2", {"size": 1, "mode": "x"}), Resource("k", "web", {}))
    matches, unmatched = match(left, right, PAIR)
    assert [m.left.resource.identity for m in matches] == ["web"]
    assert [
        (u.side, u.normal.resource.identity, u.suggestion and u.suggestion.resource.identity) for u in unmatched
    ] == [
        ("left", "order-worker", "order-workers-v2"),
        ("right", "order-workers-v2", "order-worker"),
    ]


def test_a_single_candidate_is_taken_when_it_looks_like_it() -> None:
    """One of a kind on each side, with a similar name and shape, is the same thing; a stranger is not."""
    left = normals("left", Resource("k", "main-queue", {"size": 1}))
    assert paired(left, normals("right", Resource("k", "main-queues", {"size": 1}))) == {
        ("main-queue", "main-queues"): MatchMethod.ONLY_CANDIDATE
    }
    assert paired(left, normals("right", Resource("k", "billing", {"colour": "red"}))) == {}


def test_a_single_file_is_paired_by_its_keys_whatever_its_name_means() -> None:
    """`aat.tfvars` and `prod.tfvars` set the same variables; a file with other keys is another file."""

    def file(side: str, name: str, *keys: str) -> tuple[Normal, ...]:
        names = STAGING if side == "left" else PROD
        resource = Resource("file", name, dict.fromkeys(keys, 1))
        return normalise([resource], lambda kind: Kind(kind, Category.CONFIG, kind, located=True), names)

    left = file("left", "zebra.tfvars", "a", "b", "c", "d")
    assert paired(left, file("right", "prod.tfvars", "a", "b", "c", "e")) == {
        ("zebra.tfvars", "prod.tfvars"): MatchMethod.ONLY_CANDIDATE
    }
    assert paired(left, file("right", "prod.tfvars", "a", "x", "y", "z")) == {}
    assert paired(file("left", "zebra.tfvars", "a", "b"), file("right", "prod.tfvars", "a", "b")) == {}


def test_a_name_that_only_production_carries_is_kept_apart_from_differences() -> None:
    """The log group is the same but for the name; that staging's carries none is told, not compared."""
    for left, right, told in [
        ("logs-shop", "logs-prod-shop", 1),
        ("logs-stg-shop", "logs-prod-shop", 0),
        ("logs-stg", "logs", 0),
    ]:
        result = compared({"group": left}, {"group": right})
        assert result.differences == ()
        assert [d.path for d in result.unqualified] == [("group",)] * told


def test_variables_of_one_side_are_differences_one_by_one() -> None:
    """Code reads one variable at a time; a map called `environment` that holds other things is one thing."""
    variables = {"QUEUE_MODE": "fifo", "TOKEN": "t"}
    assert found({"api": {"image": "a"}}, {"api": {"image": "a", "environment": variables}}) == [
        (("api", "environment", "QUEUE_MODE"), ABSENT, "fifo", Change.ADDED),
        (("api", "environment", "TOKEN"), ABSENT, "t", Change.ADDED),
    ]
    assert [path for path, *_ in found({}, {"environment": {"label": "Beta", "name": "b"}})] == [("environment",)]
