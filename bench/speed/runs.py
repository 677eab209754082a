"""The measurements of one size, in order: floors, peers, whole audits, comparing and judging alone."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from bench.speed import audits, floors, world
from bench.speed.child import Measured, measured
from bench.speed.estate import Edition, Estate
from bench.speed.results import Row, row

BASE, DRIFT, RELEASE, IDS, NEW = range(1, 6)
SHARE = 0.01
EDITIONS = (
    Edition(DRIFT, drift=SHARE),
    Edition(RELEASE, release=SHARE),
    Edition(IDS, ids=SHARE),
    Edition(NEW, new=1),
)
NAIVE_UP_TO = 1_000
"""Pairs up to which what is slow is always measured; above, where it is likely to take less than `PATIENCE`."""
PATIENCE = 60.0
MOST_HELD = 100_000
"""Pairs up to which peers that hold everything in memory are measured."""


@dataclass(frozen=True, slots=True)
class Size:
    """What was measured of one size. `naive` is what DeepDiff of the whole takes in CPU seconds, extrapolated from
    `naive_from` pairs; `judged` and `fresh` compare and judge with what was known in memory, and in a new process."""

    pairs: int
    rows: tuple[Row, ...]
    floor: Measured
    naive: float
    naive_from: int
    judged: Measured
    fresh: Measured
    again: Measured


@dataclass(frozen=True, slots=True)
class _Run:
    """What the measurements of one size have in common."""

    estate: Estate
    folder: Path
    tries: int
    slow: bool
    tell: Callable[[str], None]
    rows: list[Row] = field(default_factory=list)

    @property
    def resources(self) -> int:
        return 2 * self.estate.pairs

    def say(self, text: str) -> None:
        self.tell(f"{self.estate.pairs:,} pairs: {text}")


def measure(pairs: int, *, slow: bool, tries: int, earlier: Size | None, tell: Callable[[str], None]) -> Size:
    """Measure everything at `pairs` pairs. `slow`: what takes minutes, too; `earlier` is the size measured before."""
    with tempfile.TemporaryDirectory(prefix="speed-") as name:
        run = _Run(Estate(pairs), Path(name), tries, slow, tell)
        run.say("writing what the environments answer")
        prepared = measured(audits.prepare, run.folder, run.estate, EDITIONS)
        run.say("floors")
        floor = measured(floors.parse_and_hash, run.folder / "editions" / str(BASE), tries=tries)
        note = f"{prepared.facts['bytes'] / run.resources:,.0f} B each"
        run.rows.append(row("floor", "parse both sides and hash them", run.resources, floor, note))
        naive, naive_from = _peers(run, floor.cpu, earlier)
        again = _audits(run, floor.cpu)
        judged, fresh = _judging(run, floor.cpu, naive)
    return Size(pairs, tuple(run.rows), floor, naive, naive_from, judged, fresh, again)


def _peers(run: _Run, floor: float, earlier: Size | None) -> tuple[float, int]:
    """The CPU seconds of naive DeepDiff, and at how many pairs they were measured."""
    pairs = run.estate.pairs
    estate = replace(run.estate, edition=Edition(DRIFT, drift=SHARE), alike=True)

    def add(name: str, found: Measured) -> None:
        run.rows.append(row("peer", name, run.resources, found, of_the_floor=found.cpu / floor))

    if pairs <= MOST_HELD:
        run.say("joins")
        fresh = "join on fresh hashes, "
        add(fresh + "DeepDiff for unequal pairs", measured(partial(floors.join_fresh, library=True), estate))
        add(fresh + "leaf comparison", measured(partial(floors.join_fresh, library=False), estate))
        add("join on stored hashes, leaf comparison", measured(floors.join_stored, estate))
        run.say("normalising in plain Python")
        add("normalise all in plain Python, structure", measured(partial(floors.walk, regexes=False), estate))
        add("normalise all in plain Python, with regexes", measured(partial(floors.walk, regexes=True), estate))
    if pairs <= NAIVE_UP_TO:
        run.say("DeepDiff pair by pair")
        add("DeepDiff pair by pair", measured(floors.deepdiff_by_pair, estate))
    name = "naive DeepDiff(left, right) of the whole"
    likely = earlier.naive * pairs / earlier.pairs if earlier is not None else 0.0
    if earlier is None or pairs <= NAIVE_UP_TO or (pairs <= 10 * NAIVE_UP_TO and (run.slow or likely < PATIENCE)):
        run.say(name)
        found = measured(floors.deepdiff_whole, estate)
        add(name, found)
        return found.cpu, pairs
    note = f"extrapolated in proportion from {earlier.naive_from:,} pairs"
    run.rows.append(Row("peer", name, run.resources, likely, None, None, {"of the floor": likely / floor}, note))
    return likely, earlier.naive_from


def _audits(run: _Run, floor: float) -> Measured:
    """Whole audits from fresh answers; the one in which 1 % changed. All but the first begin with the same store: after a
    first and an unchanged audit."""
    folder = run.folder

    def add(name: str, found: Measured) -> None:
        note = f"{found.facts['findings']:,} findings"
        run.rows.append(row("audit", name, run.resources, found, note, of_the_floor=found.cpu / floor))

    run.say("first audit")
    add("first audit, nothing known", measured(audits.audit, folder, BASE))
    run.say("audits after it")
    measured(audits.audit, folder, BASE)
    world.keep(folder, "after")
    back = partial(world.put_back, folder, "after")
    add("nothing changed", measured(audits.audit, folder, BASE, tries=run.tries, before=back))
    again = measured(audits.audit, folder, DRIFT, tries=run.tries, before=back)
    add("1 % drifted", again)
    add(
        "1 % drifted, in a service that goes on running", measured(audits.audit_again, folder, BASE, DRIFT, before=back)
    )
    add("1 % released on both sides", measured(audits.audit, folder, RELEASE, before=back))
    add("1 % of the services made anew (other ids)", measured(audits.audit, folder, IDS, before=back))
    add("one new resource that others may refer to", measured(audits.audit, folder, NEW, before=back))
    back()
    return again


def _judging(run: _Run, floor: float, naive: float) -> tuple[Measured, Measured]:
    """From loaded snapshots to the judgement, where all is known of all but what drifted."""
    folder = run.folder
    run.say("comparing and judging")
    first = measured(audits.latest, folder).facts["snapshots"]
    drifted = measured(audits.keep_snapshots, folder, DRIFT).facts["snapshots"]
    world.keep(folder, "drifted")
    back = partial(world.put_back, folder, "drifted")
    judged = measured(audits.judge_loaded, folder, drifted, first, tries=run.tries, before=back)
    fresh = measured(audits.judge_loaded, folder, drifted, None, tries=run.tries, before=back)
    for name, found in (
        ("1 % drifted, what was known is in memory", judged),
        ("1 % drifted, in a new process that loads what was known", fresh),
    ):
        ratios = {"of the floor": found.cpu / floor, "faster than naive": naive / found.cpu}
        note = f"{found.facts['breaches']:,} breaches"
        run.rows.append(replace(row("judge", name, run.resources, found, note), ratios=ratios))
    return judged, fresh
