"""The words that things are called by, looked up when asked for, are those that laying all names side by side gives."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.aligned import Aligner
from auditor.comparison import Match, Normal, Trees
from auditor.idiom import idiom, idioms
from auditor.model import Json, Kind, MatchMethod, Resource
from auditor.names import EnvironmentNames, environment_names
from auditor.references import _NEXT_WORD, neighbours, vocabulary
from tests.factories import PROD, RDS, STAGING, light, normal

_WORDS = ("production", "Prod", "prd", "stg", "staging", "stage", "planning", "orders", "db", "1", "pre-prod", "İ", "ς")
_NAME = st.builds("".join, st.lists(st.sampled_from((*_WORDS, "-", "_", "/", ".", "<")), min_size=1, max_size=6))
_GREEK = environment_names("Σ", ["πς"], {"staging": ["stg"]})


def _match(names: tuple[str, str], components: tuple[str, str]) -> Match:
    sides = [normal({}, raw_identity=name, component=of) for name, of in zip(names, components, strict=True)]
    return Match(sides[0], sides[1], MatchMethod.IDENTITY, 1.0)


def _pairs(one: str, other: str, aligner: Aligner) -> frozenset[tuple[str, str]]:
    common = aligner.common(one, other)
    if common is None:
        common = tuple(_NEXT_WORD.findall(one)) if one == other else ()
    return neighbours(common)


_SAME = st.builds(lambda name: (name, name), _NAME)
_FACING = st.builds(lambda name: (f"{name}-stg", f"{name}-prd"), _NAME)
_TWO = st.one_of(_SAME, _FACING, st.tuples(_NAME, _NAME))


@settings(max_examples=100)
@given(st.lists(st.builds(_match, _TWO, _TWO), max_size=5), st.sampled_from((PROD, _GREEK)))
def test_a_pair_is_known_exactly_where_some_names_hold_it(matches: list[Match], names: EnvironmentNames) -> None:
    """Every pair of words that there is or might be, and with more pairs added."""
    aligner = Aligner(STAGING, names)
    eager: set[tuple[str, str]] = set()
    for match in matches:
        ours, theirs = match.left.resource, match.right.resource
        eager |= _pairs(ours.identity, theirs.identity, aligner)
        eager |= _pairs(ours.component or "", theirs.component or "", aligner)
    known = vocabulary(matches, STAGING, names)
    spelled = sorted({word.lower() for pair in eager for word in pair} | {word.lower() for word in _WORDS} | {""})
    asked = {(one, other) for one in spelled for other in spelled}
    assert {pair for pair in asked if pair in known} == eager
    more = frozenset({("planning", "never")})
    assert {pair for pair in asked | more if pair in (known | more)} == eager | more


def test_only_names_that_hold_a_word_are_laid_side_by_side() -> None:
    """Of a thousand names that hold it on one side only none is."""
    matches = [_match((f"orders-staging-{i}", f"orders-prod-{i}"), ("orders", "orders")) for i in range(1000)]
    known = vocabulary(matches, STAGING, PROD)
    laid: list[str] = []
    aligner = known._aligner

    class Counting(Aligner):
        def common(self, left: str, right: str, *, cut: bool = False) -> tuple[str, ...] | None:
            laid.append(left)
            return aligner.common(left, right, cut=cut)

    known._aligner = Counting(STAGING, PROD)
    assert ("prod", "1") not in known
    assert laid == []
    assert ("orders", "1") not in known


def test_the_names_of_a_few_hundred_are_learned_from_reading_each_document_once() -> None:
    """Those first by kind, identity and digest, in whatever order the matches come; for both sides at once."""
    read: list[str] = []

    def look(one: Normal) -> Trees:
        read.append(one.resource.identity)
        document: dict[str, Json] = {"host": f"{one.resource.identity}.internal"}
        return document, document

    def made(name: str, kind: Kind, digest: str) -> Normal:
        return light(Resource(kind.name, name, {}), kind, name[:9], look, digest)

    kinds = [Kind(f"aws.{name}", RDS.category, "") for name in ("a", "b", "c")]
    matches = []
    for i in range(900):
        sides = [made(f"{name}main-{i:04}", kinds[i % 3], str(i)) for name in ("acc", "prd")]
        matches.append(Match(sides[0], sides[1], MatchMethod.IDENTITY, 1.0))
    random.Random(7).shuffle(matches)
    plain = sorted(matches, key=lambda one: (one.left.kind.name, one.left.identity, one.left.digest))[:400]
    told = idioms(plain, STAGING, PROD)
    del read[:]
    assert idioms(matches, STAGING, PROD) == told
    assert len(read) == 800
    assert len(set(read)) == 800
    assert {side: idiom(matches, side, STAGING, PROD) for side in told} == told
