"""Content that nothing refers to any more: manifests, then chunks that no manifest has, then documents that no chunk has.

Finding it reads every manifest and chunk that stays, beside all readers and writers. Deleting it is done a little at a time, each
time alone with the content, and only after looking at what was recorded since: content that looked unused may be used again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from auditor.store import blobs, memory
from auditor.store.database import Database
from auditor.store.entries import DIGEST, chunks_of, rows_of
from auditor.store.saving import PRUNED
from auditor.store.tables import (
    AuditRow,
    ChunkRow,
    DocumentRow,
    ManifestRow,
    SnapshotManifestRow,
    SnapshotRow,
)

_PAGE = 20_000
_AT_ONCE = 500


@dataclass(slots=True)
class _Used:
    """What is referred to, each digest by its first half. Up to which numbers of snapshots and audits was looked."""

    snapshots: int
    audits: int
    chunks: set[bytes] = field(default_factory=set)
    documents: set[bytes] = field(default_factory=set)


def sweep(database: Database, pause: Callable[[], None]) -> tuple[int, int, int]:
    """How many manifests, chunks and documents were deleted. `pause` is called between two transactions."""
    with database.writing(exclusive=True) as session:
        # Nobody is about to record anything with a lower number now.
        numbers = [session.scalar(select(func.max(table.sequence))) or 0 for table in (SnapshotRow, AuditRow)]
        used = _Used(numbers[0], numbers[1])
    unlinked = ~exists().where(SnapshotManifestRow.manifest == ManifestRow.digest)
    manifests = _delete(database, pause, ManifestRow.digest, lambda _session, _key: True, unlinked)
    with database.reading() as session:
        _mark(session, used)

    def is_unused(among: Callable[[], set[bytes]]) -> Callable[[Session, str], bool]:
        return lambda _session, key: _short(key) not in among()

    def catch_up(session: Session) -> None:
        _catch_up(session, used)

    chunks = _delete(database, pause, ChunkRow.digest, is_unused(lambda: used.chunks), first=catch_up)
    documents = _delete(database, pause, DocumentRow.digest, is_unused(lambda: used.documents), first=catch_up)
    return manifests, chunks, documents


def _mark(session: Session, used: _Used) -> None:
    used.documents.update(map(_short, session.scalars(select(SnapshotRow.facts))))
    used.documents.update(map(_short, session.scalars(select(AuditRow.findings))))
    for body in session.scalars(select(ManifestRow.body).execution_options(yield_per=10)):
        _use_manifest(used, blobs.decompress(body))
    for key, body in session.execute(select(ChunkRow.digest, ChunkRow.body).execution_options(yield_per=100)):
        if _short(key) in used.chunks:
            used.documents.update(_short(row[DIGEST]) for row in rows_of(blobs.decompress(body)))


def _use_manifest(used: _Used, content: bytes) -> tuple[str, ...]:
    parts = chunks_of(content)
    if parts is None:
        used.documents.update(_short(row[DIGEST]) for row in rows_of(content))
        return ()
    used.chunks.update(map(_short, parts))
    return parts


def _catch_up(session: Session, used: _Used) -> None:
    """What was recorded since is used too."""
    new = session.execute(
        select(SnapshotRow.id, SnapshotRow.facts, SnapshotRow.sequence).where(SnapshotRow.sequence > used.snapshots)
    ).all()
    for snapshot, facts, number in new:
        used.documents.add(_short(facts))
        links = select(SnapshotManifestRow.manifest).where(SnapshotManifestRow.snapshot == snapshot)
        for content in blobs.get(session, ManifestRow, session.scalars(links).all()).values():
            parts = _use_manifest(used, content)
            for chunk in blobs.get(session, ChunkRow, parts).values():
                used.documents.update(_short(row[DIGEST]) for row in rows_of(chunk))
        used.snapshots = max(used.snapshots, number)
    for findings, number in session.execute(
        select(AuditRow.findings, AuditRow.sequence).where(AuditRow.sequence > used.audits)
    ):
        used.documents.add(_short(findings))
        used.audits = max(used.audits, number)


def _delete(
    database: Database,
    pause: Callable[[], None],
    column: InstrumentedAttribute[str],
    is_unused: Callable[[Session, str], bool],
    *where: Any,
    first: Callable[[Session], None] = lambda _session: None,
) -> int:
    """Go through the table by key, and delete what is unused, at most so much in one transaction."""
    deleted, last = 0, ""
    while True:
        with database.reading() as session:
            page = session.scalars(select(column).where(column > last, *where).order_by(column).limit(_PAGE)).all()
            doomed = [key for key in page if is_unused(session, key)]
        for batch in blobs.groups(doomed, _AT_ONCE):
            with database.writing(exclusive=True) as session:
                first(session)
                still = [key for key in batch if is_unused(session, key)]
                gone: Any = session.execute(delete(column.class_).where(column.in_(still), *where))
                if gone.rowcount:
                    memory.count(session, PRUNED)
                    deleted += gone.rowcount
            pause()
        if len(page) < _PAGE:
            return deleted
        last = page[-1]


def _short(digest: str) -> bytes:
    """Half of it takes half of the room. Were two ever alike, something unused would stay."""
    return bytes.fromhex(digest[:32])
