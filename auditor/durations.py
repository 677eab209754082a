"""Durations as people write them."""

from __future__ import annotations

import re
from datetime import timedelta

from auditor.model import Json
from auditor.values import quantity

_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:s|m|h|d)|P(?=.)[0-9DTHMS]*)")
_WEEKS = re.compile(r"([0-9]+)w")
_LONGEST_SECONDS = 1e10


def parse_duration(value: Json) -> timedelta:
    """`24h`, `30m`, `7d`, `2w`, `PT30M`, or seconds as a number. Raises ValueError."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LONGEST_SECONDS:
        return timedelta(seconds=value)
    if isinstance(value, str):
        weeks = _WEEKS.fullmatch(value)
        seconds = int(weeks[1]) * 604800 if weeks else quantity(value) if _DURATION.fullmatch(value) else None
        if seconds is not None and seconds <= _LONGEST_SECONDS:
            return timedelta(seconds=seconds)
    raise ValueError(f"expected a duration, got {value!r}")


def spell(span: timedelta) -> str:
    """A duration in its largest fitting unit: `3 days`, `5 hours`, `20 minutes`."""
    seconds = int(abs(span.total_seconds()))
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return "0 seconds"
