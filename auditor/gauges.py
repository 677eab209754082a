"""What the store knows that is worth a metric, as plain numbers. The store fills it, `publish/prometheus.py` spells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from auditor.model import Category, GapReason, Severity, Status


@dataclass(frozen=True, slots=True)
class PairGauges:
    """One configured pair. `findings` counts those that are not resolved, by category, severity and status.

    `score`, `scores` and `coverage` are of the last audit; `last_audit` is when that finished, `last_complete` when one
    last observed everything. None and empty where there was no audit. `flapping` findings came back three times or more
    within seven days."""

    left: str
    right: str
    findings: Mapping[tuple[Category, Severity, Status], int]
    score: float | None = None
    scores: Mapping[Category, float] | None = None
    coverage: float | None = None
    last_audit: datetime | None = None
    last_complete: datetime | None = None
    oldest_open: datetime | None = None
    flapping: int = 0


@dataclass(frozen=True, slots=True)
class Deployed:
    """A component as it is deployed in one environment. All but the first two where a source tells.

    `by` is who deployed it, `commit` what it was built from."""

    component: str
    version: str
    digest: str | None = None
    deployed_at: datetime | None = None
    by: str | None = None
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class EnvironmentGauges:
    """One configured environment, as its last snapshot shows it."""

    environment: str
    taken_at: datetime | None
    resources: Mapping[str, int]
    gaps: Mapping[GapReason, int]
    deployed: tuple[Deployed, ...] = ()


@dataclass(frozen=True, slots=True)
class CollectorGauge:
    """When a collector last read everything it is asked for in one environment; None: never."""

    environment: str
    collector: str
    last_success: datetime | None


@dataclass(frozen=True, slots=True)
class Gauges:
    """Everything. `pending` and `failed` count notices by publisher; `oldest_pending` is the oldest that is due."""

    pairs: tuple[PairGauges, ...]
    environments: tuple[EnvironmentGauges, ...]
    collectors: tuple[CollectorGauge, ...]
    pending: Mapping[str, int]
    failed: Mapping[str, int]
    oldest_pending: datetime | None
