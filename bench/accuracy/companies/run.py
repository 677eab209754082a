"""Measures a range of seeds, side by side, and writes what came of it into the page."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from bench.accuracy.companies.measure import Outcome, bench, measure
from bench.accuracy.companies.tables import headline, reached, show, tables

FRAGMENT = Path(__file__).parents[1] / "companies.md"
"""The last published measurement, which every writing of the page takes over."""
_BEGIN, _END = "<!-- generated companies: made by `make corpus` -->", "<!-- end of generated companies -->"
_CHUNK = 4


def run(seeds: Sequence[int], page: Path | None, jobs: int) -> int:
    """Measure the seeds, print the tables, write them into `page`. 0 when the targets are reached, else 1."""
    drifted = measured(seeds, jobs, identical=False)
    identical = measured(seeds, jobs, identical=True)
    text = f"Seeds {seeds[0]} to {seeds[-1]}.\n\n{tables(drifted, identical)}\n"
    print(text)
    if page is not None:
        FRAGMENT.write_text(text)
        page.write_text(with_companies(page.read_text()))
    return 0 if reached(drifted, identical) else 1


def explain(seed: int) -> None:
    """Print what one seed's audits got wrong."""
    with bench() as tools:
        drifted, identical = measure(seed, tools), measure(seed, tools, identical=True)
    print(headline([drifted], [identical]), show(drifted, identical), sep="\n")


def measured(seeds: Sequence[int], jobs: int, *, identical: bool) -> list[Outcome]:
    """The outcomes in the order of the seeds, whatever the number of processes."""
    chunks = [seeds[start : start + _CHUNK] for start in range(0, len(seeds), _CHUNK)]
    found: list[Outcome] = []
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        for outcomes in pool.map(partial(_chunk, identical=identical), chunks):
            found += outcomes
            if sys.stderr.isatty():
                print(f"\r{len(found)} of {len(seeds)}", end="", file=sys.stderr)
    return found


def _chunk(seeds: Sequence[int], *, identical: bool) -> list[Outcome]:
    with bench() as tools:
        return [measure(seed, tools, identical=identical) for seed in seeds]


def section() -> str:
    """What the page says of generated companies, between its marks."""
    intro = (Path(__file__).parents[1] / "companies-intro.md").read_text()
    figures = FRAGMENT.read_text() if FRAGMENT.exists() else "Not measured yet: `make corpus`.\n"
    return f"{_BEGIN}\n{intro}\n{figures}{_END}\n"


def with_companies(page: str) -> str:
    """The page with this section in place of the one it has."""
    pattern = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}\n", re.DOTALL)
    return pattern.sub(lambda _: section(), page) if pattern.search(page) else f"{page}\n{section()}"
