"""What took a while to find out and stays true: kept while there is room, found out once, and never waited for twice."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """The `most` values that were asked for last. Safe to share between threads.

    `gone` is called with each value for which there is no room any more."""

    def __init__(self, most: int, gone: Callable[[V], object] = lambda _value: None) -> None:
        self._most, self._gone = most, gone
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def put(self, key: K, value: V) -> V:
        gone: list[V] = []
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                gone.append(self._values.popitem(last=False)[1])
        for old in gone:
            self._gone(old)
        return value

    def drop(self, key: K, value: V) -> None:
        """Keep it no longer, if it still is this one."""
        with self._lock:
            if self._values.get(key) is value:
                del self._values[key]

    def get_or_make(self, key: K, make: Callable[[], V]) -> V:
        """The value, made now where it is not there. Two threads may make the same one; nobody waits for the other."""
        found = self.get(key)
        return found if found is not None else self.put(key, make())


class FoundOut(Generic[K, V]):
    """Finds out one thing after another in a thread of its own. The `most` things that were asked for last are kept.

    What takes long must not take the threads that answer everything else; and however many ask for the same, it is found
    out once. What nobody can be told any more is not begun: somebody who asks for one thing after another, and waits for
    none, keeps others waiting for `most` at the longest."""

    def __init__(self, most: int) -> None:
        self._asked: Kept[K, Future[V]] = Kept(most, Future.cancel)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="finding-out")
        self._lock = threading.Lock()

    def known(self, key: K) -> V | None:
        """The value, without asking for it. None where it was not asked for, is not found out yet, or could not be."""
        asked = self._asked.get(key)
        return asked.result() if asked is not None and asked.done() and not _failed(asked) else None

    def forget(self, key: K) -> None:
        """Find it out anew when it is asked for again. What is being found out now goes on."""
        with self._lock:
            asked = self._asked.get(key)
            if asked is not None and asked.done():
                self._asked.drop(key, asked)

    def ask(self, key: K, make: Callable[[], V], seconds: float) -> V | None:
        """The value, if it is found out within `seconds`; None: not yet, so ask again. Raises what `make` raised.

        What failed is tried again when it is asked for again."""
        with self._lock:
            asked = self._asked.get(key) or self._asked.put(key, self._worker.submit(make))
        try:
            return asked.result(seconds)
        except (TimeoutError, CancelledError):
            return None
        finally:
            if asked.done() and _failed(asked):
                self._asked.drop(key, asked)


def _failed(asked: Future[V]) -> bool:
    return asked.cancelled() or asked.exception() is not None
