"""The store's face: one method per thing that is asked of it, each one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from auditor.life import Event, LifeResult, StoredFinding
from auditor.model import Audit, Severity, Snapshot, Status
from auditor.store import audits, blobs, findings, schema, snapshots
from auditor.store.audits import AuditInfo
from auditor.store.database import Database, parse
from auditor.store.errors import NotFoundError
from auditor.store.prune import Pruned, prune
from auditor.store.snapshots import SnapshotInfo
from auditor.store.tables import AuditRow, CacheRow, FindingRow, SnapshotRow

Row = TypeVar("Row", SnapshotRow, FindingRow, AuditRow)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Store:
    """Snapshots, findings, events and audits in one database. Safe to share between threads and processes.

    Every method raises StoreError when the database cannot be read or written; a method that writes then wrote nothing.
    Ids and fingerprints may be shortened to any unambiguous beginning; NotFoundError says when they are not.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    @classmethod
    def open(cls, url: str, *, clock: Callable[[], datetime] = _utc_now) -> Self:
        """The store at `url`: `sqlite:///FILE`, made when it is not there, or `postgresql://…`, made by `audit db upgrade`.

        `clock` dates what is cached. Raises StoreError when the tables are older or newer than this program."""
        database = Database(parse(url))
        try:
            schema.ensure(database)
        except BaseException:
            database.close()
            raise
        return cls(database, clock)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Keep `snapshot`. The same one again is no error and changes nothing."""
        with self._database.writing() as session:
            snapshots.save(session, snapshot)

    def load_snapshot(self, snapshot_id: str) -> Snapshot:
        with self._database.reading() as session:
            return snapshots.load(session, _one(session, SnapshotRow, SnapshotRow.id, snapshot_id, "snapshot"))

    def latest_snapshot(self, environment: str) -> Snapshot | None:
        with self._database.reading() as session:
            row = session.scalars(_snapshots(environment).limit(1)).first()
            return snapshots.load(session, row) if row else None

    def snapshots(
        self, environment: str | None = None, *, since: datetime | None = None, limit: int | None = None
    ) -> tuple[SnapshotInfo, ...]:
        """The snapshots taken at `since` or later, newest first."""
        statement = _snapshots(environment).limit(limit)
        if since is not None:
            statement = statement.where(SnapshotRow.taken_at >= since)
        with self._database.reading() as session:
            return tuple(snapshots.info(row) for row in session.scalars(statement))

    def record_audit(self, audit: Audit, snapshot_ids: tuple[str, str], life: LifeResult) -> None:
        """Keep an audit, the findings it changed and their events: all of it or nothing, and once only.

        `snapshot_ids` are the left and right snapshots, saved before. Raises ConflictError when another audit of the
        pair was recorded since `previous` was read: read it again and let `life.live` decide again."""
        with self._database.writing() as session:
            if audits.is_recorded(session, audit):
                return
            audits.add(session, audit, snapshot_ids)
            findings.write(session, audit.left, audit.right, life.updated)
            findings.write_events(session, life.events)

    def previous(self, left: str, right: str) -> Mapping[str, StoredFinding]:
        """Every finding ever recorded of the pair, resolved ones too, by fingerprint: what `life.live` starts from."""
        with self._database.reading() as session:
            return findings.of_pair(session, left, right)

    def findings(
        self,
        left: str | None = None,
        right: str | None = None,
        *,
        status: Collection[Status] | None = None,
        severity: Severity | None = None,
    ) -> tuple[StoredFinding, ...]:
        """Findings with one of these statuses, at or above `severity`; None asks for any. The most severe first."""
        with self._database.reading() as session:
            return findings.search(session, left, right, status, severity)

    def finding(self, fingerprint: str) -> StoredFinding:
        with self._database.reading() as session:
            return findings.stored(_one(session, FindingRow, FindingRow.fingerprint, fingerprint, "finding"))

    def events(self, fingerprint: str) -> tuple[Event, ...]:
        """What happened to a finding, in order. Empty where its whole fingerprint is not known."""
        with self._database.reading() as session:
            return findings.events(session, fingerprint)

    def audit(self, audit_id: str) -> Audit:
        with self._database.reading() as session:
            return audits.load(session, _one(session, AuditRow, AuditRow.id, audit_id, "audit"))

    def last_audit(self, left: str, right: str) -> Audit | None:
        with self._database.reading() as session:
            row = session.scalars(audits.newest_first(left, right).limit(1)).first()
            return audits.load(session, row) if row else None

    def audits(
        self, left: str | None = None, right: str | None = None, *, limit: int | None = None
    ) -> tuple[AuditInfo, ...]:
        """Audits by the time they finished, newest first."""
        with self._database.reading() as session:
            return tuple(audits.info(row) for row in session.scalars(audits.newest_first(left, right).limit(limit)))

    def cached(self, namespace: str, keys: Iterable[str]) -> dict[str, bytes]:
        """Those of `keys` that are cached, with their content. A key is the digest of what the content was made from."""
        found: dict[str, bytes] = {}
        with self._database.reading() as session:
            for chunk in blobs.chunks(dict.fromkeys(keys)):
                statement = select(CacheRow.key, CacheRow.body)
                rows = session.execute(statement.where(CacheRow.namespace == namespace, CacheRow.key.in_(chunk)))
                found.update({key: blobs.decompress(body) for key, body in rows})
        return found

    def cache_put(self, namespace: str, items: Mapping[str, bytes]) -> None:
        """Cache `items` by key. A key that is there stays as it is: let the namespace name the version of the code."""
        now = self._clock()
        rows = [
            {"namespace": namespace, "key": key, "created_at": now, "body": blobs.compress(items[key])}
            for key in sorted(items)
        ]
        if not rows:
            return
        with self._database.writing() as session:
            blobs.insert_new(session, CacheRow, rows)

    def prune(self, older_than: datetime, *, keep: int = 1) -> Pruned:
        """Delete audits, snapshots and cached content from before `older_than`, and what only these referred to.

        The newest `keep` audits of each pair and snapshots of each environment stay, and so do the snapshots of every
        audit that stays. Findings and events always stay. Safe while others read and write; writers wait for it."""
        with self._database.writing(exclusive=True) as session:
            pruned = prune(session, older_than, keep)
        self._database.give_back_space()
        return pruned


def _snapshots(environment: str | None) -> Select[SnapshotRow]:
    statement = select(SnapshotRow)
    if environment is not None:
        statement = statement.where(SnapshotRow.environment == environment)
    return statement.order_by(SnapshotRow.taken_at.desc(), SnapshotRow.id.desc())


def _one(session: Session, table: type[Row], column: InstrumentedAttribute[str], start: str, noun: str) -> Row:
    """The row whose key is `start`, else the only one whose key begins with it."""
    exact = session.get(table, start)
    if exact is not None:
        return exact
    keys = session.scalars(
        select(column).where(column.startswith(start, autoescape=True)).order_by(column).limit(3)
    ).all()
    if len(keys) > 1:
        shown = ", ".join(keys[:2])
        raise NotFoundError(
            f"store: {noun} {start!r} is ambiguous ({shown}{', …' if len(keys) > 2 else ''}): type more of it"
        )
    if not keys:
        raise NotFoundError(f"store: there is no {noun} {start!r}")
    return session.get_one(table, keys[0])
