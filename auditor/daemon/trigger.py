"""When APScheduler runs a job next: our schedules as one of its triggers. Its own cron trigger is not cron."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from apscheduler.triggers.base import BaseTrigger

from auditor.schedule import Every, last_until, next_after

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from auditor.schedule import Schedule


class ScheduleTrigger(BaseTrigger):  # type: ignore[misc]
    """The first time of the schedule after now, whatever was due before that: what was missed is one run, not many.

    `start` is what an interval is counted from. Each run is up to `jitter` late by chance, and never as late as the next
    one is due. `chance` answers a number from 0 up to 1.
    """

    def __init__(
        self,
        schedule: Schedule,
        zone: ZoneInfo,
        start: datetime,
        jitter: timedelta = timedelta(0),
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.schedule = schedule
        self.zone = zone
        self._start = start
        self._jitter = jitter
        self._chance = chance

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        due = self.next_due(now)
        # A hundredth of the gap is kept free, so that two runs never come at the same time.
        gap = (self.next_due(due) - due) * 0.99
        return due + min(self._jitter, gap) * self._chance()

    def next_due(self, now: datetime) -> datetime:
        """The first time after `now`, without jitter."""
        if isinstance(self.schedule, Every):
            return self.last_due(now) + self.schedule.interval
        return next_after(self.schedule, now, self.zone)

    def last_due(self, now: datetime) -> datetime:
        """The last time up to `now`, without jitter. Intervals go on in both directions from their start."""
        if isinstance(self.schedule, Every):
            return self._start + (now - self._start) // self.schedule.interval * self.schedule.interval
        return last_until(self.schedule, now, self.zone)
