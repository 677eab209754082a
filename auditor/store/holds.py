"""Who loaded a snapshot reads its documents later, where it looks at them: for an hour pruning leaves the snapshot alone.

Only snapshots that pruning might take are held, those of more than a day ago: loading any other writes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from auditor.store import memory
from auditor.store.database import Database
from auditor.store.tables import MemoryRow, SnapshotRow

AGE = timedelta(days=1)
"""Pruning takes nothing younger (`audit db prune` counts in days)."""
LASTS = timedelta(hours=1)
_PREFIX = "hold:"


def hold(database: Database, snapshot: str, taken_at: datetime, now: datetime) -> None:
    """Keep pruning from the snapshot for an hour. Raises StoreError where that cannot be written down."""
    if taken_at > now - AGE:
        return
    with database.reading() as session:
        since = memory.recall(session, _PREFIX + snapshot)
    if isinstance(since, str) and datetime.fromisoformat(since) > now - LASTS / 2:
        return
    with database.writing() as session:
        if session.get(SnapshotRow, snapshot) is not None:
            memory.remember(session, _PREFIX + snapshot, now.isoformat())


def held(session: Session, now: datetime) -> frozenset[str]:
    """The snapshots that somebody may be reading. What was held before that is forgotten."""
    found: set[str] = set()
    over: list[str] = []
    for key in session.scalars(select(MemoryRow.key).where(MemoryRow.key >= _PREFIX, MemoryRow.key < "hold;")).all():
        since = memory.recall(session, key)
        if isinstance(since, str) and datetime.fromisoformat(since) > now - LASTS:
            found.add(key.removeprefix(_PREFIX))
        else:
            over.append(key)
    if over:
        session.execute(delete(MemoryRow).where(MemoryRow.key.in_(over)))
    return frozenset(found)
