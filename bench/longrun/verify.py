"""What must hold after a long run, whatever failed in it. Each check gives the sentences that are not true."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from auditor.codec import decode
from auditor.model import Status
from auditor.notices import Delivery, Happening, News, NoticeKind
from auditor.store import Store

if TYPE_CHECKING:
    from auditor.life import Event
    from bench.longrun.daemons import Daemon
    from bench.longrun.world import World
    from tests.standins.slack_workspace import Workspace

PAIR = ("staging", "prod")
FLAPS = 3
_CALM_SECONDS = 12.0
_OPEN = (Status.OPEN, Status.REGRESSED)
# What an event in a finding's life is told as; a `None` before means: it was not there.
_TOLD = {
    (None, Status.OPEN): Happening.NEW,
    (Status.PENDING, Status.OPEN): Happening.NEW,
    (Status.RESOLVED, Status.REGRESSED): Happening.REGRESSED,
    (Status.OPEN, Status.RESOLVED): Happening.RESOLVED,
    (Status.REGRESSED, Status.RESOLVED): Happening.RESOLVED,
}


def findings_are_what_drifts(store: Store, world: World) -> Iterator[str]:
    """Once all is quiet, every place that differs is one open finding, and nothing else is."""
    found = Counter(
        (item.breach.kind, item.breach.path[0] if item.breach.kind == "env.file" else item.breach.identity)
        for item in store.findings(*PAIR, status=_OPEN)
    )
    truth = world.drifting()
    yield from (f"{place} drifts and is no open finding" for place in sorted(truth - found.keys()))
    yield from (f"{place} is an open finding and does not drift" for place in sorted(found.keys() - truth))
    yield from (f"{place} is {count} findings" for place, count in sorted(found.items()) if count > 1)


def lives_are_whole(store: Store) -> Iterator[str]:
    """Each finding's events lead from one to the next, and the last one to what it is now."""
    for finding in store.findings(*PAIR):
        events = store.events(finding.fingerprint)
        before: Status | None = None
        for event in events:
            if event.from_status is not before:
                yield f"{finding.fingerprint}: an event starts from {event.from_status}, but it was {before}"
            before = event.to_status
        if before is not finding.status:
            yield f"{finding.fingerprint} is {finding.status}, but its events end with {before}"


def changes_have_a_cause(store: Store) -> Iterator[str]:
    """Every event belongs to an audit that is recorded, and no audit tells one finding's change twice."""
    audits = {info.id for info in store.audits(*PAIR)}
    seen: Counter[tuple[str, str | None]] = Counter()
    for finding in store.findings(*PAIR):
        for event in store.events(finding.fingerprint):
            seen[event.fingerprint, event.audit_id] += 1
            if event.audit_id not in audits:
                yield f"{event.fingerprint}: an event of the audit {event.audit_id}, which is not recorded"
    yield from (f"{key[0]} changed {count} times in the audit {key[1]}" for key, count in seen.items() if count > 1)


def everything_was_told_once(store: Store, workspace: Workspace) -> Iterator[str]:
    """Each change is in exactly one notice, each notice was delivered, and Slack has exactly one message of it."""
    queued = store.notices()
    yield from (
        f"notice {item.sequence} ({item.notice.kind}) of {item.notice.created_at:%H:%M:%S} is {item.state} after "
        f"{item.attempts} attempts, due {item.next_at or item.notice.not_before}: {item.error}"
        for item in queued
        if item.state is not Delivery.DELIVERED
    )
    told: Counter[tuple[str, Happening]] = Counter()
    for item in queued:
        if item.notice.kind is NoticeKind.DIGEST:
            continue
        for change in decode(News, item.notice.body).changes:
            told[change.finding.fingerprint, change.happening] += 1
    happened: Counter[tuple[str, Happening]] = Counter(
        (event.fingerprint, happening)
        for finding in store.findings(*PAIR)
        for event in store.events(finding.fingerprint)
        if (happening := _TOLD.get((event.from_status, event.to_status))) is not None
    )
    for key in sorted(happened.keys() | told.keys()):
        if happened[key[0], Happening.REGRESSED] >= FLAPS and told[key] <= happened[key]:
            # What comes and goes too often is told as flapping, and then no more.
            continue
        if told[key] != happened[key]:
            yield f"{key[0]} was {key[1]} {happened[key]} times, and told so {told[key]} times"
    messages = Counter(
        str(message["metadata"]["event_payload"]["id"]) for message in workspace.messages() if message.get("metadata")
    )
    delivered = {item.notice.id for item in queued if item.state is Delivery.DELIVERED}
    yield from (
        f"notice {one} is delivered, but Slack has no message of it" for one in sorted(delivered - messages.keys())
    )
    yield from (f"Slack has {count} messages of notice {one}" for one, count in messages.items() if count > 1)
    yield from (
        f"Slack has a message of {one}, which is no notice"
        for one in sorted(messages.keys() - {i.notice.id for i in queued})
    )
    yield from workspace.problems


def daemons_are_healthy(daemons: Sequence[Daemon], codes: Iterable[int]) -> Iterator[str]:
    """Asked to stop, they stopped; nothing was written that is not a log line; no line tells of a defect."""
    yield from (f"a daemon that was asked to stop ended with {code}" for code in codes if code != 0)
    for daemon in daemons:
        yield from (f"{daemon.name} wrote: {line}" for line in daemon.noise[:5])
        defects = [line for line in daemon.lines if "exception" in line]
        yield from (f"{daemon.name} logged a defect: {line}" for line in defects[:3])


def memory_is_flat(daemon: Daemon, allowed: float = 0.10) -> Iterator[str]:
    """In its longest life, the last third holds at most a tenth more than the third before it, and no more threads."""
    life = max(daemon.lives, key=lambda one: len(one.memory))
    third = len(life.memory) // 3
    if third < 10:
        return
    before, after = (
        sorted(size for _, size in part)[third // 2] for part in (life.memory[third : 2 * third], life.memory[-third:])
    )
    if after > before * (1 + allowed):
        yield f"{daemon.name} holds {after / 2**20:.0f} MiB, after {before / 2**20:.0f} MiB before"
    most = [max(count for _, count in part) for part in (life.threads[third : 2 * third], life.threads[-third:])]
    if most[1] > most[0] + 2:
        yield f"{daemon.name} has up to {most[1]} threads, after {most[0]} before"


def settle(url: str, world: World, seconds: float) -> float:
    """Wait until the service has seen the world as it now is and has told all of it, for a while. How long that took."""
    began = time.monotonic()
    waiting = threading.Event()
    calm_since: float | None = None
    while time.monotonic() < began + seconds:
        with Store.open(url) as store:
            pending = any(item.state is Delivery.PENDING for item in store.notices())
            last = next(iter(store.audits(*PAIR, limit=1)), None)
            sees = last is not None and last.complete and not [*findings_are_what_drifts(store, world)]
            calm = sees and not pending
        if not calm:
            calm_since = None
        elif calm_since is None:
            calm_since = time.monotonic()
        elif time.monotonic() - calm_since > _CALM_SECONDS:
            break
        waiting.wait(1.0)
    return time.monotonic() - began


def by_happening(store: Store) -> dict[str, int]:
    """How often what happened, for the report."""
    counted: dict[str, int] = defaultdict(int)
    for finding in store.findings(*PAIR):
        for event in store.events(finding.fingerprint):
            counted[_label(event)] += 1
    return dict(sorted(counted.items()))


def _label(event: Event) -> str:
    return f"{event.from_status or 'nothing'} -> {event.to_status}"
