"""The regular summary: how every pair stands, what came and went since the last one, and what is about to end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from auditor.life import StoredFinding
from auditor.model import Gap, Severity
from auditor.waivers import Waiver


@dataclass(frozen=True, slots=True)
class PairDigest:
    """One pair. What is of its last audit is None or empty where there was none.

    open         findings that are open or came back, by severity; none of the others
    aside        pending, acknowledged and waived ones
    new, regressed, resolved   what happened since the last digest; one finding counts once each
    score_before of the last audit before `Digest.since`, None where there was none
    worst        at most five of the open ones, the most severe and then the oldest first
    oldest       of the open ones, by when it was opened
    flapping     came back three times or more within seven days; at most five
    gaps         what the last audit could not observe
    """

    left: str
    right: str
    audited_at: datetime | None = None
    complete: bool = False
    score: float | None = None
    score_before: float | None = None
    coverage: float | None = None
    open: Mapping[Severity, int] | None = None
    aside: int = 0
    new: int = 0
    regressed: int = 0
    resolved: int = 0
    worst: tuple[StoredFinding, ...] = ()
    oldest: StoredFinding | None = None
    flapping: tuple[StoredFinding, ...] = ()
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Digest:
    """Every configured pair from `since` (the last digest) until `at`.

    expiring   people's waivers that end within seven days, the next first
    """

    since: datetime
    at: datetime
    pairs: tuple[PairDigest, ...]
    expiring: tuple[Waiver, ...] = ()
