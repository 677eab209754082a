"""The last known state of each finding, and its events."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import case, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from auditor.codec import canonical, decode, digest, encode
from auditor.life import Event, StoredFinding
from auditor.model import Breach, Moved, Severity, Status
from auditor.store import blobs, searched
from auditor.store.errors import ConflictError
from auditor.store.tables import UNRESOLVED, EventRow, FindingRow, TopicMemberRow

_RANK = case({severity.value: severity.rank for severity in Severity}, value=FindingRow.severity)


def of_pair(session: Session, left: str, right: str) -> dict[str, StoredFinding]:
    statement = select(FindingRow).where(FindingRow.left_environment == left, FindingRow.right_environment == right)
    return {row.fingerprint: stored(row) for row in session.scalars(statement.order_by(FindingRow.fingerprint))}


def search(
    session: Session,
    left: str | None,
    right: str | None,
    status: Collection[Status] | None,
    severity: Severity | None,
) -> tuple[StoredFinding, ...]:
    statement = select(FindingRow)
    if left is not None:
        statement = statement.where(FindingRow.left_environment == left)
    if right is not None:
        statement = statement.where(FindingRow.right_environment == right)
    if status is not None:
        statement = statement.where(FindingRow.status.in_(sorted(status)))
        if Status.RESOLVED not in status:
            statement = statement.where(UNRESOLVED)
    if severity is not None:
        statement = statement.where(severity.rank <= _RANK)
    order = (_RANK.desc(), FindingRow.left_environment, FindingRow.right_environment)
    found = [stored(row) for row in session.scalars(statement.order_by(*order, FindingRow.fingerprint))]
    return tuple(found)


def of_topic(session: Session, topic: str) -> tuple[StoredFinding, ...]:
    """The findings that belong to a topic, the most severe first."""
    statement = select(FindingRow).join(TopicMemberRow, TopicMemberRow.fingerprint == FindingRow.fingerprint)
    rows = session.scalars(
        statement.where(TopicMemberRow.topic == topic).order_by(_RANK.desc(), FindingRow.fingerprint)
    )
    return tuple(stored(row) for row in rows)


def of_fingerprints(session: Session, fingerprints: Sequence[str]) -> tuple[StoredFinding, ...]:
    """Those that are there, in the order of `fingerprints`."""
    found: dict[str, FindingRow] = {}
    for chunk in blobs.chunks(fingerprints):
        rows = session.scalars(select(FindingRow).where(FindingRow.fingerprint.in_(chunk)))
        found.update({row.fingerprint: row for row in rows})
    return tuple(stored(found[fingerprint]) for fingerprint in fingerprints if fingerprint in found)


def beginning(session: Session, start: str, limit: int) -> tuple[StoredFinding, ...]:
    """By fingerprint, from the index of them: the first that `start` may begin, and no more than `limit`."""
    # Fingerprints are hexadecimal, so all that begin so come before `start` with a `g` after it.
    if not re.fullmatch("[0-9a-f]+", start):
        return ()
    within = (FindingRow.fingerprint >= start, FindingRow.fingerprint < f"{start}g")
    rows = session.scalars(select(FindingRow).where(*within).order_by(FindingRow.fingerprint).limit(limit))
    return tuple(stored(row) for row in rows)


def events(session: Session, fingerprint: str) -> tuple[Event, ...]:
    statement = select(EventRow).where(EventRow.fingerprint == fingerprint).order_by(EventRow.id)
    return tuple(event(row) for row in session.scalars(statement))


def events_since(session: Session, left: str, right: str, since: datetime) -> tuple[Event, ...]:
    """What happened to the findings of a pair at `since` or later, oldest first."""
    # An expression has no index, so the few events since then are looked up rather than all findings of the pair.
    of_pair = (FindingRow.left_environment.concat("") == left, FindingRow.right_environment.concat("") == right)
    statement = (
        select(EventRow)
        .join(FindingRow, FindingRow.fingerprint == EventRow.fingerprint)
        .where(*of_pair, EventRow.at >= since)
        .order_by(EventRow.at, EventRow.id)
    )
    return tuple(event(row) for row in session.scalars(statement))


def stored(row: FindingRow) -> StoredFinding:
    return StoredFinding(
        breach=decode(Breach, json.loads(blobs.decompress(row.body))),
        status=Status(row.status),
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        since=row.since,
        opened_at=row.opened_at,
        moved=_moved(row.moved),
        revision=row.revision,
    )


def write(session: Session, left: str, right: str, updated: Sequence[StoredFinding]) -> None:
    """Write the records that one audit changed; of those that only were seen again, no more than that.

    Raises ConflictError when one of them was written since it was read."""
    known = _known(session, [finding.fingerprint for finding in updated])
    added: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    seen: dict[datetime, list[str]] = defaultdict(list)
    for finding in sorted(updated, key=lambda item: item.fingerprint):
        revision, content = known.get(finding.fingerprint, (0, ""))
        if revision != finding.revision:
            raise _conflict(left, right)
        row = _row(left, right, finding)
        if row["digest"] == content:
            seen[finding.last_seen].append(finding.fingerprint)
        else:
            (changed if revision else added).append(row)
    if added:
        _insert(session, left, right, added)
    if changed:
        session.execute(update(FindingRow), changed)
    for last_seen, fingerprints in seen.items():
        _touch(session, last_seen, fingerprints)


def write_events(session: Session, happened: Sequence[Event]) -> None:
    if happened:
        session.execute(insert(EventRow), [_event_row(event) for event in happened])


def _known(session: Session, fingerprints: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Revision and digest of the stored ones, locked until the transaction ends where rows can be locked."""
    found: dict[str, tuple[int, str]] = {}
    for chunk in blobs.chunks(sorted(fingerprints)):
        statement = select(FindingRow.fingerprint, FindingRow.revision, FindingRow.digest)
        rows = session.execute(
            statement.where(FindingRow.fingerprint.in_(chunk)).order_by(FindingRow.fingerprint).with_for_update()
        )
        found.update({fingerprint: (revision, content) for fingerprint, revision, content in rows})
    return found


def _insert(session: Session, left: str, right: str, rows: list[dict[str, Any]]) -> None:
    try:
        session.execute(insert(FindingRow), rows)
    except IntegrityError as error:
        raise _conflict(left, right) from error


def _touch(session: Session, last_seen: datetime, fingerprints: list[str]) -> None:
    for chunk in blobs.chunks(fingerprints):
        session.execute(
            update(FindingRow)
            .where(FindingRow.fingerprint.in_(chunk), FindingRow.last_seen < last_seen)
            .values(last_seen=last_seen)
            .execution_options(synchronize_session=False)
        )


def _row(left: str, right: str, finding: StoredFinding) -> dict[str, Any]:
    lasting = replace(finding, last_seen=finding.first_seen, revision=0)
    return {
        "fingerprint": finding.fingerprint,
        "left_environment": left,
        "right_environment": right,
        "status": finding.status.value,
        "severity": finding.breach.severity.value,
        "category": finding.breach.category.value,
        "first_seen": finding.first_seen,
        "last_seen": finding.last_seen,
        "since": finding.since,
        "opened_at": finding.opened_at,
        "moved": canonical(encode(finding.moved)).decode() if finding.moved else None,
        "revision": finding.revision + 1,
        "digest": digest(canonical(encode(lasting))),
        "body": blobs.pack(encode(finding.breach)),
        **searched.columns(finding.breach),
    }


def _moved(text: str | None) -> Moved | None:
    """None for the words that the column was first meant for, which nothing can be made of."""
    return decode(Moved, json.loads(text)) if text and text.startswith("{") else None


def event(row: EventRow) -> Event:
    return Event(
        row.fingerprint,
        row.at,
        row.audit_id,
        row.actor,
        None if row.from_status is None else Status(row.from_status),
        Status(row.to_status),
        row.reason,
    )


def _event_row(event: Event) -> dict[str, Any]:
    return {
        "fingerprint": event.fingerprint,
        "at": event.at,
        "audit_id": event.audit_id,
        "actor": event.actor,
        "from_status": event.from_status.value if event.from_status else None,
        "to_status": event.to_status.value,
        "reason": event.reason,
    }


def _conflict(left: str, right: str) -> ConflictError:
    return ConflictError(
        f"store: another audit of {left} and {right} was recorded at the same time; this one was not: run it again"
    )
