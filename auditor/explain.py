"""Why something is a finding, and why something is none: everything that led to the verdict on one place. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING

from auditor.chain import Link, Part, Tracer
from auditor.comparison import Match, Unmatched
from auditor.expect import Family, Leaf
from auditor.globs import snake
from auditor.model import ABSENT, Kind, Path
from auditor.observed import SideView, Value, is_missing, points_into_gap
from auditor.paths import PathSet
from auditor.places import NOTHING, Place, differing, leaves, leaves_under, unqualified
from auditor.rules import CATCH_ALL

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.comparison import Compared, Comparison, Normal
    from auditor.model import (
        Absent,
        Gap,
        Json,
        MatchMethod,
        Snapshot,
    )
    from auditor.names import EnvironmentNames
    from auditor.past import History
    from auditor.rules import Policy

_HERE = Leaf(True, True)
_MOST_GUESSES = 5


class State(StrEnum):
    """How the two sides stand to each other at a place."""

    DIFFERS = "differs"
    EQUAL = "equal"
    SPELLING = "spelling"
    NAMES = "names"
    ALONE = "alone"
    UNKNOWN = "unknown"
    VOLATILE = "volatile"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Pairing:
    """How two resources were paired. `compared` are the identities in normal form, left and right."""

    left: str
    right: str
    method: MatchMethod
    confidence: float
    compared: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """One side of a place: as its source spells it, in normal form, and with the environment's names set aside."""

    identity: str | None
    raw: Json | Absent
    form: Json | Absent
    neutral: Json | Absent


@dataclass(frozen=True, slots=True)
class Explanation:
    """What led to the verdict on one place of one resource. `path` is () for the resource itself.

    about       in a sentence: how the two sides stand to each other
    comparing   the chain of a difference, latest rule first; empty where nothing differs
    checking    the checks that are asked of the values
    gaps        what was not observed and hides the place
    guesses     places or resources that may be meant, where there is no such one
    """

    kind: str
    identity: str
    path: Path
    state: State
    about: str
    pairing: Pairing | None = None
    left: Told | None = None
    right: Told | None = None
    comparing: tuple[Link, ...] = ()
    checking: tuple[Link, ...] = ()
    gaps: tuple[Gap, ...] = ()
    guesses: tuple[str, ...] = ()

    @property
    def finding(self) -> bool:
        """Whether the policy makes a finding of it."""
        failing = any(link.part is Part.FAILS for link in self.checking)
        return failing or any(link.part is Part.DECIDES and link.met is False for link in self.comparing)


@dataclass(frozen=True, slots=True)
class Scenery:
    """What is explained: two snapshots laid side by side, and the policy that judges them."""

    comparison: Comparison
    policy: Policy
    names: tuple[EnvironmentNames, EnvironmentNames]
    now: datetime
    history: History

    @property
    def environments(self) -> tuple[str, str]:
        return self.names[0].name, self.names[1].name

    def tracer(self) -> Tracer:
        names = {"left": self.names[0], "right": self.names[1]}
        return Tracer(self.policy, self.comparison, names, self.now, self.history)

    def views(self) -> tuple[SideView, SideView]:
        return SideView(self.comparison.left, self.names[0]), SideView(self.comparison.right, self.names[1])


def explain(scenery: Scenery, resource: str, path: Path, kind: str | None = None) -> tuple[Explanation, ...]:
    """Explain a place of every resource called `resource`: as either side spells it, or in normal form.

    Without a path: the resource itself, then each place of it that differs or fails a check."""
    found: list[Explanation] = []
    for compared in scenery.comparison.matches:
        match = compared.match
        if _is_meant(resource, kind, match.left) or _is_meant(resource, kind, match.right):
            found += _matched(scenery, compared, path)
    for item in scenery.comparison.unmatched:
        if _is_meant(resource, kind, item.normal):
            found.append(_alone(scenery, item, path))
    return tuple(found) if found else (_unseen(scenery, resource, kind, path),)


def _is_meant(resource: str, kind: str | None, normal: Normal) -> bool:
    if kind is not None and normal.kind.name != kind:
        return False
    return resource.lower() in (normal.identity.lower(), normal.resource.identity.lower())


def _matched(scenery: Scenery, compared: Compared, path: Path) -> Iterator[Explanation]:
    tracer = scenery.tracer()
    if path:
        yield _place(scenery, tracer, compared, path)
        return
    about = "both sides have it; what is in it is compared place by place"
    yield replace(_blank(compared.match, ()), state=State.EQUAL, about=about)
    differences = {place.path: place for place in differing(compared)}
    for place in differences.values():
        yield _place(scenery, tracer, compared, place.path)
    for leaf in leaves(compared.match, scenery.names):
        if leaf.path and leaf.path not in differences and tracer.checks(leaf, differs=False):
            yield _place(scenery, tracer, compared, leaf.path)


def _place(scenery: Scenery, tracer: Tracer, compared: Compared, path: Path) -> Explanation:
    """One place of a matched pair. Spelling does not count in a path, as in those of rules."""
    match, wanted = compared.match, _plain(path)
    blank = _blank(match, path)
    gaps = _hiding(scenery, match, path)
    if gaps:
        about = f"`{path[0]}` could not be observed, so nothing is known"
        return replace(blank, state=State.UNKNOWN, about=about, gaps=gaps)
    for place in differing(compared):
        if _plain(place.path) == wanted or (
            len(place.path) < len(path) and wanted[: len(place.path)] == _plain(place.path)
        ):
            return _difference(scenery, tracer, blank, place)
    similar = {
        **{leaf.path: leaf for leaf in leaves(match, scenery.names)},
        **{leaf.path: leaf for leaf in unqualified(compared)},
    }
    for leaf in similar.values():
        if leaf.path and _plain(leaf.path) == wanted:
            return _alike(scenery, tracer, blank, leaf)
    below = [leaf.path for leaf in similar.values() if _plain(leaf.path)[: len(path)] == wanted]
    if below:
        about = f"nothing below it differs ({len(below)} {'place' if len(below) == 1 else 'places'})"
        return replace(blank, state=State.EQUAL, about=about, guesses=_dotted(below))
    if _is_volatile(match.left.kind, path):
        about = (
            "its collector declares it volatile: it changes without saying anything about parity, and is not compared"
        )
        return replace(blank, state=State.VOLATILE, about=about)
    names = {".".join(leaf.path): leaf.path for leaf in similar.values()}
    close = get_close_matches(".".join(path), names, n=_MOST_GUESSES, cutoff=0.5)
    return replace(blank, state=State.NOWHERE, about="neither side has such a place", guesses=tuple(close))


def _difference(scenery: Scenery, tracer: Tracer, blank: Explanation, place: Place) -> Explanation:
    left, right = (
        Value(place.leaf(side).raw, resource.region if resource else None, view)
        for side, resource, view in zip(
            ("left", "right"), (place.left_resource, place.right_resource), scenery.views(), strict=True
        )
    )
    snapshots = scenery.comparison.left, scenery.comparison.right
    gaps = tuple(gap for snapshot in snapshots for gap in snapshot.gaps)
    shown = replace(_shown(scenery, blank, place), path=place.path)
    if gaps and points_into_gap(place.path, left, right):
        about = "one value may point to what was not observed, so nobody knows whether the two are counterparts"
        return replace(shown, state=State.UNKNOWN, about=about, gaps=gaps)
    about = "the two differ, also when names and spelling are set aside"
    speaking = place
    if not (place.left.present and place.right.present):
        present = scenery.environments[0 if place.left.present else 1]
        speaking = _speaking(scenery, tracer, place)
        about = f"it is only in {present}"
        if speaking is not place:
            about += f"; what is below it decides, here `{'.'.join(speaking.path)}`"
    return replace(
        shown,
        state=State.DIFFERS,
        about=about,
        comparing=tracer.comparing(speaking),
        checking=tracer.checking(place, differs=True),
    )


def _speaking(scenery: Scenery, tracer: Tracer, place: Place) -> Place:
    """The place whose rules decide on what one side lacks: itself, or a part of it, as in `judge`."""
    ruling = tracer.decide(place)
    below = [(leaf, tracer.decide(leaf)) for leaf in leaves_under(place, scenery.names) if leaf.path != place.path]
    if ruling.verdict.met or not below:
        return place
    if all(item.rule.family is Family.IGNORE for _, item in below):
        return below[0][0]
    if ruling.rule.id == CATCH_ALL:
        named = [(leaf, item) for leaf, item in below if item.rule.id != CATCH_ALL and not item.verdict.met]
        return max(named, key=lambda found: found[1].rule.severity.rank, default=(place, ruling))[0]
    return place


def _alike(scenery: Scenery, tracer: Tracer, blank: Explanation, leaf: Place) -> Explanation:
    shown = _shown(scenery, blank, leaf)
    state, about = State.NAMES, "they differ in nothing but what each environment calls things"
    if leaf.left.raw == leaf.right.raw:
        state, about = State.EQUAL, "both sides have the same value"
    elif leaf.left.form == leaf.right.form:
        state, about = State.SPELLING, "they are two spellings of one value"
    elif not (leaf.left.present and leaf.right.present):
        state, about = State.EQUAL, "it is empty where it is there, which says no more than its absence"
    elif shown.left is not None and shown.right is not None and shown.left.neutral != shown.right.neutral:
        own = "secrets" if "{secret:" in f"{leaf.left.form}" else "ids, accounts, regions or hosts"
        about = f"what differs in them are {own}, of which each environment has its own"
    return replace(shown, path=leaf.path, state=state, about=about, checking=tracer.checking(leaf, differs=False))


def _alone(scenery: Scenery, item: Unmatched, path: Path) -> Explanation:
    """A resource that the other side does not show."""
    normal, here = item.normal, 0 if item.side == "left" else 1
    own, other = scenery.environments[here], scenery.environments[1 - here]
    view = scenery.views()[1 - here]
    blank = Explanation(normal.kind.name, normal.identity, (), State.ALONE, f"only {own} has it")
    guesses = (item.suggestion.resource.identity,) if item.suggestion is not None else ()
    if not is_missing(normal, view):
        gaps = tuple(gap for gap in view.snapshot.gaps if gap.attribute is None)
        reason = (
            "was never listed completely"
            if not view.lists(normal.kind.name)
            else "may be hidden by what was not observed"
        )
        about = f"only {own} shows it, but in {other} it {reason}: it is unknown, and not missing"
        return replace(blank, state=State.UNKNOWN, about=about, gaps=gaps, guesses=guesses)
    sides = (_HERE, NOTHING) if here == 0 else (NOTHING, _HERE)
    resources = (normal.resource, None) if here == 0 else (None, normal.resource)
    place = Place(normal.kind.name, (), *sides, *resources)
    about = f"only {own} has it; {other} was listed completely and does not"
    if path:
        about += f", so `{'.'.join(path)}` is not compared"
    return replace(blank, about=about, comparing=scenery.tracer().comparing(place), guesses=guesses)


def _unseen(scenery: Scenery, resource: str, kind: str | None, path: Path) -> Explanation:
    """A name that neither snapshot knows: hidden by a gap, or misspelled."""
    known: dict[str, None] = {}
    for snapshot in (scenery.comparison.left, scenery.comparison.right):
        for one in snapshot.resources:
            if kind is None or one.kind == kind:
                known[one.identity] = None
    close = [name for name in known if resource.lower() in name.lower()]
    close += get_close_matches(resource, known, n=_MOST_GUESSES, cutoff=0.5)
    gaps = tuple(
        gap
        for snapshot in (scenery.comparison.left, scenery.comparison.right)
        for gap in _covering(snapshot, kind, resource)
    )
    about = "neither side shows such a resource"
    if gaps:
        about += ", but not everything was observed"
    state = State.UNKNOWN if gaps else State.NOWHERE
    guesses = tuple(dict.fromkeys(close))[:_MOST_GUESSES]
    return Explanation(kind or "", resource, path, state, about, gaps=gaps, guesses=guesses)


def _covering(snapshot: Snapshot, kind: str | None, resource: str) -> Iterable[Gap]:
    return (gap for gap in snapshot.gaps if gap.attribute is None and (kind is None or gap.covers(kind, resource)))


def _hiding(scenery: Scenery, match: Match, path: Path) -> tuple[Gap, ...]:
    """The gaps that hide the attribute which the path begins with."""
    left, right = scenery.views()
    hidden = left.unknown_attributes(match.left) | right.unknown_attributes(match.right)
    if path[0] not in hidden:
        return ()
    gaps = (*scenery.comparison.left.gaps, *scenery.comparison.right.gaps)
    return tuple(gap for gap in gaps if gap.attribute == path[0])


def _blank(match: Match, path: Path) -> Explanation:
    left, right = match.left, match.right
    pairing = Pairing(
        left.resource.identity,
        right.resource.identity,
        match.method,
        match.confidence,
        (left.identity, right.identity),
    )
    return Explanation(left.kind.name, left.identity, path, State.EQUAL, "", pairing)


def _shown(scenery: Scenery, blank: Explanation, place: Place) -> Explanation:
    told = [
        Told(resource.identity if resource else None, leaf.raw, leaf.form, _neutral(leaf.form, names))
        for leaf, resource, names in zip(
            (place.left, place.right), (place.left_resource, place.right_resource), scenery.names, strict=True
        )
    ]
    return replace(blank, left=told[0], right=told[1])


def _neutral(value: Json | Absent, names: EnvironmentNames) -> Json | Absent:
    if value is ABSENT:
        return ABSENT
    if isinstance(value, Mapping):
        return {names.neutral(str(key)): _neutral(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_neutral(item, names) for item in value]
    return names.neutral(value) if isinstance(value, str) else value


def _plain(path: Path) -> Path:
    return tuple(snake(step) or step.lower() for step in path)


def _is_volatile(kind: Kind, path: Path) -> bool:
    declared = PathSet(dict.fromkeys(kind.volatile, True))
    return any(declared.matches(path[: length + 1]) for length in range(len(path)))


def _dotted(paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(".".join(path) for path in list(paths)[:_MOST_GUESSES])
