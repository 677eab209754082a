"""Two environments' pasts side by side: whose change made a place what it is, and between which two looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from auditor.alike import Pair
from auditor.compare import compare_match
from auditor.comparison import Match
from auditor.history import AtHand, Bounds, Spot, Track, Turn, Walk
from auditor.model import ABSENT, MatchMethod, Moved, Path

if TYPE_CHECKING:
    from auditor.history import State
    from auditor.looks import Past
    from auditor.model import Resource, Side
    from auditor.scene import Realm

_SIDES = ("left", "right")
_NEVER = datetime.max.replace(tzinfo=UTC)


class Parted(Protocol):
    """A place where two environments are to be told apart, as a breach names it."""

    @property
    def fingerprint(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def identity(self) -> str: ...

    @property
    def path(self) -> Path: ...

    @property
    def left(self) -> Side: ...

    @property
    def right(self) -> Side: ...

    @property
    def sides(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Apart:
    """No change was seen on either side: it has been like this `since` then, or for longer.

    `cut_short`: there are earlier snapshots, which were not looked at. None: a side was not seen at all."""

    since: datetime | None
    cut_short: bool = False


@dataclass(frozen=True, slots=True)
class Mover:
    """What the histories tell, and the resource that was changed: as it is now, or as it last was."""

    moved: Moved
    resource: Resource


@dataclass(frozen=True, slots=True)
class _Question:
    """One breach, followed on each side that is to blame for it."""

    breach: Parted
    tracks: Mapping[str, Track]

    def is_open(self) -> bool:
        return not all(track.ended for track in self.tracks.values())

    def narrow(self) -> None:
        """Once a change is found on one side, the other's past from before it is of no interest."""
        for side, other in zip(_SIDES, reversed(_SIDES), strict=True):
            turn = self.tracks[side].turn if side in self.tracks else None
            if turn is not None and other in self.tracks:
                self.tracks[other].needed_until = turn.after.taken_at


def movers(
    breaches: Sequence[Parted],
    realms: tuple[Realm, Realm],
    past: Past,
    starts: tuple[str, str],
    bounds: Bounds,
    at_hand: tuple[AtHand, AtHand] | None = None,
) -> dict[str, Mover | Apart]:
    """What the histories up to the snapshots `starts` tell of each breach, by fingerprint. One walk for all of them.

    `at_hand` is what other walks from these snapshots saw."""
    known = at_hand or (AtHand(), AtHand())
    walks = {
        side: Walk(realm, past, start, bounds, one)
        for side, realm, start, one in zip(_SIDES, realms, starts, known, strict=True)
    }
    scenes = [walks[side].open() for side in _SIDES]
    left, right = scenes
    if left is None or right is None:
        return {breach.fingerprint: Apart(None) for breach in breaches}
    pair = Pair(left.names, right.names)
    questions = [_question(breach, pair) for breach in breaches]
    for question in questions:
        for side, track in question.tracks.items():
            walks[side].tracks.append(track)
    while asked := [side for side in _SIDES if walks[side].tracks]:
        # The later of both first, so that neither goes further back than the other's change asks for.
        walks[max(asked, key=lambda side: _position(walks[side]))].step()
        for question in questions:
            question.narrow()
    return {question.breach.fingerprint: _answer(question, walks, pair) for question in questions}


def _question(breach: Parted, pair: Pair) -> _Question:
    tracks: dict[str, Track] = {}
    for name, side in zip(_SIDES, (breach.left, breach.right), strict=True):
        if name in breach.sides:
            tracks[name] = Track(Spot(breach.kind, side.identity, breach.identity, breach.path, side.location))
    if "right" in tracks:
        # The common name of a key is the left's, with names set aside.
        tracks["right"].same_key = pair.same_name
    return _Question(breach, tracks)


def _position(walk: Walk) -> tuple[bool, datetime]:
    return walk.position is None, walk.position or _NEVER


def _answer(question: _Question, walks: Mapping[str, Walk], pair: Pair) -> Mover | Apart:
    tracks = question.tracks
    if not all(_is_followed(question.breach, side, track) for side, track in tracks.items()):
        return Apart(None)
    known = max(track.since.taken_at for track in tracks.values() if track.since is not None)
    turns = {side: track.turn for side, track in tracks.items() if track.turn is not None}
    if not turns:
        return Apart(known, any(walks[side].cut_short for side in tracks))
    side = max(turns, key=lambda name: (turns[name].by.taken_at, name))
    others = [name for name in tracks if name != side]
    seen = max(turns[side].after.taken_at, turns[side].by.taken_at)
    if any(name not in turns and _since(tracks[name]) > seen for name in others):
        # It changed before the other side was ever seen: whether that one followed, nobody knows.
        return Apart(known, any(walks[name].cut_short for name in tracks))
    if len(turns) == len(_SIDES) and _at_once(*turns.values()):
        return _mover(question.breach, "both", turns["right"], turns["left"].old, pair)
    other = tracks[others[0]].state if others else None
    return _mover(question.breach, side, turns[side], other, pair)


def _is_followed(breach: Parted, side: str, track: Track) -> bool:
    """Whether what the snapshot holds at the place is what the breach says, so that its past may be told."""
    said = breach.left if side == "left" else breach.right
    there = said.value is not ABSENT if breach.path else said.identity is not None
    return track.state is not None and track.since is not None and (track.state.key is not None) == there


def _since(track: Track) -> datetime:
    return track.since.taken_at if track.since is not None else _NEVER


def _at_once(one: Turn, other: Turn) -> bool:
    """Whether both changed between the same two looks, so that nobody can say which was first.

    Both environments are never looked at in the same instant: times that overlap by little are looks one after the other."""
    spans = [sorted((turn.after.taken_at, turn.by.taken_at)) for turn in (one, other)]
    overlap = min(end for _, end in spans) - max(start for start, _ in spans)
    return overlap * 2 > min(end - start for start, end in spans)


def _mover(breach: Parted, side: str, turn: Turn, other: State | None, pair: Pair) -> Mover:
    after, by = sorted((turn.after.taken_at, turn.by.taken_at))
    old, new = turn.told
    left, right = (turn.old, other) if side == "left" else (other, turn.old)
    environment = breach.left.environment if side == "left" else breach.right.environment
    moved = Moved(side, environment, after, by, old, new, turn.by.id, agreed=_agreed(breach.path, left, right, pair))
    normal = turn.new.normal or turn.old.normal
    if normal is None:
        raise ValueError(f"{breach.kind} {breach.identity} was never there")
    return Mover(moved, normal.resource)


def _agreed(path: Path, left: State | None, right: State | None, pair: Pair) -> bool:
    """Whether nothing differed at the place."""
    if left is None or right is None:
        return False
    if not path or left.normal is None or right.normal is None:
        return (left.normal is None) == (right.normal is None)
    compared = compare_match(Match(left.normal, right.normal, MatchMethod.IDENTITY, 1.0), pair)
    places = [difference.path for difference in compared.differences]
    return not any(place[: len(path)] == path[: len(place)] for place in places)
