"""Works on several things at a time and tells the answers in their order: most of what reading a resource takes is waiting
for answers, and a task has minutes for thousands of them.

All tasks of a run share the threads that help them, so what is under way at once is bounded, however many tasks there are;
and no task depends on a helper, since it does itself what nobody has begun. The threads are daemons, as `auditor/pool.py`
has them: one that hangs holds up neither its task's end nor the process's.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")

AT_A_TIME = 8
_KEY = "aws.helpers"
_MOST = 32
# Seconds after which a helper that nobody needs ends.
_IDLE = 1.0


class Helpers:
    """At most `most` threads that do what they are handed, first come, first served. They come when there is something to
    do, and end when there was nothing for a while."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = self._idle = 0

    def hand(self, act: Callable[[], None]) -> None:
        """Have `act`, which raises nothing, called by one of them."""
        with self._lock:
            self._waiting.put(act)
            if self._threads >= self._most or self._idle >= self._waiting.qsize():
                return
            self._threads += 1
        threading.Thread(target=self._help, name="collect-part", daemon=True).start()

    def _help(self) -> None:
        while (act := self._next()) is not None:
            act()

    def _next(self) -> Callable[[], None] | None:
        with self._lock:
            self._idle += 1
        try:
            found: Callable[[], None] | None = self._waiting.get(timeout=_IDLE)
        except queue.Empty:
            found = None
        with self._lock:
            self._idle -= 1
            if found is None and not self._waiting.empty():
                found = self._waiting.get_nowait()  # it came in between, and counted on this thread
            if found is None:
                self._threads -= 1
        return found


def helpers(shared: dict[str, Any]) -> Helpers:
    """Those of the run."""
    found: Helpers = shared.get(_KEY) or shared.setdefault(_KEY, Helpers())
    return found


class _Work(Generic[_R]):
    """One thing that is worked on, by whoever begins it first, and what came of it."""

    def __init__(self, work: Callable[[], _R]) -> None:
        # What the run is bound to (its id in log lines) goes along.
        self._work, self._within = work, contextvars.copy_context()
        self._answer: list[_R] = []
        self._error: BaseException | None = None
        self._unclaimed = threading.Lock()
        self._done = threading.Event()

    def run(self) -> None:
        """Do it, unless somebody does."""
        if not self._unclaimed.acquire(blocking=False):
            return
        try:
            self._answer.append(self._within.run(self._work))
        except BaseException as error:  # noqa: BLE001 - it is raised again where the answer is asked for
            self._error = error
        self._done.set()

    def is_done(self) -> bool:
        return self._done.is_set()

    def answer(self) -> _R:
        """What came of it, once somebody has done it."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._answer[0]


class _Heap:
    """What one task wants done and nobody has begun. At most `most` helpers are asked for at a time, and each does one
    thing before it turns to what another task asked for earlier."""

    def __init__(self, helpers: Helpers, most: int) -> None:
        self._helpers, self._most = helpers, most
        self._lock = threading.Lock()
        self._unbegun: deque[_Work[Any]] = deque()
        self._asked = 0

    def add(self, work: _Work[Any]) -> None:
        with self._lock:
            self._unbegun.append(work)
            if self._asked >= self._most:
                return
            self._asked += 1
        self._helpers.hand(self._help)

    def next(self) -> _Work[Any] | None:
        with self._lock:
            return self._unbegun.popleft() if self._unbegun else None

    def clear(self) -> None:
        with self._lock:
            self._unbegun.clear()

    def _help(self) -> None:
        work = self.next()
        if work is not None:
            work.run()
        with self._lock:
            more = bool(self._unbegun)
            if not more:
                self._asked -= 1
        if more:
            self._helpers.hand(self._help)


def side_by_side(
    work: Callable[[_T], _R], things: Iterable[_T], at_a_time: int = AT_A_TIME, *, by: Helpers | None = None
) -> Iterator[_R]:
    """`work` of each of `things`, in their order, at most `at_a_time` at once: by the caller's thread, which also draws from
    `things`, and by helpers, its own where none are given.

    What `work` raises is raised in its turn. What `things` raises comes after the answers for all that came before it.
    """
    heap = _Heap(by or Helpers(at_a_time), at_a_time - 1)
    begun: deque[_Work[_R]] = deque()
    broken: BaseException | None = None
    rest = iter(things)
    try:
        while True:
            try:
                thing = next(rest)
            except StopIteration:
                break
            except Exception as error:  # noqa: BLE001 - raised below, once what was begun is told
                broken = error
                break
            begun.append(_Work(lambda thing=thing: work(thing)))  # type: ignore[misc]
            heap.add(begun[-1])
            while begun and (begun[0].is_done() or len(begun) >= 2 * at_a_time):
                yield _first(begun, heap)
        while begun:
            yield _first(begun, heap)
        if broken is not None:
            raise broken
    finally:
        heap.clear()


def _first(begun: deque[_Work[_R]], heap: _Heap) -> _R:
    """The answer to what was begun first. Whoever waits for it does meanwhile what nobody has begun."""
    first = begun.popleft()
    while not first.is_done() and (other := heap.next()) is not None:
        other.run()
    return first.answer()
