"""What the overview shows: environments in promotion order, every pair as it stands, what changed, what was not seen."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from auditor.life import AUDITOR
from auditor.model import Category, Path, Severity, Status
from auditor.publish.entries import shown_identity
from auditor.publish.spelling import brief
from auditor.publish.view import ACTIVE
from auditor.store import Changed, FindingQuery
from auditor.web.queries.finding_rows import Row, rows
from auditor.web.queries.standing import FAIL_ON, Answer, Reasons, Standing, State, standings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from auditor.config import Config
    from auditor.publish.gap_groups import GapGroup
    from auditor.store import Happened, Store

YESTERDAY = timedelta(hours=24)
NEWEST = 12
"""Events that are shown of the last day."""
WORTH = Severity.LOW
"""What is at info is house policy: it is on the page of its pair, and no news."""
MOST_LANES = 6
"""So many columns can be read beside each other; more pairs are told a row each."""
_MOST_REASONS = 8
_NAMED = 2
_WORST = 4
# An audit may have found so many at once; of more, those recorded last are looked at.
_LOOKED_AT = 100
_HAPPENED: Mapping[Status, str] = {
    Status.PENDING: "seen, still tolerated",
    Status.OPEN: "opened",
    Status.REGRESSED: "came back",
    Status.RESOLVED: "resolved",
    Status.ACKNOWLEDGED: "acknowledged",
    Status.WAIVED: "waived",
}


@dataclass(frozen=True, slots=True)
class Column:
    """An environment in promotion order, and how it stands against each one that it is compared with.

    Without any it is the reference that others are held against, or nobody compares it at all."""

    environment: str
    standings: tuple[Standing, ...]
    reference: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """Environments that promotions or pairs connect, first to last. `categories` are those of which anything is known."""

    columns: tuple[Column, ...]
    categories: tuple[Category, ...]

    @property
    def standings(self) -> tuple[Standing, ...]:
        return tuple(standing for column in self.columns for standing in column.standings)

    @property
    def lanes(self) -> int:
        return sum(max(1, len(column.standings)) for column in self.columns)


@dataclass(frozen=True, slots=True)
class Unseen:
    """Things that one reason hid, and whose audits it left incomplete."""

    group: GapGroup
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened to a finding. `what` is a word or two, `identity` the resource as both sides spell it."""

    at: datetime
    what: str
    by: str
    severity: Severity
    fingerprint: str
    identity: str
    path: Path
    kind: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole page. `alone` are environments that nothing is compared with.

    unseen      what the last audits could not see; of at most eight audits, `more_incomplete` are the others' pairs
    incomplete  pairs whose last audit was incomplete
    worst       the findings that speak against a pair most, where pairs are so few that each has room for them
    """

    chains: tuple[Chain, ...]
    alone: tuple[str, ...]
    standings: tuple[Standing, ...]
    incomplete: tuple[Standing, ...]
    unseen: tuple[Unseen, ...]
    more_incomplete: tuple[Standing, ...]
    changed: Changed
    news: tuple[News, ...]
    since: datetime
    worst: Mapping[tuple[str, str], tuple[Row, ...]] = field(default_factory=dict)

    @property
    def compact(self) -> bool:
        """Whether there are too many pairs to stand beside each other."""
        return any(chain.lanes > MOST_LANES for chain in self.chains) or len(self.standings) > 2 * MOST_LANES

    @property
    def ordered(self) -> tuple[Standing, ...]:
        """The pairs, in promotion order where few stand beside each other, else those that need somebody first."""
        if self.compact:
            return tuple(sorted(self.standings, key=lambda each: each.urgency))
        return tuple(standing for chain in self.chains for standing in chain.standings)

    @property
    def categories(self) -> tuple[Category, ...]:
        return tuple(category for category in Category if any(category in chain.categories for chain in self.chains))

    @property
    def headline(self) -> str:
        """Whether people can rely on what they test on."""
        if not self.standings:
            return "Nothing is compared yet"
        by_answer = {answer: [each for each in self.standings if each.answer is answer] for answer in Answer}
        failing, unsure = by_answer[Answer.NO], by_answer[Answer.UNKNOWN]
        if not failing and not unsure:
            if len(self.standings) == 1:
                return f"{self.standings[0].left} mirrors {self.standings[0].right}"
            return f"All {len(self.standings)} pairs are in parity"
        told = []
        if failing:
            told.append(_told(failing, "{} does not mirror {}", "{} of {} pairs are not in parity", self.standings))
        if unsure:
            one, more = "nobody knows whether {} mirrors {}", "of {} of {} pairs it is not known"
            told.append(_told(unsure, one, more, self.standings))
        text = "; ".join(told)
        return text if failing and len(failing) <= _NAMED else text[0].upper() + text[1:]


def _told(found: Sequence[Standing], named: str, counted: str, everything: Sequence[Standing]) -> str:
    if len(found) > _NAMED:
        return counted.format(len(found), len(everything))
    return " and ".join(named.format(brief(each.left, 40), brief(each.right, 40)) for each in found)


def _news(one: Happened) -> News:
    breach, event = one.finding.breach, one.event
    return News(
        at=event.at,
        what=_HAPPENED[event.to_status] if event.from_status is not event.to_status else "got worse",
        by="" if event.actor == AUDITOR else event.actor,
        severity=breach.severity,
        fingerprint=one.finding.fingerprint,
        identity=shown_identity(breach),
        path=breach.path,
        kind=breach.kind,
        left=breach.left.environment,
        right=breach.right.environment,
    )


class Overviews:
    """The overview, made once for all who look while nothing is recorded. Safe to share between threads.

    What is old or overdue is told by the minute: no more often does it change by itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reasons = Reasons()
        self._known: tuple[tuple[object, ...], Overview] | None = None

    def get(self, store: Store, config: Config, now: datetime) -> Overview:
        key = store.pulse(), now.replace(second=0, microsecond=0)
        with self._lock:
            known = self._known
            # A configuration is never changed, only replaced; it is held here, so that no other one takes its place.
            if known is not None and known[0][:-1] == key and known[0][-1] is config:
                return known[1]
            found = overview(store, config, self._reasons, now)
            self._known = (*key, config), found
            return found


def overview(store: Store, config: Config, reasons: Reasons, now: datetime) -> Overview:
    pairs = tuple(dict.fromkeys((pair.left, pair.right) for pair in config.pairs))
    found = standings(store, config, pairs, now)
    chains = _chains(config, found)
    connected = {column.environment for chain in chains for column in chain.columns}
    incomplete = tuple(sorted((each for each in found if each.incomplete), key=lambda each: each.urgency))
    unseen, told = _unseen(store, reasons, incomplete)
    since = now - YESTERDAY
    changed = store.changed(since, pairs, WORTH) if pairs else {}
    return Overview(
        chains=chains,
        alone=tuple(name for name in config.environments if name not in connected),
        standings=found,
        incomplete=incomplete,
        unseen=unseen,
        more_incomplete=tuple(each for each in incomplete if each.key not in told),
        changed=_sum(changed.values()),
        news=_newest(store, since, pairs) if pairs else (),
        since=since,
        worst={each.key: _worst(store, each, now) for each in found if len(found) <= 2 * MOST_LANES},
    )


def _newest(store: Store, since: datetime, pairs: Sequence[tuple[str, str]]) -> tuple[News, ...]:
    """What happened last. Of one audit's many, which all happened at once, those that matter most."""
    happened = store.recent(since, pairs, _LOOKED_AT, least=WORTH).items
    told = [_news(one) for one in happened]
    return tuple(sorted(told, key=lambda one: (one.at, one.severity.rank), reverse=True)[:NEWEST])


def _worst(store: Store, standing: Standing, now: datetime) -> tuple[Row, ...]:
    if standing.answer is not Answer.NO:
        return ()
    query = FindingQuery(standing.left, standing.right, statuses=ACTIVE, min_severity=FAIL_ON)
    return rows(store.search(query, limit=_WORST).items, now)


def _unseen(
    store: Store, reasons: Reasons, incomplete: Sequence[Standing]
) -> tuple[tuple[Unseen, ...], set[tuple[str, str]]]:
    """What one environment lacks is missing in each of its pairs, and told once. Also whose reasons were told."""
    pairs: dict[GapGroup, list[tuple[str, str]]] = {}
    told = set()
    for standing in incomplete[:_MOST_REASONS]:
        found = reasons.of(store, standing)
        for group in found.groups if found is not None else ():
            pairs.setdefault(group, []).append(standing.key)
            told.add(standing.key)
    return tuple(Unseen(group, tuple(found)) for group, found in pairs.items()), told


def _sum(found: Iterable[Changed]) -> Changed:
    opened = resolved = regressed = waived = acknowledged = 0
    for each in found:
        opened += each.opened
        resolved += each.resolved
        regressed += each.regressed
        waived += each.waived
        acknowledged += each.acknowledged
    return Changed(opened, resolved, regressed, waived, acknowledged)


def _chains(config: Config, found: Sequence[Standing]) -> tuple[Chain, ...]:
    """Environments that belong together, each group in promotion order, in the order of the file."""
    edges = [(left, right) for left, right in config.promotes_to.items() if right in config.environments]
    edges += [standing.key for standing in found]
    by_left: dict[str, list[Standing]] = {}
    for standing in found:
        by_left.setdefault(standing.left, []).append(standing)
    rights = {standing.right for standing in found}
    chains = []
    for names in _groups(list(config.environments), edges):
        if not any(name in by_left for name in names):
            continue
        members = set(names)
        steps = [edge for edge in edges if edge[0] in members]
        columns = tuple(
            Column(name, tuple(by_left.get(name, ())), reference=name in rights) for name in _in_order(names, steps)
        )
        known = {
            category
            for column in columns
            for standing in column.standings
            for category, cell in standing.cells.items()
            if cell.state is not State.NONE
        }
        chains.append(Chain(columns, tuple(category for category in Category if category in known)))
    return tuple(chains)


def _groups(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Names that edges connect, directly or through others, in the order given."""
    head = {name: name for name in names}

    def find(name: str) -> str:
        while head[name] != name:
            name = head[name]
        return name

    for left, right in edges:
        one, other = find(left), find(right)
        head[max(one, other, key=names.index)] = min(one, other, key=names.index)
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(find(name), []).append(name)
    return list(groups.values())


def _in_order(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[str]:
    """Whoever is promoted from comes before whoever is promoted to; a circle is cut where the file begins it."""
    left = list(names)
    ordered: list[str] = []
    while left:
        waiting = {after for before, after in edges if before in left and before != after}
        first = next((name for name in left if name not in waiting), left[0])
        ordered.append(first)
        left.remove(first)
    return ordered
