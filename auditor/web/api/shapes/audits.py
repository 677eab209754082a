"""Audits: lists of them, the report of one, what differs between two, and those that were asked for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from auditor.model import Category, Severity
from auditor.web.api.shapes import Finding, Gap, Next, Shape, Share, Time


class AuditLine(Shape):
    """An audit as lists show it."""

    id: str
    left: str
    right: str
    left_snapshot: str
    right_snapshot: str
    started_at: Time
    finished_at: Time
    outcome: Literal["complete", "incomplete"]
    score: Share | None = Field(description="Null where nothing was compared.")
    coverage: Share


class AuditList(Shape):
    """Audits, those recorded last first."""

    items: list[AuditLine]
    next: Next


class AuditRun(Shape):
    id: str
    left: str
    right: str
    started_at: Time
    finished_at: Time
    outcome: Literal["complete", "incomplete"]
    policies: list[str]


class Verdict(Shape):
    exit_code: int = Field(description="What `audit now` exits with: 0 parity, 1 findings, 3 incomplete.")
    sentence: str
    fail_on: Severity


class Counted(Shape):
    """Resources, as they were paired."""

    left: int
    right: int
    matched: int
    unmatched_left: int
    unmatched_right: int


class SourceCoverage(Shape):
    environment: str
    source: str
    expected: int = Field(description="Listings.")
    observed: float


class Coverage(Shape):
    """The share of what should have been observed that was."""

    ratio: Share
    resources: Counted
    sources: list[SourceCoverage]


class Tally(Shape):
    """What was not found fault with in one category."""

    matched: int
    expected: int
    unknown: int


class Group(Shape):
    """Findings that one cause explains."""

    cause: str | None
    key: str
    severity: Severity
    members: list[str]


class AuditReport(Shape):
    """One audit, as `audit now --format json` prints it."""

    schema_: int = Field(alias="schema")
    audit: AuditRun
    verdict: Verdict
    score: Share | None
    scores: dict[Category, Share]
    coverage: Coverage
    expected: int = Field(description="Differences that a rule calls normal.")
    unknown: int = Field(description="Places that gaps hide.")
    tallies: dict[Category, Tally]
    notes: list[str]
    findings: list[Finding]
    groups: list[Group]
    gaps: list[Gap]


class AuditFindingChange(Shape):
    """A finding that both audits saw, and what became of it."""

    fingerprint: str
    changed: list[Literal["status", "severity", "left", "right"]]
    before: Finding
    after: Finding


class AuditDiff(Shape):
    """What a later audit saw that an earlier one of the same pair did not, and the other way round."""

    before: str = Field(description="The earlier audit.")
    after: str
    left: str
    right: str
    appeared: list[Finding]
    disappeared: list[Finding]
    changed: list[AuditFindingChange]
    unchanged: int


class SourceReading(Shape):
    """How far one source is read."""

    environment: str
    source: str
    stage: Literal["reading", "done", "incomplete", "failed"]
    listings: int = Field(description="How many are known of so far.")
    ended: int
    count: int = Field(description="Resources and gaps so far.")


class Job(Shape):
    """An audit that was asked for."""

    id: str
    left: str
    right: str
    state: Literal["waiting", "running", "done", "failed"]
    asked_at: Time
    audit_id: str | None = Field(description="There once it is done.")
    error: str | None = Field(description="Why it failed.")
    sources: list[SourceReading]


class JobList(Shape):
    """The audits that were asked for since the service began, at most the last 200, the latest first."""

    items: list[Job]
