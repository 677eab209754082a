"""Audits that somebody asks for while the service runs, how far they are, and what became of the last ones."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import structlog

from auditor.daemon.reading import Reading, SourceReading
from auditor.errors import AuditorError

if TYPE_CHECKING:
    from concurrent.futures import Future
    from datetime import datetime

    from auditor.collect import Progress
    from auditor.daemon.loaded import Loaded
    from auditor.model import Audit

_AT_ONCE = 2
_MOST_WAITING = 20
_REMEMBERED = 200
_CANCEL_SECONDS = 2.0

_log = structlog.get_logger(__name__)


class Auditing(Protocol):
    """Who makes the audits."""

    def audited(
        self,
        left: str,
        right: str,
        not_before: datetime,
        cancel: threading.Event,
        progress: Progress | None = None,
    ) -> Audit: ...


@dataclass(frozen=True, slots=True)
class AskedRun:
    """One audit that was asked for: `waiting`, `running`, `done` with the audit's id, or `failed` with an error.

    `sources` is how far each of them was read when this was asked; none of a run that waits or shares another's audit."""

    id: str
    left: str
    right: str
    asked_at: datetime
    state: str = "waiting"
    audit_id: str | None = None
    error: str | None = None
    sources: tuple[SourceReading, ...] = ()


class AskedRuns:
    """Makes them, two at a time, and remembers the last 200. Safe to share between threads."""

    def __init__(self, auditing: Auditing, *, loaded: Callable[[], Loaded], clock: Callable[[], datetime]) -> None:
        self._auditing = auditing
        self._loaded = loaded
        self._clock = clock
        self._runs: OrderedDict[str, AskedRun] = OrderedDict()
        self._readings: dict[str, Reading] = {}
        self._futures: set[Future[None]] = set()
        self._lock = threading.Lock()
        self._stopping = False
        self._cancel = threading.Event()
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="asked")

    def ask(self, left: str, right: str) -> AskedRun | None:
        """Audit the pair soon. None where too many wait or the service stops. Raises ConfigError for unknown names."""
        pair = self._loaded().config.pair(left, right)
        run = AskedRun(uuid.uuid4().hex, pair.left, pair.right, self._clock())
        with self._lock:
            if self._stopping or len(self._futures) >= _MOST_WAITING:
                return None
            self._runs[run.id] = run
            self._readings[run.id] = Reading()
            if len(self._runs) > _REMEMBERED:
                forgotten, _ = self._runs.popitem(last=False)
                del self._readings[forgotten]
            future = self._pool.submit(self._make, run)
            self._futures.add(future)
        future.add_done_callback(self._ended)
        _log.info("An audit was asked for.", job_id=run.id, left=run.left, right=run.right)
        return run

    def find(self, run_id: str) -> AskedRun | None:
        """The run as it is now."""
        with self._lock:
            if run_id not in self._runs:
                return None
            run, reading = self._runs[run_id], self._readings[run_id]
        return replace(run, sources=reading.sources())

    def recent(self) -> tuple[AskedRun, ...]:
        """Those that are remembered, the latest first."""
        with self._lock:
            known = [(run, self._readings[run.id]) for run in reversed(self._runs.values())]
        return tuple(replace(run, sources=reading.sources()) for run, reading in known)

    def stop(self, seconds: float) -> bool:
        """Take nothing more, finish what is running, and after so many seconds break it off. False where that failed."""
        with self._lock:
            self._stopping = True
            futures = set(self._futures)
        self._pool.shutdown(wait=False, cancel_futures=True)
        running = wait(futures, seconds).not_done
        if running:
            self._cancel.set()
            running = wait(running, _CANCEL_SECONDS).not_done
        return not running

    def _make(self, run: AskedRun) -> None:
        with structlog.contextvars.bound_contextvars(job_id=run.id):
            self._note(replace(run, state="running"))
            with self._lock:
                # One that nobody can ask for any more is watched all the same.
                reading = self._readings.get(run.id, Reading())
            try:
                audit = self._auditing.audited(run.left, run.right, run.asked_at, self._cancel, reading)
            except AuditorError as error:
                _log.error("An audit that was asked for failed.", error=str(error))
                self._note(replace(run, state="failed", error=str(error)))
            except Exception as error:  # noqa: BLE001 - it is told with its traceback, and to whoever asked
                _log.exception("An audit that was asked for failed.")
                self._note(replace(run, state="failed", error=f"defect: {type(error).__name__}"))
            else:
                self._note(replace(run, state="done", audit_id=audit.id))

    def _note(self, run: AskedRun) -> None:
        with self._lock:
            if run.id in self._runs:
                self._runs[run.id] = run

    def _ended(self, future: Future[None]) -> None:
        with self._lock:
            self._futures.discard(future)
