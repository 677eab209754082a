"""Back through one environment's looks: when places came to hold what they hold now, and what they held before.

All places are followed in one walk. What did not change is passed by without being read: equal looks name equal contents,
and in a manifest that changed an unchanged resource is found by its spelling. Looks that did not observe a place say
nothing of it; they only widen the time in which it may have changed. Pure but for the reading, which comes in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from auditor.compare import listed_again
from auditor.model import ABSENT, Absent, Json, Path
from auditor.observed import SideView, Value, points_into_gap
from auditor.paths import ITEM, UNKEYED
from auditor.scene import Library, Scene
from auditor.set_aside import digest_of, neutral

if TYPE_CHECKING:
    from auditor.at_hand import Seen
    from auditor.comparison import Normal
    from auditor.looks import Look, Past
    from auditor.names import EnvironmentNames
    from auditor.scene import Entry, Realm

_HERE = "here"
_PAGES = (16, 64, 256, 1024)
# Scenes that walks share: each holds the names of all that a look saw.
_MOST_SCENES = 16


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far back is looked: so many looks and so many different manifests of one environment, and so long."""

    looks: int = 10_000
    manifests: int = 6_000
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in one environment: a resource, by what it is called there (None: it is not there now), and a path in it.

    `normal` is its identity with names set aside. `location` tells it from others of its name."""

    kind: str
    identity: str | None
    normal: str
    path: Path
    location: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What a place holds. `key` is equal for what is the same in normal form, None where there is nothing.

    `raws` are the values as spelled at the source; several where items that nothing names share the path."""

    key: str | None
    raws: tuple[Json, ...] = ()
    normal: Normal | None = None
    entry: Entry | None = None
    view: SideView | None = None

    @property
    def raw(self) -> Json | Absent:
        if self.key is None:
            return ABSENT
        return self.raws[0] if len(self.raws) == 1 else list(self.raws)


@dataclass(frozen=True, slots=True)
class Turn:
    """A place came to hold something else: it still held `old` in the look `after`, and `new` in the look `by`."""

    old: State
    new: State
    after: Look
    by: Look

    @property
    def told(self) -> tuple[Json | Absent, Json | Absent]:
        """Both values; of several items that nothing names, those that only one of both has."""
        old, new = list(self.old.raws), list(self.new.raws)
        if len(old) < 2 and len(new) < 2:
            return self.old.raw, self.new.raw
        gone, come = ([item for item in one if item not in other] for one, other in ((old, new), (new, old)))
        return tuple(ABSENT if not items else items[0] if len(items) == 1 else items for items in (gone, come))  # type: ignore[return-value]


@dataclass(slots=True)
class Track:
    """One place, followed back. `since` is the earliest look known to hold what it holds now; `path` is under own keys.

    `needed_until`: what happened before this moment is of no interest. `same_key` says whether a key of this side is the
    one that a step of the path names."""

    spot: Spot
    state: State | None = None
    since: Look | None = None
    path: Path = ()
    home: str | None = None
    turn: Turn | None = None
    needed_until: datetime | None = None
    same_key: Callable[[str, str], bool] = lambda _step, _key: False
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Stand:
    """Looks in a row that saw the very same, and those that come next."""

    newest: Look
    oldest: Look
    coming: Sequence[Look] = field(repr=False, default=())


@dataclass(slots=True)
class AtHand:
    """What is at hand of one environment's past, for walks that start with one look.

    scenes  those that were seen lately, by look
    seen    what is at hand of the look that they start with
    """

    scenes: dict[str, Scene] = field(default_factory=dict)
    seen: Seen | None = None


class Walk:
    """One environment, from the look `start` back, as far as is asked for. `open` it first; `current` is what that saw.

    `position` is when the last look was taken that was looked at; `cut_short` says that a bound ended the walk."""

    def __init__(self, realm: Realm, past: Past, start: str, bounds: Bounds, at_hand: AtHand | None = None) -> None:
        """`at_hand` is what other walks from the same start saw; what this one sees is added."""
        self._realm, self._past, self._start, self._bounds = realm, past, start, bounds
        self._library = Library(past)
        self._at_hand = at_hand or AtHand()
        self._stands = self._read()
        self._before: Stand | None = None
        self.tracks: list[Track] = []
        self.current: Scene | None = None
        self.position: datetime | None = None
        self.cut_short = False
        self._first: Stand | None = None

    def open(self) -> Scene | None:
        """What the look saw that it starts with; None where there is no such look."""
        self._first = next(self._stands, None)
        if self._first is not None:
            self.current = self._scene(self._first)
        return self.current

    def step(self) -> None:
        """One stand further back. Where there is none, all tracks end."""
        if self._first is not None and self.current is not None:
            stand, self._first = self._first, None
            entries = [find(self.current, track.spot) for track in self.tracks]
            self.current.read(entry for entry in entries if entry is not None)
            for track, entry in zip(self.tracks, entries, strict=True):
                _begin(track, entry, self.current, stand)
        elif self._library.read < self._bounds.manifests and (following := next(self._stands, None)) is not None:
            stand = following
            before = self._before.newest.manifests if self._before else ()
            scene, fresh = self._scene(stand), frozenset(stand.newest.manifests) - frozenset(before)
            changed = [track for track in self.tracks if not self._stayed(track, scene, stand, fresh)]
            entries = [find(scene, track.spot) for track in changed]
            scene.read(entry for entry in entries if entry is not None)
            for track, entry in zip(changed, entries, strict=True):
                self._follow(track, entry, scene, stand)
        else:
            self.cut_short = self.cut_short or self._library.read >= self._bounds.manifests
            for track in self.tracks:
                track.ended = True
            self.tracks = []
            return
        self.tracks = [track for track in self.tracks if not track.ended]
        self.position = stand.newest.taken_at
        self._before = stand

    @property
    def stand(self) -> Stand | None:
        """The looks that the last step was at."""
        return self._before

    def _scene(self, stand: Stand) -> Scene:
        look, scenes = stand.newest, self._at_hand.scenes
        found = scenes.get(look.id)
        if found is None:
            seen, near = self._at_hand.seen if look.id == self._start else None, scenes.get(self._start)
            found = Scene(self._realm, look, self._library, stand.coming, seen=seen, near=near)
            scenes[look.id] = found
            if len(scenes) > _MOST_SCENES:
                del scenes[next(one for one in scenes if one != self._start)]
        return found

    def _read(self) -> Iterator[Stand]:
        """Stands, newest first. One that spans two pages comes as two."""
        before: str | None = None
        seen, pages = 0, 0
        while seen < self._bounds.looks:
            size = min(_PAGES[min(pages, len(_PAGES) - 1)], self._bounds.looks - seen)
            looks = self._past.looks(
                self._realm.environment, until=self._start, before=before, since=self._bounds.since, limit=size
            )
            first = 0
            for place in range(1, len(looks) + 1):
                if place == len(looks) or not looks[place].saw_the_same(looks[first]):
                    yield Stand(looks[first], looks[place - 1], looks[first + 1 : first + 200])
                    first = place
            if len(looks) < size:
                self.cut_short = bool(looks) and self._is_more_before(looks[-1])
                return
            before, seen, pages = looks[-1].id, seen + len(looks), pages + 1
        self.cut_short = True

    def _is_more_before(self, look: Look) -> bool:
        if self._bounds.since is None:
            return False
        return bool(self._past.looks(self._realm.environment, before=look.id, limit=1))

    def _stayed(self, track: Track, scene: Scene, stand: Stand, fresh: frozenset[str]) -> bool:
        """Whether nothing of the resource changed."""
        if not self._is_unchanged(track, scene, fresh):
            return False
        self._held(track, stand)
        return True

    def _follow(self, track: Track, entry: Entry | None, scene: Scene, stand: Stand) -> None:
        state, since = track.state, track.since
        if state is None or since is None:
            return
        found = state_at(scene, track.spot, entry, track.path or track.spot.path)
        if found is None or _may_be_the_same(track.spot.path, found, state):
            return
        if found.key != state.key:
            track.turn = Turn(found, state, stand.newest, since)
            track.ended = True
            return
        # What it says of itself elsewhere changed: that is how it is found from here on.
        track.state = State(state.key, state.raws, state.normal, found.entry, state.view)
        track.home = found.entry.home if found.entry else None
        self._held(track, stand)

    def _held(self, track: Track, stand: Stand) -> None:
        """It held in this look what it holds now."""
        track.since = stand.oldest
        track.ended = track.needed_until is not None and stand.oldest.taken_at <= track.needed_until

    def _is_unchanged(self, track: Track, scene: Scene, fresh: frozenset[str]) -> bool:
        """Whether the resource is listed exactly as it was in the look after this one: then nothing has to be read."""
        state = track.state
        if state is None or state.entry is None:
            return not fresh and self._before is not None and self._before.newest.saw_the_same(scene.look)
        if track.home not in scene.look.manifests:
            track.home = scene.holder(state.entry.line, fresh)
        return track.home is not None


def _begin(track: Track, entry: Entry | None, scene: Scene, stand: Stand) -> None:
    if entry is not None:
        track.path = own_path(scene.normal(entry).form, track.spot.path, scene.names, track.same_key)
    track.state = state_at(scene, track.spot, entry, track.path or track.spot.path)
    track.home = entry.home if entry else None
    track.since = stand.oldest
    track.ended = track.state is None


def find(scene: Scene, spot: Spot) -> Entry | None:
    """The resource of a spot, where the look saw it: by its name, or by its identity where it has no name there now."""
    if spot.identity is not None:
        named = scene.called(spot.kind, spot.identity)
        return next((entry for entry in named if entry.said["location"] == spot.location), named[0] if named else None)
    return scene.alike(spot.kind, spot.normal)


def state_at(scene: Scene, spot: Spot, entry: Entry | None, path: Path) -> State | None:
    """What the look saw at a spot; None where it could not see it."""
    if entry is None:
        identities = [spot.normal] if spot.identity is None else [spot.normal, spot.identity]
        return State(None, view=scene.view) if scene.lacks(scene.realm.kind_of(spot.kind), identities) else None
    normal = scene.normal(entry)
    if not spot.path:
        return State(_HERE, (True,), normal, entry, scene.view)
    if {spot.path[0], path[0]} & scene.view.unknown_attributes(normal):
        return None
    found = values_at(normal.form, normal.raw, path, scene.names)
    key = key_of([form for form, _ in found], scene.names) if found else None
    return State(key, tuple(listed_again(raw) for _, raw in found), normal, entry, scene.view)


def key_of(forms: Sequence[Json], names: EnvironmentNames) -> str:
    """Equal for values that are the same in normal form, with the environment's names set aside."""
    return digest_of(sorted(json.dumps(neutral(form, names), sort_keys=True) for form in forms))


def values_at(form: Json, raw: Json, path: Path, names: EnvironmentNames) -> list[tuple[Json, Json]]:
    """What stands at a path, in normal form and as spelled: one value, or all items of a list that nothing names."""
    if not path:
        return [(form, raw)]
    if not isinstance(form, Mapping):
        return []
    return [
        found for key in _keys(form, path[0], names) for found in values_at(form[key], raw.get(key), path[1:], names)
    ]


def _keys(form: Mapping[str, Json], step: str, names: EnvironmentNames) -> list[str]:
    if step in form:
        return [step]
    if step == ITEM:
        return sorted(key for key in form if key.startswith(UNKEYED))
    return sorted(key for key in form if names.neutral(key) == step)[:1]


def own_path(
    form: Json, path: Path, names: EnvironmentNames, same_key: Callable[[str, str], bool] = lambda _step, _key: False
) -> Path:
    """The path under the keys of this side, as far as they are there: a path of both sides has their names set aside."""
    found: list[str] = []
    for place, step in enumerate(path):
        if not isinstance(form, Mapping):
            return (*found, *path[place:])
        keys = _keys(form, step, names)
        if not keys and step != ITEM:
            keys = sorted(key for key in form if same_key(step, key))[:1]
        if not keys or step == ITEM:
            return (*found, *path[place:])
        found.append(keys[0])
        form = form[keys[0]]
    return tuple(found)


def _may_be_the_same(path: Path, old: State, new: State) -> bool:
    """Whether both may differ only because what one of them points to was not seen."""
    if not path or old.key == new.key or old.view is None or new.view is None:
        return False
    sides = [
        Value(state.raw, state.normal.resource.region if state.normal else None, view)
        for state, view in ((old, old.view), (new, new.view))
    ]
    return points_into_gap(path, *sides)
