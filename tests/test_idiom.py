"""What a pair's own names show of how its environments are spelled."""

from __future__ import annotations

import pytest

from auditor.comparison import Match, Normal, Trees
from auditor.idiom import Idiom, idiom, idioms
from auditor.kept import Keeping
from auditor.model import MatchMethod, Resource
from auditor.names import environment_names
from auditor.references import target
from tests.factories import ENV_FILE, compared, light, normal

STAGING = environment_names("staging", ("preprod",), {"prod": ()})
PROD = environment_names("prod", ("prd",), {"staging": ("preprod",)})


def learned(pairs: list[tuple[str, str]], side: str = "right") -> Idiom:
    """What one file of variables, spelled so on both sides, shows of one side."""
    left, right = ({f"V{index}": pair[end] for index, pair in enumerate(pairs)} for end in (0, 1))
    return idiom([compared(normal(left, kind=ENV_FILE), normal(right, kind=ENV_FILE)).match], side, STAGING, PROD)


LIVE = [("main-preprod", "main-live"), ("orders-preprod", "orders-live"), ("media-preprod", "media-live")]
GLUED = [("acmeordersstage", "acmeordersprd"), ("acmemediastage", "acmemediaprd"), ("acmelogsstage", "acmelogsprd")]


@pytest.mark.parametrize(
    ("pairs", "value", "said"),
    [
        (LIVE, "files-live", "files-live"),
        (LIVE[:2], "files-live", None),
        ([("live-chat", "live-chat"), ("live-news", "live-news"), ("live-tv", "live-tv")], "files-live", None),
        ([("a-live-stg", "a-live-prd"), ("b-live-stg", "b-live-prd"), ("c-live-stg", "c-live-prd")], "files-live", None),
        (GLUED, "acmeexportsprd", "acmeexportsprd"),
        (GLUED[:2], "acmeexportsprd", None),
        (GLUED, "interprd", None),
        (GLUED, "prdacmeexports", None),
        ([*GLUED, ("acmeprdstage", "acmeprdprd")], "acmeprd", None),
        ([(ours.replace("stage", "preprod"), theirs.replace("prd", "prod")) for ours, theirs in GLUED], "acmeexportspreprod", None),
        ([(ours.replace("stage", "preprod"), theirs.replace("prd", "prod")) for ours, theirs in GLUED], "acmeexportsprod", "acmeexportsprod"),
    ],
)  # fmt: skip
def test_a_value_of_both_sides_is_productions_where_the_pair_spells_production_so(
    pairs: list[tuple[str, str]], value: str, said: str | None
) -> None:
    """Three names have to show it; a word that both sides have, and another environment's name, show nothing."""
    found = target(PROD, (), (), idiom=learned(pairs))
    assert found.referred_by(value, ("uploads", "bucket")) == said


def test_each_side_is_learned_from_its_own_names() -> None:
    """What stands on the left tells of the left."""
    assert learned(GLUED, "left").glued == (("stage", True, frozenset({"acme"})),)
    assert learned(GLUED, "right").glued == (("prd", True, frozenset({"acme"})),)


def test_the_order_of_what_is_seen_changes_nothing() -> None:
    """The same idiom for the same matches."""
    matches = [compared(normal({"A": ours}), normal({"A": theirs})).match for ours, theirs in GLUED]
    assert idiom(matches, "right", STAGING, PROD) == idiom(matches[::-1], "right", STAGING, PROD)


def test_what_a_pair_shows_is_kept_and_is_the_same() -> None:
    """Nothing is read again; other names are learned anew; and texts count up to the last that may be looked at."""
    read: list[str] = []
    many = {f"v{number}": ("same", "same") for number in range(7_000)}
    files = {"a": many, "b": many, "c": {**many, **dict(zip(("v1", "v5", "v9"), GLUED, strict=True))}}
    files |= {f"n{at}": {"name": pair} for at, pair in enumerate(LIVE)}

    def look(one: Normal) -> Trees:
        name, _, side = one.resource.identity.partition("-")
        read.append(name)
        told = {key: pair[side == "right"] for key, pair in files[name].items()}
        return told, told

    def made(name: str, side: str) -> Normal:
        key = f"{name:8}{side:8}".encode()
        return light(Resource(ENV_FILE.name, f"{name}-{side}", {}), ENV_FILE, name, look, name, key)

    keeping = Keeping()
    learned_of = {}
    for names in ("abc", "c", ("n2", "n1", "n0", "c")):
        matches = [Match(made(name, "left"), made(name, "right"), MatchMethod.IDENTITY, 1.0) for name in names]
        for right in (PROD, environment_names("other", (), {"staging": ("preprod",)})):
            told = learned_of[names, right.name] = idioms(matches, STAGING, right)
            assert idioms(matches, STAGING, right, keeping) == told
            del read[:]
            assert idioms(matches, STAGING, right, keeping) == told
            assert not read
    assert not learned_of["abc", "prod"]["right"].glued
    assert learned_of["c", "prod"]["right"].glued == (("prd", True, frozenset({"acme"})),)
    assert learned_of[("n2", "n1", "n0", "c"), "prod"]["right"].words == {"live"}
    assert not learned_of["c", "other"]["right"].glued
