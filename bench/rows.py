"""What a snapshot costs the store: the first one beside whole JSON rows, an unchanged one beside raw rows of (key, hash).

    python -m bench.rows [--size N] [--url URL]

Takes N resources with documents of 2 kB, which are bytes as collecting leaves them. A time is that of writing, with the commit;
a size is by what it made the database grow. On SQLite the floors are written by the driver alone into files with the same
settings (WAL, synchronous FULL); on PostgreSQL, with `--url` of an empty database, by psycopg into tables of their own.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from auditor.document import Document
from auditor.model import Listing, Resource, Snapshot
from auditor.relaxed import relaxed
from auditor.store import Store, schema

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
_REPEATED = 5
_KINDS = ("aws.ec2.instance", "aws.iam.role", "aws.sqs.queue", "aws.s3.bucket", "aws.ec2.security_group")
_SOURCES = ("aws:111122223333", "aws:444455556666")
_COLUMNS = "snapshot varchar(255), key varchar(255), body text, PRIMARY KEY (snapshot, key)"

Row: TypeAlias = tuple[str, str, str]
Cost: TypeAlias = dict[str, float]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.rows", description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--url", help="an empty PostgreSQL database, measured as well")
    asked = parser.parse_args(arguments)
    found = {"SQLite": measure(asked.size)}
    if asked.url:
        found["PostgreSQL"] = on_server(asked.url, asked.size)
    for database, steps in found.items():
        print(f"{database}, {asked.size:,} resources with documents of 2 kB")
        for step, cost in steps.items():
            print(f"  {step:<28}{cost['seconds']:8.2f} s {cost['bytes'] / 1e6:9.2f} MB")
        ratio = steps["unchanged"]["seconds"] / steps["raw rows of (key, hash)"]["seconds"]
        print(f"  an unchanged snapshot takes {ratio:.2f} of the time of raw rows of (key, hash)")
    return 0


def measure(size: int) -> dict[str, Cost]:
    """On SQLite, in a temporary folder: seconds and bytes of each step."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "auditor.db"
        return _measured(f"sqlite:///{path}", size, lambda: _file_size(path), _Files(Path(folder)))


def on_server(url: str, size: int) -> dict[str, Cost]:
    """The same in the empty PostgreSQL database at `url`."""
    import psycopg

    plain = url.replace("postgresql+psycopg://", "postgresql://")
    with closing(psycopg.connect(plain, autocommit=True)) as connection:
        server = _Server(connection)
        return _measured(url, size, server.size, server)


class _Files:
    """SQLite by its driver alone, each table in a file of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, table: str, rows: Sequence[Row]) -> Cost:
        path = self._folder / f"{table}.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"CREATE TABLE {table} ({_COLUMNS})")
            began = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", rows)
            connection.execute("COMMIT")
            spent = time.perf_counter() - began
        return {"seconds": spent, "bytes": _file_size(path)}


class _Server:
    """PostgreSQL by psycopg alone."""

    def __init__(self, connection: object) -> None:
        import psycopg

        assert isinstance(connection, psycopg.Connection)
        self._connection: psycopg.Connection[tuple[int, ...]] = connection

    def size(self) -> int:
        """Bytes of all our tables with their indexes."""
        with self._connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")
            cursor.execute("SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r'")
            row = cursor.fetchone()
        return int(row[0]) if row else 0

    def write(self, table: str, rows: Sequence[Row]) -> Cost:
        with self._connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {table} ({_COLUMNS})".encode())
            before = self.size()
            began = time.perf_counter()
            with self._connection.transaction():
                cursor.executemany(f"INSERT INTO {table} VALUES (%s, %s, %s)".encode(), rows)
            spent = time.perf_counter() - began
            grown = self.size() - before
            cursor.execute(f"DROP TABLE {table}".encode())
        return {"seconds": spent, "bytes": grown}


def _measured(url: str, size: int, bytes_of: Callable[[], int], raw: _Files | _Server) -> dict[str, Cost]:
    schema.upgrade(url)
    # As the product saves its snapshots, and the floors alike.
    with relaxed():
        return _steps(url, size, bytes_of, raw)


def _steps(url: str, size: int, bytes_of: Callable[[], int], raw: _Files | _Server) -> dict[str, Cost]:
    found: dict[str, Cost] = {}
    first = taken(size, 0)
    with Store.open(url) as store:
        found["first"] = _saved(store, first, bytes_of)
        unchanged = [_saved(store, taken(size, number), bytes_of) for number in range(1, _REPEATED + 1)]
        found["unchanged"] = _least(unchanged)
        found["1 % changed"] = _saved(store, taken(size, 10, changed=0.01), bytes_of)
        found["loaded"] = _loaded(store, first.id)
    keys = [_key(resource) for resource in first.resources]
    bodies = [Document.of(resource.attributes).body().decode() for resource in first.resources]
    hashes = [Document.of(resource.attributes).digest for resource in first.resources]
    rows = [(first.id, key, digest) for key, digest in zip(keys, hashes, strict=True)]
    found["raw rows of (key, hash)"] = _least([raw.write(f"rows_{number}", rows) for number in range(_REPEATED)])
    found["whole JSON rows"] = raw.write(
        "whole", [(first.id, key, body) for key, body in zip(keys, bodies, strict=True)]
    )
    return found


def _saved(store: Store, snapshot: Snapshot, bytes_of: Callable[[], int]) -> Cost:
    before = bytes_of()
    began = time.perf_counter()
    store.save_snapshot(snapshot)
    spent = time.perf_counter() - began
    return {"seconds": spent, "bytes": bytes_of() - before}


def _loaded(store: Store, snapshot: str) -> Cost:
    began = time.perf_counter()
    store.load_snapshot(snapshot)
    return {"seconds": time.perf_counter() - began, "bytes": 0}


def _least(costs: Sequence[Cost]) -> Cost:
    """Whatever else the machine did made it slower, never faster."""
    return min(costs, key=lambda cost: cost["seconds"])


def taken(size: int, number: int, changed: float = 0.0) -> Snapshot:
    """The snapshot of this number, every object of it made anew; of `changed` of its resources the documents are others."""
    drawn = random.Random(7)
    resources = [_resource(place, drawn) for place in range(size)]
    for place in random.Random(9).sample(range(size), int(size * changed)):
        said = {**resources[place].attributes, "changed": True}
        resources[place] = replace(resources[place], attributes=Document.of(said))
    resources.sort(key=lambda one: (one.kind, one.identity, one.source, one.region))
    when = NOW + timedelta(minutes=15 * number)
    listings = tuple(Listing(source, kind) for source in _SOURCES for kind in _KINDS)
    return Snapshot(f"bench-{number}", "staging", when, tuple(resources), (), listings)


def _resource(place: int, drawn: random.Random) -> Resource:
    kind, source = _KINDS[place % len(_KINDS)], _SOURCES[place % len(_SOURCES)]
    name = f"orders-{place}-staging"
    said = {
        "state": "running",
        "type": f"m5.{drawn.randrange(9)}xlarge",
        "settings": {f"setting_{number}": f"{drawn.getrandbits(64):016x}" for number in range(48)},
        "rules": [{"port": 8000 + number, "from": f"10.0.{drawn.randrange(256)}.0/24"} for number in range(12)],
    }
    arn = f"arn:aws:service:eu-west-1:{source[4:]}:thing/{name}"
    return Resource(
        kind, name, Document.of(said), source, "eu-west-1", source[4:], None, (arn,), {"team": "shop", "stage": "staging"},
        None, arn,
    )  # fmt: skip


def _key(resource: Resource) -> str:
    return json.dumps([resource.kind, resource.identity, resource.source, resource.region])


def _file_size(path: Path) -> int:
    """Of the database file, after everything was written through to it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return path.stat().st_size


if __name__ == "__main__":
    sys.exit(main())
