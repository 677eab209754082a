"""How long something may be tolerated: what a person may choose, and what she types. Pure; the time comes in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from auditor.acts import ActError
from auditor.durations import parse_duration
from auditor.waiver_file import last_instant
from auditor.waivers import days

DEFAULT = timedelta(days=7)
_MORNING = time(8, tzinfo=UTC)
_HOURS = (1, 8, 24)
# As under a message in Slack; a day is there as 24 hours.
_DAYS = (7, 30)
_SUGGESTED = ("12h", "24h", "3d", "7d", "14d", "30d", "90d")


@dataclass(frozen=True, slots=True)
class Snooze:
    """One choice of how long to be left alone. `said` follows the word `snoozed`."""

    key: str
    label: str
    said: str
    until: datetime


def snoozes(now: datetime, longest: timedelta) -> tuple[Snooze, ...]:
    """What there is to choose from, the shortest first, as far as waivers may last."""
    monday = _next_monday(now)
    found = [
        *(
            Snooze(
                f"{n}h",
                f"{n} hour{'s' if n > 1 else ''}",
                f"for {n} hour{'s' if n > 1 else ''}",
                now + timedelta(hours=n),
            )
            for n in _HOURS
        ),
        Snooze("monday", "until Monday 08:00 UTC", "until Monday", monday),
        *(Snooze(f"{n}d", f"{n} days", f"for {n} days", now + timedelta(days=n)) for n in _DAYS),
    ]
    return tuple(sorted((one for one in found if one.until - now <= longest), key=lambda one: one.until))


def snooze(key: str, now: datetime, longest: timedelta) -> Snooze:
    """The choice of this key. Raises ActError."""
    for one in snoozes(now, longest):
        if one.key == key:
            return one
    raise ActError(f"{key[:40]!r} is none of the times to snooze for: choose one of the list")


def until(text: str, now: datetime) -> datetime:
    """When a waiver ends: `7d` counts from now, a date ends with its day, a time is that time. Raises ActError."""
    text = text.strip()
    if not text:
        raise ActError("say how long it is tolerated: a duration such as 7d, or a date")
    try:
        return now + parse_duration(text)
    except (ValueError, OverflowError):
        pass
    try:
        return last_instant(text)
    except ValueError as error:
        raise ActError(
            f"{text[:60]!r} is neither a duration such as 12h or 7d nor a date such as 2026-12-31"
        ) from error


def suggestions(longest: timedelta) -> tuple[str, ...]:
    """Durations to begin with, as far as waivers may last."""
    return tuple(text for text in _SUGGESTED if parse_duration(text) <= longest)


def default(longest: timedelta) -> str:
    return days(min(DEFAULT, longest))


def _next_monday(now: datetime) -> datetime:
    """The beginning of the next working week; on a Monday, that of the one after."""
    today = now.astimezone(UTC).date()
    return datetime.combine(today + timedelta(days=7 - today.weekday()), _MORNING)
