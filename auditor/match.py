"""Pair the resources of two environments; what stays alone.

In order, first hit wins: declared in the configuration, a tag, equal normalised identity, the same name once both
environments' names are taken out, and a single candidate. Similarity never decides: it only says what an unmatched
resource is probably the counterpart of.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING

from rapidfuzz import fuzz, process

from auditor.comparison import Match, Normal, Unmatched
from auditor.model import MatchMethod

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from auditor.alike import Pair
    from auditor.names import EnvironmentNames

_CONFIDENCE: Mapping[MatchMethod, float] = {
    MatchMethod.CONFIG: 1.0,
    MatchMethod.TAG: 1.0,
    MatchMethod.IDENTITY: 1.0,
    MatchMethod.ALIAS: 0.95,
    MatchMethod.ONLY_CANDIDATE: 0.8,
}
_SUGGEST_FROM = 0.6
_ONLY_CANDIDATE_FROM = 0.5
# Nothing less alike is told or taken for the same; a little below, since sums of fractions round.
_LEAST_ALIKE = min(_SUGGEST_FROM, _ONLY_CANDIDATE_FROM) - 1e-9
# By name, 0 to 100: with equal shapes no pair below it reaches what is told.
_LEAST_BY_NAME = 100 * (_SUGGEST_FROM - 0.4) / 0.6 - 0.1
_FEWEST_COMMON_KEYS = 3
# Beyond this many comparisons of leftovers in one kind, names are not compared one by one any more.
_MOST_COMPARISONS = 250_000


@dataclass(frozen=True, slots=True)
class Counterpart:
    """Two identities that a person declared to be counterparts. `kind` may be a glob's exact name only."""

    kind: str
    left: str
    right: str


@dataclass(slots=True)
class _Kind:
    """What one side has of one kind. `places` are region and parent of each, `tagged` whether one carries the tag."""

    normals: list[Normal] = field(default_factory=list)
    places: set[tuple[str | None, str | None]] = field(default_factory=set)
    tagged: bool = False


@dataclass(slots=True)
class _Open:
    """What is still without a counterpart, of one kind, in order of identity, region and parent.

    `one_place`: all of the left stand in one place, and all of the right."""

    left: list[Normal]
    right: list[Normal]
    one_place: bool = False


def match(
    left: Sequence[Normal],
    right: Sequence[Normal],
    pair: Pair,
    declared: Iterable[Counterpart] = (),
    tag: str = "parity:id",
) -> tuple[tuple[Match, ...], tuple[Unmatched, ...]]:
    """Matches and unmatched resources of two snapshots, ordered by kind and identity. Same in, same out."""
    ours, theirs = _by_kind(left, tag), _by_kind(right, tag)
    wanted: dict[str, list[Counterpart]] = defaultdict(list)
    for counterpart in declared:
        wanted[counterpart.kind].append(counterpart)

    matches: list[Match] = []
    unmatched: list[Unmatched] = []
    for kind in sorted(ours.keys() | theirs.keys()):
        here, there = ours.get(kind) or _Kind(), theirs.get(kind) or _Kind()
        open_ = _Open(here.normals, there.normals, len(here.places) == 1 == len(there.places))
        totals = len(open_.left), len(open_.right)
        if kind in wanted:
            matches += _declared(open_, wanted[kind])
        open_.left, open_.right = _in_order(open_.left), _in_order(open_.right)
        if here.tagged and there.tagged:
            matches += _by_tag(open_, tag)
        regions = () if open_.one_place else _regions(open_.left) & _regions(open_.right) - {None}
        if len(regions) > 1:
            place = _place_in(regions)
            matches += _by_key(open_, MatchMethod.IDENTITY, place, place)
            matches += _by_name(open_, pair, regions)
        matches += _by_identity(open_, pair)
        matches += _by_name(open_, pair)
        matches += _only_candidates(open_, totals)
        unmatched += _alone(open_)
    return tuple(matches), tuple(unmatched)


def _by_kind(normals: Iterable[Normal], tag: str) -> Mapping[str, _Kind]:
    found: dict[str, _Kind] = {}
    kind, name, place = _Kind(), None, None
    for normal in normals:
        resource = normal.resource
        # Those of one kind come one after the other, as a rule, and from few places.
        if resource.kind != name:
            name, place = resource.kind, None
            kind = found.setdefault(name, _Kind())
        kind.normals.append(normal)
        if place is None or place[0] != resource.region or place[1] != resource.parent:
            place = (resource.region, resource.parent)
            kind.places.add(place)
        if tag in resource.tags:
            kind.tagged = True
    return found


def _regions(normals: Iterable[Normal]) -> set[str | None]:
    return {normal.resource.region for normal in normals}


def _matched(left: Normal, right: Normal, method: MatchMethod) -> Match:
    return Match(left, right, method, _CONFIDENCE[method])


def _declared(open_: _Open, counterparts: Sequence[Counterpart]) -> list[Match]:
    """Pair what was declared; of several with one identity the first that is free."""
    free = _by_own_identity(open_.left), _by_own_identity(open_.right)
    found: list[Match] = []
    for counterpart in counterparts:
        ours, theirs = free[0].get(counterpart.left), free[1].get(counterpart.right)
        if ours and theirs:
            found.append(_matched(ours.popleft(), theirs.popleft(), MatchMethod.CONFIG))
    _remove(open_, found)
    return found


def _by_own_identity(normals: Iterable[Normal]) -> Mapping[str, deque[Normal]]:
    found: dict[str, deque[Normal]] = defaultdict(deque)
    for normal in normals:
        found[normal.resource.identity].append(normal)
    return found


def _by_tag(open_: _Open, tag: str) -> list[Match]:
    tagged = _Open(_with_tag(open_.left, tag), _with_tag(open_.right, tag))
    found = _by_key(tagged, MatchMethod.TAG, lambda n: n.resource.tags[tag], lambda n: n.resource.tags[tag])
    _remove(open_, found)
    return found


def _with_tag(normals: Iterable[Normal], tag: str) -> list[Normal]:
    return [normal for normal in normals if tag in normal.resource.tags]


def _place_in(regions: Collection[str | None]) -> Callable[[Normal], object]:
    """Identity and region, for what stands in one of these regions; None for the rest."""

    def place(normal: Normal) -> tuple[str, str | None] | None:
        region = normal.resource.region
        return (normal.identity, region) if region in regions else None

    return place


def _by_identity(open_: _Open, pair: Pair) -> list[Match]:
    """Pair what has one identity: first within region and parent, for resources of which several have one name."""
    theirs = {normal.identity: normal for normal in open_.right}
    if len(theirs) == len(open_.right) and len({normal.identity for normal in open_.left}) == len(open_.left):
        return _by_only_identity(open_, pair, theirs)
    found = _by_key(open_, MatchMethod.IDENTITY, _scope_of(pair.left), _scope_of(pair.right))
    return found + _by_key(open_, MatchMethod.IDENTITY, _identity, _identity)


def _by_only_identity(open_: _Open, pair: Pair, theirs: Mapping[str, Normal]) -> list[Match]:
    """The same where no identity comes twice on either side: each has one candidate at most."""
    method, sure = MatchMethod.IDENTITY, _CONFIDENCE[MatchMethod.IDENTITY]
    near = [Match(normal, theirs[normal.identity], method, sure) for normal in open_.left if normal.identity in theirs]
    _remove(open_, near)
    if open_.one_place:
        return near
    ours, others = _scope_of(pair.left), _scope_of(pair.right)
    alike: dict[object, bool] = {}
    far: list[Match] = []
    found, near = near, []
    for match_ in found:
        here, there = match_.left.resource, match_.right.resource
        places = here.region, here.parent, there.region, there.parent
        is_near = alike.get(places)
        if is_near is None:
            is_near = alike[places] = ours(match_.left) == others(match_.right)
        (near if is_near else far).append(match_)
    return near + far


def _scope_of(names: EnvironmentNames) -> Callable[[Normal], object]:
    """Identity within region and parent, for resources of which several have one name."""
    neutral: dict[str | None, str] = {}

    def spelled(text: str | None) -> str:
        found = neutral.get(text)
        if found is None:
            found = neutral[text] = names.neutral(text or "")
        return found

    def scope(normal: Normal) -> tuple[str, str, str]:
        resource = normal.resource
        return normal.identity, spelled(resource.region), spelled(resource.parent)

    return scope


def _by_key(
    open_: _Open,
    method: MatchMethod,
    left_key: Callable[[Normal], object],
    right_key: Callable[[Normal], object],
) -> list[Match]:
    """Pair what has equal keys, in order; what has None has no key. Several with one key are paired in their order."""
    if not open_.left or not open_.right:
        return []
    waiting: dict[object, list[Normal]] = defaultdict(list)
    # The first in order is the last of its list, where it is taken from.
    for normal in reversed(open_.right):
        waiting[right_key(normal)].append(normal)
    waiting.pop(None, None)
    found: list[Match] = []
    for normal in open_.left:
        candidates = waiting.get(left_key(normal))
        if candidates:
            found.append(_matched(normal, candidates.pop(), method))
    _remove(open_, found)
    return found


_identity: Callable[[Normal], str] = attrgetter("identity")


def _in_order(normals: Iterable[Normal]) -> list[Normal]:
    """By identity, then by where they are. Most kinds have each identity once, which one comparison of texts settles."""
    ordered = sorted(normals, key=_identity)
    apart = {normal.identity for normal in ordered}
    return ordered if len(apart) == len(ordered) else sorted(ordered, key=_order)


def _order(normal: Normal) -> tuple[str, str, str, str]:
    resource = normal.resource
    return normal.identity, resource.region or "", resource.parent or "", resource.identity


def _by_name(open_: _Open, pair: Pair, regions: Collection[str | None] = ()) -> list[Match]:
    """Pair what is one name once both environments' names are taken out; of `regions`, within each of them only."""
    if not open_.left or not open_.right or len(open_.left) * len(open_.right) > _MOST_COMPARISONS:
        return []
    free: dict[str | None, list[Normal]] = defaultdict(list)
    for candidate in open_.right:
        free[candidate.resource.region if regions else None].append(candidate)
    found: list[Match] = []
    for normal in open_.left:
        name, candidates = normal.resource.identity, free.get(normal.resource.region if regions else None, [])
        fitting = (at for at, other in enumerate(candidates) if pair.same_name(name, other.resource.identity))
        at = next(fitting, None)
        if at is not None:
            found.append(_matched(normal, candidates.pop(at), MatchMethod.ALIAS))
    _remove(open_, found)
    return found


def _only_candidates(open_: _Open, totals: tuple[int, int]) -> list[Match]:
    """One of a kind on both sides is the same thing, if it looks at all like it."""
    if totals != (1, 1) or not open_.left or not open_.right:
        return []
    left, right = open_.left[0], open_.right[0]
    alike = _of_one_make(left, right) if left.kind.located else _likeness(left, right) >= _ONLY_CANDIDATE_FROM
    if not alike:
        return []
    found = [_matched(left, right, MatchMethod.ONLY_CANDIDATE)]
    _remove(open_, found)
    return found


def _of_one_make(left: Normal, right: Normal) -> bool:
    """Whether two files hold mostly the same keys: `aat.tfvars` is the counterpart of `prod.tfvars`, whatever its name means."""
    ours, theirs = set(left.form), set(right.form)
    both, either = ours & theirs, ours | theirs
    return len(both) >= _FEWEST_COMMON_KEYS and len(both) >= len(either) / 2


def _remove(open_: _Open, found: Sequence[Match]) -> None:
    if not found:
        return
    if len(found) == len(open_.left) == len(open_.right):
        open_.left, open_.right = [], []
        return
    gone = {id(m.left) for m in found} | {id(m.right) for m in found}
    open_.left = [normal for normal in open_.left if id(normal) not in gone]
    open_.right = [normal for normal in open_.right if id(normal) not in gone]


def _alone(open_: _Open) -> list[Unmatched]:
    """The leftovers, each with the most similar one of the other side, where two are each other's best."""
    suggestions: dict[int, tuple[Normal, float]] = {}
    for score, a, b in _suggested(open_):
        if id(a) not in suggestions and id(b) not in suggestions:
            suggestions[id(a)] = (b, score)
            suggestions[id(b)] = (a, score)
    alone: list[Unmatched] = []
    for side, normals in (("left", open_.left), ("right", open_.right)):
        for normal in normals:
            suggestion, score = suggestions.get(id(normal), (None, 0.0))
            alone.append(Unmatched(side, normal, suggestion, round(score, 2)))
    return alone


def _suggested(open_: _Open) -> list[tuple[float, Normal, Normal]]:
    """Pairs of leftovers that are alike enough to be told, most alike first. Of more than a few hundred on each side none is."""
    if not open_.left or not open_.right or len(open_.left) * len(open_.right) > _MOST_COMPARISONS:
        return []
    names = [normal.identity for normal in open_.right]
    places = _places(open_.left), _places(open_.right)
    looks: dict[int, _Look] = {}
    scored: list[tuple[float, int, int, int, int]] = []
    for at, a in enumerate(open_.left):
        # Two that are less alike by name would not be told, were their shapes the same.
        for _, ratio, index in process.extract(
            a.identity, names, scorer=fuzz.token_set_ratio, processor=None, score_cutoff=_LEAST_BY_NAME, limit=None
        ):
            b = open_.right[index]
            score = _look(a, looks).likeness(_look(b, looks), ratio / 100)
            if score >= _SUGGEST_FROM:
                scored.append((-score, places[0][at], places[1][index], at, index))
    return [(-score, open_.left[at], open_.right[index]) for score, _, _, at, index in sorted(scored)]


def _places(ordered: Sequence[Normal]) -> list[int]:
    """The place of each in the order; the same for two that the order does not tell apart."""
    keys = [_order(normal) for normal in ordered]
    places: list[int] = []
    for index, key in enumerate(keys):
        places.append(places[-1] if index and key == keys[index - 1] else index)
    return places


class _Look:
    """What one resource looks like: its form, which is made once, and the keys of it."""

    __slots__ = ("form", "keys")

    def __init__(self, normal: Normal) -> None:
        self.form = normal.form
        self.keys = frozenset(self.form)

    def likeness(self, other: _Look, name: float) -> float:
        """0 to 1: how alike two resources are by name (0 to 1, too) and by shape."""
        both = self.keys & other.keys
        either = len(self.keys | other.keys)
        keys = len(both) / either if either else 1.0
        # Equal values would add no more than this: most pairs need no look at them.
        if both and 0.6 * name + 0.2 * keys + 0.2 < _LEAST_ALIKE:
            return 0.0
        values = sum(self.form[key] == other.form[key] for key in both) / len(both) if both else 0.0
        return 0.6 * name + 0.2 * keys + 0.2 * values


def _look(normal: Normal, looks: dict[int, _Look]) -> _Look:
    found = looks.get(id(normal))
    if found is None:
        found = looks[id(normal)] = _Look(normal)
    return found


def _likeness(left: Normal, right: Normal) -> float:
    """0 to 1: how alike two resources are by name and by shape."""
    return _Look(left).likeness(_Look(right), fuzz.token_set_ratio(left.identity, right.identity) / 100)
