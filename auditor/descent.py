"""Globs over paths, asked step by step on the way down through a document, so that no path is matched from its beginning.

A walk stands somewhere among its globs; each step leads to the next such place, and where a step led before is remembered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import TypeAlias

from auditor.globs import path_glob, step_matches

# How far each spelling of each glob has come: (its number, its next step). Once for the path as it is, and once for the path
# without its numbers, since a list that will be keyed may be counted as a step or not.
_Progress: TypeAlias = frozenset[tuple[int, int]]
_MOST_REMEMBERED = 1024
# What is longer is no name of an attribute.
_LONGEST_REMEMBERED = 64


class Place:
    """Where a walk stands. `secret` and `reference` say whether one of those globs means the path that led here. `known` is
    where steps led before: look there first, and ask `below` for what it does not have."""

    __slots__ = ("_among", "_counted", "_plain", "known", "reference", "secret")

    def __init__(self, among: _Globs, counted: _Progress, plain: _Progress) -> None:
        self._among, self._counted, self._plain = among, counted, plain
        self.known: dict[str, Place] = {}
        self.secret, self.reference = among.ends(counted | plain)

    def below(self, step: str) -> Place:
        """Where `step` leads."""
        found = self.known.get(step)
        if found is not None:
            return found
        if not (self._counted or self._plain):
            return self
        found = self._among.below(step, self._counted, self._plain)
        if len(step) <= _LONGEST_REMEMBERED:
            if len(self.known) >= _MOST_REMEMBERED:
                self.known.clear()
            self.known[step] = found
        return found


@lru_cache(maxsize=1024)
def beginning(secret: tuple[str, ...], references: tuple[str, ...]) -> Place:
    """Where a walk begins that asks for two sets of globs. Raises ValueError for one that is none."""
    return _Globs(secret, references).place(None, None)


class _Globs:
    """The steps of all spellings, those of secrets first."""

    def __init__(self, secret: Iterable[str], references: Iterable[str]) -> None:
        secrets = [steps for glob in secret for steps in path_glob(glob).spellings]
        self._steps = [*secrets, *(steps for glob in references for steps in path_glob(glob).spellings)]
        self._secrets = len(secrets)
        self._places: dict[tuple[_Progress, _Progress], Place] = {}

    def place(self, counted: _Progress | None, plain: _Progress | None) -> Place:
        """The one place of this progress; None is the beginning."""
        beginning = self._closed((number, 0) for number in range(len(self._steps)))
        key = beginning if counted is None else counted, beginning if plain is None else plain
        found = self._places.get(key)
        if found is None:
            if len(self._places) >= _MOST_REMEMBERED:
                self._places.clear()
            found = self._places[key] = Place(self, *key)
        return found

    def below(self, step: str, counted: _Progress, plain: _Progress) -> Place:
        return self.place(self._taken(step, counted), plain if step.isdigit() else self._taken(step, plain))

    def ends(self, progress: Collection[tuple[int, int]]) -> tuple[bool, bool]:
        """Whether a glob of a secret, and whether one of a reference, has come to its end."""
        ended = [number for number, at in progress if at == len(self._steps[number])]
        return any(number < self._secrets for number in ended), any(number >= self._secrets for number in ended)

    def _taken(self, step: str, progress: _Progress) -> _Progress:
        return self._closed(
            (number, at if self._steps[number][at] == "**" else at + 1)
            for number, at in progress
            if at < len(self._steps[number])
            and (self._steps[number][at] == "**" or step_matches(self._steps[number][at], step))
        )

    def _closed(self, progress: Iterable[tuple[int, int]]) -> _Progress:
        """With all that `**` may stand for no step at all."""
        found: set[tuple[int, int]] = set()
        for number, first in progress:
            steps, at = self._steps[number], first
            found.add((number, at))
            while at < len(steps) and steps[at] == "**":
                at += 1
                found.add((number, at))
        return frozenset(found)
