"""Dotted patterns over paths: `*` is any one step, `**` any number of steps, `{a,b}` alternatives, `*text*` inside a step.

A step that holds a dot is written in quotes in messages; patterns match it with `*`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")
_BREAK = "\x1f"
_CACHE_SIZE = 65536


@lru_cache(maxsize=8192)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """A regular expression for `pattern` over the steps of a path joined by U+001F; letters match in either case."""
    parts = [_step(step) for step in pattern.split(".")]
    body = ""
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part == "**":
            body += rf"(?:[^{_BREAK}]*(?:{_BREAK}|\Z))*" if not last else ".*"
        else:
            body += part + ("" if last else _BREAK)
    return re.compile(rf"{body}\Z", re.IGNORECASE | re.DOTALL)


def matches(pattern: str, path: Sequence[str]) -> bool:
    """Whether the whole of `path` matches `pattern`."""
    return compile_pattern(pattern).match(_BREAK.join(path)) is not None


def dotted(path: Sequence[str]) -> str:
    """A path as a person reads it; a step with a dot or a blank in it stands in quotes."""
    return ".".join(f'"{step}"' if re.search(r"[.\s]", step) or not step else step for step in path)


class PathSet(Generic[T]):
    """Values by pattern; the first pattern that matches gives the value. Lookups are remembered."""

    def __init__(self, patterns: Mapping[str, T]) -> None:
        self._exact = {
            tuple(pattern.split(".")): value
            for pattern, value in patterns.items()
            if "*" not in pattern and "{" not in pattern
        }
        self._globs = [
            (compile_pattern(pattern), value) for pattern, value in patterns.items() if "*" in pattern or "{" in pattern
        ]
        self._known: dict[tuple[str, ...], T | None] = {}

    def get(self, path: tuple[str, ...]) -> T | None:
        if path in self._exact:
            return self._exact[path]
        if not self._globs:
            return None
        if path in self._known:
            return self._known[path]
        joined = _BREAK.join(path)
        value = next((value for pattern, value in self._globs if pattern.match(joined)), None)
        if len(self._known) < _CACHE_SIZE:
            self._known[path] = value
        return value

    def matches(self, path: tuple[str, ...]) -> bool:
        return self.get(path) is not None


def _step(step: str) -> str:
    if step == "**":
        return step
    body = ""
    for piece in re.split(r"(\*|\?|\{[^}]*\})", step):
        if piece == "*":
            body += rf"[^{_BREAK}]*"
        elif piece == "?":
            body += rf"[^{_BREAK}]"
        elif piece.startswith("{"):
            body += "(?:" + "|".join(_step(option) for option in piece[1:-1].split(",")) + ")"
        else:
            body += re.escape(piece)
    return body
