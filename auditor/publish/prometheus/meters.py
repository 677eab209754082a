"""What happens in this process, counted for Prometheus."""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, ProcessCollector

from auditor.model import GapReason
from auditor.notices import Happening
from auditor.publish.prometheus import catalogue
from auditor.publish.prometheus.exposition import Distribution, Exemplar, Family
from auditor.publish.prometheus.families import OTHER
from auditor.publish.prometheus.tally import Spread, Tally

AUDIT_OUTCOMES = ("complete", "incomplete", "failed")
NOTICE_OUTCOMES = ("delivered", "retried", "failed")
MAX_VALUES = 200
_MAX_EXEMPLAR = 100  # OpenMetrics allows 128 characters, the label's name included


class PrometheusMeters:
    """`auditor.meters.Meters` for Prometheus. Safe between threads.

    `configure` says what there is to count: its counters are there from the start, at 0, so that `increase()` sees the
    first time as well. `clock` returns aware UTC times. `process` holds what the client library tells of the process.
    """

    def __init__(self, version: str, clock: Callable[[], datetime]) -> None:
        self.process = CollectorRegistry()
        ProcessCollector(registry=self.process)
        self._clock = clock
        self._lock = threading.RLock()
        self.publishers: tuple[str, ...] = ()
        self._pairs: frozenset[tuple[str, str]] = frozenset()
        self._next: dict[tuple[str, str], datetime] = {}
        self._seen: dict[str, set[str]] = {"api": set(), "collector": set(), "publisher": set()}
        self._folded: dict[str, set[str]] = {name: set() for name in self._seen}
        self._audits = Tally(catalogue.AUDITS)
        self._audit_seconds = Spread(catalogue.AUDIT_DURATION)
        self._collector_seconds = Spread(catalogue.COLLECTOR_DURATION)
        self._collector_errors = Tally(catalogue.COLLECTOR_ERRORS)
        self._notifications = Tally(catalogue.NOTIFICATIONS)
        self._requests = Tally(catalogue.API_REQUESTS)
        self._changes = Tally(catalogue.CHANGES)
        self._resolution = Spread(catalogue.RESOLUTION)
        self._missed = Tally(catalogue.MISSED)
        self._next_run = Tally(catalogue.NEXT_RUN)
        self._last_due = Tally(catalogue.LAST_DUE)
        self._leader = Tally(catalogue.LEADER)
        self._reload_ok = Tally(catalogue.CONFIG_SUCCESS)
        self._reload_time = Tally(catalogue.CONFIG_TIME)
        self._build = Tally(catalogue.BUILD)
        self._build.set(version, platform.python_version(), value=1)
        self.leading(False)
        # Whoever counts has read a configuration, else there would be nothing to count.
        self.config_reloaded(True, clock())

    def configure(
        self,
        pairs: Iterable[tuple[str, str]],
        collectors: Mapping[str, Sequence[str]] | None = None,
        publishers: Iterable[str] = (),
    ) -> None:
        """What is configured from now on; `collectors` by environment. A pair that is so no longer loses its series."""
        with self._lock:
            gone, self._pairs = self._pairs, frozenset(pairs)
            for left, right in gone - self._pairs:
                self._forget(left, right)
            for left, right in sorted(self._pairs):
                for outcome in AUDIT_OUTCOMES:
                    self._audits.start(left, right, outcome)
                for happening in Happening:
                    self._changes.start(left, right, happening.value)
                self._audit_seconds.start(left, right)
                self._resolution.start(left, right)
                self._missed.start(left, right)
            for environment, names in (collectors or {}).items():
                for name in names:
                    for reason in GapReason:
                        self._collector_errors.start(environment, self._bounded("collector", name), reason.value)
            self.publishers = tuple(publishers)
            for publisher in self.publishers:
                for outcome in NOTICE_OUTCOMES:
                    self._notifications.start(self._bounded("publisher", publisher), outcome)

    def audit_ended(self, left: str, right: str, outcome: str, took: timedelta, audit_id: str | None) -> None:
        seconds = took.total_seconds()
        at = self._clock().timestamp()
        exemplar = Exemplar(audit_id, seconds, at) if audit_id and len(audit_id) <= _MAX_EXEMPLAR else None
        with self._lock:
            self._audits.add(left, right, outcome)
            self._audit_seconds.observe(left, right, value=seconds, exemplar=exemplar)

    def collector_ended(
        self, environment: str, collector: str, took: timedelta, reasons: tuple[GapReason, ...]
    ) -> None:
        with self._lock:
            name = self._bounded("collector", collector)
            self._collector_seconds.observe(environment, name, value=took.total_seconds())
            for reason in reasons:
                self._collector_errors.add(environment, name, reason.value)

    def api_request(self, environment: str, api: str, outcome: str) -> None:
        with self._lock:
            self._requests.add(environment, self._bounded("api", api), outcome)

    def notification(self, publisher: str, outcome: str) -> None:
        with self._lock:
            self._notifications.add(self._bounded("publisher", publisher), outcome)

    def changed(self, left: str, right: str, happening: Happening) -> None:
        with self._lock:
            self._changes.add(left, right, happening.value)

    def resolved(self, left: str, right: str, age: timedelta) -> None:
        with self._lock:
            self._resolution.observe(left, right, value=age.total_seconds())

    def missed(self, left: str, right: str, runs: int) -> None:
        with self._lock:
            self._missed.add(left, right, count=runs)

    def next_run(self, left: str, right: str, at: datetime | None) -> None:
        """A time that has come by when another one is told was a time at which an audit was due."""
        with self._lock:
            before = self._next.pop((left, right), None)
            if before is not None and before != at and before <= self._clock():
                self._last_due.set(left, right, value=before.timestamp())
            if at is None:
                self._next_run.forget(left, right)
                return
            self._next[left, right] = at
            self._next_run.set(left, right, value=at.timestamp())

    def config_reloaded(self, successful: bool, at: datetime) -> None:
        with self._lock:
            self._reload_ok.set(value=1 if successful else 0)
            if successful:
                self._reload_time.set(value=at.timestamp())

    def leading(self, leads: bool) -> None:
        """Who does not lead knows nothing of the schedule: what it last knew of it is withdrawn."""
        with self._lock:
            self._leader.set(value=1 if leads else 0)
            if not leads:
                self._next.clear()
                self._next_run.forget()
                self._last_due.forget()

    def families(self) -> list[Family | Distribution]:
        """Everything counted so far, at one moment."""
        with self._lock:
            return [
                self._audits.family(),
                self._audit_seconds.family(),
                self._collector_seconds.family(),
                self._collector_errors.family(),
                self._notifications.family(),
                self._requests.family(),
                self._changes.family(),
                self._resolution.family(),
                self._missed.family(),
                self._next_run.family(),
                self._last_due.family(),
                self._leader.family(),
                self._reload_ok.family(),
                self._reload_time.family(),
                self._build.family(),
            ]

    def capped(self) -> Mapping[str, int]:
        """How many values of a label are counted under `other`, by label; counted up to MAX_VALUES."""
        with self._lock:
            return {name: len(values) for name, values in self._folded.items()}

    def _forget(self, left: str, right: str) -> None:
        self._next.pop((left, right), None)
        for counted in (self._audits, self._changes, self._missed, self._next_run, self._last_due):
            counted.forget(left, right)
        for observed in (self._audit_seconds, self._resolution):
            observed.forget(left, right)

    def _bounded(self, name: str, value: str) -> str:
        """`value` while the label has less than MAX_VALUES values, else `other`."""
        seen, folded = self._seen[name], self._folded[name]
        if value not in seen and len(seen) >= MAX_VALUES:
            if len(folded) < MAX_VALUES:
                folded.add(value)
            return OTHER
        seen.add(value)
        return value
