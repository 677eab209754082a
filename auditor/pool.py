"""Run jobs side by side in a bounded number of threads, each with a deadline that nothing it does can outlast.

The threads are daemons on purpose: one that hangs in a system call cannot be stopped, only left behind, and must
neither hold up the others nor the exit of the process. `concurrent.futures` joins its threads at exit, so it cannot
do this.
"""

from __future__ import annotations

import contextvars
import heapq
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

_TICK = 0.25
_GRACE = 0.5


@dataclass(slots=True, eq=False)
class Job:
    """One unit of work: an iterable consumed item by item, so that what came before a failure or a hang stays.

    `error` is what the work raised; `timed_out` says that it was left behind after `timeout` seconds.
    """

    work: Callable[[], Iterable[Any]]
    timeout: float
    about: Any = None
    error: BaseException | None = None
    timed_out: bool = False
    _items: list[Any] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    @property
    def items(self) -> tuple[Any, ...]:
        return tuple(self._items)

    @property
    def count(self) -> int:
        return len(self._items)

    def run(self) -> None:
        error: BaseException | None = None
        try:
            for item in self.work():
                with self._lock:
                    if self._closed:
                        return
                    self._items.append(item)
        except BaseException as raised:  # noqa: BLE001 - it is handed to the thread that waits for the job
            error = raised
        with self._lock:
            if not self._closed:
                self._closed, self.error = True, error

    def end(self, items: Iterable[Any], error: BaseException | None = None, *, timed_out: bool = False) -> None:
        """Say what became of it elsewhere."""
        with self._lock:
            self._items.extend(items)
            self._closed, self.error, self.timed_out = True, error, timed_out

    def expire(self) -> bool:
        """Leave the job behind; False when it ended just before."""
        with self._lock:
            if self._closed:
                return False
            self._closed = self.timed_out = True
            return True


class Elsewhere(Protocol):
    """Does some of the jobs in other processes. Used from the thread that runs the pool."""

    def takes(self, job: Job) -> bool: ...

    def hand(self, jobs: Sequence[Job], ended: Callable[[Job], None]) -> None:
        """Have the jobs done. Each is given to `ended`, from any thread, once it says what became of it: sooner or later
        it does, also where nobody did it."""
        ...

    def check(self) -> None:
        """Raises what makes it impossible to go on."""
        ...


class Pool:
    """At most `workers` jobs at a time, a thread each, besides those that are done `elsewhere`.

    Jobs that came together are begun in their order; those of several such batches take turns, so that what one of them
    begins with does not wait for what another ends with. A thread left behind no longer counts."""

    def __init__(self, workers: int, elsewhere: Elsewhere | None = None) -> None:
        self._workers = max(1, workers)
        self._elsewhere = elsewhere
        self._handed: set[Job] = set()
        self._ended: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._waiting: list[tuple[int, int, Job]] = []  # a heap, by place in the batch and then by number
        self._numbers = count()
        self._running: dict[Job, tuple[float, threading.Thread]] = {}

    def run(
        self,
        jobs: Iterable[Job],
        *,
        on_start: Callable[[Job], None],
        on_tick: Callable[[Job], None],
        on_end: Callable[[Job], Iterable[Job]],
        cancelled: threading.Event,
    ) -> None:
        """Run `jobs`, and those that `on_end` answers, to the end. The callbacks run in the calling thread.

        When the run is interrupted (Ctrl-C, an error in a callback), `cancelled` is set and it ends within a second.
        """
        try:
            self._add(jobs, on_start)
            while self._waiting or self._running or self._handed:
                self._start_waiting(on_start)
                for job in self._next_ended(on_tick):
                    self._handed.discard(job)
                    self._running.pop(job, None)
                    self._add(on_end(job), on_start)
                if self._elsewhere is not None:
                    self._elsewhere.check()
        except BaseException:
            cancelled.set()
            self._wait_for_running(_GRACE)
            raise
        finally:
            cancelled.set()

    def _add(self, jobs: Iterable[Job], on_start: Callable[[Job], None]) -> None:
        taken: list[Job] = []
        for place, job in enumerate(jobs):
            if self._elsewhere is not None and self._elsewhere.takes(job):
                taken.append(job)
            else:
                heapq.heappush(self._waiting, (place, next(self._numbers), job))
        if self._elsewhere is not None and taken:
            self._handed.update(taken)
            for job in taken:
                on_start(job)
            self._elsewhere.hand(taken, self._ended.put)

    def _start_waiting(self, on_start: Callable[[Job], None]) -> None:
        while self._waiting and len(self._running) < self._workers:
            _, _, job = heapq.heappop(self._waiting)
            # What the run is bound to (its id in log lines) goes along.
            run = contextvars.copy_context().run
            thread = threading.Thread(target=run, args=(self._run, job), name="collect", daemon=True)
            self._running[job] = (time.monotonic() + job.timeout, thread)
            on_start(job)
            thread.start()

    def _run(self, job: Job) -> None:
        job.run()
        self._ended.put(job)

    def _next_ended(self, on_tick: Callable[[Job], None]) -> list[Job]:
        """The jobs that ended or ran out of time. Waits until there is one, or a tick for the progress display."""
        now = time.monotonic()
        wait = min((deadline for deadline, _ in self._running.values()), default=now + _TICK) - now
        try:
            job = self._ended.get(timeout=max(0.0, min(wait, _TICK)))
        except queue.Empty:
            for running in (*self._running, *self._handed):
                on_tick(running)
            now = time.monotonic()
            return [job for job, (deadline, _) in self._running.items() if deadline <= now and job.expire()]
        # A job that was left behind reports when it comes back to life, if ever; nobody waits for it any more.
        return [job] if job in self._running or job in self._handed else []

    def _wait_for_running(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        for _, thread in self._running.values():
            if thread.ident is not None:
                thread.join(timeout=max(0.0, end - time.monotonic()))
