"""The queue in a real PostgreSQL: who is stopped gives back, who calls off leaves nothing, and budgets are shared."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from auditor.collect import CollectCancelled, collect_all
from auditor.errors import StoreError
from auditor.model import GapReason
from auditor.redact import Redactor
from auditor.workers import place
from auditor.workers.handing import elsewhere
from auditor.workers.limits import TAKE, SharedLimits
from auditor.workers.place import connected, place_of
from tests.daemon.waiting import eventually
from tests.workers.company import KEY, NOW, QUICK, Slow, Staff, configured, observed, written

if TYPE_CHECKING:
    from auditor.model import Snapshot

TABLES = ("collect_runs", "collect_results", "procrastinate_jobs")


def test_without_workers_all_is_unknown_and_nothing_absent(store_url: str, slow: Slow, tmp_path: Path) -> None:
    """Where none has lived for as long as a listing may take, every source is a gap that says what to start."""
    config, registry = configured(written(tmp_path, store_url, slow.url, 3, timeout=0.5))
    with elsewhere(config, Redactor(KEY), QUICK) as handed:
        found = observed(config, registry, handed)
    gaps = {(gap.source, gap.kind, gap.reason, gap.detail) for one in found.values() for gap in one.gaps}
    detail = "no worker has lived for 0.5 s: start `audit worker`, or see why none reaches the store"
    assert gaps == {("slow:3", "slow.thing", GapReason.TIMEOUT, detail)}
    assert not any(one.resources or one.listings for one in found.values())
    assert left(store_url) == [0, 0, 0]


def test_a_worker_that_is_stopped_gives_back_what_it_cannot_finish(
    store_url: str, slow: Slow, staff: Staff, tmp_path: Path
) -> None:
    """SIGTERM while a far side is silent: the worker ends by itself, and another one reads the same without a pause."""
    file = written(tmp_path, store_url, slow.url, 3)
    file.write_text(file.read_text().replace('"pairs"', '"serve": {"drain": "1s"}, "pairs"'))
    config, registry = configured(file)
    expected = observed(config, registry, None)
    silent, asked = threading.Event(), threading.Event()

    def first_hangs(_number: int) -> None:
        if not asked.is_set():
            asked.set()
            silent.wait(30)

    slow.on_request = first_hangs
    first = staff.hire(concurrency=1)
    found = {}

    def read() -> None:
        # So patient with the dead that only giving back explains an answer.
        with elsewhere(config, Redactor(KEY), replace(QUICK, silence=600)) as handed:
            found.update(observed(config, registry, handed))

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    assert asked.wait(30)
    first.terminate()
    first.join(30)
    silent.set()
    assert first.exitcode == 0
    staff.hire(replace(QUICK, silence=600))
    reading.join(30)
    assert found == expected


def test_what_is_called_off_leaves_nothing_behind(store_url: str, slow: Slow, tmp_path: Path) -> None:
    """Within a second of it the queue is empty, though nobody worked."""
    config, registry = configured(written(tmp_path, store_url, slow.url, 3))
    cancel = threading.Event()
    cancel.set()
    environments = list(config.environments.values())
    with elsewhere(config, Redactor(KEY), QUICK) as handed, pytest.raises(CollectCancelled):
        collect_all(environments, registry, Redactor(KEY), lambda: NOW, elsewhere=handed, cancel=cancel)
    assert left(store_url) == [0, 0, 0]


def test_what_a_dead_asker_left_is_swept_away(store_url: str, slow: Slow, staff: Staff, tmp_path: Path) -> None:
    """A run whose beat stands still is deleted by any worker, with its results, and nobody reads for it."""
    config, registry = configured(written(tmp_path, store_url, slow.url, 3))
    with elsewhere(config, Redactor(KEY), QUICK) as handed, connected(place_of(store_url)) as connection:
        assert handed is not None
        reading = threading.Thread(target=lambda: observed(config, registry, handed), daemon=True)
        reading.start()
        eventually(lambda: connection.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() == (2,), 30)
        connection.execute("UPDATE collect_runs SET beat = now() - interval '1 day', id = id || '-dead'")
        connection.execute("INSERT INTO collect_results SELECT id, 'part', 'w', false, '' FROM collect_runs")
        staff.hire()
        eventually(lambda: left(store_url) == [0, 0, 0], 30)
        reading.join(30)
    assert not slow.asked


def test_a_budget_is_one_for_all_who_ask(store_url: str) -> None:
    """Three workers that ask for a hundred requests of 20 a second and 40 at once get no more than these promise."""
    with connected(place_of(store_url)) as connection:
        lock = threading.Lock()

        def take(name: str, rate: float, burst: float, count: int) -> float:
            with lock:
                row = connection.execute(TAKE, {"name": name, "rate": rate, "burst": burst, "count": count}).fetchone()
            assert row is not None
            return float(row[0])

        # One moment for all of them: what they are promised says how far apart it is, not how fast this machine is.
        workers = [SharedLimits(take, lambda: 0.0) for _ in range(3)]
        pauses = [worker.reserve("aws/1/eu-west-1/rds", 20, 40) for _ in range(34) for worker in workers]
        assert sum(pause == 0 for pause in pauses) in range(36, 60)
        assert 2.0 < max(pauses) <= (102 + 15 - 40) / 20
        assert workers[0].reserve("aws/2/eu-west-1/rds", 20, 40) == 0


def test_tables_of_another_version_are_made_anew(store_url: str) -> None:
    """Nothing in them outlives an audit; until then whoever needs them says what to run."""
    where = place_of(store_url)
    place.check(where)
    assert not place.upgrade(where)
    with connected(where) as connection:
        connection.execute("UPDATE collect_version SET version = 'of old'")
    with pytest.raises(StoreError, match=r"another version's; run `audit db upgrade`"):
        place.check(where)
    assert place.upgrade(where)
    place.check(where)
    with connected(where) as connection:
        connection.execute(psycopg.sql.SQL("DROP SCHEMA {} CASCADE").format(psycopg.sql.Identifier(where.schema)))
    with pytest.raises(StoreError, match="there are no tables for workers yet"):
        place.check(where)


def left(store_url: str) -> list[int]:
    """How many rows each table of the queue has."""
    with connected(place_of(store_url)) as connection:
        counts = "SELECT count(*) FROM {}"
        asked = [psycopg.sql.SQL(counts).format(psycopg.sql.Identifier(table)) for table in TABLES]
        return [next(connection.execute(one))[0] for one in asked]


def test_a_part_that_nobody_survives_is_not_given_to_everybody(
    store_url: str, slow: Slow, staff: Staff, tmp_path: Path
) -> None:
    """Delivered as often as it may be, and its worker dead once more: a gap, and the far side is not asked again."""
    config, registry = configured(written(tmp_path, store_url, slow.url, 3))
    pace = replace(QUICK, deliveries=3)
    found: dict[str, Snapshot] = {}
    with elsewhere(config, Redactor(KEY), pace) as handed, connected(place_of(store_url)) as connection:
        reading = threading.Thread(target=lambda: found.update(observed(config, registry, handed)), daemon=True)
        reading.start()
        eventually(lambda: connection.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() == (2,), 30)
        dead = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 day') RETURNING id"
        worker = connection.execute(dead).fetchone()
        assert worker is not None
        connection.execute("UPDATE procrastinate_jobs SET status = 'doing', attempts = 2, worker_id = %s", worker)
        staff.hire(pace)
        reading.join(30)
    details = {(gap.reason, gap.detail) for one in found.values() for gap in one.gaps}
    assert details == {(GapReason.TIMEOUT, "3 workers died while they read it: see what it takes, such as memory")}
    assert not slow.asked
