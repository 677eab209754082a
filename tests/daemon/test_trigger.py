"""Our schedules as a trigger of APScheduler, and what APScheduler makes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler
from hypothesis import given
from hypothesis import strategies as st

from auditor.daemon.trigger import ScheduleTrigger
from auditor.schedule import parse_schedule

UTC_ZONE = ZoneInfo("UTC")
TEN = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def trigger(text: str, jitter: timedelta = timedelta(0), chance: float = 0.5, start: datetime = TEN) -> ScheduleTrigger:
    return ScheduleTrigger(parse_schedule(text), UTC_ZONE, start, jitter, lambda: chance)


@pytest.mark.parametrize("text", ["*/15 * * * *", "every 15m"])
def test_the_next_run_is_the_first_after_now(text: str) -> None:
    """However many were due since the last one."""
    made = trigger(text)
    assert made.get_next_fire_time(None, TEN) == TEN + 15 * MINUTE
    assert made.get_next_fire_time(TEN, TEN + 100 * MINUTE) == TEN + 105 * MINUTE


def test_an_interval_goes_on_in_step_wherever_the_clock_is_set_to() -> None:
    """Also before the time that it is counted from."""
    made = trigger("every 10m")
    before = TEN - timedelta(hours=3, minutes=4)
    assert made.next_due(before) == TEN - timedelta(hours=3)
    assert made.last_due(before) == TEN - timedelta(hours=3, minutes=10)
    assert made.last_due(TEN) == TEN


@pytest.mark.parametrize(("text", "gap"), [("*/15 * * * *", 15 * MINUTE), ("every 10s", timedelta(seconds=10))])
@given(jitter=st.timedeltas(timedelta(0), timedelta(days=1)), chance=st.floats(0, 1, exclude_max=True))
def test_jitter_delays_up_to_itself_and_never_to_the_next_run(
    text: str, gap: timedelta, jitter: timedelta, chance: float
) -> None:
    """A large one is cut to the gap between two runs."""
    due = trigger(text, jitter, chance).get_next_fire_time(None, TEN)
    late = due - (TEN + gap)
    assert timedelta(0) <= late <= jitter
    assert late < gap


def test_jitter_is_drawn_anew_for_each_run() -> None:
    """From nothing to all of it."""
    draws = iter([0.0, 0.5, 0.999])
    made = ScheduleTrigger(parse_schedule("@hourly"), UTC_ZONE, TEN, 10 * MINUTE, lambda: next(draws))
    lateness = [made.get_next_fire_time(None, TEN) - TEN - 60 * MINUTE for _ in range(3)]
    assert lateness == [timedelta(0), 5 * MINUTE, timedelta(minutes=9.99)]


def test_apscheduler_sees_one_run_for_all_that_were_missed() -> None:
    """Its own bookkeeping would go through each of them."""
    job = Job(
        BackgroundScheduler(),
        id="a",
        func=lambda: None,
        args=(),
        kwargs={},
        trigger=trigger("every 1s"),
        executor="default",
        misfire_grace_time=None,
        coalesce=True,
        max_instances=1,
        next_run_time=TEN,
    )
    assert job._get_run_times(TEN + timedelta(days=300)) == [TEN]
