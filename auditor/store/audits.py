"""Audits, kept whole. Equal findings of two audits are kept once: what differs every time is kept beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Select, literal, select, tuple_
from sqlalchemy.orm import Session

from auditor.codec import canonical, decode, digest, encode
from auditor.errors import StoreError
from auditor.model import Audit, Finding, Gap
from auditor.store import blobs
from auditor.store.database import in_turn, next_number
from auditor.store.tables import AuditRow, DocumentRow, SnapshotRow


@dataclass(frozen=True, slots=True)
class AuditInfo:
    """What a list of audits shows of each. `score` is None where nothing was compared."""

    id: str
    left: str
    right: str
    left_snapshot: str
    right_snapshot: str
    started_at: datetime
    finished_at: datetime
    complete: bool
    score: float | None
    coverage: float


@dataclass(frozen=True, slots=True)
class _Kept:
    """An audit as its row holds it: without findings, but with when each was last seen, since that changes every time."""

    audit: Audit
    last_seen: tuple[datetime, ...]


_WHEN = ("id", "started_at", "finished_at")


@dataclass(frozen=True, slots=True)
class _Findings:
    findings: tuple[Finding, ...]


def is_recorded(session: Session, audit: Audit) -> bool:
    """Whether this very audit is there; no other one of its pair is recorded until the transaction ends.

    Raises StoreError where its id belongs to another one."""
    in_turn(session, "audits", audit.left, audit.right)
    row = session.get(AuditRow, audit.id)
    if row is None:
        return False
    if load(session, row) != audit:
        raise StoreError(f"store: there already is another audit {audit.id}")
    return True


def add(session: Session, audit: Audit, snapshots: tuple[str, str]) -> None:
    known = set(session.scalars(select(SnapshotRow.id).where(SnapshotRow.id.in_(snapshots))))
    for snapshot in snapshots:
        if snapshot not in known:
            raise StoreError(f"store: audit {audit.id} is of snapshot {snapshot}, which was not saved")
    content = canonical(encode(_lasting(audit)))
    blobs.put(session, DocumentRow, {digest(content): content})
    left_snapshot, right_snapshot = snapshots
    session.add(
        AuditRow(
            id=audit.id,
            left_environment=audit.left,
            right_environment=audit.right,
            left_snapshot=left_snapshot,
            right_snapshot=right_snapshot,
            started_at=audit.started_at,
            finished_at=audit.finished_at,
            complete=audit.complete,
            score=audit.score,
            coverage=audit.coverage.ratio,
            findings=digest(content),
            body=blobs.pack(encode(_kept(audit))),
            sequence=next_number(session, AuditRow.sequence),
        )
    )
    session.flush()


def load(session: Session, row: AuditRow) -> Audit:
    kept = decode(_Kept, json.loads(blobs.decompress(row.body)))
    document = blobs.get(session, DocumentRow, [row.findings])[row.findings]
    lasting = decode(_Findings, json.loads(document)).findings
    findings = (replace(finding, last_seen=seen) for finding, seen in zip(lasting, kept.last_seen, strict=True))
    return replace(kept.audit, findings=tuple(findings))


def rest(session: Session, ids: Iterable[str]) -> dict[str, str]:
    """What audits say besides their findings, as a digest that is equal where nothing differs but when it was."""
    found: dict[str, str] = {}
    for chunk in blobs.chunks(ids):
        for audit, body in session.execute(select(AuditRow.id, AuditRow.body).where(AuditRow.id.in_(chunk))):
            said = json.loads(blobs.decompress(body))["audit"]
            found[audit] = digest(canonical({key: value for key, value in said.items() if key not in _WHEN}))
    return found


def last_gaps(session: Session, left: str, right: str) -> tuple[Gap, ...]:
    """What the pair's audit that was recorded last could not observe."""
    row = session.scalars(newest_first(left, right).limit(1)).first()
    return () if row is None else decode(_Kept, json.loads(blobs.decompress(row.body))).audit.gaps


def newest_first(left: str | None, right: str | None) -> Select[AuditRow]:
    """Those recorded last first: clocks are set back, and then what is new would look old for as long."""
    statement = select(AuditRow)
    if left is not None:
        statement = statement.where(AuditRow.left_environment == left)
    if right is not None:
        statement = statement.where(AuditRow.right_environment == right)
    return statement.order_by(AuditRow.sequence.desc(), AuditRow.id.desc())


def recorded_before(audit: str) -> ColumnElement[bool]:
    """Whether an audit comes after this one in `newest_first`; none does where this one is not there."""
    mine = select(AuditRow.sequence).where(AuditRow.id == audit).scalar_subquery()
    return tuple_(AuditRow.sequence, AuditRow.id) < tuple_(mine, literal(audit, AuditRow.id.type))


def info(row: AuditRow) -> AuditInfo:
    return AuditInfo(
        row.id,
        row.left_environment,
        row.right_environment,
        row.left_snapshot,
        row.right_snapshot,
        row.started_at,
        row.finished_at,
        row.complete,
        row.score,
        row.coverage,
    )


def _lasting(audit: Audit) -> _Findings:
    return _Findings(tuple(replace(finding, last_seen=finding.first_seen) for finding in audit.findings))


def _kept(audit: Audit) -> _Kept:
    return _Kept(replace(audit, findings=()), tuple(finding.last_seen for finding in audit.findings))
