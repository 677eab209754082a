"""The verdict on a promotion."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from auditor.model import Severity
from auditor.web.api.shapes import Finding, Gap, Shape, Time
from auditor.web.api.shapes.audits import AuditReport


class Observed(Shape):
    recorded: bool
    left: Time = Field(description="When the left side was looked at.")
    right: Time
    age_seconds: int
    why: str


class Silence(Shape):
    """Why a finding does not count."""

    by: str
    reason: str
    until: Time | None


class ScopeCount(Shape):
    left: int
    right: int
    of: int


class Unresolved(Shape):
    """A reference that could not be followed."""

    environment: str
    what: str
    text: str
    taken_for: list[str]


class GateScope(Shape):
    """What the services depend on."""

    services: list[str]
    resources: ScopeCount
    unresolved: list[Unresolved]


class Outside(Shape):
    """What does not count, because the services do not depend on it."""

    findings: list[Finding]
    gaps: list[Gap]


class GateVerdict(Shape):
    verdict: Literal["pass", "hold", "incomplete"]
    exit_code: int
    sentence: str
    at: Time
    fail_on: Severity
    allow_incomplete: bool
    fresh_seconds: int
    observed: Observed
    holding: list[str] = Field(description="Fingerprints of what holds it.")
    not_looked_at_again: list[str]
    silences: dict[str, Silence] = Field(description="By fingerprint.")
    scope: GateScope | None = Field(description="Null: everything.")
    outside: Outside


class Gate(AuditReport):
    """Whether the left environment may be promoted to the right one, as `audit gate --format json` prints it."""

    gate: GateVerdict
