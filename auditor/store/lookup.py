"""A row by its key, or by as much of its key as a person cares to type."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from auditor.store.errors import NotFoundError
from auditor.store.tables import AuditRow, FindingRow, NoticeRow, SnapshotRow, WaiverRow

Row = TypeVar("Row", SnapshotRow, FindingRow, AuditRow, NoticeRow, WaiverRow)
# Up to so many pairs the database looks each up; beyond, it reads all of them faster.
_FEW = 8


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


def of_few(left: Any, right: Any, pairs: Collection[tuple[str, str]]) -> tuple[ColumnElement[bool], ...]:
    """What narrows a query to `pairs` where these are so few that it is worth it; nothing where they are many.

    `left` and `right` are the columns that name a pair. Whoever asks leaves out the rows of others anyway."""
    if len(pairs) > _FEW:
        return ()
    return (or_(false(), *(and_(left == one, right == other) for one, other in sorted(pairs))),)
