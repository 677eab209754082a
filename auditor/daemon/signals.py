"""What the operating system asks of the service, as values in a queue. A second request to stop is obeyed at once."""

from __future__ import annotations

import os
import queue
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from types import FrameType


class Asked(Enum):
    """What a signal means."""

    STOP = "stop"
    RELOAD = "reload"


@contextmanager
def asked() -> Iterator[queue.SimpleQueue[Asked]]:
    """Signals become what they mean, in the order in which they came. To be used by the main thread."""
    # Unlike a lock or an Event, a SimpleQueue may be put to while the very same thread is inside of its `get`.
    requests: queue.SimpleQueue[Asked] = queue.SimpleQueue()
    stopping = False

    def on_stop(number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        if stopping:
            os._exit(128 + number)
        stopping = True
        requests.put(Asked.STOP)

    def on_reload(_number: int, _frame: FrameType | None) -> None:
        requests.put(Asked.RELOAD)

    handlers = {signal.SIGTERM: on_stop, signal.SIGINT: on_stop, signal.SIGHUP: on_reload}
    previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield requests
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
