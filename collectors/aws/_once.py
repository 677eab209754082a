"""What several tasks of one source need is read by the first of them; the others wait for it and get the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from auditor.errors import CollectError

_KEY = "aws.once"


class Once:
    """A listing that is read once. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = False
        self._items: list[Any] = []
        self._error: CollectError | None = None

    def items(self, read: Callable[[], Iterator[Any]], patience: float) -> Iterator[Any]:
        """What `read` yields, and the CollectError with which it ended. Waits up to `patience` seconds for another task
        that reads it at this moment; raises TimeoutError where that takes longer."""
        if not self._lock.acquire(timeout=max(0.0, patience)):
            raise TimeoutError
        try:
            if not self._done:
                self._read(read)
        finally:
            self._lock.release()
        yield from self._items
        if self._error is not None:
            raise self._error

    def _read(self, read: Callable[[], Iterator[Any]]) -> None:
        found: list[Any] = []
        try:
            for each in read():
                found.append(each)  # noqa: PERF402 - what came before a failure stays
        except CollectError as error:
            self._error = error
        self._items, self._done = found, True


def once(shared: dict[str, Any], *key: Any) -> Once:
    """The one listing of the run that goes by `key`."""
    known: dict[tuple[Any, ...], Once] = shared.setdefault(_KEY, {})
    return known.setdefault(key, Once())
