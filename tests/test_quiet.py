"""Quiet hours end when the wall clock says so, whatever the clock does."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.model import Severity
from auditor.quiet import QuietHours

BERLIN = ZoneInfo("Europe/Berlin")


def hours(start: time = time(22), end: time = time(7), zone: ZoneInfo = BERLIN) -> QuietHours:
    return QuietHours(start, end, zone, Severity.CRITICAL)


def utc(day: int, hour: int, minute: int = 0, month: int = 1) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (utc(10, 20, 59), None),
        (utc(10, 21), utc(11, 6)),
        (utc(10, 23, 30), utc(11, 6)),
        (utc(11, 5, 59), utc(11, 6)),
        (utc(11, 6), None),
        # On 29 March the clock leaps from 02:00 to 03:00, on 25 October it goes back from 03:00 to 02:00.
        (utc(28, 22, 30, month=3), utc(29, 5, month=3)),
        (utc(24, 21, 30, month=10), utc(25, 6, month=10)),
    ],
)
def test_hours_over_midnight_end_in_the_morning(now: datetime, until: datetime | None) -> None:
    """22:00 to 07:00 in Berlin, in winter and on the nights when clocks change."""
    assert hours().until(now) == until


def test_hours_within_a_day() -> None:
    """A quiet noon."""
    noon = hours(time(12), time(13), ZoneInfo("UTC"))
    assert (noon.until(utc(1, 12, 30)), noon.until(utc(1, 13)), noon.until(utc(1, 3))) == (utc(1, 13), None, None)


def test_an_end_that_the_clock_leaps_over_or_passes_twice() -> None:
    """02:30 is not on the night of 29 March, and twice on that of 25 October: quiet until there is no more to wait for."""
    night = hours(end=time(2, 30))
    assert night.until(utc(28, 22, month=3)) == utc(29, 1, 30, month=3)
    assert night.until(utc(24, 22, month=10)) == utc(25, 0, 30, month=10)
    assert night.until(utc(25, 1, 15, month=10)) == utc(25, 1, 30, month=10)


def test_equal_times_are_no_hours() -> None:
    """Whoever writes the same time twice keeps nothing back."""
    assert hours(time(9), time(9)).until(utc(1, 9)) is None


@settings(deadline=None)
@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 30), timezones=st.just(UTC)),
    st.times(),
    st.times(),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_quiet_hours_end_within_a_day_and_are_over_then(now: datetime, start: time, end: time, zone: str) -> None:
    """The end lies ahead, no further than a day and a changed clock, and the hours do not go on at that moment."""
    quiet = hours(start.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0), ZoneInfo(zone))
    until = quiet.until(now)
    if until is not None:
        assert 0 < (until - now).total_seconds() <= 25 * 3600
        assert quiet.until(until) is None
