"""What the operating system asks of the service, as values in order. A second request to stop is obeyed at once."""

from __future__ import annotations

import os
import queue
import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from types import FrameType

# Who stops a whole group of processes (`timeout`, a terminal) may reach one of them twice, and means it once.
_ONE_REQUEST_SECONDS = 0.5


class Asked(Enum):
    """What a signal means."""

    STOP = "stop"
    RELOAD = "reload"


class Requests:
    """What was asked for, in the order in which it was. For the main thread, where Python runs handlers of signals."""

    def __init__(self, woken: socket.socket) -> None:
        # Unlike a lock or an Event, a SimpleQueue may be put to while the very same thread is inside of its `get`.
        self._asked: queue.SimpleQueue[Asked] = queue.SimpleQueue()
        self._woken = woken

    def put(self, asked: Asked) -> None:
        self._asked.put(asked)

    def get(self) -> Asked:
        """The next request, whenever it comes.

        The kernel may hand a signal to any thread, and then a main thread that waits for a lock sleeps on: a service
        manager that sends SIGTERM and SIGCONT together is enough. It is woken by the bytes that every signal leaves."""
        while True:
            with suppress(queue.Empty):
                return self._asked.get_nowait()
            select.select([self._woken], [], [])
            with suppress(BlockingIOError):
                self._woken.recv(4096)


@contextmanager
def asked() -> Iterator[Requests]:
    """Signals become what they mean. To be used by the main thread."""
    woken, waking = socket.socketpair()
    for end in (woken, waking):
        end.setblocking(False)
    requests = Requests(woken)
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
    before = signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
    try:
        yield requests
    finally:
        signal.set_wakeup_fd(before)
        for number, handler in previous.items():
            signal.signal(number, handler)
        woken.close()
        waking.close()
