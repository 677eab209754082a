"""Is the service alive, and is it able to work: two questions that get different answers from a service manager.

Alive: every loop comes round. When one does not, a new process is the remedy. Ready: the store answers, its tables are
of this version, somebody leads. When that is not so, a new process is no remedy; it waits, and says for what.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the service needs. `detail` is a sentence for a person, and says why where `ok` is false."""

    ok: bool
    detail: str


class Heartbeats:
    """When each loop last came round. Safe to share between threads. `clock` gives seconds that only go forward."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._beats: dict[str, tuple[float, timedelta]] = {}

    def expect(self, name: str, within: timedelta) -> Callable[[], None]:
        """From now on, `name` has to beat at least once `within` that time: call what is returned."""
        beat = partial(self._beat, name, within)
        beat()
        return beat

    def forget(self, name: str) -> None:
        """`name` ended as it should."""
        with self._lock:
            self._beats.pop(name, None)

    def silent(self) -> Mapping[str, timedelta]:
        """The loops that should have beaten, and for how long each has not."""
        now = self._clock()
        with self._lock:
            silences = {name: (timedelta(seconds=now - at), within) for name, (at, within) in self._beats.items()}
        return {name: silence for name, (silence, within) in sorted(silences.items()) if silence > within}

    def _beat(self, name: str, within: timedelta) -> None:
        with self._lock:
            self._beats[name] = (self._clock(), within)
