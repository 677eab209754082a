"""The store's face: one method per thing that is asked of it, each one transaction."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from secrets import token_hex

from sqlalchemy import delete, select, update

from auditor.errors import StoreError
from auditor.life import Event, LifeResult, StoredFinding
from auditor.looks import Past
from auditor.model import Audit, Gap, Severity, Snapshot, Status
from auditor.notices import Telling
from auditor.promotion import Deployment
from auditor.store import audits, blobs, deployments, findings, outbox, snapshots, summaries
from auditor.store import waivers as waiving
from auditor.store.audits import AuditInfo
from auditor.store.history import StoredPast
from auditor.store.holds import hold
from auditor.store.leadership import Leadership, leadership
from auditor.store.lookup import one
from auditor.store.prune import Pruned, prune
from auditor.store.reading import Reading
from auditor.store.snapshots import SnapshotInfo
from auditor.store.tables import AuditRow, CacheRow, DocumentRow, FindingRow, SnapshotRow
from auditor.waivers import Waiver

_NOTHING_TOLD = Telling()
_SEGMENTS_STAY = timedelta(days=1)
_log = logging.getLogger(__name__)


class Store(Reading):
    """Snapshots, findings, events and audits, and what the service keeps, in one database.

    Safe to share between threads and processes. Every method raises StoreError when the database cannot be read or
    written; a method that writes then wrote nothing. Ids and fingerprints that people type may be shortened to any
    unambiguous beginning; NotFoundError says when they are not.
    """

    def save_snapshot(self, snapshot: Snapshot, names: Iterable[str] = ()) -> None:
        """Keep `snapshot`, what gauges show of it, and what it says is deployed.

        The same one again is no error and changes nothing: it does not become the latest.

        `names` are the words that mean its environment: deployed components are shown without them."""
        self._saver.save(snapshot, tuple(names))

    def deployments(
        self, environment: str, component: str | None = None, *, since: datetime | None = None
    ) -> tuple[Deployment, ...]:
        """What ran in the environment, by component and in order: one for each version and stretch of snapshots.

        Outlives the snapshots. Those that ended before `since` are left out; None asks for all."""
        with self._database.reading() as session:
            return deployments.listed(session, environment, component, since)

    def deployments_since(self, environment: str, since: datetime) -> tuple[Deployment, ...]:
        """Those of `deployments` that ran at `since` or later."""
        return self.deployments(environment, since=since)

    def load_snapshot(self, snapshot_id: str) -> Snapshot:
        """Its documents are read where somebody looks at them: until an hour from now they are safe from pruning. One that is
        missing or damaged raises StoreError then."""
        with self._database.reading() as session:
            row = one(session, SnapshotRow, SnapshotRow.id, snapshot_id, "snapshot")
        return self._held(row.id, row.taken_at)

    def latest_snapshot(self, environment: str) -> Snapshot | None:
        """The one that was recorded last, whatever the clock said when it was taken."""
        with self._database.reading() as session:
            row = session.scalars(snapshots.newest_first(environment).limit(1)).first()
        return self._held(row.id, row.taken_at) if row else None

    def _held(self, snapshot: str, taken_at: datetime) -> Snapshot:
        """Raises NotFoundError where the snapshot was pruned meanwhile."""
        try:
            hold(self._database, snapshot, taken_at, self._clock())
        except StoreError as error:
            # Whoever may only read has to read before the next pruning.
            _log.debug("snapshot %s is not kept from pruning: %s", snapshot, error)
        with self._database.reading() as session:
            row = one(session, SnapshotRow, SnapshotRow.id, snapshot, "snapshot")
            return snapshots.load(session, row, self._database)

    def snapshots(
        self,
        environment: str | None = None,
        *,
        since: datetime | None = None,
        after: str | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> tuple[SnapshotInfo, ...]:
        """The snapshots taken at `since` or later, and recorded after the one with the id `after`, those recorded last first.

        `before` goes on in this order after the one with that id. The order of two environments' snapshots that were recorded at the same moment means nothing."""
        statement = snapshots.newest_first(environment).limit(limit)
        if since is not None:
            statement = statement.where(SnapshotRow.taken_at >= since)
        if after is not None:
            statement = statement.where(snapshots.recorded_after(after))
        if before is not None:
            statement = statement.where(snapshots.recorded_before(before))
        with self._database.reading() as session:
            return tuple(snapshots.info(row) for row in session.scalars(statement))

    def document(self, digest: str) -> bytes:
        """The document of this SHA-256 as it was stored: `auditor.codec.parse` reads it. StoreError where it is missing or damaged."""
        with self._database.reading() as session:
            return blobs.get(session, DocumentRow, [digest])[digest]

    def has_documents(self, digests: Iterable[str]) -> set[str]:
        """Those of `digests` whose documents are here."""
        with self._database.reading() as session:
            return blobs.existing(session, DocumentRow, dict.fromkeys(digests))

    @property
    def past(self) -> Past:
        """What the snapshots said, a little at a time, for walking back through them."""
        return StoredPast(self._database)

    def record_audit(
        self, audit: Audit, snapshot_ids: tuple[str, str], life: LifeResult, telling: Telling = _NOTHING_TOLD
    ) -> None:
        """Keep an audit, the findings it changed, their events and what is to be told: all or nothing, and once only.

        `snapshot_ids` are the left and right snapshots, saved before. Raises ConflictError when another audit of the
        pair was recorded since `previous` was read, or a topic of `telling` is there already: read `previous` and
        `topics` again and decide again. A notice that is there already is not told twice."""
        with self._database.writing() as session:
            if audits.is_recorded(session, audit):
                return
            audits.add(session, audit, snapshot_ids)
            findings.write(session, audit.left, audit.right, life.updated)
            findings.write_events(session, life.events)
            summaries.keep_audit(session, audit)
            outbox.tell(session, telling, audit.finished_at)

    def record_acts(
        self,
        left: str,
        right: str,
        updated: Sequence[StoredFinding],
        events: Sequence[Event],
        telling: Telling = _NOTHING_TOLD,
        waivers: Sequence[Waiver] = (),
    ) -> None:
        """Keep what people did to findings of a pair, outside an audit: all of it or nothing.

        Raises ConflictError as `record_audit` does, and for a waiver whose id belongs to another one."""
        with self._database.writing() as session:
            findings.write(session, left, right, updated)
            findings.write_events(session, events)
            waiving.add(session, waivers)
            outbox.tell(session, telling, max((event.at for event in events), default=self._clock()))

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
            return findings.stored(one(session, FindingRow, FindingRow.fingerprint, fingerprint, "finding"))

    def events(self, fingerprint: str) -> tuple[Event, ...]:
        """What happened to a finding, in order. Empty where its whole fingerprint is not known."""
        with self._database.reading() as session:
            return findings.events(session, fingerprint)

    def last_changes(self, left: str, right: str, since: datetime) -> tuple[Event, ...]:
        """What happened to the pair's findings at `since` or later, oldest first."""
        with self._database.reading() as session:
            return findings.events_since(session, left, right, since)

    def audit(self, audit_id: str) -> Audit:
        with self._database.reading() as session:
            return audits.load(session, one(session, AuditRow, AuditRow.id, audit_id, "audit"))

    def last_audit(self, left: str, right: str) -> Audit | None:
        """The one that was recorded last."""
        with self._database.reading() as session:
            row = session.scalars(audits.newest_first(left, right).limit(1)).first()
            return audits.load(session, row) if row else None

    def last_gaps(self, left: str, right: str) -> tuple[Gap, ...]:
        """What the audit that was recorded last could not observe, without its findings."""
        with self._database.reading() as session:
            return audits.last_gaps(session, left, right)

    def audits(
        self,
        left: str | None = None,
        right: str | None = None,
        *,
        before: str | None = None,
        limit: int | None = None,
    ) -> tuple[AuditInfo, ...]:
        """Audits in the order in which they were recorded, the last one first, whatever clocks said when they finished.

        `before` goes on in this order after the one with that id. The order of two pairs' audits that were recorded at the same moment means nothing."""
        statement = audits.newest_first(left, right).limit(limit)
        if before is not None:
            statement = statement.where(audits.recorded_before(before))
        with self._database.reading() as session:
            return tuple(audits.info(row) for row in session.scalars(statement))

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

    def segments(self, name: str) -> Mapping[str, bytes]:
        """The segments of what is kept under `name` (`auditor.kept`), by id, each unpacked when it is asked for.

        A damaged one is logged, and empty."""
        with self._database.reading() as session:
            statement = select(CacheRow.key, CacheRow.created_at, CacheRow.body).where(CacheRow.namespace == name)
            rows = session.execute(statement).all()
        now = self._clock()
        if any(row.created_at < now - _SEGMENTS_STAY for row in rows):
            self._touch(name, now)
        return _Segments(name, {row.key: row.body for row in rows})

    def _touch(self, name: str, now: datetime) -> None:
        """What is read is not old: pruning takes the segments that nobody reads any more."""
        try:
            with self._database.writing() as session:
                session.execute(update(CacheRow).where(CacheRow.namespace == name).values(created_at=now))
        except StoreError as error:
            _log.debug("the segments of %s keep their age: %s", name, error)

    def put_segments(self, name: str, add: Collection[bytes], drop: Collection[str] = ()) -> tuple[str, ...]:
        """Keep these segments under `name`, without those of the ids in `drop`: both or neither. Their new ids."""
        now = self._clock()
        # Compressed before anybody has to wait for it.
        added = {token_hex(16): blobs.compress(body) for body in add}
        rows = [{"namespace": name, "key": key, "created_at": now, "body": added[key]} for key in sorted(added)]
        with self._database.writing() as session:
            for chunk in blobs.chunks(sorted(drop)):
                session.execute(delete(CacheRow).where(CacheRow.namespace == name, CacheRow.key.in_(chunk)))
            blobs.insert_new(session, CacheRow, rows)
        return tuple(added)

    def leadership(self, name: str) -> Leadership:
        """This copy's claim to lead the copies that share the store. Not held yet; one object for one thread."""
        return leadership(self._database.url, self._database.name, name)

    def prune(self, older_than: datetime, *, keep: int = 1, thin: datetime | None = None) -> Pruned:
        """Delete audits, snapshots and cached content from before `older_than`, and what only these referred to.

        Of audits and snapshots from before `thin` the repeats go too, which lie between two others that saw the very same: the first
        and the last that saw something stay, so that every change is told as before. The snapshot that says what was so at `older_than`
        stays then while the next one saw the same.

        The `keep` audits of each pair and snapshots of each environment that were recorded last stay, and so do the snapshots of every
        audit that stays, and those that were loaded within the last hour. Notices delivered before `older_than` go, and closed topics
        that have none left. Findings, events, waivers and notices that nobody got always stay. Safe while others read and write; writers
        wait for moments only."""
        pruned = prune(self._database, older_than, keep, thin, self._clock())
        self._database.give_back_space()
        return pruned


class _Segments(Mapping[str, bytes]):
    """Segments as they are stored: whoever goes through them has one in memory at a time."""

    def __init__(self, name: str, bodies: Mapping[str, bytes]) -> None:
        self._name, self._bodies = name, bodies

    def __getitem__(self, key: str) -> bytes:
        try:
            return blobs.decompress(self._bodies[key])
        except StoreError as error:
            _log.warning("a segment of %s (%s) is left out and worked out again: %s", self._name, key, error)
            return b""

    def __iter__(self) -> Iterator[str]:
        return iter(self._bodies)

    def __len__(self) -> int:
        return len(self._bodies)
