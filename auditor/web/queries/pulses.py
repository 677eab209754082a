"""The store's pulse, which changes with whatever was recorded."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.web.backend import Backend

SECONDS = 2.0
"""A page learns of a change within about this time; asking costs less than a millisecond, and is done once for all readers."""


class Pulses:
    """The store's pulse, which those who wait for another one ask at most once in `SECONDS`, however many they are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: tuple[float, str] | None = None

    def now(self, ground: Backend) -> str:
        with self._lock:
            if self._known is None or time.monotonic() - self._known[0] >= SECONDS / 2:
                self._known = time.monotonic(), ground.store.pulse()
            return self._known[1]

    def fresh(self, ground: Backend) -> str:
        """The pulse at this moment. Whoever asks `now` hears none that is older, so that no page is told old news."""
        with self._lock:
            self._known = time.monotonic(), ground.store.pulse()
            return self._known[1]
