"""Forward through one environment's looks, from one to the next: what changed, and between which two.

A value counts as changed when its normal form did. What a look did not observe did not change: it is compared once it is
seen again. What changed and changed back is told as that, and is no change at the end of the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from auditor.compare import compare_match
from auditor.comparison import Match, Normal
from auditor.drift import Changed, Drifted, Step, Unseen
from auditor.model import (
    ABSENT,
    Absent,
    Gap,
    Json,
    MatchMethod,
    Path,
)
from auditor.observed import Value, points_into_gap
from auditor.scene import Entry, Library, Scene
from auditor.unchanged import Unchanged

if TYPE_CHECKING:
    from auditor.looks import Look, Past
    from auditor.scene import Realm

MOST_LOOKS = 10_000
"""How many looks are gone through at most; those recorded last."""
_Key: TypeAlias = tuple[str, str, str, str, str]


def drifted(
    realm: Realm, past: Past, since: datetime, until: str | None = None, most: int = MOST_LOOKS
) -> Drifted | None:
    """What changed since then, up to the last look or the one called `until`. None where there is no look at all.

    It begins with the last look that was taken at `since` or before; where there is none, with the first one after."""
    looks = past.looks(realm.environment, until=until, since=since, limit=most)
    if looks:
        earlier = past.looks(realm.environment, before=looks[-1].id, limit=1)
    else:
        earlier = past.looks(realm.environment, until=until, limit=1)
    cut_short = len(looks) == most and bool(earlier)
    forward = [*reversed(looks)] if cut_short else [*earlier, *reversed(looks)]
    return _told(realm, past, forward, since, cut_short) if forward else None


def drifted_between(realm: Realm, past: Past, first: Look, second: Look) -> Drifted:
    """What differs between two looks, whatever came between them. `first` is the earlier one."""
    return _told(realm, past, [first, second], first.taken_at, False)


def _told(realm: Realm, past: Past, forward: Sequence[Look], since: datetime, cut_short: bool) -> Drifted:
    course = _Forward(realm, past, forward)
    return Drifted(
        environment=realm.environment,
        since=since,
        base=forward[0].taken_at,
        last=forward[-1].taken_at,
        looks=len(forward),
        changes=course.changes(),
        unseen=_unseen(forward, Library(past)),
        newly_seen=course.newly_seen,
        cut_short=cut_short,
    )


@dataclass(slots=True)
class _Resource:
    """A resource as it was last seen, and `first` as it was at the beginning; `scene` is where `entry` was read.

    `out_of_sight` is the last look that saw it, while it may be hidden; `gone`: it was seen not to be there. `hidden` are
    attributes that could not be read lately, with the last look that could; None: not one could so far."""

    entry: Entry
    scene: Scene
    first: Normal | None = None
    last: Normal | None = None
    came: bool = False
    gone: bool = False
    out_of_sight: Look | None = None
    hidden: dict[str, Look | None] = field(default_factory=dict)
    steps: dict[Path, list[Step]] = field(default_factory=dict)

    def normal(self) -> Normal:
        if self.last is None:
            self.first = self.last = self.scene.normal(self.entry)
            self.hidden = dict.fromkeys(self.scene.view.unknown_attributes(self.last))
        return self.last

    def took(self, path: Path, step: Step) -> None:
        self.steps.setdefault(path, []).append(step)


class _Forward:
    """Goes through looks in their order, and keeps what changed from one to the next."""

    def __init__(self, realm: Realm, past: Past, looks: Sequence[Look]) -> None:
        self._realm = realm
        self._library = Library(past)
        self._resources: dict[_Key, _Resource] = {}
        self._earlier: list[tuple[Scene, Look]] = []
        self.newly_seen = 0
        self._begin(self._scene(looks, 0))
        before = looks[0]
        for place in range(1, len(looks)):
            if not looks[place].saw_the_same(before):
                self._turn(self._scene(looks, place), before)
            before = looks[place]
            self._earlier[-1] = (self._earlier[-1][0], before)

    def changes(self) -> tuple[Changed, ...]:
        """By kind, identity and path."""
        found = [change for key, one in self._resources.items() for change in _changes(key, one)]
        return tuple(sorted(found, key=lambda one: (one.kind, one.identity, one.region or "", one.path)))

    def _scene(self, looks: Sequence[Look], place: int) -> Scene:
        return Scene(self._realm, looks[place], self._library, looks[place + 1 : place + 100])

    def _begin(self, scene: Scene) -> None:
        self._earlier.append((scene, scene.look))
        self._resources = {
            key: _Resource(entry, scene) for key, entry in self._entries(scene, scene.look.manifests).items()
        }

    def _turn(self, scene: Scene, before: Look) -> None:
        """One look that saw something else than the one before it."""
        now, then = scene.look.manifests, before.manifests
        gone = self._entries(self._earlier[-1][0], [one for one in then if one not in now])
        come = self._entries(scene, [one for one in now if one not in then])
        for key in [*gone]:
            if key in come and come[key].said == gone[key].said:
                del gone[key], come[key]
        scene.read(come.values())
        for key, entry in come.items():
            self._seen(key, entry, scene, before)
        lost = [key for key, one in self._resources.items() if one.out_of_sight is not None and key not in come]
        for key in (*(key for key in gone if key not in come), *lost):
            self._not_seen(key, scene, before)
        self._earlier.append((scene, scene.look))

    def _entries(self, scene: Scene, manifests: Iterable[str]) -> dict[_Key, Entry]:
        entries = scene.all(frozenset(manifests))
        return {_key(entry): entry for entry in entries if self._realm.kind_of(entry.said["kind"]).compared}

    def _seen(self, key: _Key, entry: Entry, scene: Scene, before: Look) -> None:
        known = self._resources.get(key)
        if known is not None and not known.gone:
            after, known.out_of_sight = known.out_of_sight or before, None
            _compare(known, entry, scene, after)
            return
        absent = self._last_without(key)
        if known is None:
            known = self._resources[key] = _Resource(entry, scene)
            if absent is None:
                self.newly_seen += 1
                return
            known.came = True
        else:
            known.gone = False
            _compare(known, entry, scene, absent or before)
        known.took((), Step(ABSENT, True, (absent or before).taken_at, scene.look.taken_at))

    def _not_seen(self, key: _Key, scene: Scene, before: Look) -> None:
        known = self._resources[key]
        if known.gone:
            return
        after = known.out_of_sight or before
        if not self._is_without(key, scene):
            known.out_of_sight = after
            return
        known.normal()
        known.gone, known.out_of_sight = True, None
        known.took((), Step(True, ABSENT, after.taken_at, scene.look.taken_at))

    def _last_without(self, key: _Key) -> Look | None:
        """The last look that saw that there was no such resource; None where none could tell."""
        return next((last for scene, last in reversed(self._earlier) if self._is_without(key, scene)), None)

    def _is_without(self, key: _Key, scene: Scene) -> bool:
        kind, identity = key[:2]
        return scene.lacks(self._realm.kind_of(kind), [scene.names.neutral(identity), identity])


def _key(entry: Entry) -> _Key:
    said = entry.said
    return said["kind"], said["identity"], said["region"] or "", said["account"] or "", said["source"]


def _compare(known: _Resource, entry: Entry, scene: Scene, after: Look) -> None:
    """What changed in a resource since `after`, the last look that saw it, apart from what cannot be seen now."""
    old, new = known.normal(), scene.normal(entry)
    blind = set(scene.view.unknown_attributes(new))
    pair = Unchanged(scene.names_at(new.resource.source))
    views = known.scene.view, scene.view
    seen = _with_old(new, old, blind)
    for difference in compare_match(_matched(old, seen), pair).differences:
        sides = zip((difference.left, difference.right), views, strict=True)
        if points_into_gap(difference.path, *(Value(raw, new.resource.region, view) for raw, view in sides)):
            blind.add(difference.path[0])
    seen = _with_old(new, old, blind)
    told: dict[Path, list[tuple[Json | Absent, Json | Absent]]] = {}
    for difference in compare_match(_matched(old, seen), pair).differences:
        told.setdefault(difference.path, []).append((difference.left, difference.right))
    for path, values in told.items():
        last = known.hidden.get(path[0], after)
        if last is not None:
            known.took(path, Step(*_together(values), last.taken_at, scene.look.taken_at))
    first_seen = {attribute for attribute, last in known.hidden.items() if last is None} - blind
    if known.first is not None and first_seen:
        known.first = _with_old(known.first, seen, first_seen)
    known.hidden = {attribute: known.hidden.get(attribute, after) for attribute in sorted(blind)}
    known.last, known.entry, known.scene = seen, entry, scene


def _with_old(new: Normal, old: Normal, attributes: Iterable[str]) -> Normal:
    """`new`, but with the `attributes` of `old`."""
    taken = frozenset(attributes)
    if not taken:
        return new
    form, raw = (
        {key: value for key, value in ours.items() if key not in taken}
        | {key: value for key, value in theirs.items() if key in taken}
        for ours, theirs in ((new.form, old.form), (new.raw, old.raw))
    )
    return Normal(new.resource, new.kind, new.identity, form, raw, f"{new.digest} with {','.join(sorted(taken))}")


def _matched(old: Normal, new: Normal) -> Match:
    return Match(old, new, MatchMethod.IDENTITY, 1.0)


def _together(values: Sequence[tuple[Json | Absent, Json | Absent]]) -> tuple[Json | Absent, Json | Absent]:
    """Old and new of a path; several items of a list that nothing names are told as lists."""
    if len(values) == 1:
        return values[0]
    old, new = ([value for value in side if value is not ABSENT] for side in zip(*values, strict=True))
    return old or ABSENT, new or ABSENT


def _changes(key: _Key, one: _Resource) -> Iterator[Changed]:
    """What became of one resource from the beginning to the end, and what was changed back in between."""
    kind, identity, region = key[:3]
    present = one.steps.get(())
    if present is not None:
        yield Changed(kind, identity, (), present[0].old, present[-1].new, tuple(present), region or None)
    if one.came or one.gone or one.first is None or one.last is None:
        return
    pair = Unchanged(one.scene.names_at(one.last.resource.source))
    net: dict[Path, list[tuple[Json | Absent, Json | Absent]]] = {}
    for difference in compare_match(_matched(one.first, one.last), pair).differences:
        net.setdefault(difference.path, []).append((difference.left, difference.right))
    for path, values in net.items():
        steps = [step for at, made in one.steps.items() if at and _overlap(at, path) for step in made]
        if steps:
            steps.sort(key=lambda step: step.by)
            yield Changed(kind, identity, path, *_together(values), tuple(one.steps.get(path, steps)), region or None)
    for path, made in one.steps.items():
        covered = any(_overlap(path, other) for other in net) or any(
            path != other and path[: len(other)] == other for other in one.steps if other
        )
        if path and not covered:
            yield Changed(kind, identity, path, made[0].old, made[0].old, tuple(made), region or None)


def _overlap(one: Path, other: Path) -> bool:
    return one[: len(other)] == other[: len(one)]


def _unseen(looks: Sequence[Look], library: Library) -> tuple[Unseen, ...]:
    """The gaps of all looks, each once, in the order in which they came."""
    found: dict[Gap, list[datetime]] = {}
    details: dict[Gap, Gap] = {}
    said: dict[str, dict[Gap, Gap]] = {}
    for look in looks:
        if look.facts not in said:
            said[look.facts] = {replace(gap, detail=""): gap for gap in library.facts(look.facts).gaps}
        details.update(said[look.facts])
        for gap in said[look.facts]:
            found.setdefault(gap, []).append(look.taken_at)
    last = said[looks[-1].facts]
    return tuple(Unseen(details[gap], len(times), times[0], times[-1], gap in last) for gap, times in found.items())
