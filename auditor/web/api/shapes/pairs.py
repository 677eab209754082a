"""Pairs as they stand."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from auditor.model import Category, Severity
from auditor.web.api.shapes import Next, Shape, Share, Time


class Cell(Shape):
    """One category of one pair."""

    state: Literal["drift", "unknown", "waived", "expected", "same", "none"]
    drift: int = Field(description="Findings above info that are open, or came back.")
    worst: Severity | None = Field(description="The worst severity among these.")
    noted: int = Field(description="Findings at info that are open: house policy, and no drift.")
    waived: int = Field(description="Findings that are waived or acknowledged.")
    pending: int = Field(description="Findings that their rule still tolerates.")
    same: int | None = Field(description="Pairs of resources of which nothing was found; null where nobody counted.")
    expected: int = Field(description="Differences that a rule calls normal.")
    unknown: int = Field(description="Places and listings that gaps hide.")


class LastAudit(Shape):
    """The pair's last audit in numbers."""

    id: str | None
    finished_at: Time
    outcome: Literal["complete", "incomplete"]
    score: Share | None = Field(description="Null where nothing was compared.")
    scores: dict[Category, Share]
    coverage: Share
    gaps: int
    last_complete: Time | None = Field(description="When one was last complete.")


class PairStanding(Shape):
    """A pair as it stands now."""

    left: str
    right: str
    answer: Literal["yes", "no", "not known"] = Field(description="Whether the left environment mirrors the right one.")
    sentence: str
    configured: bool
    schedule: str | None = Field(description="As configured; null: on demand.")
    stale: str | None = Field(description="Why the last audit is too old.")
    audit: LastAudit | None = Field(description="Null where it was never audited.")
    open: dict[Severity, int] = Field(description="Findings that are open or came back.")
    categories: dict[Category, Cell] = Field(description="Only those of which anything is known.")


class PairList(Shape):
    """The configured pairs, by name."""

    items: list[PairStanding]
    next: Next


class Day(Shape):
    """A pair at the end of one day, UTC."""

    day: date
    score: Share | None
    coverage: Share
    open: dict[Severity, int] | None = Field(description="Null for days that an older version recorded.")
    audits: int
    incomplete: int


class Trend(Shape):
    """Day by day, the oldest first. Days without an audit are left out."""

    items: list[Day]
