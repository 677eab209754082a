"""Workers that are killed while they read lose nothing and double nothing."""

from __future__ import annotations

import random
import threading
from pathlib import Path

from auditor.redact import Redactor
from auditor.workers.handing import elsewhere
from auditor.workers.place import connected, place_of
from tests.workers.company import KEY, QUICK, Slow, Staff, configured, observed, written
from tests.workers.test_queue import left

PARTS = 25
WORKERS = 3
# Numbers of requests at which somebody is killed: early, amid tasks, and of the second run.
KILLS = 5


def test_killing_workers_at_random_changes_no_snapshot(
    store_url: str, slow: Slow, staff: Staff, tmp_path: Path
) -> None:
    """Two runs, in which five of the workers die at what they read: both snapshots are what threads read, byte for byte,
    and every part has one result although some were read twice."""
    config, registry = configured(written(tmp_path, store_url, slow.url, PARTS))
    expected = observed(config, registry, None)
    requests = sum(slow.asked.values())
    chance = random.Random(7)
    deadly = set(chance.sample(range(requests + 4, requests + 70), KILLS))
    killed = []
    lock = threading.Lock()

    def at_request(number: int) -> None:
        with lock:
            if number in deadly and (living := staff.living):
                victim = chance.choice(living)
                victim.kill()
                killed.append(victim.pid)
                staff.hire()

    slow.on_request = at_request
    for _ in range(WORKERS):
        staff.hire()
    for _ in range(2):
        with elsewhere(config, Redactor(KEY), QUICK) as handed:
            found = observed(config, registry, handed)
            with connected(place_of(store_url)) as connection:
                parts = [row[0] for row in connection.execute("SELECT part FROM collect_results").fetchall()]
        assert found == expected
        assert [one.id for one in found.values()] == [one.id for one in expected.values()]
        assert len(parts) == len(set(parts)) == 2 * (1 + PARTS)
        assert sum("plan" in part for part in parts) == 2
    assert len(killed) == KILLS
    assert left(store_url) == [0, 0, 0], "nothing of a run stays behind it"
