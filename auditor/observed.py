"""What was observed: whether something that is not there may be called missing, or a value equal.

Unread is not absent. A resource counts as missing only when a complete listing of its kind did not hold it and no gap
may hide it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from auditor.values import words

if TYPE_CHECKING:
    from auditor.model import Breach, Comparison, Gap, Kind, Normal, Snapshot
    from auditor.names import EnvironmentNames


@dataclass(frozen=True, slots=True)
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
            if any(self._is_same(gap.resource, identity) for identity in wanted):
                return True
        return False

    def _may_hold(self, gap: Gap, kind: str) -> bool:
        """Whether the source of a gap over several kinds reads this one: an unread file hides no database of AWS."""
        read = [listing.kind for listing in self.snapshot.listings if listing.source == gap.source]
        return not read or any(fnmatchcase(kind, listed) for listed in read)

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


def was_observed(comparison: Comparison, breach: Breach) -> bool:
    """Whether both sides were seen well enough to say that a finding of an earlier audit is gone.

    False where a gap covers its place, or where a side has neither a complete listing of the kind nor the resource.
    """
    kind, identity, path = breach.kind, breach.identity, breach.path
    located = _located(comparison, kind)
    seen = {
        side
        for compared in comparison.matches
        if compared.match.left.kind.name == kind and identity in _identities(compared.match.left, compared.match.right)
        for side in ("left", "right")
    }
    for unmatched in comparison.unmatched:
        if unmatched.normal.kind.name == kind and unmatched.normal.identity == identity:
            seen.add(unmatched.side)
    for side, snapshot in (("left", comparison.left), ("right", comparison.right)):
        view = SideView(snapshot)
        if path and view.hides_attribute(kind, identity, path[0]):
            return False
        if side not in seen and (not view.lists(kind) or view.hides(kind, (identity,), located=located)):
            return False
    return True


def _identities(left: Normal, right: Normal) -> tuple[str, str]:
    return left.identity, right.identity


def _located(comparison: Comparison, kind: str) -> bool:
    kinds: list[Kind] = [compared.match.left.kind for compared in comparison.matches]
    kinds += [unmatched.normal.kind for unmatched in comparison.unmatched]
    return any(found.located for found in kinds if found.name == kind)


def _bare(identity: str) -> tuple[str, ...]:
    """The words of an identity but for the place of the environment's name."""
    return tuple(word for word in words(identity.replace("{env}", " ")) if word)
