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
_TOLD_AS_OPEN = (Status.OPEN, Status.REGRESSED)
# From these a finding comes back by itself; from the others a person's decision ended.
_GONE = (Status.RESOLVED.value, Status.PENDING.value)


def read(session: Session, pairs: Sequence[Pair], environments: Mapping[str, Sequence[str]], now: datetime) -> Gauges:
    return Gauges(
        pairs=_pairs(session, pairs, now),
        environments=_environments(session, environments),
        collectors=_collectors(session, environments),
        pending=_by_publisher(session, outbox.PENDING),
        failed=_by_publisher(session, outbox.FAILED),
        oldest_pending=_oldest_pending(session, now),
    )


def _pairs(session: Session, pairs: Sequence[Pair], now: datetime) -> tuple[PairGauges, ...]:
    counts, oldest = _unresolved(session)
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


def _unresolved(
    session: Session,
) -> tuple[dict[Pair, dict[tuple[Category, Severity, Status], int]], dict[Pair, datetime]]:
    """How many there are of each pair and sort, and since when each pair has had its oldest open one."""
    sort = (
        FindingRow.left_environment,
        FindingRow.right_environment,
        FindingRow.category,
        FindingRow.severity,
        FindingRow.status,
    )
    statement = select(*sort, func.count(), func.min(FindingRow.opened_at)).where(UNRESOLVED).group_by(*sort)
    counts: dict[Pair, dict[tuple[Category, Severity, Status], int]] = defaultdict(dict)
    oldest: dict[Pair, datetime] = {}
    for left, right, category, severity, status, count, opened_at in session.execute(statement):
        counts[left, right][Category(category), Severity(severity), Status(status)] = count
        if opened_at is not None and status in _TOLD_AS_OPEN:
            oldest[left, right] = min(opened_at, oldest.get((left, right), opened_at))
    return counts, oldest


def _flapping(session: Session, now: datetime) -> Counter[Pair]:
    often = (
        select(EventRow.fingerprint)
        .where(REGRESSED, EventRow.at > now - FLAPPING_WITHIN, EventRow.from_status.in_(_GONE))
        .group_by(EventRow.fingerprint)
        .having(func.count() >= FLAPPING_TIMES)
        .subquery()
    )
    pair = (FindingRow.left_environment, FindingRow.right_environment)
    statement = select(*pair, func.count()).join(often, often.c.fingerprint == FindingRow.fingerprint).group_by(*pair)
    return Counter({(left, right): count for left, right, count in session.execute(statement)})


def _environments(session: Session, environments: Collection[str]) -> tuple[EnvironmentGauges, ...]:
    rows: dict[str, SnapshotSummaryRow] = {}
    for chunk in blobs.chunks(environments):
        statement = select(SnapshotSummaryRow).where(SnapshotSummaryRow.environment.in_(chunk))
        rows.update({row.environment: row for row in session.scalars(statement)})
    gauges = []
    for name in environments:
        if name not in rows:
            gauges.append(EnvironmentGauges(name, None, {}, {}))
            continue
        summary = summaries.summary(rows[name])
        gauges.append(EnvironmentGauges(name, rows[name].taken_at, summary.resources, summary.gaps, summary.deployed))
    return tuple(gauges)


def _collectors(session: Session, environments: Mapping[str, Sequence[str]]) -> tuple[CollectorGauge, ...]:
    rows = session.scalars(select(CollectorSuccessRow))
    succeeded = {(row.environment, row.collector): row.at for row in rows}
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
