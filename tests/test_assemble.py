"""What tasks read is put together in one order, told apart by name, and hashed without looking at a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.assemble import Read, snapshot
from auditor.collector import Task
from auditor.document import Document
from auditor.model import Gap, GapReason, Resource, Snapshot
from tests.factories import NOW


def nothing() -> Iterator[Resource | Gap]:
    return iter(())


def read(*items: Resource | Gap, source: str = "s", region: str | None = None, ended: bool = True) -> Read:
    return Read(Task(source, ("k.*",), nothing, region), items, (), ended)


def taken(*reads: Read) -> Snapshot:
    return snapshot("staging", NOW, reads)


def shown(found: Snapshot) -> list[tuple[str, object]]:
    """Identity and the attribute `a` of every resource."""
    return [(each.identity, each.attributes.get("a")) for each in found.resources]


def thing(
    identity: str = "x", kind: str = "k.one", source: str = "s", region: str | None = None, **said: object
) -> Resource:
    return Resource(kind, identity, said, source, region)


def test_resources_stand_in_the_order_of_their_names() -> None:
    """Kind, identity, source, region; a name that another begins with comes first."""
    names = [("k.a", "x", "s", None), ("k.a", "x", "s", "eu"), ("k.a", "x", "t", None), ("k.a", "x-1", "s", None),
             ("k.a", "x1", "s", None), ("k.b", "a", "s", None), ("k.b", "é", "s", None)]  # fmt: skip
    for seed in range(5):
        drawn = Random(seed).sample(names, len(names))
        found = taken(read(*(Resource(kind, name, {}, source, region) for kind, name, source, region in drawn)))
        assert [(each.kind, each.identity, each.source, each.region) for each in found.resources] == names


def test_the_same_said_twice_is_one_and_another_thing_of_the_name_has_a_number() -> None:
    """By what they say, so that which one has the number stays while little of them changes."""
    for order in permutations([thing(a=1), thing(a=2), thing(a=1), thing("x#2", a=9)]):
        assert shown(taken(read(*order))) == [("x", 1), ("x#2", 9), ("x#3", 2)]
    for late in range(20):
        found = taken(read(thing(a=2, z=late), thing(a=1, z=late + 1)))
        assert shown(found) == [("x", 1), ("x#2", 2)]
    assert shown(taken(read(thing(a=1), thing(region="eu", a=2), thing(source="t", a=3)))) == [
        ("x", 1), ("x", 2), ("x", 3),
    ]  # fmt: skip
    assert shown(taken(read(thing(a=1), thing(region="", a=2)))) == [("x", 1), ("x#2", 2)]


def test_the_id_is_made_of_everything_that_was_read() -> None:
    """Every field of a resource, a gap and a listing; null and empty are not the same."""
    one = thing(a=1)
    resources = [
        replace(one, **{field: value})  # type: ignore[arg-type]
        for field, value in [
            ("kind", "k.two"), ("identity", "y"), ("attributes", {"a": "1"}), ("attributes", {"a": None}),
            ("attributes", {}), ("source", "t"), ("region", ""), ("region", "eu"), ("account", ""), ("account", "1"),
            ("parent", ""), ("parent", "p"), ("refs", ("r",)), ("refs", ("r", "")), ("tags", {"t": ""}),
            ("component", ""), ("component", "c"), ("location", ""), ("location", "l"),
        ]
    ]  # fmt: skip
    gap = Gap("staging", "s", "k.one", GapReason.TIMEOUT, "slow", resource="x")
    gaps = [
        replace(gap, **{field: value})  # type: ignore[arg-type]
        for field, value in [
            ("source", "t"), ("kind", "k.*"), ("reason", GapReason.THROTTLED), ("detail", ""), ("region", "eu"),
            ("resource", "y"), ("attribute", "a"), ("location", "l"), ("listings", 2),
        ]
    ]  # fmt: skip
    taken_of = [
        *(taken(read(each)) for each in (one, *resources)),
        *(taken(read(one, each)) for each in (gap, *gaps)),
        taken(read(one, ended=False)), taken(read(one), read(region="eu")), taken(read(one), read(source="t")),
    ]  # fmt: skip
    assert len({found.id for found in taken_of}) == len(taken_of) == 33
    assert taken(read(one)).id == taken(read(one)).id == "20261122T120000000000Z-staging-" + taken(read(one)).id[-12:]


def test_no_document_is_looked_at() -> None:
    """Not even where an account was listed twice: of a hundred thousand none is fetched to put them in order."""

    def never(digest: str) -> bytes:
        raise AssertionError(f"{digest} was looked at")

    documents = [Document(f"{number:064x}", load=never, length=1) for number in range(50)]
    listed = [Resource("k.one", f"n{at}", each, "s", None, "111122223333") for at, each in enumerate(documents)]
    twice = [replace(each, source="t") for each in listed]
    gap = Gap("staging", "t", "k.one", GapReason.UNSUPPORTED, "?", attribute="a")
    found = taken(read(*listed), read(*twice, gap, source="t"))
    assert [(each.identity, each.source) for each in found.resources] == sorted((f"n{at}", "s") for at in range(50))
    assert found.gaps == ()


PLACES = st.sampled_from(["s", "t"])
ITEMS = st.one_of(
    st.builds(
        Resource, st.sampled_from(["k.one", "k.two"]), st.sampled_from(["x", "x#2", "y", "\ud800"]),
        st.sampled_from([{}, {"a": 1}, {"a": 2}, {"a": 2**70}, {"a": None}]), PLACES, st.sampled_from([None, "", "eu"]),
        st.sampled_from([None, "1"]), st.sampled_from([None, "p"]), st.sampled_from([(), ("r",)]),
        st.sampled_from([{}, {"b": "1", "a": "2"}]), st.none(), st.sampled_from([None, "l"]),
    ),
    st.builds(
        Gap, st.just("staging"), PLACES, st.sampled_from(["k.one", "k.*"]), st.just(GapReason.TIMEOUT), st.just("slow"),
        st.sampled_from([None, "eu"]), st.sampled_from([None, "x"]), st.sampled_from([None, "a"]), listings=st.just(1),
    ),
)  # fmt: skip
READS = st.builds(
    lambda items, source, region, ended: read(*items, source=source, region=region, ended=ended),
    st.lists(ITEMS, max_size=5), PLACES, st.sampled_from([None, "eu"]), st.booleans(),
)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(st.lists(READS, max_size=4), st.randoms(use_true_random=False))
def test_the_same_reads_in_any_order_are_the_same_snapshot(reads: Sequence[Read], draw: Random) -> None:
    """Tasks, what each of them read, keys of tags; and nobody can tell documents from dictionaries."""
    found = taken(*reads)
    shuffled = [replace(each, items=tuple(draw.sample(each.items, len(each.items)))) for each in reads]
    spelled = [
        replace(each, items=tuple(
            replace(one, attributes=Document.of(one.attributes), tags=dict(reversed(list(one.tags.items()))))
            if isinstance(one, Resource) else one for one in each.items
        ))
        for each in draw.sample(shuffled, len(shuffled))
    ]  # fmt: skip
    assert taken(*spelled) == found
    named = [(each.kind, each.identity, each.source, each.region or "") for each in found.resources]
    assert named == sorted(set(named))
    assert {each.identity.partition("#")[0] for each in found.resources} == {
        one.identity.partition("#")[0] for each in reads for one in each.items if isinstance(one, Resource)
    }


@pytest.mark.parametrize("gaps", [0, 3])
def test_a_gap_hides_listings_of_its_own_source_only(gaps: int) -> None:
    """And of its region, where it has one."""
    unread = [Gap("staging", "s", "k.*", GapReason.TIMEOUT, str(number), "eu") for number in range(gaps)]
    found = taken(read(*unread, region="eu"), read(region="us"), read(source="t", region="eu"))
    hidden = taken(read(*unread), read(Gap("staging", "t", "*", GapReason.TIMEOUT, ""), source="t", region="us"))
    assert [(each.source, each.region) for each in hidden.listings] == [("s", None)]
    listed = [(each.source, each.region) for each in found.listings]
    assert listed == ([("s", "eu")] if not gaps else []) + [("s", "us"), ("t", "eu")]
