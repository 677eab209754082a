"""What is measured by benchmarks of their own: the store, collecting, the engine, the start; and conditions.

A part that fails or is not installed is a row that says so, never a missing row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from bench.speed.child import ChildFailed, Measured, Stopwatch, measured
from bench.speed.results import Row


def rows_of(stopwatch: Stopwatch, size: int) -> None:
    """What a snapshot of `size` resources costs the store."""
    with stopwatch.running():
        stopwatch.facts |= import_module("bench.rows").measure(size)


def part(stopwatch: Stopwatch, module: str) -> None:
    """What `bench.MODULE` measures."""
    with stopwatch.running():
        stopwatch.facts |= import_module(f"bench.{module}").measure()


def tried(section: str, work: Callable[..., None], *arguments: Any) -> Measured | Row:
    """The measurement, or the row that says why there is none."""
    try:
        return measured(work, *arguments)
    except ChildFailed as failure:
        return Row(section, "not measured", note=str(failure))


def store_rows(size: int) -> tuple[list[Row], Mapping[str, Mapping[str, float]]]:
    """A row for each step, and the steps' seconds and bytes by name; none where the benchmark failed."""
    run = tried("store", rows_of, size)
    if isinstance(run, Row):
        return [run], {}
    steps: dict[str, dict[str, float]] = run.facts
    raw = steps["raw rows of (key, hash)"]["seconds"]
    rows = [
        Row(
            "store",
            name,
            size,
            None,
            cost["seconds"],
            None,
            {"of raw rows": cost["seconds"] / raw},
            f"{cost['bytes'] / 1e6:,.2f} MB" if name != "loaded" else "",
        )
        for name, cost in steps.items()
    ]
    return rows, steps


def part_rows(section: str, module: str) -> tuple[list[Row], Mapping[str, Any]]:
    """What another benchmark measured: numbers are told as they are, mappings of `seconds` as times."""
    run = tried(section, part, module)
    if isinstance(run, Row):
        return [run], {}
    return [_told(section, name, value) for name, value in run.facts.items()], run.facts


def _told(section: str, name: str, value: Any) -> Row:
    if isinstance(value, Mapping):
        more = {key: number for key, number in value.items() if key not in ("seconds", "cpu")}
        note = ", ".join(
            f"{key} {number:,.6g}" if isinstance(number, int | float) else f"{key} {number}"
            for key, number in more.items()
        )
        return Row(section, name, None, value.get("cpu"), value.get("seconds"), None, {}, note)
    return Row(section, name, note=f"{value:,.6g}" if isinstance(value, int | float) else str(value))
