from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from auditor.drift_walk import drifted
from auditor.model import Category, Kind, Listing, Resource, Snapshot
from auditor.names import environment_names
from auditor.scene import Realm
from auditor.store import Store
from tests.store.samples import START, at, breach, resource, run, snapshot

LATE = timedelta(days=400)
KIND = Kind("aws.rds.instance", Category.DATABASE, "")


def ids(store: Store, environment: str) -> list[str]:
    return [info.id for info in reversed(store.snapshots(environment))]


def taken(number: int, *resources: Resource) -> Snapshot:
    return snapshot(f"s{number}", "staging", at(number), resources)


def test_repeats_go_and_the_first_the_last_and_every_change_stay(store: Store):
    """Of what lies before the time; what changed and changed back is a change twice; another environment counts for itself."""
    one, other = resource("orders"), resource("orders", engine="mysql")
    for number, seen in enumerate((one, one, one, other, one, one, one, one, other, other, other)):
        store.save_snapshot(taken(number, seen))
        store.save_snapshot(replace(taken(number, one), id=f"p{number}", environment="prod"))
    pruned = store.prune(at(-1), thin=at(7))
    assert ids(store, "staging") == ["s0", "s2", "s3", "s4", "s7", "s8", "s9", "s10"]
    assert ids(store, "prod") == ["p0", "p7", "p8", "p9", "p10"]
    assert (pruned.snapshots, pruned.manifests, pruned.chunks, pruned.documents) == (9, 0, 0, 0)
    assert store.prune(at(-1), thin=at(7)).snapshots == 0


def test_audits_that_repeat_go_and_take_their_snapshots_with_them(store: Store):
    """One that found something else stays, and so does the one before it; the snapshots of those that stay, stay."""
    for number, found in enumerate(([], [], [], [breach()], [breach()], [breach()], [breach()])):
        run(store, f"a{number}", found, at(number))
    store.prune(at(-1), thin=at(100))
    left = [info.id for info in reversed(store.audits())]
    assert left == ["a0", "a2", "a3", "a6"]
    assert ids(store, "staging") == [f"staging-{audit}" for audit in left]
    assert store.audit("a3").findings[0].breach == breach()


def test_what_was_so_at_the_end_of_the_retention_is_still_told(store: Store):
    """The last look from before it stays while the next one saw the same; once that changed it goes."""
    one, other = resource("orders"), resource("orders", engine="mysql")
    for number in range(10):
        store.save_snapshot(taken(number, one))
    store.prune(at(5), thin=at(100))
    assert ids(store, "staging") == ["s0", "s9"]
    store.save_snapshot(taken(10, other))
    store.prune(at(9.5), thin=at(100))
    assert ids(store, "staging") == ["s10"]


@pytest.mark.parametrize("seed", [1, 2])
def test_thinning_tells_the_same_drift_from_any_time_on(sqlite_url: str, seed: int):
    """What changed, from what to what and between which looks: only since when something is looked at may be earlier."""
    chance = random.Random(seed)
    with Store.open(sqlite_url) as store:
        said = dict.fromkeys("abcde", 0)
        for number in range(24):
            if chance.random() < 0.15:
                name = chance.choice("abcde")
                said[name] = chance.choice((0, 1, 2))
            seen = [resource(f"db-{name}", version=value) for name, value in said.items() if chance.random() < 0.99]
            made = taken(number, *seen)
            store.save_snapshot(replace(made, gaps=(), listings=(Listing("aws:111122223333", KIND.name),)))
        before = [_told(store, number) for number in range(0, 24, 4)]
        assert store.prune(at(-1), thin=at(20)).snapshots > 3
        assert [_told(store, number) for number in range(0, 24, 4)] == before


def realm() -> Realm:
    names = environment_names("staging")
    return Realm("staging", names.at, lambda _: {}, lambda _: KIND)


def _told(store: Store, number: int) -> Any:
    found = drifted(realm(), store.past, at(number))
    assert found is not None
    return [(one.identity, one.path, one.steps) for one in found.changes]


def test_a_snapshot_that_was_loaded_lately_is_not_pruned_under_its_reader(url: str):
    """Its documents are read later; an hour after it was loaded it may go."""
    now = [START + LATE]
    with Store.open(url, clock=lambda: now[0]) as store:
        store.save_snapshot(taken(0, resource("orders", only="here")))
        store.save_snapshot(taken(1, resource("orders")))
        loaded = store.load_snapshot("s0")
        assert store.prune(at(100)).snapshots == 0
        assert loaded.resources[0].attributes["only"] == "here"
        now[0] += timedelta(minutes=61)
        pruned = store.prune(at(100))
        assert (pruned.snapshots, pruned.documents) == (1, 1)
