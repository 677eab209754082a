"""What the judge is told of the past of both environments: what was rehearsed, and how far one is behind the other.

Pure: what the store knows is asked for by a function that is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from auditor.declared import EXISTS, IN_STATE, StillKnown
from auditor.deployed import Told, folded, image, same_version, short
from auditor.names import stage_of
from auditor.observed import Observed
from auditor.promotion import (
    COMPONENT,
    HORIZON,
    REHEARSAL,
    Deployment,
    Lag,
    Past,
    Promotion,
    Release,
    lag,
    past,
    promotions,
)
from auditor.value_types import timestamp
from auditor.versions import is_commit

if TYPE_CHECKING:
    from auditor.alike import Pair
    from auditor.comparison import Comparison
    from auditor.gauges import Deployed
    from auditor.model import Breach, Json, Path, Resource
    from auditor.names import EnvironmentNames
    from auditor.places import Place

_OTHER = {"left": "right", "right": "left"}
Held: TypeAlias = "Callable[[str, Resource, Path], datetime | None]"


def _never_asked(_side: str, _resource: Resource, _path: Path) -> None:
    """Nothing is known."""


@dataclass(frozen=True, slots=True)
class History:
    """`promotions` is empty where nothing is promoted from the left environment to the right one.

    `held` says since when a side has held the value of a resource at a path, None where that is not known."""

    pasts: Mapping[str, Past] = field(default_factory=dict)
    promotions: tuple[Promotion, ...] = ()
    held: Held = _never_asked

    def settles(self, component: str, *, complete: bool) -> bool:
        """Whether it is known that nothing is wrong any more with how the component came to the right environment.

        `complete`: the right one was observed without gaps, so what it does not show is not there."""
        for promotion in self.promotions:
            if promotion.component == component:
                return promotion.rehearsed is True
        return complete


NO_HISTORY = History()


class Gone:
    """What one audit knows of findings that it did not see."""

    def __init__(self, comparison: Comparison, history: History) -> None:
        self._history, self._complete = history, not comparison.right.gaps
        self._observed, self._still_known = Observed(comparison), StillKnown(comparison)

    def __call__(self, breach: Breach) -> bool:
        """Whether both sides, and what is told of their past, were seen well enough to say that a finding is gone."""
        if breach.kind == COMPONENT.name:
            return self._history.settles(breach.identity, complete=self._complete)
        if breach.path in (IN_STATE, EXISTS) and not self._still_known(breach):
            return False
        return self._observed(breach)


def seen(comparison: Comparison, history: History, breach: Breach) -> bool:
    """What `Gone` says of one finding."""
    return Gone(comparison, history)(breach)


def recall(
    ask: Callable[[str, datetime], Iterable[Deployment]],
    pair: Pair,
    comparison: Comparison,
    promotes_to: Mapping[str, str],
    held: Held = _never_asked,
) -> History:
    """The history of the two snapshots that are compared. `ask` gives an environment's deployments since a time."""
    left, right = pair.left, pair.right
    since = comparison.right.taken_at - HORIZON
    theirs = past(right, ask(right.name, since), comparison.right.taken_at)
    # What the right runs since long ago may have been rehearsed before that.
    begun = [each.first_seen for rows in theirs.components.values() for each in rows if each.running]
    since = min([since, *(at - 2 * REHEARSAL for at in begun)])
    ours = past(left, ask(left.name, since), comparison.left.taken_at)
    in_order = promotes(promotes_to, left.name, right.name)
    return History({"left": ours, "right": theirs}, promotions(ours, theirs) if in_order else (), held)


def promotes(promotes_to: Mapping[str, str], left: str, right: str) -> bool:
    """Whether what runs in the right environment came through the left one, as the configured chain says.

    Where that says nothing of either: whether the right is a production and the left is not."""
    if left not in promotes_to:
        told = {*promotes_to, *promotes_to.values()}
        return right not in told and stage_of(right) == "prod" != stage_of(left)
    seen = {left}
    step = promotes_to[left]
    while step not in seen:
        if step == right:
            return True
        seen.add(step)
        step = promotes_to.get(step, left)
    return False


class Lags:
    """How far the sides of one comparison are behind one another, place by place."""

    def __init__(
        self, history: History, comparison: Comparison, names: Mapping[str, EnvironmentNames], now: datetime
    ) -> None:
        self._history, self._now = history, now
        sides = {"left": comparison.left, "right": comparison.right}
        self._told = {side: Told(found.resources, names[side].tokens) for side, found in sides.items()}

    def of(self, place: Place, side: str) -> Lag | None:
        """How far `side` is behind the other one at `place`; None where nothing tells that it is.

        Of what is no deployed component counts since when the side that is ahead holds its present value."""
        other = _OTHER[side]
        ours, theirs = self._row(place, side), self._row(place, other)
        found = None
        if ours is not None and theirs is not None and self._history.pasts:
            pasts = self._history.pasts
            found = lag(pasts[side], pasts[other], theirs.component, (ours.version, theirs.version), self._now)
        if found is not None and found.time is not None:
            return found
        resource = place.resource(other)
        if resource is None:
            return found
        at = timestamp(resource.attributes.get("deployed_at"))
        if at is None and theirs is None:
            at = self._history.held(other, resource, place.path)
        if at is None:
            return found
        return Lag(found.releases if found is not None else None, self._now - at)

    def component(self, place: Place) -> str | None:
        """The component whose version, in the right environment, is what the place says; None where it says another thing."""
        row = self._row(place, "right")
        return row.component if row is not None and _is(row, place.right.raw) else None

    def release(self, place: Place) -> Release | None:
        """Which component's version the place says, of both sides; None where it says another thing, or of one side only."""
        rows = {side: self._told_at(place, side) for side in _OTHER}
        left, right = rows["left"], rows["right"]
        if left is None or right is None or left.component != right.component:
            return None
        if not all(_is(row, place.leaf(side).raw) for side, row in (("left", left), ("right", right))):
            return None
        ours, theirs = (self._version(row, side) for side, row in (("left", left), ("right", right)))
        return (left.component, ours, theirs) if ours != theirs else None

    def _version(self, row: Deployed, side: str) -> str:
        """The version by the name that what runs gives it."""
        rows = [each for each in self._told[side].rows if each.component == row.component]
        named = folded(next((each.version for each in rows if same_version(each, row)), row.version))
        return short(named) if is_commit(named) else named

    def _row(self, place: Place, side: str) -> Deployed | None:
        """The component that the place is about, as this side runs it; None where no history tells of any."""
        return self._told_at(place, side) if self._history.pasts else None

    def _told_at(self, place: Place, side: str) -> Deployed | None:
        resource, value = place.resource(side), place.leaf(side).raw
        if resource is None:
            return None
        rows = self._told[side].undated_by(resource)
        if len(rows) == 1:
            # Whatever of it the place says: its version, its commit, its digest.
            return rows[0]
        fitting = [row for row in rows if _is(row, value)]
        named = [row for row in fitting if row.component.rpartition("/")[2] in place.path]
        return next(iter(named or fitting), None)


def _is(row: Deployed, value: Json) -> bool:
    """Whether a value at its source says what the row says."""
    text = str(value).strip()
    read = image(text)
    spelled = {text, short(text), read.version if read is not None else text}
    return row.version in spelled or (row.digest is not None and row.digest == text)
