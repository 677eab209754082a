"""Deliver what the outbox holds, in the background, with the publishers of the configuration that is in force."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from auditor.daemon.publishers import publishers_of
from auditor.deliver import Outbox

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.config import Config
    from auditor.meters import Meters
    from auditor.publisher import Publisher
    from auditor.store import Store

_log = structlog.get_logger(__name__)


class Delivery:
    """One outbox after the other: a new one where the publishers changed. `leading` is asked before every notice."""

    def __init__(
        self,
        store: Store,
        *,
        leading: Callable[[], bool],
        meters: Meters,
        clock: Callable[[], datetime],
        beat: Callable[[], None],
    ) -> None:
        self._store = store
        self._leading = leading
        self._meters = meters
        self._clock = clock
        self._beat = beat
        self._running: _Running | None = None
        self._ending: list[_Running] = []
        self._changing = threading.Lock()

    def use(self, config: Config) -> None:
        """Deliver with the publishers of `config` from now on.

        What is under way with others is brought to its end beside it: the store sees to it that nothing is sent twice."""
        publishers = publishers_of(config)
        outbox = Outbox(self._store, publishers, self._clock, leading=self._leading, meters=self._meters)
        running = _Running(outbox, publishers, self._beat)
        with self._changing:
            self._end()
            self._running = running
        running.start()

    def wake(self) -> None:
        """There is something new to deliver, or this copy leads now."""
        running = self._running
        if running is not None:
            running.wake.set()

    def stop(self, seconds: float) -> bool:
        """Begin nothing more, and wait for what is under way. False where that takes longer than `seconds`."""
        until = time.monotonic() + seconds
        with self._changing:
            self._end()
            ending = self._ending
        ended = [running.ended(until - time.monotonic()) for running in ending]
        return all(ended)

    def _end(self) -> None:
        self._ending = [running for running in self._ending if not running.ended(0)]
        if self._running is not None:
            self._running.end()
            self._ending.append(self._running)
            self._running = None


class _Running:
    def __init__(self, outbox: Outbox, publishers: tuple[Publisher, ...], beat: Callable[[], None]) -> None:
        self._outbox = outbox
        self._publishers = publishers
        self._stop = threading.Event()
        self.wake = threading.Event()
        self._beat = beat
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Begin nothing more."""
        self._stop.set()
        self.wake.set()

    def ended(self, seconds: float) -> bool:
        """Whether nothing is under way any more, waiting for it so long."""
        self._thread.join(max(seconds, 0.0))
        return not self._thread.is_alive()

    def _run(self) -> None:
        with self._outbox:
            while not self._stop.is_set():
                try:
                    self._outbox.run(self._stop, self.wake, self._beat)
                except Exception:  # noqa: BLE001 - it is told with its traceback; notices wait in the store
                    _log.exception("The delivery of notices failed; it begins again.")
                    self._stop.wait(1)
        for publisher in self._publishers:
            close = getattr(publisher, "close", None)
            if close is not None:
                with suppress(OSError):
                    close()
