"""Pairs compared together say what each says alone, and what DeepDiff says of both trees as they are."""

from __future__ import annotations

from typing import Any

from deepdiff import DeepDiff
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auditor.alike import Pair
from auditor.compare import compare, compare_match
from auditor.comparison import Match, Normal
from auditor.model import ABSENT, Json, MatchMethod, Resource
from tests.factories import PROD, RDS, STAGING

_PAIR = Pair(STAGING, PROD)
_TWO, _THREE = "blue\nof two lines", "blue\nof 3 lines"
_SCALARS = st.sampled_from((0, 1, 2.5, True, False, None, "red", "green", _TWO, _THREE, ""))
_KEYS = st.sampled_from(("alpha", "beta", "gamma", "delta"))
_TREES = st.dictionaries(_KEYS, st.recursive(_SCALARS, lambda below: st.dictionaries(_KEYS, below), max_leaves=8))
_CHANGES = {
    "values_changed": "value",
    "type_changes": "type",
    "dictionary_item_added": "added",
    "dictionary_item_removed": "removed",
}


def _match(left: dict[str, Json], right: dict[str, Json]) -> Match:
    ours, theirs = (
        Normal(Resource(RDS.name, "orders", side), RDS, "orders", side, side, digest)
        for side, digest in ((left, "left"), (right, "right"))
    )
    return Match(ours, theirs, MatchMethod.IDENTITY, 1.0)


def _told(left: dict[str, Json], right: dict[str, Json]) -> list[tuple[Any, ...]]:
    """What DeepDiff says of the two trees, but for maps that hold nothing: to say nothing of a thing is no difference."""
    found: Any = DeepDiff(left, right, view="tree", ignore_order=False, threshold_to_diff_deeper=0)
    rows = [(tuple(one.path(output_format="list")), _CHANGES[what]) for what, ones in found.items() for one in ones]
    return sorted((path, what) for path, what in rows if not _is_nothing(left, right, path))


def _is_nothing(left: Json, right: Json, path: tuple[str, ...]) -> bool:
    sides = [at(side, path) for side in (left, right)]
    return ABSENT in sides and {} in sides


def at(tree: Json, path: tuple[str, ...]) -> Json:
    for step in path:
        tree = tree.get(step, ABSENT) if isinstance(tree, dict) else ABSENT
    return tree


def _holds_groups(value: Json) -> bool:
    """Whether some map may be one that only sorts other things: what it lacks is told thing by thing."""
    if not isinstance(value, dict):
        return False
    nested = [below for below in value.values() if isinstance(below, dict)]
    return any(map(_holds_groups, nested)) or any(any(isinstance(b, dict) for b in one.values()) for one in nested)


@example(
    [
        ({"alpha": 1, "beta": {"gamma": 0}}, {"alpha": True, "beta": {"gamma": False}}),
        ({"beta": _TWO}, {"beta": _THREE}),
    ]
)
@settings(max_examples=40)
@given(st.lists(st.tuples(_TREES, _TREES), max_size=5))
def test_all_that_differs_is_told_and_nothing_else(trees: list[tuple[dict[str, Json], dict[str, Json]]]) -> None:
    """Values and kinds of changes, of each pair its own, whichever pairs are compared beside it."""
    matches = [_match(left, right) for left, right in trees]
    together = compare(matches, _PAIR)
    assert list(together) == [compare_match(match, _PAIR) for match in matches]
    for (left, right), compared in zip(trees, together, strict=True):
        if _holds_groups(left) or _holds_groups(right):
            continue
        told = [(one.path, one.change.value) for one in compared.differences]
        assert told == sorted(told)
        assert [path for path, _ in told] == [path for path, _ in _told(left, right)]
        for one, (path, what) in zip(compared.differences, _told(left, right), strict=True):
            values = at(left, path), at(right, path)
            assert (one.left, type(one.left)) == (values[0], type(values[0]))
            assert (one.right, type(one.right)) == (values[1], type(values[1]))
            # A map beside a scalar is told as one value that changed.
            assert one.change.value == what or any(isinstance(value, dict) for value in values)
