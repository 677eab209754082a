"""Budgets of requests that all workers share: a far side limits what an account asks, however many machines it asks from.

A budget is one row with the time at which the last promised request is due. A worker takes what it may ask within a
quarter of a second at once, so that not every request costs a question to the database.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

# Seconds' worth of requests that are taken at once, and for how long they may be used.
_SHARE = 0.25
_KEPT = 1.0

# Everything in one statement, by one clock. A budget that was not used for a while has `burst` saved up, no more.
TAKE = """
    INSERT INTO collect_budgets AS known (name, due)
    VALUES (%(name)s, clock_timestamp() + make_interval(secs => (%(count)s - %(burst)s) / %(rate)s::float8))
    ON CONFLICT (name) DO UPDATE
       SET due = GREATEST(known.due, clock_timestamp() - make_interval(secs => %(burst)s / %(rate)s::float8))
               + make_interval(secs => %(count)s / %(rate)s::float8)
    RETURNING EXTRACT(EPOCH FROM due - clock_timestamp())::float8 AS seconds
"""


@dataclass(slots=True)
class _Share:
    """Requests of one budget that this process has taken and not made yet. `at` is when the next may be made."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    left: int = 0
    at: float = 0.0
    until: float = 0.0


class SharedLimits:
    """`auditor.collector.Limits` for the threads of a worker. `take` asks the database: name, rate, burst and how many."""

    def __init__(
        self, take: Callable[[str, float, float, int], float], ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._take = take
        self._ticks = ticks
        self._lock = threading.Lock()
        self._shares: dict[str, _Share] = {}

    def reserve(self, name: str, rate: float, burst: float) -> float:
        with self._lock:
            share = self._shares.setdefault(name, _Share())
        with share.lock:
            now = self._ticks()
            if share.left <= 0 or now > share.until:
                count = max(1, min(math.floor(rate * _SHARE), math.floor(burst)))
                # The wait for the last one of the share; those before it are spread over the time until then.
                last = self._take(name, rate, burst, count)
                share.left, share.at = count, now + last - (count - 1) / rate
                share.until = max(now, now + last) + _KEPT
            pause = max(0.0, share.at - now)
            share.left -= 1
            share.at += 1 / rate
            return pause
