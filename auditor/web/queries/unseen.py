"""Everything that is not observed now, in all environments: why, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.doctor import diagnose
from auditor.model import Gap, GapReason, Listing, Snapshot
from auditor.publish.gap_groups import MEANINGS, GapGroup, gap_groups

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.collector import Grant
    from auditor.config import Config
    from auditor.store import SnapshotInfo, Store


@dataclass(frozen=True, slots=True)
class Hidden:
    """What one reason hides in one source. `grant` is the smallest change that would help, where that is known; `takes`
    what its collector needs besides, where it is not. `taken_at` is None for what only comparing two sides shows."""

    group: GapGroup
    grant: Grant | None
    takes: tuple[str, ...]
    taken_at: datetime | None


@dataclass(frozen=True, slots=True)
class Section:
    """One reason with all that it hides."""

    reason: GapReason
    meaning: str
    hidden: tuple[Hidden, ...]


@dataclass(frozen=True, slots=True)
class Unseen:
    """`never` are environments that were never observed; `observed` counts those that were."""

    sections: tuple[Section, ...]
    never: tuple[str, ...]
    environments: tuple[str, ...]
    observed: int

    @property
    def total(self) -> int:
        return sum(len(section.hidden) for section in self.sections)


def unseen(store: Store, config: Config, environment: str = "") -> Unseen:
    """Of all configured environments, or of one. Reads of each only what its last snapshot says besides resources."""
    names = [environment] if environment else list(config.environments)
    newest = {name: next(iter(store.snapshots(name, limit=1)), None) for name in names}
    found: list[Hidden] = []
    for info in newest.values():
        if info is not None and info.gaps:
            found += _of_snapshot(store, config, info)
    found += _one_sided(store, config, names)
    by_reason: dict[GapReason, list[Hidden]] = {reason: [] for reason in GapReason}
    for one in found:
        by_reason[one.group.reason].append(one)
    return Unseen(
        sections=tuple(Section(reason, MEANINGS[reason], tuple(of)) for reason, of in by_reason.items() if of),
        never=tuple(name for name, info in newest.items() if info is None),
        environments=tuple(config.environments),
        observed=sum(info is not None for info in newest.values()),
    )


def _of_snapshot(store: Store, config: Config, info: SnapshotInfo) -> list[Hidden]:
    gaps, listings = _facts(store, info)
    # What is diagnosed is what was refused; that the resources are not there changes nothing of it.
    light = Snapshot(info.id, info.environment, info.taken_at, (), gaps, listings)
    known = {one.source: one for one in diagnose(config.environment(info.environment), light)}
    hidden: list[Hidden] = []
    for group in gap_groups(gaps):
        diagnosis = known.get(group.source) if group.reason is GapReason.ACCESS_DENIED else None
        grant, takes = (diagnosis.grant, diagnosis.takes) if diagnosis is not None else (None, ())
        hidden.append(Hidden(group, grant, takes, info.taken_at))
    return hidden


def _one_sided(store: Store, config: Config, names: Sequence[str]) -> list[Hidden]:
    """Kinds that only the other side of a pair has a source for: no snapshot knows of these."""
    pairs = [(pair.left, pair.right) for pair in config.pairs]
    found: dict[Gap, None] = {}
    for summary in store.pair_summaries(pairs):
        if not summary.complete:
            gaps = store.last_gaps(summary.left, summary.right)
            found.update(dict.fromkeys(gap for gap in gaps if not gap.source and gap.environment in names))
    return [Hidden(group, None, (), None) for group in gap_groups(found)]


def _facts(store: Store, info: SnapshotInfo) -> tuple[tuple[Gap, ...], tuple[Listing, ...]]:
    looks = store.past.looks(info.environment, until=info.id, limit=1)
    if not looks:
        return (), ()
    facts = store.past.facts([looks[0].facts])[looks[0].facts]
    return facts.gaps, facts.listings
