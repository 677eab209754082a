"""Answers that are valid JSON and yet not what an API documents: told by what was expected where, never by Python's errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from auditor.errors import CollectError
from auditor.model import GapReason

_T = TypeVar("_T")
_CALLED = {str: "a text", int: "a number", float: "a number", bool: "true or false", list: "a list", dict: "a map"}


def as_type(value: Any, wanted: type[_T], what: str) -> _T:
    """`value`, if it is what the API promises. Raises CollectError (malformed) otherwise: `what` is no answer of it.

    What the value says is never repeated: it may be a secret."""
    if isinstance(value, wanted) and not (isinstance(value, bool) and wanted is not bool):
        return value
    said = "missing in it" if value is None else f"{_CALLED[type(value)]} in it, and not {_CALLED[wanted]}"
    raise CollectError(GapReason.MALFORMED, f"the answer is not what was asked for: {what} is {said}")


def listed(value: Any, what: str, item: str) -> list[dict[str, Any]]:
    """A list of maps. Raises CollectError."""
    return [as_type(one, dict, item) for one in as_type(value, list, what)]


def text(item: Mapping[str, Any], key: str, of: str) -> str:
    """The text under a key that every such thing has. Raises CollectError."""
    return as_type(item.get(key), str, f"`{key}` of {of}")


def maybe(item: Mapping[str, Any], key: str, wanted: type[_T], of: str) -> _T | None:
    """What stands under a key that may be missing, or null. Raises CollectError where it is of another type."""
    value = item.get(key)
    return None if value is None else as_type(value, wanted, f"`{key}` of {of}")
