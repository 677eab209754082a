"""Counting the work where it is done: how long collectors take, what audits bring. What counts is a `Meters`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from auditor.errors import CollectCancelled
from auditor.happenings import happenings
from auditor.notices import Happening

if TYPE_CHECKING:
    from auditor.life import LifeResult, StoredFinding
    from auditor.meters import Meters
    from auditor.model import Audit, Gap, GapReason


@dataclass(slots=True)
class _Reading:
    started: float
    ended: float
    reasons: set[GapReason] = field(default_factory=set)


class Readings:
    """What each collector takes for each environment in one run, from the first of its parts to the last.

    Used from one thread. `monotonic` answers seconds that never go back.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._readings: dict[tuple[str, str], _Reading] = {}

    def started(self, environment: str, collector: str) -> None:
        now = self._monotonic()
        self._readings.setdefault((environment, collector), _Reading(now, now))

    def ended(self, environment: str, collector: str, gaps: Iterable[Gap]) -> None:
        """A part has ended and left these gaps."""
        reading = self._readings[environment, collector]
        reading.ended = self._monotonic()
        reading.reasons.update(gap.reason for gap in gaps)

    def tell(self, meters: Meters) -> None:
        """Tell of every reading, each reason of its gaps once."""
        for (environment, collector), reading in self._readings.items():
            took = timedelta(seconds=reading.ended - reading.started)
            meters.collector_ended(environment, collector, took, tuple(sorted(reading.reasons)))


@contextmanager
def failures_counted(
    meters: Meters, left: str, right: str, started_at: datetime, clock: Callable[[], datetime]
) -> Iterator[None]:
    """Count the audit of the pair as failed where the block raises anything but that it was called off."""
    try:
        yield
    except CollectCancelled:
        raise
    except Exception:
        meters.audit_ended(left, right, "failed", clock() - started_at, None)
        raise


def count_audit(
    meters: Meters, audit: Audit, life: LifeResult, previous: Mapping[str, StoredFinding], now: datetime
) -> None:
    """Count one audit that was recorded, and what became of the findings by it. `now` is when it judged them."""
    outcome = "complete" if audit.complete else "incomplete"
    meters.audit_ended(audit.left, audit.right, outcome, audit.finished_at - audit.started_at, audit.id)
    # What is told does not matter here, so nobody has to know how often a finding came back before.
    for change in happenings(life, previous, (), now).changes:
        meters.changed(audit.left, audit.right, change.happening)
        opened_at = change.finding.opened_at
        if change.happening is Happening.RESOLVED and opened_at is not None:
            meters.resolved(audit.left, audit.right, max(now - opened_at, timedelta(0)))
