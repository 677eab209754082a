"""Audits that somebody asks for while the service runs, and what became of the last ones."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import structlog

from auditor.errors import AuditorError

if TYPE_CHECKING:
    from concurrent.futures import Future
    from datetime import datetime

    from auditor.daemon.loaded import Loaded
    from auditor.model import Audit

_AT_ONCE = 2
_MOST_WAITING = 20
_REMEMBERED = 200
_CANCEL_SECONDS = 2.0

_log = structlog.get_logger(__name__)


class Auditing(Protocol):
    """Who makes the audits."""

    def audited(self, left: str, right: str, not_before: datetime, cancel: threading.Event) -> Audit: ...


@dataclass(frozen=True, slots=True)
class AskedRun:
    """One audit that was asked for: `waiting`, `running`, `done` with the audit's id, or `failed` with an error."""

    id: str
    left: str
    right: str
    asked_at: datetime
    state: str = "waiting"
    audit_id: str | None = None
    error: str | None = None


class AskedRuns:
    """Makes them, two at a time, and remembers the last 200. Safe to share between threads."""

    def __init__(self, auditing: Auditing, *, loaded: Callable[[], Loaded], clock: Callable[[], datetime]) -> None:
        self._auditing = auditing
        self._loaded = loaded
        self._clock = clock
        self._runs: OrderedDict[str, AskedRun] = OrderedDict()
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
            if len(self._runs) > _REMEMBERED:
                self._runs.popitem(last=False)
            future = self._pool.submit(self._make, run)
            self._futures.add(future)
        future.add_done_callback(self._ended)
        _log.info("An audit was asked for.", job_id=run.id, left=run.left, right=run.right)
        return run

    def find(self, run_id: str) -> AskedRun | None:
        with self._lock:
            return self._runs.get(run_id)

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
            try:
                audit = self._auditing.audited(run.left, run.right, run.asked_at, self._cancel)
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
