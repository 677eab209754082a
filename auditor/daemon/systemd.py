"""Tell the service manager how the service is doing: sd_notify(3), a datagram of `NAME=value` lines.

Without `NOTIFY_SOCKET` nobody is listening and nothing is sent.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Self

import structlog

_log = structlog.get_logger(__name__)


class Notifier:
    """One service's line to its manager. `watchdog` is how long it waits for a sign of life; None: it does not."""

    def __init__(self, address: str | None, watchdog: timedelta | None = None) -> None:
        self._address = address
        self.watchdog = watchdog

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int | None = None) -> Self:
        """As the manager put it into the environment. A watchdog that is meant for another process is not ours."""
        microseconds = environ.get("WATCHDOG_USEC", "")
        meant_for = environ.get("WATCHDOG_PID", "")
        ours = meant_for in ("", str(pid or os.getpid()))
        watchdog = timedelta(microseconds=int(microseconds)) if ours and microseconds.isdecimal() else None
        return cls(environ.get("NOTIFY_SOCKET") or None, watchdog or None)

    def ready(self, status: str) -> None:
        """The service does its work, at its start or after a reload."""
        self._send("READY=1", _status(status))

    def reloading(self) -> None:
        """New files are being read; `ready` ends it. The time tells the manager's own request from a later one."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, status: str) -> None:
        self._send("STOPPING=1", _status(status))

    def status(self, status: str) -> None:
        self._send(_status(status))

    def alive(self) -> None:
        """The sign of life that the watchdog waits for."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if self._address is None:
            return
        # A leading @ stands for the zero byte of an abstract address, which no environment variable can hold.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.setblocking(False)
                line.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            _log.warning("The service manager cannot be told anything.", error=error.strerror or str(error))


def _status(text: str) -> str:
    return f"STATUS={' '.join(text.split())}"
