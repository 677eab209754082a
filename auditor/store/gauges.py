"""Reads the gauges: counts over indexes that hold no more than is counted, and small rows. No content, no scan."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import TextClause, func, select
from sqlalchemy.orm import Session

from auditor.gauges import CollectorGauge, EnvironmentGauges, Gauges, PairGauges
from auditor.model import Category, Severity, Status
from auditor.store import blobs, outbox, summaries
from auditor.store.lookup import of_few
from auditor.store.tables import (
    REGRESSED,
    UNRESOLVED,
    CollectorSuccessRow,
    EventRow,
    FindingRow,
    NoticeRow,
    PairSummaryRow,
    SnapshotSummaryRow,
)

FLAPPING_WITHIN = timedelta(days=7)
FLAPPING_TIMES = 3

Pair = tuple[str, str]
Sort = tuple[Category, Severity, Status]
# Looking a word up costs a tenth of what calling the enumeration does, and there may be thousands in a scrape.
_CATEGORIES = {category.value: category for category in Category}
_SEVERITIES = {severity.value: severity for severity in Severity}
_STATUSES = {status.value: status for status in Status}
_PAIR = (FindingRow.left_environment, FindingRow.right_environment)


class Reader:
    """Reads gauges again and again. It remembers what it decoded of each environment's newest snapshot, which is never
    another one under the same id. Safe to share between threads."""

    def __init__(self) -> None:
        self._environments: dict[str, tuple[str, EnvironmentGauges]] = {}

    def read(
        self, session: Session, pairs: Sequence[Pair], environments: Mapping[str, Sequence[str]], now: datetime
    ) -> Gauges:
        return Gauges(
            pairs=_pairs(session, pairs, now),
            environments=self._read_environments(session, environments),
            collectors=_collectors(session, environments),
            pending=_by_publisher(session, outbox.PENDING),
            failed=_by_publisher(session, outbox.FAILED),
            oldest_pending=_oldest_pending(session, now),
        )

    def _read_environments(self, session: Session, names: Collection[str]) -> tuple[EnvironmentGauges, ...]:
        newest: dict[str, str] = {}
        for chunk in blobs.chunks(names):
            statement = select(SnapshotSummaryRow.environment, SnapshotSummaryRow.snapshot)
            rows = session.execute(statement.where(SnapshotSummaryRow.environment.in_(chunk)))
            newest.update((environment, snapshot) for environment, snapshot in rows)
        known = {name: self._environments[name] for name in names if name in self._environments}
        changed = [name for name in newest if name not in known or known[name][0] != newest[name]]
        for chunk in blobs.chunks(changed):
            found = session.scalars(select(SnapshotSummaryRow).where(SnapshotSummaryRow.environment.in_(chunk)))
            known.update({row.environment: (row.snapshot, _environment(row)) for row in found})
        self._environments = known
        return tuple(known[name][1] if name in newest else EnvironmentGauges(name, None, {}, {}) for name in names)


def _environment(row: SnapshotSummaryRow) -> EnvironmentGauges:
    summary = summaries.summary(row)
    return EnvironmentGauges(row.environment, row.taken_at, summary.resources, summary.gaps, summary.deployed)


def _pairs(session: Session, pairs: Sequence[Pair], now: datetime) -> tuple[PairGauges, ...]:
    counts = unresolved(session)
    oldest = _oldest_open(session)
    flapping = _flapping(session, now)
    last = {(row.left_environment, row.right_environment): row for row in session.scalars(select(PairSummaryRow))}
    gauges = []
    for pair in pairs:
        row = last.get(pair)
        gauges.append(
            PairGauges(
                *pair,
                findings=counts.get(pair, {}),
                score=row.score if row else None,
                scores=summaries.scores(row) if row else None,
                coverage=row.coverage if row else None,
                last_audit=row.last_audit if row else None,
                last_complete=row.last_complete if row else None,
                oldest_open=oldest.get(pair),
                flapping=flapping[pair],
            )
        )
    return tuple(gauges)


def unresolved(session: Session, pairs: Collection[Pair] | None = None) -> dict[Pair, dict[Sort, int]]:
    """How many findings of each sort are not resolved, of every pair that has any; of `pairs` at least."""
    sort = (*_PAIR, FindingRow.category, FindingRow.severity, FindingRow.status)
    wanted = () if pairs is None else of_few(*_PAIR, pairs)
    statement = select(*sort, func.count()).where(UNRESOLVED, *wanted).group_by(*sort)
    counts: dict[Pair, dict[Sort, int]] = defaultdict(dict)
    # By the connection: thousands of plain rows need nothing of what a session does with each.
    for left, right, category, severity, status, count in session.connection().execute(statement).all():
        counts[left, right][_CATEGORIES[category], _SEVERITIES[severity], _STATUSES[status]] = count
    return counts


def _oldest_open(session: Session) -> dict[Pair, datetime]:
    """Since when the longest open finding of each pair has been open; what somebody silenced does not count."""
    told = FindingRow.status.in_((Status.OPEN.value, Status.REGRESSED.value))
    statement = select(*_PAIR, func.min(FindingRow.opened_at)).where(UNRESOLVED, told).group_by(*_PAIR)
    return {(left, right): at for left, right, at in session.execute(statement) if at is not None}


def _flapping(session: Session, now: datetime) -> Counter[Pair]:
    lately = (
        select(EventRow.fingerprint)
        .where(REGRESSED, EventRow.at > now - FLAPPING_WITHIN, EventRow.from_status != Status.REGRESSED.value)
        .cte("lately")
        # Else SQLite would walk through the events of all times, because an index has those grouped already.
        .prefix_with("MATERIALIZED")
    )
    often = (
        select(lately.c.fingerprint).group_by(lately.c.fingerprint).having(func.count() >= FLAPPING_TIMES).subquery()
    )
    statement = select(*_PAIR, func.count()).join(often, often.c.fingerprint == FindingRow.fingerprint)
    return Counter({(left, right): count for left, right, count in session.execute(statement.group_by(*_PAIR))})


def _collectors(session: Session, environments: Mapping[str, Sequence[str]]) -> tuple[CollectorGauge, ...]:
    statement = select(CollectorSuccessRow.environment, CollectorSuccessRow.collector, CollectorSuccessRow.at)
    succeeded = {(environment, collector): at for environment, collector, at in session.execute(statement)}
    return tuple(
        CollectorGauge(environment, collector, succeeded.get((environment, collector)))
        for environment, collectors in environments.items()
        for collector in collectors
    )


def _by_publisher(session: Session, condition: TextClause) -> dict[str, int]:
    counts: Counter[str] = Counter()
    statement = select(NoticeRow.target, func.count()).where(condition).group_by(NoticeRow.target)
    for target, count in session.execute(statement):
        counts[target.partition(":")[0]] += count
    return dict(counts)


def _oldest_pending(session: Session, now: datetime) -> datetime | None:
    """Since when the one that has waited longest could have been sent: quiet hours are no delay."""
    arrived = (outbox.PENDING, NoticeRow.not_before <= now, ~outbox.opening_is_held(now))
    return session.scalar(select(func.min(NoticeRow.not_before)).where(*arrived))
