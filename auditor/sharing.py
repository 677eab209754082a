"""Runs that want the same at the same time share it: an environment is read once, a pair is audited once.

What a run may use is what began at the time it asks for or later, or what is under way and began shortly before. A run
that collects holds leases and waits for nobody; one that waits for a collection holds at most the lease of its pair,
which no collection waits for: so no two runs can wait for each other.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from auditor.leases import Claims, Holder, Timing, Watch
from auditor.store.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from auditor.model import Audit, Json, Snapshot
    from auditor.store import Store
    from auditor.store.leases import Lease

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Observed:
    """A snapshot, and whether another run took it. `early` is how long before it was asked for that run had begun."""

    snapshot: Snapshot
    shared: bool = False
    early: timedelta = timedelta(0)

    @property
    def note(self) -> str | None:
        """What a report says of it; None where there is nothing to say."""
        if not self.shared:
            return None
        text = f"another run observed {self.snapshot.environment} at {self.snapshot.taken_at:%H:%M:%S}Z"
        seconds = round(self.early.total_seconds())
        return f"{text}, {seconds} s before this one asked" if seconds > 0 else text


@dataclass(frozen=True, slots=True)
class _Done:
    """What is remembered of the last finished piece of work. `result` is the id of its snapshot or audit."""

    began: datetime
    digest: str
    result: str

    def json(self) -> Json:
        return {"began": self.began.isoformat(), "digest": self.digest, "result": self.result}

    @classmethod
    def of(cls, value: Json) -> _Done | None:
        return cls(datetime.fromisoformat(value["began"]), value["digest"], value["result"]) if value else None


@dataclass(frozen=True, slots=True)
class Asking:
    """One run: what it works with, since when its results count, and what stops it. `waits` is told for what it waits."""

    store: Store
    clock: Callable[[], datetime]
    not_before: datetime
    cancel: threading.Event
    waits: Callable[[Sequence[str], Holder], None] = lambda _environments, _holder: None


@dataclass(frozen=True, slots=True)
class Sharing:
    """How the runs of this process share with each other and with those of other processes. One for all of them."""

    timing: Timing = field(default_factory=Timing)
    monotonic: Callable[[], float] = time.monotonic
    watch: Watch = field(default_factory=lambda: Watch(time.monotonic))

    @classmethod
    def timed(cls, timing: Timing, monotonic: Callable[[], float] = time.monotonic) -> Sharing:
        return cls(timing, monotonic, Watch(monotonic))

    def observe(
        self,
        wanted: Mapping[str, str],
        collect: Callable[[Sequence[str]], Mapping[str, Snapshot]],
        asking: Asking,
    ) -> dict[str, Observed]:
        """A snapshot of each environment in `wanted`, which maps them to the digest of what is read of them.

        `collect` reads environments side by side and keeps their snapshots. Raises what it raises, and StoreError."""
        asked = asking.clock()
        since = dict.fromkeys(wanted, asking.not_before)
        found: dict[str, Observed] = {}
        with self._claims(asking) as claims:
            while len(found) < len(wanted):
                ours: dict[str, str] = {}
                awaited: list[tuple[str, Lease]] = []
                for name in (name for name in wanted if name not in found):
                    digest = wanted[name]
                    lease = self._free_or_joinable(claims, f"collect:{name}:{digest}", digest, since[name], asking)
                    # Whoever had the lease until now may just have finished.
                    observed = self._recent(name, digest, since[name], asked, asking)
                    if observed is not None:
                        found[name] = observed
                        if isinstance(lease, str):
                            claims.release(lease)
                    elif isinstance(lease, str):
                        ours[name] = lease
                    else:
                        since[name] = min(since[name], Holder.of(lease).began)
                        awaited.append((name, lease))
                if ours:
                    found |= self._collect(claims, ours, wanted, collect, asking)
                elif awaited:
                    name, lease = awaited[0]
                    asking.waits([name], Holder.of(lease))
                    claims.wait(lease, wanted[name])
        return {name: found[name] for name in wanted}

    def audit(
        self,
        pair: tuple[str, str],
        digest: str,
        observe: Callable[[Asking], Mapping[str, Observed]],
        judge: Callable[[Mapping[str, Observed]], Audit],
        asking: Asking,
    ) -> Audit:
        """The audit of a pair: one that another run just made or makes under the same configuration, else our own.

        `observe` is given the run whose times its snapshots must meet; `judge` records an audit of them. The answer is
        never older than what was recorded last."""
        work = f"audit:{pair[0]}:{pair[1]}"
        since, observed = asking.not_before, None
        with self._claims(asking) as claims:
            while (lease := claims.claim(work, digest)) is not None:
                holder = Holder.of(lease)
                if holder.digest == digest and self._joinable(holder, since, asking):
                    since = min(since, holder.began)
                    asking.waits(pair, holder)
                elif observed is None:
                    observed = observe(asking)
                claims.wait(lease, digest)
                if observed is None and (audit := self._audited(work, digest, since, asking)) is not None:
                    return audit
            if observed is None and (audit := self._audited(work, digest, since, asking)) is not None:
                return audit
            observed = observed or observe(asking)
            if self._is_overtaken(pair, observed, asking):
                if (audit := self._audited(work, digest, asking.not_before, asking)) is not None:
                    return audit
                # Somebody judged newer snapshots under another configuration: ours have to be as new.
                observed = observe(replace(asking, not_before=asking.clock()))
            audit = judge(observed)
            self._remember(work, _Done(claims.began(work), digest, audit.id), asking)
            return audit

    def _claims(self, asking: Asking) -> Claims:
        return Claims(asking.store, self.timing, self.watch, asking.clock, asking.cancel)

    def _free_or_joinable(self, claims: Claims, work: str, digest: str, since: datetime, asking: Asking) -> str | Lease:
        """The name of a lease that is ours now, or the lease of a run that may be joined.

        A collection that began too long ago goes on beside ours, under a name of its own."""
        name, number = work, 1
        while (lease := claims.claim(name, digest)) is not None:
            if self._joinable(Holder.of(lease), since, asking):
                return lease
            number += 1
            name = f"{work}#{number}"
        return name

    def _joinable(self, holder: Holder, since: datetime, asking: Asking) -> bool:
        now = asking.clock()
        # One that began in the future began by another clock, or before ours was set back: nobody knows when.
        return min(since, now - self.timing.joinable) <= holder.began <= now + self.timing.joinable

    def _collect(
        self,
        claims: Claims,
        ours: Mapping[str, str],
        wanted: Mapping[str, str],
        collect: Callable[[Sequence[str]], Mapping[str, Snapshot]],
        asking: Asking,
    ) -> dict[str, Observed]:
        taken = collect(list(ours))
        for name, lease in ours.items():
            done = _Done(taken[name].taken_at, wanted[name], taken[name].id)
            self._remember(f"collect:{name}", done, asking)
            claims.release(lease)
        return {name: Observed(taken[name]) for name in ours}

    def _recent(
        self, environment: str, digest: str, since: datetime, asked: datetime, asking: Asking
    ) -> Observed | None:
        done = self._done(f"collect:{environment}", digest, since, asking)
        if done is None:
            return None
        try:
            snapshot = asking.store.load_snapshot(done.result)
        except NotFoundError:  # it was pruned
            return None
        return Observed(snapshot, shared=True, early=max(timedelta(0), asked - done.began))

    def _audited(self, work: str, digest: str, since: datetime, asking: Asking) -> Audit | None:
        done = self._done(work, digest, since, asking)
        if done is None:
            return None
        try:
            audit = asking.store.audit(done.result)
        except NotFoundError:
            return None
        return replace(
            audit, notes=(*audit.notes, f"this is the audit of another run, begun at {done.began:%H:%M:%S}Z")
        )

    def _done(self, work: str, digest: str, since: datetime, asking: Asking) -> _Done | None:
        done = _Done.of(asking.store.recall(work))
        # What began in the future began before the clock was set back.
        usable = done is not None and done.digest == digest and since <= done.began <= asking.clock()
        return done if usable else None

    def _remember(self, work: str, done: _Done, asking: Asking) -> None:
        before = _Done.of(asking.store.recall(work))
        # Who was thought to be dead may come back late with older work. One from the future has no say.
        if before is None or before.began <= done.began or before.began > asking.clock():
            asking.store.remember(work, done.json())

    def _is_overtaken(self, pair: tuple[str, str], observed: Mapping[str, Observed], asking: Asking) -> bool:
        """Whether the last audit of the pair was of newer snapshots."""
        last = next(iter(asking.store.audits(*pair, limit=1)), None)
        if last is None:
            return False
        now = asking.clock()
        order = [
            _order(asking.store, observed[name].snapshot, theirs, now)
            for name, theirs in zip(pair, (last.left_snapshot, last.right_snapshot), strict=True)
        ]
        return min(order) >= 0 and max(order) > 0


def remembered_audit(store: Store, pair: tuple[str, str]) -> tuple[str, str] | None:
    """The digest of what the pair's last audit was made with, and its id; None where none is remembered."""
    done = _Done.of(store.recall(f"audit:{pair[0]}:{pair[1]}"))
    return (done.digest, done.result) if done is not None else None


def _order(store: Store, ours: Snapshot, theirs: str, now: datetime) -> int:
    """1 where the other snapshot is newer than ours, 0 where it is the same, else -1.

    It is newer where it was recorded after ours, whatever the clocks said when each was taken; or else where it was taken
    after ours, by a clock that agrees with ours: then it was the faster of two that ran side by side."""
    if theirs == ours.id:
        return 0
    if any(info.id == theirs for info in store.snapshots(ours.environment, after=ours.id)):
        return 1
    later = store.snapshots(ours.environment, since=ours.taken_at)
    return 1 if any(info.id == theirs and ours.taken_at < info.taken_at <= now for info in later) else -1
