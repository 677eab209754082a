"""Results as tables of Markdown, which read as plain text, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.speed.results import Row, Target

TITLES = {
    "floor": "The floor: each answer of both sides parsed and hashed",
    "peer": "Peers",
    "judge": "Compare and judge, from stored snapshots",
    "audit": "Whole audits from fresh answers",
    "lists": "One list of 400 rules, 60 % of them changed",
    "condition": "One condition",
    "store": "The store",
    "collect": "Collecting",
    "fanout": "Beyond one machine",
    "start": "Start",
}


def all_tables(rows: Sequence[Row], targets: Sequence[Target], machine: Mapping[str, Any]) -> str:
    parts = [of_machine(machine), of_targets(targets)]
    parts += [
        f"### {title}\n\n{of_rows([one for one in rows if one.section == section])}"
        for section, title in TITLES.items()
        if any(one.section == section for one in rows)
    ]
    return "\n\n".join(parts) + "\n"


def of_machine(machine: Mapping[str, Any]) -> str:
    libraries = ", ".join(
        f"{name} {value}"
        for name, value in machine.items()
        if name not in ("processors", "model", "memory_gib", "system", "python")
    )
    return (
        f"{machine['processors']} processors ({machine['model']}), {machine['memory_gib']:g} GiB, {machine['system']}; "
        f"{machine['python']}; {libraries}. Times are CPU seconds of all threads, where they are not called wall."
    )


def of_targets(targets: Iterable[Target]) -> str:
    word = {True: "yes", False: "**no**", None: "not told"}
    lines = [(one.name, one.measured, one.bound, word[one.met], one.note) for one in targets]
    return _table(("target", "measured", "bound", "met", ""), lines)


def of_rows(rows: Iterable[Row]) -> str:
    lines = []
    for one in rows:
        ratios = ", ".join(f"{_figures(value)}x {name}" for name, value in one.ratios.items())
        lines.append(
            (
                one.name,
                f"{one.resources:,}" if one.resources else "",
                _seconds(one.cpu),
                _seconds(one.wall),
                f"{one.each:,.1f}" if one.each is not None else "",
                f"{one.memory / 1e6:,.0f}" if one.memory is not None else "",
                ratios,
                one.note,
            )
        )
    return _table(("work", "resources", "CPU s", "wall s", "us each", "peak MB", "beside", ""), lines)


def _table(head: tuple[str, ...], lines: Sequence[tuple[str, ...]]) -> str:
    cells = [head, *lines]
    kept = [at for at in range(len(head)) if any(line[at] for line in lines)]
    widths = {at: max(3, *(len(line[at]) for line in cells)) for at in kept}
    rule = [tuple("-" * widths.get(at, 3) for at in range(len(head)))]
    return "\n".join(
        "| " + " | ".join(line[at].ljust(widths[at]) for at in kept) + " |" for line in [head, *rule, *lines]
    )


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.1f}" if value >= 10 else f"{value:.3g}"


def _figures(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"
