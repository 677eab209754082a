"""Leases: who works on something now. A holder that lives makes its beat grow.

Nothing here looks at a clock: who waits for a lease sees, by a monotonic clock of its own, for how long the beat has
stood still, and takes the lease over just as it saw it. So no clock that steps makes a living holder look dead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.orm import Session

from auditor.store import blobs
from auditor.store.tables import LeaseRow


@dataclass(frozen=True, slots=True)
class Lease:
    """`holder` has had `name` since it was acquired or stolen, and said so `beat` times."""

    name: str
    holder: str
    beat: int


def acquire(session: Session, name: str, holder: str) -> bool:
    blobs.insert_new(session, LeaseRow, [{"name": name, "holder": holder, "beat": 0}])
    found = read(session, name)
    return found is not None and found.holder == holder


def read(session: Session, name: str) -> Lease | None:
    row = session.get(LeaseRow, name)
    return None if row is None else Lease(row.name, row.holder, row.beat)


def beat(session: Session, name: str, holder: str) -> bool:
    return _advance(session, holder, LeaseRow.name == name, LeaseRow.holder == holder)


def steal(session: Session, name: str, holder: str, seen: Lease) -> bool:
    same = (LeaseRow.name == name, LeaseRow.holder == seen.holder, LeaseRow.beat == seen.beat)
    return _advance(session, holder, *same)


def release(session: Session, name: str, holder: str) -> None:
    session.execute(delete(LeaseRow).where(LeaseRow.name == name, LeaseRow.holder == holder))


def _advance(session: Session, holder: str, *same: ColumnElement[bool]) -> bool:
    result: Any = session.execute(
        update(LeaseRow)
        .where(*same)
        .values(holder=holder, beat=LeaseRow.beat + 1)
        .execution_options(synchronize_session=False)
    )
    return bool(result.rowcount)
