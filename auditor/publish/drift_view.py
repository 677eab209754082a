"""What `audit drift` shows, before anyone chooses words for a format: what changed, bundled by cause, and what was not seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from auditor.deployed import TELLING
from auditor.drift import Changed, Course
from auditor.drift_causes import Bundle, InTime, Leaf, bundled
from auditor.publish.gap_groups import GapGroup, gap_groups
from auditor.publish.moves import between
from auditor.publish.spelling import brief, count, instant

if TYPE_CHECKING:
    from auditor.drift import Drifted, Unseen
    from auditor.model import Gap
    from auditor.promotion import Deployment

NOTHING, CHANGES, INCOMPLETE = 0, 1, 3


@dataclass(frozen=True, slots=True)
class Hidden:
    """Gaps that the same looks had."""

    group: GapGroup
    looks: int
    first: datetime
    last: datetime
    still: bool


@dataclass(frozen=True, slots=True)
class Released:
    """A version that began to run within the time. `was` is what ran before it, where that is known.

    `ended`: whether it runs no more; None where the last look might not have seen it."""

    deployment: Deployment
    was: str | None
    ended: bool | None


@dataclass(frozen=True, slots=True)
class DriftView:
    """`changed` is another at the end; `back` was changed and is as it was, or went to and fro."""

    drifted: Drifted
    changed: tuple[Bundle[Changed], ...]
    back: tuple[Bundle[Changed], ...]
    released: tuple[Released, ...]
    hidden: tuple[Hidden, ...]

    @property
    def incomplete(self) -> bool:
        """Whether something may have changed that nobody saw."""
        drifted = self.drifted
        return bool(drifted.unseen) or drifted.looks < 2 or drifted.cut_short or bool(drifted.newly_seen)

    @property
    def exit_code(self) -> int:
        if self.drifted.changes:
            return CHANGES
        return INCOMPLETE if self.incomplete else NOTHING

    @property
    def headline(self) -> str:
        """The whole in a sentence."""
        drifted = self.drifted
        name = brief(drifted.environment)
        if drifted.looks < 2:
            if drifted.base > drifted.since:
                return f"There is only one snapshot of {name}, of {instant(drifted.base)}: nothing to compare it with."
            return f"No snapshot of {name} was taken since {instant(drifted.since)}; the last one is of {instant(drifted.base)}."
        times = f"between {instant(drifted.base)} and {instant(drifted.last)}"
        if not drifted.changes:
            doubt = "Nothing was seen to change" if self.incomplete else "Nothing changed"
            return f"{doubt} in {name} {times}."
        numbers = [count(sum(len(bundle.members) for bundle in self.changed), "change")] if self.changed else []
        if self.back:
            numbers.append(f"{sum(len(bundle.members) for bundle in self.back)} changed and changed back")
        return f"{', '.join(numbers)} in {name} {times}."

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be known of the time, the snapshots and their gaps."""
        drifted = self.drifted
        found = []
        if drifted.cut_short:
            found.append(
                f"There are more than {drifted.looks} snapshots since then; only the last {drifted.looks} were looked at."
            )
        elif drifted.base > drifted.since and drifted.looks > 1:
            found.append(
                f"The first snapshot that is kept is of {instant(drifted.base)}: what changed before is not known."
            )
        if drifted.newly_seen:
            found.append(
                f"{count(drifted.newly_seen, 'resource')} could be seen for the first time: whether they are new is not known."
            )
        return tuple(found)


def drift_view(drifted: Drifted, deployments: Sequence[Deployment] = ()) -> DriftView:
    """`deployments` are those that ran in the environment at any time from the first of the looks on."""
    return DriftView(
        drifted,
        bundled(drifted.of(Course.CHANGED), _leaf, InTime()),
        bundled(drifted.of(Course.UNDONE, Course.FLAPPED), _leaf, InTime()),
        _released(drifted, deployments),
        _hidden(drifted.unseen),
    )


def when(change: Changed) -> str:
    """When the value that is there now was first seen, and how often the place changed."""
    steps = change.steps
    if change.course is Course.UNDONE and len(steps) == 2:
        return f"{between(steps[0].after, steps[0].by)}, back {between(steps[1].after, steps[1].by)}"
    if len(steps) == 1:
        return between(change.after, change.by)
    often = f"changed {len(steps)} times from {instant(steps[0].by)} on, last {between(change.after, change.by)}"
    return f"went to and fro: {often}" if change.course is Course.FLAPPED else often


def away(change: Changed) -> tuple[object, object]:
    """What it was, and what it became: at the end, or in between where it is as it was."""
    leaf = _leaf(change)
    return leaf.old, leaf.new


def _leaf(change: Changed) -> Leaf:
    new = change.new if change.course is Course.CHANGED else change.steps[0].new
    return Leaf(change.kind, change.identity, change.path, change.old, new)


def _released(drifted: Drifted, deployments: Sequence[Deployment]) -> tuple[Released, ...]:
    """In the order in which they were first seen. What only was not seen for a while was not deployed again."""
    stretches: dict[str, list[Deployment]] = defaultdict(list)
    for deployment in sorted(deployments, key=lambda one: (one.first_seen, one.component, one.version)):
        known = stretches[deployment.component]
        before = known[-1] if known else None
        after = deployment.after
        if before is None or after is None or any(each.last_seen >= after for each in known):
            known.append(deployment)
        elif (before.version, before.digest) == (deployment.version, deployment.digest):
            known[-1] = replace(before, last_seen=deployment.last_seen, running=deployment.running)
        else:
            # Looks that did not show the component at all do not tell that it was not deployed yet.
            known.append(replace(deployment, after=before.last_seen))
    blind = any(unseen.still and _may_hide_releases(unseen.gap) for unseen in drifted.unseen)
    found = []
    for known in stretches.values():
        gone = None if blind and not any(each.running for each in known) else True
        for before, deployment in zip((None, *known), known, strict=False):
            if drifted.base < deployment.first_seen <= drifted.last:
                last = deployment is known[-1]
                ended = False if deployment.running else gone if last else True
                found.append(Released(deployment, before.version if before is not None else None, ended))
    return tuple(sorted(found, key=lambda one: (one.deployment.first_seen, one.deployment.component)))


def _may_hide_releases(gap: Gap) -> bool:
    return gap.attribute is None and any(fnmatchcase(kind, gap.kind) for kind in TELLING)


def _hidden(unseen: Sequence[Unseen]) -> tuple[Hidden, ...]:
    together: dict[tuple[int, datetime, datetime, bool], list[Unseen]] = defaultdict(list)
    for one in unseen:
        together[(one.looks, one.first, one.last, one.still)].append(one)
    return tuple(
        Hidden(group, *key)
        for key, members in sorted(together.items(), key=lambda item: (item[0][1], item[0][2]))
        for group in gap_groups(one.gap for one in members)
    )
