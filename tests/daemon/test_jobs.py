"""Jobs: due once, made up for once, on one copy only, whatever the clock on the wall does; and stopped in time."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from structlog.testing import capture_logs

from auditor.collect import CollectCancelled
from auditor.config import Config, load_config
from auditor.daemon.jobs import Jobs
from auditor.errors import StoreError
from auditor.meters import Unmetered
from auditor.registry import Registry
from auditor.store import Store
from tests.daemon.waiting import eventually
from tests.store import samples

if TYPE_CHECKING:
    from collections.abc import Callable

REGISTRY = Registry.load()
TEN = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
AUDIT = "audit:staging:prod"


class Clock:
    """A clock on the wall that runs on from where a test sets it."""

    def __init__(self) -> None:
        self._offset = timedelta(0)
        self.set(TEN)

    def set(self, to: datetime) -> None:
        self._offset = to - datetime.now(UTC)

    def step(self, by: timedelta) -> None:
        self._offset += by

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._offset


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """APScheduler takes no clock; this is the name by which it asks for the time."""
    made = Clock()

    class Stepped(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return made().astimezone(tz)  # type: ignore[arg-type]

    monkeypatch.setattr("apscheduler.schedulers.base.datetime", Stepped)
    return made


@dataclass
class Work:
    """Keeps what it is asked for and when; a job named in `held` waits until it may end."""

    clock: Clock
    store: Store
    done: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=lambda: defaultdict(list))
    begun: list[str] = field(default_factory=list)
    held: dict[str, threading.Event] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)

    def audit(self, left: str, right: str, not_before: datetime, cancel: threading.Event) -> None:
        self._work(f"audit:{left}:{right}", not_before, cancel)

    def snapshot(self, environment: str, not_before: datetime, cancel: threading.Event) -> None:
        self._work(f"snapshot:{environment}", not_before, cancel)

    def digest(self, publisher: str, now: datetime) -> None:
        self._work(f"digest:{publisher}", now, threading.Event())

    def _work(self, job: str, not_before: datetime, cancel: threading.Event) -> None:
        began = self.clock()
        self.begun.append(job)
        if job in self.errors:
            raise self.errors[job]
        if job in self.held:
            eventually(lambda: self.held[job].is_set() or cancel.is_set(), 20)
            if cancel.is_set():
                raise CollectCancelled
        self.done[job].append((began, not_before))

    def times(self, job: str = AUDIT) -> int:
        return len(self.done[job])


@dataclass
class Counted(Unmetered):
    """Counts what was missed, and keeps what is told of next runs."""

    runs: list[int] = field(default_factory=list)
    at: dict[tuple[str, str], datetime | None] = field(default_factory=dict)

    def missed(self, left: str, right: str, runs: int) -> None:
        self.runs.append(runs)

    def next_run(self, left: str, right: str, at: datetime | None) -> None:
        self.at[left, right] = at


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'auditor.db'}") as opened:
        yield opened


@pytest.fixture
def work(clock: Clock, store: Store) -> Work:
    return Work(clock, store)


@pytest.fixture
def meters() -> Counted:
    return Counted()


@pytest.fixture
def started(store: Store, work: Work, meters: Counted, clock: Clock) -> Iterator[Callable[..., Jobs]]:
    """Starts jobs, and stops them when the test is over."""
    all_jobs: list[Jobs] = []

    def start(config: Config, *, resume: bool = True, **options: object) -> Jobs:
        jobs = Jobs(store, work, meters=meters, clock=clock, **{"look_seconds": 0.1, **options})  # type: ignore[arg-type]
        all_jobs.append(jobs)
        jobs.start(config)
        if resume:
            jobs.resume()
        return jobs

    yield start
    for held in work.held.values():
        held.set()
    for jobs in all_jobs:
        assert jobs.stop(10)


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Config]:
    """A configuration of dev, staging and prod in which these jobs have these schedules."""

    def make(schedules: dict[str, str], **more: object) -> Config:
        written: dict[str, object] = {"environments": {}, "pairs": [], **more}
        for name in ("dev", "staging", "prod"):
            found = schedules.get(f"snapshot:{name}")
            own = {"schedule": found} if found else {}
            written["environments"][name] = {**own, "sources": [{"collector": "files", "path": name}]}  # type: ignore[index]
        for left in ("dev", "staging"):
            found = schedules.get(f"audit:{left}:prod")
            own = {"schedule": found} if found else {}
            written["pairs"].append({**own, "left": left, "right": "prod"})  # type: ignore[attr-defined]
        if "digest:slack" in schedules:
            digest = {"schedule": schedules["digest:slack"]}
            written["publish"] = {"slack": {"token": "t", "channel": "c", "digest": digest}}
        (tmp_path / "auditor.yaml").write_text(yaml.safe_dump(written))
        return load_config(tmp_path / "auditor.yaml", registry=REGISTRY, environ={})

    return make


class Rounds:
    """Counts how often the jobs looked at the clock."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1

    def wait(self, more: int = 3) -> None:
        """Until they did so that many times more: what had to happen by then has happened."""
        until = self.count + more
        eventually(lambda: self.count >= until)


def audited(store: Store, at: datetime, name: str = "before", left: str = "staging") -> None:
    """An audit of the pair that began at that time."""
    samples.run(store, f"{name}-{left}", [], at + 3 * SECOND, left=left)


def test_jobs_run_at_their_time_and_share_it(
    started: Callable[..., Jobs],
    configured: Callable[..., Config],
    work: Work,
    meters: Counted,
    clock: Clock,
    store: Store,
) -> None:
    """Two pairs and an environment are due at a quarter past: what is observed since then is fresh for all three."""
    for left in ("dev", "staging"):
        audited(store, TEN + 14 * MINUTE, left=left)
    clock.set(TEN + 14 * MINUTE + 59 * SECOND)
    quarterly = dict.fromkeys((AUDIT, "audit:dev:prod", "snapshot:prod"), "*/15 * * * *")
    jobs = started(configured(quarterly))
    assert eventually(lambda: meters.at.get(("staging", "prod"))) == TEN + 15 * MINUTE
    eventually(lambda: all(work.times(job) for job in quarterly))
    assert {not_before for job in quarterly for _, not_before in work.done[job]} == {TEN + 15 * MINUTE}
    eventually(lambda: set(jobs.next_runs().values()) == {TEN + 30 * MINUTE})
    # What is planned is metered a moment after it is planned.
    eventually(lambda: meters.at == dict.fromkeys([("staging", "prod"), ("dev", "prod")], TEN + 30 * MINUTE))
    assert (meters.runs, [work.times(job) for job in quarterly]) == ([], [1, 1, 1])


def test_what_was_missed_while_nobody_ran_is_made_up_for_once(
    started: Callable[..., Jobs],
    configured: Callable[..., Config],
    work: Work,
    meters: Counted,
    clock: Clock,
    store: Store,
) -> None:
    """Eight quarters have passed since the last audit: one run at once, eight counted, then the next quarter."""
    audited(store, TEN)
    clock.set(TEN + 2 * HOUR + 7 * MINUTE)
    jobs = started(configured({AUDIT: "*/15 * * * *"}))
    eventually(lambda: work.times() == 1)
    ((_, not_before),) = work.done[AUDIT]
    assert timedelta(0) <= not_before - (TEN + 2 * HOUR + 7 * MINUTE) < MINUTE
    assert meters.runs == [8]
    eventually(lambda: jobs.next_runs() == {AUDIT: TEN + 2 * HOUR + 15 * MINUTE})


@pytest.mark.parametrize("schedule", ["*/15 * * * *", "every 15m"])
def test_a_restart_does_nothing_again(
    schedule: str,
    started: Callable[..., Jobs],
    configured: Callable[..., Config],
    work: Work,
    meters: Counted,
    clock: Clock,
    store: Store,
) -> None:
    """The last run was on time: the next is at the next quarter, which for an interval begins with that run."""
    audited(store, TEN)
    clock.set(TEN + 7 * MINUTE)
    rounds = Rounds()
    jobs = started(configured({AUDIT: schedule}), beat=rounds)
    rounds.wait()
    assert (work.begun, meters.runs) == ([], [])
    assert jobs.next_runs() == {AUDIT: TEN + 15 * MINUTE}


def test_what_never_was_done_is_done_at_once_but_for_digests(
    started: Callable[..., Jobs],
    configured: Callable[..., Config],
    work: Work,
    meters: Counted,
    store: Store,
    clock: Clock,
) -> None:
    """A new service shows something; the first digest comes at its time, and from then on one that is missed is told."""
    plan = {AUDIT: "@daily", "snapshot:dev": "every 6h", "digest:slack": "@hourly"}
    started(configured(plan))
    eventually(lambda: work.times() and work.times("snapshot:dev"))
    assert (work.begun.count("digest:slack"), meters.runs) == (0, [])
    assert datetime.fromisoformat(str(store.recall("job:digest:slack"))) - TEN < MINUTE
    clock.set(TEN + 5 * HOUR - SECOND / 2)
    eventually(lambda: work.times("digest:slack"))
    eventually(lambda: datetime.fromisoformat(str(store.recall("job:digest:slack"))) >= TEN + 4 * HOUR)


def test_a_run_that_takes_too_long_is_followed_by_one_for_all_that_it_kept_away(
    started: Callable[..., Jobs],
    configured: Callable[..., Config],
    work: Work,
    meters: Counted,
    clock: Clock,
    store: Store,
) -> None:
    """Two quarters pass while it runs: nothing begins beside it, and one run begins when it ends."""
    audited(store, TEN)
    work.held[AUDIT] = threading.Event()
    clock.set(TEN + 15 * MINUTE - SECOND / 2)
    rounds = Rounds()
    jobs = started(configured({AUDIT: "*/15 * * * *"}), beat=rounds)
    eventually(lambda: jobs.running == (AUDIT,))
    for quarter in (30, 45):
        clock.set(TEN + quarter * MINUTE + 2 * MINUTE)
        rounds.wait()
    assert work.begun == [AUDIT]
    work.held[AUDIT].set()
    eventually(lambda: work.times() == 2)
    rounds.wait()
    assert (work.times(), meters.runs) == (2, [2])
    assert jobs.next_runs() == {AUDIT: TEN + HOUR}


class Permits(threading.Event):
    """Lets one run end for each time that it is set."""

    def is_set(self) -> bool:
        was = super().is_set()
        self.clear()
        return was


def test_a_schedule_that_is_denser_than_its_runs_is_said_once(
    started: Callable[..., Jobs],
    configured: Callable[..., Config],
    work: Work,
    meters: Counted,
    clock: Clock,
    store: Store,
) -> None:
    """Counted every time, and said at the first only."""
    audited(store, TEN)
    permits = work.held[AUDIT] = Permits()
    now = TEN + 15 * MINUTE
    with capture_logs() as lines:
        clock.set(now)
        rounds = Rounds()
        jobs = started(configured({AUDIT: "*/15 * * * *"}), beat=rounds)
        ended = 0

        def run(minutes: int) -> None:
            nonlocal now, ended
            eventually(lambda: len(work.begun) == ended + 1 and jobs.running == (AUDIT,))
            now += minutes * MINUTE
            clock.set(now + SECOND)
            rounds.wait()
            permits.set()
            ended += 1
            eventually(lambda: work.times() == ended)

        for minutes in (45, 45, 45, 0):
            run(minutes)
    assert meters.runs == [2, 2, 2]
    (line,) = [line for line in lines if line["log_level"] == "warning"]
    assert line["event"].startswith("A run takes longer than its schedule leaves it")
    assert line["schedule"] == "*/15 * * * *"


def test_only_the_leader_runs_jobs_and_a_new_one_asks_the_store_what_was_done(
    started: Callable[..., Jobs],
    configured: Callable[..., Config],
    work: Work,
    meters: Counted,
    clock: Clock,
    store: Store,
) -> None:
    """Paused over two quarters: the one that another copy has done is not done again, the other is made up for."""
    audited(store, TEN)
    audited(store, TEN, left="dev")
    clock.set(TEN + MINUTE)
    rounds = Rounds()
    jobs = started(configured(dict.fromkeys((AUDIT, "audit:dev:prod"), "*/15 * * * *")), resume=False, beat=rounds)
    clock.set(TEN + 16 * MINUTE)
    rounds.wait()
    assert work.begun == []
    audited(store, TEN + 15 * MINUTE + 10 * SECOND, "other")
    jobs.resume()
    eventually(lambda: work.times("audit:dev:prod"))
    eventually(lambda: set(jobs.next_runs().values()) == {TEN + 30 * MINUTE})
    jobs.pause()
    assert meters.at == {("staging", "prod"): None, ("dev", "prod"): None}
    clock.set(TEN + 31 * MINUTE)
    rounds.wait()
    assert work.begun == ["audit:dev:prod"]


def test_a_copy_whose_lead_ran_out_begins_nothing_until_it_has_it_again(
    started: Callable[..., Jobs], configured: Callable[..., Config], work: Work, clock: Clock, store: Store
) -> None:
    """Asked just before each run; what was due meanwhile is made up for."""
    audited(store, TEN)
    clock.set(TEN + 14 * MINUTE)
    leads, asked = [True], [0]

    def leading() -> bool:
        asked[0] += 1
        return leads[0]

    jobs = started(configured({AUDIT: "*/15 * * * *"}), leading=leading)
    eventually(lambda: jobs.next_runs()[AUDIT])
    leads[0], asked[0] = False, 0
    clock.set(TEN + 15 * MINUTE)
    until = time.monotonic() + 1
    eventually(lambda: time.monotonic() > until)
    # Ten looks a second: it is not tried over and over.
    assert (work.begun, 0 < asked[0] <= 20) == ([], True)
    leads[0] = True
    eventually(lambda: work.times() == 1)
    eventually(lambda: jobs.next_runs() == {AUDIT: TEN + 30 * MINUTE})


def test_another_configuration_leaves_alone_what_stayed_the_same(
    started: Callable[..., Jobs],
    configured: Callable[..., Config],
    work: Work,
    meters: Counted,
    clock: Clock,
    store: Store,
) -> None:
    """Jobs come, go and change; one that runs goes on, though it is gone from the configuration."""
    audited(store, TEN)
    audited(store, TEN, left="dev")
    clock.set(TEN + MINUTE)
    work.held["snapshot:dev"] = threading.Event()
    jobs = started(configured({AUDIT: "every 20m", "audit:dev:prod": "@hourly", "snapshot:dev": "* * * * *"}))
    eventually(lambda: jobs.running == ("snapshot:dev",))
    kept = jobs.next_runs()[AUDIT]
    assert kept == TEN + 20 * MINUTE
    jobs.replace(configured({AUDIT: "every 20m", "audit:dev:prod": "30 * * * *", "snapshot:prod": "every 50s"}))
    eventually(lambda: work.times("snapshot:prod"))
    eventually(lambda: jobs.next_runs()["audit:dev:prod"])
    following = jobs.next_runs()
    assert following.pop("snapshot:prod") == work.done["snapshot:prod"][0][1] + 50 * SECOND
    assert following == {AUDIT: kept, "audit:dev:prod": TEN + 30 * MINUTE}
    assert jobs.running == ("snapshot:dev",)
    work.held["snapshot:dev"].set()
    eventually(lambda: work.times("snapshot:dev"))
    jobs.replace(configured({AUDIT: "every 20m"}))
    assert (jobs.next_runs(), meters.at["dev", "prod"]) == ({AUDIT: kept}, None)
    assert meters.runs == []


def test_a_job_that_fails_stops_nothing(
    started: Callable[..., Jobs],
    configured: Callable[..., Config],
    work: Work,
    clock: Clock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whatever it raises: it is logged with the job's id, and job and others run at their next time."""
    work.errors = {AUDIT: StoreError("store: gone"), "audit:dev:prod": ZeroDivisionError("a defect")}
    plan = dict.fromkeys((AUDIT, "audit:dev:prod", "snapshot:prod"), "every 1s")
    started(configured(plan))
    eventually(lambda: work.begun.count(AUDIT) > 1 and work.begun.count("audit:dev:prod") > 1)
    eventually(lambda: work.times("snapshot:prod") > 1)
    told = capsys.readouterr().out
    assert "job_id=audit:staging:prod" in told
    assert "error='store: gone'" in told
    assert "ZeroDivisionError: a defect" in told


def quarter_past(
    started: Callable[..., Jobs],
    configured: Callable[..., Config],
    work: Work,
    clock: Clock,
    store: Store,
    beat: Rounds,
) -> Jobs:
    """Jobs that have just done what was due at a quarter past ten."""
    audited(store, TEN)
    clock.set(TEN + 15 * MINUTE - SECOND / 4)
    jobs = started(configured({AUDIT: "*/15 * * * *"}), beat=beat)
    eventually(lambda: work.times() == 1)
    eventually(lambda: jobs.next_runs() == {AUDIT: TEN + 30 * MINUTE})
    return jobs


def test_a_clock_set_back_by_hours_starves_nothing(
    started: Callable[..., Jobs], configured: Callable[..., Config], work: Work, clock: Clock, store: Store
) -> None:
    """The next quarter by the new time is the next run, and each quarter after that."""
    rounds = Rounds()
    jobs = quarter_past(started, configured, work, clock, store, rounds)
    clock.step(-3 * HOUR)
    eventually(lambda: jobs.next_runs() == {AUDIT: TEN - 3 * HOUR + 30 * MINUTE})
    assert work.times() == 1
    for quarter in (30, 45):
        clock.set(TEN - 3 * HOUR + quarter * MINUTE)
        wanted = quarter // 15
        eventually(partial(lambda number: work.times() == number, wanted))
    rounds.wait()
    assert work.times() == 3


def test_a_clock_set_back_by_minutes_doubles_nothing(
    started: Callable[..., Jobs], configured: Callable[..., Config], work: Work, clock: Clock, store: Store
) -> None:
    """What was done at a quarter past ten is not done again when it is a quarter past ten again."""
    rounds = Rounds()
    jobs = quarter_past(started, configured, work, clock, store, rounds)
    clock.step(-5 * MINUTE)
    rounds.wait()
    clock.set(TEN + 15 * MINUTE)
    rounds.wait()
    assert (work.times(), jobs.next_runs()) == (1, {AUDIT: TEN + 30 * MINUTE})
    clock.set(TEN + 30 * MINUTE)
    eventually(lambda: work.times() == 2)


@pytest.mark.parametrize(("minute", "times"), [(0, 1), (30, 0)])
def test_a_restart_after_the_clock_was_set_back_goes_by_the_last_run_by_the_new_time(
    minute: int,
    times: int,
    started: Callable[..., Jobs],
    configured: Callable[..., Config],
    work: Work,
    clock: Clock,
    store: Store,
) -> None:
    """What was done by the old clock hides no quarter that was missed since, and none is done twice."""
    audited(store, TEN + HOUR, "ahead")
    audited(store, TEN + minute * MINUTE, "true")
    clock.set(TEN + 37 * MINUTE)
    rounds = Rounds()
    jobs = started(configured({AUDIT: "*/15 * * * *"}), beat=rounds)
    eventually(lambda: jobs.next_runs() == {AUDIT: TEN + 45 * MINUTE})
    rounds.wait()
    eventually(lambda: work.times() == times)
    clock.set(TEN + 45 * MINUTE)
    eventually(lambda: work.times() == times + 1)


def test_a_clock_set_forward_is_one_run_and_one_back_again_none(
    started: Callable[..., Jobs], configured: Callable[..., Config], work: Work, clock: Clock, store: Store
) -> None:
    """As after three hours of sleep: one run makes up for all; and when it was a slip, quarters go on as before."""
    rounds = Rounds()
    jobs = quarter_past(started, configured, work, clock, store, rounds)
    clock.step(3 * HOUR)
    eventually(lambda: work.times() == 2)
    rounds.wait()
    assert (work.times(), jobs.next_runs()) == (2, {AUDIT: TEN + 3 * HOUR + 30 * MINUTE})
    clock.step(-3 * HOUR)
    eventually(lambda: jobs.next_runs() == {AUDIT: TEN + 30 * MINUTE})
    assert work.times() == 2
    clock.set(TEN + 30 * MINUTE)
    eventually(lambda: work.times() == 3)


def test_a_store_that_is_away_at_first_is_asked_again(
    started: Callable[..., Jobs],
    configured: Callable[..., Config],
    work: Work,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing runs before it is known what was done; nothing is forgotten either."""
    away = threading.Event()
    asked = threading.Event()
    real = store.audits

    def audits(left: str, right: str, *, limit: int) -> object:
        asked.set()
        if not away.is_set():
            raise StoreError("store: no answer")
        return real(left, right, limit=limit)

    monkeypatch.setattr(store, "audits", audits)
    started(configured({AUDIT: "@daily"}))
    assert asked.wait(60)
    assert work.begun == []
    away.set()
    eventually(lambda: work.times() == 1)


def test_a_stop_waits_for_what_is_running_and_begins_nothing(
    started: Callable[..., Jobs], configured: Callable[..., Config], work: Work, clock: Clock
) -> None:
    """What ends in time ends by itself."""
    work.held[AUDIT] = threading.Event()
    jobs = started(configured({AUDIT: "@daily", "snapshot:dev": "every 1s"}))
    eventually(lambda: jobs.running == (AUDIT,))
    ended: list[bool] = []
    stopping = threading.Thread(target=lambda: ended.append(jobs.stop(20)))
    stopping.start()
    eventually(lambda: not jobs._scheduler.running or jobs._stopping)
    begun = len(work.begun)
    clock.step(HOUR)
    work.held[AUDIT].set()
    stopping.join(10)
    assert (ended, work.times(), len(work.begun)) == ([True], 1, begun)


def test_a_stop_breaks_off_what_is_still_running_at_its_deadline(
    started: Callable[..., Jobs], configured: Callable[..., Config], work: Work
) -> None:
    """It is told to end, and leaves no thread behind."""
    before = set(threading.enumerate())
    work.held[AUDIT] = threading.Event()
    jobs = started(configured({AUDIT: "@daily"}))
    eventually(lambda: jobs.running == (AUDIT,))
    began = time.monotonic()
    assert jobs.stop(0.2) is True
    assert time.monotonic() - began < 15
    assert (work.times(), jobs.running) == (0, ())
    eventually(lambda: set(threading.enumerate()) <= before)
