"""What happened lately, to which findings: events newest first, and how many of each sort."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import ColumnElement, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from auditor.life import Event, StoredFinding
from auditor.model import Severity, Status
from auditor.store import blobs, findings
from auditor.store.cursors import Key, from_cursor, to_cursor
from auditor.store.homes import Homes
from auditor.store.tables import REGRESSED, EventRow, FindingRow

Pair = tuple[str, str]
_KEY = (EventRow.at, EventRow.id)
_NAME = "recent"
# How many events are looked at before more are fetched.
_CHUNK = 1000
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
    session: Session,
    homes: Homes,
    since: datetime,
    pairs: Collection[Pair] | None,
    limit: int,
    before: str | None,
    least: Severity = Severity.INFO,
) -> RecentPage:
    if limit < 1:
        raise ValueError(f"a page of {limit} events: ask for at least one")
    last = None if before is None else from_cursor(before, _NAME, (datetime, int))
    # One more than is shown tells whether there are more.
    found = list(islice(_numbers(session, homes, since, pairs, last, least), limit + 1))
    shown = found[:limit]
    statement = select(EventRow, FindingRow).join(FindingRow, FindingRow.fingerprint == EventRow.fingerprint)
    rows = {
        event.id: Happened(findings.event(event), findings.stored(finding))
        for chunk in blobs.chunks(shown)
        for event, finding in session.execute(statement.where(EventRow.id.in_(chunk)))
    }
    items = tuple(rows[number] for number in shown)
    cursor = to_cursor(_NAME, (items[-1].event.at, shown[-1])) if len(found) > limit else None
    return RecentPage(items, cursor)


def came_back(session: Session, fingerprints: Collection[str], since: datetime) -> tuple[Event, ...]:
    """When any of `fingerprints` came back, from the index that holds nothing else."""
    found: list[Event] = []
    for chunk in blobs.chunks(sorted(set(fingerprints))):
        statement = select(EventRow).where(REGRESSED, EventRow.fingerprint.in_(chunk), EventRow.at >= since)
        found += [findings.event(row) for row in session.scalars(statement.order_by(EventRow.at, EventRow.id))]
    return tuple(found)


def changed(
    session: Session,
    homes: Homes,
    since: datetime,
    pairs: Collection[Pair] | None,
    least: Severity = Severity.INFO,
) -> dict[Pair, Changed]:
    """Of pairs to which nothing happened nothing is said."""
    became = or_(EventRow.from_status.is_(None), EventRow.from_status != EventRow.to_status)
    counted = EventRow.to_status.in_([status.value for status in _COUNTED])
    statement = select(EventRow.fingerprint, EventRow.to_status).where(
        EventRow.at >= since, became, counted, *_worth(least)
    )
    happened = {(row[0], row[1]) for row in session.connection().execute(statement).all()}
    home = homes.of(session, (fingerprint for fingerprint, _ in happened))
    counts: dict[Pair, Counter[str]] = defaultdict(Counter)
    for fingerprint, status in happened:
        counts[home[fingerprint]][_NAMES[status]] += 1
    return {pair: Changed(**found) for pair, found in counts.items() if pairs is None or pair in pairs}


def _worth(least: Severity) -> tuple[ColumnElement[bool], ...]:
    """That an event's finding is at least as severe as `least` now: looked up event by event, since these are few."""
    enough = [severity.value for severity in Severity if severity.rank >= least.rank]
    if len(enough) == len(Severity):
        return ()
    found = select(FindingRow.fingerprint).where(
        FindingRow.fingerprint == EventRow.fingerprint, FindingRow.severity.in_(enough)
    )
    return (found.exists(),)


def _numbers(
    session: Session,
    homes: Homes,
    since: datetime,
    pairs: Collection[Pair] | None,
    last: Key | None,
    least: Severity,
) -> Iterator[int]:
    """The ids of the events that are asked for, newest first.

    From the events and not from the findings of a pair: of these most were resolved long ago."""
    while True:
        statement = select(EventRow.id, EventRow.fingerprint).where(EventRow.at >= since, *_worth(least))
        if last is not None:
            values = tuple_(*(literal(value, column.type) for value, column in zip(last, _KEY, strict=True)))
            statement = statement.where(tuple_(*_KEY) < values)
        statement = statement.order_by(*(column.desc() for column in _KEY)).limit(_CHUNK)
        # By the connection: thousands of plain rows need nothing of what a session does with each.
        rows = session.connection().execute(statement).all()
        home = homes.of(session, (fingerprint for _, fingerprint in rows)) if pairs is not None else {}
        yield from (number for number, fingerprint in rows if pairs is None or home[fingerprint] in pairs)
        if len(rows) < _CHUNK:
            return
        number = rows[-1][0]
        last = session.scalars(select(EventRow.at).where(EventRow.id == number)).one(), number
