"""How everything stands, and what happened lately."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from auditor.model import Category, Severity, Status
from auditor.web.api.shapes import Next, Shape, Time
from auditor.web.api.shapes.pairs import PairStanding


class Changed(Shape):
    """How many findings became what. One that became it more than once counts once."""

    opened: int
    resolved: int
    regressed: int
    waived: int
    acknowledged: int


class Overview(Shape):
    """The whole fleet at a glance."""

    environments: list[str] = Field(description="In the order of promotion.")
    alone: list[str] = Field(description="Environments that nothing is compared with.")
    pairs: list[PairStanding]
    answers: dict[str, int] = Field(description="How many pairs mirror each other: `yes`, `no`, `not known`.")
    incomplete: list[str] = Field(description="Pairs whose last audit could not observe everything, as `left/right`.")
    stale: list[str] = Field(description="Pairs whose last audit is too old.")
    since: Time
    changed: Changed = Field(description="Findings above info to which something happened since then.")


class Happening(Shape):
    """Something that happened to a finding, with the finding as it is now."""

    at: Time
    from_: Status | None = Field(alias="from")
    to: Status
    actor: str
    audit: str | None
    reason: str
    fingerprint: str
    left: str
    right: str
    severity: Severity
    category: Category
    kind: str
    resource: str
    path: list[str]
    message: str
    status: Status = Field(description="Of the finding now.")


class HappeningList(Shape):
    """What happened, the newest first."""

    items: list[Happening]
    next: Next
    since: datetime


class TimelineStretch(Shape):
    """A time in which one side held one value."""

    text: str = Field(description="The value, as reports spell it.")
    after: Time | None = Field(description="When the value before it was last seen; null: not known.")
    since: Time
    until: Time


class TimelineSide(Shape):
    """One side, the latest first."""

    environment: str
    stretches: list[TimelineStretch]
    more: bool = Field(description="There are earlier ones, which are not told.")
    why: str | None = Field(description="Why nothing is known.")


class Timeline(Shape):
    """A finding's place over time, on both sides."""

    fingerprint: str
    start: Time
    end: Time
    left: TimelineSide
    right: TimelineSide
