"""What may be asked of a list of findings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from auditor.life import StoredFinding
from auditor.model import Category, Severity, Status

LONGEST_TEXT = 200


class Order(StrEnum):
    """`newest` and `oldest` by when a finding was first seen; `severity` the worst, then the newest first."""

    SEVERITY = "severity"
    NEWEST = "newest"
    OLDEST = "oldest"
    RESOURCE = "resource"


@dataclass(frozen=True, slots=True)
class FindingQuery:
    """Which findings, and in which order. What is None or empty asks for any.

    statuses      None or empty: all that are not resolved
    kinds         names (`aws.rds.instance`), or what they begin with (`aws.rds.*`)
    owners        "" stands for findings that nobody owns
    rule          `policy/id`
    cause         a `cause_key`
    text          words, all of which must occur in names, kind, path, message, rule, owner or cause
    older_than    first seen before; `newer_than` is first seen then or later
    suggested     whether it is about one side only, with a probable counterpart on the other

    Resolved ones come after all others, whatever the order: those that were last seen latest first, or last where the
    order is `oldest`. Raises ValueError for a `text` of more than 200 characters.
    """

    left: str | None = None
    right: str | None = None
    statuses: Collection[Status] | None = None
    severities: Collection[Severity] | None = None
    min_severity: Severity | None = None
    categories: Collection[Category] | None = None
    kinds: Collection[str] = ()
    owners: Collection[str] = ()
    rule: str | None = None
    cause: str | None = None
    text: str = ""
    older_than: datetime | None = None
    newer_than: datetime | None = None
    suggested: bool | None = None
    order: Order = Order.SEVERITY

    def __post_init__(self) -> None:
        if len(self.text) > LONGEST_TEXT:
            raise ValueError(f"the text to look for has {len(self.text)} characters; use at most {LONGEST_TEXT}")

    @property
    def unresolved(self) -> bool:
        """Whether it asks for any that are not resolved."""
        return not self.statuses or any(status is not Status.RESOLVED for status in self.statuses)

    @property
    def resolved(self) -> bool:
        return Status.RESOLVED in (self.statuses or ())


@dataclass(frozen=True, slots=True)
class FindingPage:
    """Some of a list. `next` continues it, None at its end. A page may hold fewer than asked for, and yet not be the last.

    `total` counts the unresolved ones of the whole list; None where resolved ones are asked for, which nobody counts."""

    items: tuple[StoredFinding, ...]
    next: str | None
    total: int | None


@dataclass(frozen=True, slots=True)
class Facets:
    """How many unresolved findings there would be for each choice of one filter, all other filters being as they are.

    Under "" of `owner` are those that nobody owns. `total` is what fits all filters."""

    severity: Mapping[Severity, int]
    status: Mapping[Status, int]
    category: Mapping[Category, int]
    kind: Mapping[str, int]
    owner: Mapping[str, int]
    total: int
