"""Fewer looks for garbage while much is made that stays.

Python looks through all that it holds whenever some hundred objects more were made than let go of. An audit makes millions that
live until its end, and would spend half its time on looking through them in vain.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_THRESHOLDS = (200_000, 20, 100)
_lock = threading.Lock()
_inside: list[tuple[int, int, int]] = []


@contextmanager
def relaxed() -> Iterator[None]:
    """Look for garbage less often within the block. Blocks of several threads may overlap: the last to end restores."""
    with _lock:
        # The first one's are those to come back to; the others' are ours.
        _inside.append(gc.get_threshold())
        gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        with _lock:
            first = _inside[0]
            _inside.pop()
            if not _inside:
                gc.set_threshold(*first)
