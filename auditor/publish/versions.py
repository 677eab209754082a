"""`audit versions`: which version of what runs where, since when and by whom; for a terminal, programs and documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table as Grid
from rich.text import Text

from auditor.deployed import short
from auditor.publish.grid import DEFAULT_WIDTH, Page
from auditor.publish.json_report import dump
from auditor.publish.markdown import escape
from auditor.publish.spelling import brief, count, instant, iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.model import Json
    from auditor.rollout import Cell, Column, Table

SCHEMA = 1
FORMATS = ("table", "json", "markdown")


def render(table: Table, format: str, *, width: int | None, color: bool) -> str:  # noqa: A002 - as people type it
    """The table as text that ends with a newline. `format` is one of FORMATS, else ValueError.

    `width` (columns; None: 100) and `color` concern `table` only."""
    match format:
        case "table":
            return _text(table, width, color)
        case "json":
            return dump(versions_object(table))
        case "markdown":
            return _markdown(table)
    raise ValueError(f"unknown format {format!r}; known are {', '.join(FORMATS)}")


def _text(table: Table, width: int | None, color: bool) -> str:
    page = Page(width or DEFAULT_WIDTH, color)
    if table.components:
        grid = Grid(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
        grid.add_column("Component", overflow="fold")
        for column in table.columns:
            grid.add_column(brief(column.environment), overflow="fold")
        for component in table.components:
            style = "yellow" if table.apart(component) else ""
            cells = ["\n".join(_lines(column, component)) for column in table.columns]
            grid.add_row(Text(brief(component), style), *(Text(cell, style) for cell in cells))
        page.table(grid)
    else:
        page.line(
            "No source says which versions run: add version endpoints, task definitions, manifests, GitHub or GitLab."
        )
    page.blank()
    for note in _notes(table):
        page.line(note, style="yellow")
    apart = sum(1 for component in table.components if table.apart(component))
    page.line(f"{count(len(table.components), 'component')}, {apart} not in one version everywhere", style="dim")
    return page.text()


def _lines(column: Column, component: str) -> Iterator[str]:
    """What runs, a line per fact; `-` where nothing does, `?` where that is not known."""
    cells = column.cells.get(component, ())
    if not cells:
        yield "?" if column.hidden or column.snapshot is None else "-"
    for cell in cells:
        yield brief(cell.version)
        yield from (f"  {fact}" for fact in _facts(cell))


def _facts(cell: Cell) -> Iterator[str]:
    if cell.since is not None:
        yield f"{'since' if cell.told else 'seen since'} {instant(cell.since)}"
    if cell.by is not None:
        yield f"by {brief(cell.by)}"
    if cell.digest is not None and short(cell.digest) != cell.version:
        yield f"digest {short(cell.digest)}"
    if cell.commit is not None and short(cell.commit) != cell.version:
        yield f"commit {short(cell.commit)}"


def _notes(table: Table) -> Iterator[str]:
    for column in table.columns:
        if column.snapshot is None:
            yield f"{brief(column.environment)} was never observed: run `audit snapshot {brief(column.environment)}`."
        elif column.hidden:
            hidden = count(column.hidden, "gap")
            yield f"{brief(column.environment)}: {hidden} among what says versions, so more may be deployed there."


def _markdown(table: Table) -> str:
    names = [escape(column.environment) for column in table.columns]
    lines = [f"| component | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for component in table.components:
        cells = ["<br>".join(escape(line.strip()) for line in _lines(column, component)) for column in table.columns]
        lines.append(f"| {escape(component)} | {' | '.join(cells)} |")
    notes = [f"\n{escape(note)}" for note in _notes(table)]
    return "\n".join([*lines, *notes]) + "\n"


def versions_object(table: Table) -> dict[str, Json]:
    """The table as plain JSON values."""
    return {
        "schema": SCHEMA,
        "environments": [
            {
                "environment": column.environment,
                "snapshot": column.snapshot,
                "taken_at": iso(column.taken_at) if column.taken_at else None,
                "gaps": column.hidden,
            }
            for column in table.columns
        ],
        "components": [
            {
                "component": component,
                "same": not table.apart(component),
                "versions": {
                    column.environment: [_cell(cell) for cell in column.cells.get(component, ())]
                    for column in table.columns
                },
            }
            for component in table.components
        ],
    }


def _cell(cell: Cell) -> dict[str, Json]:
    return {
        "version": cell.version,
        "digest": cell.digest,
        "commit": cell.commit,
        "since": iso(cell.since) if cell.since else None,
        "since_told_by": ("source" if cell.told else "snapshots") if cell.since else None,
        "by": cell.by,
    }
