"""Let go of what is old: audits, the snapshots that nothing refers to any more, and the content only they used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from auditor.notices import Delivery
from auditor.store import blobs
from auditor.store.entries import DIGEST, chunks_of, rows_of
from auditor.store.tables import (
    AuditRow,
    Base,
    CacheRow,
    ChunkRow,
    DocumentRow,
    ManifestRow,
    NoticeRow,
    SnapshotManifestRow,
    SnapshotRow,
    TopicRow,
)


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


def prune(session: Session, older_than: datetime, keep: int) -> Pruned:
    """Delete audits and snapshots from before `older_than`, but for the last `keep` of each pair and environment.

    The snapshots of an audit that stays, stay. Findings, events and waivers are never deleted. The session must be alone with
    the content (`Database.writing(exclusive=True)`)."""
    pair = (AuditRow.left_environment, AuditRow.right_environment)
    kept_audits = _newest(AuditRow.id, pair, AuditRow.sequence, keep)
    old_audits = select(AuditRow.id).where(AuditRow.finished_at < older_than, AuditRow.id.not_in(kept_audits))
    audits = _delete(session, AuditRow, AuditRow.id, session.scalars(old_audits).all())
    kept_snapshots = _newest(SnapshotRow.id, (SnapshotRow.environment,), SnapshotRow.sequence, keep)
    old_snapshots = select(SnapshotRow.id).where(
        SnapshotRow.taken_at < older_than,
        SnapshotRow.id.not_in(kept_snapshots),
        SnapshotRow.id.not_in(select(AuditRow.left_snapshot)),
        SnapshotRow.id.not_in(select(AuditRow.right_snapshot)),
    )
    snapshots = _delete(session, SnapshotRow, SnapshotRow.id, session.scalars(old_snapshots).all())
    unused = select(ManifestRow.digest).where(ManifestRow.digest.not_in(select(SnapshotManifestRow.manifest)))
    manifests = _delete(session, ManifestRow, ManifestRow.digest, session.scalars(unused).all())
    parts: set[str] = set()
    for body in session.scalars(select(ManifestRow.body).execution_options(yield_per=100)):
        parts.update(chunks_of(blobs.decompress(body)) or ())
    _delete(session, ChunkRow, ChunkRow.digest, sorted(set(session.scalars(select(ChunkRow.digest))) - parts))
    orphans = set(session.scalars(select(DocumentRow.digest))) - _used_documents(session)
    documents = _delete(session, DocumentRow, DocumentRow.digest, sorted(orphans))
    cached = session.execute(delete(CacheRow).where(CacheRow.created_at < older_than))
    notices, topics = _told(session, older_than)
    return Pruned(audits, snapshots, manifests, documents, _count(cached), notices, topics)


def _told(session: Session, older_than: datetime) -> tuple[int, int]:
    """Notices delivered before, and topics closed before that have no notice left. What nobody got stays."""
    delivered = (NoticeRow.state == Delivery.DELIVERED.value, NoticeRow.delivered_at < older_than)
    notices = session.execute(delete(NoticeRow).where(*delivered))
    told = select(NoticeRow.topic).where(NoticeRow.topic.is_not(None))
    closed = delete(TopicRow).where(TopicRow.closed_at < older_than, TopicRow.id.not_in(told))
    return _count(notices), _count(session.execute(closed))


def _newest(key: Any, group: tuple[Any, ...], sequence: Any, keep: int) -> Any:
    """Keys of the `keep` of each group that were recorded last."""
    rank = func.row_number().over(partition_by=group, order_by=sequence.desc()).label("rank")
    ranked = select(key.label("key"), rank).subquery()
    return select(ranked.c.key).where(ranked.c.rank <= keep)


def _used_documents(session: Session) -> set[str]:
    used = set(session.scalars(select(SnapshotRow.facts)))
    used.update(session.scalars(select(AuditRow.findings)))
    # A row for each resource of each manifest would tell this in SQL, at the price that unchanged resources cost rows.
    for table in (ManifestRow, ChunkRow):
        for body in session.scalars(select(table.body).execution_options(yield_per=100)):
            content = blobs.decompress(body)
            if table is ChunkRow or chunks_of(content) is None:
                used.update(row[DIGEST] for row in rows_of(content))
    return used


def _delete(session: Session, table: type[Base], key: InstrumentedAttribute[str], keys: Sequence[str]) -> int:
    return sum(_count(session.execute(delete(table).where(key.in_(chunk)))) for chunk in blobs.chunks(keys))


def _count(result: Any) -> int:
    return int(result.rowcount)
