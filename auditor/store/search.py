"""Lists of findings, a page at a time. Unresolved ones come from one index that holds all that is asked of them; of the many
resolved ones a page looks at a bounded number. Bodies are read of those shown only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, TextClause, func, literal, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from auditor.model import Status
from auditor.store import findings, searched
from auditor.store.cursors import Key, Value, from_cursor, name_of, to_cursor
from auditor.store.query import FindingPage, FindingQuery, Order
from auditor.store.tables import RESOLVED, UNRESOLVED, FindingRow

# How many resolved findings one page looks through where most may not fit: some 50 ms.
WINDOW = 5_000

Condition: TypeAlias = ColumnElement[bool] | TextClause
_Column: TypeAlias = InstrumentedAttribute[Any]
_ORDERS: dict[Order, tuple[tuple[_Column, ...], tuple[type[Value], ...], bool]] = {
    Order.SEVERITY: ((FindingRow.rank, FindingRow.first_seen, FindingRow.fingerprint), (int, datetime, str), True),
    Order.NEWEST: ((FindingRow.first_seen, FindingRow.fingerprint), (datetime, str), True),
    Order.OLDEST: ((FindingRow.first_seen, FindingRow.fingerprint), (datetime, str), False),
    Order.RESOURCE: (
        (FindingRow.kind, FindingRow.identity, FindingRow.path, FindingRow.fingerprint),
        (str, str, str, str),
        False,
    ),
}


@dataclass(frozen=True, slots=True)
class _Part:
    """One stretch of the list: the unresolved or the resolved ones, in one order.

    Where most of `series` may not fit `where`, no more than `window` of it are looked at for a page."""

    name: str
    where: tuple[Condition, ...]
    series: tuple[Condition, ...]
    key: tuple[_Column, ...]
    types: tuple[type[Value], ...]
    descending: bool
    window: int | None = None


def page(session: Session, query: FindingQuery, after: str | None, limit: int) -> FindingPage:
    """Raises ValueError for a cursor that is none of this list's, and for a `limit` below 1."""
    if limit < 1:
        raise ValueError(f"a page of {limit} findings: ask for at least one")
    parts = _parts(query)
    start, last = (0, None) if after is None else _place(parts, after)
    found: list[tuple[_Part, Key]] = []
    on = None
    for part in parts[start:]:
        # One more than is shown tells whether there are more.
        keys, rest = _look(session, part, last, limit + 1 - len(found))
        found += [(part, key) for key in keys]
        last = None
        if rest is not None or len(found) > limit:
            on = None if rest is None else (part, rest)
            break
    if len(found) > limit:
        found = found[:limit]
        on = found[-1]
    items = findings.of_fingerprints(session, [str(key[-1]) for _, key in found])
    cursor = None if on is None else to_cursor(on[0].name, on[1])
    return FindingPage(items, cursor, None if query.resolved else _count(session, query))


def narrowed(query: FindingQuery, *, facets: bool = True) -> tuple[ColumnElement[bool], ...]:
    """What a finding has to fit, whether it is resolved or not; without `facets` but for the filters that facets offer."""
    found: list[ColumnElement[bool]] = []
    if query.left is not None:
        found.append(FindingRow.left_environment == query.left)
    if query.right is not None:
        found.append(FindingRow.right_environment == query.right)
    if query.rule is not None:
        found.append(FindingRow.rule == searched.rule(query.rule))
    if query.cause is not None:
        found.append(FindingRow.cause == searched.cause(query.cause))
    if query.older_than is not None:
        found.append(FindingRow.first_seen < query.older_than)
    if query.newer_than is not None:
        found.append(FindingRow.first_seen >= query.newer_than)
    if query.suggested is not None:
        found.append(FindingRow.suggested.is_(query.suggested))
    found += [FindingRow.words.contains(word, autoescape=True) for word in searched.lowered(query.text).split()]
    return (*found, *_chosen(query)) if facets else tuple(found)


def _chosen(query: FindingQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if query.severities:
        found.append(FindingRow.severity.in_(sorted(query.severities)))
    if query.min_severity is not None:
        found.append(FindingRow.rank >= query.min_severity.rank)
    if query.categories:
        found.append(FindingRow.category.in_(sorted(query.categories)))
    if query.kinds:
        found.append(or_(*(_of_kind(kind) for kind in sorted(query.kinds))))
    if query.owners:
        named = sorted(searched.owner(owner) for owner in query.owners if owner)
        nobodys = [FindingRow.owner.is_(None)] if "" in query.owners else []
        found.append(or_(*nobodys, *([FindingRow.owner.in_(named)] if named else [])))
    return found


def _of_kind(kind: str) -> ColumnElement[bool]:
    if not kind.endswith(".*"):
        return FindingRow.kind == searched.kind(kind)
    start = searched.kind(kind[:-1])
    # Not LIKE, which is not strict about capitals on SQLite.
    return func.substr(FindingRow.kind, 1, len(start)) == start


def _parts(query: FindingQuery) -> tuple[_Part, ...]:
    parts = []
    key, types, descending = _ORDERS[query.order]
    fits = narrowed(query)
    if query.unresolved:
        parts.append(_Part(query.order.value, (*_alive(query), *fits), (), key, types, descending))
    if query.resolved:
        whole = query.left is not None and query.right is not None
        pair = fits[:2] if whole else ()
        downwards = query.order is not Order.OLDEST
        parts.append(
            _Part(
                "resolved" if downwards else "resolved-oldest",
                (RESOLVED, *fits),
                (RESOLVED, *pair),
                (FindingRow.last_seen, FindingRow.fingerprint),
                (datetime, str),
                downwards,
                None if fits == pair else WINDOW,
            )
        )
    return tuple(parts)


def _alive(query: FindingQuery) -> tuple[Condition, ...]:
    wanted = sorted(status for status in query.statuses or () if status is not Status.RESOLVED)
    return (UNRESOLVED, FindingRow.status.in_(wanted)) if wanted else (UNRESOLVED,)


def _place(parts: Sequence[_Part], cursor: str) -> tuple[int, Key]:
    """Which part goes on, and after which key."""
    name = name_of(cursor)
    number = next((number for number, part in enumerate(parts) if part.name == name), 0)
    return number, from_cursor(cursor, parts[number].name, parts[number].types)


def _look(session: Session, part: _Part, last: Key | None, limit: int) -> tuple[list[Key], Key | None]:
    """The next keys that fit, `limit` at most. Where fewer were found because no more were looked at: up to which key."""
    where = part.where if last is None else (*part.where, _beyond(part, last))
    order = [column.desc() if part.descending else column.asc() for column in part.key]
    end: Key | None = None
    if part.window is not None:
        ahead = select(*part.key).where(*part.series, *([] if last is None else [_beyond(part, last)]))
        row = session.execute(ahead.order_by(*order).offset(part.window - 1).limit(1)).first()
        end = None if row is None else tuple(row)
    if end is not None:
        where = (*where, ~_beyond(part, end))
    keys = [tuple(row) for row in session.execute(select(*part.key).where(*where).order_by(*order).limit(limit))]
    return keys, end if len(keys) < limit else None


def _beyond(part: _Part, key: Key) -> ColumnElement[bool]:
    """What comes after `key` in the order of the part."""
    columns = tuple_(*part.key)
    values = tuple_(*(literal(value, column.type) for value, column in zip(key, part.key, strict=True)))
    return columns < values if part.descending else columns > values


def _count(session: Session, query: FindingQuery) -> int:
    statement = select(func.count()).select_from(FindingRow)
    return session.scalar(statement.where(*_alive(query), *narrowed(query))) or 0
