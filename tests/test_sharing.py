"""Runs share what they observe and audit, among threads and processes, and none waits for a dead one or for ever."""

from __future__ import annotations

import itertools
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditor.collect import CollectCancelled
from auditor.leases import Holder
from auditor.life import live
from auditor.model import Audit, Snapshot
from auditor.sharing import Asking, Observed, Sharing
from auditor.store import Store, schema
from tests.daemon.waiting import eventually
from tests.prefork import begin
from tests.sharing_worker import DIGEST, FAST
from tests.store import samples

_NUMBERS = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store of either kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_store_url"))
    made = f"sqlite:///{tmp_path / 'auditor.db'}"
    schema.upgrade(made)
    return made


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store.open(url) as opened:
        yield opened


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'alone.db'}") as opened:
        yield opened


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Reading:
    """Reads environments: says when it begins, and waits until it may end."""

    store: Store
    clock: Callable[[], datetime] = now
    error: Exception | None = None
    began: threading.Event = field(default_factory=threading.Event)
    may_end: threading.Event = field(default_factory=threading.Event)
    read: Counter[str] = field(default_factory=Counter)

    def __call__(self, names: Sequence[str]) -> Mapping[str, Snapshot]:
        self.read.update(names)
        key = f"{next(_NUMBERS):04}"
        taken = {name: samples.snapshot(f"{key}-{name}", name, self.clock()) for name in names}
        self.began.set()
        assert self.may_end.wait(60)
        if self.error:
            raise self.error
        for snapshot in taken.values():
            self.store.save_snapshot(snapshot)
        return taken


def quick(store: Store, clock: Callable[[], datetime] = now) -> Reading:
    reading = Reading(store, clock)
    reading.may_end.set()
    return reading


def asking(
    store: Store, not_before: datetime | None = None, clock: Callable[[], datetime] = now, **more: object
) -> Asking:
    return replace(Asking(store, clock, not_before or clock(), threading.Event()), **more)  # type: ignore[arg-type]


def of(*names: str, digest: str = DIGEST) -> dict[str, str]:
    return dict.fromkeys(names, digest)


def leases(store: Store, *environments: str) -> list[str]:
    names = [f"collect:{name}:{DIGEST}" for name in environments]
    return [name for name in names if store.lease(name)]


def test_two_runs_read_what_both_want_once(store: Store, threads: ThreadPoolExecutor) -> None:
    """Staging is in both: the second waits for it, reads what is its own meanwhile, and says so."""
    first, second = Reading(store), quick(store)
    sharing = Sharing.timed(FAST)
    one = threads.submit(sharing.observe, of("staging", "prod"), first, asking(store))
    assert first.began.wait(60)
    two = threads.submit(sharing.observe, of("dev", "staging"), second, asking(store))
    eventually(lambda: store.recall("collect:dev"))
    assert not two.done()
    first.may_end.set()
    assert two.result(60)["staging"].snapshot == one.result(60)["staging"].snapshot
    assert (first.read, second.read) == (Counter(staging=1, prod=1), Counter(dev=1))
    assert [one.result()[name].note for name in ("staging", "prod")] == [None, None]
    taken_at = one.result()["staging"].snapshot.taken_at
    assert two.result()["staging"].note == f"another run observed staging at {taken_at:%H:%M:%S}Z"
    assert list(two.result()) == ["dev", "staging"]
    assert leases(store, "staging", "prod", "dev") == []


def test_what_was_observed_since_the_time_asked_for_is_used_as_it_is(store: Store) -> None:
    """Three pairs that are due at ten read staging once, however long after ten the last one begins."""
    sharing, reading = Sharing.timed(FAST), quick(store)
    due = now()
    first = sharing.observe(of("staging", "prod"), reading, asking(store, due))
    again = sharing.observe(of("staging", "dev"), reading, asking(store, due))
    assert again["staging"] == Observed(first["staging"].snapshot, shared=True, early=again["staging"].early)
    assert reading.read == Counter(staging=1, prod=1, dev=1)
    sharing.observe(of("staging"), reading, asking(store))
    assert reading.read["staging"] == 2


def test_nothing_is_held_while_waiting(store: Store, threads: ThreadPoolExecutor) -> None:
    """Staging was found, production is waited for: nobody else has to wait for staging meanwhile."""
    sharing, slow, quickly, due = Sharing.timed(FAST), Reading(store), quick(store), now()
    sharing.observe(of("staging"), quickly, asking(store, due))
    one = threads.submit(sharing.observe, of("prod"), slow, asking(store))
    assert slow.began.wait(60)
    waits = threading.Event()
    given = asking(store, due, waits=lambda _names, _holder: waits.set())
    two = threads.submit(sharing.observe, of("staging", "prod"), quickly, given)
    assert waits.wait(60)
    assert leases(store, "staging", "prod") == [f"collect:prod:{DIGEST}"]
    slow.may_end.set()
    assert two.result(60)["prod"].snapshot == one.result(60)["prod"].snapshot
    assert quickly.read == Counter(staging=1)


def test_a_note_says_how_much_earlier_the_other_run_began(sqlite: Store) -> None:
    """The reader of a report knows what it is about."""
    start = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    sharing, times = Sharing.timed(FAST), [start]
    reading = quick(sqlite, lambda: times[0])
    sharing.observe(of("staging"), reading, asking(sqlite, clock=reading.clock))
    times[0] += timedelta(seconds=5)
    observed = sharing.observe(of("staging"), reading, asking(sqlite, start, reading.clock))
    assert observed["staging"].note == "another run observed staging at 10:00:00Z, 5 s before this one asked"


@dataclass
class Clock:
    """A clock on the wall that a test sets."""

    time: datetime = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.mark.parametrize(("seconds", "read"), [(60, 1), (61, 2), (-60, 1), (-61, 2)])
def test_only_what_began_within_a_minute_is_joined(
    seconds: int, read: int, sqlite: Store, threads: ThreadPoolExecutor
) -> None:
    """What a run reads may be a minute old, no more. One that began long ago, or in a future, goes on beside ours."""
    clock = Clock()
    slow, own = Reading(sqlite, clock), quick(sqlite, clock)
    sharing = Sharing.timed(FAST)
    one = threads.submit(sharing.observe, of("staging"), slow, asking(sqlite, clock=clock))
    assert slow.began.wait(60)
    clock.time += timedelta(seconds=seconds)
    waits = threading.Event()
    later = asking(sqlite, clock=clock, waits=lambda *_: waits.set())
    two = threads.submit(sharing.observe, of("staging"), own, later)
    if read == 2:
        assert two.result(60)["staging"].shared is False
        assert not one.done()
    else:
        assert waits.wait(60)
    # Back to the time of both, so that neither is of the future.
    clock.time = max(clock.time, datetime(2026, 11, 22, 10, 0, tzinfo=UTC))
    slow.may_end.set()
    assert one.result(60)["staging"].shared is False
    assert two.result(60)["staging"].shared is (read == 1)
    assert (slow.read + own.read)["staging"] == read
    assert leases(sqlite, "staging") == []


def test_a_snapshot_from_before_the_clock_was_set_back_is_not_fresh(sqlite: Store) -> None:
    """After a step back by three hours, what is in the store seems to be of the future; nobody takes it for new."""
    clock = Clock()
    sharing, reading = Sharing.timed(FAST), quick(sqlite, clock)
    sharing.observe(of("staging"), reading, asking(sqlite, clock=clock))
    clock.time -= timedelta(hours=3)
    sharing.observe(of("staging"), reading, asking(sqlite, clock=clock))
    assert reading.read["staging"] == 2
    again = sharing.observe(of("staging"), reading, asking(sqlite, clock=clock))
    assert (reading.read["staging"], again["staging"].snapshot.taken_at) == (2, clock.time)


def test_another_configuration_reads_for_itself(store: Store, threads: ThreadPoolExecutor) -> None:
    """One environment, other sources: neither what runs nor what is stored is shared."""
    sharing, slow, own = Sharing.timed(FAST), Reading(store), quick(store)
    one = threads.submit(sharing.observe, of("staging"), slow, asking(store))
    assert slow.began.wait(60)
    before = now()
    assert sharing.observe(of("staging", digest="d2"), own, asking(store))["staging"].shared is False
    slow.may_end.set()
    one.result(60)
    sharing.observe(of("staging", digest="d3"), own, asking(store, before))
    assert own.read["staging"] == 2


def test_who_waits_takes_over_from_one_that_fails(store: Store, threads: ThreadPoolExecutor) -> None:
    """The failure is the first run's own; the second reads for itself."""
    first, second = Reading(store, error=RuntimeError("no")), quick(store)
    sharing = Sharing.timed(FAST)
    one = threads.submit(sharing.observe, of("staging"), first, asking(store))
    assert first.began.wait(60)
    two = threads.submit(sharing.observe, of("staging"), second, asking(store))
    first.may_end.set()
    with pytest.raises(RuntimeError):
        one.result(60)
    assert two.result(60)["staging"].shared is False
    assert leases(store, "staging") == []


def test_who_waits_can_be_stopped(store: Store, threads: ThreadPoolExecutor) -> None:
    """At once, and it leaves no lease of its own."""
    first, second = Reading(store), quick(store)
    sharing, cancel, waits = Sharing.timed(FAST), threading.Event(), threading.Event()
    one = threads.submit(sharing.observe, of("staging"), first, asking(store))
    assert first.began.wait(60)
    stopped = asking(store, cancel=cancel, waits=lambda _names, _holder: waits.set())
    two = threads.submit(sharing.observe, of("dev", "staging"), second, stopped)
    assert waits.wait(60)
    cancel.set()
    with pytest.raises(CollectCancelled):
        two.result(2)
    assert leases(store, "staging", "dev") == [f"collect:staging:{DIGEST}"]
    first.may_end.set()
    one.result(60)


def test_many_runs_over_many_environments_end_and_read_each_once(store: Store, threads: ThreadPoolExecutor) -> None:
    """Each wants several in an order of its own, all at once: none waits in a circle."""
    names = ["dev", "test", "staging", "prod", "prod-eu", "prod-us"]
    chance = random.Random(7)
    # Nobody dies here, however long a busy machine lets somebody wait for a turn.
    sharing, reading = Sharing.timed(replace(FAST, dead=timedelta(minutes=5))), quick(store)
    due = now()
    runs = [
        threads.submit(sharing.observe, of(*chance.sample(names, 4)), reading, asking(store, due)) for _ in range(12)
    ]
    found: dict[str, set[str]] = {}
    for run in runs:
        for name, observed in run.result(30).items():
            found.setdefault(name, set()).add(observed.snapshot.id)
    assert {name: len(ids) for name, ids in found.items()} == dict.fromkeys(names, 1)
    assert reading.read == Counter(names)


Started = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(url: str) -> Iterator[Started]:
    processes: list[subprocess.Popen[str]] = []

    def started(run: str, environment: str = "staging") -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        processes.append(begin("tests.sharing_worker", url, run, environment, text=True, stdin=pipe, stdout=pipe))
        return processes[-1]

    yield started
    for process in processes:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def waiting(
    store: Store, threads: ThreadPoolExecutor, reading: Reading, sharing: Sharing
) -> Future[dict[str, Observed]]:
    """A run of this process that waits for another one."""
    waits = threading.Event()
    run = threads.submit(
        sharing.observe, of("staging"), reading, asking(store, waits=lambda _names, _holder: waits.set())
    )
    assert waits.wait(60)
    return run


def test_a_run_joins_one_of_another_process(store: Store, threads: ThreadPoolExecutor, start: Started) -> None:
    """However long that one takes beyond the time in which a silent one counts as dead: it shows that it lives."""
    process, reading = start("other"), quick(store)
    assert said(process) == "collecting"
    run = waiting(store, threads, reading, Sharing.timed(FAST))
    lease = store.lease(f"collect:staging:{DIGEST}")
    assert lease is not None
    longer = int(FAST.dead / FAST.beat * 2)
    eventually(lambda: (later := store.lease(lease.name)) and later.beat >= lease.beat + longer)
    assert not run.done()
    go(process)
    assert run.result(60)["staging"].snapshot.id == said(process) == "other-staging"
    assert reading.read == Counter()


def test_another_process_joins_a_run_of_this_one(store: Store, threads: ThreadPoolExecutor, start: Started) -> None:
    """The other way round."""
    reading = Reading(store)
    run = threads.submit(Sharing.timed(FAST).observe, of("staging"), reading, asking(store))
    assert reading.began.wait(60)
    process = start("other")
    reading.may_end.set()
    mine = run.result(60)["staging"].snapshot.id
    answer = said(process)
    if answer == "collecting":  # it was started after ours had ended
        go(process)
        answer = said(process)
    assert answer in (f"shared {mine}", "other-staging")


def test_a_killed_run_is_taken_over_within_the_stated_time(
    store: Store, threads: ThreadPoolExecutor, start: Started
) -> None:
    """Its lease stays behind; who waits for it reads for itself once it gave no sign of life for long enough."""
    process, reading = start("killed"), quick(store)
    assert said(process) == "collecting"
    run = waiting(store, threads, reading, Sharing.timed(FAST))
    process.kill()
    process.wait()
    killed = time.monotonic()
    assert run.result(60)["staging"].shared is False
    took = time.monotonic() - killed
    # The beat moved last before the kill, and is looked at every few hundredths of a second; the rest is a slow machine.
    assert FAST.dead.total_seconds() - 0.3 <= took <= FAST.dead.total_seconds() + 20
    assert leases(store, "staging") == []


def test_a_dead_lease_that_nobody_waits_for_is_cleared_away_later(sqlite: Store) -> None:
    """A run too old to be joined is not waited for; the process remembers how it looked, and takes it the next time."""
    clock, seconds = Clock(), [0.0]
    name = f"collect:staging:{DIGEST}"
    sqlite.acquire_lease(name, str(Holder(clock.time - timedelta(hours=1), DIGEST, "dead")))
    sharing, reading = Sharing.timed(FAST, lambda: seconds[0]), quick(sqlite, clock)
    sharing.observe(of("staging"), reading, asking(sqlite, clock=clock))
    assert leases(sqlite, "staging") == [name]
    seconds[0] += FAST.dead.total_seconds()
    clock.time += timedelta(minutes=5)
    sharing.observe(of("staging"), reading, asking(sqlite, clock=clock))
    assert (reading.read["staging"], leases(sqlite, "staging")) == (2, [])


PAIR = ("staging", "prod")


@dataclass
class Judging:
    """Records an audit of what was observed: says when it begins, and waits until it may end."""

    store: Store
    clock: Callable[[], datetime] = now
    began: threading.Event = field(default_factory=threading.Event)
    may_end: threading.Event = field(default_factory=threading.Event)
    audits: list[Audit] = field(default_factory=list)
    busy: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, observed: Mapping[str, Observed]) -> Audit:
        assert self.busy.acquire(blocking=False), "two audits of one pair at once"
        self.began.set()
        assert self.may_end.wait(60)
        life = live(self.store.previous(*PAIR), [], lambda _: True, self.clock(), f"a{len(self.audits)}")
        made = samples.audit(f"a{len(self.audits)}", life, self.clock())
        left, right = (observed[name].snapshot.id for name in PAIR)
        self.store.record_audit(made, (left, right), life)
        self.audits.append(made)
        self.busy.release()
        return made


def run_audit(sharing: Sharing, reading: Reading, judging: Judging, ask: Asking, digest: str = "c1") -> Audit:
    wanted = of(*PAIR)
    return sharing.audit(PAIR, digest, lambda given: sharing.observe(wanted, reading, given), judging, ask)


def test_a_run_that_finds_its_pair_being_audited_answers_that_audit(store: Store, threads: ThreadPoolExecutor) -> None:
    """One audit for both, and a note that says whose it is."""
    sharing, reading, judging = Sharing.timed(FAST), quick(store), Judging(store)
    one = threads.submit(run_audit, sharing, reading, judging, asking(store))
    assert judging.began.wait(60)
    waits = threading.Event()
    two = threads.submit(run_audit, sharing, reading, judging, asking(store, waits=lambda _names, _holder: waits.set()))
    assert waits.wait(60)
    judging.may_end.set()
    assert two.result(60).id == one.result(60).id == "a0"
    assert two.result().notes[:-1] == one.result().notes
    assert two.result().notes[-1].startswith("this is the audit of another run, begun at ")
    assert len(store.audits()) == 1
    assert reading.read == Counter(PAIR)


def test_another_policy_audits_for_itself_but_not_at_the_same_time(store: Store, threads: ThreadPoolExecutor) -> None:
    """It observes meanwhile, waits for the first to be recorded, and its snapshots are never the older ones."""
    sharing, reading, judging = Sharing.timed(FAST), quick(store), Judging(store)
    one = threads.submit(run_audit, sharing, reading, judging, asking(store))
    assert judging.began.wait(60)
    two = threads.submit(run_audit, sharing, reading, judging, asking(store), "c2")
    eventually(lambda: reading.read["prod"] == 2)
    judging.may_end.set()
    assert [one.result(60).id, two.result(60).id] == ["a0", "a1"]
    newest, oldest = store.audits()
    assert newest.left_snapshot > oldest.left_snapshot


@pytest.mark.parametrize(("digest", "answer", "read"), [("c1", "a0", 2), ("c2", "a1", 3)])
def test_no_audit_is_recorded_over_one_of_newer_snapshots(digest: str, answer: str, read: int, sqlite: Store) -> None:
    """Who comes too late answers the newer audit; under another policy it looks again, and then is the newer one."""
    sharing, reading, judging = Sharing.timed(FAST), quick(sqlite), Judging(sqlite)
    judging.may_end.set()
    ask = asking(sqlite)

    def late(given: Asking) -> Mapping[str, Observed]:
        observed = sharing.observe(of(*PAIR), reading, given)
        if not judging.audits:
            # Meanwhile another run, which did not have to wait for ours, was faster.
            sqlite.release_lease("audit:staging:prod", sqlite.lease("audit:staging:prod").holder)  # type: ignore[union-attr]
            run_audit(sharing, reading, judging, asking(sqlite))
        return observed

    audit = sharing.audit(PAIR, digest, late, judging, ask)
    assert (audit.id, reading.read["staging"], len(sqlite.audits())) == (answer, read, len(judging.audits))
    infos = sqlite.audits()
    assert [info.left_snapshot for info in infos] == sorted((info.left_snapshot for info in infos), reverse=True)


def test_an_audit_from_before_the_clock_was_set_back_does_not_silence_those_after(sqlite: Store) -> None:
    """Its snapshots seem newer than any for three hours; each run is recorded all the same."""
    clock = Clock()
    sharing, reading, judging = Sharing.timed(FAST), quick(sqlite, clock), Judging(sqlite, clock)
    judging.may_end.set()
    run_audit(sharing, reading, judging, asking(sqlite, clock=clock))
    clock.time -= timedelta(hours=3)
    for _ in range(2):
        clock.time += timedelta(minutes=15)
        run_audit(sharing, reading, judging, asking(sqlite, clock=clock))
    assert [audit.id for audit in judging.audits] == ["a0", "a1", "a2"]


def test_no_audit_is_recorded_over_one_that_was_made_after_the_clock_was_set_back(store: Store) -> None:
    """Its snapshots look an hour older than ours, and were taken later: who hung for so long looks again."""
    clock = Clock()
    sharing, reading, judging = Sharing.timed(FAST), quick(store, clock), Judging(store, clock)
    judging.may_end.set()

    def late(given: Asking) -> Mapping[str, Observed]:
        observed = sharing.observe(of(*PAIR), reading, given)
        if not judging.audits:
            # The clock is set back, and another run, which did not have to wait for ours, is faster.
            clock.time -= timedelta(hours=1)
            store.release_lease("audit:staging:prod", store.lease("audit:staging:prod").holder)  # type: ignore[union-attr]
            run_audit(sharing, reading, judging, asking(store, clock=clock))
            clock.time += timedelta(minutes=1)
        return observed

    sharing.audit(PAIR, "c1", late, judging, asking(store, clock=clock))
    newest, oldest = store.audits()
    assert (oldest.id, newest.id, reading.read["staging"]) == ("a0", "a1", 3)
    assert store.latest_snapshot("staging").id == newest.left_snapshot  # type: ignore[union-attr]
