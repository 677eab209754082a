"""Works on several things at a time and tells the answers in their order: most of what reading a resource takes is waiting
for answers, and a task has minutes for thousands of them.

The threads are daemons, as `auditor/pool.py` has them: one that hangs holds up neither its task's end nor the process's.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")

AT_A_TIME = 8


class _Work(Generic[_R]):
    """One thing that is worked on, and what came of it."""

    def __init__(self, work: Callable[[], _R]) -> None:
        # What the run is bound to (its id in log lines) goes along.
        self._work, self._within = work, contextvars.copy_context()
        self._answer: list[_R] = []
        self._error: BaseException | None = None
        self._done = threading.Event()

    def run(self) -> None:
        try:
            self._answer.append(self._within.run(self._work))
        except BaseException as error:  # noqa: BLE001 - it is raised again where the answer is asked for
            self._error = error
        self._done.set()

    def is_done(self) -> bool:
        return self._done.is_set()

    def answer(self) -> _R:
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._answer[0]


def side_by_side(work: Callable[[_T], _R], things: Iterable[_T], at_a_time: int = AT_A_TIME) -> Iterator[_R]:
    """`work` of each of `things`, in their order, at most `at_a_time` at once. `things` are drawn from in the caller's thread.

    What `work` raises is raised in its turn. What `things` raises comes after the answers for all that came before it.
    """
    waiting: queue.SimpleQueue[_Work[_R] | None] = queue.SimpleQueue()
    begun: deque[_Work[_R]] = deque()
    threads = 0
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
            waiting.put(begun[-1])
            if threads < at_a_time:
                threading.Thread(target=_worker, args=(waiting,), name="collect-part", daemon=True).start()
                threads += 1
            while begun and (begun[0].is_done() or len(begun) >= 2 * at_a_time):
                yield begun.popleft().answer()
        while begun:
            yield begun.popleft().answer()
        if broken is not None:
            raise broken
    finally:
        for _ in range(threads):
            waiting.put(None)


def _worker(waiting: queue.SimpleQueue[_Work[_R] | None]) -> None:
    while (work := waiting.get()) is not None:
        work.run()
