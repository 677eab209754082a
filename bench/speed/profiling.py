"""Where the time of a re-audit goes: every thread profiled, sorted by the time spent in a function itself."""

from __future__ import annotations

import cProfile
import io
import pstats
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from auditor.pipeline import audit_now
from bench.speed import audits, world
from bench.speed.child import Stopwatch
from bench.speed.estate import Edition, Estate


def profile(pairs: int, *, cold: bool, lines: int = 25) -> str:
    """The profile of one audit of an estate: the first one (`cold`), or one after it in which 1 % changed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        audits.prepare(Stopwatch(), folder, Estate(pairs), (Edition(2, drift=0.01),))
        if not cold:
            audits.audit(Stopwatch(), folder, 1)
            world.turn_to(folder, 2)
        else:
            world.turn_to(folder, 1)
        with world.opened(folder) as here, _profiled() as found:
            audit_now(here.config, audits.LEFT, audits.RIGHT, here.tools)
    return _printed(found, lines)


@contextmanager
def _profiled() -> Iterator[list[cProfile.Profile]]:
    """Profiles this thread and all that begin while it lasts, by CPU time: who waits for another costs nothing."""
    found = [cProfile.Profile(time.thread_time)]

    def begin(_frame: FrameType, _event: str, _argument: Any) -> None:
        own = cProfile.Profile(time.thread_time)
        found.append(own)
        own.enable()

    threading.setprofile(begin)
    found[0].enable()
    try:
        yield found
    finally:
        found[0].disable()
        threading.setprofile(None)  # type: ignore[arg-type]  # takes None, says its documentation


def _printed(profiles: list[cProfile.Profile], lines: int) -> str:
    text = io.StringIO()
    stats: pstats.Stats | None = None
    for one in profiles:
        # Not `create_stats`, which would stop this thread's profiler instead of the one that has ended.
        one.snapshot_stats()  # type: ignore[attr-defined]
        if not one.stats:  # type: ignore[attr-defined]
            continue
        one.create_stats = lambda: None  # type: ignore[method-assign]
        if stats is None:
            stats = pstats.Stats(one, stream=text)
        else:
            stats.add(one)
    assert stats is not None
    stats.sort_stats("tottime").print_stats(lines)
    return text.getvalue()
