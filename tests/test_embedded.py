"""JSON inside texts."""

from __future__ import annotations

import pytest

from auditor.embedded import embedded


@pytest.mark.parametrize(
    ("text", "document"),
    [('{"a": [1, 2.5]}', {"a": [1, 2.5]}), (' ["x"] ', ["x"]), ("[not json]", None), ("5", None), ('"text"', None)],
)
def test_an_object_or_a_list_is_a_document(text: str, document: object) -> None:
    """Everything else is only text."""
    assert embedded(text) == document


def test_numbers_that_json_has_not_stay_text() -> None:
    """NaN differs from itself, and one infinity equals every other: neither may be compared as a number."""
    assert embedded('{"a": NaN, "b": 1e999, "c": -Infinity}') == {"a": "NaN", "b": "1e999", "c": "-Infinity"}


@pytest.mark.parametrize(("depth", "is_document"), [(100, True), (101, False), (900, False), (100_000, False)])
def test_what_nests_beyond_measure_stays_text(depth: int, is_document: bool) -> None:
    """No text, however deep, runs into the limits of the interpreter."""
    assert (embedded("[" * depth + "]" * depth) is not None) is is_document
