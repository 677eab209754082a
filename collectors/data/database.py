"""What the sampling asks of a database product: its tables, and rows by a few `select`s."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from auditor.errors import CollectError
from auditor.model import GapReason

UNTOLD = "the server answered with an error"
WORDS = {
    GapReason.ACCESS_DENIED: "the server denied access",
    GapReason.THROTTLED: "the server has no connection to spare",
    GapReason.TIMEOUT: "the statement took too long",
    GapReason.UNREACHABLE: "the server cannot be reached",
    GapReason.UNSUPPORTED: "the server cannot do what was asked",
}
"""What is told of an error: a server's own words may quote a value that it stumbled over."""


class Sort(StrEnum):
    """What a column's type says of its values. `PLAIN` needs no look (numbers, uuids, enumerations), `UNKNOWN` would."""

    TEXT = "text"
    DOCUMENT = "document"
    ADDRESS = "address"
    NUMBER = "number"
    TIME = "time"
    SWITCH = "switch"
    PLAIN = "plain"
    UNKNOWN = "unknown"


class KeySort(StrEnum):
    """How a table's one-column primary key can be walked through."""

    INTEGER = "integer"
    UUID = "uuid"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: str
    sort: Sort
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` is the server's estimate, None where it has none; `pages` its size in pages, where that is told.

    `key` is the primary key, where it is one column; `indexed` are the columns that an index begins with.
    `denied` says why its rows cannot be read, or not all of them.
    """

    schema: str
    name: str
    columns: tuple[Column, ...] = ()
    rows: int | None = None
    pages: int | None = None
    key: str | None = None
    key_sort: KeySort = KeySort.OTHER
    indexed: frozenset[str] = frozenset()
    is_view: bool = False
    denied: str | None = None


class Database(Protocol):
    """An open, read-only connection. Its methods raise CollectError."""

    @property
    def engine(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def is_replica(self) -> bool: ...

    @property
    def samples_pages(self) -> bool:
        """Whether it knows `tablesample system`."""
        ...

    def tables(self, *, views: bool) -> list[Table]: ...

    def unseen(self) -> CollectError | None:
        """Why there may be tables that the catalogue does not show; None where it shows all."""
        ...

    def part(self) -> AbstractContextManager[object]:
        """What is asked inside and fails leaves the connection fit for what comes after it."""
        ...

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...

    def quoted(self, *names: str) -> str: ...

    def as_text(self, column: Column) -> str:
        """An expression for a column's values as text, cut to the length that is looked at."""
        ...

    def as_day(self, expression: str) -> str:
        """An expression for a time as the day, `2026-01-31T00:00:00+00:00`."""
        ...
