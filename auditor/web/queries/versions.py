"""Which version of what runs where, how far one environment is behind the next, and what a promotion would bring.

Answered from small rows: what the last snapshot of each environment says is deployed, and the history of deployments. No
snapshot is read. What was made of an environment's last snapshot is kept until there is another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from auditor.deployed import short
from auditor.promotion import HORIZON, Lag, Past, lag, past
from auditor.realms import names_of
from auditor.rollout import Cell, Column, Table, column_of
from auditor.versions import is_mutable_tag
from auditor.web.queries.kept import Kept

if TYPE_CHECKING:
    from auditor.config import Config
    from auditor.gauges import EnvironmentGauges
    from auditor.names import EnvironmentNames
    from auditor.store import Store

PAGE = 50
"""Components on one page, at most."""
CELLS = 1000
"""Cells on one page, more or less: with many environments it shows fewer components."""


@dataclass(frozen=True, slots=True)
class Behind:
    """An environment runs something older than its neighbour. `since` is when that was ahead first; None: not known."""

    of: str
    releases: int | None
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Running:
    """A version that runs in one environment.

    apart    environments that run the same version from other bytes
    mutable  the tag may stand for something else tomorrow
    behind   of which neighbours it is behind
    """

    cell: Cell
    apart: tuple[str, ...]
    mutable: bool
    behind: tuple[Behind, ...]

    @property
    def digest(self) -> str | None:
        """The digest in short, where it says more than the version."""
        if self.cell.digest is None or short(self.cell.digest) == self.cell.version:
            return None
        return short(self.cell.digest)


@dataclass(frozen=True, slots=True)
class Spot:
    """A component in one environment. `known`: whether it is sure that nothing else of it runs there."""

    environment: str
    running: tuple[Running, ...]
    known: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A component in every environment, in the order of the columns. `apart`: not the same everywhere."""

    component: str
    apart: bool
    spots: tuple[Spot, ...]


@dataclass(frozen=True, slots=True)
class Promoted:
    """What a promotion would bring. `before` is empty where the component does not run there yet.

    `since` is when the earlier environment began to run it, `at_least` where it may have been before.
    `same_tag`: the version reads the same, but stands for other bytes."""

    component: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    since: datetime | None
    at_least: bool
    same_tag: bool


@dataclass(frozen=True, slots=True)
class Step:
    """From one environment to the one that it promotes to.

    ahead    what the earlier one is ahead with, by component: what would be promoted
    behind   components with which the earlier one is behind, so that nothing rehearses what runs in the later one
    furthest  of what would be promoted what the later one has been behind with for longest
    """

    left: str
    right: str
    known: bool
    ahead: tuple[Promoted, ...]
    behind: tuple[str, ...]
    same: int
    furthest: Behind | None


@dataclass(frozen=True, slots=True)
class Versions:
    """A page of the table. `after` continues it; `total` and `differing` count all components that the text fits."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    steps: tuple[Step, ...]
    total: int
    differing: int
    after: str | None


@dataclass(frozen=True, slots=True)
class _Known:
    """What is kept of one environment, under a key that changes with its last snapshot and with what it is called.

    `bytes`: by component and version, names of environments set aside, the digests that are told."""

    key: tuple[object, ...]
    seen: EnvironmentGauges
    column: Column
    past: Past
    bytes: Mapping[str, Mapping[str, frozenset[str]]]


@dataclass(frozen=True, slots=True)
class _Lags:
    """By component: how far the right is behind the left, and how far the left behind the right."""

    right: Mapping[str, Behind]
    left: Mapping[str, Behind]


class VersionTable:
    """Makes the table, and keeps what it is made of. Safe to share between threads."""

    def __init__(self) -> None:
        self._known: Kept[tuple[object, ...], _Known] = Kept(500)
        self._steps: Kept[tuple[object, ...], tuple[Step, _Lags]] = Kept(500)

    def versions(
        self,
        store: Store,
        config: Config,
        now: datetime,
        *,
        text: str = "",
        differing: bool = False,
        environments: Sequence[str] = (),
        after: str = "",
        limit: int | None = None,
    ) -> Versions:
        """Components whose name holds `text`, those after the component `after`, at most `limit` or as many as fit a page.

        `environments`: only these columns.

        Raises ConfigError for an environment that is not known."""
        wanted = {config.environment(name).name for name in environments}
        names = [name for name in in_order(config) if not wanted or name in wanted]
        found_out = {one.column.environment: one for one in self._read(store, config, names, now)}
        known = {name: found_out[name] for name in names}
        table = Table(tuple(one.column for one in known.values()))
        found = [self._stepped(known[left], known[right], now) for left, right in _neighbours(config, known)]
        lags = {(step.left, step.right): told for step, told in found}
        needle = text.strip().casefold()
        fitting = [one for one in table.components if needle in one.casefold()]
        split = [one for one in fitting if _apart(known, one) or _other_bytes(known, one)]
        limit = limit or max(min(PAGE, CELLS // max(len(names), 1)), 10)
        listed = [one for one in (split if differing else fitting) if one > after]
        return Versions(
            columns=table.columns,
            rows=tuple(_row(known, one, lags) for one in listed[:limit]),
            steps=tuple(step for step, _ in found),
            total=len(fitting),
            differing=len(split),
            after=listed[limit - 1] if len(listed) > limit else None,
        )

    def _read(self, store: Store, config: Config, names: Sequence[str], now: datetime) -> Iterator[_Known]:
        """What is known of each environment; read anew where there is another snapshot, or other names.

        The store gives the same object for as long as the last snapshot is the same, and reads no content for it."""
        for seen in store.gauges((), dict.fromkeys(config.environments, ()), now).environments:
            name = seen.environment
            if name not in names:
                continue
            words = names_of(config, name)
            key = (name, words.tokens, words.foreign)
            known = self._known.get(key)
            if known is None or known.seen is not seen:
                known = self._known.put(key, _known(store, words, seen, now))
            yield known

    def _stepped(self, left: _Known, right: _Known, now: datetime) -> tuple[Step, _Lags]:
        return self._steps.get_or_make((left.key, right.key), lambda: _step(left, right, now))


def in_order(config: Config) -> tuple[str, ...]:
    """The environments in promotion order: chains in the order in which they are configured, each from its beginning."""
    into: dict[str, list[str]] = {}
    for left, right in config.promotes_to.items():
        into.setdefault(right, []).append(left)
    ordered: dict[str, None] = {}

    def place(name: str, pending: frozenset[str]) -> None:
        if name in ordered or name in pending:
            return
        for before in into.get(name, ()):
            place(before, pending | {name})
        ordered[name] = None

    for name in config.environments:
        end = name
        passed = {name}
        while (after := config.promotes_to.get(end)) is not None and after not in passed:
            passed.add(after)
            end = after
        place(end, frozenset())
        place(name, frozenset())
    return tuple(ordered)


def _neighbours(config: Config, known: Iterable[str]) -> list[tuple[str, str]]:
    names = set(known)
    steps = [(left, right) for left, right in config.promotes_to.items() if left in names and right in names]
    order = in_order(config)
    return sorted(steps, key=lambda step: (order.index(step[0]), order.index(step[1])))


def _known(store: Store, names: EnvironmentNames, seen: EnvironmentGauges, now: datetime) -> _Known:
    name = names.name
    info = next(iter(store.snapshots(name, limit=1)), None)
    key = (name, info.id if info is not None else None, names.tokens, names.foreign)
    if info is None:
        return _Known(key, seen, Column(name, None, None, 0, {}), Past(name, names, {}), {})
    history = store.deployments_since(name, now - HORIZON)
    look = next(iter(store.past.looks(name, until=info.id, limit=1)), None)
    gaps = store.past.facts([look.facts])[look.facts].gaps if look is not None and info.gaps else ()
    column = column_of(name, info.id, info.taken_at, gaps, seen.deployed, history)
    before = past(names, history, info.taken_at)
    told = {component: _bytes(before, cells) for component, cells in column.cells.items()}
    return _Known(key, seen, column, before, told)


def _step(one: _Known, other: _Known, now: datetime) -> tuple[Step, _Lags]:
    (left, ours), (right, theirs) = (one.column, one.past), (other.column, other.past)
    ahead: list[Promoted] = []
    behind: dict[str, Behind] = {}
    late: dict[str, Behind] = {}
    same = 0
    for component in sorted({*left.cells, *right.cells}):
        here, there = left.cells.get(component, ()), right.cells.get(component, ())
        if here and there and _same(here, there, ours, theirs):
            same += 1
            continue
        if not here:
            continue
        if (ahead_there := _behind(ours, theirs, component, here, there, now)) is not None:
            behind[component] = ahead_there
            continue
        if (behind_there := _behind(theirs, ours, component, there, here, now)) is not None:
            late[component] = behind_there
        if there or not right.hidden:
            ahead.append(_promoted(component, here, there, ours, theirs))
    known = left.snapshot is not None and right.snapshot is not None
    furthest = min((one for one in late.values() if one.since is not None), key=_since, default=None)
    step = Step(
        left.environment,
        right.environment,
        known,
        tuple(ahead) if known else (),
        tuple(behind),
        same,
        furthest,
    )
    return step, _Lags(late, behind)


def _since(behind: Behind) -> str:
    return behind.since.isoformat() if behind.since is not None else ""


def _same(here: Sequence[Cell], there: Sequence[Cell], ours: Past, theirs: Past) -> bool:
    """Whether both run the same versions, from the same bytes where both tell."""
    one = {ours.version(cell.version): cell.digest for cell in here}
    other = {theirs.version(cell.version): cell.digest for cell in there}
    return one.keys() == other.keys() and all(
        None in (digest, other[version]) or digest == other[version] for version, digest in one.items()
    )


def _behind(
    behind: Past, ahead: Past, component: str, own: Sequence[Cell], other: Sequence[Cell], now: datetime
) -> Behind | None:
    """Told only where each runs one version: while a new one is rolled out, nothing is behind."""
    if len(own) != 1 or len(other) != 1:
        return None
    found: Lag | None = lag(behind, ahead, component, (own[0].version, other[0].version), now)
    if found is None:
        return None
    return Behind(ahead.environment, found.releases, now - found.time if found.time is not None else None)


def _promoted(component: str, here: Sequence[Cell], there: Sequence[Cell], ours: Past, theirs: Past) -> Promoted:
    present = {theirs.version(cell.version) for cell in there}
    fresh = [cell for cell in here if ours.version(cell.version) not in present] or list(here)
    began = [cell.since for cell in fresh if cell.since is not None]
    at_least = False
    if not began:
        seen = [one for one in ours.running(component) if any(one.version == cell.version for cell in fresh)]
        began, at_least = [one.first_seen for one in seen], True
    same_tag = bool(present) and all(ours.version(cell.version) in present for cell in fresh)
    before = tuple(cell.version for cell in there)
    after = tuple(cell.version for cell in fresh)
    return Promoted(component, before, after, max(began, default=None), at_least, same_tag)


def _row(known: Mapping[str, _Known], component: str, lags: Mapping[tuple[str, str], _Lags]) -> Row:
    spots = []
    for name, one in known.items():
        behind = [
            told.right[component] for (_, right), told in lags.items() if right == name and component in told.right
        ]
        behind += [told.left[component] for (left, _), told in lags.items() if left == name and component in told.left]
        cells = sorted(one.column.cells.get(component, ()), key=lambda cell: cell.version)
        running = tuple(
            Running(
                cell,
                _apart_from(known, name, component, cell),
                cell.digest is None and is_mutable_tag(cell.version),
                tuple(behind),
            )
            for cell in cells
        )
        spots.append(Spot(name, running, one.column.snapshot is not None and not one.column.hidden))
    return Row(component, _apart(known, component) or _other_bytes(known, component), tuple(spots))


def _apart_from(known: Mapping[str, _Known], name: str, component: str, cell: Cell) -> tuple[str, ...]:
    """Environments that run the same version of it from other bytes."""
    if cell.digest is None:
        return ()
    version = known[name].past.version(cell.version)
    told = ((other, one.bytes.get(component, {}).get(version)) for other, one in known.items() if other != name)
    return tuple(other for other, digests in told if digests and cell.digest not in digests)


def _bytes(past: Past, cells: Iterable[Cell]) -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for cell in cells:
        version = past.version(cell.version)
        found[version] = found.get(version, frozenset()) | ({cell.digest} if cell.digest is not None else set())
    return found


def _apart(known: Mapping[str, _Known], component: str) -> bool:
    """Whether environments that run it do not all run the same versions, names of environments set aside."""
    return len({frozenset(one.bytes[component]) for one in known.values() if component in one.bytes}) > 1


def _other_bytes(known: Mapping[str, _Known], component: str) -> bool:
    """Whether one version of it is not the same bytes everywhere."""
    digests: dict[str, set[str]] = {}
    for one in known.values():
        for version, told in one.bytes.get(component, {}).items():
            digests.setdefault(version, set()).update(told)
    return any(len(told) > 1 for told in digests.values())
