"""What changed in one environment: between two of its snapshots, or since a time. As `audit drift` tells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from auditor.drift import Course
from auditor.drift_walk import drifted, drifted_between
from auditor.durations import parse_duration
from auditor.model import ABSENT, Absent, Json
from auditor.publish.drift_view import DriftView, away, drift_view
from auditor.publish.spelling import Shown, middle, side_by_side
from auditor.realms import realm_of
from auditor.store import NotFoundError
from auditor.web.queries.documents import lines
from auditor.web.queries.kept import FoundOut

if TYPE_CHECKING:
    from auditor.config import Config
    from auditor.drift import Changed
    from auditor.store import SnapshotInfo, Store
    from auditor.web.backend import Backend

ROOM = 90
"""Characters of a value beside another."""
MOST_WHOLE = 20_000
"""Characters of a value that is folded away."""
LOOKS = 2_000
"""How many snapshots are gone through for a page, at most; `audit drift` goes further back."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed. `before` and `after` are the two snapshots; None where it was asked for since a time.

    `view` is None where there are no two snapshots to compare, and while it is being found out: then `waiting`."""

    before: SnapshotInfo | None
    after: SnapshotInfo | None
    view: DriftView | None
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change as it is shown. Without a `path` the whole resource came or went.

    `old_whole` and `new_whole` are there where the values do not fit. `after` and `by` are when the looks were taken
    between which it changed last, `back_after` and `back_by` between which it changed back, where it did so once.
    `times`: how often it changed; `gone`: it is there no more."""

    kind: str
    identity: str
    region: str | None
    path: tuple[str, ...]
    old: Shown
    new: Shown
    old_whole: str
    new_whole: str
    after: datetime
    by: datetime
    back_after: datetime | None
    back_by: datetime | None
    times: int
    gone: bool


def rows(changes: Sequence[Changed]) -> tuple[ChangeRow, ...]:
    """The changes for people, values side by side."""
    return tuple(_shown(change) for change in changes)


def _shown(change: Changed) -> ChangeRow:
    old, new = (_present(value) if not change.path else value for value in away(change))
    left, right = side_by_side(old, new, ROOM)
    steps = change.steps
    undone = change.course is Course.UNDONE and len(steps) == 2
    told = steps[0] if undone else steps[-1]
    return ChangeRow(
        kind=change.kind,
        identity=change.identity,
        region=change.region,
        path=change.path,
        old=left,
        new=right,
        old_whole=_whole(old),
        new_whole=_whole(new),
        after=told.after,
        by=told.by,
        back_after=steps[1].after if undone else None,
        back_by=steps[1].by if undone else None,
        times=len(steps),
        gone=change.path == () and change.new is ABSENT,
    )


def _present(value: Json | Absent) -> str | Absent:
    return ABSENT if value is ABSENT else "present"


def _whole(value: Json | Absent) -> str:
    """The value where it does not fit beside another one."""
    text = lines(value)
    return middle(text, MOST_WHOLE) if len(text) > ROOM or "\n" in text else ""


class ChangeFinder:
    """Compares snapshots in the background, and keeps what differs: they never change. Safe to share between threads."""

    def __init__(self) -> None:
        self._found: FoundOut[tuple[object, ...], DriftView] = FoundOut(24)

    def between(self, ground: Backend, name: str, before: str | None, after: str | None, seconds: float) -> Changes:
        """Between two snapshots of the environment called `name`, in whatever order; by default its last two.

        Waits for so many `seconds` at most. Raises NotFoundError where there is no such snapshot of it."""
        store, config = ground.store, ground.config
        infos = list({info.id: info for one in (before, after) if one for info in [_info(store, name, one)]}.values())
        if not (before and after):
            infos = _last_two(store, name, infos)
        if len(infos) < 2:
            return Changes(None, infos[0] if infos else None, None)
        first, second = infos if _is_earlier(store, infos[0], infos[1]) else infos[::-1]
        realm = realm_of(config, name, ground.registry.kind)

        def make() -> DriftView:
            looks = [store.past.looks(name, until=info.id, limit=1)[0] for info in (first, second)]
            return drift_view(drifted_between(realm, store.past, looks[0], looks[1]))

        view = self._found.ask((first.id, second.id, *_words(config, name)), make, seconds)
        return Changes(first, second, view, waiting=view is None)

    def since(self, ground: Backend, name: str, begin: datetime, seconds: float) -> Changes:
        """Through all snapshots from the last one before `begin` on: what was changed and changed back is told, too."""
        store, config = ground.store, ground.config
        last = next(iter(store.past.looks(name, limit=1)), None)
        if last is None:
            return Changes(None, None, None)
        # What is asked for is the same as long as the same snapshots are meant.
        looks = store.past.looks(name, since=begin, limit=LOOKS)
        key = (name, last.id, looks[-1].id if looks else None, len(looks), *_words(config, name))
        realm = realm_of(config, name, ground.registry.kind)

        def make() -> DriftView:
            found = drifted(realm, store.past, begin, until=last.id, most=LOOKS)
            if found is None:
                raise NotFoundError(f"the snapshots of {name} are gone")
            return drift_view(found, store.deployments(name, since=found.base))

        view = self._found.ask(key, make, seconds)
        return Changes(None, None, view, waiting=view is None)


def _words(config: Config, name: str) -> tuple[object, ...]:
    """What else the answer depends on: what environments are called."""
    return tuple(config.environments[name].aliases), tuple(sorted(config.environments))


def _info(store: Store, name: str, snapshot: str) -> SnapshotInfo:
    found = store.snapshot_info(snapshot)
    if found.environment != name:
        raise NotFoundError(f"store: snapshot {found.id} is of {found.environment}, not of {name}")
    return found


def _last_two(store: Store, name: str, chosen: list[SnapshotInfo]) -> list[SnapshotInfo]:
    """The last two; where one is chosen, that one and the one before it, else the one after it."""
    if not chosen:
        return list(store.snapshots(name, limit=2))
    earlier = store.past.looks(name, before=chosen[0].id, limit=1)
    others = [store.snapshot_info(look.id) for look in earlier] or list(store.snapshots(name, limit=1))
    return [*chosen, *(other for other in others if other.id != chosen[0].id)]


def _is_earlier(store: Store, one: SnapshotInfo, other: SnapshotInfo) -> bool:
    """Whether it was recorded before the other, whatever clocks said."""
    before = store.past.looks(one.environment, until=one.id, before=other.id, limit=1)
    return any(look.id == one.id for look in before)


def since_of(text: str, now: datetime) -> datetime:
    """`24h`, `7d`: so long ago; or a date or time in ISO 8601. Raises ValueError with what to write."""
    try:
        found = now - parse_duration(text)
    except (ValueError, OverflowError):
        try:
            found = datetime.fromisoformat(text)
        except ValueError as error:
            raise ValueError(f"{text!r} is no time: write how long ago, such as 24h or 7d, or a date") from error
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    if found > now + timedelta(seconds=1):
        raise ValueError(f"{text!r} is in the future: write a time that has passed")
    return found
