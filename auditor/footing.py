"""What a kind declares of the places in its documents, asked step by step on the way down through one.

A walk takes the same ways through thousands of documents, so where a step leads is remembered, and no path is spelled out twice.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from auditor.paths import PathSet
from auditor.values import words

if TYPE_CHECKING:
    from auditor.model import Kind

_ORDERED_WORDS = frozenset({"command", "cmd", "args", "arguments", "argv", "entrypoint"})
# Names of items are steps, too, and of these there is no end.
_MOST_REMEMBERED = 32_768


class Footing:
    """Where a walk stands, after `step`. `volatile`: what stands here says nothing of parity. `known` is where steps led
    before: look there first, and ask `below` for what it does not have."""

    __slots__ = ("_ground", "_listed", "_path", "known", "step", "volatile")

    def __init__(self, ground: Ground, path: tuple[str, ...]) -> None:
        self._ground, self._path = ground, path
        self._listed: tuple[bool, str | None] | None = None
        self.known: dict[str, Footing] = {}
        self.step = path[-1] if path else ""
        self.volatile = ground.is_volatile(path)

    def below(self, step: str) -> Footing:
        """Where `step` leads."""
        found = self.known.get(step)
        if found is None:
            found = Footing(self._ground, (*self._path, step))
            self._ground.remember(self.known, step, found)
        return found

    def listed(self) -> tuple[bool, str | None]:
        """Of a list that stands here: whether its order has a meaning, and the attribute declared to tell its items apart."""
        if self._listed is None:
            self._listed = self._ground.is_ordered(self._path), self._ground.key_of(self._path)
        return self._listed


class Ground:
    """What one kind declares of all places. Safe to share between threads. `most` is how many steps are remembered."""

    def __init__(
        self,
        volatile: tuple[str, ...],
        ordered: tuple[str, ...],
        keyed: tuple[tuple[str, str], ...],
        most: int = _MOST_REMEMBERED,
    ) -> None:
        self._volatile = PathSet(dict.fromkeys(volatile, True))
        self._ordered = PathSet(dict.fromkeys(ordered, True))
        self._keyed = PathSet(dict(keyed))
        self._top = Footing(self, ())
        self._remembered, self._most = 0, most

    def top(self) -> Footing:
        """Where every walk begins."""
        if self._remembered >= self._most:
            self._top, self._remembered = Footing(self, ()), 0
        return self._top

    def remember(self, among: dict[str, Footing], step: str, found: Footing) -> None:
        if self._remembered < self._most:
            among[step] = found
            self._remembered += 1

    def is_volatile(self, path: tuple[str, ...]) -> bool:
        """Whether what stands at `path` says nothing of parity. The whole document always does."""
        return bool(path) and self._volatile.matches(path)

    def is_ordered(self, path: tuple[str, ...]) -> bool:
        """Whether the order of the list at `path` has a meaning."""
        return self._ordered.matches(path) or not _ORDERED_WORDS.isdisjoint(words(path[-1])[-1:])

    def key_of(self, path: tuple[str, ...]) -> str | None:
        """The attribute that is declared to tell the items of the list at `path` apart."""
        return self._keyed.get(path)


def ground_of(kind: Kind) -> Ground:
    return _ground(kind.volatile, kind.ordered, tuple(kind.keyed.items()))


@lru_cache(maxsize=1024)
def _ground(volatile: tuple[str, ...], ordered: tuple[str, ...], keyed: tuple[tuple[str, str], ...]) -> Ground:
    return Ground(volatile, ordered, keyed)
