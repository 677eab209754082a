"""The file of an SQLite store, and whether what is open is still it.

Whoever has a file open reads and writes it on when it was deleted, moved away or replaced: all would look well, and
everything recorded since would be gone with the process. So a connection counts only while its file is the one at the path.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

from auditor.errors import StoreError

_FILE = "auditor_file"


class FilePlace:
    """Where the file of the store that messages call `described` is."""

    def __init__(self, path: str, described: str) -> None:
        self._path = Path(path).absolute()
        self._described = described
        self._was_open = False

    def make(self) -> None:
        """Make the file where there is none. Raises StoreError where there is no folder for it."""
        folder = self._path.parent
        if not folder.is_dir():
            raise StoreError(f"store: {self._described}: there is no folder {folder}; create it, or name another file")
        if not self._path.exists():
            # Its owner's alone: it holds the configuration of whole environments. Why it cannot be made, SQLite says.
            with suppress(OSError):
                self._path.touch(mode=0o600)

    def identity(self) -> tuple[int, int] | None:
        """What the file is to the system, which cannot be another one's while somebody has it open; None where it is gone."""
        try:
            there = self._path.stat()
        except OSError:
            return None
        return there.st_dev, there.st_ino

    def watch(self, engine: Engine) -> None:
        """Have `engine` open this file and no other, never make one, and let go of connections whose file is not here."""
        event.listen(engine, "do_connect", self._before_connecting)
        event.listen(engine, "connect", self._connected)
        event.listen(engine, "checkout", self._taken)

    def gone(self) -> StoreError:
        return StoreError(
            f"store: {self._described}: the file is not there any more, so nothing can be kept; put it back, or restart "
            "to begin with an empty one"
        )

    def lost(self) -> StoreError:
        return StoreError(
            f"store: {self._described}: the file was taken away or replaced while it was written to; that is not kept"
        )

    def _before_connecting(self, _dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
        if self._was_open and self.identity() is None:
            raise self.gone()
        # SQLite would make a file that is not there, and an empty store looks like peace.
        arguments[0] = f"{self._path.as_uri()}?mode=rw"
        options["uri"] = True

    def _connected(self, _connection: sqlite3.Connection, record: Any) -> None:
        record.info[_FILE] = self.identity()
        self._was_open = True

    def _taken(self, _connection: sqlite3.Connection, record: Any, _proxy: Any) -> None:
        here = self.identity()
        if here is None:
            raise self.gone()
        if record.info.get(_FILE) != here:
            raise InvalidatePoolError("the file at the path of the store is another one now")
