"""How long it takes to tell which side moved: 50 new findings over 90 days of a look every 15 minutes.

    python -m bench.history [--url URL] [--resources N] [--looks N] [--every HOURS] [--findings N]

Builds a store with two environments of N resources in which one changes every HOURS hours, and asks for findings that
parted at the last look, at any time within the 90 days, and before all of it. Prints the time and what was read of each.
Exits 1 where new findings, the usual case, take longer than the limit.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, delete, func, insert, select

from auditor.drift_walk import drifted
from auditor.history import Bounds
from auditor.model import Breach, Category, Kind, Listing, Resource, RuleRef, Severity, Side, Snapshot
from auditor.names import environment_names
from auditor.parting import Mover, movers
from auditor.scene import Realm
from auditor.store import Store, schema
from auditor.store.database import parse
from auditor.store.tables import SnapshotManifestRow, SnapshotRow

LIMIT_SECONDS = 2.0
EVERY = timedelta(minutes=15)
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
KIND = Kind("aws.ecs.service", Category.DEPLOYMENT, "")
PAIR = ("staging", "prod")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.history", description=__doc__.splitlines()[0])
    parser.add_argument("--url", help="an empty database; by default SQLite in a temporary folder")
    parser.add_argument("--resources", type=int, default=500)
    parser.add_argument("--looks", type=int, default=9_000)
    parser.add_argument("--every", type=float, default=6.0, help="hours between two changes in each environment")
    parser.add_argument("--findings", type=int, default=50)
    asked = parser.parse_args(arguments)
    with _store(asked.url) as (store, url):
        began = time.perf_counter()
        changes = {name: _build(store, url, name, asked) for name in PAIR}
        print(f"built in {time.perf_counter() - began:.0f} s: 2 x {asked.looks:,} looks of {asked.resources} resources")
        print(f"one change in {asked.every:g} h: {changes['prod']:,} different manifests in prod")
        seconds = [_measured(store, title, asked, count) for title, count in _CASES.items()]
        began = time.perf_counter()
        found = drifted(_realm("prod"), store.past, NOW - timedelta(days=90))
        spent = time.perf_counter() - began
        print(
            f"audit drift over it all:               {spent:6.2f} s, {len(found.changes) if found else 0} places changed"
        )
    return int(seconds[0] > LIMIT_SECONDS)


def _version(name: str, resource: int, look: int, asked: argparse.Namespace) -> dict[str, int]:
    """What a resource says in a look. The first `findings` resources part for good: one third each, by case."""
    every = max(1, round(asked.every * 4))
    turn = look // every
    # The noise of an environment: another of the remaining resources every few hours.
    noisy = asked.findings * 3 + turn % max(1, asked.resources - asked.findings * 3)
    said = {"noise": turn if resource == noisy else 0}
    case, number = divmod(resource, asked.findings)
    parts = {0: asked.looks - 1, 1: number * asked.looks // asked.findings + 1, 2: 0}.get(case, asked.looks)
    return {**said, "version": 2 if name == "prod" and look >= parts else 1}


_CASES = {"that parted at the last look": 0, "that parted at any time": 1, "apart ever since": 2}


def _build(store: Store, url: str, name: str, asked: argparse.Namespace) -> int:
    """Every look of one environment. Each content is saved once; the rows of the looks that share it are written in bulk."""
    rows: list[dict[str, object]] = []
    links: list[dict[str, object]] = []
    contents: dict[object, tuple[str, list[str]]] = {}
    with create_engine(parse(url)).begin() as database:
        first = (database.scalar(select(func.max(SnapshotRow.sequence))) or 0) + 1_000_000
    for look in range(asked.looks):
        said = [_version(name, number, look, asked) for number in range(asked.resources)]
        key = tuple(tuple(one.values()) for one in said)
        if key not in contents:
            contents[key] = _saved(store, name, said, len(contents))
        facts, manifests = contents[key]
        when = NOW - (asked.looks - 1 - look) * EVERY + timedelta(seconds=3 * PAIR.index(name))
        rows.append(
            {"id": f"{name}-{look}", "environment": name, "taken_at": when, "resources": len(said), "gaps": 0,
             "facts": facts, "sequence": first + look}
        )  # fmt: skip
        links += [{"snapshot": f"{name}-{look}", "position": at, "manifest": one} for at, one in enumerate(manifests)]
    with create_engine(parse(url)).begin() as database:
        database.execute(delete(SnapshotRow).where(SnapshotRow.id.startswith(f"content-{name}-")))
        database.execute(insert(SnapshotRow), rows)
        database.execute(insert(SnapshotManifestRow), links)
    return len({manifest for _, manifests in contents.values() for manifest in manifests})


def _saved(store: Store, name: str, said: Sequence[dict[str, int]], number: int) -> tuple[str, list[str]]:
    """One content, kept as the product keeps it: digests of its facts and manifests."""
    resources = tuple(
        Resource(KIND.name, f"service-{at}-{name}", {**one, "image": "shop/api:1", "cpu": 512, "memory": "1GiB"},
                 "files:deploy" if at % 10 == 0 else "aws:111122223333", region="eu-west-1",
                 refs=(f"arn:aws:ecs:eu-west-1:111122223333:service/{name}/service-{at}",), tags={"team": "shop"})
        for at, one in enumerate(said)
    )  # fmt: skip
    taken = NOW - timedelta(days=200) + timedelta(minutes=number)
    listings = tuple(Listing(source, KIND.name) for source in ("aws:111122223333", "files:deploy"))
    store.save_snapshot(Snapshot(f"content-{name}-{number}", name, taken, resources, (), listings))
    (look,) = store.past.looks(name, limit=1)
    return look.facts, list(look.manifests)


def _measured(store: Store, title: str, asked: argparse.Namespace, case: int) -> float:
    numbers = range(case * asked.findings, (case + 1) * asked.findings)
    wrong = [_breach(number) for number in numbers]
    last = asked.looks - 1
    began = time.perf_counter()
    answers = movers(
        wrong, (_realm("staging"), _realm("prod")), store.past, (f"staging-{last}", f"prod-{last}"), Bounds()
    )
    spent = time.perf_counter() - began
    told = sum(isinstance(answer, Mover) for answer in answers.values())
    print(f"{len(wrong)} findings {title + ':':<32}{spent:6.2f} s, {told} movers told")
    return spent


def _breach(number: int) -> Breach:
    left, right = (Side(name, f"service-{number}-{name}", value) for name, value in zip(PAIR, (1, 2), strict=True))
    return Breach(
        str(number), RuleRef("bench", "version", "bench.yaml", 1), Severity.HIGH, Category.DEPLOYMENT, KIND.name,
        f"service-{number}-{{env}}", ("version",), left, right, "", "", "", None, 1.0,
    )  # fmt: skip


def _realm(name: str) -> Realm:
    names = environment_names(name, others={other: () for other in PAIR if other != name})
    return Realm(name, names.at, lambda _: {}, lambda _: KIND)


@contextmanager
def _store(url: str | None) -> Iterator[tuple[Store, str]]:
    with tempfile.TemporaryDirectory() as folder:
        address = url or f"sqlite:///{Path(folder) / 'auditor.db'}"
        schema.upgrade(address)
        with Store.open(address) as store:
            yield store, address


if __name__ == "__main__":
    sys.exit(main())
