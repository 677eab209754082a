"""A place over time, on both sides: what each held and from when on, as far as the snapshots that are kept tell.

Each side is walked back on its own, from its last look, change by change. What a look did not observe is no change: it
only widens the time within which one may have happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from auditor.alike import Pair
from auditor.history import Bounds, Spot, State, Track, Turn, Walk
from auditor.model import ABSENT
from auditor.publish.spelling import middle, spell
from auditor.realms import realm_of

if TYPE_CHECKING:
    from auditor.config import Config
    from auditor.model import Breach, Kind, Path, Side
    from auditor.store import Store

DAYS = 90
MOST_CHANGES = 40
"""Changes of one side that are told, the latest ones."""
_LOOKS = 10_000
_MANIFESTS = 2_000
_ROOM = 200


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which one side held one value. `key` is equal for values that are the same but for names.

    It began between `after`, when the value before it was last seen, and `since`; `after` is None where it is not known
    what was before. `until` is when it was last seen."""

    text: str
    key: str | None
    after: datetime | None
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Course:
    """One side, the latest first. `why` says why nothing is known of it, where that is so.

    `more`: there are earlier snapshots, or earlier changes, which are not told."""

    environment: str
    stretches: tuple[Stretch, ...]
    more: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """One change: both sides as they were from then on. `changed` says which of them it was that changed."""

    after: datetime | None
    at: datetime
    texts: tuple[str | None, str | None]
    changed: tuple[bool, bool]
    same: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch as drawn: `start` and `width` in thousandths of the time shown; `same` where the other side held the same."""

    start: float
    width: float
    same: bool
    text: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Timeline:
    """Both sides, from `start` to `end`: from when the place was first seen to when it was seen last."""

    courses: tuple[Course, Course]
    start: datetime
    end: datetime

    @property
    def known(self) -> bool:
        """Whether any side was ever seen."""
        return any(course.stretches for course in self.courses)

    @property
    def changes(self) -> int:
        return sum(1 for course in self.courses for stretch in course.stretches if stretch.after is not None)

    def moments(self) -> tuple[Moment, ...]:
        """Every change of either side, the latest first; last how it was when it was first seen."""
        times = sorted({stretch.since for course in self.courses for stretch in course.stretches}, reverse=True)
        return tuple(self._moment(at) for at in times)

    def bars(self) -> tuple[tuple[Bar, ...], tuple[Bar, ...]]:
        """Both sides as lanes of a drawing, oldest first, cut where the other one changes."""
        left, right = self.courses
        return tuple(self._lane(left, right)), tuple(self._lane(right, left))

    def _moment(self, at: datetime) -> Moment:
        held = [_held(course, at) for course in self.courses]
        begun = [one is not None and one.since == at for one in held]
        after = [one.after for one, fresh in zip(held, begun, strict=True) if one is not None and fresh and one.after]
        left, right = held
        changed = tuple(
            fresh and one is not None and one.after is not None for one, fresh in zip(held, begun, strict=True)
        )
        return Moment(
            min(after, default=None),
            at,
            (left.text if left else None, right.text if right else None),
            (changed[0], changed[1]),
            left is not None and right is not None and left.key == right.key,
        )

    def _lane(self, mine: Course, other: Course) -> Iterator[Bar]:
        later = self.end
        cuts = sorted(one.since for one in other.stretches)
        for stretch in mine.stretches:
            edges = [max(stretch.since, self.start), *(cut for cut in cuts if stretch.since < cut < later), later]
            for start, end in pairwise(edges):
                theirs = _held(other, start)
                same = theirs is not None and theirs.key == stretch.key
                begin = self._place(start)
                yield Bar(begin, max(self._place(end) - begin, 0.0), same, stretch.text, stretch.since)
            later = stretch.since

    def _place(self, moment: datetime) -> float:
        whole = (self.end - self.start).total_seconds()
        return 1000 * (moment - self.start).total_seconds() / whole if whole else 0.0


def timeline(
    store: Store, config: Config, kind_of: Callable[[str], Kind], breach: Breach, now: datetime, days: int = DAYS
) -> Timeline:
    """The place of `breach` on both sides, `days` back at most. Raises StoreError."""
    bounds = Bounds(_LOOKS, _MANIFESTS, now - timedelta(days=days))
    walks = [_walk(store, config, kind_of, side.environment, bounds) for side in (breach.left, breach.right)]
    scenes = [walk.open() if walk is not None else None for walk in walks]
    same_key: Callable[[str, str], bool] | None = None
    if scenes[0] is not None and scenes[1] is not None:
        # The common name of a key is the left's, with names set aside.
        same_key = Pair(scenes[0].names, scenes[1].names).same_name
    left = _course(walks[0], breach, breach.left, None)
    right = _course(walks[1], breach, breach.right, same_key)
    seen = [one for course in (left, right) for one in course.stretches]
    start, end = min((one.since for one in seen), default=now), max((one.until for one in seen), default=now)
    return Timeline((left, right), start, end)


def _walk(
    store: Store, config: Config, kind_of: Callable[[str], Kind], environment: str, bounds: Bounds
) -> Walk | None:
    last = store.snapshots(environment, limit=1) if environment in config.environments else ()
    return Walk(realm_of(config, environment, kind_of), store.past, last[0].id, bounds) if last else None


def _course(walk: Walk | None, breach: Breach, side: Side, same_key: Callable[[str, str], bool] | None) -> Course:
    if walk is None or walk.current is None:
        return Course(side.environment, (), why=f"no snapshot of {side.environment} is kept from this time")
    track = Track(Spot(breach.kind, side.identity, breach.identity, breach.path, side.location))
    if same_key is not None:
        track.same_key = same_key
    last = walk.current.look.taken_at
    turns: list[Turn] = []
    while not track.ended:
        walk.tracks = [track]
        walk.step()
        if track.turn is not None and len(turns) < MOST_CHANGES:
            turns.append(track.turn)
            track = _before(track, walk)
    if track.state is None or track.since is None:
        return Course(side.environment, (), why=f"the last snapshot of {side.environment} could not see this place")
    more = walk.cut_short or track.turn is not None
    return Course(
        side.environment, tuple(_stretches(turns, breach.path, track.state, track.since.taken_at, last)), more
    )


def _before(track: Track, walk: Walk) -> Track:
    """The same place, to be followed on from before the change that was found."""
    turn, stand = track.turn, walk.stand
    assert turn is not None
    assert stand is not None
    home = turn.old.entry.home if turn.old.entry else None
    return replace(track, state=turn.old, since=stand.oldest, home=home, turn=None, ended=False)


def _stretches(turns: Sequence[Turn], path: Path, first: State, since: datetime, last: datetime) -> Iterator[Stretch]:
    until = last
    for turn in turns:
        yield Stretch(_text(turn.new, path), turn.new.key, turn.after.taken_at, turn.by.taken_at, until)
        until = turn.after.taken_at
    yield Stretch(_text(first, path), first.key, None, since, until)


def _text(state: State, path: Path) -> str:
    if not path:
        return "not there" if state.raw is ABSENT else "there"
    return "none" if state.raw is ABSENT else middle(spell(state.raw), _ROOM)


def _held(course: Course, at: datetime) -> Stretch | None:
    return next((one for one in course.stretches if one.since <= at), None)
