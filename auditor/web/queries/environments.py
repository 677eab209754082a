"""The environments: when and how well each was seen last, who its neighbours are, and its snapshots over time.

Answered from small rows; of the last snapshot only what it could not see is read, never its resources.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from auditor.publish.gap_groups import GapGroup, gap_groups
from auditor.web.queries.versions import in_order

if TYPE_CHECKING:
    from auditor.config import Config
    from auditor.model import Gap, GapReason, Listing
    from auditor.registry import Registry
    from auditor.store import PairSummary, SnapshotInfo, Store

PAGE = 20
"""Snapshots on one page."""
CHART = 90
"""Snapshots in the chart, at most."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An environment in the list. `unread` are collectors that never read everything they are asked for."""

    name: str
    aliases: tuple[str, ...]
    promotes_to: str | None
    taken_at: datetime | None
    resources: int
    kinds: int
    gaps: Mapping[GapReason, int]
    collectors: tuple[str, ...]
    unread: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A source as configured, and as the last snapshot saw it.

    `last_success` is when its collector last read everything that it is asked for in this environment."""

    label: str
    collector: str
    aliases: tuple[str, ...]
    listings: int
    gaps: int
    last_success: datetime | None


@dataclass(frozen=True, slots=True)
class KindCount:
    name: str
    category: str
    about: str
    count: int


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A pair that the environment belongs to. `promotes`: what runs in the left one is promoted to the right one."""

    left: str
    right: str
    promotes: bool
    summary: PairSummary | None


@dataclass(frozen=True, slots=True)
class SnapshotPage:
    """Snapshots, the one recorded last first. `before` continues them; None at the end."""

    snapshots: tuple[SnapshotInfo, ...]
    before: str | None


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment. `seen` and all that comes from it is empty where it was never observed."""

    name: str
    aliases: tuple[str, ...]
    promotes_to: str | None
    promoted_from: tuple[str, ...]
    seen: SnapshotInfo | None
    gap_groups: tuple[GapGroup, ...]
    sources: tuple[Source, ...]
    kinds: tuple[KindCount, ...]
    neighbours: tuple[Neighbour, ...]
    snapshots: SnapshotPage
    chart: tuple[SnapshotInfo, ...]


def environments(store: Store, config: Config, now: datetime) -> tuple[Listed, ...]:
    """All of them, in promotion order."""
    names = in_order(config)
    gauges = store.gauges((), {name: _collectors(config, name) for name in names}, now)
    success = {(one.environment, one.collector): one.last_success for one in gauges.collectors}
    return tuple(
        Listed(
            name=one.environment,
            aliases=_aliases(config, one.environment),
            promotes_to=config.promotes_to.get(one.environment),
            taken_at=one.taken_at,
            resources=sum(one.resources.values()),
            kinds=len(one.resources),
            gaps=one.gaps,
            collectors=_collectors(config, one.environment),
            unread=tuple(
                name for name in _collectors(config, one.environment) if success[one.environment, name] is None
            ),
        )
        for one in gauges.environments
    )


def environment(store: Store, config: Config, registry: Registry, name: str, now: datetime) -> Environment:
    """The environment called `name`, which is its own name and not an alias."""
    # Of all, because the store remembers those that were asked for last.
    gauges = store.gauges((), {one: _collectors(config, one) for one in config.environments}, now)
    success = {one.collector: one.last_success for one in gauges.collectors if one.environment == name}
    chart = store.snapshots(name, limit=CHART)
    seen = chart[0] if chart else None
    gaps, listings = _facts(store, name, seen)
    sources = tuple(
        Source(
            label=label,
            collector=source.collector.name,
            aliases=source.aliases,
            listings=sum(1 for one in listings if _is_of(one.source, label)),
            gaps=sum(1 for one in gaps if _is_of(one.source, label)),
            last_success=success.get(source.collector.name),
        )
        for source in config.environment(name).sources
        for label in [source.collector.label(source.options)]
    )
    counted = next(one.resources for one in gauges.environments if one.environment == name)
    return Environment(
        name=name,
        aliases=_aliases(config, name),
        promotes_to=config.promotes_to.get(name),
        promoted_from=tuple(left for left, right in config.promotes_to.items() if right == name),
        seen=seen,
        gap_groups=gap_groups(gaps),
        sources=sources,
        kinds=_kinds(registry, counted),
        neighbours=_neighbours(store, config, name),
        snapshots=SnapshotPage(chart[:PAGE], chart[PAGE - 1].id if len(chart) > PAGE else None),
        chart=tuple(reversed(chart)),
    )


def snapshots(store: Store, name: str, before: str) -> SnapshotPage:
    """Those recorded before the one with the id `before`."""
    looks = store.past.looks(name, before=before, limit=PAGE + 1)
    infos = tuple(store.snapshot_info(look.id) for look in looks[:PAGE])
    return SnapshotPage(infos, infos[-1].id if len(looks) > PAGE else None)


def _facts(store: Store, name: str, seen: SnapshotInfo | None) -> tuple[Sequence[Gap], Sequence[Listing]]:
    looks = store.past.looks(name, until=seen.id, limit=1) if seen is not None else ()
    if not looks:
        return (), ()
    facts = store.past.facts([looks[0].facts])[looks[0].facts]
    return facts.gaps, facts.listings


def _is_of(source: str, label: str) -> bool:
    """`label/222222222222` is a part that the source found by itself."""
    return source == label or source.startswith(f"{label}/")


def _kinds(registry: Registry, counted: Mapping[str, int]) -> tuple[KindCount, ...]:
    found = []
    for name, count in counted.items():
        kind = registry.kind(name)
        found.append(KindCount(name, kind.category.value, kind.about, count))
    return tuple(sorted(found, key=lambda one: (one.category, one.name)))


def _neighbours(store: Store, config: Config, name: str) -> tuple[Neighbour, ...]:
    """The pairs that it is in: those that are configured, and the steps of the promotion chain."""
    wanted = [(pair.left, pair.right) for pair in config.pairs if name in (pair.left, pair.right)]
    wanted += [step for step in config.promotes_to.items() if name in step]
    pairs = list(dict.fromkeys(wanted))
    known = {(one.left, one.right): one for one in store.pair_summaries(pairs)}
    return tuple(
        Neighbour(left, right, config.promotes_to.get(left) == right, known.get((left, right))) for left, right in pairs
    )


def _collectors(config: Config, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(source.collector.name for source in config.environment(name).sources))


def _aliases(config: Config, name: str) -> tuple[str, ...]:
    return tuple(alias for alias in config.environment(name).aliases if alias != name.lower())
