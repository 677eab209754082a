"""How many unresolved findings each choice of a filter would leave: one reading of their index, the rest is counting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeAlias

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auditor.model import Category, Severity, Status
from auditor.store import searched
from auditor.store.query import Facets, FindingQuery
from auditor.store.search import narrowed
from auditor.store.tables import UNRESOLVED, FindingRow

_Fits: TypeAlias = Callable[[str], bool]

_GROUP = (FindingRow.severity, FindingRow.status, FindingRow.category, FindingRow.kind, FindingRow.owner)


def facets(session: Session, query: FindingQuery) -> Facets:
    fits = (_severity(query), _status(query), _category(query), _kind(query), _owner(query))
    counts: tuple[Counter[str], ...] = tuple(Counter() for _ in fits)
    total = 0
    statement = select(*_GROUP, func.count()).where(UNRESOLVED, *narrowed(query, facets=False))
    # By the connection: thousands of plain rows need nothing of what a session does with each.
    rows = session.connection().execute(statement.group_by(*_GROUP)).all()
    for *group, count in rows:
        values = [value or "" for value in group]
        failed = [place for place, value in enumerate(values) if not fits[place](value)]
        if not failed:
            total += count
        # A choice is counted with all other filters, so what fails one filter counts for that one only.
        for place in range(len(fits)) if not failed else failed if len(failed) == 1 else ():
            counts[place][values[place]] += count
    severity, status, category, kind, owner = counts
    return Facets(
        severity={Severity(name): count for name, count in severity.items()},
        status={Status(name): count for name, count in status.items()},
        category={Category(name): count for name, count in category.items()},
        kind=dict(kind),
        owner=dict(owner),
        total=total,
    )


def _severity(query: FindingQuery) -> _Fits:
    least = query.min_severity.rank if query.min_severity is not None else 0
    chosen = {item.value for item in query.severities or Severity if item.rank >= least}
    return chosen.__contains__


def _status(query: FindingQuery) -> _Fits:
    return {item.value for item in query.statuses or Status}.__contains__


def _category(query: FindingQuery) -> _Fits:
    return {item.value for item in query.categories or Category}.__contains__


def _kind(query: FindingQuery) -> _Fits:
    if not query.kinds:
        return _any
    starts = tuple(searched.kind(name[:-1]) for name in query.kinds if name.endswith(".*"))
    names = {searched.kind(name) for name in query.kinds if not name.endswith(".*")}
    return lambda kind: kind in names or kind.startswith(starts)


def _owner(query: FindingQuery) -> _Fits:
    if not query.owners:
        return _any
    return {searched.owner(name) for name in query.owners}.__contains__


def _any(_value: str) -> bool:
    return True
