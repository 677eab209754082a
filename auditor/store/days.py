"""A pair day by day: kept when an audit is recorded, so that a trend is read from small rows and outlives the audits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auditor.model import Audit, Severity, Status
from auditor.store import blobs
from auditor.store.lookup import of_few
from auditor.store.tables import UNRESOLVED, FindingRow, PairDayRow

Pair = tuple[str, str]
_SEVERITIES = tuple(Severity)
_COLUMNS = (
    PairDayRow.left_environment,
    PairDayRow.right_environment,
    PairDayRow.day,
    PairDayRow.score,
    PairDayRow.coverage,
    PairDayRow.audits,
    PairDayRow.incomplete,
    *(getattr(PairDayRow, severity.value) for severity in _SEVERITIES),
)


@dataclass(frozen=True, slots=True)
class DayPoint:
    """A pair at the end of one day, UTC: what its last audit of the day left.

    score       0 to 1, None where nothing was compared
    open        findings that were open or regressed, by severity; None for days that an older version recorded
    audits      how many there were that day, of which `incomplete` could not observe everything
    """

    day: date
    score: float | None
    coverage: float
    open: Mapping[Severity, int] | None
    audits: int
    incomplete: int


def keep(session: Session, audit: Audit) -> None:
    """Count `audit` in, whose findings are written; no other one of its pair may be recorded at the same time."""
    row = {
        "left_environment": audit.left,
        "right_environment": audit.right,
        "day": audit.finished_at.astimezone(UTC).date().isoformat(),
        "score": audit.score,
        "coverage": audit.coverage.ratio,
        **_open(session, audit.left, audit.right),
        "audits": 1,
        "incomplete": int(not audit.complete),
    }
    statement = blobs.insert_of(session, PairDayRow).values(**row)
    keys = [column.name for column in PairDayRow.__table__.primary_key]
    changed = {name: statement.excluded[name] for name in row if name not in keys}
    for name in ("audits", "incomplete"):
        changed[name] = getattr(PairDayRow, name) + statement.excluded[name]
    session.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))


def trend(session: Session, pairs: Iterable[Pair], since: date) -> dict[Pair, tuple[DayPoint, ...]]:
    """The days from `since` on, oldest first, of each of `pairs`."""
    found: dict[Pair, list[DayPoint]] = {pair: [] for pair in pairs}
    wanted = of_few(PairDayRow.left_environment, PairDayRow.right_environment, found)
    statement = select(*_COLUMNS).where(PairDayRow.day >= since.isoformat(), *wanted).order_by(PairDayRow.day)
    days: dict[str, date] = {}
    # By the connection: thousands of plain rows need nothing of what a session does with each.
    for left, right, day, score, coverage, audits, incomplete, *counts in session.connection().execute(statement).all():
        if (left, right) not in found:
            continue
        at = days.get(day) or days.setdefault(day, date.fromisoformat(day))
        known = None if None in counts else dict(zip(_SEVERITIES, counts, strict=True))
        found[left, right].append(DayPoint(at, score, coverage, known, audits, incomplete))
    return {pair: tuple(points) for pair, points in found.items()}


def _open(session: Session, left: str, right: str) -> dict[str, int]:
    told = FindingRow.status.in_((Status.OPEN.value, Status.REGRESSED.value))
    pair = (FindingRow.left_environment == left, FindingRow.right_environment == right)
    statement = select(FindingRow.severity, func.count()).where(UNRESOLVED, *pair, told)
    counts = {row[0]: row[1] for row in session.execute(statement.group_by(FindingRow.severity))}
    return {severity.value: counts.get(severity.value, 0) for severity in Severity}
