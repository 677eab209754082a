"""Unnamed items are told by what they say, however deep that stands."""

from __future__ import annotations

import json

from auditor.counterparts import counterparts
from auditor.model import Json


def _nested(levels: int, host: str) -> Json:
    value: Json = f'https://{host}/"api"'
    for _ in range(levels):
        value = {"below": [value]}
    return value


def test_items_at_other_hosts_belong_together_however_deep_they_nest() -> None:
    """In room that grows with the item: quoted anew at each level, forty would take more than there is."""
    ours = {"#1": _nested(40, "shop.staging.example"), "#2": {"other": 1}}
    theirs = {"#3": _nested(40, "shop.example.org"), "#4": {"another": 2}}
    assert counterparts(ours, theirs, [*ours], [*theirs], lambda _, __: False) == [("#1", "#3")]


def test_what_differs_below_does_not_belong_together() -> None:
    ours, theirs = {"#1": _nested(3, "a.example.org"), "#2": 1}, {"#3": _nested(4, "b.example.org"), "#4": 2}
    assert json.dumps(ours["#1"]) != json.dumps(theirs["#3"])
    assert counterparts(ours, theirs, [*ours], [*theirs], lambda _, __: True) == []
