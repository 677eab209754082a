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
# A server that hangs answers nothing at all: then the last answer must not stand for ever.
_STALE_SECONDS = 10.0

_log = structlog.get_logger(__name__)


class Probe:
    """Knows what the store said last. `check` raises StoreError where it cannot be worked with."""

    def __init__(
        self,
        check: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        interval: float = INTERVAL_SECONDS,
    ) -> None:
        self._check = check
        self._clock = clock
        self._answer: tuple[float, StoreError | None] = (clock(), None)
        # It waits for the store for as long as that takes, so nobody may conclude from its silence that we are dead.
        self._loop = Loop("probe", self.ask, interval=interval, beat=lambda: None)

    def start(self) -> None:
        self._loop.start()

    def stop(self, seconds: float) -> bool:
        return self._loop.stop(seconds)

    def ask(self) -> None:
        _, before = self._answer
        problem: StoreError | None = None
        try:
            self._check()
        except StoreError as error:
            problem = error
        self._answer = (self._clock(), problem)
        if problem is not None and before is None:
            _log.warning("The store cannot be worked with; what needs it waits.", error=str(problem))
        elif problem is None and before is not None:
            _log.info("The store can be worked with again.")

    @property
    def usable(self) -> bool:
        return all(check.ok for check in self.checks.values())

    @property
    def checks(self) -> Mapping[str, Check]:
        """Whether the store answers, and whether its tables are of this program's version."""
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
        return {"store": Check(True, "it answers"), "migrations": Check(True, "its tables are of this version")}
