"""Read a schedule in cron's five fields, and say what is wrong with one.

Weekdays count as in cron (0 and 7 are Sunday), names (`mon`, `jan`) and the common words (`@hourly`) are understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORDS: Mapping[str, str] = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MONTHS = dict(zip("jan feb mar apr may jun jul aug sep oct nov dec".split(), range(1, 13), strict=True))
_WEEKDAYS = dict(zip("sun mon tue wed thu fri sat".split(), range(7), strict=True))
_FIELDS: tuple[tuple[str, int, int, Mapping[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _WEEKDAYS),
)
_PART = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>[0-9]+))?")


class ScheduleError(ValueError):
    """The text is not a schedule; the message names the field."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a pair is audited. Each field holds the values at which it is due; weekdays are 0 (Sunday) to 6.

    As in cron, where both days are restricted, either is enough: `either_day` is then true.
    """

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool


def parse_schedule(text: str) -> Schedule:
    """Read `*/15 * * * *` or `@hourly`. Raises ScheduleError."""
    word = text.strip().lower()
    if word.startswith("@") and word not in _WORDS:
        raise ScheduleError(f"{text!r} is not one of {', '.join(_WORDS)}")
    parts = _WORDS.get(word, word).split()
    if len(parts) != len(_FIELDS):
        raise ScheduleError(f"a schedule has five fields (minute hour day month weekday), this one has {len(parts)}")
    fields = [_field(part, *field) for part, field in zip(parts, _FIELDS, strict=True)]
    minutes, hours, days, months, weekdays = fields
    restricted = not parts[2].startswith("*") and not parts[4].startswith("*")
    return Schedule(text, minutes, hours, days, months, frozenset(day % 7 for day in weekdays), restricted)


def _field(text: str, name: str, low: int, high: int, names: Mapping[str, int]) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        found = _PART.fullmatch(part)
        if found is None:
            raise ScheduleError(f"the {name} {part!r} is not understood")
        step = int(found["step"] or 1)
        if step == 0:
            raise ScheduleError(f"the {name} {part!r} steps by nothing")
        if found["first"] == "*":
            if found["last"]:
                raise ScheduleError(f"the {name} {part!r} is not understood")
            first, last = low, high
        else:
            first = _number(found["first"], name, low, high, names)
            open_end = high if found["step"] else first
            last = _number(found["last"], name, low, high, names) if found["last"] else open_end
        if last < first:
            raise ScheduleError(f"the {name} {part!r} ends before it starts")
        values.update(range(first, last + 1, step))
    return frozenset(values)


def _number(text: str, name: str, low: int, high: int, names: Mapping[str, int]) -> int:
    value = names.get(text, int(text) if text.isascii() and text.isdigit() else None)
    if value is None:
        raise ScheduleError(f"the {name} {text!r} is not understood")
    if not low <= value <= high:
        raise ScheduleError(f"the {name} {text} is not within {low} to {high}")
    return value
