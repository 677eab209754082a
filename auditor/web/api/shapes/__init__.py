"""What the API answers, as it is described to those who read the answers. Keys are added, never renamed or removed.

The answers are made by what makes the reports of the command line (`auditor.publish`), so that both say the same; tests
hold every answer against these.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from auditor.model import Category, GapReason, MatchMethod, Severity, Status

PROBLEM_REF = "#/components/schemas/Problem"
Time: TypeAlias = Annotated[datetime, Field(description="ISO 8601, UTC.")]
Next: TypeAlias = Annotated[
    str | None, Field(description="Send it as `after` for the page that follows; null on the last one.")
]
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


class Shape(BaseModel):
    """An answer, or part of one: these keys, all of them, and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ProblemError(Shape):
    at: str = Field(description="Where: `query.limit`, `body.reason`.")
    message: str


class Problem(Shape):
    """Why a request was refused (RFC 9457)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"type": "about:blank", "title": "Not found", "status": 404, "detail": "there is no finding 'beef'"}
            ]
        },
    )

    type: str
    title: str
    status: int
    detail: str = Field(description="One sentence that says what is wrong, and what to do about it.")
    errors: list[ProblemError] = Field(default=[], description="Each mistake, where there may be several.")


class Value(Shape):
    """A value that may be missing: `absent` tells a missing one from null."""

    value: Any
    absent: bool


class Gap(Shape):
    """Something that could not be observed, and why. What it covers is unknown: neither missing nor equal."""

    environment: str
    source: str
    kind: str = Field(description="A glob over kinds.")
    reason: GapReason
    detail: str
    region: str | None
    resource: str | None = Field(
        description="The one resource concerned, or all below a folder; null: a whole listing."
    )
    attribute: str | None
    location: str | None


class Side(Shape):
    """One side of a finding."""

    environment: str
    identity: str | None = Field(description="Null where there is no such resource.")
    value: Any
    absent: bool
    location: str | None
    declared: str | None = Field(default=None, description="Where code declares the resource.")


class Author(Shape):
    """Who made a change, as the environment's own records tell."""

    principal: str | None
    event: str | None
    at: Time | None
    through: str | None
    event_id: str | None
    unknown: str | None = Field(description="Why that is not known.")


class Moved(Shape):
    """Which side changed last, and between which two of its snapshots."""

    side: str = Field(description="`left`, `right` or `both`.")
    environment: str
    after: Time = Field(description="When the last snapshot was taken that still held `old`.")
    by: Time = Field(description="When the first one was taken that held `new`.")
    old: Value
    new: Value
    snapshot: str
    agreed: bool = Field(description="Whether both sides agreed until then.")


class FindingMoved(Moved):
    sentence: str = Field(description="The same in words.")
    author: Author | None = Field(description="Null where nobody was asked.")


class Escalation(Shape):
    after_seconds: int
    to: Severity


class Waiving(Shape):
    """The waiver that covers a finding."""

    id: str
    owner: str
    reason: str
    expires_at: Time
    origin: str


class Event(Shape):
    """One change in a finding's life."""

    at: Time
    from_: Status | None = Field(alias="from", description="Null for its first; equal to `to` where it only got worse.")
    to: Status
    actor: str
    audit: str | None = Field(description="Null for what a person did.")
    reason: str


class DecidedBy(Shape):
    """The rule that decided, and where it stands."""

    policy: str
    file: str
    line: int
    overrode: list[str] = Field(description="Rules that match here, too, as `policy/id`, the latest first.")


class Finding(Shape):
    """A difference that breaches a rule, with its life."""

    fingerprint: str = Field(description="Its name: values, positions and ids do not change it.")
    rule: str
    severity: Severity
    category: Category
    status: Status
    kind: str
    resource: str
    path: list[str] = Field(description="Empty: the whole resource.")
    left: Side
    right: Side
    message: str
    about: str = Field(description="Why the rule is there.")
    remediation: str
    matched_by: MatchMethod | None
    confidence: Share
    first_seen: Time
    last_seen: Time
    moved: FindingMoved | None
    opened_at: Time | None
    flaps: bool
    returns: int = Field(description="How often it came back within 24 hours.")
    cause: str | None
    cause_key: str | None
    reach: int
    suggestion: str | None = Field(description="The probable counterpart, where one side has none.")
    tolerated_seconds: int
    escalates: list[Escalation]
    escalated_from: Severity | None
    decided_by: DecidedBy
