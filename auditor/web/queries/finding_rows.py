"""Findings as rows of a table: what is said of one on a line or two."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from auditor.model import ABSENT, Category, Severity, Status
from auditor.publish.entries import counterpart, is_one_sided, shown_identity
from auditor.publish.spelling import Shown, side_by_side

if TYPE_CHECKING:
    from auditor.life import StoredFinding
    from auditor.model import Breach, Path

_ROOM = 60


@dataclass(frozen=True, slots=True)
class Row:
    """One finding. `values` are both sides beside each other, None where it is about a resource that one side lacks;
    `said` then says which, and what its counterpart may be."""

    fingerprint: str
    severity: Severity
    status: Status
    category: Category
    kind: str
    identity: str
    path: Path
    left: str
    right: str
    values: tuple[Shown, Shown] | None
    same: bool
    said: str
    owner: str | None
    cause: str | None
    cause_key: str | None
    age: timedelta
    first_seen: datetime

    @property
    def unresolved(self) -> bool:
        return self.status is not Status.RESOLVED


def rows(found: Iterable[StoredFinding], now: datetime) -> tuple[Row, ...]:
    return tuple(_row(stored, now) for stored in found)


def only_in(breach: Breach) -> str:
    """Of a resource that one side lacks: which one has it, and what its counterpart may be."""
    there = [side.environment for side in (breach.left, breach.right) if side.identity is not None]
    said = f"only in {there[0]}" if len(there) == 1 else breach.message
    return f"{said}; {counterpart(breach)[:1].lower()}{counterpart(breach)[1:]}" if breach.suggestion else said


def _row(stored: StoredFinding, now: datetime) -> Row:
    breach = stored.breach
    one_sided = is_one_sided(breach)
    left, right = breach.left, breach.right
    return Row(
        fingerprint=stored.fingerprint,
        severity=breach.severity,
        status=stored.status,
        category=breach.category,
        kind=breach.kind,
        identity=shown_identity(breach),
        path=breach.path,
        left=left.environment,
        right=right.environment,
        values=None if one_sided else side_by_side(left.value, right.value, _ROOM),
        same=left.value == right.value and left.value is not ABSENT,
        said=only_in(breach) if one_sided else "",
        owner=breach.owner,
        cause=breach.cause,
        cause_key=breach.cause_key,
        age=now - stored.first_seen,
        first_seen=stored.first_seen,
    )
