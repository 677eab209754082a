"""Globs over kinds and dotted paths, compiled once.

`*` is any text within a step, `**` any number of steps, `{a,b}` alternatives, `[abc]` one character; a dot that belongs
to a step is written `\\.`. Case does not count, and a step is known by its own spelling and by its words joined with
underscores, so that `*_count` finds `replicaCount`, `replica-count` and `REPLICA_COUNT`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from auditor.values import words

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from auditor.model import Path

SEPARATOR = "\x1f"
_MAX_LENGTH = 2000
_MOST_SPELLINGS = 64


@dataclass(frozen=True, slots=True)
class PathGlob:
    """One compiled path glob: its spellings as steps, several where an alternative in braces holds a dot."""

    text: str
    spellings: tuple[tuple[str, ...], ...]

    def may_end_in(self, step: str) -> bool:
        """Whether a path whose last step is `step` can match at all: a cheap test before the whole one."""
        return any(steps[-1] == "**" or step_matches(steps[-1], step) for steps in self.spellings)

    def matches(self, path: Path) -> bool:
        meant = [_Meaning(step) for step in path]
        return any(steps_match(steps, meant) for steps in self.spellings)


def path_glob(text: str) -> PathGlob:
    """Compile one dotted glob. Raises ValueError with what is wrong, for a person."""
    if len(text) > _MAX_LENGTH:
        raise ValueError(f"is longer than {_MAX_LENGTH} characters")
    return PathGlob(text, tuple(_steps(spelling) for spelling in _spellings(text)))


def _steps(text: str) -> tuple[str, ...]:
    steps = _split(text)
    for step in steps:
        if not step:
            raise ValueError("has an empty step (two dots, or a dot at an end)")
        if step != "**":
            _step_pattern(step)
    # `**.**` says no more than `**`.
    return tuple(step for step, after in zip(steps, [*steps[1:], ""], strict=True) if step != "**" or after != "**")


def _spellings(text: str) -> list[str]:
    """`{a,b.c}.d` as `a.d` and `b.c.d`: an alternative of several steps cannot be part of one step."""
    depth, start, commas = 0, 0, [0]
    for index, char in enumerate(text):
        if text[index - 1 : index] == "\\":
            continue
        if char == "{":
            if depth == 0:
                start, commas = index, [index]
            depth += 1
        elif char == "," and depth == 1:
            commas.append(index)
        elif char == "}" and depth > 0:
            depth -= 1
            inside = text[start + 1 : index]
            if depth == 0 and re.search(r"(?<!\\)\.", inside):
                ends = [*commas[1:], index]
                parts = [text[first + 1 : end] for first, end in zip(commas, ends, strict=True)]
                found = [spelling for part in parts for spelling in _spellings(text[:start] + part + text[index + 1 :])]
                if len(found) > _MOST_SPELLINGS:
                    raise ValueError(f"stands for more than {_MOST_SPELLINGS} globs")
                return found
    return [text]


@lru_cache(maxsize=1024)
def kind_pattern(glob: str) -> re.Pattern[str]:
    """A glob over kinds: `*` also crosses dots (`aws.*` is every AWS kind). Raises ValueError."""
    return re.compile(_translate(glob, ".*"), re.IGNORECASE)


def _split(text: str) -> list[str]:
    steps, depth, current, escaped = [], 0, "", False
    for char in text:
        if escaped:
            current, escaped = current + "\\" + char, False
        elif char == "\\":
            escaped = True
        elif char == "." and depth == 0:
            steps.append(current)
            current = ""
        else:
            depth += (char == "{") - (char == "}")
            current += char
    if depth:
        raise ValueError("has a brace that is not closed" if depth > 0 else "closes a brace that was not opened")
    return [*steps, current]


@lru_cache(maxsize=4096)
def _step_pattern(step: str) -> re.Pattern[str]:
    return re.compile(_translate(step, f"[^{SEPARATOR}]*"), re.IGNORECASE)


def _translate(glob: str, star: str) -> str:
    out, depth, index = "", 0, 0
    while index < len(glob):
        char = glob[index]
        if char == "\\" and index + 1 < len(glob):
            index += 1
            out += re.escape(glob[index])
        elif char == "*":
            out += star
        elif char == "?":
            out += "."
        elif char == "[" and "]" in glob[index:]:
            end = glob.index("]", index)
            inside = glob[index + 1 : end]
            negated = inside.startswith("!")
            inside = inside.removeprefix("!").replace("\\", "\\\\").replace("[", "\\[")
            out += f"[{'^' if negated else ''}{inside}]"
            index = end
        elif char == "{":
            depth += 1
            out += "(?:"
        elif char == "}" and depth:
            depth -= 1
            out += ")"
        elif char == "," and depth:
            out += "|"
        else:
            out += re.escape(char)
        index += 1
    try:
        re.compile(out)
    except re.error as error:
        raise ValueError(f"is not a valid glob: {error}") from error
    return rf"\A(?:{out})\Z"


@lru_cache(maxsize=131072)
def snake(step: str) -> str:
    """The words of a step joined by underscores: `minReadySeconds` -> `min_ready_seconds`."""
    return "_".join(words(step))


@lru_cache(maxsize=262144)
def step_matches(pattern: str, step: str) -> bool:
    """Whether one step of a glob, which is not `**`, means this step of a path."""
    compiled = _step_pattern(pattern)
    return compiled.match(step) is not None or compiled.match(snake(step)) is not None


def steps_match(globs: Sequence[str], meant: Sequence[Container[str]]) -> bool:
    """Whether the steps of a glob mean a path, of each step of which `meant` holds the steps of globs that mean it.

    Matched like a shell's `**`: at most one position per star is tried again, so no glob is slow."""
    # Most globs are one step, wherever it stands or at the top.
    if len(globs) == 1 and globs[0] != "**":
        return len(meant) == 1 and globs[0] in meant[0]
    if len(globs) == 2 and globs[0] == "**":
        return bool(meant) and globs[1] in meant[-1]
    at, index, star, resume = 0, 0, -1, 0
    while index < len(meant):
        if at < len(globs) and globs[at] == "**":
            star, resume, at = at, index, at + 1
        elif at < len(globs) and globs[at] in meant[index]:
            at, index = at + 1, index + 1
        elif star >= 0:
            resume += 1
            at, index = star + 1, resume
        else:
            return False
    return all(glob == "**" for glob in globs[at:])


class _Meaning:
    """The steps of globs that mean one step of a path, each tried when it is asked for."""

    __slots__ = ("_step",)

    def __init__(self, step: str) -> None:
        self._step = step

    def __contains__(self, pattern: object) -> bool:
        return isinstance(pattern, str) and step_matches(pattern, self._step)
