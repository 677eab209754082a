"""Environments, their snapshots, and what these hold."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from auditor.web.api.shapes import Gap, Moved, Next, Shape, Time, Value


class SnapshotLine(Shape):
    """A snapshot as lists show it."""

    id: str
    environment: str
    taken_at: Time
    resources: int
    gaps: int


class SnapshotList(Shape):
    """The snapshots of an environment, those recorded last first."""

    items: list[SnapshotLine]
    next: Next


class SourceLine(Shape):
    collector: str
    source: str = Field(description="The source's label, free of secrets.")


class Environment(Shape):
    """A configured environment."""

    name: str
    aliases: list[str]
    promotes_to: str | None
    sources: list[SourceLine]
    snapshot: SnapshotLine | None = Field(description="The one that was recorded last.")


class EnvironmentList(Shape):
    """The configured environments, by name."""

    items: list[Environment]
    next: Next


class Listing(Shape):
    """A complete listing of one kind in one source and region."""

    source: str
    kind: str
    region: str | None


class Snapshot(SnapshotLine):
    """A snapshot without its resources."""

    kinds: dict[str, int] = Field(description="How many resources of each kind.")
    accounts: list[str]
    regions: list[str]
    listings: list[Listing]
    unseen: list[Gap] = Field(description="What could not be observed.")


class ResourceLine(Shape):
    """A resource of a snapshot, without its attributes."""

    kind: str
    identity: str
    source: str
    region: str | None
    account: str | None
    parent: str | None
    component: str | None
    location: str | None
    digest: str = Field(description="Of the attributes: equal digests are equal attributes.")


class ResourceList(Shape):
    """The resources of a snapshot, by kind and identity."""

    items: list[ResourceLine]
    next: Next
    total: int


class Normal(Shape):
    identity: str
    form: dict[str, Any]


class Resource(ResourceLine):
    """A resource with its attributes as the source spells them, and in normal form."""

    tags: dict[str, str]
    refs: list[str]
    attributes: dict[str, Any]
    normal: Normal


class Difference(Shape):
    """A place that differs between two snapshots. An empty `path`: the whole resource."""

    kind: str
    resource: str
    path: list[str]
    left: Value
    right: Value
    cause: str | None
    moved: Moved | None


class SnapshotDiff(Shape):
    """What differs between two snapshots, as `audit diff --format json` prints it."""

    schema_: int = Field(alias="schema")
    left: str
    right: str
    outcome: Literal["complete", "incomplete"]
    differences: list[Difference]
    gaps: list[Gap] = Field(description="What either snapshot did not see, so what was not compared.")
