"""A store that is open: opening it, closing it, and whether it can be worked with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from auditor.store import schema
from auditor.store.database import Database, parse


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Opened:
    """One database, for as long as it is open."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    @classmethod
    def open(cls, url: str, *, clock: Callable[[], datetime] = _utc_now) -> Self:
        """The store at `url`: `sqlite:///FILE`, made when it is not there, or `postgresql://…`, made by `audit db upgrade`.

        `clock` dates what is cached. Raises StoreError when the tables are older or newer than this program."""
        database = Database(parse(url))
        try:
            schema.ensure(database)
        except BaseException:
            database.close()
            raise
        return cls(database, clock)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def check(self) -> None:
        """Cheap. Raises StoreError when the database cannot be reached or its tables are not of this program's version."""
        schema.check(self._database)
