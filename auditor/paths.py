"""Paths as people read and write them: dotted in messages, globs in declarations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, TypeVar

from auditor.globs import path_glob

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

T = TypeVar("T")
_MOST_REMEMBERED = 65536

UNKEYED = "\x1d#"
"""Beginning of a map key that stands for a list item nothing names: it is taken from content, and never shown.

A control character, since keys of people do begin with `#`: colours, channels."""
ITEM = "*"
"""The step that is shown in its place."""


def shown(path: tuple[str, ...]) -> tuple[str, ...]:
    """The path without the keys of unnamed items, which are made of their values."""
    return tuple(ITEM if step.startswith(UNKEYED) else step for step in path)


def free_key(key: str, taken: Container[str]) -> str:
    """A key that is not taken: two names may become one when an environment's name is set aside."""
    unique, count = key, 2
    while unique in taken:
        unique, count = f"{key}~{count}", count + 1
    return unique


def matches(pattern: str, path: Sequence[str]) -> bool:
    """Whether the whole of `path` matches the glob `pattern`."""
    return path_glob(pattern).matches(tuple(path))


def dotted(path: Sequence[str]) -> str:
    """A path as a person reads it; a step with a dot or a blank in it stands in quotes."""
    return ".".join(f'"{step}"' if re.search(r"[.\s]", step) or not step else step for step in path)


_READ = re.compile(r'"((?:[^"\\]|\\.)*)"|((?:\\.|[^."\\])+)')


def read(text: str) -> tuple[str, ...]:
    """A dotted path as reports print it: a step with a dot in it stands in quotes, or escapes it as in rules.

    Raises ValueError where no step is named."""
    steps = tuple(
        quoted.replace('\\"', '"') if quoted else plain.replace("\\.", ".") for quoted, plain in _READ.findall(text)
    )
    if not steps:
        raise ValueError("names no step")
    return steps


class PathSet(Generic[T]):
    """Values by glob; the first glob that matches a path gives its value. Answers are remembered."""

    def __init__(self, globs: Mapping[str, T]) -> None:
        self._globs = [(path_glob(glob), value) for glob, value in globs.items()]
        self._known: dict[tuple[str, ...], T | None] = {}

    def get(self, path: tuple[str, ...]) -> T | None:
        """The value of the first glob that matches, None where none does."""
        if not self._globs:
            return None
        if path in self._known:
            return self._known[path]
        last = path[-1]
        value = next((value for glob, value in self._globs if glob.may_end_in(last) and glob.matches(path)), None)
        if len(self._known) < _MOST_REMEMBERED:
            self._known[path] = value
        return value

    def matches(self, path: tuple[str, ...]) -> bool:
        return self.get(path) is not None
