"""The tables. A change here needs a migration in `migrations/versions/`; a test compares the two on both databases.

Bodies are zstd-compressed canonical JSON. Only what is searched for or joined on has a column of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, Double, ForeignKey, Index, LargeBinary, MetaData, String, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

DIGEST = String(64)
NAME = String(255)


class Utc(TypeDecorator[datetime]):
    """An aware UTC time, exact to the microsecond. SQLite keeps no zone, so it is taken off and put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value.isoformat()}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map = {datetime: Utc(), str: Text(), float: Double()}


class DocumentRow(Base):
    """Content once: attributes of resources, facts of snapshots, findings of audits. `digest` is its SHA-256."""

    __tablename__ = "documents"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class ManifestRow(Base):
    """All resources of one source but for their attributes, which it names by digest. Shared by equal snapshots."""

    __tablename__ = "manifests"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class SnapshotRow(Base):
    __tablename__ = "snapshots"
    __table_args__ = (Index(None, "environment", "taken_at"),)

    id: Mapped[str] = mapped_column(NAME, primary_key=True)
    environment: Mapped[str] = mapped_column(NAME)
    taken_at: Mapped[datetime]
    resources: Mapped[int]
    gaps: Mapped[int]
    facts: Mapped[str] = mapped_column(DIGEST, ForeignKey("documents.digest"))


class SnapshotManifestRow(Base):
    """The manifests that a snapshot is made of, one per source."""

    __tablename__ = "snapshot_manifests"

    snapshot: Mapped[str] = mapped_column(NAME, ForeignKey("snapshots.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    manifest: Mapped[str] = mapped_column(DIGEST, ForeignKey("manifests.digest"), index=True)


class AuditRow(Base):
    """One audit. Its findings are a document, shared by audits that found the same; `body` is the rest."""

    __tablename__ = "audits"
    __table_args__ = (Index(None, "left_environment", "right_environment", "finished_at"),)

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


class FindingRow(Base):
    """The last known state of a finding. `digest` covers all but `last_seen`: equal means nothing else to write."""

    __tablename__ = "findings"
    __table_args__ = (Index(None, "left_environment", "right_environment", "status"),)

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


class EventRow(Base):
    """Every change of a finding's state, in the order recorded. Outlives the audit that it names."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(NAME, ForeignKey("findings.fingerprint"), index=True)
    at: Mapped[datetime]
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
