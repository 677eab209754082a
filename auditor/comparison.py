"""Two snapshots laid side by side: normal forms, what belongs together, and what differs. Frozen, as all of `auditor.model`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

from auditor.model import Absent, Json, Kind, MatchMethod, Path, Resource, Snapshot, Spot

Naming: TypeAlias = tuple[tuple[str, str], ...]
Trees: TypeAlias = tuple[Mapping[str, Json], Mapping[str, Json]]
_DIGEST, _KEY = 32, 16


class Reader(Protocol):
    """What finds out what a light `Normal` does not hold."""

    def trees(self, normal: Normal) -> Trees: ...

    def raw(self, normal: Normal) -> Mapping[str, Json]: ...

    def namings(self, normals: Sequence[Normal]) -> Iterator[Naming | None]:
        """The texts by which each may name other resources of its snapshot (`auditor.naming`); None where nobody knows."""


class Normal:
    """A resource in normal form. `form` and `raw` have the same shape: what differs in `form` is read, as the source
    spelled it, at the same path of `raw`. Nobody changes one.

    digest    of the form with the environment's names set aside: where two are equal, nothing differs
    key       16 bytes, equal for two of one form, raw, resource and names; empty where nobody knows
    mentions  what the raw document may mention (`auditor.mentions`); None where nobody knows
    reader    of a light one: what makes its trees when somebody looks at them
    """

    __slots__ = ("_told", "_trees", "identity", "kind", "reader", "resource")

    def __init__(
        self,
        resource: Resource,
        kind: Kind,
        identity: str,
        form: Mapping[str, Json],
        raw: Mapping[str, Json],
        digest: str,
    ) -> None:
        self.resource, self.kind, self.identity = resource, kind, identity
        self.reader: Reader | None = None
        self._trees: Trees | None = (form, raw)
        # A light one's digest, key and mentions are one text: three would take as much room as the whole object.
        self._told: str | bytes = digest

    @classmethod
    def light(cls, resource: Resource, kind: Kind, identity: str, told: bytes, reader: Reader) -> Normal:
        """One whose trees are made when somebody looks at them. `told` is its digest, its key and its mentions, one after the
        other."""
        found = cls.__new__(cls)
        found.resource, found.kind, found.identity = resource, kind, identity
        found.reader, found._trees, found._told = reader, None, told
        return found

    @property
    def digest(self) -> str:
        return self._told[:_DIGEST].hex() if isinstance(self._told, bytes) else self._told

    @property
    def key(self) -> bytes:
        return self._told[_DIGEST : _DIGEST + _KEY] if isinstance(self._told, bytes) else b""

    @property
    def mentions(self) -> bytes | None:
        return self._told[_DIGEST + _KEY :] if isinstance(self._told, bytes) else None

    def is_like(self, other: Normal) -> bool:
        """Whether nothing differs: the two have one digest."""
        ours, theirs = self._told, other._told
        if isinstance(ours, bytes) and isinstance(theirs, bytes):
            return ours[:_DIGEST] == theirs[:_DIGEST]
        return self.digest == other.digest

    @property
    def form(self) -> Mapping[str, Json]:
        return self.trees[0]

    @property
    def raw(self) -> Mapping[str, Json]:
        return self.reader.raw(self) if self._trees is None and self.reader is not None else self.trees[1]

    @property
    def trees(self) -> Trees:
        """`form` and `raw`. Those of a light one are made anew each time: whoever needs them twice holds on to them."""
        if self._trees is not None:
            return self._trees
        assert self.reader is not None
        return self.reader.trees(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Normal):
            return NotImplemented
        same = (self.resource, self.kind, self.identity, self.digest) == (
            other.resource,
            other.kind,
            other.identity,
            other.digest,
        )
        return same and self.trees == other.trees

    def __hash__(self) -> int:
        return hash((self.identity, self.digest))

    def __repr__(self) -> str:
        return f"Normal({self.kind.name} {self.resource.identity})"


@dataclass(frozen=True, slots=True)
class Match:
    left: Normal
    right: Normal
    method: MatchMethod
    confidence: float


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A resource without a counterpart. `suggestion` is the probable counterpart, which never counts as a match."""

    side: str
    normal: Normal
    suggestion: Normal | None = None
    confidence: float = 0.0


class Change(StrEnum):
    VALUE = "value"
    TYPE = "type"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One leaf that differs. `left` and `right` are the values as spelled at the source, ABSENT where there is none.

    ADDED is on the right only, REMOVED on the left only. List items that nothing names are all `*` in `path`; `spot`
    tells them apart within one comparison.
    """

    path: Path
    left: Json | Absent
    right: Json | Absent
    change: Change
    spot: Path = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Compared:
    """A matched pair and the leaves that differ between its two normal forms, names already set aside.

    `unqualified` holds the leaves that agree but for this: the right carries its environment's name, the left carries none,
    so the left may be pointing at something that belongs to every environment, or to another one.
    """

    match: Match
    differences: tuple[Difference, ...]
    unqualified: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Declarations:
    """What one environment's infrastructure as code declares, held against what is there.

    addresses   where a live resource is declared (`module.orders.aws_db_instance.main`)
    undeclared  live resources of a declared kind that stand in no state
    absent      what a state declares and a complete listing of its live kind did not hold
    unknown     addresses of which that cannot be said, because nobody looked there; `*` where a state could not be read
    """

    addresses: Mapping[Spot, str] = field(default_factory=dict)
    undeclared: tuple[Resource, ...] = ()
    absent: tuple[Resource, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two snapshots laid side by side: what judge.py judges. `left` and `right` hold the gaps and listings.

    `declarations` are what states say of the left and of the right side."""

    left: Snapshot
    right: Snapshot
    matches: tuple[Compared, ...]
    unmatched: tuple[Unmatched, ...]
    declarations: tuple[Declarations, Declarations] = (Declarations(), Declarations())
