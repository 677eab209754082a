from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, insert

from auditor.life import Event, LifeResult
from auditor.model import Category, Gap, GapReason, Listing, Resource, Severity, Status, Tally
from auditor.store import Changed, Inventory, NotFoundError, SnapshotInfo, Store, blobs, snapshots
from auditor.store.entries import chunks_of
from auditor.store.homes import Homes
from auditor.store.inventory import Manifests
from auditor.store.tables import EventRow, ManifestRow
from tests.store.samples import at, audit, breach, resource, run, snapshot
from tests.store.tellings import waiver

PAIR = ("staging", "prod")
OTHER = ("dev", "staging")


def test_what_happened_is_told_newest_first_with_its_finding(store: Store):
    """A page at a time, of all pairs or of some, each event once; the finding is as it is now."""
    run(store, "a1", [breach("x"), breach("y")], at(0))
    run(store, "b1", [breach("dev")], at(1), left="dev", right="staging")
    run(store, "a2", [breach("x")], at(2))
    told = [("fp-y", Status.RESOLVED), ("fp-dev", Status.OPEN), ("fp-y", Status.OPEN), ("fp-x", Status.OPEN)]
    assert happened(store, None) == told
    assert happened(store, [PAIR]) == [told[0], *told[2:]]
    assert happened(store, [OTHER]) == [told[1]]
    assert happened(store, []) == []
    assert [one.event.at for one in store.recent(at(1)).items] == [at(2), at(1)]
    (newest,) = store.recent(at(2)).items
    assert newest.finding == store.finding("fp-y")
    assert newest.event == Event("fp-y", at(2), "a2", "auditor", Status.OPEN, Status.RESOLVED, newest.event.reason)
    with pytest.raises(ValueError, match="the cursor was not given out for this list"):
        store.recent(at(0), before="x")
    with pytest.raises(ValueError, match="a page of 0 events: ask for at least one"):
        store.recent(at(0), limit=0)


def happened(store: Store, pairs: list[tuple[str, str]] | None) -> list[tuple[str, Status]]:
    """All of it, by pages of one and of three."""
    lists = []
    for limit in (1, 3):
        found, before = [], None
        for _ in range(10):
            page = store.recent(at(0), pairs, limit, before)
            assert len(page.items) <= limit
            found += [(one.event.fingerprint, one.event.to_status) for one in page.items]
            before = page.next
            if before is None:
                break
        lists.append(found)
    assert lists[0] == lists[1]
    return lists[0]


def test_what_changed_is_counted_by_finding(store: Store):
    """So is what is not resolved. One that opened twice opened once; getting worse is no change of state, and what was before does not count."""
    run(store, "a0", [breach("old")], at(-60))
    run(store, "a1", [breach("x"), breach("y", tolerated_for=timedelta(hours=1))], at(0))
    run(store, "a2", [breach("y", tolerated_for=timedelta(hours=1))], at(1))
    run(store, "a3", [breach("x"), breach("old", severity=Severity.CRITICAL)], at(2))
    run(store, "a4", [], at(3))
    stored = store.finding("fp-x")
    acts = [Status.WAIVED, Status.OPEN, Status.ACKNOWLEDGED, Status.OPEN]
    events = [Event("fp-x", at(4), None, "ana", Status.OPEN, status, "") for status in acts]
    worse = Event("fp-old", at(4), "a5", "auditor", Status.OPEN, Status.OPEN, "worse")
    store.record_acts(*PAIR, [stored], [*events[:1], worse])
    run(store, "b1", [breach("dev")], at(5), left="dev", right="staging")
    assert store.changed(at(0)) == {
        PAIR: Changed(opened=1, resolved=3, regressed=2, waived=1, acknowledged=0),
        OTHER: Changed(opened=1),
    }
    assert store.changed(at(0), [OTHER]) == {OTHER: Changed(opened=1)}
    counts = {OTHER: {(Category.DATABASE, Severity.HIGH, Status.OPEN): 1}, ("never", "audited"): {}}
    assert store.counts([OTHER, ("never", "audited")]) == counts
    store.record_acts(*PAIR, [], events[2:3])
    assert store.changed(at(4), [PAIR]) == {PAIR: Changed(waived=1, acknowledged=1)}


def test_what_is_worth_no_news_can_be_left_out(store: Store):
    """By how severe the findings are now; pages go on without holes."""
    lesser = [breach(f"i{number}", severity=Severity.INFO) for number in range(3)]
    run(store, "a1", [*lesser, breach("x", severity=Severity.LOW), breach("y")], at(0))
    run(store, "b1", [breach("dev", severity=Severity.INFO)], at(1), left="dev", right="staging")
    first = store.recent(at(0), limit=1, least=Severity.LOW)
    rest = store.recent(at(0), limit=1, before=first.next, least=Severity.LOW)
    assert {one.finding.fingerprint for one in (*first.items, *rest.items)} == {"fp-x", "fp-y"}
    assert rest.next is None
    assert store.changed(at(0), least=Severity.LOW) == {PAIR: Changed(opened=2)}
    assert store.changed(at(0), least=Severity.HIGH) == {PAIR: Changed(opened=1)}
    assert store.changed(at(0)) == {PAIR: Changed(opened=5), OTHER: Changed(opened=1)}


def test_the_pulse_beats_when_something_is_recorded(store: Store):
    """An audit without news, an event, a snapshot, a waiver and its end; and not when the same comes again."""
    beats = [store.pulse()]

    def beat() -> None:
        beats.append(store.pulse())

    store.save_snapshot(snapshot("staging-a1"))
    beat()
    store.save_snapshot(snapshot("prod-a1", "prod"))
    beat()
    nothing = LifeResult((), (), (), ())
    first = audit("a1", nothing)
    store.record_audit(first, ("staging-a1", "prod-a1"), nothing)
    beat()
    store.record_audit(replace(first, id="a2"), ("staging-a1", "prod-a1"), nothing)
    beat()
    run(store, "a3", [breach()])
    beat()
    (stored,) = store.previous(*PAIR).values()
    store.record_acts(*PAIR, [stored], [Event("fp-orders", at(1), None, "ana", Status.OPEN, Status.WAIVED, "")])
    beat()
    store.record_acts(*PAIR, [], [], waivers=[waiver("w1")])
    beat()
    store.revoke_waiver("w1", at(2), "ana")
    beat()
    assert len(set(beats)) == len(beats)
    store.save_snapshot(snapshot("staging-a1"))
    store.record_audit(first, ("staging-a1", "prod-a1"), nothing)
    store.remember("key", 1)
    assert store.pulse() == beats[-1]
    # On PostgreSQL what has a lower number may be seen later.
    for number in (1001, 1000):
        late = {
            "id": number,
            "fingerprint": "fp-orders",
            "at": at(3),
            "actor": "ana",
            "to_status": "open",
            "reason": "",
        }
        with store._database.writing() as session:
            session.execute(insert(EventRow), [late])
        beat()
    assert len(set(beats)) == len(beats)
    assert len(beats[-1]) < 100


def test_a_pair_is_summed_up_by_its_last_audit(store: Store):
    """Whose id, gaps and tallies are told without reading it; an older store's audits have no tallies."""
    assert store.pair_summaries([PAIR]) == ()
    run(store, "b1", [], at(0), left="dev", right="staging")
    made = run(store, "a1", [], at(1))
    tallies = {Category.COMPUTE: Tally(7, 2, 1), Category.CONFIG: Tally(1, 0, 0)}
    whole = replace(made.coverage, ratio=1.0)
    last = replace(made, id="a2", tallies=tallies, gaps=(), coverage=whole, finished_at=at(2))
    store.record_audit(last, ("staging-a1", "prod-a1"), LifeResult((), (), (), ()))
    assert store.audit("a2") == last
    pair, other = store.pair_summaries([PAIR, ("never", "audited"), OTHER])
    assert (pair.left, pair.right, pair.audit, pair.complete, pair.gaps) == (*PAIR, "a2", True, 0)
    assert (pair.last_audit, pair.last_complete, pair.score, pair.coverage) == (at(2), at(2), 0.75, 1.0)
    assert (pair.scores, pair.tallies) == (made.scores, tallies)
    assert (other.audit, other.complete, other.gaps, other.last_complete, other.tallies) == ("b1", False, 1, None, {})


def test_snapshots_and_audits_go_on_where_a_page_ended(store: Store):
    """By id, in the order in which they were recorded, also where times go back; an unknown one ends the list."""
    for number in range(7):
        run(store, f"a{number}", [], at(-number))
    run(store, "b0", [], at(3), left="dev", right="staging")
    whole = store.snapshots("prod")
    assert [one.id for one in whole] == [f"prod-a{number}" for number in range(6, -1, -1)]
    assert store.snapshots("prod", before="prod-a4", limit=3) == whole[3:6]
    assert store.snapshots("prod", before="prod-a0") == store.snapshots("prod", before="never") == ()
    everything = store.snapshots()
    assert [store.snapshots(before=one.id, limit=1) for one in everything[:-1]] == [(one,) for one in everything[1:]]
    assert [one.id for one in store.audits(*PAIR, before="a4", limit=2)] == ["a3", "a2"]
    assert [one.id for one in store.audits(before="b0")] == [f"a{number}" for number in range(6, -1, -1)]
    assert store.audits(before="a0") == store.audits(before="never") == ()


RESOURCES = (
    resource("b", engine="mysql"),
    resource("a"),
    resource("notes", "files:deploy"),
    replace(resource("a"), region="us-east-1"),
    Resource("env.file", "a", {"A": "1"}, "files:deploy"),
    Resource("env.file", "a", {"A": "2"}, "files:other"),
)


def test_a_listing_says_all_but_the_attributes(store: Store):
    """In the order in which they came; equal attributes have equal digests, and no document of a resource is read."""
    store.save_snapshot(snapshot(resources=RESOURCES))
    assert store.snapshot_info("s1") == SnapshotInfo("s1", "staging", at(0), 6, 1)
    asked: list[str] = []
    event.listen(store._database._engine, "before_cursor_execute", lambda *call: asked.append(str(call[2:4])))
    listing = store.listing("s")
    first = len(asked)
    assert listing == store.listing("s1")
    # The facts are read again, the manifests are remembered.
    assert sum(" manifests" in statement for statement in asked[:first]) == 1
    assert sum(" manifests" in statement for statement in asked[first:]) == 0
    assert [statement for statement in asked if any(item.digest in statement for item in listing.resources)] == []
    assert isinstance(listing, Inventory)
    assert listing.info == store.snapshot_info("s1")
    assert listing.gaps == (
        Gap("staging", "aws:1", "aws.ecs.*", GapReason.THROTTLED, "Rate exceeded", region="eu-west-1"),
    )
    assert listing.listings == (Listing("aws:111122223333", "aws.rds.instance", "eu-west-1"),)
    assert (listing.accounts, listing.regions) == (("111122223333",), ("eu-west-1",))
    assert [(one.kind, one.identity, one.source, one.region) for one in listing.resources] == [
        (one.kind, one.identity, one.source, one.region) for one in RESOURCES
    ]
    assert (listing.resources[1].tags, listing.resources[1].refs) == ({"team": "shop"}, ("arn:a", "db-a"))
    digests = [one.digest for one in listing.resources]
    assert digests[1] == digests[2] == digests[3]
    assert len(set(digests)) == 4


def test_one_resource_is_read_with_its_document(store: Store):
    """By kind and identity, and by source and region where several are called so."""
    store.save_snapshot(snapshot(resources=RESOURCES))
    rds, env = "aws.rds.instance", "env.file"
    assert store.resource("s1", rds, "b") == RESOURCES[0]
    assert store.resource("s1", rds, "a", region="us-east-1") == RESOURCES[3]
    assert store.resource("s1", rds, "a", "aws:111122223333", "eu-west-1") == RESOURCES[1]
    assert store.resource("s1", env, "a", "files:other") == RESOURCES[5]
    with pytest.raises(
        NotFoundError, match=r"env.file 'a' is there 2 times \(files:deploy, files:other\): name source"
    ):
        store.resource("s1", env, "a")
    with pytest.raises(NotFoundError, match=r"2 times .*aws:111122223333 eu-west-1, aws:111122223333 us-east-1"):
        store.resource("s1", rds, "a")
    for missing in (("c",), ("b", "files:deploy"), ("b", None, "us-east-1")):
        with pytest.raises(NotFoundError, match=r"snapshot s1 holds no aws.rds.instance"):
            store.resource("s1", rds, *missing)
    with pytest.raises(NotFoundError, match="there is no snapshot 'never'"):
        store.listing("never")


def test_no_more_manifests_are_remembered_than_there_is_room_for(sqlite_url: str):
    """Those read last stay, chunk by chunk; one that is too large for all of the room is read each time."""
    store = Store.open(sqlite_url)
    for number, count in enumerate((2, 2, 5, 1)):
        found = [resource(f"{number}-{place}-orders", f"aws:{number}") for place in range(count)]
        store.save_snapshot(snapshot(f"s{number}", resources=found))
    manifests = Manifests(most=4)
    with store._database.reading() as session:
        keys = [snapshots.manifests(session, f"s{number}")[0] for number in range(4)]
        chunks = [list(chunks_of(content) or ()) for content in blobs.get(session, ManifestRow, keys).values()]
        # The names end no chunk, but for the last of them.
        assert [len(one) for one in chunks] == [1] * 4
        for key, known in ((0, [0]), (1, [0, 1]), (0, [1, 0]), (2, [1, 0]), (3, [0, 3])):
            (read,) = manifests.read(session, [keys[key]])
            assert {one.source for one in read} == {f"aws:{key}"}
            assert list(manifests._known) == [chunks[number][0] for number in known]
    store.close()


def test_what_is_remembered_of_pairs_has_a_bound(sqlite_url: str):
    """Beyond it all is forgotten and looked up again: the answer is the same."""
    with Store.open(sqlite_url) as store:
        run(store, "a1", [breach("x"), breach("y")])
        run(store, "b1", [breach("z")], left="dev", right="staging")
        homes = Homes(most=2)
        pairs = {"fp-x": PAIR, "fp-y": PAIR, "fp-z": OTHER}
        with store._database.reading() as session:
            for asked, known in (("xy", "xy"), ("yz", "yz"), ("y", "yz"), ("x", "x")):
                wanted = [f"fp-{name}" for name in asked]
                assert homes.of(session, wanted) == {name: pairs[name] for name in wanted}
                assert sorted(homes._known) == [f"fp-{name}" for name in known]
