"""The checklist of an environment."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from auditor.model import Severity
from auditor.web.api.shapes import Shape, Time


class ReadyVerdict(Shape):
    exit_code: int
    sentence: str
    threshold: Severity
    counts: dict[str, int] = Field(description="How many of each answer.")


class ReadyAudit(Shape):
    id: str
    left: str
    right: str
    finished_at: Time
    outcome: Literal["complete", "incomplete"]


class ReadySnapshot(Shape):
    environment: str
    id: str
    taken_at: Time


class Evidence(Shape):
    text: str
    environment: str | None
    at: Time | None
    source: str | None
    findings: list[str]
    resources: list[str]


class ReadyItem(Shape):
    """A question, its answer, and what that rests on."""

    id: str
    question: str
    answer: str
    sentence: str
    needs: str
    remedy: str
    evidence: list[Evidence]


class Checklist(Shape):
    """The checklist of a design review, answered, as `audit ready --format json` prints it."""

    schema_: int = Field(alias="schema")
    environment: str
    production: str = Field(description="The environment that it is held against.")
    verdict: ReadyVerdict
    audit: ReadyAudit
    snapshots: list[ReadySnapshot]
    items: list[ReadyItem]
