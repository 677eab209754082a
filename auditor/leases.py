"""Who works on what now, among threads and processes that share a store: claim it, show that one lives, wait for others.

A holder shows that it lives by a beat, which is a counter. Whoever waits takes a lease over whose beat has stood still
for long enough by its own monotonic clock, so neither a wall clock that steps nor one that differs makes a living
holder look dead.
"""

from __future__ import annotations

import logging
import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from auditor.collect import CollectCancelled
from auditor.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from auditor.store import Store
    from auditor.store.leases import Lease

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things take that several runs have to agree on.

    beat      between two signs of life of a holder
    dead      how long a beat stands still until its holder counts as dead
    poll      between two looks at what one waits for
    joinable  how long before it is asked for a piece of work may have begun that is shared
    """

    beat: timedelta = timedelta(seconds=1)
    dead: timedelta = timedelta(seconds=8)
    poll: timedelta = timedelta(seconds=0.25)
    joinable: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Holder:
    """What a lease says of its holder: since when by its wall clock, and under which configuration (a digest)."""

    began: datetime
    digest: str
    run: str

    def __str__(self) -> str:
        return f"{self.began.isoformat()}|{self.digest}|{self.run}"

    @classmethod
    def of(cls, lease: Lease) -> Holder:
        began, digest, run = lease.holder.split("|")
        return cls(datetime.fromisoformat(began), digest, run)


@dataclass(slots=True)
class Watch:
    """The leases that this process saw others hold, and since when each looks as it did. Shared by all its threads."""

    monotonic: Callable[[], float]
    _seen: dict[str, tuple[Lease, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def unchanged_for(self, lease: Lease) -> timedelta:
        now = self.monotonic()
        with self._lock:
            known, since = self._seen.get(lease.name, (None, now))
            if known != lease:
                self._seen[lease.name] = (lease, now)
                return timedelta(0)
            return timedelta(seconds=now - since)

    def forget(self, name: str) -> None:
        with self._lock:
            self._seen.pop(name, None)


class Claims:
    """The leases of one run. Each is kept alive by a thread until it is released, at the latest at the end of the block."""

    def __init__(
        self, store: Store, timing: Timing, watch: Watch, clock: Callable[[], datetime], cancel: threading.Event
    ) -> None:
        self._store = store
        self._timing = timing
        self._watch = watch
        self._clock = clock
        self._cancel = cancel
        self._run = uuid.uuid4().hex
        self._held: dict[str, Holder] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        for name in list(self._held):
            self.release(name)

    def claim(self, name: str, digest: str) -> Lease | None:
        """None: it is ours now, or was. Else the lease as somebody else has it."""
        if name in self._held:
            return None
        holder = Holder(self._clock(), digest, self._run)
        while not self._store.acquire_lease(name, str(holder)):
            lease = self._store.lease(name)
            if lease is None:
                continue
            if self._watch.unchanged_for(lease) < self._timing.dead:
                return lease
            if self._store.steal_lease(name, str(holder), lease):
                _log.warning("took %s over from a run that gives no sign of life", name)
                break
        self._keep(name, holder)
        return None

    def wait(self, lease: Lease, digest: str) -> None:
        """Until its holder gave it back or died; the lease of a dead one is ours then. Raises CollectCancelled."""
        while True:
            now = self._store.lease(lease.name)
            if now is None or now.holder != lease.holder:
                return
            if self._watch.unchanged_for(now) >= self._timing.dead and self.claim(lease.name, digest) is None:
                return
            if self._cancel.wait(self._timing.poll.total_seconds()):
                raise CollectCancelled

    def began(self, name: str) -> datetime:
        """When we began to work on what the lease is for."""
        return self._held[name].began

    def release(self, name: str) -> None:
        with self._lock:
            holder = self._held.pop(name)
        try:
            self._store.release_lease(name, str(holder))
        except StoreError as problem:
            # Others take it over as from a dead holder; what this run did or failed to do matters more.
            _log.warning("the lease %s could not be given back: %s", name, problem)

    def _keep(self, name: str, holder: Holder) -> None:
        self._watch.forget(name)
        with self._lock:
            self._held[name] = holder
        if self._thread is None:
            self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)
            self._thread.start()

    def _beat(self) -> None:
        while not self._ended.wait(self._timing.beat.total_seconds()):
            with self._lock:
                held = list(self._held.items())
            for name, holder in held:
                try:
                    self._store.beat_lease(name, str(holder))
                except StoreError as error:
                    _log.debug("no sign of life for %s: %s", name, error)
