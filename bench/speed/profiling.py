"""Where the time of a re-audit goes: every thread profiled, by the time spent in a function itself; and who reads documents."""

from __future__ import annotations

import cProfile
import io
import pstats
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

from auditor.document import Document
from auditor.model import Json
from auditor.pipeline import audit_now
from bench.speed import audits, world
from bench.speed.child import Stopwatch
from bench.speed.estate import Edition, Estate

_READERS = 15
_DEPTH = 6


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
        with world.opened(folder) as here, _profiled() as found, _reads_counted() as reads:
            audit_now(here.config, audits.LEFT, audits.RIGHT, here.tools)
    told = "".join(f"{count:8,}  {who}\n" for who, count in reads.most_common(_READERS))
    return f"{_printed(found, lines)}Documents parsed, by whom:\n{told}"


@contextmanager
def _reads_counted() -> Iterator[Counter[str]]:
    """Counts by callers how often a document is parsed: each that is not meant to be costs more than all else of a resource."""
    counted: Counter[str] = Counter()
    plain = Document.plain

    def counting(document: Document) -> dict[str, Json]:
        counted[_callers(sys._getframe(1))] += 1
        return plain(document)

    with mock.patch.object(Document, "plain", counting):
        yield counted


def _callers(frame: FrameType | None) -> str:
    names: list[str] = []
    while frame is not None and len(names) < _DEPTH:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("auditor.") and module != Document.__module__:
            names.append(f"{module.removeprefix('auditor.')}:{frame.f_code.co_name}")
        frame = frame.f_back
    return " < ".join(names)


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
