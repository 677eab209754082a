"""An environment's past, as the store tells it a little at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.codec import canonical
from auditor.errors import StoreError
from auditor.looks import Facts, Manifest, Remembered
from auditor.store import Store
from tests.store.samples import at, resource, snapshot


def test_looks_come_newest_first_and_name_equal_contents_alike(store: Store) -> None:
    """What did not change has the same digests; what changed in one source leaves the other one's alone."""
    ours = [resource("orders"), resource("web", source="files:prod")]
    for number, resources in enumerate((ours, ours, [*ours, resource("cache", source="files:prod")])):
        store.save_snapshot(snapshot(f"p{number}", "prod", at(number), resources))
    store.save_snapshot(snapshot("s0", "staging", at(1)))
    third, second, first = store.past.looks("prod")
    assert [(look.id, look.taken_at) for look in (first, second, third)] == [
        ("p0", at(0)), ("p1", at(1)), ("p2", at(2))
    ]  # fmt: skip
    assert first.saw_the_same(second)
    assert not second.saw_the_same(third)
    assert len(set(second.manifests) & set(third.manifests)) == 1


def test_looks_are_read_page_by_page_and_within_a_time(store: Store) -> None:
    """`until` is the first of them, `before` is not one of them; what was recorded last counts as last."""
    for number, minutes in enumerate((0, 10, 5, 20)):
        store.save_snapshot(snapshot(f"p{number}", "prod", at(minutes)))

    def ids(**asked: object) -> list[str]:
        return [look.id for look in store.past.looks("prod", **asked)]  # type: ignore[arg-type]

    assert ids(until="p2") == ["p2", "p1", "p0"]
    assert ids(before="p2", limit=1) == ["p1"]
    assert ids(since=at(6)) == ["p3", "p1"]
    assert ids(until="p1", before="p1") == ["p0"]
    assert (ids(until="nothing"), store.past.looks("nowhere")) == ([], ())


def test_contents_are_read_by_their_digests(store: Store) -> None:
    """A manifest lists its resources by kind and finds one by its spelling; facts say what was not observed."""
    taken = snapshot("p0", "prod", at(0), [resource("orders")])
    store.save_snapshot(taken)
    (look,) = store.past.looks("prod")
    manifest = store.past.manifests(look.manifests)[look.manifests[0]]
    ((kind, (entry,)),) = manifest.entries.items()
    assert (kind, entry["identity"]) == (taken.resources[0].kind, "orders")
    assert store.past.documents([entry["attributes"]]) == {entry["attributes"]: taken.resources[0].attributes}
    line = canonical(entry)
    assert manifest.holds(line)
    assert not manifest.holds(line.replace(b"orders", b"refunds"))
    facts = store.past.facts([look.facts])[look.facts]
    assert facts == Facts(taken.gaps, taken.listings, taken.accounts, taken.regions)
    with pytest.raises(StoreError, match="missing or damaged"):
        store.past.manifests(["0" * 64])


def test_a_resource_is_found_in_a_manifest_by_its_name(store: Store) -> None:
    """In whichever of its chunks it lies: the same as all that are listed say."""
    names = [f"{word}{number}" for number in range(70) for word in ("orders-", "b", "Ü")]
    kinds = ("aws.rds.instance", "aws.rds", "aws.rds.instances")
    made = [replace(resource(name), kind=kinds[place % 3]) for place, name in enumerate(names)]
    twice = [replace(one, region="us-east-1") for one in made[:30]]
    store.save_snapshot(snapshot("p0", "prod", at(0), [*made, *twice]))
    (look,) = store.past.looks("prod")
    manifest = store.past.manifests(look.manifests)[look.manifests[0]]
    assert len(manifest.parts) > 2
    listed = [entry for kind in manifest.entries for entry in manifest.entries[kind]]
    assert len(listed) == 240
    for kind in (*kinds, "aws.rd", "aws.rds.inst", "z"):
        assert list(manifest.of_kind(kind)) == list(manifest.entries.get(kind, ()))
    for one in listed:
        same = [entry for entry in listed if (entry["kind"], entry["identity"]) == (one["kind"], one["identity"])]
        assert list(manifest.called(one["kind"], one["identity"])) == same
        assert manifest.holds(canonical(one))
        assert not manifest.holds(canonical({**one, "parent": "other"}))
    assert not manifest.called("aws.rds.instance", "orders-")
    bare = Manifest(canonical(listed))
    for name in names:
        assert list(bare.called("aws.rds", name)) == list(manifest.called("aws.rds", name))
    assert sorted(bare.pointers(bare.lines)) == sorted(
        pointer for part in manifest.parts.values() for pointer in part.pointers(part.lines)
    )


def test_what_was_read_of_a_past_is_not_read_again(store: Store) -> None:
    """And is what the past says; what could not be read is asked for again."""
    store.save_snapshot(snapshot("p0", "prod", at(0), [resource("orders")]))
    (look,) = store.past.looks("prod")
    asked: list[str] = []

    class Counted:
        def __getattr__(self, name: str) -> object:
            def call(*some: object, **more: object) -> object:
                asked.append(name)
                return getattr(store.past, name)(*some, **more)

            return call

    past = Remembered(Counted())  # type: ignore[arg-type]
    entry = store.past.manifests(look.manifests)[look.manifests[0]].of_kind("aws.rds.instance")[0]
    for _ in range(2):
        assert past.looks("prod", limit=3) == (look,)
        assert past.facts([look.facts]) == store.past.facts([look.facts])
        assert list(past.manifests(look.manifests)) == list(look.manifests)
        assert past.documents([entry["attributes"]]) == store.past.documents([entry["attributes"]])
        with pytest.raises(StoreError, match="missing or damaged"):
            past.manifests(["0" * 64])
    assert sorted(asked) == ["documents", "facts", "looks", *["manifests"] * 3]
