"""Read a schedule: cron's five fields, a common word (`@hourly`), or an interval (`every 10m`); say what is wrong with one.

Weekdays count as in cron (0 and 7 are Sunday), names (`mon`, `jan`) are understood, and where both days are restricted
either is enough. Where the clocks change, a schedule that is due in every hour goes on by the clock on the wall. Of any
other, a time that the change skips is due right after the gap, and a time that comes twice is due the first time only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import dropwhile, islice
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from zoneinfo import ZoneInfo

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
_INTERVAL = re.compile(r"every\s+(?P<number>[0-9]{1,9})\s*(?P<unit>[smhdw])")
_UNITS: Mapping[str, timedelta] = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_LONGEST = timedelta(days=366)
_DAY = timedelta(days=1)
# The most days that each month ever has.
_DAYS = dict(zip(range(1, 13), (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), strict=True))


class ScheduleError(ValueError):
    """The text is not a schedule; the message names the field."""


@dataclass(frozen=True, slots=True)
class Cron:
    """Times on the wall clock. Each field holds the values at which it is due; weekdays are 0 (Sunday) to 6.

    As in cron, where both days are restricted, either is enough: `either_day` is then true.
    """

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    @property
    def every_hour(self) -> bool:
        """Due in each hour of the day, so that a change of the clock neither skips nor repeats anything of note."""
        return len(self.hours) == 24

    def has_day(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_day, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return by_day or by_weekday if self.either_day else by_day and by_weekday


@dataclass(frozen=True, slots=True)
class Every:
    """One interval after another, counted from the last start, whatever the clock on the wall says."""

    text: str
    interval: timedelta


Schedule: TypeAlias = Cron | Every


def parse_schedule(text: str) -> Schedule:
    """Read `*/15 * * * *`, `@hourly` or `every 10m`. Raises ScheduleError."""
    word = text.strip().lower()
    if word.split(maxsplit=1)[:1] == ["every"]:
        return Every(text, _interval(word))
    if word.startswith("@") and word not in _WORDS:
        raise ScheduleError(f"{text!r} is not one of {', '.join(_WORDS)}")
    parts = _WORDS.get(word, word).split()
    if len(parts) != len(_FIELDS):
        raise ScheduleError(f"a schedule has five fields (minute hour day month weekday), this one has {len(parts)}")
    fields = [_field(part, *field) for part, field in zip(parts, _FIELDS, strict=True)]
    minutes, hours, days, months, weekdays = fields
    restricted = not parts[2].startswith("*") and not parts[4].startswith("*")
    if not restricted and min(days) > max(_DAYS[month] for month in months):
        raise ScheduleError(f"no month that it names has a day {min(days)}, so it would never be due")
    return Cron(text, minutes, hours, days, months, frozenset(day % 7 for day in weekdays), restricted)


def _interval(text: str) -> timedelta:
    found = _INTERVAL.fullmatch(text)
    if found is None:
        raise ScheduleError("an interval is `every` and one whole number with s, m, h, d or w")
    interval = int(found["number"]) * _UNITS[found["unit"]]
    if not timedelta(seconds=1) <= interval <= _LONGEST:
        raise ScheduleError("an interval is one second at least and 366 days at most")
    return interval


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


def next_after(schedule: Schedule, after: datetime, zone: ZoneInfo) -> datetime:
    """The first time after `after` (aware) at which it is due, in UTC. For an interval `after` is the last start."""
    if isinstance(schedule, Every):
        return after.astimezone(UTC) + schedule.interval
    return next(_times_after(schedule, after, zone))


def last_until(schedule: Cron, until: datetime, zone: ZoneInfo) -> datetime:
    """The last time up to and including `until` (aware) at which it was due, in UTC."""
    day = until.astimezone(zone).date() + _DAY
    while True:
        # A day may end after the next has begun, where clocks go back over midnight.
        times = [moment for one in (day, day - _DAY) for moment in _times_of(schedule, one, zone) if moment <= until]
        if times:
            return max(times)
        day -= _DAY


def missed(schedule: Schedule, last: datetime, now: datetime, zone: ZoneInfo, cap: int = 1000) -> int:
    """How many times it was due after `last` and up to `now`, counted to `cap`. None when `last` is in the future."""
    if isinstance(schedule, Every):
        return min(max(0, (now - last) // schedule.interval), cap)
    count = 0
    for moment in islice(_times_after(schedule, last, zone), cap):
        if moment > now:
            break
        count += 1
    return count


def _times_after(cron: Cron, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Every time after `after`, in order."""
    yield from dropwhile(lambda moment: moment <= after, _times_from(cron, after.astimezone(zone).date() - _DAY, zone))


def _times_from(cron: Cron, day: date, zone: ZoneInfo) -> Iterator[datetime]:
    held: list[datetime] = []
    while True:
        times = _times_of(cron, day, zone)
        # What is held of the day before comes first, but for an hour that its end repeats after midnight.
        if held and times and times[0] <= held[-1]:
            held = sorted({*held, *times})
        else:
            yield from held
            held = times
        day += _DAY


def _times_of(cron: Cron, day: date, zone: ZoneInfo) -> list[datetime]:
    """The times of one day of the calendar, in order, in UTC."""
    if not cron.has_day(day):
        return []
    first, last = datetime.combine(day, time(), zone), datetime.combine(day + _DAY, time(fold=1), zone)
    walls = [(hour, minute) for hour in sorted(cron.hours) for minute in sorted(cron.minutes)]
    if first.utcoffset() == last.utcoffset():
        midnight = first.astimezone(UTC)
        return [midnight + timedelta(hours=hour, minutes=minute) for hour, minute in walls]
    return sorted(
        {
            moment
            for hour, minute in walls
            for moment in _moments(datetime.combine(day, time(hour, minute), zone), every=cron.every_hour)
        }
    )


def _moments(wall: datetime, *, every: bool) -> tuple[datetime, ...]:
    """When the clocks show `wall` on a day on which they change: once, twice, or never."""
    early, late = sorted(wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if early == late:
        return (early,)
    if early.astimezone(wall.tzinfo).replace(tzinfo=None, fold=0) == wall.replace(tzinfo=None):
        return (early, late) if every else (early,)
    return () if every else (_change(early, late, wall.tzinfo),)


def _change(early: datetime, late: datetime, zone: tzinfo | None) -> datetime:
    """The moment between the two at which the clocks change."""
    before = early.astimezone(zone).utcoffset()
    low, high = 0, int((late - early).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        same = (early + timedelta(seconds=middle)).astimezone(zone).utcoffset() == before
        low, high = (middle, high) if same else (low, middle)
    return early + timedelta(seconds=high)
