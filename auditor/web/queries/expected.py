"""What differs between the two sides of a pair as it should: the differences that a rule calls normal, with that rule.

Audits keep their number only. They are found again by judging the snapshots of the last audit once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.judge import judge
from auditor.model import Category
from auditor.publish.spelling import Shown, brief, side_by_side
from auditor.web.queries.staging import Remembered, StageKey, stage_key

if TYPE_CHECKING:
    from auditor.config import Pair
    from auditor.evaluate import Ruling
    from auditor.explaining import Stage
    from auditor.model import Path
    from auditor.places import Place
    from auditor.web.backend import Backend, Loaded

MOST = 500
"""Of one category so many are listed; more are only counted."""
_ROOM = 120
_PAIRS = 8


@dataclass(frozen=True, slots=True)
class Normal:
    """One difference that is as it should be. `identity` is the right one's where both have one."""

    kind: str
    identity: str
    path: Path
    left: Shown
    right: Shown


@dataclass(frozen=True, slots=True)
class Ruled:
    """What one rule calls normal in one category: `number` of them, of which some are listed."""

    policy: str
    rule: str
    about: str
    expect: str
    number: int
    items: tuple[Normal, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """All of a pair. `policy` says by which policies, as they are now; the snapshots are those of the last audit."""

    snapshots: tuple[str, str]
    by_category: Mapping[Category, tuple[Ruled, ...]]

    @property
    def total(self) -> int:
        return sum(self.number(category) for category in self.by_category)

    def number(self, category: Category) -> int:
        return sum(ruled.number for ruled in self.by_category[category])


class ExpectedFinder:
    """Finds them, and remembers the last eight pairs'. Called from several threads."""

    def __init__(self) -> None:
        self._known: Remembered[StageKey, Expected] = Remembered(_PAIRS)

    def known(self, ground: Backend, loaded: Loaded, pair: Pair) -> Expected | None:
        """What is there without judging anything."""
        key = stage_key(ground, loaded, pair)
        return None if key is None else self._known.known(key, ground.clock())

    def get(self, ground: Backend, loaded: Loaded, pair: Pair) -> Expected:
        """Takes as long as an audit without its collecting. Raises NothingSeen, ConfigError and Busy."""
        key = stage_key(ground, loaded, pair)

        def make() -> Expected:
            return _expected(ground, loaded, ground.stages.get(ground, loaded, pair))

        return make() if key is None else self._known.get(key, ground.clock(), make)


def _expected(ground: Backend, loaded: Loaded, stage: Stage) -> Expected:
    gathered = _Gathered(ground)
    scenery = stage.scenery
    judge(
        scenery.comparison,
        scenery.policy,
        *scenery.names,
        scenery.now,
        loaded.config.owner_tag,
        scenery.history,
        on_expected=gathered,
    )
    return Expected((stage.left.id, stage.right.id), gathered.by_category())


class _Gathered:
    """Is told of each, and keeps a part of them."""

    def __init__(self, ground: Backend) -> None:
        self._category = ground.registry.kind
        self._found: dict[tuple[Category, str], tuple[Ruling, list[Normal]]] = {}
        self._counts: dict[tuple[Category, str], int] = {}
        self._kept: dict[Category, int] = {}

    def __call__(self, place: Place, ruling: Ruling) -> None:
        category = self._category(place.kind).category
        key = category, ruling.rule.name
        self._counts[key] = self._counts.get(key, 0) + 1
        kept = self._found.setdefault(key, (ruling, []))[1]
        if self._kept.get(category, 0) < MOST:
            self._kept[category] = self._kept.get(category, 0) + 1
            kept.append(_normal(place))

    def by_category(self) -> dict[Category, tuple[Ruled, ...]]:
        found: dict[Category, list[Ruled]] = {}
        for (category, name), (ruling, items) in self._found.items():
            rule = ruling.rule
            ordered = tuple(sorted(items, key=lambda item: (item.kind, item.identity, item.path)))
            told = Ruled(rule.policy, rule.id, rule.about, rule.expect.name, self._counts[category, name], ordered)
            found.setdefault(category, []).append(told)
        return {
            category: tuple(sorted(found[category], key=lambda ruled: (-ruled.number, ruled.policy, ruled.rule)))
            for category in Category
            if category in found
        }


def _normal(place: Place) -> Normal:
    resource = place.right_resource or place.left_resource
    identity = brief(resource.identity) if resource is not None else ""
    if place.path:
        left, right = side_by_side(place.left.raw, place.right.raw, _ROOM)
    else:
        left, right = (
            Shown("(absent)" if one is None else brief(one.identity, _ROOM), "", "")
            for one in (place.left_resource, place.right_resource)
        )
    return Normal(place.kind, identity, place.path, left, right)
