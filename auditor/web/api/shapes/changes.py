"""What changed in an environment, and what runs where."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from auditor.web.api.shapes import Gap, Shape, Time, Value


class DriftStep(Shape):
    old: Value
    new: Value
    after: Time
    by: Time


class DriftChange(Shape):
    """A place that changed."""

    kind: str
    resource: str
    region: str | None
    path: list[str]
    old: Value
    new: Value
    course: str = Field(description="Whether it stayed so, or was changed back.")
    after: Time
    by: Time
    steps: list[DriftStep]
    cause: str | None


class Released(Shape):
    """A version that was deployed."""

    component: str
    version: str
    digest: str | None
    was: str | None
    after: Time | None
    by: Time
    deployed_at: Time | None
    running: bool | None


class DriftGap(Gap):
    """What could not be observed for a while."""

    snapshots: int
    first: Time
    last: Time
    still: bool


class DriftVerdict(Shape):
    exit_code: int
    sentence: str


class Drift(Shape):
    """What changed in one environment, as `audit drift --format json` prints it."""

    schema_: int = Field(alias="schema")
    environment: str
    since: Time
    from_: Time = Field(alias="from", description="When the first snapshot was taken that is looked at.")
    to: Time
    snapshots: int
    outcome: Literal["complete", "incomplete"]
    verdict: DriftVerdict
    notes: list[str]
    changes: list[DriftChange]
    deployments: list[Released]
    not_observed: list[DriftGap]


class VersionCell(Shape):
    """A version that runs."""

    version: str
    digest: str | None
    commit: str | None
    since: Time | None
    since_told_by: Literal["source", "snapshots"] | None
    by: str | None


class VersionColumn(Shape):
    environment: str
    snapshot: str | None
    taken_at: Time | None
    gaps: int = Field(description="Gaps among what says versions: more may be deployed there.")


class ComponentVersions(Shape):
    component: str
    same: bool
    versions: dict[str, list[VersionCell]] = Field(description="By environment.")


class Promoted(Shape):
    """What a promotion would bring of one component."""

    component: str
    before: list[str]
    after: list[str]
    since: Time | None
    at_least: bool
    same_tag: bool = Field(description="The version reads the same, but stands for other bytes.")


class PromotionStep(Shape):
    """From one environment to the one that it promotes to."""

    left: str
    right: str
    known: bool
    ahead: list[Promoted]
    behind: list[str]
    same: int


class Versions(Shape):
    """Which version of what runs where, as `audit versions --format json` prints it, and what promotions would bring."""

    schema_: int = Field(alias="schema")
    environments: list[VersionColumn]
    components: list[ComponentVersions]
    next: str | None = Field(description="Send it as `after` for the components that follow.")
    total: int
    promotions: list[PromotionStep]
