"""The side that asks: hands the parts of a run to the workers and takes their results, in the place of threads.

A part may wait for its turn for as long as workers live, and may take as long as without them each time it is delivered.
Whatever does not come is ended here, as a gap: nothing waits for ever, and nothing unread looks absent.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor import __version__
from auditor.errors import CollectError, StoreError
from auditor.model import GapReason
from auditor.workers.orders import Away, Order, arguments, read
from auditor.workers.pace import PACE, Pace
from auditor.workers.place import Place, check, connected, place_of
from auditor.workkeys import is_local, source_key

if TYPE_CHECKING:
    import psycopg

    from auditor.collect import Part
    from auditor.config import Config
    from auditor.pool import Elsewhere, Job
    from auditor.redact import Redactor

QUEUE = "collect"
TASK = "read"
# Plans come first: they say what there is to do.
_PLAN, _READ = 10, 0
_TICK = 0.25
# How much longer than its time a part may seem to be read, before nobody waits for it: the worker ends it itself.
_GRACE_SECONDS = 15.0
_LOOK_SECONDS = 1.0
_LOOKED_AT = 2000
_AT_ONCE = 5000

_log = logging.getLogger(__name__)


@contextmanager
def elsewhere(config: Config, redactor: Redactor, pace: Pace = PACE) -> Iterator[Elsewhere | None]:
    """Who reads the sources of this configuration besides our own threads; None where it names nobody.

    Raises StoreError where there is no queue for workers in the store."""
    if config.engine != "workers":
        yield None
        return
    place = place_of(config.store)
    check(place)
    with connected(place) as asking, connected(place) as watching:
        handed = Handed(config, redactor, place, asking, watching, pace)
        try:
            yield handed
        finally:
            handed.close()


@dataclass(slots=True)
class _Waiting:
    """One part that was handed over. `since` is when it was first seen to be read, at this delivery."""

    job: Job
    number: int
    ended: Callable[[Job], None]
    attempts: int = -1
    since: float = 0.0


class Handed:
    """Hands jobs over in the calling thread, and waits for what becomes of them in one of its own.

    `asking` is used by the caller, `watching` by that thread: two connections that nobody else uses."""

    def __init__(
        self,
        config: Config,
        redactor: Redactor,
        place: Place,
        asking: psycopg.Connection,
        watching: psycopg.Connection,
        pace: Pace,
    ) -> None:
        self._run = uuid.uuid4().hex
        self._place, self._asking, self._watching, self._pace = place, asking, watching, pace
        self._sources = _travelling(config, redactor)
        self._timeout = config.timeout.total_seconds()
        self._lock = threading.Lock()
        self._waiting: dict[str, _Waiting] = {}
        self._alive_at = time.monotonic()
        self._looked_at = 0.0
        self._error: StoreError | None = None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def takes(self, job: Job) -> bool:
        """What means this machine - a folder, localhost - is read on it; all else may be read from anywhere."""
        return id(job.about.source) in self._sources

    def hand(self, jobs: Sequence[Job], ended: Callable[[Job], None]) -> None:
        for start in range(0, len(jobs), _AT_ONCE):
            self._hand(jobs[start : start + _AT_ONCE], ended)
        if self._thread is None:
            _log.info("A run hands its sources to workers.", extra={"run": self._run, "parts": len(jobs)})
            self._thread = threading.Thread(target=self._watch, name="workers", daemon=True)
            self._thread.start()

    def _hand(self, jobs: Sequence[Job], ended: Callable[[Job], None]) -> None:
        from procrastinate.jobs import Job as Queued
        from procrastinate.manager import JobManager
        from procrastinate.sync_psycopg_connector import SyncPsycopgConnector

        orders = [self._order(job.about) for job in jobs]
        queued = [
            Queued(
                queue=QUEUE,
                task_name=TASK,
                lock=None,
                queueing_lock=f"{self._run}/{order.part}",
                priority=_PLAN if order.task is None else _READ,
                task_kwargs=arguments(order),
            )
            for order in orders
        ]
        with self._asked(), self._lock, self._asking.transaction():
            self._asking.execute("INSERT INTO collect_runs (id) VALUES (%s) ON CONFLICT DO NOTHING", (self._run,))
            # Held until they are known here: a worker may be faster than this thread.
            for order, job, done in zip(
                orders, jobs, JobManager(SyncPsycopgConnector()).batch_defer_jobs(queued, self._asking), strict=True
            ):
                self._waiting[order.part] = _Waiting(job, done.id or 0, ended)

    def check(self) -> None:
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Take back what was not begun, stop what was, and leave nothing of the run behind."""
        self._stopped.set()
        if self._thread is None:
            return
        self._thread.join()
        numbers = [waiting.number for waiting in self._waiting.values()]
        try:
            with self._asked(), self._asking.transaction():
                self._asking.execute("DELETE FROM collect_runs WHERE id = %s", (self._run,))
                if numbers:
                    self._asking.execute(
                        "SELECT procrastinate_cancel_job_v1(id, true, true) FROM unnest(%s::bigint[]) AS id", (numbers,)
                    )
        except StoreError as error:
            # Workers let go of a run whose beat stands still. What it was ended by matters more.
            _log.warning("What a run left for workers stays a while: %s", error, extra={"run": self._run})

    def _order(self, part: Part) -> Order:
        index, digest = self._sources[id(part.source)]
        task = part.task.run if part.task is not None else None
        return Order(
            run=self._run,
            environment=part.environment,
            source=index,
            task=task.key if isinstance(task, Away) else None,
            version=__version__,
            config=digest,
            taken_at=part.context.now.isoformat(),
        )

    def _watch(self) -> None:
        import psycopg

        try:
            self._watching.execute(f'LISTEN "{channel(self._run)}"')
            while not self._stopped.is_set():
                for _ in self._watching.notifies(timeout=_TICK, stop_after=1):
                    pass
                self._gather()
                self._look()
        except (psycopg.Error, OSError, ValueError) as error:
            cause = (str(error).strip() or type(error).__name__).splitlines()[0]
            self._error = StoreError(f"store: {self._place.name}: the results of workers cannot be read: {cause}")

    def _gather(self) -> None:
        """Take the results that have come."""
        asked = "SELECT part, body FROM collect_results WHERE run = %s AND NOT taken"
        found = self._watching.execute(asked, (self._run,)).fetchall()
        for part, body in found:
            with self._lock:
                waiting = self._waiting.pop(part, None)
            if waiting is None:
                continue
            answer = read(bytes(body))
            waiting.job.end(answer.items, answer.failure, timed_out=answer.timed_out)
            waiting.ended(waiting.job)
        if found:
            # What stays says that the part is read: a worker that gets it once more need not.
            taken = "UPDATE collect_results SET taken = true, body = '' WHERE run = %s AND part = ANY(%s)"
            self._watching.execute(taken, (self._run, [part for part, _ in found]))

    def _look(self) -> None:
        """See how the parts stand, and end those that nobody will."""
        now = time.monotonic()
        with self._lock:
            waiting = dict(self._waiting)
        if now - self._looked_at < _LOOK_SECONDS * (1 + len(waiting) / _LOOKED_AT):
            return
        self._looked_at = now
        self._watching.execute("UPDATE collect_runs SET beat = now() WHERE id = %s", (self._run,))
        living = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %s)"
        if self._watching.execute(living, (self._pace.silence,)).fetchone() != (0,):
            self._alive_at = now
        asked = "SELECT id, status::text, attempts FROM procrastinate_jobs WHERE id = ANY(%s)"
        rows = self._watching.execute(asked, ([one.number for one in waiting.values()],)).fetchall()
        standing = {number: (status, attempts) for number, status, attempts in rows}
        # A part that was read between the two questions is there by now.
        self._gather()
        for part, one in waiting.items():
            problem = self._problem(one, standing.get(one.number), now)
            if problem is not None:
                self._give_up(part, problem)

    def _problem(self, one: _Waiting, standing: tuple[str, int] | None, now: float) -> str | None:
        """Why nobody will read the part any more, if so."""
        if standing is None:
            return "the workers lost it: see the log of `audit worker` for why"
        status, attempts = standing
        if status == "doing":
            if one.attempts != attempts:
                one.attempts, one.since = attempts, now
            if now - one.since > self._timeout + _GRACE_SECONDS:
                return f"no answer within {self._timeout:g} s"
        elif now - self._alive_at > self._timeout:
            return (
                f"no worker has lived for {self._timeout:g} s: start `audit worker`, or see why none reaches the store"
            )
        return None

    def _give_up(self, part: str, problem: str) -> None:
        with self._lock:
            waiting = self._waiting.pop(part, None)
        if waiting is None:
            return
        self._watching.execute("SELECT procrastinate_cancel_job_v1(%s, true, true)", (waiting.number,))
        waiting.job.end((), CollectError(GapReason.TIMEOUT, problem))
        waiting.ended(waiting.job)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        import psycopg
        from procrastinate.exceptions import ProcrastinateException

        try:
            yield
        except (psycopg.Error, ProcrastinateException) as error:
            cause = (str(error.__cause__ or error).strip() or type(error).__name__).splitlines()[0]
            raise StoreError(f"store: {self._place.name}: nothing can be asked of workers: {cause}") from error


def channel(run: str) -> str:
    """Where it is told that a result of the run is there."""
    return f"parity_collect_{run}"


def _travelling(config: Config, redactor: Redactor) -> Mapping[int, tuple[int, str]]:
    """The sources that may be read from anywhere, by their identity as objects: position and digest."""
    return {
        id(source): (index, source_key(config, name, index, redactor))
        for name, environment in config.environments.items()
        for index, source in enumerate(environment.sources)
        if not is_local(source.options)
    }
