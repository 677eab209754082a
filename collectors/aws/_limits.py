"""Token buckets, one per account, region and service, shared by all sources of a run: AWS throttles per account."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from auditor.collector import LIMITS, Context, Limits
from auditor.errors import CollectError
from auditor.model import GapReason

_KEY = "aws.buckets"


# One refusal is answered by half the rate, and the next within this time is of requests that were under way already.
_SAME_REFUSAL = 1.0
# Seconds from a standstill to the whole rate, and how far refusals may slow it down.
_RECOVERY = 60.0
_SLOWEST = 32.0


class Bucket:
    """At most `rate` requests a second on average, `burst` at once. Safe between threads; first come, first served.

    Where AWS throttles, the rate is halved, and grows back by and by: others ask the same account, and a limit may be
    lower than the one that is configured. `beyond` promises a turn among other processes that ask the same account."""

    def __init__(
        self,
        rate: float,
        burst: float,
        ticks: Callable[[], float] = time.monotonic,
        beyond: Callable[[float, float], float] | None = None,
    ) -> None:
        self._beyond = beyond
        self._most = self._rate = rate
        self._burst = burst
        self._ticks = ticks
        self._tokens = burst
        self._updated = ticks()
        self._throttled: float | None = None
        self._lock = threading.Lock()

    def reserve(self) -> float:
        """Takes one token, maybe a future one. Returns the seconds to wait until it is there."""
        with self._lock:
            self._fill()
            self._tokens -= 1
            rate, pause = self._rate, max(0.0, -self._tokens / self._rate)
        return pause if self._beyond is None else max(pause, self._beyond(rate, self._burst))

    def throttled(self) -> None:
        """A request was refused because there were too many: all who share the bucket slow down."""
        with self._lock:
            self._fill()
            if self._throttled is not None and self._updated - self._throttled < _SAME_REFUSAL:
                return
            self._throttled = self._updated
            self._rate = max(self._most / _SLOWEST, self._rate / 2)
            self._tokens = min(self._tokens, 0.0)

    def _fill(self) -> None:
        now = self._ticks()
        passed, self._updated = now - self._updated, now
        self._tokens = min(self._burst, self._tokens + passed * self._rate)
        self._rate = min(self._most, self._rate + passed * self._most / _RECOVERY)


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
    key = (account, region, service)
    found = buckets.get(key)
    if found is not None:
        return found
    limits: Limits | None = shared.get(LIMITS)
    beyond = partial(limits.reserve, "aws/" + "/".join(key)) if limits is not None else None
    return buckets.setdefault(key, Bucket(rate, burst or 2 * rate, ticks, beyond))


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
