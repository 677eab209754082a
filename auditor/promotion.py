"""What ran in two environments, and when -> whether what runs was rehearsed, and how far one lags behind the other. Pure.

Nothing is said that the histories do not show: a history that is too short, or has holes, gives no answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from auditor.deployed import folded, short, without_names
from auditor.model import Category, Kind
from auditor.versions import is_mutable_tag, version_order

if TYPE_CHECKING:
    from auditor.names import EnvironmentNames

LONGEST_UNSEEN = timedelta(hours=36)
"""Snapshots further apart leave a hole in the history: anything may have run in between."""
REHEARSAL = timedelta(days=7)
"""So long the earlier environment must have been watched before the later one ran a version."""
HORIZON = timedelta(days=90)
"""How far back what ran is looked at."""
COMPONENT = Kind(
    "deployment.component", Category.DEPLOYMENT, "A deployed component and what the history of its environments tells"
)
Release: TypeAlias = tuple[str, str, str]
"""A component, and the versions of it that the left and the right environment run."""
REHEARSED = ("rehearsed",)
"""Where rules find whether the version that the right environment runs was seen in the left one: true or false."""
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Deployment:
    """A version of a component in one environment, over one stretch of snapshots each of which showed it.

    after        when the last snapshot before `first_seen` was taken, which did not show it; None: there was none,
                 so when it was deployed is not known
    last_seen    when the last snapshot of the stretch was taken; while `running`, the environment's last one
    deployed_at  as the source says, where it does
    """

    environment: str
    component: str
    version: str
    digest: str | None
    after: datetime | None
    first_seen: datetime
    last_seen: datetime
    running: bool
    deployed_at: datetime | None = None

    @property
    def began(self) -> datetime | None:
        """When it began to run, as far as is known: as the source says, else when it was first seen."""
        if self.deployed_at is not None:
            return min(self.deployed_at, self.first_seen)
        return self.first_seen if self.after is not None else None


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of one environment's deployments. `names` are set aside in versions: `stg-1a2b` is `prod-1a2b`."""

    environment: str
    names: EnvironmentNames
    components: Mapping[str, Sequence[Deployment]]

    def of(self, component: str) -> Sequence[Deployment]:
        """Its stretches, those that began first before the others."""
        return self.components.get(component, ())

    def running(self, component: str) -> tuple[Deployment, ...]:
        return tuple(each for each in self.of(component) if each.running)

    def version(self, text: str) -> str:
        """A version without the environment's name, and without a `v` that only some write before it."""
        return folded(without_names(text, self.names))


def past(names: EnvironmentNames, deployments: Iterable[Deployment], until: datetime) -> Past:
    """What is known of the environment called `names.name`, as it was known when the snapshot of `until` was taken."""
    components: dict[str, list[Deployment]] = defaultdict(list)
    for each in sorted(deployments, key=lambda item: (item.first_seen, item.version, item.digest or "")):
        if each.first_seen <= until:
            lasted = each.running or each.last_seen >= until
            last = until if lasted else each.last_seen
            same = lasted == each.running and last == each.last_seen
            components[each.component].append(each if same else replace(each, running=lasted, last_seen=last))
    return Past(names.name, names, components)


@dataclass(frozen=True, slots=True)
class Promotion:
    """A component that both environments know. `rehearsed` is None where the history of the left does not tell.

    `left` and `right` are what they run, in words; `message` says what was not seen, where `rehearsed` is false."""

    component: str
    rehearsed: bool | None
    left: str
    right: str
    message: str = ""


def promotions(left: Past, right: Past) -> tuple[Promotion, ...]:
    """Whether the left environment ran what the right one runs now, by component. What the left never ran is left out."""
    found = []
    for component in sorted(right.components):
        theirs, ours = right.running(component), left.of(component)
        if theirs and ours:
            found.append(_promotion(component, left, right))
    return tuple(found)


def _promotion(component: str, left: Past, right: Past) -> Promotion:
    verdicts = {each: _rehearsed(each, left, right) for each in right.running(component)}
    # The same version under several digests reads the same without them.
    versions = [each.version for each in (*left.of(component), *right.running(component))]
    exact = any(versions.count(each.version) > 1 for each in right.running(component))
    ours, theirs = (_spelled(side.running(component), exact) for side in (left, right))
    unseen = [each for each, rehearsed in verdicts.items() if rehearsed is False]
    if unseen:
        return Promotion(component, False, ours, theirs, _unrehearsed(unseen[0], left, right, exact))
    rehearsed = None if None in verdicts.values() else True
    return Promotion(component, rehearsed, ours, theirs)


def _rehearsed(deployment: Deployment, left: Past, right: Past) -> bool | None:
    ours = left.of(deployment.component)
    if any(_same(each, left, deployment, right) for each in ours):
        return True
    if any(each.digest is None and is_mutable_tag(each.version) for each in (*ours, deployment)):
        # What a tag that moves stood for, nobody knows.
        return None
    since = _since(deployment, right)
    watched = _watched_from(ours)
    if since is None or watched is None:
        return None
    return False if watched <= since - REHEARSAL else None


def _same(ours: Deployment, left: Past, theirs: Deployment, right: Past) -> bool:
    if ours.digest is not None and theirs.digest is not None:
        return ours.digest == theirs.digest
    return left.version(ours.version) == right.version(theirs.version)


def _since(deployment: Deployment, environment: Past) -> datetime | None:
    """From when on the environment may have run it: the last moment at which it is known that it did not."""
    first = _first_of_run(deployment, environment)
    return first.deployed_at or first.after


def _first_of_run(deployment: Deployment, environment: Past) -> Deployment:
    """The stretch with which it began: one that only was not seen for a while did not end."""
    rows = environment.of(deployment.component)
    first = deployment
    while True:
        own = [each for each in rows if each.last_seen < first.first_seen and _equal(each, first)]
        if not own:
            return first
        before = max(own, key=lambda each: each.last_seen)
        between = [
            each
            for each in rows
            if not _equal(each, first) and each.last_seen > before.last_seen and each.first_seen < first.first_seen
        ]
        if between:
            return first
        first = before


def _equal(one: Deployment, other: Deployment) -> bool:
    # A digest that could not be read for a while is no other one.
    return one.version == other.version and (one.digest == other.digest or None in (one.digest, other.digest))


def _watched_from(rows: Sequence[Deployment]) -> datetime | None:
    """Since when every snapshot up to the last one showed some version of the component; None: the last one does not."""
    chain = [each for each in rows if each.running]
    if not chain:
        return None
    while True:
        start = min(chain, key=lambda each: each.first_seen)
        if start.after is None or start.first_seen - start.after > LONGEST_UNSEEN:
            return start.first_seen
        chain = [each for each in rows if each.first_seen < start.first_seen and each.last_seen >= start.after]
        if not chain:
            return start.first_seen


def _unrehearsed(deployment: Deployment, left: Past, right: Past, exact: bool) -> str:
    ours = left.of(deployment.component)
    watched = _watched_from(ours) or deployment.first_seen
    since = _first_of_run(deployment, right)
    began = since.began or since.first_seen
    others = dict.fromkeys(_spelled([each], exact) for each in reversed(ours) if each.last_seen >= watched)
    ran = ", ".join([*others][:_MOST_NAMED]) + (f" and {len(others) - _MOST_NAMED} more" if len(others) > 3 else "")
    return (
        f"{deployment.component} runs {_spelled([deployment], exact)} in {right.environment} since {_at(began)}, and no"
        f" snapshot of {left.environment} since {_at(watched)} shows it there: {left.environment} ran {ran}"
    )


def _spelled(deployments: Sequence[Deployment], exact: bool) -> str:
    return ", ".join(dict.fromkeys(_one(each, exact) for each in deployments))


def _one(deployment: Deployment, exact: bool) -> str:
    if not exact or deployment.digest is None or short(deployment.digest) == deployment.version:
        return deployment.version
    return f"{deployment.version} ({short(deployment.digest)})"


def _at(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True)
class Lag:
    """How far one environment is behind the other: how many releases, and for how long; None where that is not known."""

    releases: int | None
    time: timedelta | None


def lag(behind: Past, ahead: Past, component: str, versions: tuple[str, str], now: datetime) -> Lag | None:
    """How far `behind` is behind `ahead` with a component; `versions` are what the two run. None: it is not, or unknown.

    Where the versions have an order that tells which is newer; else the histories do, by which was deployed first. It is
    behind from when the other one first ran anything newer, whatever came after that."""
    own, other = versions
    rows = ahead.of(component)
    newer = _newer(behind, ahead, component, own, other)
    if newer is None:
        return None
    releases = len({(ahead.version(each.version), each.digest) for each in newer}) or None
    begun = [_first_of_run(each, ahead).began for each in newer]
    known = [at for at in begun if at is not None]
    whole = bool(rows) and bool(known) and len(known) == len(begun)
    return Lag(releases, now - min(known) if whole else None)


def _newer(behind: Past, ahead: Past, component: str, own: str, other: str) -> list[Deployment] | None:
    """What `ahead` ran that is newer than `own`; None where it is not ahead, or nothing tells."""
    rows = ahead.of(component)
    order = version_order(other, own)
    if order is not None:
        return [each for each in rows if (version_order(each.version, own) or 0) > 0] if order > 0 else None
    mine = behind.version(own)
    passed = [each for each in rows if ahead.version(each.version) == mine]
    if passed:
        last = max(each.first_seen for each in passed)
        return [each for each in rows if each.first_seen > last and ahead.version(each.version) != mine] or None
    return None
