"""Run what is planned, by the clock: APScheduler waits and has the threads; what is due, missed or late is decided here.

Jobs run while this copy leads. Whoever begins to lead asks the store what was missed and makes up for it by one run
each. A run that is due while the one before is still going is made up for when that has ended. Nothing relies on the
clock on the wall going on evenly: every half minute it is looked at again, and where it was set back, a job waits for
its next time by the new clock unless that would be more than one interval late.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_SUBMITTED, JobEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from auditor.collect import CollectCancelled
from auditor.daemon.leader import elapsed
from auditor.daemon.planned import Planned, Task, last_done, note_done, planned
from auditor.daemon.trigger import ScheduleTrigger
from auditor.errors import AuditorError, StoreError
from auditor.schedule import Every, missed, parse_schedule

if TYPE_CHECKING:
    from auditor.config import Config
    from auditor.meters import Meters
    from auditor.store import Store

THREADS = 8
LOOK_SECONDS = 30.0
_RETRY_SECONDS = 1.0
_CANCEL_SECONDS = 2.0
# A run that begins this much after its time, and the jitter, was missed and made up for.
_LATE = timedelta(seconds=60)
_INSTANT = timedelta(microseconds=1)

_MISSED = "Runs were missed; this one makes up for them."
_HELD_UP = (
    "A run takes longer than its schedule leaves it, so one run makes up for what was due meanwhile. This is said once; "
    "give it a longer interval."
)

_log = structlog.get_logger(__name__)


class Work(Protocol):
    """What jobs do. Raises whatever goes wrong; `not_before` is since when what is observed counts as fresh."""

    def audit(self, left: str, right: str, not_before: datetime, cancel: threading.Event) -> None: ...

    def snapshot(self, environment: str, not_before: datetime, cancel: threading.Event) -> None: ...

    def digest(self, publisher: str, now: datetime) -> None: ...


@dataclass(slots=True)
class _Entry:
    """A job and what is known of it.

    last       when it was last due and done, or done; what was due since then and was not done is missed
    began      when its last run began, by the clock that only goes forward
    catch_up   when a run was asked for that is not on time: nothing older is fresh for it
    settled    whether its next time is known; where not, `resumed` says whether it may have missed runs
    held_up    whether its next run makes up for what was due while it was running
    told       whether that was said and has been going on since
    """

    plan: Planned
    trigger: ScheduleTrigger
    last: datetime
    began: float | None = None
    catch_up: datetime | None = None
    settled: bool = False
    resumed: bool = False
    held_up: bool = False
    told: bool = False


class Jobs:
    """The jobs of one configuration after the other. Stands still until `resume`, and whenever it is paused.

    `clock` gives aware UTC times, `monotonic` seconds that only go forward. `leading` is asked before every run.
    """

    def __init__(
        self,
        store: Store,
        work: Work,
        *,
        meters: Meters,
        clock: Callable[[], datetime],
        leading: Callable[[], bool] = lambda: True,
        beat: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = elapsed,
        look_seconds: float = LOOK_SECONDS,
        threads: int = THREADS,
    ) -> None:
        self._store = store
        self._work = work
        self._meters = meters
        self._clock = clock
        self._leading = leading
        self._beat = beat
        self._monotonic = monotonic
        self._look_seconds = look_seconds
        self._entries: dict[str, _Entry] = {}
        self._running: set[str] = set()
        self._active = False
        self._stopping = False
        self._troubled = False
        self._cancel = threading.Event()
        self._wake = threading.Event()
        self._ends: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._changed = threading.Condition(threading.RLock())
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(threads, {"thread_name_prefix": "job"})},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        self._scheduler.add_listener(self._note_end, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        self._scheduler.add_listener(lambda event: self._tell_next(event.job_id), EVENT_JOB_SUBMITTED)
        self._thread = threading.Thread(target=self._watch, name="jobs", daemon=True)

    def start(self, config: Config) -> None:
        """Take the jobs of `config` in, without running any."""
        self._scheduler.start(paused=True)
        self.replace(config)
        self._thread.start()

    def resume(self) -> None:
        """This copy leads: run what is due from now on, and once what was missed."""
        with self._changed:
            self._active = True
            for entry in self._entries.values():
                entry.settled, entry.resumed = False, True
        self._wake.set()

    def pause(self) -> None:
        """This copy does not lead any more: begin nothing. What is running goes on."""
        with self._changed:
            self._active = False
            self._scheduler.pause()
            for entry in self._entries.values():
                self._set_next(entry, None)

    def replace(self, config: Config) -> None:
        """Take over another configuration. Jobs whose plan is the same keep their next time; what is running goes on."""
        wanted = planned(config)
        with self._changed:
            for job_id in [job_id for job_id, entry in self._entries.items() if wanted.get(job_id) != entry.plan]:
                self._set_next(self._entries.pop(job_id), None)
                self._scheduler.remove_job(job_id)
            for job_id, plan in wanted.items():
                if job_id not in self._entries:
                    self._add(job_id, plan)
        self._wake.set()

    def stop(self, seconds: float) -> bool:
        """Begin nothing more, wait for what is running, and after so many seconds break it off.

        False where something could not be broken off."""
        with self._changed:
            self._stopping, self._active = True, False
        self._wake.set()
        if self._scheduler.running:
            self._scheduler.pause()
        with self._changed:
            if not self._changed.wait_for(lambda: not self._running, seconds):
                _log.warning("What is still running is broken off.", jobs=sorted(self._running))
                self._cancel.set()
                self._changed.wait_for(lambda: not self._running, _CANCEL_SECONDS)
            clean = not self._running
        if self._thread.ident is not None:
            self._thread.join()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        return clean

    def next_runs(self) -> dict[str, datetime | None]:
        """When each job runs next; None while that is not known, or not up to this copy."""
        with self._changed:
            return {job_id: self._next(job_id) for job_id in self._entries}

    @property
    def running(self) -> tuple[str, ...]:
        """The ids of the jobs that are running."""
        with self._changed:
            return tuple(sorted(self._running))

    def _add(self, job_id: str, plan: Planned) -> None:
        now = self._clock()
        trigger = ScheduleTrigger(parse_schedule(plan.schedule), ZoneInfo(plan.zone), now, plan.jitter)
        self._entries[job_id] = _Entry(plan, trigger, now)
        # Without a next time it is not due: that is found out with the store, in the thread that watches.
        self._scheduler.add_job(self._run, trigger, [job_id], id=job_id, name=job_id, next_run_time=None)

    def _watch(self) -> None:
        while not self._stopping:
            self._beat()
            self._wake.clear()
            settled = self._settle()
            while not self._ends.empty():
                self._make_up(self._ends.get())
            self._look()
            self._wake.wait(self._look_seconds if settled else min(_RETRY_SECONDS, self._look_seconds))

    def _settle(self) -> bool:
        """Find out when the jobs that are new to us are due next. False where the store cannot say it now."""
        with self._changed:
            plans = [entry.plan for entry in self._entries.values() if not entry.settled] if self._active else []
        if plans and not self._leading():
            return False
        try:
            last = {plan.id: last_done(self._store, plan) for plan in plans}
            for plan in plans:
                if last[plan.id] is None:
                    # From now on, what is missed of it can be told.
                    note_done(self._store, plan, self._clock())
        except StoreError as error:
            if not self._troubled:
                _log.warning("The store cannot say what was missed; jobs wait for it.", error=str(error))
            self._troubled = True
            return False
        self._troubled = False
        with self._changed:
            if not self._active:
                return True
            now = self._clock()
            for plan in plans:
                entry = self._entries.get(plan.id)
                if entry is not None and entry.plan == plan and not entry.settled:
                    self._begin(entry, last[plan.id], now)
            self._scheduler.resume()
        return True

    def _begin(self, entry: _Entry, last: datetime | None, now: datetime) -> None:
        """Set the first time of a job. `last` is when it was last done, None where it never was."""
        schedule, zone = entry.trigger.schedule, entry.trigger.zone
        # What was done in the future was done before the clock was set back: nobody knows when.
        known = min(last, now) if last is not None else now
        overdue = missed(schedule, known, now, zone, cap=1) > 0 and (entry.resumed or isinstance(schedule, Every))
        # A first digest has nothing to tell that did not happen before there was one.
        first = last is None and entry.plan.task is not Task.DIGEST
        at_once = (overdue or first) and entry.plan.id not in self._running
        entry.last = known if entry.resumed else now
        entry.settled, entry.resumed = True, False
        entry.catch_up = now if at_once else None
        if isinstance(schedule, Every):
            entry.trigger = ScheduleTrigger(schedule, zone, now if at_once else known, entry.plan.jitter)
            self._scheduler.modify_job(entry.plan.id, trigger=entry.trigger)
        self._set_next(entry, now if at_once else entry.trigger.get_next_fire_time(None, now))

    def _look(self) -> None:
        """See to it that no job waits for a time that the clock has been set back from."""
        with self._changed:
            now = self._clock()
            for job_id, entry in self._entries.items():
                waits_for = self._next(job_id)
                if waits_for is None or not self._is_lost(entry, waits_for, now):
                    continue
                entry.catch_up = None
                self._set_next(entry, entry.trigger.get_next_fire_time(None, now))
                _log.warning("The clock was set back; a job runs by the new time.", job_id=job_id)
        # APScheduler sleeps for as long as the clock said when it lay down.
        self._scheduler.wakeup()

    def _is_lost(self, entry: _Entry, waits_for: datetime, now: datetime) -> bool:
        """Whether a time of the schedule comes before the one that is waited for, and that one is too far off.

        What was done at that time by the old clock is not done again, as long as no more than one interval is lost."""
        due = entry.trigger.last_due(waits_for)
        if entry.trigger.next_due(now) >= due:
            return False
        interval = due - entry.trigger.last_due(due - _INSTANT)
        since = timedelta(seconds=self._monotonic() - entry.began) if entry.began is not None else timedelta(0)
        return since + (waits_for - now) > 2 * interval

    def _run(self, job_id: str) -> None:
        with self._changed:
            entry = self._entries.get(job_id)
            if entry is None or not self._active:
                return
            if not self._leading():
                # Whether another copy does it now, or nobody, the store knows when we lead again.
                entry.settled, entry.resumed = False, True
                self._wake.set()
                return
            now = self._clock()
            due = entry.trigger.last_due(now)
            runs = missed(entry.trigger.schedule, entry.last, now, entry.trigger.zone)
            late = runs if now - due > _LATE + entry.plan.jitter else runs - 1
            not_before = max(due, entry.catch_up) if entry.catch_up is not None else due
            entry.last, entry.catch_up, entry.began = due, None, self._monotonic()
            held_up, told = entry.held_up, entry.told
            entry.held_up, entry.told = False, held_up and (told or late > 0)
            self._running.add(job_id)
        try:
            with structlog.contextvars.bound_contextvars(job_id=job_id):
                if late > 0:
                    self._missed(entry.plan, late, _MISSED if not held_up else None if told else _HELD_UP)
                self._do(entry.plan, not_before)
        finally:
            with self._changed:
                self._running.discard(job_id)
                self._changed.notify_all()

    def _do(self, plan: Planned, not_before: datetime) -> None:
        began = self._clock()
        try:
            match plan.task:
                case Task.AUDIT:
                    self._work.audit(plan.subject[0], plan.subject[1], not_before, self._cancel)
                case Task.SNAPSHOT:
                    self._work.snapshot(plan.subject[0], not_before, self._cancel)
                case Task.DIGEST:
                    self._work.digest(plan.subject[0], began)
            note_done(self._store, plan, began)
        except CollectCancelled:
            _log.info("A job was broken off.")
        except AuditorError as error:
            _log.error("A job failed; it runs again at its next time.", error=str(error))
        except Exception:  # noqa: BLE001 - it is told with its traceback; the other jobs must go on
            _log.exception("A job failed; it runs again at its next time.")

    def _missed(self, plan: Planned, runs: int, saying: str | None) -> None:
        if saying is not None:
            _log.warning(saying, runs=runs, schedule=plan.schedule)
        if plan.task is Task.AUDIT:
            self._meters.missed(plan.subject[0], plan.subject[1], runs)

    def _note_end(self, event: JobEvent) -> None:
        """A run has ended. APScheduler may say so while it holds its own lock, so no lock of ours is taken here."""
        self._ends.put(event.job_id)
        self._wake.set()

    def _make_up(self, job_id: str) -> None:
        """After a run: begin at once what was due meanwhile."""
        with self._changed:
            entry = self._entries.get(job_id)
            waits_for = self._next(job_id)
            if entry is None or waits_for is None or not entry.settled or job_id in self._running:
                return
            until = entry.trigger.last_due(waits_for) - _INSTANT
            if missed(entry.trigger.schedule, entry.last, until, entry.trigger.zone, cap=1):
                entry.catch_up, entry.held_up = self._clock(), True
                self._set_next(entry, entry.catch_up)

    def _next(self, job_id: str) -> datetime | None:
        job = self._scheduler.get_job(job_id)
        at: datetime | None = job.next_run_time if job is not None else None
        return at

    def _set_next(self, entry: _Entry, at: datetime | None) -> None:
        self._scheduler.modify_job(entry.plan.id, next_run_time=at)
        self._tell_next(entry.plan.id)

    def _tell_next(self, job_id: str) -> None:
        task, _, subject = job_id.partition(":")
        if task == Task.AUDIT:
            left, _, right = subject.partition(":")
            self._meters.next_run(left, right, self._next(job_id))
