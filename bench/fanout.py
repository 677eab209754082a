"""What workers bring: one and four of them against a far side that takes its time, and what a killed one costs.

    python -m bench.fanout [--parts N] [--delay SECONDS]
    python -m bench.fanout --kill SECONDS [--seed N]

The first reads two environments of N parts each, every part one request that is answered after DELAY, with one worker and
with four of four threads each, and prints how many times as fast four are, what the queue costs beside the waiting, and how
long it takes until what a killed worker had is read by another. The second kills a worker at random every few seconds for
SECONDS, while run after run is read by the rest, and exits 1 when a snapshot is not what threads read, byte for byte, or a
part has not exactly one result. A PostgreSQL server of its own is started for either.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.redact import Redactor
from auditor.store import schema
from auditor.workers import place
from auditor.workers.handing import elsewhere
from auditor.workers.limits import TAKE, SharedLimits
from auditor.workers.pace import PACE, Pace
from tests.conftest import postgres_of
from tests.workers.company import KEY, QUICK, Slow, Staff, configured, observed, written

if TYPE_CHECKING:
    from auditor.config import Config
    from auditor.model import Snapshot
    from auditor.registry import Registry

PARTS = 48
DELAY = 1.0
THREADS = 4
_BUDGET_CALLS = 400


@dataclass(frozen=True, slots=True)
class Fleet:
    """A company, the database of its workers, and whoever reads it."""

    config: Config
    registry: Registry
    slow: Slow
    staff: Staff

    def read(self, pace: Pace) -> tuple[float, dict[str, Snapshot], list[str]]:
        """Seconds that one run took, what it saw, and the part of each result."""
        began = time.perf_counter()
        with elsewhere(self.config, Redactor(KEY), pace) as handed:
            found = observed(self.config, self.registry, handed)
            took = time.perf_counter() - began
            with place.connected(place.place_of(self.config.store)) as connection:
                results = connection.execute("SELECT part FROM collect_results").fetchall()
        return took, found, [part for (part,) in results]


def measure(parts: int = PARTS, delay: float = DELAY) -> dict[str, Any]:
    """Seconds by name, and the ratio that the workers are asked for."""
    figures: dict[str, Any] = {"machine's load at the beginning": os.getloadavg()[0]}
    with _fleet(parts, delay) as fleet:
        began = time.perf_counter()
        expected = observed(fleet.config, fleet.registry, None)
        figures["threads of one process, 8 at once"] = {"seconds": time.perf_counter() - began}
        for workers, name in ((1, "one worker"), (4, "four workers")):
            while len(fleet.staff.living) < workers:
                fleet.staff.hire(PACE, concurrency=THREADS)
            _all_there(fleet, workers)
            tries = [fleet.read(PACE) for _ in range(2)]
            assert all(found == expected for _, found, _ in tries)
            seconds = min(took for took, _, _ in tries)
            floor = delay * 2 * parts / (workers * THREADS)
            figures[name] = {"seconds": seconds, "waiting alone": floor, "of it": seconds / floor}
        figures["times as fast with four"] = figures["one worker"]["seconds"] / figures["four workers"]["seconds"]
        figures["until a killed worker's parts are read"] = {"seconds": _killed(fleet, expected)}
        figures |= _budget(fleet.config.store)
    return figures


def soak(seconds: float, seed: int, parts: int = 40) -> int:
    """Kill workers for so long, while runs are read. The number of runs that were not as they should be."""
    chance, wrong, kills, longest, runs = random.Random(seed), 0, 0, 0.0, 0
    with _fleet(parts, 0.1) as fleet:
        expected = observed(fleet.config, fleet.registry, None)
        over = threading.Event()

        def killing() -> None:
            nonlocal kills
            while not over.wait(chance.uniform(1, 4)):
                if living := fleet.staff.living:
                    chance.choice(living).kill()
                    kills += 1
                fleet.staff.hire(QUICK, concurrency=THREADS)

        for _ in range(4):
            fleet.staff.hire(QUICK, concurrency=THREADS)
        killer = threading.Thread(target=killing, daemon=True)
        killer.start()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            took, found, results = fleet.read(QUICK)
            right = found == expected and len(results) == len(set(results)) == 2 * (parts + 1)
            longest, runs, wrong = max(longest, took), runs + 1, wrong + (not right)
        over.set()
        killer.join()
        twice = sum(fleet.slow.asked.values()) - (runs + 1) * 2 * parts
    print(
        f"{runs} runs of {2 * parts} parts, {kills} workers killed, {twice} parts read more than once, longest run {longest:.1f} s"
    )
    print(f"{wrong} snapshots or results were not as they should be")
    return wrong


@contextmanager
def _fleet(parts: int, delay: float) -> Iterator[Fleet]:
    with tempfile.TemporaryDirectory() as name, postgres_of() as url, Slow(delay) as slow:
        schema.upgrade(url)
        place.upgrade(place.place_of(url))
        config, registry = configured(written(Path(name), url, slow.url, parts))
        staff = Staff(Path(name))
        try:
            yield Fleet(config, registry, slow, staff)
        finally:
            staff.dismiss()


def _all_there(fleet: Fleet, workers: int) -> None:
    """Wait until so many workers are registered."""
    end = time.monotonic() + 60
    with place.connected(place.place_of(fleet.config.store)) as connection:
        while connection.execute("SELECT count(*) FROM procrastinate_workers").fetchone() != (workers,):
            if time.monotonic() > end:
                raise TimeoutError(f"{workers} workers did not start within a minute")
            threading.Event().wait(0.05)


def _killed(fleet: Fleet, expected: dict[str, Snapshot]) -> float:
    """One of four workers is killed at the last but tenth request: seconds until the run is whole all the same."""
    numbers, died = itertools.count(), []
    last = sum(1 for one in fleet.slow.asked if one)

    def at_request(_number: int) -> None:
        if next(numbers) == last - 10:
            victim = fleet.staff.living[0]
            victim.kill()
            died.append(time.perf_counter())

    fleet.slow.on_request = at_request
    _, found, _ = fleet.read(PACE)
    ended = time.perf_counter()
    fleet.slow.on_request = lambda _number: None
    assert found == expected
    return ended - died[0]


def _budget(store: str) -> dict[str, Any]:
    """What a request costs that asks the shared budget, and one that takes its turn from a share."""
    with place.connected(place.place_of(store)) as connection:

        def take(name: str, rate: float, burst: float, count: int) -> float:
            asked = {"name": name, "rate": rate, "burst": burst, "count": count}
            row = connection.execute(TAKE, asked).fetchone()
            return float(row[0]) if row else 0.0

        began = time.perf_counter()
        for _ in range(_BUDGET_CALLS):
            take("each", 1e6, 1e6, 1)
        each = (time.perf_counter() - began) / _BUDGET_CALLS
        limits = SharedLimits(take)
        began = time.perf_counter()
        for _ in range(_BUDGET_CALLS):
            limits.reserve("shared", 20, 40)
        shared = (time.perf_counter() - began) / _BUDGET_CALLS
    return {
        "a request that asks the shared budget": {"seconds": each},
        "a request under it at 20 a second": {"seconds": shared},
    }


def main() -> int:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", type=int, default=PARTS)
    parser.add_argument("--delay", type=float, default=DELAY)
    parser.add_argument("--kill", type=float, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if asked.kill is not None:
        return int(soak(asked.kill, asked.seed) > 0)
    print(json.dumps(measure(asked.parts, asked.delay), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
