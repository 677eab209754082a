"""Waiting for what happens in other threads and processes: on a condition, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def eventually(condition: Callable[[], _T], seconds: float = 60.0) -> _T:
    """What `condition` answers as soon as that is true. Fails when it never is."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{condition} did not come true within {seconds:g} s; last: {found!r}")
        time.sleep(0.02)
    return found
