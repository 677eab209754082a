"""A document as nobody promised it: another value at every place, one at a time."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from auditor.model import Path


def other_shapes(document: Any) -> Iterator[tuple[Path, Any, Any]]:
    """Each place of a document, what stands there instead (`...` for nothing at all), and the document with it.

    Of a list the first item is changed: the others are alike."""
    for place in _places(document):
        at = document
        for step in place:
            at = at[step]
        for value in _others(at):
            if place or value is not ...:
                yield place, value, _changed(document, place, value)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, item in items:
        yield from _places(item, (*path, key))


def _others(value: Any) -> tuple[Any, ...]:
    """Nothing, and values of other types, some with something in them."""
    if isinstance(value, dict):
        return (None, [], ["x"], "x", 7, ...)
    return (None, {}, "x", 7, [None], [{"x": None}], ...) if isinstance(value, list) else (None, {"x": None}, [[]], ...)


def _changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    found = copy.deepcopy(document)
    at = found
    for step in path[:-1]:
        at = at[step]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return found
