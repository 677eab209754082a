"""What auditing thousands of accounts would take: requests, workers, time, store and money, simulated.

    python -m bench.simulation [--accounts N] [--regions N] [--kinds N] [--hours H] [--write docs/performance.md] ...

Every hour all accounts are read. A worker has threads; a thread takes the next listing (an account's kinds of one service in
one region, or a region that nobody uses) and makes its requests one after the other, no faster than the account's limit for
that service and than the worker's processors allow. Sizes of accounts are drawn, always alike. Nothing is asked of anybody.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path

from bench.simulated_calls import Asked, kinds
from bench.speed.report import between

_HOUR = 3600.0
_MONTH = 730.0
_YEAR = 8760.0


@dataclass(frozen=True, slots=True)
class World:
    """What is assumed. Times in seconds, sizes in bytes, money in dollars."""

    accounts: int = 2000
    regions: int = 17
    kinds: int = 60
    hours: float = 1.0  # between two looks at the same thing
    active: int = 2  # regions that an account really uses
    typical: int = 300  # resources of a typical account in each of those
    spread: float = 1.0  # sigma of the logarithm of an account's size
    changed: float = 0.005  # share of resources that change in a day
    latency: float = 0.08  # of one request
    cpu: float = 0.0032  # of one request, boto3's own
    threads: int = 32  # of one worker
    processors: float = 1.0  # of one worker
    judged: float = 35e-6  # CPU of one resource in a re-audit, without its requests
    held: float = 3000.0  # memory of one resource in the process that judges
    price: float = 0.05  # of a processor for an hour
    unchanged_bytes: float = 300.0  # what one source adds to the store where nothing changed
    changed_bytes: float = 4300.0  # what one changed resource adds
    first_bytes: float = 1200.0  # what one resource adds when it is first seen
    pairs: int = 20  # of environments that the accounts belong to
    idle_hours: float = 1.0  # between two looks at regions that nobody uses
    proven: bool = True  # details left out where a listing proves that nothing changed
    told: bool = False  # only what events tell of is read again, and everything once a day
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Sweep:
    """One look at everything. `calls` are requests; `slowest` seconds that the longest listing alone takes; `busiest` the
    service whose limit is used most, and `used` that share of it."""

    calls: float
    empty: float
    resources: int
    largest: int
    slowest: float
    busiest: str
    used: float
    workers: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Listing:
    """What a thread does in one go: requests at most `rate` a second."""

    calls: float
    rate: float


def simulate(world: World) -> Sweep:
    """Read everything once, with as few workers as suffice."""
    listings, resources, largest = _listings(world)
    idle = _idle(world)
    each_hour = world.hours / max(world.hours, world.idle_hours)
    regions = world.accounts * (world.regions - world.active)
    empty = idle.calls * regions * each_hour
    share = _read_again(world)
    work = [_Listing(one.calls * share, one.rate) for one in listings]
    work += [idle] * round(regions * each_hour * share)
    service, used = _busiest(world)
    window = world.hours * _HOUR * 0.8
    workers, seconds = _fewest(world, work, window)
    return Sweep(
        calls=sum(one.calls for one in work),
        empty=empty * share,
        resources=resources,
        largest=largest,
        slowest=max(max(one.calls * world.latency, one.calls / one.rate) for one in work),
        busiest=service,
        used=used * share,
        workers=workers,
        seconds=seconds,
    )


def _read_again(world: World) -> float:
    """The share of all listings that is read in one interval: all of them, or those that events tell of and a day's share."""
    if not world.told:
        return 1.0
    a_day = world.hours / 24
    # An event makes one listing of one service be read again; a listing holds as many resources as it has requests, roughly.
    per_listing = world.typical / 30
    return min(1.0, a_day + 1 - (1 - world.changed * a_day) ** per_listing)


def _sizes(world: World) -> Iterator[float]:
    drawn = random.Random(world.seed)
    for _ in range(world.accounts):
        yield drawn.lognormvariate(0.0, world.spread)


@cache
def _by_service(most: int) -> dict[tuple[str, bool], tuple[Asked, ...]]:
    found: dict[tuple[str, bool], tuple[Asked, ...]] = {}
    for one in kinds(most):
        key = one.service, one.everywhere
        found[key] = (*found.get(key, ()), one)
    return found


def _listings(world: World) -> tuple[list[_Listing], int, int]:
    """Those of regions in use; how many resources they hold, and how many the largest account has."""
    per_resource = sum(1 if one.everywhere else world.active for one in kinds(world.kinds))
    made: dict[int, list[_Listing]] = {}
    found: list[_Listing] = []
    resources = largest = 0
    for size in _sizes(world):
        each = max(1, round(world.typical * size / world.kinds))
        resources, largest = resources + each * per_resource, max(largest, each * per_resource)
        if each not in made:
            made[each] = list(_of_account(world, each))
        found += made[each]
    return found, resources, largest


def _of_account(world: World, each: int) -> Iterator[_Listing]:
    """The listings of an account with `each` resources of every kind, in each region that it uses."""
    for (_, everywhere), asked in _by_service(world.kinds).items():
        calls = sum(kind.calls(each, unchanged=world.proven) for kind in asked)
        yield from [_Listing(calls, asked[0].rate)] * (1 if everywhere else world.active)


def _idle(world: World) -> _Listing:
    """A region that nobody uses: each listing is empty."""
    regional = [one for one in kinds(world.kinds) if not one.everywhere]
    return _Listing(float(len(regional)), math.inf)


def _busiest(world: World) -> tuple[str, float]:
    """The service whose limit the largest account uses most, and the share of the interval that this takes."""
    each = max(1, round(world.typical * max(_sizes(world)) / world.kinds))
    shares = {
        service: sum(kind.calls(each, unchanged=world.proven) for kind in asked) / asked[0].rate
        for (service, _), asked in _by_service(world.kinds).items()
    }
    name = max(shares, key=lambda service: shares[service])
    return name, shares[name] / (world.hours * _HOUR)


def _fewest(world: World, work: Sequence[_Listing], window: float) -> tuple[int, float]:
    """Workers that end within `window` seconds, and when they do: at least as many as if no thread ever waited at the end."""
    taken = _seconds(world, work)
    if max(taken) > window:
        raise ValueError("no number of workers suffices: one listing alone takes longer than the interval")
    workers = math.ceil(sum(taken) / window / world.threads)
    while (seconds := _makespan(world, taken, workers)) > window:
        workers += 1
    return workers, seconds


def _makespan(world: World, taken: Sequence[float], workers: int) -> float:
    """Seconds until the last listing is read: each free thread takes the next one. `taken` are the seconds of each."""
    free = [0.0] * (workers * world.threads)
    for seconds in taken:
        heapq.heapreplace(free, free[0] + seconds)
    return max(free)


def _seconds(world: World, work: Sequence[_Listing]) -> list[float]:
    # Where all threads of a worker are busy, its processors are what a request waits for, if that is longer.
    request = max(world.latency, world.threads * world.cpu / world.processors)
    return [max(one.calls * request, one.calls / one.rate) for one in work]


def table(world: World) -> str:
    """What it takes, first as it is, then with what comes next."""
    variants = (
        ("everything every time", replace(world, proven=False)),
        ("details left out where a listing proves it", world),
        ("and regions that nobody uses once a day", replace(world, idle_hours=24.0)),
        ("and only what events tell of, all once a day", replace(world, idle_hours=24.0, told=True)),
    )
    sweeps = [(name, one, simulate(one)) for name, one in variants]
    head = ("", *(name for name, _, _ in sweeps))
    rows = [head, tuple("---" for _ in head)]
    rows += [(label, *(told(one, sweep) for _, one, sweep in sweeps)) for label, told in _LINES]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def _a_year(world: World, sweep: Sweep) -> float:
    looks = _YEAR / world.hours
    kept = sweep.resources * world.first_bytes
    return kept + world.accounts * world.unchanged_bytes * looks + _changes(world, sweep) * 365 * world.changed_bytes


def _changes(world: World, sweep: Sweep) -> float:
    return sweep.resources * world.changed


def _judging(world: World, sweep: Sweep) -> float:
    """CPU seconds of one round of audits, without requests."""
    return sweep.resources * world.judged


def _reading(world: World, sweep: Sweep) -> float:
    return sweep.calls * world.cpu


def _money(world: World, sweep: Sweep) -> float:
    """A month of processors that are used, not of machines that wait."""
    return (_judging(world, sweep) + _reading(world, sweep)) / _HOUR / world.hours * _MONTH * world.price


_LINES = (
    ("requests an hour", lambda world, sweep: f"{sweep.calls / world.hours:,.0f}"),
    ("of these, in regions that nobody uses", lambda _, sweep: f"{sweep.empty / sweep.calls:.0%}"),
    ("resources", lambda _, sweep: f"{sweep.resources:,}"),
    ("of these, in the largest account", lambda _, sweep: f"{sweep.largest:,}"),
    ("the limit used most, in the largest account", lambda _, sweep: f"{sweep.busiest}, {sweep.used:.0%}"),
    ("longest single listing", lambda _, sweep: f"{sweep.slowest:,.0f} s"),
    ("workers of one processor", lambda _, sweep: f"{sweep.workers:,}"),
    ("a sweep with them", lambda _, sweep: f"{sweep.seconds / 60:,.0f} min"),
    ("CPU of requests, each sweep", lambda world, sweep: f"{_reading(world, sweep) / 60:,.1f} min"),
    ("CPU of auditing, each sweep", lambda world, sweep: f"{_judging(world, sweep) / 60:,.1f} min"),
    ("memory of auditing one pair", lambda world, sweep: f"{sweep.resources / world.pairs * world.held / 1e9:,.1f} GB"),
    ("store after a year", lambda world, sweep: f"{_a_year(world, sweep) / 1e9:,.0f} GB"),
    ("processors, a month", lambda world, sweep: f"${_money(world, sweep):,.0f}"),
)


def assumptions(world: World) -> str:
    """What the table rests on, a line each."""
    return (
        "\n".join(f"- `{one.name}`: {getattr(world, one.name):,}" for one in fields(world) if one.name != "seed") + "\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.simulation", description=str(__doc__).splitlines()[0])
    for one in fields(World):
        kind = type(one.default)
        if kind is bool:
            parser.add_argument(f"--{one.name}", action=argparse.BooleanOptionalAction, default=one.default)
        else:
            parser.add_argument(f"--{one.name.replace('_', '-')}", type=kind, default=one.default)
    parser.add_argument("--write", type=Path, help="write the table between the marks of this page, too")
    asked = vars(parser.parse_args(arguments))
    page: Path | None = asked.pop("write")
    text = table(World(**asked))
    print(text)
    if page is not None:
        page.write_text(between(page.read_text(), "simulation", text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
