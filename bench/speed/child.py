"""Measure a function in a process of its own: nothing that was measured before warms it or fills its memory."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

_KIB = 1024


class ChildFailed(RuntimeError):
    """A measurement ended without a result. The message is what its process said last."""


@dataclass(slots=True)
class Stopwatch:
    """CPU seconds of all threads, and wall seconds, between entering and leaving `running`, summed."""

    cpu: float = 0.0
    wall: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def running(self) -> Iterator[None]:
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        self.cpu += time.process_time() - cpu
        self.wall += time.perf_counter() - wall


@dataclass(frozen=True, slots=True)
class Measured:
    """`cpu` and `wall` in seconds, `memory` the most bytes that the process held, `facts` what was found besides."""

    cpu: float
    wall: float
    memory: int
    facts: dict[str, Any]


def measured(
    work: Callable[..., None], *arguments: Any, tries: int = 1, before: Callable[[], None] | None = None
) -> Measured:
    """Run `work(stopwatch, *arguments)`, a function of some module, `tries` times, each in a new process; the fastest one.

    `before` is called here before each. Raises ChildFailed where a process ends without a result."""
    runs = []
    for _ in range(tries):
        if before is not None:
            before()
        runs.append(_once(work, arguments))
    return min(runs, key=lambda run: run.cpu)


def _once(work: Callable[..., None], arguments: tuple[Any, ...]) -> Measured:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(theirs, work, arguments))
    process.start()
    theirs.close()
    try:
        found: Measured | str = ours.recv()
    except EOFError as error:
        process.join()
        raise ChildFailed(f"its process ended with exit code {process.exitcode}") from error
    process.join()
    if isinstance(found, str):
        raise ChildFailed(found)
    return found


def _run(pipe: Connection, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    stopwatch = Stopwatch()
    try:
        work(stopwatch, *arguments)
    except Exception as error:  # whatever the work raises: it is told to the process that asked, and ends this one
        pipe.send(f"{type(error).__name__}: {error}")
        raise
    pipe.send(Measured(stopwatch.cpu, stopwatch.wall, peak_memory(), stopwatch.facts))


def peak_memory() -> int:
    """The most bytes of memory that this process ever held."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: a new process inherits the number of the one that started it.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * _KIB
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * _KIB
