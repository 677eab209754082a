"""How long the store takes for what a page asks: 100 pairs, 20,000 unresolved and 1,000,000 resolved findings.

    python -m bench.pages [--store FILE] [--pairs N] [--open N] [--past N] [--rounds N] [--keep]

Makes an SQLite store of that size, always the same, with 30 days of every pair and some hundred snapshots (FILE is made
where it is not there, and used as it is where it is), asks each question ROUNDS times and prints the median. Exits 1 where
one takes longer than its limit.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from auditor.model import Category, Severity, Status
from auditor.store import FindingQuery, Order, Store
from bench.seeded import NOW, Size, seed

LIMIT_MS = 100.0


def questions(store: Store, size: Size) -> dict[str, Callable[[], object]]:
    """By what they are called."""
    pairs = [size.pair(number) for number in range(size.pairs)]
    left, right = pairs[0]
    resolved = FindingQuery(statuses={Status.RESOLVED})
    of_pair = FindingQuery(left, right)
    day = NOW - timedelta(days=1)
    first = store.search(FindingQuery(), limit=50)
    snapshot = store.snapshots(left, limit=1)[0].id
    item = store.listing(snapshot).resources[0]
    fingerprint = first.items[0].fingerprint
    return {
        "search: all pairs, worst first": lambda: store.search(FindingQuery()),
        "search: all pairs, second page": lambda: store.search(FindingQuery(), first.next),
        "search: all pairs, newest first": lambda: store.search(FindingQuery(order=Order.NEWEST)),
        "search: all pairs, by resource": lambda: store.search(FindingQuery(order=Order.RESOURCE)),
        "search: all pairs, two words": lambda: store.search(FindingQuery(text="service engine")),
        "search: all pairs, words nobody has": lambda: store.search(FindingQuery(text="nowhere to be found")),
        "search: all pairs, some filters": lambda: store.search(
            FindingQuery(
                min_severity=Severity.HIGH, categories={Category.DATABASE}, kinds=["aws.rds.*"], owners=["team-3"]
            )
        ),
        "search: one pair": lambda: store.search(of_pair),
        "search: one pair, a word": lambda: store.search(FindingQuery(left, right, text="engine")),
        "search: resolved, all pairs": lambda: store.search(resolved),
        "search: resolved, one pair": lambda: store.search(FindingQuery(left, right, statuses={Status.RESOLVED})),
        "search: resolved, words nobody has": lambda: store.search(
            FindingQuery(statuses={Status.RESOLVED}, text="nowhere to be found")
        ),
        "facets: all pairs": lambda: store.facets(FindingQuery()),
        "facets: all pairs, a word": lambda: store.facets(FindingQuery(text="engine")),
        "facets: one pair": lambda: store.facets(of_pair),
        "counts": lambda: store.counts(pairs),
        "pair summaries": lambda: store.pair_summaries(pairs),
        "trend: 30 days": lambda: store.trend(pairs),
        "recent: a day": lambda: store.recent(day),
        "recent: a day, one pair": lambda: store.recent(day, [pairs[0]]),
        "changed: a day": lambda: store.changed(day),
        "pulse": store.pulse,
        "finding": lambda: store.finding(fingerprint),
        "events of a finding": lambda: store.events(fingerprint),
        "last audit of a pair": lambda: store.last_audit(left, right),
        "snapshots of an environment": lambda: store.snapshots(left, limit=50),
        "audits of a pair": lambda: store.audits(left, right, limit=50),
        "listing of a snapshot": lambda: store.listing(snapshot),
        "resource of a snapshot": lambda: store.resource(snapshot, item.kind, item.identity, item.source),
        "waivers": store.waivers,
    }


def measure(question: Callable[[], object], rounds: int) -> float:
    """Milliseconds, in the middle of `rounds`."""
    took = []
    for _ in range(rounds):
        begun = time.perf_counter()
        question()
        took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__.splitlines()[0])
    parser.add_argument("--store", type=Path, help="the file; by default one in a temporary folder")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--open", type=int, default=20_000)
    parser.add_argument("--past", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args(arguments)
    size = Size(given.pairs, given.open, given.past)
    with tempfile.TemporaryDirectory(prefix="parity-pages-") as folder:
        path = given.store or Path(folder) / "auditor.db"
        if not path.exists():
            begun = time.perf_counter()
            seed(path, size.pairs, size.open, size.past)
            print(f"built in {time.perf_counter() - begun:.0f} s: {path.stat().st_size / 2**20:,.0f} MiB")
        with Store.open(f"sqlite:///{path}", clock=lambda: NOW) as store:
            slow = 0
            for name, question in questions(store, size).items():
                middle = measure(question, given.rounds)
                slow += middle > LIMIT_MS
                print(f"{middle:8.1f} ms  {name}")
    print(f"{slow} of them above {LIMIT_MS:.0f} ms")
    return int(slow > 0)


if __name__ == "__main__":
    sys.exit(main())
