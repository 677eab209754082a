"""Can the store be worked with: asked in the background, so that whoever wants to know is answered at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import structlog

from auditor.daemon.loop import Loop
from auditor.errors import StoreError
from auditor.store.errors import SchemaError
from auditor.web.health import Check

INTERVAL_SECONDS = 2.0
# A disk that is full lets everything be read: writing has to be tried, but costs more, so not as often.
WRITING_SECONDS = 15.0
# A server that hangs answers nothing at all: then the last answer must not stand for ever.
_STALE_SECONDS = 10.0

_log = structlog.get_logger(__name__)


class Probe:
    """Knows what the store said last. `check` and `check_writing` raise StoreError where it cannot be read or written."""

    def __init__(
        self,
        check: Callable[[], None],
        check_writing: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        interval: float = INTERVAL_SECONDS,
    ) -> None:
        self._check = check
        self._check_writing = check_writing
        self._clock = clock
        self._answer: tuple[float, StoreError | None] = (clock(), None)
        self._unwritable: StoreError | None = None
        self._next_writing = clock()
        # Both wait for the store for as long as that takes, so nobody may conclude from their silence that we are dead.
        # A writer waits for other writers, too: its silence says nothing of whether the store answers.
        self._loops = (
            Loop("probe", self.ask, interval=interval, beat=lambda: None),
            Loop("probe-writing", self.ask_writing, interval=interval, beat=lambda: None),
        )

    def start(self) -> None:
        for loop in self._loops:
            loop.start()

    def stop(self, seconds: float) -> bool:
        for loop in self._loops:
            loop.stopping.set()
        ended = [loop.stop(seconds) for loop in self._loops]
        return all(ended)

    def ask(self) -> None:
        _, before = self._answer
        problem = _problem(self._check)
        self._answer = (self._clock(), problem)
        if problem is not None and before is None:
            _log.warning("The store cannot be worked with; what needs it waits.", error=str(problem))
        elif problem is None and before is not None:
            _log.info("The store can be worked with again.")

    def ask_writing(self) -> None:
        """Try a write where that is due: now and then, and at once again as long as it fails."""
        before, (_, unreadable) = self._unwritable, self._answer
        if unreadable is not None or (before is None and self._clock() < self._next_writing):
            return
        self._unwritable = problem = _problem(self._check_writing)
        self._next_writing = self._clock() + WRITING_SECONDS
        if problem is not None and before is None:
            _log.warning("The store cannot be written; audits fail until it can be.", error=str(problem))
        elif problem is None and before is not None:
            _log.info("The store can be written again.")

    @property
    def usable(self) -> bool:
        return all(check.ok for check in self.checks.values())

    @property
    def checks(self) -> Mapping[str, Check]:
        """Whether the store answers and can be written, and whether its tables are of this program's version."""
        at, problem = self._answer
        silence = self._clock() - at
        if silence > _STALE_SECONDS:
            silent = Check(False, f"it has not answered for {silence:.0f} s")
            return {"store": silent, "migrations": Check(False, "not known: the store does not answer")}
        if isinstance(problem, SchemaError):
            return {"store": Check(True, "it answers"), "migrations": Check(False, str(problem))}
        if problem is not None:
            unknown = Check(False, "not known: the store cannot be asked")
            return {"store": Check(False, str(problem)), "migrations": unknown}
        return {"store": self._answering(), "migrations": Check(True, "its tables are of this version")}

    def _answering(self) -> Check:
        if (problem := self._unwritable) is not None:
            return Check(False, f"the store cannot be written: {problem}")
        return Check(True, "it answers")


def _problem(check: Callable[[], None]) -> StoreError | None:
    try:
        check()
    except StoreError as error:
        return error
    return None
