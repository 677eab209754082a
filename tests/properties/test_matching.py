"""Matching finds what the plain definition finds: every step tried for every pair, in order, over whole lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz

from auditor.alike import Pair
from auditor.comparison import Normal
from auditor.match import Counterpart, match
from auditor.model import Category, Kind, MatchMethod, Resource
from auditor.names import EnvironmentNames
from tests.factories import PROD, STAGING

PAIR = Pair(STAGING, PROD)
TAG = "parity:id"
KINDS = {
    name: Kind(name, Category.CONFIG, "", located=located) for name, located in (("a.one", False), ("b.file", True))
}
_Key = Callable[[Normal], object]
_Fits = Callable[[Normal, Normal], bool]


def _order(one: Normal) -> tuple[str, str, str, str]:
    resource = one.resource
    return one.identity, resource.region or "", resource.parent or "", resource.identity


def _joined(left: list[Normal], right: list[Normal], fits: _Fits) -> list[tuple[Normal, Normal]]:
    """Each on the left, in order, with the first on the right that fits and is free; both are taken out."""
    found = []
    for one in sorted(left, key=_order):
        other = next((other for other in sorted(right, key=_order) if fits(one, other)), None)
        if other is not None:
            found.append((one, other))
            right[:] = [each for each in right if each is not other]
    taken = {id(one) for one, _ in found}
    left[:] = [each for each in left if id(each) not in taken]
    return found


def _equal(ours: _Key, theirs: _Key) -> _Fits:
    return lambda one, other: ours(one) is not None and ours(one) == theirs(other)


def _likeness(left: Normal, right: Normal) -> float:
    name = fuzz.token_set_ratio(left.identity, right.identity) / 100
    ours, theirs = set(left.form), set(right.form)
    keys = len(ours & theirs) / len(ours | theirs) if ours or theirs else 1.0
    both = ours & theirs
    values = sum(left.form[key] == right.form[key] for key in both) / len(both) if both else 0.0
    return 0.6 * name + 0.2 * keys + 0.2 * values


def _scope(names: EnvironmentNames) -> _Key:
    def scope(one: Normal) -> object:
        return one.identity, names.neutral(one.resource.region or ""), names.neutral(one.resource.parent or "")

    return scope


def _plainly(
    left: Sequence[Normal], right: Sequence[Normal], declared: Sequence[Counterpart]
) -> tuple[list[object], ...]:
    """What is matched and what is not, by definition."""
    matches: list[object] = []
    unmatched: list[object] = []
    for kind in sorted({one.resource.kind for one in (*left, *right)}):
        ours = [one for one in left if one.resource.kind == kind]
        theirs = [one for one in right if one.resource.kind == kind]
        alone = len(ours) == len(theirs) == 1
        for told in declared:
            a = next((one for one in ours if one.resource.identity == told.left), None)
            b = next((one for one in theirs if one.resource.identity == told.right), None)
            if told.kind == kind and a is not None and b is not None:
                ours[:] = [one for one in ours if one is not a]
                theirs[:] = [one for one in theirs if one is not b]
                matches.append((id(a), id(b), MatchMethod.CONFIG))
        steps: list[tuple[MatchMethod, _Fits]] = []
        tag: _Key = lambda one: one.resource.tags.get(TAG)  # noqa: E731
        steps.append((MatchMethod.TAG, _equal(tag, tag)))

        def take(steps: list[tuple[MatchMethod, _Fits]]) -> None:
            for method, fits in steps:
                matches.extend((id(a), id(b), method) for a, b in _joined(ours, theirs, fits))  # noqa: B023

        take(steps)
        here = {one.resource.region for one in ours} & {one.resource.region for one in theirs} - {None}
        named: _Fits = lambda a, b: PAIR.same_name(a.resource.identity, b.resource.identity)  # noqa: E731
        if len(here) > 1:
            near: _Key = lambda one: (one.identity, one.resource.region) if one.resource.region in here else None  # noqa: B023, E731
            apart: _Fits = lambda a, b: a.resource.region == b.resource.region and named(a, b)  # noqa: B023, E731
            take([(MatchMethod.IDENTITY, _equal(near, near)), (MatchMethod.ALIAS, apart)])

        identity: _Key = lambda one: one.identity  # noqa: E731
        take(
            [
                (MatchMethod.IDENTITY, _equal(_scope(STAGING), _scope(PROD))),
                (MatchMethod.IDENTITY, _equal(identity, identity)),
                (MatchMethod.ALIAS, named),
            ]
        )
        if alone and ours and theirs and _one_of_a_kind(ours[0], theirs[0]):
            matches.append((id(ours.pop()), id(theirs.pop()), MatchMethod.ONLY_CANDIDATE))
        unmatched += _alone(ours, theirs)
    return matches, unmatched


def _one_of_a_kind(a: Normal, b: Normal) -> bool:
    both, either = set(a.form) & set(b.form), set(a.form) | set(b.form)
    return len(both) >= max(3, len(either) / 2) if a.kind.located else _likeness(a, b) >= 0.5


def _alone(ours: list[Normal], theirs: list[Normal]) -> list[object]:
    told: dict[int, tuple[int, float]] = {}
    scored = [(_likeness(a, b), a, b) for a in ours for b in theirs]
    for score, a, b in sorted(scored, key=lambda entry: (-entry[0], _order(entry[1]), _order(entry[2]))):
        if score >= 0.6 and id(a) not in told and id(b) not in told:
            told[id(a)], told[id(b)] = (id(b), score), (id(a), score)
    found: list[object] = []
    for side, normals in (("left", ours), ("right", theirs)):
        for one in sorted(normals, key=_order):
            other, score = told.get(id(one), (None, 0.0))
            found.append((side, id(one), other, round(score, 2)))
    return found


def _names(*own: str) -> st.SearchStrategy[str]:
    return st.builds(
        "{}{}{}".format,
        st.sampled_from(("orders", "users", "orders-db", "x", "web-1", "web-2")),
        st.sampled_from(("", "-", "_")),
        st.sampled_from(own),
    )


def _normals(names: EnvironmentNames, *own: str) -> st.SearchStrategy[list[Normal]]:
    def made(
        kind: str, name: str, region: str | None, parent: str | None, tag: str | None, form: dict[str, int]
    ) -> Normal:
        told = {} if tag is None else {TAG: tag}
        resource = Resource(kind, name, form, region=region, parent=parent, tags=told)
        return Normal(resource, KINDS[kind], names.neutral(name), form, form, "")

    place = st.sampled_from((None, None, "eu-west-1", "us-east-1"))
    parent = st.sampled_from((None, None, f"vpc-{own[0]}", "vpc"))
    tag = st.sampled_from((None, None, None, None, "", "t"))
    form = st.dictionaries(st.sampled_from(("k", "l", "m", "n")), st.integers(0, 1))
    one = st.builds(
        made, st.sampled_from(("a.one", "a.one", "b.file")), _names("", "1", *own), place, parent, tag, form
    )
    return st.lists(one, max_size=9)


_declared = st.lists(
    st.builds(Counterpart, st.just("a.one"), _names("stg", "staging"), _names("prod", "production")), max_size=3
)


@settings(max_examples=60)
@given(_normals(STAGING, "staging", "stg"), _normals(PROD, "prod", "production"), _declared)
def test_what_is_found_is_what_trying_everything_finds(
    left: list[Normal], right: list[Normal], declared: list[Counterpart]
) -> None:
    """The same pairs, in the same order, by the same method; and the same left alone, with the same suggestions."""
    matches, unmatched = match(left, right, PAIR, declared, TAG)
    told = (
        [(id(one.left), id(one.right), one.method) for one in matches],
        [(one.side, id(one.normal), one.suggestion and id(one.suggestion), one.confidence) for one in unmatched],
    )
    assert told == _plainly(left, right, declared)
