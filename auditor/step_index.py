"""Which of hundreds of patterns mean one step of a path, found by looking it up instead of trying each in turn.

Nearly every pattern of a policy is a word, a beginning or an end of one, or a choice of such: `{*_,}{cpu,memory}{_*,}`.
Written out these are texts, which one step can be asked of all at once. What cannot be written out is tried as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import product

from auditor.globs import SEPARATOR, snake, step_matches

_MOST_SPELLINGS = 256
# What may stand anywhere in a step is looked for where its first letters stand.
_START = 3
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/@ ")
# A star, in a pattern that is written out.
_STAR = None


class StepIndex:
    """Patterns of one step each. `matching` says of a step what `step_matches` says of it and each of them."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = frozenset(patterns)
        self._whole: dict[str, set[str]] = defaultdict(set)
        self._ends: dict[str, set[str]] = defaultdict(set)
        self._beginnings: dict[str, set[str]] = defaultdict(set)
        self._inside: dict[str, set[str]] = defaultdict(set)
        self._tried: set[str] = set()
        for pattern in self._patterns:
            self._add(pattern)
        self._of_end = _by_length(self._ends)
        self._of_beginning = _by_length(self._beginnings)
        self._of_start: dict[str, list[tuple[str, set[str]]]] = defaultdict(list)
        for text, found in self._inside.items():
            if len(text) >= _START:
                self._of_start[text[:_START]].append((text, found))
        self._short = [(text, found) for text, found in self._inside.items() if len(text) < _START]

    def matching(self, step: str) -> frozenset[str]:
        """The patterns that mean this step."""
        # Letters of other scripts have more than one small form, and no star stands for the separator.
        if not step.isascii() or SEPARATOR in step:
            return frozenset(pattern for pattern in self._patterns if step_matches(pattern, step))
        found: set[str] = set()
        for text in {step.lower(), snake(step)}:
            found |= self._whole.get(text, _NOTHING)
            for length, ends in self._of_end:
                if length > len(text):
                    break
                found |= ends.get(text[len(text) - length :], _NOTHING)
            for length, beginnings in self._of_beginning:
                if length > len(text):
                    break
                found |= beginnings.get(text[:length], _NOTHING)
            for at in range(len(text)):
                for inside, patterns in self._of_start.get(text[at : at + _START], ()):
                    if text.startswith(inside, at):
                        found |= patterns
            for inside, patterns in self._short:
                if inside in text:
                    found |= patterns
        found.update(pattern for pattern in self._tried if step_matches(pattern, step))
        return frozenset(found)

    def _add(self, pattern: str) -> None:
        spellings = _written_out(pattern)
        if spellings is None:
            self._tried.add(pattern)
            return
        for parts in spellings:
            texts = [part for part in parts if part is not _STAR]
            text = texts[0] if texts else ""
            if len(texts) > 1:
                self._tried.add(pattern)
            elif len(parts) == len(texts):
                self._whole[text].add(pattern)
            elif not texts:
                self._inside[""].add(pattern)
            elif len(parts) > 2:
                self._inside[text].add(pattern)
            elif parts[0] is _STAR:
                self._ends[text].add(pattern)
            else:
                self._beginnings[text].add(pattern)


_NOTHING: frozenset[str] = frozenset()


def _by_length(texts: Mapping[str, set[str]]) -> list[tuple[int, dict[str, set[str]]]]:
    found: dict[int, dict[str, set[str]]] = defaultdict(dict)
    for text, patterns in texts.items():
        found[len(text)][text] = patterns
    return sorted(found.items())


def _written_out(pattern: str) -> set[tuple[str | None, ...]] | None:
    """All that a pattern stands for, each as texts in small letters and stars; None where it cannot be written out."""
    found, end = _sequence(pattern, 0, 0)
    if found is None or end != len(pattern):
        return None
    return {_joined(parts) for parts in found}


def _sequence(pattern: str, at: int, depth: int) -> tuple[list[tuple[str | None, ...]] | None, int]:
    """What stands from `at` up to the end of the pattern, or of the alternative that it is in; and where that is."""
    found: list[tuple[str | None, ...]] = [()]
    while at < len(pattern):
        char = pattern[at]
        if depth and char in ",}":
            break
        if char == "{":
            choices: list[tuple[str | None, ...]] = []
            while at < len(pattern) and pattern[at] != "}":
                some, at = _sequence(pattern, at + 1, depth + 1)
                if some is None:
                    return None, at
                choices += some
            if at == len(pattern) or len(found) * len(choices) > _MOST_SPELLINGS:
                return None, at
            found = [(*before, *after) for before, after in product(found, choices)]
        elif char == "*":
            found = [(*before, _STAR) for before in found]
        elif char in _PLAIN:
            found = [(*before, char.lower()) for before in found]
        else:
            return None, at
        at += 1
    return found, at


def _joined(parts: tuple[str | None, ...]) -> tuple[str | None, ...]:
    """Letters run together, and stars that follow each other made one."""
    found: list[str | None] = []
    for part in parts:
        if part is _STAR:
            if not found or found[-1] is not _STAR:
                found.append(_STAR)
        elif found and found[-1] is not _STAR:
            found[-1] = f"{found[-1]}{part}"
        else:
            found.append(part)
    return tuple(found)
