"""Pairs laid side by side for whoever asks why. Laying large snapshots takes seconds, so a few pairs are remembered."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from auditor.errors import AuditorError
from auditor.explaining import Stage, staged

if TYPE_CHECKING:
    from auditor.config import Config, Pair
    from auditor.web.backend import Backend, Loaded

# What is explained may depend on the time: after this long it is judged anew.
_LASTS = timedelta(minutes=10)
# Two snapshots of a thousand resources each, with their normal forms, take some 30 MB.
_MOST_RESOURCES = 20_000
_MOST_PAIRS = 6
# Others wait for what somebody has begun, but a request that waits longer holds a thread that others need.
_PATIENCE_SECONDS = 30.0
# All requests share forty threads: those that wait here must leave some to the others.
_MOST_WAITING = 8
_BUSY = "others have asked for as much at the same time: try again in a minute"

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Busy(AuditorError):
    """Too many ask for what takes long."""


class Remembered(Generic[Key, Value]):
    """The last results of something that takes long. One is made at a time, once for all that wait for it.

    weight  of a result; together they stay below `most`, the latest one excepted"""

    def __init__(self, most: int, weight: Callable[[Value], int] = lambda _value: 1) -> None:
        self._most, self._weight = most, weight
        self._known: OrderedDict[Key, tuple[datetime, Value]] = OrderedDict()
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._places = threading.Semaphore(_MOST_WAITING)

    def known(self, key: Key, now: datetime) -> Value | None:
        """What is remembered; None where it has to be made."""
        with self._lock:
            found = self._known.get(key)
            if found is None or now - found[0] > _LASTS:
                return None
            self._known.move_to_end(key)
            return found[1]

    def get(self, key: Key, now: datetime, make: Callable[[], Value]) -> Value:
        """Raises Busy where others take too long, and at once where too many wait already."""
        found = self.known(key, now)
        if found is not None:
            return found
        if not self._places.acquire(blocking=False):
            raise Busy(_BUSY)
        try:
            return self._made(key, now, make)
        finally:
            self._places.release()

    def _made(self, key: Key, now: datetime, make: Callable[[], Value]) -> Value:
        if not self._making.acquire(timeout=_PATIENCE_SECONDS):
            raise Busy(_BUSY)
        try:
            found = self.known(key, now)
            if found is None:
                found = make()
                self._keep(key, now, found)
            return found
        finally:
            self._making.release()

    def forget(self, key: Key) -> None:
        with self._lock:
            self._known.pop(key, None)

    def _keep(self, key: Key, now: datetime, value: Value) -> None:
        with self._lock:
            self._known[key] = (now, value)
            self._known.move_to_end(key)
            while len(self._known) > 1 and sum(self._weight(kept) for _, kept in self._known.values()) > self._most:
                self._known.popitem(last=False)


@dataclass(frozen=True, slots=True)
class StageKey:
    """What a stage is made from, beside the configuration: the pair, its two snapshots and its policy."""

    left: str
    right: str
    snapshots: tuple[str, str]
    policy: str


class Stages:
    """The pairs that were looked at last. Called from several threads."""

    def __init__(self) -> None:
        self._stages: Remembered[StageKey, tuple[Config, Stage]] = Remembered(_MOST_RESOURCES, _weight)

    def known(self, ground: Backend, loaded: Loaded, pair: Pair) -> Stage | None:
        """The stage, if it need not be made first."""
        key = stage_key(ground, loaded, pair)
        found = None if key is None else self._stages.known(key, ground.clock())
        return found[1] if found is not None and found[0] == loaded.config else None

    def get(self, ground: Backend, loaded: Loaded, pair: Pair) -> Stage:
        """The pair as its last audit saw it. Raises NothingSeen, ConfigError and Busy."""
        now = ground.clock()

        def make() -> tuple[Config, Stage]:
            return loaded.config, staged(loaded.config, pair, ground.tools(), now, loaded.policy(pair))

        key = stage_key(ground, loaded, pair)
        if key is None:
            return make()[1]
        found = self._stages.get(key, now, make)
        if found[0] != loaded.config:
            self._stages.forget(key)
            found = self._stages.get(key, now, make)
        return found[1]


def stage_key(ground: Backend, loaded: Loaded, pair: Pair) -> StageKey | None:
    """None where one side was never observed."""
    last = next(iter(ground.store.audits(pair.left, pair.right, limit=1)), None)
    if last is not None:
        snapshots = last.left_snapshot, last.right_snapshot
    else:
        found = [next(iter(ground.store.snapshots(name, limit=1)), None) for name in (pair.left, pair.right)]
        if found[0] is None or found[1] is None:
            return None
        snapshots = found[0].id, found[1].id
    return StageKey(pair.left, pair.right, snapshots, loaded.policy(pair).digest)


def _weight(kept: tuple[Config, Stage]) -> int:
    stage = kept[1]
    return max(len(stage.left.resources) + len(stage.right.resources), _MOST_RESOURCES // _MOST_PAIRS)
