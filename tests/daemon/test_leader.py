"""One copy leads, and never two. For how long none does, `bench/failover.py` measures."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from auditor.daemon.leader import TAKEOVER_SECONDS, Leader, Standing, elapsed
from auditor.errors import StoreError
from auditor.store.database import describe, parse
from auditor.store.leadership import SILENCE, VALID_FOR, Leadership, copy_name, leadership
from tests.daemon.servers import own_server
from tests.daemon.waiting import eventually
from tests.prefork import begin


def claim(url: str, name: str) -> Leadership:
    parsed = parse(url)
    return leadership(parsed, describe(parsed), name)


class Witness:
    """Looks at several leaders all the time, and remembers how many led at once."""

    def __init__(self, *leaders: Leader) -> None:
        self._leaders = leaders
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.most = 0

    def __enter__(self) -> Witness:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.002):
            self.most = max(self.most, sum(leader.is_leading() for leader in self._leaders))


@pytest.fixture
def start() -> Iterator[Callable[..., Leader]]:
    """Starts leaders, and stops them when the test is over."""
    started: list[Leader] = []

    def start_leader(url: str, name: str) -> Leader:
        leader = Leader(claim(url, name), changed=lambda _: None, beat=lambda: None)
        started.append(leader)
        leader.start()
        return leader

    yield start_leader
    for leader in started:
        leader.stop()


def end_sessions(url: str, holder: str) -> None:
    """End the sessions of a holder from outside, as an administrator would."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", [holder[:63]]
        )


def test_of_two_copies_one_leads_and_the_other_takes_over(postgres_url: str, start: Callable[..., Leader]) -> None:
    """The first that asks leads; when it stops, the other leads, and never do both."""
    first, second = start(postgres_url, "handover"), start(postgres_url, "handover")
    eventually(first.is_leading)
    eventually(lambda: second.standing == Standing(leads=False, holder=copy_name()))
    with Witness(first, second) as witness:
        first.stop()
        eventually(second.is_leading)
        assert not first.is_leading()
    assert witness.most <= 1


def test_a_session_that_is_ended_from_outside_costs_the_lead_and_never_gives_two(
    postgres_url: str, start: Callable[..., Leader]
) -> None:
    """Whoever gets the lock waits until the one before must have noticed, twice in a row."""
    first, second = start(postgres_url, "ended"), start(postgres_url, "ended")
    eventually(lambda: first.is_leading() or second.is_leading())
    with Witness(first, second) as witness:
        for _ in range(2):
            end_sessions(postgres_url, copy_name())
            eventually(lambda: not (first.is_leading() or second.is_leading()))
            eventually(lambda: first.is_leading() or second.is_leading())
    assert witness.most <= 1


class Copies:
    """Copies in processes of their own."""

    def __init__(self, url: str, name: str) -> None:
        self._arguments = ("tests.daemon.holder", url, name)
        self._processes: list[subprocess.Popen[str]] = []

    def start(self) -> Copy:
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        process = begin(*self._arguments, text=True, **streams)
        self._processes.append(process)
        return Copy(process)

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()


class Copy:
    """One process, and the moments at which it led."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.led: list[float] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.led.append(float(line))

    def signal(self, number: int) -> float:
        """Send it; when that was."""
        at = elapsed()
        os.kill(self.process.pid, number)
        return at

    def ended(self) -> None:
        self.process.wait(timeout=60)
        self._reader.join(timeout=10)


@pytest.fixture
def copies(postgres_url: str, request: pytest.FixtureRequest) -> Iterator[Copies]:
    opened = Copies(postgres_url, request.node.name)
    yield opened
    opened.close()


def test_a_killed_leader_is_followed(copies: Copies) -> None:
    """kill -9: the kernel closes the session, the server frees the lock, the other one leads after it, and not before."""
    first = copies.start()
    eventually(lambda: first.led)
    second = copies.start()
    first.signal(signal.SIGKILL)
    first.ended()
    eventually(lambda: second.led)
    assert first.led[-1] < second.led[0]


def test_a_leader_that_was_paused_does_not_go_on(copies: Copies) -> None:
    """A stopped process loses the lead to the other, and when it is continued it knows at once."""
    first = copies.start()
    eventually(lambda: first.led)
    second = copies.start()
    first.signal(signal.SIGSTOP)
    eventually(lambda: second.led)
    continued_at = first.signal(signal.SIGCONT)
    eventually(lambda: second.led[-1] > continued_at + 1)
    assert first.process.poll() is None
    assert first.led[-1] < second.led[0]


@pytest.fixture
def server() -> Iterator[object]:
    """A PostgreSQL server that the test may stop."""
    yield from own_server()


def test_nobody_leads_while_the_server_is_gone_and_one_does_when_it_is_back(
    server: object, start: Callable[..., Leader]
) -> None:
    """A restart ends every session: both copies step down, say why, and one of them leads again."""
    url = server.get_uri()  # type: ignore[attr-defined]
    first, second = start(url, "restart"), start(url, "restart")
    eventually(lambda: first.is_leading() or second.is_leading())
    with Witness(first, second) as witness:
        server.stop()  # type: ignore[attr-defined]
        eventually(lambda: first.standing.problem and second.standing.problem)
        assert {first.is_leading(), second.is_leading()} == {False}
        assert "who leads cannot be told" in str(first.standing.problem)
        server.ensure_postgres_running()  # type: ignore[attr-defined]
        assert server.get_uri() == url  # type: ignore[attr-defined]
        eventually(lambda: first.is_leading() or second.is_leading())
        eventually(lambda: first.standing.known and second.standing.known)
    assert witness.most <= 1


def test_two_installations_in_one_database_do_not_see_each_other(
    postgres_url: str, start: Callable[..., Leader]
) -> None:
    """Each has a schema of its own, and each has a leader of its own."""
    leaders = []
    for name in ("installation_a", "installation_b"):
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")
        separator = "&" if "?" in postgres_url else "?"
        leaders.append(start(f"{postgres_url}{separator}options=-csearch_path%3D{name}", "serve"))
    eventually(lambda: all(leader.is_leading() for leader in leaders))


class Scripted:
    """A claim whose answers the test decides."""

    alone = False
    valid_for = timedelta(seconds=2)

    def __init__(self) -> None:
        self.answer: bool | StoreError = True
        self.released = False

    def hold(self) -> bool:
        if isinstance(self.answer, StoreError):
            raise self.answer
        return self.answer

    def holder(self) -> str | None:
        return "host:1"

    def release(self) -> None:
        self.released = True


class Watch:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_an_answer_is_worth_something_for_a_while_only() -> None:
    """A new lead ripens, is confirmed, runs out by itself, and ripens anew after it was lost."""
    claimed, watch, told = Scripted(), Watch(), list[bool]()
    leader = Leader(claimed, changed=told.append, beat=lambda: None, clock=watch)
    leader.ask()
    assert not leader.is_leading()
    watch.now = 101.0
    leader.ask()
    assert not leader.is_leading()
    watch.now = 102.0
    leader.ask()
    assert leader.is_leading()
    watch.now = 103.9
    assert leader.is_leading()
    watch.now = 104.0
    assert not leader.is_leading()
    leader.ask()
    assert leader.is_leading()
    claimed.answer = StoreError("gone")
    leader.ask()
    assert (leader.is_leading(), leader.standing) == (False, Standing(leads=False, holder="host:1", problem="gone"))
    claimed.answer = True
    leader.ask()
    assert not leader.is_leading()
    watch.now = 106.0
    leader.ask()
    assert leader.is_leading()
    leader.stop()
    assert told == [True, False, True, False]
    assert claimed.released


def test_the_server_forgets_a_silent_owner_later_than_the_owner_itself() -> None:
    """What an owner relies on runs out before anybody else can get the lock."""
    assert VALID_FOR < SILENCE
    assert timedelta(seconds=TAKEOVER_SECONDS) > SILENCE + VALID_FOR


def test_beside_sqlite_a_second_one_is_refused_and_told_who_is_first(tmp_path: Path) -> None:
    """The lock names its owner, and is free as soon as that lets go."""
    url = f"sqlite:///{tmp_path / 'auditor.db'}"
    first, second = claim(url, "serve"), claim(url, "serve")
    assert (first.hold(), first.hold(), second.hold()) == (True, True, False)
    assert second.holder() == copy_name()
    assert second.alone
    first.release()
    assert second.hold()
    second.release()


def test_a_lock_file_that_was_removed_is_no_lock(tmp_path: Path) -> None:
    """Whoever holds a file that nobody finds any more does not lead: somebody else may hold the new one."""
    url = f"sqlite:///{tmp_path / 'auditor.db'}"
    first, second = claim(url, "serve"), claim(url, "serve")
    assert first.hold()
    (tmp_path / "auditor.db.lock").unlink()
    assert second.hold()
    assert not first.hold()
    second.release()


def test_a_lock_that_cannot_be_made_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    """A folder in the place of the lock file: the message names it."""
    (tmp_path / "auditor.db.lock").mkdir()
    with pytest.raises(StoreError, match=r"its lock auditor\.db\.lock cannot be used: .*; the folder must be writable"):
        claim(f"sqlite:///{tmp_path / 'auditor.db'}", "serve").hold()
