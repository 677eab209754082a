"""How a pair stands: what its last audit said in numbers, what is open now, how that came, and what it could not see.

Made from small rows; the body of an audit is read only to say why it is incomplete, and once.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from auditor.model import Category, Severity, Status, Tally
from auditor.publish.view import ACTIVE, FINDINGS, PARITY, report, verdict_of
from auditor.schedule import missed, parse_schedule
from auditor.store.errors import NotFoundError

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.config import Config
    from auditor.publish.gap_groups import GapGroup
    from auditor.store import DayPoint, PairSummary, Store

FAIL_ON = Severity.HIGH
"""From here on a finding speaks against a pair, as in every command that is not told otherwise."""
DAYS = 30
_WEEK = 7
_STALE = timedelta(hours=24)
_MISSED = 3
_KEPT = 256
_NOTHING = Tally()
_SORT = tuple[Category, Severity, Status]


class Answer(StrEnum):
    """Whether the left environment mirrors the right one."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "not known"


class State(StrEnum):
    """What a cell says first. `NONE`: neither side has anything of the category."""

    DRIFT = "drift"
    UNKNOWN = "unknown"
    WAIVED = "waived"
    EXPECTED = "expected"
    SAME = "same"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Cell:
    """One category of one pair.

    drift     findings above info that are open or came back; `worst` is the worst severity among them
    noted     those at info: house policy, such as a production that is larger; worth a look, and no drift
    waived    findings that somebody waived or acknowledged; `pending` are still tolerated by their rule
    same      pairs of resources of which nothing was found; None where an older version audited, which did not count
    expected  differences that a rule calls normal; `unknown` places and listings that gaps hide
    """

    category: Category
    drift: int = 0
    worst: Severity | None = None
    noted: int = 0
    waived: int = 0
    pending: int = 0
    same: int | None = 0
    expected: int = 0
    unknown: int = 0

    @property
    def state(self) -> State:
        if self.drift:
            return State.DRIFT
        if self.unknown:
            return State.UNKNOWN
        if self.waived or self.pending:
            return State.WAIVED
        if self.expected or self.noted:
            return State.EXPECTED
        return State.NONE if self.same == 0 else State.SAME


@dataclass(frozen=True, slots=True)
class Standing:
    """One pair as it stands. `summary` is None where it was never audited, `stale` says why the last audit is too old.

    `open` counts what is open or came back by severity; `trend` has a score for each of the last 30 days, or of
    those since the first audit, None for days without one. `schedule` is as configured, None for on demand."""

    left: str
    right: str
    answer: Answer
    sentence: str
    summary: PairSummary | None
    open: Mapping[Severity, int]
    cells: Mapping[Category, Cell]
    trend: tuple[float | None, ...]
    stale: str = ""
    schedule: str | None = None
    configured: bool = True

    @property
    def key(self) -> tuple[str, str]:
        return self.left, self.right

    @property
    def incomplete(self) -> bool:
        return self.summary is not None and not self.summary.complete

    @property
    def expected(self) -> int:
        return sum(cell.expected for cell in self.cells.values())

    @property
    def change(self) -> float | None:
        """By how much the score rose (fell, where negative) over the days of `trend`; None where it has no two points."""
        known = [point for point in self.trend if point is not None]
        return known[-1] - known[0] if len(known) > 1 else None

    @property
    def line(self) -> str:
        """The points of `trend` on a sheet of 100 by 24, for an SVG polyline; empty for less than two points."""
        known = [point for point in self.trend if point is not None]
        if len(known) < 2:
            return ""
        low, high = max(min(known) - 0.02, 0.0), min(max(known) + 0.02, 1.0)
        across, up = 100 / (len(self.trend) - 1), 22 / max(high - low, 0.001)
        places = enumerate(self.trend)
        return " ".join(f"{at * across:.1f},{23 - (point - low) * up:.1f}" for at, point in places if point is not None)

    @property
    def urgency(self) -> tuple[object, ...]:
        """A key to sort by: what needs somebody first."""
        order = {Answer.NO: 0, Answer.UNKNOWN: 1, Answer.YES: 2}
        return order[self.answer], tuple(-self.open.get(severity, 0) for severity in Severity), self.key


@dataclass(frozen=True, slots=True)
class Incomplete:
    """Why an audit is incomplete: in a sentence, and each thing that it could not see."""

    sentence: str
    groups: tuple[GapGroup, ...]


def standings(store: Store, config: Config, pairs: Sequence[tuple[str, str]], now: datetime) -> tuple[Standing, ...]:
    """Each of `pairs`, in their order."""
    summaries = {(summary.left, summary.right): summary for summary in store.pair_summaries(pairs)}
    counts, trends = store.counts(pairs), store.trend(pairs, DAYS)
    schedules = {(pair.left, pair.right): pair.schedule for pair in config.pairs}
    zone = ZoneInfo(config.scheduling.timezone)
    return tuple(
        _standing(
            pair, summaries.get(pair), counts[pair], trends[pair], now, schedules.get(pair), pair in schedules, zone
        )
        for pair in pairs
    )


def _standing(
    pair: tuple[str, str],
    summary: PairSummary | None,
    counts: Mapping[_SORT, int],
    days: Iterable[DayPoint],
    now: datetime,
    schedule: str | None,
    configured: bool,
    zone: ZoneInfo,
) -> Standing:
    by_sort: Counter[tuple[Severity, Status]] = Counter()
    for (_, severity, status), number in counts.items():
        by_sort[severity, status] += number
    if summary is None:
        answer, sentence = Answer.UNKNOWN, "Never audited, so nothing can be said."
    else:
        code, sentence = verdict_of(by_sort, FAIL_ON, compared=summary.score is not None, complete=summary.complete)
        answer = {PARITY: Answer.YES, FINDINGS: Answer.NO}.get(code, Answer.UNKNOWN)
    return Standing(
        left=pair[0],
        right=pair[1],
        answer=answer,
        sentence=sentence,
        summary=summary,
        open={
            severity: sum(by_sort[severity, status] for status in ACTIVE)
            for severity in Severity
            if any(by_sort[severity, status] for status in ACTIVE)
        },
        cells=_cells(summary, counts),
        trend=_trend(days, now),
        stale=_stale(summary, schedule, now, zone) if configured else "",
        schedule=schedule,
        configured=configured,
    )


def _cells(summary: PairSummary | None, counts: Mapping[_SORT, int]) -> Mapping[Category, Cell]:
    tallies: Mapping[Category, Tally] = summary.tallies if summary is not None else {}
    uncounted = summary.scores if summary is not None and not tallies else {}
    drift: Counter[Category] = Counter()
    noted: Counter[Category] = Counter()
    waived: Counter[Category] = Counter()
    pending: Counter[Category] = Counter()
    worst: dict[Category, Severity] = {}
    for (category, severity, status), number in counts.items():
        if status in ACTIVE and severity is Severity.INFO:
            noted[category] += number
        elif status in ACTIVE:
            drift[category] += number
            if category not in worst or severity.rank > worst[category].rank:
                worst[category] = severity
        elif status is Status.PENDING:
            pending[category] += number
        else:
            waived[category] += number
    return {
        category: Cell(
            category,
            drift[category],
            worst.get(category),
            noted[category],
            waived[category],
            pending[category],
            None if category in uncounted else tally.matched,
            tally.expected,
            tally.unknown,
        )
        for category in Category
        for tally in (tallies.get(category, _NOTHING),)
    }


def _trend(days: Iterable[DayPoint], now: datetime) -> tuple[float | None, ...]:
    scores = {point.day: point.score for point in days}
    today = now.astimezone(UTC).date()
    first = min(scores, default=today)
    shown = min(max((today - first).days + 1, _WEEK), DAYS)
    return tuple(scores.get(today - timedelta(days=ago)) for ago in range(shown - 1, -1, -1))


def _stale(summary: PairSummary | None, schedule: str | None, now: datetime, zone: ZoneInfo) -> str:
    if summary is None:
        return ""
    if schedule is None:
        return "no audit for more than a day" if now - summary.last_audit > _STALE else ""
    late = missed(parse_schedule(schedule), summary.last_audit, now, zone, cap=_MISSED) >= _MISSED
    return f"three audits or more are overdue (schedule {schedule})" if late else ""


class Reasons:
    """Why audits are incomplete, by audit: what was recorded once never changes. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Incomplete] = OrderedDict()

    def of(self, store: Store, standing: Standing) -> Incomplete | None:
        """None for a complete audit, and for one whose body is not there any more."""
        audit_id = standing.summary.audit if standing.summary is not None else None
        if audit_id is None or not standing.incomplete:
            return None
        with self._lock:
            if audit_id in self._known:
                self._known.move_to_end(audit_id)
                return self._known[audit_id]
        try:
            audit = store.audit(audit_id)
        except NotFoundError:
            return None
        shown = report(replace(audit, findings=()), FAIL_ON)
        found = Incomplete(shown.gap_sentence, shown.gaps)
        with self._lock:
            self._known[audit_id] = found
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return found
