"""A row by its key, or by as much of its key as a person cares to type."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from auditor.store.errors import NotFoundError
from auditor.store.tables import AuditRow, FindingRow, NoticeRow, SnapshotRow, WaiverRow

Row = TypeVar("Row", SnapshotRow, FindingRow, AuditRow, NoticeRow, WaiverRow)


def one(session: Session, table: type[Row], column: InstrumentedAttribute[str], start: str, noun: str) -> Row:
    """The row whose `column` is `start`, else the only one where it begins with it. Raises NotFoundError."""
    exact = session.scalars(select(table).where(column == start)).first()
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
    return session.scalars(select(table).where(column == keys[0])).one()
