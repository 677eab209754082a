"""Pair the resources of two environments; what stays alone.

In order, first hit wins: declared in the configuration, a tag, equal normalised identity, the same name once both
environments' names are taken out, and a single candidate. Similarity never decides: it only says what an unmatched
resource is probably the counterpart of.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rapidfuzz import fuzz

from auditor.model import Match, MatchMethod, Normal, Unmatched

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
class _Open:
    """What is still without a counterpart, of one kind."""

    left: list[Normal] = field(default_factory=list)
    right: list[Normal] = field(default_factory=list)


def match(
    left: Sequence[Normal],
    right: Sequence[Normal],
    pair: Pair,
    declared: Iterable[Counterpart] = (),
    tag: str = "parity:id",
) -> tuple[tuple[Match, ...], tuple[Unmatched, ...]]:
    """Matches and unmatched resources of two snapshots, ordered by kind and identity. Same in, same out."""
    kinds: dict[str, _Open] = defaultdict(_Open)
    for normal in left:
        kinds[normal.resource.kind].left.append(normal)
    for normal in right:
        kinds[normal.resource.kind].right.append(normal)
    wanted: dict[str, list[Counterpart]] = defaultdict(list)
    for counterpart in declared:
        wanted[counterpart.kind].append(counterpart)

    matches: list[Match] = []
    unmatched: list[Unmatched] = []
    for kind in sorted(kinds):
        open_ = kinds[kind]
        totals = len(open_.left), len(open_.right)
        matches += _declared(open_, wanted[kind])
        matches += _by_key(open_, MatchMethod.TAG, lambda n: _tag(n, tag), lambda n: _tag(n, tag))
        here = {n.resource.region for n in open_.left} & {n.resource.region for n in open_.right} - {None}
        if len(here) > 1:
            place = _place_in(here)
            matches += _by_key(open_, MatchMethod.IDENTITY, place, place)
            matches += _by_name(open_, pair, here)
        ours, theirs = _scope_of(pair.left), _scope_of(pair.right)
        matches += _by_key(open_, MatchMethod.IDENTITY, ours, theirs)
        matches += _by_key(open_, MatchMethod.IDENTITY, lambda n: n.identity, lambda n: n.identity)
        matches += _by_name(open_, pair)
        matches += _only_candidates(open_, totals)
        unmatched += _alone(open_)
    return tuple(matches), tuple(unmatched)


def _matched(left: Normal, right: Normal, method: MatchMethod) -> Match:
    return Match(left, right, method, _CONFIDENCE[method])


def _declared(open_: _Open, counterparts: Sequence[Counterpart]) -> list[Match]:
    found: list[Match] = []
    for counterpart in counterparts:
        left = next((n for n in open_.left if n.resource.identity == counterpart.left), None)
        right = next((n for n in open_.right if n.resource.identity == counterpart.right), None)
        if left is None or right is None:
            continue
        open_.left.remove(left)
        open_.right.remove(right)
        found.append(_matched(left, right, MatchMethod.CONFIG))
    return found


def _tag(normal: Normal, tag: str) -> str | None:
    return normal.resource.tags.get(tag)


def _place_in(regions: Collection[str | None]) -> Callable[[Normal], object]:
    """Identity and region, for what stands in one of these regions; None for the rest."""

    def place(normal: Normal) -> tuple[str, str | None] | None:
        return (normal.identity, normal.resource.region) if normal.resource.region in regions else None

    return place


def _scope_of(names: EnvironmentNames) -> Callable[[Normal], object]:
    """Identity within region and parent, for resources of which several have one name."""

    def scope(normal: Normal) -> tuple[str, str, str]:
        resource = normal.resource
        return normal.identity, names.neutral(resource.region or ""), names.neutral(resource.parent or "")

    return scope


def _by_key(
    open_: _Open,
    method: MatchMethod,
    left_key: Callable[[Normal], object],
    right_key: Callable[[Normal], object],
) -> list[Match]:
    """Pair what has equal keys. Several with one key are paired in order of region, parent and identity."""
    waiting: dict[object, list[Normal]] = defaultdict(list)
    for normal in sorted(open_.right, key=_order):
        key = right_key(normal)
        if key is not None:
            waiting[key].append(normal)
    found: list[Match] = []
    for normal in sorted(open_.left, key=_order):
        candidates = waiting.get(left_key(normal))
        if candidates:
            found.append(_matched(normal, candidates.pop(0), method))
    _remove(open_, found)
    return found


def _order(normal: Normal) -> tuple[str, str, str, str]:
    resource = normal.resource
    return normal.identity, resource.region or "", resource.parent or "", resource.identity


def _by_name(open_: _Open, pair: Pair, regions: Collection[str | None] = ()) -> list[Match]:
    """Pair what is one name once both environments' names are taken out; of `regions`, within each of them only."""
    if len(open_.left) * len(open_.right) > _MOST_COMPARISONS:
        return []
    found: list[Match] = []
    taken: set[int] = set()
    for normal in sorted(open_.left, key=_order):
        for candidate in sorted(open_.right, key=_order):
            apart = bool(regions) and normal.resource.region != candidate.resource.region
            if (
                id(candidate) not in taken
                and not apart
                and pair.same_name(normal.resource.identity, candidate.resource.identity)
            ):
                taken.add(id(candidate))
                found.append(_matched(normal, candidate, MatchMethod.ALIAS))
                break
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
    both, either = set(left.form) & set(right.form), set(left.form) | set(right.form)
    return len(both) >= _FEWEST_COMMON_KEYS and len(both) >= len(either) / 2


def _remove(open_: _Open, found: Sequence[Match]) -> None:
    gone = {id(m.left) for m in found} | {id(m.right) for m in found}
    open_.left = [normal for normal in open_.left if id(normal) not in gone]
    open_.right = [normal for normal in open_.right if id(normal) not in gone]


def _alone(open_: _Open) -> list[Unmatched]:
    """The leftovers, each with the most similar one of the other side, where two are each other's best."""
    suggestions: dict[int, tuple[Normal, float]] = {}
    if open_.left and open_.right and len(open_.left) * len(open_.right) <= _MOST_COMPARISONS:
        scored = sorted(
            ((_likeness(a, b), a, b) for a in open_.left for b in open_.right),
            key=lambda entry: (-entry[0], _order(entry[1]), _order(entry[2])),
        )
        for score, a, b in scored:
            if score < _SUGGEST_FROM:
                break
            if id(a) not in suggestions and id(b) not in suggestions:
                suggestions[id(a)] = (b, score)
                suggestions[id(b)] = (a, score)
    alone: list[Unmatched] = []
    for side, normals in (("left", open_.left), ("right", open_.right)):
        for normal in sorted(normals, key=_order):
            suggestion, score = suggestions.get(id(normal), (None, 0.0))
            alone.append(Unmatched(side, normal, suggestion, round(score, 2)))
    return alone


def _likeness(left: Normal, right: Normal) -> float:
    """0 to 1: how alike two resources are by name and by shape."""
    name = fuzz.token_set_ratio(left.identity, right.identity) / 100
    ours, theirs = set(left.form), set(right.form)
    keys = len(ours & theirs) / len(ours | theirs) if ours or theirs else 1.0
    both = ours & theirs
    values = sum(left.form[key] == right.form[key] for key in both) / len(both) if both else 0.0
    return 0.6 * name + 0.2 * keys + 0.2 * values
