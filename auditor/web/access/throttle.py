"""Failed attempts to get in, counted per address, in memory: a copy of the service counts for itself.

Only failures count, and only failures are refused: tokens cannot be guessed, so whoever shows a valid one need not wait
because somebody else behind the same address, a proxy's perhaps, fails all the time.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_network

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from auditor.loopback import address_of

MOST_A_MINUTE = 10
# Addresses that are counted at once. Beyond, all count as one: memory has to stay bounded.
_MOST_ADDRESSES = 10_000
_TIDY_SECONDS = 10
_ONE_HOME = 64


class Throttle:
    """Safe to share between threads. `now` gives seconds since 1970."""

    def __init__(self, most: int = MOST_A_MINUTE, now: Callable[[], float] = time.time) -> None:
        self._storage = MemoryStorage()
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._item = RateLimitItemPerMinute(most)
        self._now = now
        self._tidied = 0.0
        self._lock = threading.Lock()

    def failed(self, address: str) -> int | None:
        """Count a failure. None while there were not too many, else after how many seconds to try again."""
        key = self._key(address)
        if self._limiter.hit(self._item, key):
            return None
        stats = self._limiter.get_window_stats(self._item, key)
        return max(1, math.ceil(stats.reset_time - self._now()))

    def _key(self, address: str) -> str:
        """One home has 2^64 addresses of IPv6."""
        found = address_of(address)
        if isinstance(found, IPv6Address):
            address = str(ip_network((found, _ONE_HOME), strict=False))
        events = self._storage.events
        if self._item.key_for(address) in events or len(events) < _MOST_ADDRESSES:
            return address
        self._tidy()
        return address if len(events) < _MOST_ADDRESSES else "others"

    def _tidy(self) -> None:
        """The storage forgets when somebody failed, but not that he did."""
        with self._lock:
            if self._now() - self._tidied < _TIDY_SECONDS:
                return
            self._tidied = self._now()
        since = time.time() - self._item.get_expiry()
        for key, entries in list(self._storage.events.items()):
            if not entries or entries[0].atime < since:
                self._storage.clear(key)
