"""What the operating system asks of the service, as values in a queue. A second request to stop is obeyed at once."""

from __future__ import annotations

import os
import queue
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from types import FrameType


# Who stops a whole group of processes (`timeout`, a terminal) may reach one of them twice, and means it once.
_ONE_REQUEST_SECONDS = 0.5


class Asked(Enum):
    """What a signal means."""

    STOP = "stop"
    RELOAD = "reload"


@contextmanager
def asked() -> Iterator[queue.SimpleQueue[Asked]]:
    """Signals become what they mean, in the order in which they came. To be used by the main thread."""
    # Unlike a lock or an Event, a SimpleQueue may be put to while the very same thread is inside of its `get`.
    requests: queue.SimpleQueue[Asked] = queue.SimpleQueue()
    first_at: float | None = None

    def on_stop(number: int, _frame: FrameType | None) -> None:
        nonlocal first_at
        now = time.monotonic()
        if first_at is None:
            first_at = now
            requests.put(Asked.STOP)
        elif now - first_at > _ONE_REQUEST_SECONDS:
            os._exit(128 + number)

    def on_reload(_number: int, _frame: FrameType | None) -> None:
        requests.put(Asked.RELOAD)

    handlers = {signal.SIGTERM: on_stop, signal.SIGINT: on_stop, signal.SIGHUP: on_reload}
    previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield requests
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
