"""How long every page and the API's main answers take: 100 pairs, 20,000 unresolved and 1,000,000 resolved findings.

    python -m bench.pages_http [--store FILE] [--pairs N] [--open N] [--past N] [--rounds N] [--more N] [--json FILE]

Makes the store of `bench.pages` (FILE is made where it is not there), serves the real application on it in a process of
its own, asks each address ROUNDS times after a first time, and prints the median and the 95th percentile as a person's
browser would wait for the last byte. Then asks them all in turn, N times in all, and prints the memory of the process
before and after. Exits 1 where a median is above its limit, memory grew by more than a tenth, or an answer is no answer.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx
import psutil

from auditor.store import FindingQuery, Store
from bench.seeded import NOW, Size, seed

if TYPE_CHECKING:
    from fastapi import Request

    from auditor.daemon.loaded import Loaded

LIMIT_MS = 200.0
MOST_GROWTH = 1.1
_STARTS_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One address: milliseconds until the last byte, and how many bytes came (not compressed).

    `processor` is the milliseconds that the service's process worked for one answer, which a busy machine does not change."""

    name: str
    path: str
    status: int
    median: float
    p95: float
    processor: float
    kilobytes: float


def addresses(store: Store, size: Size) -> Mapping[str, str]:
    """By what they are called."""
    left, right = size.pair(0)
    pair = f"/pairs/{left}/{right}"
    first = store.search(FindingQuery(), limit=50)
    finding = f"/findings/{first.items[0].fingerprint}"
    new, old = (found.id for found in store.snapshots(left, limit=2))
    item = store.listing(new).resources[0]
    resource = urlencode(
        {"kind": item.kind, "identity": item.identity, "source": item.source, "region": item.region or ""}
    )
    api = "/api/v1"
    return {
        "overview": "/",
        "findings, worst first": "/findings",
        "findings, second page": f"/findings?{urlencode({'after': first.next or ''})}",
        "findings, two words": "/findings?text=service+engine",
        "findings, words nobody has": "/findings?text=nowhere+to+be+found",
        "findings, filters": "/findings?severity=high&category=database&owner=team-3",
        "findings, resolved": "/findings?status=resolved",
        "finding": finding,
        "pair": pair,
        "pair, a filter": f"{pair}?severity=critical",
        "match": f"{pair}/match",
        "export, JSON": f"{pair}/export.json",
        "export, HTML": f"{pair}/export.html",
        "versions": "/versions",
        "environments": "/environments",
        "environment, 2,000 resources": f"/environments/{left}",
        "snapshot": f"/environments/{left}/snapshots/{new}",
        "changes between two snapshots": f"/environments/{left}/changes?{urlencode({'from': old, 'to': new})}",
        "audits of a pair": f"{pair}/audits",
        "finding, its timeline": f"{finding}/timeline",
        "resource": f"/environments/{left}/resource?{resource}",
        "readiness, all": "/ready",
        "readiness of one": f"/ready/{left}",
        "waivers": "/waivers",
        "policies": "/policies",
        "policy": "/policies/default",
        "access": "/access",
        "badge": f"/badge/{left}/{right}.svg",
        "API: pairs": f"{api}/pairs",
        "API: overview": f"{api}/overview",
        "API: findings": f"{api}/findings",
        "API: finding": f"{api}{finding}",
        "API: audits": f"{api}/audits",
        "API: environments": f"{api}/environments",
        "API: waivers": f"{api}/waivers",
        "API: versions": f"{api}/versions",
        "API: OpenAPI": f"{api}/openapi.json",
    }


def measure(client: httpx.Client, process: psutil.Process, name: str, path: str, rounds: int) -> Measured:
    """Ask once for what is only made at first, and then `rounds` times."""
    answer = client.get(path)
    took = []
    before = process.cpu_times()
    for _ in range(rounds):
        begun = time.perf_counter()
        answer = client.get(path)
        took.append((time.perf_counter() - begun) * 1000)
    after = process.cpu_times()
    worked = (after.user + after.system - before.user - before.system) * 1000 / rounds
    late = statistics.quantiles(took, n=20)[-1] if len(took) > 1 else took[0]
    size = len(answer.content) / 1000
    return Measured(name, path, answer.status_code, statistics.median(took), late, worked, size)


def memory(client: httpx.Client, process: psutil.Process, paths: Sequence[str], more: int) -> tuple[float, float]:
    """MiB of the process after all were asked once more, and after `more` further requests."""
    for path in paths:
        client.get(path)
    before = process.memory_info().rss / 2**20
    for path in itertools.islice(itertools.cycle(paths), more):
        client.get(path)
    return before, process.memory_info().rss / 2**20


@contextmanager
def served(folder: Path) -> Iterator[tuple[httpx.Client, psutil.Process]]:
    """The application on the company in `folder`, in a process of its own."""
    command = [sys.executable, "-m", "bench.pages_http", "--serve", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise SystemExit("the application did not start")
            with httpx.Client(base_url=url, trust_env=False, timeout=120, headers={"accept": "text/html"}) as client:
                yield client, psutil.Process(process.pid)
        finally:
            process.terminate()


def lay_out(folder: Path, store: Path, size: Size) -> None:
    """The configuration of all pairs. Their sources are never read."""
    names = [name for number in range(size.pairs) for name in size.pair(number)]
    pairs = [dict(zip(("left", "right"), size.pair(number), strict=True)) for number in range(size.pairs)]
    chain = dict(size.pair(number) for number in range(size.pairs))
    source = {"collector": "files", "path": "."}
    environments: dict[str, Any] = {name: {"sources": [source]} for name in names}
    for left, right in chain.items():
        environments[left]["promotes_to"] = right
    config = {"store": f"sqlite:///{store.resolve()}", "environments": environments, "pairs": pairs}
    (folder / "auditor.yaml").write_text(json.dumps(config), encoding="utf-8")


def serve(folder: Path) -> None:
    """Serve it until the process is ended. Everybody is let in, and the clock stands where the store's does."""
    import os

    from auditor.daemon.loaded import load
    from auditor.redact import Redactor
    from auditor.registry import Registry
    from auditor.web.app import State, create_app
    from auditor.web.backend import Backend
    from auditor.web.routes import routers
    from auditor.web.server import Server

    registry = Registry.load()
    found: Loaded = load(folder / "auditor.yaml", registry=registry, environ=os.environ, now=NOW)
    with Store.open(found.config.store, clock=_clock) as store:
        ground = Backend(
            store=store,
            registry=registry,
            redactor=Redactor(b"k" * 32),
            loaded=lambda: found,
            runs=_NoRuns(),
            clock=_clock,
            recorded=lambda: None,
            stopping=lambda: False,
        )
        state = State(dict, dict, lambda _accept: ("text/plain", b""))
        server = Server(create_app(state, routers(), backend=ground, access=_Everybody()), "127.0.0.1", 0)
        server.start()
        print(server.address, flush=True)
        while server.alive:
            time.sleep(1)


def _clock() -> datetime:
    return NOW + timedelta(minutes=5)


class _NoRuns:
    """Nothing is audited here."""

    def ask(self, _left: str, _right: str) -> None:
        return None

    def find(self, _run_id: str) -> None:
        return None


class _Everybody:
    """A gate that is open."""

    def __init__(self) -> None:
        from auditor.web.access import Identity, Scope

        self.identity = Identity("bench", Scope.ADMIN, "local", "k")

    async def identify(self, _request: Request, _wanted: Any) -> Any:
        return self.identity

    def csrf(self, _identity: Any) -> str:
        return "no form is sent"


def main(arguments: Sequence[str] | None = None) -> int:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="python -m bench.pages_http", description=__doc__.splitlines()[0])
    parser.add_argument("--store", type=Path, help="the file; by default one in a temporary folder")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--open", type=int, default=20_000)
    parser.add_argument("--past", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--more", type=int, default=500)
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.serve:
        serve(given.serve)
        return 0
    size = Size(given.pairs, given.open, given.past)
    with tempfile.TemporaryDirectory(prefix="parity-pages-") as name:
        folder = Path(name)
        path = given.store or folder / "auditor.db"
        if not path.exists():
            seed(path, size.pairs, size.open, size.past)
        lay_out(folder, path, size)
        with Store.open(f"sqlite:///{path}", clock=_clock) as store:
            wanted = addresses(store, size)
        with served(folder) as (client, process):
            print(f"{'median':>9} {'95 %':>9} {'processor':>9} {'size':>9}")
            found = []
            for name, address in wanted.items():
                found.append(measure(client, process, name, address, given.rounds))
                _print(found[-1])
            before, after = memory(client, process, list(wanted.values()), given.more)
    print(f"\nmemory: {before:,.0f} MiB, after {given.more} more requests {after:,.0f} MiB")
    if given.json:
        told = {"memory_mib": [before, after], "addresses": [asdict(one) for one in found]}
        given.json.write_text(json.dumps(told, indent=2), encoding="utf-8")
    slow = [one.name for one in found if one.median > LIMIT_MS]
    wrong = [one.name for one in found if one.status != 200]
    print(f"above {LIMIT_MS:.0f} ms: {', '.join(slow) or 'none'}; not answered: {', '.join(wrong) or 'none'}")
    return int(bool(slow or wrong) or after > before * MOST_GROWTH)


def _print(one: Measured) -> None:
    status = "" if one.status == 200 else f"  (answered with {one.status})"
    figures = f"{one.median:6.1f} ms {one.p95:6.1f} ms {one.processor:6.1f} ms {one.kilobytes:6.0f} kB"
    print(f"{figures}  {one.name}{status}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
