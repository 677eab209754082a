"""The tables. A change here needs a migration in `migrations/versions/`; a test compares the two on both databases.

Bodies are zstd-compressed canonical JSON. Only what is searched for or joined on has a column of its own.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from auditor.store.access_tables import ApiTokenRow as ApiTokenRow
from auditor.store.access_tables import TrailRow as TrailRow
from auditor.store.access_tables import WebSessionRow as WebSessionRow
from auditor.store.columns import DIGEST, NAME, NO, NO_NUMBER, NO_TEXT, partial
from auditor.store.columns import Base as Base

# Spelled out in queries too: a plan that has to fit any bound value could not use the partial index.
UNRESOLVED = text("findings.status <> 'resolved'")
RESOLVED = text("findings.status = 'resolved'")
REGRESSED = text("events.to_status = 'regressed'")

# The columns of the index of unresolved findings, in its order.
SEARCHED = (
    "left_environment",
    "right_environment",
    "rank",
    "first_seen",
    "fingerprint",
    "severity",
    "status",
    "category",
    "kind",
    "identity",
    "path",
    "rule",
    "owner",
    "cause",
    "suggested",
    "words",
)


class DocumentRow(Base):
    """Content once: attributes of resources, facts of snapshots, findings of audits. `digest` is its SHA-256."""

    __tablename__ = "documents"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class ChunkRow(Base):
    """Some resources of one source but for their attributes, which it names by digest. Shared by manifests."""

    __tablename__ = "chunks"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class ManifestRow(Base):
    """All resources of one source, as the digests of the chunks that list them. Shared by equal snapshots."""

    __tablename__ = "manifests"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class SnapshotRow(Base):
    """One snapshot. `sequence` says which was recorded last, whatever clocks said: later ones of its environment have
    greater numbers. Those of two environments may share one."""

    __tablename__ = "snapshots"
    __table_args__ = (Index(None, "environment", "taken_at"), Index(None, "environment", "sequence"))

    id: Mapped[str] = mapped_column(NAME, primary_key=True)
    environment: Mapped[str] = mapped_column(NAME)
    taken_at: Mapped[datetime]
    resources: Mapped[int]
    gaps: Mapped[int]
    facts: Mapped[str] = mapped_column(DIGEST, ForeignKey("documents.digest"))
    sequence: Mapped[int] = mapped_column(BigInteger, server_default=NO_NUMBER, index=True)


class SnapshotManifestRow(Base):
    """The manifests that a snapshot is made of, one per source."""

    __tablename__ = "snapshot_manifests"

    snapshot: Mapped[str] = mapped_column(NAME, ForeignKey("snapshots.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    manifest: Mapped[str] = mapped_column(DIGEST, ForeignKey("manifests.digest"), index=True)


class AuditRow(Base):
    """One audit. Its findings are a document, shared by audits that found the same; `body` is the rest.

    `sequence` is to its pair what it is to a snapshot's environment."""

    __tablename__ = "audits"
    __table_args__ = (Index(None, "left_environment", "right_environment", "sequence"),)

    id: Mapped[str] = mapped_column(NAME, primary_key=True)
    left_environment: Mapped[str] = mapped_column(NAME)
    right_environment: Mapped[str] = mapped_column(NAME)
    left_snapshot: Mapped[str] = mapped_column(NAME, ForeignKey("snapshots.id"), index=True)
    right_snapshot: Mapped[str] = mapped_column(NAME, ForeignKey("snapshots.id"), index=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    complete: Mapped[bool]
    score: Mapped[float | None]
    coverage: Mapped[float]
    findings: Mapped[str] = mapped_column(DIGEST, ForeignKey("documents.digest"))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    sequence: Mapped[int] = mapped_column(BigInteger, server_default=NO_NUMBER, index=True)


class FindingRow(Base):
    """The last known state of a finding. `digest` covers all but `last_seen`: equal means nothing else to write.

    The columns from `kind` on are what lists are filtered and ordered by, made from the body by `searched.py`. Each is cut
    to so few bytes that all of them fit into an entry of an index."""

    __tablename__ = "findings"
    __table_args__ = (
        Index(None, "left_environment", "right_environment", "status"),
        # All that gauges ask of findings: most are resolved in time, and counting must not touch those.
        partial(
            "ix_findings_unresolved",
            "left_environment",
            "right_environment",
            "category",
            "severity",
            "status",
            "opened_at",
            where="status <> 'resolved'",
        ),
        # All that a list of unresolved findings is filtered and ordered by: what it does not show is never read.
        partial("ix_findings_search", *SEARCHED, where="status <> 'resolved'"),
        partial(
            "ix_findings_resolved",
            "left_environment",
            "right_environment",
            "last_seen",
            "fingerprint",
            where="status = 'resolved'",
        ),
        partial("ix_findings_resolved_anywhere", "last_seen", "fingerprint", where="status = 'resolved'"),
    )

    fingerprint: Mapped[str] = mapped_column(NAME, primary_key=True)
    left_environment: Mapped[str] = mapped_column(NAME)
    right_environment: Mapped[str] = mapped_column(NAME)
    status: Mapped[str] = mapped_column(NAME)
    severity: Mapped[str] = mapped_column(NAME)
    category: Mapped[str] = mapped_column(NAME)
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]
    since: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    moved: Mapped[str | None]
    revision: Mapped[int]
    digest: Mapped[str] = mapped_column(DIGEST)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    kind: Mapped[str] = mapped_column(NAME, server_default=NO_TEXT)
    identity: Mapped[str] = mapped_column(NAME, server_default=NO_TEXT)
    path: Mapped[str] = mapped_column(NAME, server_default=NO_TEXT)
    rule: Mapped[str] = mapped_column(NAME, server_default=NO_TEXT)
    owner: Mapped[str | None] = mapped_column(NAME)
    cause: Mapped[str | None] = mapped_column(NAME)
    rank: Mapped[int] = mapped_column(server_default=NO_NUMBER)
    words: Mapped[str] = mapped_column(server_default=NO_TEXT)
    suggested: Mapped[bool] = mapped_column(server_default=NO)


class EventRow(Base):
    """Every change of a finding's state, in the order recorded. Outlives the audit that it names.

    Triggers of the database refuse to change or delete a row (`migrations/versions/r0003_audit_log.py`)."""

    __tablename__ = "events"
    __table_args__ = (
        partial(
            "ix_events_regressed", "at", "fingerprint", "from_status", "to_status", where="to_status = 'regressed'"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(NAME, ForeignKey("findings.fingerprint"), index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    audit_id: Mapped[str | None] = mapped_column(NAME)
    actor: Mapped[str] = mapped_column(NAME)
    from_status: Mapped[str | None] = mapped_column(NAME)
    to_status: Mapped[str] = mapped_column(NAME)
    reason: Mapped[str]


class CacheRow(Base):
    """What can be computed again, by the digest of what it was computed from."""

    __tablename__ = "cache"

    namespace: Mapped[str] = mapped_column(NAME, primary_key=True)
    key: Mapped[str] = mapped_column(NAME, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class TopicRow(Base):
    """A conversation at one target. `reference` is JSON text; `body` is the rest of the topic."""

    __tablename__ = "topics"
    __table_args__ = (Index(None, "left_environment", "right_environment", "closed_at"),)

    id: Mapped[str] = mapped_column(NAME, primary_key=True)
    target: Mapped[str]
    left_environment: Mapped[str] = mapped_column(NAME)
    right_environment: Mapped[str] = mapped_column(NAME)
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    reference: Mapped[str | None]
    body: Mapped[bytes] = mapped_column(LargeBinary)


class TopicMemberRow(Base):
    """Which findings a topic is about, those that were resolved meanwhile too."""

    __tablename__ = "topic_members"

    topic: Mapped[str] = mapped_column(NAME, ForeignKey("topics.id", ondelete="CASCADE"), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(NAME, ForeignKey("findings.fingerprint"), primary_key=True, index=True)


class NoticeRow(Base):
    """The outbox. `sequence` only ever grows; per target it is the order in which notices are delivered."""

    __tablename__ = "notices"
    __table_args__ = (
        partial("ix_notices_pending", "target", "sequence", "not_before", "state", where="state = 'pending'"),
        partial("ix_notices_failed", "target", "state", where="state = 'failed'"),
        partial("ix_notices_opening", "topic", "not_before", where="state = 'pending' AND kind = 'open'"),
        {"sqlite_autoincrement": True},
    )

    sequence: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(NAME, index=True, unique=True)
    target: Mapped[str]
    kind: Mapped[str] = mapped_column(NAME)
    topic: Mapped[str | None] = mapped_column(NAME, ForeignKey("topics.id"), index=True)
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    state: Mapped[str] = mapped_column(NAME)
    attempts: Mapped[int]
    attempted_at: Mapped[datetime | None]
    ended: Mapped[bool]
    next_at: Mapped[datetime | None]
    error: Mapped[str | None]
    reference: Mapped[str | None]
    delivered_at: Mapped[datetime | None]
    body: Mapped[bytes] = mapped_column(LargeBinary)


class WaiverRow(Base):
    """A person's waiver. It stays when it has expired or was revoked: it says who tolerated what, and until when.

    Triggers of the database refuse any change but revoking it, once, and any deletion."""

    __tablename__ = "waivers"
    __table_args__ = (partial("ix_waivers_revoked", "revoked_at", where="revoked_at IS NOT NULL"),)

    id: Mapped[str] = mapped_column(NAME, primary_key=True)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]
    body: Mapped[bytes] = mapped_column(LargeBinary)


class LeaseRow(Base):
    """Who works on something now. A holder that lives makes `beat` grow."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(NAME, primary_key=True)
    holder: Mapped[str]
    beat: Mapped[int] = mapped_column(BigInteger)


class MemoryRow(Base):
    """Small facts that the service remembers from one run to the next."""

    __tablename__ = "memory"

    key: Mapped[str] = mapped_column(NAME, primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class SnapshotSummaryRow(Base):
    """What gauges show of the snapshot of an environment that was recorded last. It goes with that snapshot."""

    __tablename__ = "snapshot_summaries"

    environment: Mapped[str] = mapped_column(NAME, primary_key=True)
    snapshot: Mapped[str] = mapped_column(NAME, ForeignKey("snapshots.id", ondelete="CASCADE"), index=True)
    taken_at: Mapped[datetime]
    body: Mapped[bytes] = mapped_column(LargeBinary)


class CollectorSuccessRow(Base):
    """When a collector last read everything it is asked for in an environment. Outlives the snapshot."""

    __tablename__ = "collector_successes"

    environment: Mapped[str] = mapped_column(NAME, primary_key=True)
    collector: Mapped[str] = mapped_column(NAME, primary_key=True)
    at: Mapped[datetime]


class PairSummaryRow(Base):
    """What is shown of a pair's audit that was recorded last, and when one was last complete. Outlives the audits.

    `scores` and `tallies` are JSON by category. `audit` is null where the audit was not known any more."""

    __tablename__ = "pair_summaries"

    left_environment: Mapped[str] = mapped_column(NAME, primary_key=True)
    right_environment: Mapped[str] = mapped_column(NAME, primary_key=True)
    last_audit: Mapped[datetime]
    last_complete: Mapped[datetime | None]
    score: Mapped[float | None]
    coverage: Mapped[float]
    scores: Mapped[str]
    tallies: Mapped[str] = mapped_column(server_default=text("'{}'"))
    audit: Mapped[str | None] = mapped_column(NAME)
    complete: Mapped[bool] = mapped_column(server_default=NO)
    gaps: Mapped[int] = mapped_column(server_default=NO_NUMBER)


class PairDayRow(Base):
    """A pair at the end of one day (UTC, `2026-11-23`): what its last audit of that day left. Outlives the audits.

    The severities count findings that were open or regressed, null where nobody counted; `audits` and `incomplete` count
    the day's audits."""

    __tablename__ = "pair_days"

    left_environment: Mapped[str] = mapped_column(NAME, primary_key=True)
    right_environment: Mapped[str] = mapped_column(NAME, primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True, index=True)
    score: Mapped[float | None]
    coverage: Mapped[float]
    critical: Mapped[int | None]
    high: Mapped[int | None]
    medium: Mapped[int | None]
    low: Mapped[int | None]
    info: Mapped[int | None]
    audits: Mapped[int]
    incomplete: Mapped[int]


class DeploymentRow(Base):
    """A version of a component over one stretch of snapshots, each of which showed it. Outlives the snapshots.

    `digest` is "" where none is known. `after` is when the last snapshot before was taken, null where none was.
    `last_seen` is null while the environment's last snapshot shows it."""

    __tablename__ = "deployments"

    environment: Mapped[str] = mapped_column(NAME, primary_key=True)
    component: Mapped[str] = mapped_column(NAME, primary_key=True)
    version: Mapped[str] = mapped_column(NAME, primary_key=True)
    digest: Mapped[str] = mapped_column(NAME, primary_key=True)
    first_seen: Mapped[datetime] = mapped_column(primary_key=True)
    after: Mapped[datetime | None]
    last_seen: Mapped[datetime | None]
    deployed_at: Mapped[datetime | None]


class WatchRow(Base):
    """Up to when the deployments of an environment are known: its last snapshot."""

    __tablename__ = "deployment_watches"

    environment: Mapped[str] = mapped_column(NAME, primary_key=True)
    last_seen: Mapped[datetime]
