"""What the work is counted with. `publish/prometheus.py` keeps the counts; this says what can be counted, and imports no client."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from auditor.model import GapReason
    from auditor.notices import Happening


class Meters(Protocol):
    """Told what happens in this process, from any thread."""

    def audit_ended(self, left: str, right: str, outcome: str, took: timedelta, audit_id: str | None) -> None:
        """`outcome` is `complete`, `incomplete` or `failed` (then there is no audit)."""
        ...

    def collector_ended(
        self, environment: str, collector: str, took: timedelta, reasons: tuple[GapReason, ...]
    ) -> None:
        """One collector has read what it could of one environment; `reasons` of its gaps, empty where it read all."""
        ...

    def api_request(self, environment: str, api: str, outcome: str) -> None:
        """One request to a far side: `ok`, `throttled`, `denied` or `error`."""
        ...

    def notification(self, publisher: str, outcome: str) -> None:
        """One attempt to deliver a notice: `delivered`, `retried` or `failed`."""
        ...

    def changed(self, left: str, right: str, happening: Happening) -> None: ...

    def resolved(self, left: str, right: str, age: timedelta) -> None:
        """A finding was resolved, `age` after it had become one."""
        ...

    def missed(self, left: str, right: str, runs: int) -> None:
        """Scheduled runs of a pair that did not take place at their time."""
        ...

    def next_run(self, left: str, right: str, at: datetime | None) -> None: ...

    def config_reloaded(self, successful: bool, at: datetime) -> None: ...

    def leading(self, leads: bool) -> None: ...


class Unmetered:
    """Nobody counts: what a command that runs once hands on."""

    def audit_ended(self, left: str, right: str, outcome: str, took: timedelta, audit_id: str | None) -> None:
        """Nothing."""

    def collector_ended(
        self, environment: str, collector: str, took: timedelta, reasons: tuple[GapReason, ...]
    ) -> None:
        """Nothing."""

    def api_request(self, environment: str, api: str, outcome: str) -> None:
        """Nothing."""

    def notification(self, publisher: str, outcome: str) -> None:
        """Nothing."""

    def changed(self, left: str, right: str, happening: Happening) -> None:
        """Nothing."""

    def resolved(self, left: str, right: str, age: timedelta) -> None:
        """Nothing."""

    def missed(self, left: str, right: str, runs: int) -> None:
        """Nothing."""

    def next_run(self, left: str, right: str, at: datetime | None) -> None:
        """Nothing."""

    def config_reloaded(self, successful: bool, at: datetime) -> None:
        """Nothing."""

    def leading(self, leads: bool) -> None:
        """Nothing."""
