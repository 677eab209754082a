"""What changed in one environment over time: the words for it. `drift_walk.py` finds it out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from auditor.model import ABSENT, Absent, Gap, Json, Path


class Course(StrEnum):
    """How a place went: it is another at the end; it is as it was; it went to and fro."""

    CHANGED = "changed"
    UNDONE = "undone"
    FLAPPED = "flapped"


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one place, seen between two looks. Values as the source spells them; of a resource itself, `true`."""

    old: Json | Absent
    new: Json | Absent
    after: datetime
    by: datetime


@dataclass(frozen=True, slots=True)
class Changed:
    """A place that changed. `path` is () for the resource itself; `old` and `new` are of the beginning and the end.

    `steps` are in order; of a place that is as it was, they say what it was in between."""

    kind: str
    identity: str
    path: Path
    old: Json | Absent
    new: Json | Absent
    steps: tuple[Step, ...]
    region: str | None = None

    @property
    def course(self) -> Course:
        values = [spelled(self.steps[0].old), *(spelled(step.new) for step in self.steps)]
        returns = len(values) - len(set(values))
        if returns > 2:
            return Course.FLAPPED
        return Course.UNDONE if spelled(self.old) == spelled(self.new) else Course.CHANGED

    @property
    def after(self) -> datetime:
        return self.steps[-1].after

    @property
    def by(self) -> datetime:
        """When the first look saw what is there now."""
        return self.steps[-1].by


@dataclass(frozen=True, slots=True)
class Unseen:
    """A gap, and the looks that had it: `looks` of them, from the one at `first` to the one at `last`."""

    gap: Gap
    looks: int
    first: datetime
    last: datetime
    still: bool


@dataclass(frozen=True, slots=True)
class Drifted:
    """What changed in an environment between the looks `base` and `last`, of `looks` looks in all.

    `since` is what was asked for. `cut_short`: there are snapshots from then that were not looked at. `newly_seen` counts
    resources that were first observed within the time, so that nobody knows whether they came."""

    environment: str
    since: datetime
    base: datetime
    last: datetime
    looks: int
    changes: tuple[Changed, ...]
    unseen: tuple[Unseen, ...]
    newly_seen: int = 0
    cut_short: bool = False

    def of(self, *courses: Course) -> tuple[Changed, ...]:
        return tuple(change for change in self.changes if change.course in courses)


def spelled(value: Json | Absent) -> str:
    """Equal for equal values only: `true` is not `1`, absent not null."""
    return "" if value is ABSENT else json.dumps(value, sort_keys=True)
