"""Policies and their rules."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from auditor.model import Severity
from auditor.web.api.shapes import Next, Shape


class Pack(Shape):
    """A policy, as `audit policy list --format json` prints it, with what it finds."""

    name: str
    about: str
    file: str
    extends: list[str]
    rules: int
    ships: bool = Field(description="Whether it comes with the product.")
    pairs: list[str] = Field(description="Pairs that are judged by it, as `left/right`.")
    findings: int = Field(description="Unresolved ones of its rules.")


class PackList(Shape):
    """The policies that can be named, by name."""

    items: list[Pack]
    next: Next
    problems: list[str] = Field(description="What is wrong with files of policies.")


class RuleLine(Shape):
    """A rule of a policy."""

    id: str
    about: str
    kinds: list[str]
    paths: list[str]
    expects: str
    severity: Severity
    tolerated_seconds: int
    remediation: str
    file: str
    line: int
    findings: int = Field(description="Unresolved ones.")
    overridden: str | None = Field(description="The rule that decides all its places in its stead, as `policy/id`.")


class RuleList(Shape):
    """The rules of one policy, in the order of its file."""

    items: list[RuleLine]
    next: Next
    policy: Pack


class Example(Shape):
    """An example beside a rule, and how it is judged."""

    line: int
    expected: str
    verdict: str
    passed: bool


class LaterRule(Shape):
    """A rule that comes later, and may decide instead."""

    rule: str
    whole: bool = Field(description="It covers all of this rule's places.")
    pairs: list[str]


class Rule(Shape):
    """One rule."""

    id: str
    policy: str
    about: str
    expects: str
    severity: Severity
    file: str
    line: int
    text: str | None = Field(description="As its file spells it.")
    examples: list[Example]
    findings: list[str] = Field(description="Fingerprints of the first ones that it makes now.")
    total: int
    later: list[LaterRule]
    pairs: list[str]


class Remark(Shape):
    level: str
    code: str
    file: str
    line: int
    rule: str | None
    message: str
    remedy: str


class Hits(Shape):
    """What a rule did in the last audits."""

    places: int
    spoke_of: int
    decided: int
    met: int
    breached: int
    overridden: int
    overridden_by: list[str]


class Observed(Shape):
    policies: list[str]
    pairs: list[str]
    rules: dict[str, Hits]


class Lint(Shape):
    """What is wrong with policies and waivers, as `audit policy lint --format json` prints it."""

    schema_: Literal[1] = Field(alias="schema")
    policies: list[str]
    remarks: list[Remark]
    observed: list[Observed]
    not_looked_at: list[str]
