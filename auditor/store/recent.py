"""What happened lately, to which findings: events newest first, and how many of each sort."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from auditor.life import Event, StoredFinding
from auditor.model import Status
from auditor.store import findings
from auditor.store.cursors import Key, from_cursor, to_cursor
from auditor.store.tables import EventRow, FindingRow

Pair = tuple[str, str]
_KEY = (EventRow.at, EventRow.id)
_NAME = "recent"
_COUNTED = {
    Status.OPEN: "opened",
    Status.RESOLVED: "resolved",
    Status.REGRESSED: "regressed",
    Status.WAIVED: "waived",
    Status.ACKNOWLEDGED: "acknowledged",
}


@dataclass(frozen=True, slots=True)
class Happened:
    """An event, with its finding as it is now."""

    event: Event
    finding: StoredFinding


@dataclass(frozen=True, slots=True)
class RecentPage:
    """Newest first. `next` continues the list; None at its end."""

    items: tuple[Happened, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """How many findings became what. One that became it more than once counts once."""

    opened: int = 0
    resolved: int = 0
    regressed: int = 0
    waived: int = 0
    acknowledged: int = 0


def page(
    session: Session, since: datetime, pairs: Collection[Pair] | None, limit: int, before: str | None
) -> RecentPage:
    if limit < 1:
        raise ValueError(f"a page of {limit} events: ask for at least one")
    statement = select(EventRow, FindingRow).join(FindingRow, FindingRow.fingerprint == EventRow.fingerprint)
    statement = statement.where(EventRow.at >= since, *_of(pairs))
    if before is not None:
        key = from_cursor(before, _NAME, (datetime, int))
        last = tuple_(*(literal(value, column.type) for value, column in zip(key, _KEY, strict=True)))
        statement = statement.where(tuple_(*_KEY) < last)
    rows = session.execute(statement.order_by(*(column.desc() for column in _KEY)).limit(limit + 1)).all()
    items = tuple(Happened(findings.event(event), findings.stored(finding)) for event, finding in rows[:limit])
    last_key: Key = (rows[limit - 1][0].at, rows[limit - 1][0].id) if len(rows) > limit else ()
    return RecentPage(items, to_cursor(_NAME, last_key) if last_key else None)


def changed(session: Session, since: datetime, pairs: Collection[Pair] | None) -> dict[Pair, Changed]:
    """Of pairs to which nothing happened nothing is said."""
    group = (FindingRow.left_environment, FindingRow.right_environment, EventRow.to_status)
    became = or_(EventRow.from_status.is_(None), EventRow.from_status != EventRow.to_status)
    statement = (
        select(*group, func.count(EventRow.fingerprint.distinct()))
        .select_from(EventRow)
        .join(FindingRow, FindingRow.fingerprint == EventRow.fingerprint)
        .where(EventRow.at >= since, became, EventRow.to_status.in_([status.value for status in _COUNTED]), *_of(pairs))
    )
    counts: dict[Pair, dict[str, int]] = defaultdict(dict)
    for left, right, status, count in session.execute(statement.group_by(*group)):
        counts[left, right][_COUNTED[Status(status)]] = count
    return {pair: Changed(**found) for pair, found in counts.items()}


def _of(pairs: Collection[Pair] | None) -> list[ColumnElement[bool]]:
    if pairs is None:
        return []
    return [tuple_(FindingRow.left_environment, FindingRow.right_environment).in_(sorted(pairs))]
