"""Which rows of a table are looked at, so that two databases with the same rows look at the same ones.

A small table is read as a whole. Of a larger one with a numeric key, or one of uuids, rows are read from the beginning of
ranges that lie where they lie whatever the table holds: the ranges of a smaller table are a finer division of those of a
larger one, so a copy, an older copy and a part all meet their original in some of them. Of other keys the first and the
last rows are read. Without a key, whole pages at random (PostgreSQL), or whatever comes first: then a copy is met by
chance only.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from collectors.data.database import Database, KeySort, Table

_ROWS_OF_A_RANGE = 5
_FEWEST_RANGES, _MOST_RANGES = 20, 200
_ROWS_OF_A_PAGE = 25
"""So many at least, it is hoped: fewer pages would give fewer rows than are wanted."""


class How(StrEnum):
    """How the rows of a sample were chosen."""

    ALL = "all rows"
    RANGES = "key ranges"
    ENDS = "first and last keys"
    PAGES = "random pages"
    FIRST = "first rows"


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows as tuples of the expressions that were asked for."""

    rows: list[tuple[Any, ...]]
    how: How

    @property
    def is_whole(self) -> bool:
        return self.how is How.ALL

    @property
    def unseen_share(self) -> float:
        """The share of rows that may have what none of these has, at 95 % confidence, if these were drawn at random.

        The rule of three: J. Hanley, A. Lippman-Hand, "If Nothing Goes Wrong, Is Everything All Right?", JAMA 1983.
        """
        if self.is_whole:
            return 0.0
        return round(min(1.0, 3 / len(self.rows)), 4) if self.rows else 1.0


def sampled(database: Database, table: Table, expressions: Sequence[str], rows: int) -> Sample:
    """At most `rows` rows of `table`. Raises CollectError."""
    source = database.quoted(table.schema, table.name)
    what = ", ".join(expressions) or "1"
    small = table.rows is None or table.rows <= 10 * rows
    if small:
        # One row more than wanted tells whether there are more.
        order = f" order by {database.quoted(table.key)}" if table.key else ""
        found = database.rows(f"select {what} from {source}{order} limit {rows + 1}")
        if len(found) <= rows:
            return Sample(found, How.ALL)
        if table.key is None and table.is_view:
            return Sample(found[:rows], How.FIRST)
    if table.key is None:
        return _without_key(database, table, what, source, rows)
    return _by_key(database, table, what, source, rows)


def _without_key(database: Database, table: Table, what: str, source: str, rows: int) -> Sample:
    if database.samples_pages and table.pages:
        share = min(100.0, 100 * max(rows / _ROWS_OF_A_PAGE, 1) / table.pages)
        pages = f"tablesample system ({share:.6f}) repeatable (1)"
        found = database.rows(f"select {what} from {source} {pages} limit {rows}")
        if found:
            return Sample(found, How.PAGES)
    return Sample(database.rows(f"select {what} from {source} limit {rows}"), How.FIRST)


def _by_key(database: Database, table: Table, what: str, source: str, rows: int) -> Sample:
    key = database.quoted(table.key or "")
    most_ranges = max(_FEWEST_RANGES, min(_MOST_RANGES, rows // _ROWS_OF_A_RANGE))
    starts = _starts(database, table, key, source, most_ranges)
    found: list[tuple[Any, ...]] = []
    if starts:
        most = max(1, rows // len(starts))
        ends = [*starts[1:], None]
        parts, parameters = [], []
        for start, end in zip(starts, ends, strict=True):
            until = f" and {key} < %s" if end is not None else ""
            parts.append(f"(select {key}, {what} from {source} where {key} >= %s{until} order by {key} limit {most})")
            parameters += [start] if end is None else [start, end]
        found = database.rows(" union all ".join(parts), parameters)
    how = How.RANGES
    if len(found) < rows // 2:
        # Keys that crowd in few of the ranges, or that have none.
        how = How.RANGES if found else How.ENDS
        half = max(1, (rows - len(found)) // 2)
        for direction in ("", " desc"):
            found += database.rows(f"select {key}, {what} from {source} order by {key}{direction} limit {half}")
    return Sample([row[1:] for row in {row[0]: row for row in found}.values()], how)


def _starts(database: Database, table: Table, key: str, source: str, most: int) -> list[Any]:
    if table.key_sort is KeySort.UUID:
        return [str(uuid.UUID(int=(1 << 128) // most * index)) for index in range(most)]
    if table.key_sort is not KeySort.INTEGER:
        return []
    ((first, last),) = database.rows(f"select min({key}), max({key}) from {source}")
    return [] if first is None else range_starts(int(first), int(last), most)


def range_starts(first: int, last: int, most: int) -> list[int]:
    """Where ranges of keys begin that cover `first` to `last`: multiples of a power of two.

    More than half of `most`, if there is room for so many, and at most one more than `most`.
    """
    width = 1
    while (last - first) // width >= most:
        width *= 2
    return list(range(first - first % width, last + 1, width))
