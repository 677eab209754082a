"""Globs asked step by step say what they say of the whole path."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.descent import beginning
from auditor.globs import path_glob

GLOBS = (
    "**",
    "a",
    "a.*",
    "**.a",
    "a.**",
    "a.**.b",
    "**.a.**.b",
    "*.*",
    "{a,b.c}.d",
    "a.0",
    "a.1.b",
    "*.b.**",
    "a*",
    "**.*_count",
)
STEPS = ("a", "b", "c", "d", "0", "1", "ab", "replicaCount", "")


def meant(globs: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Matched from the beginning, with and without its numbers."""
    plain = tuple(step for step in path if not step.isdigit())
    return any(path_glob(glob).matches(path) or path_glob(glob).matches(plain) for glob in globs)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(GLOBS), max_size=3).map(tuple),
    st.lists(st.sampled_from(GLOBS), max_size=3).map(tuple),
    st.lists(st.sampled_from(STEPS), max_size=6).map(tuple),
)
def test_each_step_says_what_the_path_says(
    secret: tuple[str, ...], references: tuple[str, ...], path: tuple[str, ...]
) -> None:
    """Every beginning of a path, for both sets of globs."""
    place = beginning(secret, references)
    for end in range(len(path) + 1):
        assert (place.secret, place.reference) == (meant(secret, path[:end]), meant(references, path[:end])), path[:end]
        if end < len(path):
            place = place.below(path[end])


def test_very_many_keys_are_not_all_remembered() -> None:
    """A map whose keys are data has any number of them, and a long one may be anything."""
    place = beginning(("a.*.b",), ())
    below = place.below("a")
    for number in range(3000):
        assert below.below(f"key {number}").below("b").secret
    long = "x" * 65
    assert below.below(long).below("b").secret
    remembered = below.known
    assert len(remembered) < 1100
    assert long not in remembered


def test_what_is_no_glob_is_refused() -> None:
    """As where it is declared."""
    with pytest.raises(ValueError, match="empty step"):
        beginning(("a..b",), ())
