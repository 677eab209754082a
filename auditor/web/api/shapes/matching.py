"""How the resources of a pair were paired."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from auditor.model import Category, MatchMethod
from auditor.web.api.shapes import Gap, Next, Shape, Share


class Match(Shape):
    """A resource of the left, paired with its counterpart on the right."""

    kind: str
    left: str
    right: str
    matched_by: MatchMethod
    confidence: Share


class MatchList(Shape):
    """Pairs of resources."""

    items: list[Match]
    next: Next
    total: int


class Unmatched(Shape):
    """A resource that only one side has."""

    kind: str
    side: Literal["left", "right"]
    identity: str
    suggestion: str | None = Field(description="The probable counterpart.")
    confidence: Share | None


class UnmatchedList(Shape):
    """Resources without a counterpart."""

    items: list[Unmatched]
    next: Next
    total: int


class ExpectedDifference(Shape):
    kind: str
    resource: str
    path: list[str]
    left: str = Field(description="As reports spell it, cut where it is long.")
    right: str


class ExpectedRule(Shape):
    """What one rule calls normal in one category."""

    category: Category
    rule: str
    about: str
    expect: str
    number: int
    differences: list[ExpectedDifference] = Field(description="The first of them.")


class ExpectedList(Shape):
    """What differs as it should, by rule."""

    items: list[ExpectedRule]
    total: int


class GapList(Shape):
    """What the last audit could not observe."""

    items: list[Gap]
    next: Next
    audit: str | None
