"""A thread that does one small thing over and over until it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

_log = structlog.get_logger(__name__)


class Loop:
    """Calls `step` every `interval` seconds, and `beat` before each time, so that others see that it comes round.

    What `step` raises is a defect of ours: it is logged, and the loop goes on, since the service lives for months.
    """

    def __init__(self, name: str, step: Callable[[], None], *, interval: float, beat: Callable[[], None]) -> None:
        self._name = name
        self._step = step
        self._interval = interval
        self._beat = beat
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float | None = None) -> bool:
        """End it after the step that it is in. False when that took longer than `timeout` seconds."""
        self.stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self.stopping.wait(self._interval):
            self._beat()
            try:
                self._step()
            except Exception:  # noqa: BLE001 - it is told with its traceback; a loop that ended would be worse
                _log.exception("A loop of the service failed; it goes on.", loop=self._name)
