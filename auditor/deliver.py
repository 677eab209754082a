"""The outbox's own loop: hand every notice to its far side, in order per target, until that has it or never will.

What was begun and not ended (the process was killed) or ended without an answer is in doubt. It is begun again after a
minute or a few seconds, and the publisher then looks for it on the far side before it sends it again.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from enum import Enum
from types import TracebackType
from typing import TYPE_CHECKING, Self

from auditor.errors import PublishError, StoreError
from auditor.meters import Meters, Unmetered
from auditor.publish.spelling import span

if TYPE_CHECKING:
    from auditor.notices import Queued
    from auditor.publisher import Publisher
    from auditor.store import Store

_log = logging.getLogger(__name__)
# An attempt takes no longer than this, so one that is older has nobody who is still at it.
_ATTEMPT = timedelta(seconds=60)
# A far side whose answer was lost may still be at it: what is looked for too soon is not there yet.
_SETTLES = timedelta(seconds=10)
_FIRST_PAUSE = timedelta(seconds=2)
_LONGEST_PAUSE = timedelta(minutes=15)
_LONGEST_WISH = timedelta(hours=24)
_GIVE_UP_AFTER = timedelta(hours=24)
# The service may have been down for a day: so many tries every notice gets.
_FEWEST_TRIES = 8
_POLL = timedelta(seconds=2)


class _Outcome(Enum):
    DELIVERED = "delivered"
    FAILED = "failed"
    WAITS = "waits"


class Outbox:
    """Delivers what is due, a thread per target, at most `workers` at a time, so that no target waits for another.

    `leading` says whether this copy is the one that delivers; it is asked before every notice, and one that was begun is
    ended. `chance` returns a number from 0 to 1, for pauses that do not fall together. Close it when it is done with.
    """

    def __init__(
        self,
        store: Store,
        publishers: Iterable[Publisher],
        clock: Callable[[], datetime],
        *,
        leading: Callable[[], bool] = lambda: True,
        meters: Meters | None = None,
        chance: Callable[[], float] = random.random,
        workers: int = 8,
        poll: timedelta = _POLL,
    ) -> None:
        self._store = store
        self._publishers = {publisher.name: publisher for publisher in publishers}
        self._clock = clock
        self._leading = leading
        self._meters: Meters = meters or Unmetered()
        self._chance = chance
        self._poll = poll
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="outbox")
        self._busy: set[str] = set()
        self._unconfigured: set[str] = set()
        self._guard = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Wait for what is under way."""
        self._pool.shutdown(wait=True)

    def run_once(self, now: datetime) -> int:
        """Deliver everything that is due at `now`; how many notices were. Nothing where this copy does not lead.

        Raises StoreError when the store fails; whatever was delivered stays delivered."""
        total = 0
        while self._leading():
            tasks = self._dispatch(now, lambda: False)
            wait(tasks)
            delivered = sum(task.result() for task in tasks)
            total += delivered
            if not delivered:
                break
        return total

    def run(self, stop: threading.Event, wake: threading.Event, beat: Callable[[], None] = lambda: None) -> None:
        """Deliver until `stop` is set, and finish what is under way. `wake` says that there is something new.

        Set `wake` after `stop`, so that this is seen at once. `beat` is called each time it comes round. While the store
        fails it waits and goes on."""
        failing = False
        tasks: list[Future[int]] = []
        while not stop.is_set():
            beat()
            tasks = [task for task in tasks if not task.done()]
            try:
                if self._leading():
                    tasks += self._dispatch(self._clock(), stop.is_set, wake)
                if failing:
                    _log.info("The store answers again: notices are delivered.")
                failing = False
            except StoreError as error:
                if not failing:
                    _log.warning("No notice can be delivered while the store fails: %s", error)
                failing = True
            wake.wait(self._poll.total_seconds())
            wake.clear()
        wait(tasks)

    def _dispatch(
        self, now: datetime, stopped: Callable[[], bool], wake: threading.Event | None = None
    ) -> list[Future[int]]:
        """Start on every target that has something due and is not being served already."""
        queues: dict[str, list[Queued]] = defaultdict(list)
        for queued in self._store.due_notices(now):
            queues[queued.notice.target].append(queued)
        tasks = []
        for target, queue in queues.items():
            with self._guard:
                if target in self._busy:
                    continue
                self._busy.add(target)
            task = self._pool.submit(self._serve, target, queue, stopped)
            if wake is not None:
                task.add_done_callback(lambda done: _ended(done, wake))
            tasks.append(task)
        return tasks

    def _serve(self, target: str, queue: Sequence[Queued], stopped: Callable[[], bool]) -> int:
        """Deliver in order until one has to wait. How many were delivered."""
        delivered = 0
        try:
            for queued in queue:
                if stopped() or not self._leading():
                    break
                outcome = self._attempt(queued)
                if outcome is _Outcome.WAITS:
                    break
                delivered += outcome is _Outcome.DELIVERED
        finally:
            with self._guard:
                self._busy.discard(target)
        return delivered

    def _attempt(self, queued: Queued) -> _Outcome:
        notice = queued.notice
        now = self._clock()
        if _is_under_way(queued, now):
            return _Outcome.WAITS
        conversation = self._store.conversation(notice.topic) if notice.topic else None
        if not self._store.begin_attempt(notice.id, now, queued.attempts):
            return _Outcome.WAITS
        try:
            reference = self._publisher(notice.target).deliver(queued, conversation, now)
        except PublishError as error:
            return self._refused(queued, error)
        except Exception as error:  # noqa: BLE001 - a defect in one message must not hold back all that come after it
            _log.exception("A notice could not be made.", extra=_keys(queued))
            return self._refused(queued, PublishError(f"defect: {type(error).__name__}: {error}", permanent=True))
        self._store.end_attempt(notice.id, self._clock(), attempts=queued.attempts + 1, reference=reference)
        self._tell(queued, "delivered")
        _log.info("A notice was delivered.", extra=_keys(queued))
        return _Outcome.DELIVERED

    def _publisher(self, target: str) -> Publisher:
        name = _name(target)
        if name not in self._publishers:
            raise PublishError(f"nothing is configured that delivers to {name}: see `publish`", permanent=False)
        return self._publishers[name]

    def _refused(self, queued: Queued, error: PublishError) -> _Outcome:
        notice, now, tries = queued.notice, self._clock(), queued.attempts + 1
        age = now - max(notice.created_at, notice.not_before)
        message = str(error)
        # An earlier attempt that was cut short may have got through, whatever became of this one.
        doubt = error.doubt or not queued.ended
        gives_up = age >= _GIVE_UP_AFTER and tries >= _FEWEST_TRIES
        if error.permanent or gives_up:
            if not error.permanent:
                message = f"given up after {span(age)} and {tries} attempts: {message}"
            if not self._store.end_attempt(notice.id, now, attempts=tries, error=message, permanent=True, doubt=doubt):
                return _overtaken(queued, message)
            self._tell(queued, "failed")
            _log.error("A notice was given up: %s", message, extra=_keys(queued))
            return _Outcome.FAILED
        next_at = now + max(self._pause(tries, error.retry_after), _SETTLES if error.doubt else timedelta(0))
        if not self._store.end_attempt(notice.id, now, attempts=tries, error=message, next_at=next_at, doubt=doubt):
            return _overtaken(queued, message)
        self._tell(queued, "retried")
        if _name(notice.target) in self._publishers:
            _log.warning("A notice has to be sent again: %s", message, extra=_keys(queued))
        else:
            self._say_unconfigured(_name(notice.target))
        return _Outcome.WAITS

    def _say_unconfigured(self, name: str) -> None:
        """Once: another attempt tells nobody more, only another configuration helps."""
        with self._guard:
            said = name in self._unconfigured
            self._unconfigured.add(name)
        if not said:
            hours = _GIVE_UP_AFTER // timedelta(hours=1)
            _log.warning(
                "Nothing is configured that delivers to %s: its notices wait, and are given up after %d hours; "
                "see `publish`.",
                name,
                hours,
            )

    def _pause(self, tries: int, wish: timedelta | None) -> timedelta:
        """Until the next try: by chance up to a limit that doubles, or as long as the far side wants."""
        limit = min(_LONGEST_PAUSE, _FIRST_PAUSE * int(2 ** min(tries - 1, 16)))
        return max(limit * self._chance(), min(wish or timedelta(0), _LONGEST_WISH))

    def _tell(self, queued: Queued, outcome: str) -> None:
        self._meters.notification(_name(queued.notice.target), outcome)


def _is_under_way(queued: Queued, now: datetime) -> bool:
    """Whether somebody may still be at it. Who came to an end in doubt has said when to try again."""
    if queued.ended or queued.next_at is not None or queued.attempted_at is None:
        return False
    # Whichever way a clock was set, an attempt that seems far away in time is nobody's any more.
    return abs(now - queued.attempted_at) < _ATTEMPT


def _overtaken(queued: Queued, message: str) -> _Outcome:
    _log.info(
        "An attempt failed late; what others did with the notice meanwhile counts: %s", message, extra=_keys(queued)
    )
    return _Outcome.WAITS


def _ended(task: Future[int], wake: threading.Event) -> None:
    error = task.exception()
    if isinstance(error, StoreError):
        _log.warning("The store failed while a notice was delivered; it is looked at again: %s", error)
    elif error is not None:
        _log.error("Delivering was broken off.", exc_info=error)
    elif task.result():
        wake.set()


def _name(target: str) -> str:
    return target.partition(":")[0]


def _keys(queued: Queued) -> dict[str, object]:
    notice = queued.notice
    return {"notice": notice.id, "target": notice.target, "kind": notice.kind.value, "attempt": queued.attempts + 1}
