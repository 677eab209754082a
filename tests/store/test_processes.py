from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from auditor.life import Event, StoredFinding, live
from auditor.store import Store
from auditor.store.database import parse
from tests.prefork import begin
from tests.store import samples
from tests.store.worker import breaches, churning, telling


@pytest.fixture
def start() -> Iterator[object]:
    """Starts workers, and ends those that are still there when the test is over."""
    processes: list[subprocess.Popen[str]] = []

    def start_worker(mode: str, url: str, name: str, count: int) -> subprocess.Popen[str]:
        command = ("tests.store.worker", mode, url, name, str(count))
        process = begin(*command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        processes.append(process)
        return process

    yield start_worker
    for process in processes:
        process.kill()
        process.communicate()


def finish(process: subprocess.Popen[str]) -> list[str]:
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    return out.split()


def kill_after(process: subprocess.Popen[str], lines: int) -> list[str]:
    """Kill the worker as soon as it said that many; what it managed to say until then."""
    assert process.stdout is not None
    said = [process.stdout.readline().strip() for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    return said + process.stdout.read().split()


def expected(count: int) -> tuple[dict[str, StoredFinding], list[Event]]:
    """What `count` audits of a worker named `crash`, whole and in order, leave behind."""
    known: dict[str, StoredFinding] = {}
    events: list[Event] = []
    for number in range(count):
        life = live(known, breaches(number), lambda _: True, samples.at(number), f"crash-{number:05}")
        known |= {stored.fingerprint: stored for stored in life.updated}
        events += life.events
    return known, events


def assert_whole(url: str) -> None:
    """SQLite's own check: no damaged page, and no row without the one that it refers to."""
    engine = create_engine(parse(url))
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
    engine.dispose()


def test_a_process_killed_at_any_instant_loses_no_audit_and_leaves_no_half(store: Store, url: str, start):
    """Everything it said to have recorded is there; one more may be; findings and events fit exactly these audits."""
    said = kill_after(start("record", url, "crash", 100_000), 12)
    recorded = sorted(item.id for item in store.audits())
    assert len(recorded) - len(said) in (0, 1)
    assert recorded == [f"crash-{number:05}" for number in range(len(recorded))]
    known, events = expected(len(recorded))
    stored = store.previous("staging", "prod")
    assert {key: (item.status, item.last_seen, item.breach) for key, item in stored.items()} == {
        key: (item.status, item.last_seen, item.breach) for key, item in known.items()
    }
    for fingerprint in known:
        assert list(store.events(fingerprint)) == [event for event in events if event.fingerprint == fingerprint]
    for audit_id in recorded:
        assert store.audit(audit_id).id == audit_id
    assert_whole(url)
    samples.run(store, "after", breaches(0), samples.at(10_000))
    assert store.audits()[0].id == "after"


@pytest.mark.parametrize("statement", ["INSERT INTO notices", "COMMIT"])
def test_an_audit_killed_in_the_midst_leaves_nothing_of_itself_to_tell(store: Store, url: str, start, statement: str):
    """Of the two before it everything is there, in order; of the one that was under way no row. The next one works."""
    said = kill_after(start(f"tell {statement}", url, "crash", 3), 3)
    assert said == ["crash-00000", "crash-00001", "standing still"]
    assert [item.id for item in store.audits()] == ["crash-00001", "crash-00000"]
    told = [item.notice for item in reversed(store.notices())]
    assert told == [notice for key in said[:2] for notice in telling(key).notices]
    expected_topics = [(telling(key).topics[0], ("fp-always",)) for key in said[:2]]
    assert list(store.topics("staging", "prod")) == expected_topics
    known, events = expected(2)
    assert store.previous("staging", "prod").keys() == known.keys()
    assert sum(len(store.events(fingerprint)) for fingerprint in known) == len(events)
    assert store.gauges([("staging", "prod")], {}, samples.at(9)).pairs[0].last_audit == samples.at(1)
    assert_whole(url)
    samples.run(store, "after", breaches(2), samples.at(2))
    assert store.audits()[0].id == "after"


def test_two_processes_record_the_same_pair_at_once(store: Store, url: str, start):
    """Every audit is there, and each finding's events follow one upon the other: none lost, none twice."""
    workers = [start("record", url, name, 12) for name in ("one", "two")]
    said = [line for worker in workers for line in finish(worker)]
    assert len(said) == 24
    assert sorted(item.id for item in store.audits()) == sorted(said)
    for stored in store.findings():
        events = store.events(stored.fingerprint)
        statuses = [event.to_status for event in events]
        assert [event.from_status for event in events] == [None, *statuses[:-1]]
        assert stored.status is statuses[-1]
    assert len(store.events("fp-always")) == 1
    assert store.finding("fp-always").revision >= 12


def test_pruning_beside_a_writer_takes_nothing_that_is_in_use(store: Store, url: str, start):
    """Content that is about to be let go of is just what the next snapshot shares again."""
    worker = start("snapshot", url, "churn", 40)
    while worker.poll() is None:
        store.prune(samples.at(100_000))
        for item in store.snapshots():
            assert store.load_snapshot(item.id).resources == tuple(churning("churn", int(item.id[-5:])))
    assert len(finish(worker)) == 40
    last = store.latest_snapshot("churn")
    assert last is not None
    assert last.resources == tuple(churning("churn", 39))


def test_first_users_of_one_file_wait_for_each_other(sqlite_url: str, start):
    """Three processes make the same new store at once: one migrates, all can use it."""
    workers = [start("snapshot", sqlite_url, f"env-{number}", 1) for number in range(3)]
    assert [finish(worker) for worker in workers] == [[f"env-{number}-00000"] for number in range(3)]
    with Store.open(sqlite_url) as store:
        assert len(store.snapshots()) == 3
