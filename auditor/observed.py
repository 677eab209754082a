"""What was observed: whether something that is not there may be called missing, or a value equal.

Unread is not absent. A resource counts as missing only when a complete listing of its kind did not hold it and no gap
may hide it.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING

from auditor.model import ABSENT, Absent, Json, Path
from auditor.values import words

if TYPE_CHECKING:
    from auditor.comparison import Compared, Comparison, Normal
    from auditor.model import Breach, Gap, Snapshot
    from auditor.names import EnvironmentNames

# `aws.ec2.security_group/web-staging`, as an id reads once it is known what it points to; and one that is still an id.
_RESOLVED = re.compile(r"(?<![a-z0-9_.])([a-z0-9_]+(?:\.[a-z0-9_]+)+)/")
_UNRESOLVED = re.compile(r"(?<![a-z0-9])[a-z]{1,10}-[0-9a-f]{8,17}(?![0-9a-z])|arn:aws|\.amazonaws\.com")


_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SideView:
    """One snapshot, asked what it does not know. `names` are its environment's, to tell which resource a gap names.

    What its gaps say of a kind is looked up once; a snapshot without gaps costs nothing to ask. `kinds` are those of its
    resources, where the snapshot itself is without them."""

    snapshot: Snapshot
    names: EnvironmentNames | None = None
    kinds: Callable[[], frozenset[str]] | None = None

    def lists(self, kind: str) -> bool:
        """Whether a complete listing of the kind exists."""
        found = self._listed.get(kind)
        if found is None:
            found = self._listed[kind] = any(fnmatchcase(kind, pattern) for pattern in self._patterns)
        return found

    def hides(self, kind: str, identities: Iterable[str], *, located: bool) -> bool:
        """Whether a resource of the kind, called one of `identities` here or on the other side, may be behind a gap."""
        if not self.snapshot.gaps:
            return False
        known = self._of(kind)
        if known.hides_all or (known.hides_unnamed and not located):
            return True
        return any(known.single.names(identity) or known.folders.hold(identity) for identity in identities)

    def _may_hold(self, gap: Gap, kind: str) -> bool:
        """Whether the source of a gap over several kinds reads this one: an unread file hides no database of AWS."""
        read = self._kinds_read.get(gap.source)
        return not read or any(fnmatchcase(kind, listed) for listed in read)

    def points_to(self, text: str) -> frozenset[str]:
        """The kinds of this snapshot's resources that `text` refers to."""
        return frozenset(_RESOLVED.findall(text)) & self._kinds

    def is_blind_to(self, kind: str, region: str | None) -> bool:
        """Whether some resource of the kind, where `region` may point to it, was not seen, so that an id may be its id."""
        return bool(self.snapshot.gaps) and _is_near(self._of(kind).regions, region)

    def lacks_listings(self, region: str | None) -> bool:
        """Whether whole listings are missing, so that what an id points to may be unknown."""
        return bool(self.snapshot.gaps) and _is_near(self._unlisted, region)

    def unknown_attributes(self, normal: Normal) -> frozenset[str]:
        """The top-level attributes of one resource that could not be read."""
        if not self.snapshot.gaps:
            return _NOTHING
        known = self._of(normal.kind.name)
        if not known.by_attribute:
            return known.attributes
        own = (normal.resource.identity, normal.identity)
        return known.attributes.union(
            attribute for attribute, named in known.by_attribute.items() if any(map(named.names, own))
        )

    def hides_attribute(self, kind: str, identity: str, attribute: str) -> bool:
        """Whether the attribute of a resource known by its normal identity could not be read."""
        if not self.snapshot.gaps:
            return False
        known = self._of(kind)
        named = known.by_attribute.get(attribute)
        return attribute in known.attributes or (named is not None and named.names(identity))

    def _of(self, kind: str) -> _KindGaps:
        found = self._gaps.get(kind)
        if found is None:
            found = self._gaps[kind] = self._gaps_of(kind)
        return found

    def _gaps_of(self, kind: str) -> _KindGaps:
        gaps = [gap for gap in self.snapshot.gaps if fnmatchcase(kind, gap.kind)]
        whole = [gap for gap in gaps if gap.attribute is None]
        named = [gap.resource for gap in whole if gap.resource is not None]
        by_attribute: dict[str, list[str]] = defaultdict(list)
        for gap in gaps:
            if gap.attribute is not None and gap.resource is not None:
                by_attribute[gap.attribute].append(gap.resource)
        return _KindGaps(
            hides_all=any(gap.resource is None for gap in whole),
            hides_unnamed=any(
                gap.resource is not None and gap.kind != kind and self._may_hold(gap, kind) for gap in whole
            ),
            single=Named(named, self.names),
            folders=_Folders(named, self.names),
            regions=frozenset(gap.region for gap in whole),
            attributes=frozenset(gap.attribute for gap in gaps if gap.attribute is not None and gap.resource is None),
            by_attribute={attribute: Named(found, self.names) for attribute, found in by_attribute.items()},
        )

    @cached_property
    def _gaps(self) -> dict[str, _KindGaps]:
        return {}

    @cached_property
    def _listed(self) -> dict[str, bool]:
        return {}

    @cached_property
    def _patterns(self) -> frozenset[str]:
        return frozenset(listing.kind for listing in self.snapshot.listings)

    @cached_property
    def _kinds_read(self) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for listing in self.snapshot.listings:
            found[listing.source].add(listing.kind)
        return {source: frozenset(kinds) for source, kinds in found.items()}

    @cached_property
    def _unlisted(self) -> frozenset[str | None]:
        whole = (gap for gap in self.snapshot.gaps if gap.attribute is None and gap.resource is None)
        return frozenset(gap.region for gap in whole)

    @cached_property
    def _kinds(self) -> frozenset[str]:
        return (
            self.kinds() if self.kinds is not None else frozenset(resource.kind for resource in self.snapshot.resources)
        )


@dataclass(frozen=True, slots=True)
class _KindGaps:
    """What the gaps of one snapshot say of one kind.

    hides_all      any resource of the kind may be behind one
    hides_unnamed  any may that is not named after its file
    single         the resources that are
    folders        those below which any may be
    regions        where something of the kind was not seen; None: anywhere
    attributes     those that are unknown of all, by_attribute of single ones
    """

    hides_all: bool
    hides_unnamed: bool
    single: Named
    folders: _Folders
    regions: frozenset[str | None]
    attributes: frozenset[str]
    by_attribute: Mapping[str, Named]


class Named:
    """Resources that gaps name, found by what a resource is called here or on the other side."""

    def __init__(self, told: Iterable[str], names: EnvironmentNames | None) -> None:
        self._told, self._names = frozenset(told), names
        self._bare: frozenset[tuple[str, ...]] = frozenset()
        self._words: Mapping[str, frozenset[str]] = {}
        if names is not None:
            self._bare = frozenset(_bare(names.neutral(one)) for one in self._told) - {()}
            return
        holding: dict[str, set[str]] = defaultdict(set)
        for one in self._told:
            for word in _bare(one):
                holding[word].add(one)
        self._words = {word: frozenset(found) for word, found in holding.items()}

    def names(self, identity: str) -> bool:
        """Whether one of them is the resource of this identity."""
        if not self._told or identity in self._told:
            return bool(self._told)
        if self._names is not None:
            return _bare(self._names.neutral(identity)) in self._bare
        # Nobody said which words are names: whatever else a gap says may be one. Better unknown than falsely gone.
        holding = [self._words.get(word, _NOTHING) for word in set(_bare(identity))]
        return bool(min(holding, key=len).intersection(*holding)) if holding else True


class _Folders:
    """Folders that could not be listed: the name of one ends with a slash."""

    def __init__(self, told: Iterable[str], names: EnvironmentNames | None) -> None:
        folders = {one for one in told if one.endswith("/")}
        self._any, self._names = bool(folders), names
        self._above = {_bare(names.neutral(one)) for one in folders} if names is not None else set()

    def hold(self, identity: str) -> bool:
        """Whether what is called so may lie in one of them."""
        if not self._any:
            return False
        if self._names is None:  # any word of it may be a name, the first one, too
            return True
        there = _bare(self._names.neutral(identity))
        return any(there[:length] in self._above for length in range(len(there) + 1))


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
    if not left.view.snapshot.gaps and not right.view.snapshot.gaps:
        return False
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
    return bool(other.view.snapshot.gaps) and any(
        other.view.is_blind_to(kind, other.region) for kind in own.view.points_to(text)
    )


def _at(path: Path, tree: Json) -> Json:
    """What stands at a path of maps; None where nothing does."""
    for step in path:
        if not isinstance(tree, Mapping):
            return None
        tree = tree.get(step)
    return tree


def _is_near(regions: frozenset[str | None], region: str | None) -> bool:
    return bool(regions) and (region is None or None in regions or region in regions)


class Observed:
    """One comparison, asked whether findings of earlier audits are gone. What it holds is looked up once for all of them."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._views = SideView(comparison.left), SideView(comparison.right)

    def __call__(self, breach: Breach) -> bool:
        """Whether both sides were seen well enough to say that the finding is gone.

        False where a gap covers its place, or where a side has neither a complete listing of the kind nor the resource.
        """
        kind, identity, path = breach.kind, breach.identity, breach.path
        place = kind, identity
        if any(self._points_into_gap(path, compared) for compared in self._differing.get(place, ())):
            return False
        paired = place in self._paired
        for side, view in zip(("left", "right"), self._views, strict=True):
            if side not in _sides_of(breach):
                continue
            if path and view.hides_attribute(kind, identity, path[0]) and not self._shows(place, path):
                return False
            if paired or (side, *place) in self._alone:
                continue
            if not view.lists(kind) or view.hides(kind, (identity,), located=kind in self._located):
                return False
        return True

    def _points_into_gap(self, path: Path, compared: Compared) -> bool:
        left, right = compared.match.left.resource, compared.match.right.resource
        return any(
            points_into_gap(
                path,
                Value(difference.left, left.region, self._views[0]),
                Value(difference.right, right.region, self._views[1]),
            )
            for difference in compared.differences
            if difference.path == path
        )

    def _shows(self, place: tuple[str, str], path: Path) -> bool:
        """Whether both sides show what stands at a path below an attribute of which something else was not read."""
        kind, identity = place
        return len(path) > 1 and any(
            all(_at(path, normal.form) is not None for normal in (one.match.left, one.match.right))
            for one in self._comparison.matches
            if one.match.left.kind.name == kind and identity in (one.match.left.identity, one.match.right.identity)
        )

    @cached_property
    def _paired(self) -> frozenset[tuple[str, str]]:
        """Kind and identity, on either side, of what has a counterpart."""
        matches = self._comparison.matches
        ours = {(one.match.left.kind.name, one.match.left.identity) for one in matches}
        return frozenset(ours.union((one.match.left.kind.name, one.match.right.identity) for one in matches))

    @cached_property
    def _differing(self) -> Mapping[tuple[str, str], list[Compared]]:
        found: dict[tuple[str, str], list[Compared]] = defaultdict(list)
        for one in self._comparison.matches:
            if one.differences:
                kind = one.match.left.kind.name
                for identity in {one.match.left.identity, one.match.right.identity}:
                    found[kind, identity].append(one)
        return found

    @cached_property
    def _alone(self) -> frozenset[tuple[str, str, str]]:
        return frozenset((one.side, one.normal.kind.name, one.normal.identity) for one in self._comparison.unmatched)

    @cached_property
    def _located(self) -> frozenset[str]:
        """The kinds whose resources are called after their files."""
        ours = {one.match.left.kind.name for one in self._comparison.matches if one.match.left.kind.located}
        return frozenset(
            ours.union(one.normal.kind.name for one in self._comparison.unmatched if one.normal.kind.located)
        )


def was_observed(comparison: Comparison, breach: Breach) -> bool:
    """What `Observed` says of one finding."""
    return Observed(comparison)(breach)


def _sides_of(breach: Breach) -> tuple[str, ...]:
    """The sides that a finding depends on: a value that was judged without a counterpart depends on its own alone."""
    if not breach.path or None not in (breach.left.identity, breach.right.identity):
        return ("left", "right")
    return ("left",) if breach.right.identity is None else ("right",)


def _bare(identity: str) -> tuple[str, ...]:
    """The words of an identity but for the place of the environment's name."""
    return tuple(word for word in words(identity.replace("{env}", " ")) if word)
