"""What was observed: whether something that is not there may be called missing, or a value equal.

Unread is not absent. A resource counts as missing only when a complete listing of its kind did not hold it and no gap
may hide it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING

from auditor.model import ABSENT, Absent, Json, Path
from auditor.values import words

if TYPE_CHECKING:
    from auditor.model import Breach, Comparison, Gap, Kind, Normal, Snapshot
    from auditor.names import EnvironmentNames

# `aws.ec2.security_group/web-staging`, as an id reads once it is known what it points to; and one that is still an id.
_RESOLVED = re.compile(r"(?<![a-z0-9_.])([a-z0-9_]+(?:\.[a-z0-9_]+)+)/")
_UNRESOLVED = re.compile(r"(?<![a-z0-9])[a-z]{1,10}-[0-9a-f]{8,17}(?![0-9a-z])|arn:aws|\.amazonaws\.com")


@dataclass(frozen=True)
class SideView:
    """One snapshot, asked what it does not know. `names` are its environment's, to tell which resource a gap names."""

    snapshot: Snapshot
    names: EnvironmentNames | None = None

    def lists(self, kind: str) -> bool:
        """Whether a complete listing of the kind exists."""
        return any(fnmatchcase(kind, listing.kind) for listing in self.snapshot.listings)

    def hides(self, kind: str, identities: Iterable[str], *, located: bool) -> bool:
        """Whether a resource of the kind, called one of `identities` here or on the other side, may be behind a gap."""
        wanted = tuple(identities)
        for gap in self.snapshot.gaps:
            if gap.covers(kind, located=located) and (gap.resource is None or self._may_hold(gap, kind)):
                return True
            if gap.resource is None or gap.attribute is not None or not fnmatchcase(kind, gap.kind):
                continue
            if any(
                self._is_same(gap.resource, identity) or self._is_below(gap.resource, identity) for identity in wanted
            ):
                return True
        return False

    def _may_hold(self, gap: Gap, kind: str) -> bool:
        """Whether the source of a gap over several kinds reads this one: an unread file hides no database of AWS."""
        read = [listing.kind for listing in self.snapshot.listings if listing.source == gap.source]
        return not read or any(fnmatchcase(kind, listed) for listed in read)

    def points_to(self, text: str) -> frozenset[str]:
        """The kinds of this snapshot's resources that `text` refers to."""
        return frozenset(_RESOLVED.findall(text)) & self._kinds

    def is_blind_to(self, kind: str, region: str | None) -> bool:
        """Whether some resource of the kind, where `region` may point to it, was not seen, so that an id may be its id."""
        return any(
            gap.attribute is None and fnmatchcase(kind, gap.kind) and _is_near(gap, region)
            for gap in self.snapshot.gaps
        )

    def lacks_listings(self, region: str | None) -> bool:
        """Whether whole listings are missing, so that what an id points to may be unknown."""
        return any(
            gap.attribute is None and gap.resource is None and _is_near(gap, region) for gap in self.snapshot.gaps
        )

    @cached_property
    def _kinds(self) -> frozenset[str]:
        return frozenset(resource.kind for resource in self.snapshot.resources)

    def unknown_attributes(self, normal: Normal) -> frozenset[str]:
        """The top-level attributes of one resource that could not be read."""
        return frozenset(
            gap.attribute
            for gap in self.snapshot.gaps
            if gap.attribute is not None
            and fnmatchcase(normal.kind.name, gap.kind)
            and self._concerns(gap, normal.resource.identity, normal.identity)
        )

    def hides_attribute(self, kind: str, identity: str, attribute: str) -> bool:
        """Whether the attribute of a resource known by its normal identity could not be read."""
        return any(
            gap.attribute == attribute and fnmatchcase(kind, gap.kind) and self._concerns(gap, identity)
            for gap in self.snapshot.gaps
        )

    def _concerns(self, gap: Gap, *identities: str) -> bool:
        return gap.resource is None or any(self._is_same(gap.resource, identity) for identity in identities)

    def _is_below(self, folder: str, there: str) -> bool:
        """Whether `there` may lie in a folder that could not be listed: the name of one ends with a slash."""
        if not folder.endswith("/"):
            return False
        if self.names is None:  # any word of it may be a name, the first one, too
            return True
        above = _bare(self.names.neutral(folder))
        return _bare(self.names.neutral(there))[: len(above)] == above

    def _is_same(self, here: str, there: str) -> bool:
        if here == there:
            return True
        if self.names is None:
            # Nobody said which words are names: whatever else `here` says may be one. Better unknown than falsely gone.
            return set(_bare(there)) <= set(_bare(here))
        return _bare(self.names.neutral(here)) == _bare(self.names.neutral(there)) != ()


def is_missing(normal: Normal, other: SideView) -> bool:
    """Whether a resource that the other side does not show is really not there, rather than not seen."""
    kind = normal.kind
    identities = (normal.identity, normal.resource.identity)
    return other.lists(kind.name) and not other.hides(kind.name, identities, located=kind.located)


@dataclass(frozen=True, slots=True)
class Value:
    """One side of a difference: what stands there (ABSENT for nothing), and the region of the resource that holds it."""

    raw: Json | Absent
    region: str | None
    view: SideView


def points_into_gap(path: Path, left: Value, right: Value) -> bool:
    """Whether two values may differ only because what one of them points to was not seen on its side.

    `sg-0ab1` and `aws.ec2.security_group/web-production` may well be counterparts where staging's security groups could
    not be listed: nobody knows.
    """
    return _points_into_gap(path, left, right) or _points_into_gap(path, right, left)


def _points_into_gap(path: Path, own: Value, other: Value) -> bool:
    if own.raw is ABSENT:
        return False
    text = json.dumps([path, own.raw])
    if other.raw is ABSENT:
        # Its counterpart may stand under another key, where the key is made of an id. What stands there tells nothing: a
        # statement that one side lacks is lacking, whatever it allows the use of.
        text = json.dumps(path)
        if own.view.lacks_listings(own.region) and _UNRESOLVED.search(text):
            return True
    elif not _UNRESOLVED.search(json.dumps(other.raw)):
        return False
    return any(other.view.is_blind_to(kind, other.region) for kind in own.view.points_to(text))


def _is_near(gap: Gap, region: str | None) -> bool:
    return gap.region is None or region is None or gap.region == region


def was_observed(comparison: Comparison, breach: Breach) -> bool:
    """Whether both sides were seen well enough to say that a finding of an earlier audit is gone.

    False where a gap covers its place, or where a side has neither a complete listing of the kind nor the resource.
    """
    kind, identity, path = breach.kind, breach.identity, breach.path
    sides = _sides_of(breach)
    located = _located(comparison, kind)
    seen = {
        side
        for compared in comparison.matches
        if compared.match.left.kind.name == kind and identity in _identities(compared.match.left, compared.match.right)
        for side in ("left", "right")
    }
    views = SideView(comparison.left), SideView(comparison.right)
    if any(
        difference.path == path
        and points_into_gap(
            path,
            Value(difference.left, compared.match.left.resource.region, views[0]),
            Value(difference.right, compared.match.right.resource.region, views[1]),
        )
        for compared in comparison.matches
        if compared.match.left.kind.name == kind and identity in _identities(compared.match.left, compared.match.right)
        for difference in compared.differences
    ):
        return False
    for unmatched in comparison.unmatched:
        if unmatched.normal.kind.name == kind and unmatched.normal.identity == identity:
            seen.add(unmatched.side)
    for side, view in zip(("left", "right"), views, strict=True):
        if side not in sides:
            continue
        if path and view.hides_attribute(kind, identity, path[0]):
            return False
        if side not in seen and (not view.lists(kind) or view.hides(kind, (identity,), located=located)):
            return False
    return True


def _sides_of(breach: Breach) -> tuple[str, ...]:
    """The sides that a finding depends on: a value that was judged without a counterpart depends on its own alone."""
    if not breach.path or None not in (breach.left.identity, breach.right.identity):
        return ("left", "right")
    return ("left",) if breach.right.identity is None else ("right",)


def _identities(left: Normal, right: Normal) -> tuple[str, str]:
    return left.identity, right.identity


def _located(comparison: Comparison, kind: str) -> bool:
    kinds: list[Kind] = [compared.match.left.kind for compared in comparison.matches]
    kinds += [unmatched.normal.kind for unmatched in comparison.unmatched]
    return any(found.located for found in kinds if found.name == kind)


def _bare(identity: str) -> tuple[str, ...]:
    """The words of an identity but for the place of the environment's name."""
    return tuple(word for word in words(identity.replace("{env}", " ")) if word)
