"""What the product costs beside its floor and its peers, measured in one run.

    python -m bench.speed [--sizes N,N] [--full] [--json FILE] [--report FILE] [--only PART,PART]
    python -m bench.speed --profile N [--cold]

Sizes are pairs of resources: there are twice as many resources. Each measurement runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from bench.speed import conditions, elsewhere, floors, runs, targets
from bench.speed.child import measured
from bench.speed.profiling import profile
from bench.speed.report import rewritten
from bench.speed.results import Row, Target, machine, row
from bench.speed.tables import all_tables

SIZES = (1_000, 10_000, 100_000)
FULL = 500_000
"""Pairs: a million resources."""
RULES = 400
ELSEWHERE = (
    ("collect", "collecting", "collecting"),
    ("fanout", "fanout", "engine"),
    ("start", "starting", "start"),
)
PARTS = ("estate", "lists", "conditions", "store", *(module for _, module, _ in ELSEWHERE))


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _asked(arguments)
    if asked.profile:
        print(profile(asked.profile, cold=asked.cold))
        return 0
    began = time.perf_counter()

    def tell(text: str) -> None:
        print(f"{time.perf_counter() - began:7.0f} s  {text}", file=sys.stderr, flush=True)

    sizes = sorted({*asked.sizes, *([FULL] if asked.full else [])})
    rows: list[Row] = []
    reached: list[Target] = []
    for part in asked.only:
        tell(part)
        more, others = _measured(part, sizes, asked.full, tell)
        rows, reached = rows + more, reached + others
    here = machine()
    print(all_tables(rows, reached, here))
    if asked.json:
        asked.json.write_text(json.dumps(_plain(rows, reached, here), indent=2) + "\n")
    if asked.report:
        asked.report.write_text(rewritten(asked.report.read_text(), rows, reached, here))
    return 0


def _estates(sizes: Sequence[int], slow: bool, tell: Callable[[str], None]) -> tuple[list[Row], list[Target]]:
    found: list[runs.Size] = []
    for pairs in sizes:
        earlier = found[-1] if found else None
        tries = 3 if pairs <= targets.ABOUT else 1
        found.append(runs.measure(pairs, slow=slow, tries=tries, earlier=earlier, tell=tell))
    order = ("floor", "peer", "judge", "audit")
    rows = sorted((one for size in found for one in size.rows), key=lambda one: order.index(one.section))
    return rows, targets.of_sizes(found)


def _measured(
    part: str, sizes: Sequence[int], slow: bool, tell: Callable[[str], None]
) -> tuple[list[Row], list[Target]]:
    if part == "estate":
        return _estates(sizes, slow, tell)
    if part == "lists":
        return _lists(), []
    if part == "conditions":
        return _conditions(), []
    if part == "store":
        size = min(sizes[-1], targets.ABOUT)
        rows, steps = elsewhere.store_rows(size)
        return rows, targets.of_store(steps, size)
    section, module, name = next(one for one in ELSEWHERE if one[1] == part)
    rows, facts = elsewhere.part_rows(section, module)
    return rows, targets.of_part(name, facts, targets.WANTED[module])


def _lists() -> list[Row]:
    slow = measured(partial(floors.ignore_order, keyed=False), RULES)
    keyed = measured(partial(floors.ignore_order, keyed=True), RULES)
    return [
        row("lists", "DeepDiff with ignore_order", RULES, slow, of_keyed_first=slow.cpu / keyed.cpu),
        row("lists", "DeepDiff, keyed first", RULES, keyed),
    ]


def _conditions() -> list[Row]:
    runs_of = {form: measured(conditions.condition, form) for form in conditions.FORMS}
    return [row("condition", form, run.facts["rounds"], run) for form, run in runs_of.items()]


def _plain(rows: Sequence[Row], reached: Sequence[Target], here: dict[str, Any]) -> dict[str, Any]:
    told = [{**asdict(one), "microseconds_each": one.each} for one in rows]
    return {"machine": here, "targets": [asdict(one) for one in reached], "rows": told}


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description=str(__doc__).splitlines()[0])
    parser.add_argument("--sizes", type=_sizes, default=SIZES, help="pairs of resources, smallest first: 1000,10000")
    parser.add_argument(
        "--full", action="store_true", help="a million resources, too, and everything that takes minutes"
    )
    parser.add_argument("--json", type=Path, help="write the results there, too")
    parser.add_argument("--report", type=Path, help="write the tables between the marks of this page")
    parser.add_argument("--only", type=_parts, default=PARTS, help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--profile", type=int, metavar="PAIRS", help="print where the time of one re-audit goes")
    parser.add_argument("--cold", action="store_true", help="with --profile: of a first audit instead")
    return parser.parse_args(arguments)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(one) for one in text.split(",")))


def _parts(text: str) -> tuple[str, ...]:
    asked = text.split(",")
    wrong = [one for one in asked if one not in PARTS]
    if wrong:
        raise argparse.ArgumentTypeError(f"there is no {', '.join(wrong)}: choose among {', '.join(PARTS)}")
    return tuple(part for part in PARTS if part in asked)


if __name__ == "__main__":
    sys.exit(main())
