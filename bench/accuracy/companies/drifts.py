"""What is planted, and where it must be found: every drift with a label that was written without looking at the tool.

`least` is the lowest severity that a careful engineer would accept for it; anything graver is fine, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from random import Random

from auditor.model import Breach, Severity
from bench.accuracy.companies.estate import Both, Item


@dataclass(frozen=True)
class Label:
    """One planted drift. `path` is a glob over the finding's dotted path, empty for the resource itself; `also` are
    globs of what else it is right to say because of it."""

    drift: str
    kind: str
    left: str | None
    right: str | None
    path: str
    least: Severity
    about: str
    also: tuple[str, ...] = ()

    def explains(self, breach: Breach) -> bool:
        """Whether a finding says this, or something that follows from it."""
        return self._is_about(breach) and any(_is_at(breach, glob) for glob in (self.path, *self.also))

    def met_by(self, breach: Breach) -> bool:
        return self._is_about(breach) and _is_at(breach, self.path) and breach.severity.rank >= self.least.rank

    def _is_about(self, breach: Breach) -> bool:
        if breach.kind != self.kind:
            return False
        known = {name for name in (self.left, self.right) if name is not None}
        return bool(known & {breach.left.identity, breach.right.identity})


def _is_at(breach: Breach, glob: str) -> bool:
    """Whether a finding is at a place. Its path is in normal form, where `STAGE_COUNT` may have become `{env}_COUNT`."""
    path = ".".join(breach.path)
    return fnmatchcase(path, glob) or ("{env}" in path and fnmatchcase(glob, path.replace("{env}", "*")))


@dataclass
class Sites:
    """Where something can still be planted: nothing is planted twice in one place."""

    both: Both
    random: Random
    taken: set[tuple[str, str]]

    def free(self, pairs: list[tuple[Item, Item]], path: str = "") -> Iterator[tuple[Item, Item]]:
        """The pairs, in random order, of which nothing at `path` was touched; the one that is taken has to be claimed."""
        order = list(pairs)
        self.random.shuffle(order)
        return (pair for pair in order if not self.is_taken(pair[0].uid, path))

    def is_taken(self, uid: str, path: str) -> bool:
        return any(
            uid == known
            and (not path or not below or path == below or path.startswith(below + ".") or below.startswith(path + "."))
            for known, below in self.taken
        )

    def claim(self, uid: str, path: str) -> None:
        self.taken.add((uid, path))


Planter = Callable[[Sites], Label | None]
MOST = 24


def plant(both: Both, random: Random) -> tuple[Label, ...]:
    """Plant a handful of drifts, more in a large company, of kinds that the company has room for."""
    from bench.accuracy.companies import drifts_cloud, drifts_files, drifts_presence, drifts_variables

    planters: list[Planter] = [
        *drifts_variables.PLANTERS, *drifts_cloud.PLANTERS, *drifts_files.PLANTERS, *drifts_presence.PLANTERS
    ]  # fmt: skip
    sites = Sites(both, random, set())
    wanted = min(MOST, 4 + len(both.left.items) // 12)
    random.shuffle(planters)
    labels: list[Label] = []
    for planter in planters * 2:
        if len(labels) >= wanted:
            break
        label = planter(sites)
        if label is not None:
            labels.append(label)
    return tuple(labels)
