"""What a person sees on stderr while environments are read: live bars at a terminal, plain lines in a pipe."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from auditor.cli import write
from auditor.collect import State
from auditor.publish.spelling import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress, TaskID

    from auditor.collect import Progress as Watch

_ENDED = (State.DONE, State.INCOMPLETE, State.FAILED)
_SERVICES_SHOWN = 4


@contextmanager
def watched() -> Iterator[Watch]:
    """Show how collection goes until the block is left; what is yielded is told of every step."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        plain = PlainLines()
        yield plain
        plain.close()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.fields[environment]}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:.0f}/{task.total:.0f} listings"),
        TextColumn("{task.fields[resources]} resources"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[services]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield LiveBars(bars)


@dataclass(slots=True)
class Tally:
    """How far one environment is: listings planned, ended and under way, and the resources each has brought."""

    planned: int = 0
    ended: int = 0
    trouble: int = 0
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    active: dict[tuple[str, str], None] = field(default_factory=dict)

    def note(self, source: str, label: str, state: State, resources: int) -> None:
        """Take in one step. A step without a label is the planning of a source, which is no listing itself."""
        key = (source, label)
        if state is State.FAILED or state is State.INCOMPLETE:
            self.trouble += 1
        if not label:
            return
        self.planned += state is State.PLANNED
        self.counts[key] = resources
        if state in _ENDED:
            self.ended += 1
            self.active.pop(key, None)
        elif state is not State.PLANNED:
            self.active[key] = None

    @property
    def resources(self) -> int:
        return sum(self.counts.values())

    @property
    def services(self) -> str:
        """The services being read now: the first word of what their listings are called."""
        names = list(dict.fromkeys(label.split(".")[0].split(" ")[0] for _, label in self.active))
        more = len(names) - _SERVICES_SHOWN
        return ", ".join(names[:_SERVICES_SHOWN]) + (f" and {more} more" if more > 0 else "")


class LiveBars:
    """A bar per environment, with the services that are being read beside it."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tallies: dict[str, Tally] = {}
        self._rows: dict[str, TaskID] = {}

    def __call__(self, environment: str, source: str, label: str, state: State, count: int) -> None:
        tally = self._tallies.setdefault(environment, Tally())
        tally.note(source, label, state, count)
        if environment not in self._rows:
            self._rows[environment] = self._bars.add_task(
                "", total=0, environment=environment, resources=0, services=""
            )
        self._bars.update(
            self._rows[environment],
            completed=tally.ended,
            total=tally.planned,
            resources=tally.resources,
            services=tally.services,
        )


class PlainLines:
    """A line where something could not be read, and one per environment at the end."""

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}

    def __call__(self, environment: str, source: str, label: str, state: State, count: int) -> None:
        self._tallies.setdefault(environment, Tally()).note(source, label, state, count)
        what = f"{environment}: {source}{f' {label}' if label else ''}"
        if state is State.FAILED:
            write.note(f"{what}: could not be read")
        elif state is State.INCOMPLETE:
            write.note(f"{what}: could not be read completely")

    def close(self) -> None:
        """Say what was read of each environment."""
        for environment, tally in self._tallies.items():
            trouble = f", {tally.trouble} with gaps" if tally.trouble else ""
            read = f"{count(tally.resources, 'resource')} in {count(tally.ended, 'listing')}"
            write.note(f"{environment}: {read}{trouble}")
