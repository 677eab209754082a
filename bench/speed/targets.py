"""What was promised, held against what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.speed.results import Target
from bench.speed.runs import Size

ABOUT = 100_000
"""Pairs that the promises are about."""
_GROWTH = 1.2
WANTED: Mapping[str, Sequence[tuple[str, str, float, bool]]] = {
    "collecting": (
        ("of_floor", "wall of the longest chain, or of boto3's CPU", 1.3, False),
        ("over_custodian", "faster than Cloud Custodian", 8.0, True),
        ("over_custodian_of_eight", "faster than eight of its processes", 2.0, True),
    ),
    "fanout": (("times as fast with four", "four workers against one", 3.2, True),),
    "starting": (("help of bare python", "audit --help beside python -c pass", 5.0, False),),
}
"""By benchmark: the fact, what it is, its bound, and whether more is better."""


def of_sizes(sizes: Sequence[Size]) -> list[Target]:
    """Comparing and judging, whole re-audits, and how both grow."""
    first, last = sizes[0], sizes[-1]
    about = next((one for one in sizes if one.pairs == ABOUT), last)
    note = "" if about.pairs == ABOUT else f"measured at {about.pairs:,} pairs only"
    faster = about.naive / about.judged.cpu
    memory = about.fresh.memory
    growth = (last.again.cpu / last.pairs) / (first.again.cpu / first.pairs)
    reach = f"from {2 * first.pairs:,} to {2 * last.pairs:,} resources"
    return [
        _held("compare and judge: faster than naive DeepDiff", f"{faster:,.0f}x", "200x", faster >= 200, note),
        _below("compare and judge: of the floor", about.judged.cpu / about.floor.cpu, 0.5, note),
        _below("compare and judge in a new process: of the floor", about.fresh.cpu / about.floor.cpu, 0.5, note),
        _held("compare and judge: memory", f"{memory / 1e6:,.0f} MB", "500 MB", memory < 500e6, note),
        _below("whole re-audit, 1 % changed: of the floor", about.again.cpu / about.floor.cpu, 3.0, note),
        Target(
            f"whole re-audit: growth per resource {reach}",
            f"{growth:.2f}x",
            f"{_GROWTH}x",
            growth <= _GROWTH if last.pairs >= ABOUT else None,
            "" if last.pairs >= 5 * ABOUT else "to 1,000,000 resources with --full",
        ),
    ]


def of_store(steps: Mapping[str, Mapping[str, float]], size: int) -> list[Target]:
    """What an unchanged snapshot adds and takes."""
    if not steps:
        return [Target("an unchanged snapshot", "not measured", "50 kB, raw rows", None)]
    note = "" if size == ABOUT else f"measured with {size:,} resources only"
    unchanged, raw = steps["unchanged"], steps["raw rows of (key, hash)"]
    adds = unchanged["bytes"]
    return [
        _held("an unchanged snapshot adds", f"{adds / 1e3:,.0f} kB", "50 kB", adds < 50e3, note),
        _below("an unchanged snapshot: of the time of raw rows", unchanged["seconds"] / raw["seconds"], 1.0, note),
    ]


def of_part(name: str, facts: Mapping[str, Any], wanted: Sequence[tuple[str, str, float, bool]]) -> list[Target]:
    """`wanted` names a fact, says what it is, its bound, and whether more is better."""
    found = []
    for key, what, bound, more in wanted:
        value = facts.get(key)
        if not isinstance(value, int | float):
            found.append(Target(f"{name}: {what}", "not measured", f"{bound:g}x", None))
        elif more:
            found.append(Target(f"{name}: {what}", f"{value:.2f}x", f"at least {bound:g}x", value >= bound))
        else:
            found.append(_below(f"{name}: {what}", value, bound))
    return found


def _below(name: str, ratio: float, bound: float, note: str = "") -> Target:
    return _held(name, f"{ratio:.2f}x", f"under {bound:g}x", ratio < bound, note)


def _held(name: str, measured: str, bound: str, met: bool, note: str) -> Target:
    """With a note, which says that it was measured at another size than is promised, it is neither met nor missed."""
    return Target(name, measured, bound, None if note else met, note)
