"""Schedules: what is understood, and when it is due, held against walking through time minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auditor.schedule import Cron, Every, ScheduleError, last_until, missed, next_after, parse_schedule

if TYPE_CHECKING:
    from collections.abc import Iterator

MINUTE = timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")
ZONE = ZoneInfo("UTC")
# Changes of the clock: by an hour, by half an hour, at midnight, at a minute past midnight, by a whole day, none at all.
CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 3, 8, 5, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 11, 1, 5, tzinfo=UTC)),
    ("America/St_Johns", datetime(2006, 10, 29, 2, 31, tzinfo=UTC)),
    ("America/St_Johns", datetime(2006, 4, 2, 3, 31, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 6, 1, tzinfo=UTC)),
    ("UTC", datetime(2026, 2, 28, 23, tzinfo=UTC)),
]


@pytest.mark.parametrize(
    ("text", "minutes", "weekdays"),
    [
        ("*/15 * * * *", {0, 15, 30, 45}, set(range(7))),
        ("5 4 * * sun", {5}, {0}),
        ("0 0 * * 7", {0}, {0}),
        ("0 0 * * 5-7", {0}, {5, 6, 0}),
        ("10-20/5,50 9 1 JAN mon-fri", {10, 15, 20, 50}, {1, 2, 3, 4, 5}),
        ("@hourly", {0}, set(range(7))),
        ("50/5 * * * *", {50, 55}, set(range(7))),
    ],
)
def test_a_schedule_is_read_as_cron_reads_it(text: str, minutes: set[int], weekdays: set[int]) -> None:
    """Steps, ranges, lists, names, and Sunday by both its numbers."""
    schedule = parse_schedule(text)
    assert isinstance(schedule, Cron)
    assert (set(schedule.minutes), set(schedule.weekdays)) == (minutes, weekdays)


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("every 10m", timedelta(minutes=10)),
        ("Every 1s", timedelta(seconds=1)),
        ("every 12 h", timedelta(hours=12)),
        ("every 2d", timedelta(days=2)),
        ("every 1w", timedelta(weeks=1)),
    ],
)
def test_an_interval_is_a_number_and_a_unit(text: str, interval: timedelta) -> None:
    """From a second to a year."""
    assert parse_schedule(text) == Every(text, interval)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("* * * *", "a schedule has five fields (minute hour day month weekday), this one has 4"),
        ("", "a schedule has five fields (minute hour day month weekday), this one has 0"),
        ("60 * * * *", "the minute 60 is not within 0 to 59"),
        ("* * 0 * *", "the day of the month 0 is not within 1 to 31"),
        ("* * * * 8", "the day of the week 8 is not within 0 to 7"),
        ("* * * foo *", "the month 'foo' is not understood"),
        ("*/0 * * * *", "the minute '*/0' steps by nothing"),
        ("20-10 * * * *", "the minute '20-10' ends before it starts"),
        ("*-5 * * * *", "the minute '*-5' is not understood"),
        ("0 0 31 2 *", "no month that it names has a day 31, so it would never be due"),
        ("0 0 31 4,jun,9,11 *", "no month that it names has a day 31, so it would never be due"),
        ("0 0 30 feb */2", "no month that it names has a day 30, so it would never be due"),
        ("@reboot", "'@reboot' is not one of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually"),
        ("every", "an interval is `every` and one whole number with s, m, h, d or w"),
        ("every 10 minutes", "an interval is `every` and one whole number with s, m, h, d or w"),
        ("every 1.5h", "an interval is `every` and one whole number with s, m, h, d or w"),
        ("every 0s", "an interval is one second at least and 366 days at most"),
        ("every 53w", "an interval is one second at least and 366 days at most"),
    ],
)
def test_a_wrong_schedule_names_its_field(text: str, message: str) -> None:
    """Each mistake has its own sentence."""
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(text)
    assert str(caught.value) == message


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "after", "due"),
    [
        ("*/15 * * * *", "UTC", "2026-11-22T10:00:00", "2026-11-22T10:15:00"),
        ("*/15 * * * *", "UTC", "2026-11-22T10:14:59.999999", "2026-11-22T10:15:00"),
        ("@daily", "Europe/Berlin", "2026-11-22T10:00:00", "2026-11-22T23:00:00"),
        # Day 1, and every Monday too: the 23rd is one.
        ("0 0 1 * mon", "UTC", "2026-11-22T10:00:00", "2026-11-23T00:00:00"),
        # `*/2` counts as unrestricted, as in cron: odd days that are Mondays.
        ("0 0 */2 * mon", "UTC", "2026-11-23T10:00:00", "2026-12-07T00:00:00"),
        ("0 12 29 2 *", "UTC", "2026-11-22T10:00:00", "2028-02-29T12:00:00"),
        ("0 12 29 2 *", "UTC", "2097-01-01T00:00:00", "2104-02-29T12:00:00"),
        ("0 12 31 * *", "UTC", "2026-11-22T10:00:00", "2026-12-31T12:00:00"),
        # 02:30 is skipped in Berlin on that day: right after the gap, at 03:00 summer time.
        ("30 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00", "2026-03-29T01:00:00"),
        # 02:30 comes twice: the first time, and then on the next day.
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:00:00", "2026-10-25T00:30:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00", "2026-10-26T01:30:00"),
        # Every hour goes on every hour.
        ("30 * * * *", "Europe/Berlin", "2026-10-25T00:30:00", "2026-10-25T01:30:00"),
        ("30 * * * *", "Europe/Berlin", "2026-03-29T00:30:00", "2026-03-29T01:30:00"),
        ("every 90s", "Europe/Berlin", "2026-03-29T00:59:30", "2026-03-29T01:01:00"),
    ],
)
def test_the_next_time_is_the_one_that_cron_would_take(text: str, zone: str, after: str, due: str) -> None:
    """Days and weekdays, leap years, and the two days on which the clocks change."""
    assert next_after(parse_schedule(text), utc(after), ZoneInfo(zone)) == utc(due)


def test_the_answer_is_in_utc_whatever_was_asked_in() -> None:
    """A time in another zone is the same moment."""
    due = next_after(parse_schedule("0 9 * * *"), datetime(2026, 7, 1, 8, 0, tzinfo=BERLIN), BERLIN)
    assert (due, due.tzinfo) == (utc("2026-07-01T07:00:00"), UTC)


@pytest.mark.parametrize(
    ("text", "last", "now", "count"),
    [
        ("*/15 * * * *", "2026-11-22T10:00:03", "2026-11-22T10:14:59", 0),
        ("*/15 * * * *", "2026-11-22T10:00:03", "2026-11-22T10:15:00", 1),
        ("*/15 * * * *", "2026-11-22T10:00:03", "2026-11-22T12:07:00", 8),
        ("* * * * *", "2026-01-01T00:00:00", "2026-11-22T12:07:00", 1000),
        ("*/15 * * * *", "2026-11-22T13:00:00", "2026-11-22T12:00:00", 0),
        ("every 10m", "2026-11-22T10:00:00", "2026-11-22T10:09:59", 0),
        ("every 10m", "2026-11-22T10:00:00", "2026-11-22T10:30:00", 3),
        ("every 1s", "2026-11-22T10:00:00", "2026-11-23T10:00:00", 1000),
        ("every 10m", "2026-11-22T13:00:00", "2026-11-22T12:00:00", 0),
    ],
)
def test_what_was_missed_is_counted_up_to_a_limit(text: str, last: str, now: str, count: int) -> None:
    """Times after the last run, up to now and that included; none where the last lies in the future."""
    assert missed(parse_schedule(text), utc(last), utc(now), ZONE) == count


def test_an_hour_that_comes_again_after_midnight_belongs_to_the_day_before() -> None:
    """In St. John's of 2006 clocks went back at 00:01 to 23:01: 23:20 came after midnight had been."""
    schedule = parse_schedule("*/20 * * * *")
    assert isinstance(schedule, Cron)
    zone = ZoneInfo("America/St_Johns")
    assert last_until(schedule, utc("2006-10-29T02:55:00"), zone) == utc("2006-10-29T02:50:00")
    assert last_until(schedule, utc("2006-10-29T02:30:00"), zone) == utc("2006-10-29T02:30:00")


class Walk:
    """A second implementation: goes from minute to minute and looks at the clock on the wall."""

    def __init__(self, cron: Cron, zone: ZoneInfo) -> None:
        self.cron = cron
        self.zone = zone

    def wall(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone).replace(tzinfo=None, fold=0)

    def matches(self, wall: datetime) -> bool:
        cron = self.cron
        if wall.minute not in cron.minutes or wall.hour not in cron.hours or wall.month not in cron.months:
            return False
        day, weekday = wall.day in cron.days, (wall.weekday() + 1) % 7 in cron.weekdays
        return (day or weekday) if cron.either_day else (day and weekday)

    def times(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Those in (start, end]. Begins a day and a bit before, to know which times of the wall it has seen."""
        every = cron_is_hourly(self.cron)
        moment = start.replace(second=0, microsecond=0) - timedelta(hours=26)
        furthest = self.wall(moment)
        while (moment := moment + MINUTE) <= end:
            wall = self.wall(moment)
            skipped = [furthest + MINUTE * step for step in range(1, (wall - furthest) // MINUTE)]
            due = self.matches(wall) and (every or wall > furthest)
            due = due or (not every and any(self.matches(one) for one in skipped))
            furthest = max(furthest, wall)
            if due and moment > start:
                yield moment


def cron_is_hourly(cron: Cron) -> bool:
    return cron.hours == frozenset(range(24))


def field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    return st.one_of(
        st.just("*"),
        number.map(str),
        st.integers(1, high).map(lambda step: f"*/{step}"),
        st.tuples(number, number).map(lambda ends: f"{min(ends)}-{max(ends)}"),
        st.lists(number, min_size=2, max_size=4).map(lambda numbers: ",".join(map(str, numbers))),
    )


def days(low: int, high: int) -> st.SearchStrategy[str]:
    return st.one_of(st.just("*"), field(low, high))


CRONS = st.tuples(field(0, 59), field(0, 23), days(1, 28), st.just("*"), days(0, 7)).map(" ".join)


@settings(max_examples=40, deadline=None)
@given(text=CRONS, change=st.sampled_from(CHANGES), offset=st.integers(-26 * 60 * 60, 4 * 60 * 60))
@example(text="30 2 * * *", change=CHANGES[0], offset=-3600)
@example(text="30 2 * * *", change=CHANGES[1], offset=-3600)
@example(text="*/30 1,2 * * *", change=CHANGES[4], offset=-7200)
@example(text="*/10 2 * * *", change=CHANGES[5], offset=-7200)
@example(text="*/20 * * * *", change=CHANGES[8], offset=-7200)
@example(text="0 0,23 * * *", change=CHANGES[8], offset=-9000)
@example(text="15 0 * * *", change=CHANGES[6], offset=-3600)
@example(text="0 12 * * *", change=CHANGES[10], offset=-3600)
def test_walking_minute_by_minute_finds_the_same_times(text: str, change: tuple[str, datetime], offset: int) -> None:
    """Around every change of the clock: each time, their number, and the last of them."""
    name, moment = change
    cron, zone = parse_schedule(text), ZoneInfo(name)
    assert isinstance(cron, Cron)
    start = moment + timedelta(seconds=offset)
    end = start + timedelta(hours=40)
    walked = list(Walk(cron, zone).times(start, end))
    assert missed(cron, start, end, zone, cap=3000) == len(walked)
    if walked:
        assert last_until(cron, end, zone) == walked[-1]
    found = start
    for due in walked[:8]:
        found = next_after(cron, found, zone)
        assert found == due


@settings(max_examples=60, deadline=None)
@given(text=CRONS, change=st.sampled_from(CHANGES), offset=st.integers(-(10**7), 10**7))
def test_the_last_time_is_the_one_that_the_next_follows(text: str, change: tuple[str, datetime], offset: int) -> None:
    """Backwards and forwards agree at any moment of the year."""
    name, moment = change
    cron, zone, now = parse_schedule(text), ZoneInfo(name), moment + timedelta(seconds=offset)
    assert isinstance(cron, Cron)
    last, following = last_until(cron, now, zone), next_after(cron, now, zone)
    assert last <= now < following
    assert next_after(cron, last, zone) == following
    assert next_after(cron, last - timedelta(microseconds=1), zone) == last
