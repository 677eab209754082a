"""Token buckets, one per account, region and service, shared by all sources of a run: AWS throttles per account."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from auditor.collector import Context
from auditor.errors import CollectError
from auditor.model import GapReason

_KEY = "aws.buckets"


class Bucket:
    """At most `rate` requests a second on average, `burst` at once. Safe between threads; first come, first served."""

    def __init__(self, rate: float, burst: float, ticks: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._ticks = ticks
        self._tokens = burst
        self._updated = ticks()
        self._lock = threading.Lock()

    def reserve(self) -> float:
        """Takes one token, maybe a future one. Returns the seconds to wait until it is there."""
        with self._lock:
            now = self._ticks()
            self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._rate)
            self._updated = now
            self._tokens -= 1
            return max(0.0, -self._tokens / self._rate)


def bucket(
    shared: dict[str, Any],
    account: str,
    region: str,
    service: str,
    rate: float,
    *,
    burst: float | None = None,
    ticks: Callable[[], float] = time.monotonic,
) -> Bucket:
    """The bucket that every source of the run uses for this account, region and service. The first to ask sets the rate.

    `burst` is twice the rate by default."""
    # setdefault is one step for the interpreter, so two threads cannot end up with two buckets.
    buckets: dict[tuple[str, str, str], Bucket] = shared.setdefault(_KEY, {})
    return buckets.setdefault((account, region, service), Bucket(rate, burst or 2 * rate, ticks))


class Deadline:
    """When one task has to be done, and whether the run is being stopped. Looked at before every request."""

    def __init__(self, context: Context) -> None:
        self._cancelled = context.cancelled
        self._ends = time.monotonic() + context.timeout
        self._seconds = context.timeout

    def left(self) -> float:
        """Seconds that are left; none once the time is over."""
        return max(0.0, self._ends - time.monotonic())

    def wait(self, seconds: float, call: str) -> None:
        """Waits; raises CollectError when the run is stopped meanwhile, or when the time would not suffice."""
        if self._cancelled.is_set():
            raise CollectError(GapReason.TIMEOUT, f"{call}: the run was stopped before this was read")
        if time.monotonic() + seconds > self._ends:
            raise CollectError(GapReason.TIMEOUT, f"{call}: not done within {self._seconds:g} s")
        if seconds and self._cancelled.wait(seconds):
            raise CollectError(GapReason.TIMEOUT, f"{call}: the run was stopped before this was read")
