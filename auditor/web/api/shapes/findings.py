"""Lists of findings and single ones."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from auditor.model import Category, MatchMethod, Severity, Status
from auditor.waivers import WaiverState
from auditor.web.api.shapes import Event, Finding, Gap, Next, Shape, Share, Time, Waiving


class FindingList(Shape):
    """Findings, in the order that was asked for. A page may hold fewer than `limit`, and yet not be the last."""

    items: list[Finding]
    next: Next
    total: int | None = Field(description="All unresolved ones of the list; null where resolved ones are asked for.")


class FindingFacets(Shape):
    """How many unresolved findings each choice of one filter would give, all other filters being as they are."""

    severity: dict[Severity, int]
    status: dict[Status, int]
    category: dict[Category, int]
    kind: dict[str, int]
    owner: dict[str, int] = Field(description="Under `-` those that nobody owns.")
    total: int


class FindingWhole(Finding):
    """A finding with its life, as `audit show --format json` prints it."""

    moved_unknown: str | None = Field(description="Why it is not known which side moved.")
    waiver: Waiving | None
    events: list[Event]


class EventList(Shape):
    """What happened to one finding, oldest first."""

    items: list[Event]
    next: Next


class Paired(Shape):
    left: str
    right: str
    by: MatchMethod
    confidence: Share
    compared: list[str]


class Told(Shape):
    """One side of a place. Without the last three the value is absent."""

    identity: str | None
    value: Any = None
    normal_form: Any = None
    names_set_aside: Any = None


class Link(Shape):
    """A rule that matches the place, and what it does there."""

    rule: str
    file: str
    line: int
    severity: Severity
    part: str
    met: bool | None
    why: str


class Explanation(Shape):
    """A place as the policies judge it now."""

    kind: str
    resource: str
    path: list[str]
    state: str
    finding: bool
    verdict: str
    about: str
    paired: Paired | None
    left: Told | None
    right: Told | None
    comparing: list[Link]
    checking: list[Link]
    gaps: list[Gap]
    perhaps: list[str]


class Seen(Shape):
    environment: str
    snapshot: str
    taken_at: Time


class PlaceExplained(Shape):
    """A place of a pair, as `audit explain LEFT RIGHT --at RESOURCE --format json` prints it."""

    schema_: int = Field(alias="schema")
    seen: list[Seen]
    places: list[Explanation]


class FindingExplained(FindingWhole):
    """Why there is a finding, as `audit explain --format json` prints it."""

    rule_text: str | None = Field(description="The rule as its file spells it.")
    explained: list[Explanation]
    notes: list[str]


class Covers(Shape):
    """What a waiver names; null asks for any."""

    fingerprints: list[str]
    left: str | None
    right: str | None
    rule: str | None
    kind: str | None
    identity: str | None
    path: str | None
    bound_to_values: bool


class Waiver(Shape):
    """A tolerated finding, or several, as `audit waivers --format json` prints it."""

    id: str
    state: WaiverState
    owner: str
    reason: str
    created_at: Time
    expires_at: Time
    revoked_at: Time | None
    origin: str = Field(description="`cli`, `page`, `slack`, `api`, or the line of the waiver file.")
    covers: Covers
    findings: int | None = Field(
        description="How many it covers now, or so many at least where it is thousands; null: still counting, ask again."
    )


class WaiverList(Shape):
    """Waivers, by when they end."""

    items: list[Waiver]
    next: Next


class Waivers(Shape):
    """The waivers that were made."""

    items: list[Waiver]


class Acknowledged(Shape):
    """The findings as they are now."""

    items: list[Finding]
