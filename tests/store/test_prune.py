from __future__ import annotations

from pathlib import Path

from auditor.model import Resource
from auditor.store import Pruned, Store
from tests.store.samples import at, breach, resource, run, snapshot


def test_old_snapshots_go_with_the_content_that_only_they_used(store: Store):
    """What a younger snapshot shares with them stays, and still loads."""
    shared = resource("shared")
    store.save_snapshot(snapshot("old", taken_at=at(0), resources=[shared, resource("only-old", size=1)]))
    young = snapshot("young", taken_at=at(10), resources=[shared, resource("only-young", size=2)])
    store.save_snapshot(young)
    # Gone: the manifest of the old one, and the attributes of `only-old`. The facts are the same for both.
    assert store.prune(at(5)) == Pruned(audits=0, snapshots=1, manifests=1, documents=1, cached=0, chunks=1)
    assert [item.id for item in store.snapshots()] == ["young"]
    assert store.load_snapshot("young") == young
    assert store.prune(at(5)) == Pruned(0, 0, 0, 0, 0)


def test_the_newest_of_each_environment_and_pair_stay_however_old(store: Store):
    """An environment that is audited no more keeps its last word."""
    for number in range(4):
        run(store, f"a{number}", [breach()], at(number))
        store.save_snapshot(snapshot(f"dev-{number}", "dev", at(number)))
    pruned = store.prune(at(1000), keep=2)
    assert (pruned.audits, pruned.snapshots) == (2, 6)
    assert [item.id for item in store.audits()] == ["a3", "a2"]
    assert [item.id for item in store.snapshots("dev")] == ["dev-3", "dev-2"]
    assert store.prune(at(1000)).audits == 1


def test_the_snapshots_of_an_audit_that_stays_stay(store: Store):
    """An audit can be explained as long as it is there."""
    run(store, "a1", [breach()], at(0))
    for environment in ("staging", "prod"):
        store.save_snapshot(snapshot(f"{environment}-later", environment, at(10)))
    assert store.prune(at(5)).snapshots == 0
    assert store.load_snapshot("staging-a1").id == "staging-a1"
    assert store.audit("a1").findings[0].breach == breach()


def test_findings_and_events_are_never_pruned(store: Store):
    """The life of a finding outlasts the audits that told it."""
    run(store, "a1", [breach()], at(0))
    run(store, "a2", [], at(1))
    run(store, "a3", [], at(2))
    findings, events = store.findings(), store.events("fp-orders")
    assert store.prune(at(1000)).audits == 2
    assert (store.findings(), store.events("fp-orders")) == (findings, events)
    assert [event.audit_id for event in events] == ["a1", "a2"]


def test_what_was_cached_long_ago_is_forgotten(url: str):
    """By the clock that the store was opened with."""
    with Store.open(url, clock=lambda: at(0)) as early:
        early.cache_put("forms", {"old": b"1"})
    with Store.open(url, clock=lambda: at(10)) as late:
        late.cache_put("forms", {"new": b"2"})
        assert late.prune(at(5)).cached == 1
        assert late.cached("forms", ["old", "new"]) == {"new": b"2"}


def test_a_pruned_file_is_shorter(tmp_path: Path):
    """Space goes back to the machine, not only to the database."""
    path = tmp_path / "auditor.db"

    def many(salt: str) -> list[Resource]:
        return [resource(f"db-{index}", salt=f"{salt}{index}" * 20) for index in range(700)]

    with Store.open(f"sqlite:///{path}") as store:
        for number in range(4):
            store.save_snapshot(snapshot(f"s{number}", taken_at=at(number), resources=many(str(number))))
        store.prune(at(0))
        before = path.stat().st_size
        store.prune(at(1000))
        assert path.stat().st_size < before / 2
