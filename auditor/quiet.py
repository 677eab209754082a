"""Quiet hours: until when what is not urgent has to wait. Pure; right over midnight and when clocks change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from auditor.model import Severity


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` until `end` of the wall clock in `zone`, over midnight where `end` is earlier; equal: never.

    What has the severity `unless` or a worse one does not wait."""

    start: time
    end: time
    zone: ZoneInfo
    unless: Severity

    def until(self, now: datetime) -> datetime | None:
        """When the quiet hours that `now` lies in end (UTC), None where it lies in none."""
        local = now.astimezone(self.zone)
        if not self._quiet(local.time()):
            return None
        ends = (
            moment.astimezone(UTC)
            for days in (0, 1)
            for fold in (0, 1)
            if (moment := self._end(local, days, fold)) is not None
        )
        return min(end for end in ends if end > now)

    def _quiet(self, wall: time) -> bool:
        if self.start <= self.end:
            return self.start <= wall < self.end
        return wall >= self.start or wall < self.end

    def _end(self, local: datetime, days: int, fold: int) -> datetime | None:
        """The end on the day `days` later. An hour that the clock goes through twice has two; one it leaps over has none
        but the moment of the leap, seen from before it."""
        moment = datetime.combine(local.date() + timedelta(days=days), self.end, self.zone).replace(fold=fold)
        there = moment.astimezone(UTC).astimezone(self.zone).time() == self.end
        return moment if there or fold == 0 else None
