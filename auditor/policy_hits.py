"""How often each rule of a policy matched, decided and found something, in what was last observed. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

from auditor.chain import Part, Tracer
from auditor.expect import Family, Leaf
from auditor.observed import SideView, is_missing
from auditor.places import NOTHING, Place, differing, leaves, unqualified

if TYPE_CHECKING:
    from auditor.explain import Scenery
    from auditor.model import Path
    from auditor.rules import Policy, Rule

_HERE = Leaf(True, True)


@dataclass(slots=True)
class Hits:
    """What one rule did, in places.

    seen        that match its kind and path
    matched     of which it speaks: of a difference, or of a value where it is a check
    decided     where its word counts, `met` and `breached` of them
    overridden  where a later rule speaks, too; `overridden_by` are those
    """

    seen: int = 0
    matched: int = 0
    decided: int = 0
    met: int = 0
    breached: int = 0
    overridden: int = 0
    overridden_by: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Sights:
    """Which places there are, of whatever kind, in the snapshots that were looked at."""

    places: dict[str, set[Path]] = field(default_factory=lambda: defaultdict(set))

    def has_kind(self, rule: Rule) -> bool:
        return any(rule.is_about_kind(kind) for kind in self.places)

    def count(self, rule: Rule) -> int:
        """How many different places the kinds that the rule is about have."""
        return sum(len(paths) for kind, paths in self.places.items() if rule.is_about_kind(kind))

    def near(self, rule: Rule) -> str | None:
        """A path that somebody may have meant by one of the rule's."""
        known = {".".join(path) for kind, paths in self.places.items() if rule.is_about_kind(kind) for path in paths}
        for glob in rule.paths:
            found = get_close_matches(glob.text.removeprefix("**."), known, n=1, cutoff=0.7)
            if found:
                return found[0]
        return None


def count(policy: Policy, sceneries: Iterable[Scenery]) -> tuple[dict[str, Hits], Sights]:
    """The hits of every rule, by its name, over the pairs that this policy judges."""
    hits = {rule.name: Hits() for rule in policy.rules}
    sights = Sights()
    for scenery in sceneries:
        tracer = scenery.tracer()
        for compared in scenery.comparison.matches:
            match = compared.match
            kind = match.left.kind.name
            sights.places[kind].add(())
            spots = set()
            for place in differing(compared):
                spots.add(place.spot)
                sights.places[kind] |= {place.path, place.named or place.path}
                _difference(tracer, place, hits)
            for leaf in (*unqualified(compared), *leaves(match, scenery.names)):
                if leaf.path:
                    sights.places[kind] |= {leaf.path, leaf.named or leaf.path}
                    _value(tracer, leaf, hits, differs=leaf.spot in spots)
        _alone(scenery, tracer, hits, sights)
    for rule in policy.rules:
        hits[rule.name].seen = _seen(rule, sights)
    return hits, sights


def _difference(tracer: Tracer, place: Place, hits: dict[str, Hits]) -> None:
    ruling = tracer.decide(place)
    for rule in ruling.overrode:
        own = hits[rule.name]
        own.matched += 1
        own.overridden += 1
        own.overridden_by.add(ruling.rule.name)
    decided = hits.get(ruling.rule.name)
    if decided is not None:
        decided.matched += 1
        decided.decided += 1
        decided.met += ruling.verdict.met
        decided.breached += not ruling.verdict.met


def _value(tracer: Tracer, leaf: Place, hits: dict[str, Hits], *, differs: bool) -> None:
    checking = tracer.policy.checking(leaf.kind, leaf.path, leaf.named)
    if all(rule.family is Family.IGNORE for rule in checking):
        return
    for link in tracer.checking(leaf, differs=differs):
        own = hits[link.rule.name]
        if link.part in (Part.PASSES, Part.FAILS):
            own.matched += 1
            own.decided += 1
            own.met += link.part is Part.PASSES
            own.breached += link.part is Part.FAILS
        elif link.part in (Part.OVERRIDDEN, Part.IGNORED):
            own.matched += 1
            own.overridden += 1


def _alone(scenery: Scenery, tracer: Tracer, hits: dict[str, Hits], sights: Sights) -> None:
    comparison = scenery.comparison
    views = {"left": SideView(comparison.left, scenery.names[0]), "right": SideView(comparison.right, scenery.names[1])}
    for item in comparison.unmatched:
        kind, resource = item.normal.kind.name, item.normal.resource
        sights.places[kind].add(())
        for path in _paths(item.normal.form, ()):
            sights.places[kind].add(path)
        if not is_missing(item.normal, views["right" if item.side == "left" else "left"]):
            continue
        left = item.side == "left"
        place = Place(
            kind, (), _HERE if left else NOTHING, NOTHING if left else _HERE, resource if left else None,
            None if left else resource,
        )  # fmt: skip
        _difference(tracer, place, hits)


def _paths(value: object, path: Path) -> Iterable[Path]:
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from _paths(below, (*path, key))
    elif path:
        yield path


def _seen(rule: Rule, sights: Sights) -> int:
    return sum(
        rule.is_about_path(path) for kind, paths in sights.places.items() if rule.is_about_kind(kind) for path in paths
    )
