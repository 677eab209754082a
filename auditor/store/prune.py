"""Let go of what is old: audits, the snapshots that nothing refers to any more, and the content only they used.

Everything is deleted a little at a time, in transactions that others wait for only a moment; between two of them others get their
turn. What a broken-off run left behind, the next one deletes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import and_, delete, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from auditor.notices import Delivery
from auditor.store import blobs, thin
from auditor.store.database import Database
from auditor.store.holds import held
from auditor.store.sweep import sweep
from auditor.store.tables import AuditRow, Base, CacheRow, NoticeRow, SnapshotRow, TopicRow

# Rows of one transaction, and how long others get their turn after it: a writer that waits asks again every few milliseconds.
_AT_ONCE = 200
_PAUSE_SECONDS = 0.02
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many of each were deleted."""

    audits: int
    snapshots: int
    manifests: int
    documents: int
    cached: int
    notices: int = 0
    topics: int = 0
    chunks: int = 0


def prune(database: Database, older_than: datetime, keep: int, thin_before: datetime | None, now: datetime) -> Pruned:
    """Delete audits and snapshots from before `older_than`, but for the last `keep` of each pair and environment.

    Of those from before `thin_before` repeats go: what saw the very same as the one before and as the one after. Then the last
    snapshot from before `older_than` stays while the next one saw the same, since it says what was so since.

    The snapshots of an audit that stays, stay, and so do those that were loaded within the last hour. Findings, events and waivers
    are never deleted."""
    work = _Work(database, now)
    audits = work.audits(older_than, keep, thin_before)
    snapshots = work.snapshots(older_than, keep, thin_before)
    manifests, chunks, documents = sweep(database, _pause)
    cached = work.cached(older_than)
    notices, topics = work.told(older_than)
    return Pruned(audits, snapshots, manifests, documents, cached, notices, topics, chunks)


@dataclass(frozen=True, slots=True)
class _Work:
    database: Database
    now: datetime

    def audits(self, older_than: datetime, keep: int, thin_before: datetime | None) -> int:
        pair = (AuditRow.left_environment, AuditRow.right_environment)
        with self.database.reading() as session:
            newest = frozenset(session.scalars(_newest(AuditRow.id, pair, AuditRow.sequence, keep)))
            doomed = [
                key
                for key in session.scalars(_older(AuditRow.id, AuditRow.finished_at, older_than))
                if key not in newest
            ]
            if thin_before is not None:
                series = thin.recorded(session, thin.snapshots(session), thin_before)
                repeats = (one for each in series.values() for one in thin.repeats(each, thin_before))
                doomed += [key for key in repeats if key not in newest]
        return self._delete(AuditRow, AuditRow.id, doomed)

    def snapshots(self, older_than: datetime, keep: int, thin_before: datetime | None) -> int:
        with self.database.reading() as session:
            spared = set(
                session.scalars(_newest(SnapshotRow.id, (SnapshotRow.environment,), SnapshotRow.sequence, keep))
            )
            repeats: list[str] = []
            if thin_before is not None:
                for series in thin.snapshots(session).values():
                    repeats += thin.repeats(series, thin_before)
                    spared.add(thin.anchor(_without(series, repeats), older_than) or "")
            old = _older(SnapshotRow.id, SnapshotRow.taken_at, older_than).where(~_audited())
            doomed = [key for key in (*repeats, *session.scalars(old)) if key not in spared]
        return self._delete(
            SnapshotRow, SnapshotRow.id, doomed, ~_audited(), spare=lambda session: held(session, self.now)
        )

    def cached(self, older_than: datetime) -> int:
        deleted = 0
        while True:
            with self.database.writing() as session:
                old = select(CacheRow.namespace, CacheRow.key).where(CacheRow.created_at < older_than).limit(_AT_ONCE)
                keys = session.execute(old).all()
                mine = (and_(CacheRow.namespace == namespace, CacheRow.key == key) for namespace, key in keys)
                if keys:
                    deleted += _count(session.execute(delete(CacheRow).where(or_(*mine))))
            if len(keys) < _AT_ONCE:
                return deleted
            _pause()

    def told(self, older_than: datetime) -> tuple[int, int]:
        """Notices delivered before, and topics closed before that have no notice left. What nobody got stays."""
        delivered = (NoticeRow.state == Delivery.DELIVERED.value, NoticeRow.delivered_at < older_than)
        untold = ~exists().where(NoticeRow.topic == TopicRow.id)
        with self.database.reading() as session:
            notices = session.scalars(select(NoticeRow.sequence).where(*delivered)).all()
        gone = self._delete(NoticeRow, NoticeRow.sequence, notices, *delivered)
        with self.database.reading() as session:
            topics = session.scalars(select(TopicRow.id).where(TopicRow.closed_at < older_than, untold)).all()
        return gone, self._delete(TopicRow, TopicRow.id, topics, TopicRow.closed_at < older_than, untold)

    def _delete(
        self,
        table: type[Base],
        column: InstrumentedAttribute[Key],
        keys: Iterable[Key],
        *where: Any,
        spare: Callable[[Session], Collection[Key]] = lambda _session: (),
    ) -> int:
        deleted = 0
        for batch in blobs.groups(dict.fromkeys(keys), _AT_ONCE):
            with self.database.writing(exclusive=True) as session:
                spared = spare(session)
                these = [key for key in batch if key not in spared]
                deleted += _count(session.execute(delete(table).where(column.in_(these), *where)))
            _pause()
        return deleted


def _without(series: Sequence[thin.Seen], gone: Collection[str]) -> list[thin.Seen]:
    left_out = frozenset(gone)
    return [seen for seen in series if seen.id not in left_out]


def _audited() -> Any:
    """Whether an audit is of this snapshot."""
    return or_(
        exists().where(AuditRow.left_snapshot == SnapshotRow.id),
        exists().where(AuditRow.right_snapshot == SnapshotRow.id),
    )


def _older(key: Any, at: Any, than: datetime) -> Any:
    return select(key).where(at < than)


def _newest(key: Any, group: tuple[Any, ...], sequence: Any, keep: int) -> Any:
    """Keys of the `keep` of each group that were recorded last."""
    rank = func.row_number().over(partition_by=group, order_by=sequence.desc()).label("rank")
    ranked = select(key.label("key"), rank).subquery()
    return select(ranked.c.key).where(ranked.c.rank <= keep)


def _pause() -> None:
    time.sleep(_PAUSE_SECONDS)


def _count(result: Any) -> int:
    return int(result.rowcount)
