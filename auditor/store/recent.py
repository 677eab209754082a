"""What happened lately, to which findings: events newest first, and how many of each sort."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import literal, or_, select, tuple_
from sqlalchemy.orm import Session

from auditor.life import Event, StoredFinding
from auditor.model import Status
from auditor.store import blobs, findings
from auditor.store.cursors import Key, from_cursor, to_cursor
from auditor.store.homes import Homes
from auditor.store.tables import EventRow, FindingRow

Pair = tuple[str, str]
_KEY = (EventRow.at, EventRow.id)
_NAME = "recent"
# How many events are looked at before more are fetched.
_CHUNK = 500
_COUNTED = {
    Status.OPEN: "opened",
    Status.RESOLVED: "resolved",
    Status.REGRESSED: "regressed",
    Status.WAIVED: "waived",
    Status.ACKNOWLEDGED: "acknowledged",
}
_NAMES = {status.value: name for status, name in _COUNTED.items()}


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
    session: Session, homes: Homes, since: datetime, pairs: Collection[Pair] | None, limit: int, before: str | None
) -> RecentPage:
    if limit < 1:
        raise ValueError(f"a page of {limit} events: ask for at least one")
    last = None if before is None else from_cursor(before, _NAME, (datetime, int))
    # One more than is shown tells whether there are more.
    keys = list(islice(_keys(session, homes, since, pairs, last), limit + 1))
    shown = [number for _, number in keys[:limit]]
    statement = select(EventRow, FindingRow).join(FindingRow, FindingRow.fingerprint == EventRow.fingerprint)
    rows = {
        event.id: Happened(findings.event(event), findings.stored(finding))
        for chunk in blobs.chunks(shown)
        for event, finding in session.execute(statement.where(EventRow.id.in_(chunk)))
    }
    cursor = to_cursor(_NAME, keys[limit - 1]) if len(keys) > limit else None
    return RecentPage(tuple(rows[number] for number in shown), cursor)


def changed(session: Session, homes: Homes, since: datetime, pairs: Collection[Pair] | None) -> dict[Pair, Changed]:
    """Of pairs to which nothing happened nothing is said."""
    became = or_(EventRow.from_status.is_(None), EventRow.from_status != EventRow.to_status)
    counted = EventRow.to_status.in_([status.value for status in _COUNTED])
    statement = select(EventRow.fingerprint, EventRow.to_status).where(EventRow.at >= since, became, counted)
    # By the connection: thousands of plain rows need nothing of what a session does with each.
    happened = {(row[0], row[1]) for row in session.connection().execute(statement)}
    home = homes.of(session, (fingerprint for fingerprint, _ in happened))
    counts: dict[Pair, Counter[str]] = defaultdict(Counter)
    for fingerprint, status in happened:
        counts[home[fingerprint]][_NAMES[status]] += 1
    return {pair: Changed(**found) for pair, found in counts.items() if pairs is None or pair in pairs}


def _keys(
    session: Session, homes: Homes, since: datetime, pairs: Collection[Pair] | None, last: Key | None
) -> Iterator[tuple[datetime, int]]:
    """Times and numbers of the events that are asked for, newest first.

    From the events and not from the findings of a pair: of these most were resolved long ago."""
    while True:
        statement = select(EventRow.at, EventRow.id, EventRow.fingerprint).where(EventRow.at >= since)
        if last is not None:
            values = tuple_(*(literal(value, column.type) for value, column in zip(last, _KEY, strict=True)))
            statement = statement.where(tuple_(*_KEY) < values)
        statement = statement.order_by(*(column.desc() for column in _KEY)).limit(_CHUNK)
        rows = session.execute(statement).all()
        home = homes.of(session, (row.fingerprint for row in rows)) if pairs is not None else {}
        yield from ((row.at, row.id) for row in rows if pairs is None or home[row.fingerprint] in pairs)
        if len(rows) < _CHUNK:
            return
        last = rows[-1].at, rows[-1].id
