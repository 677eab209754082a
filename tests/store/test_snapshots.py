from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from auditor.codec import canonical, digest, encode
from auditor.errors import StoreError
from auditor.model import Resource
from auditor.store import NotFoundError, SnapshotInfo, Store
from auditor.store.database import parse
from tests.store.samples import START, at, resource, snapshot


def rows(url: str) -> dict[str, int]:
    """How many rows each table of content holds."""
    engine = create_engine(parse(url))
    tables = ("documents", "manifests", "snapshots", "snapshot_manifests")
    with engine.connect() as connection:
        counts = {table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in tables}
    engine.dispose()
    return counts


def company(size: int = 500) -> list[Resource]:
    """`size` resources of three sources, no two alike, in an order of no meaning."""
    made = [
        resource(
            f"db-{index}", f"aws:{index % 3}", size=index, settings={f"key-{n}": f"{n * index}" for n in range(20)}
        )
        for index in range(size)
    ]
    random.Random(4).shuffle(made)
    return made


def test_a_snapshot_comes_back_equal(store: Store):
    """Resources in their order, gaps, listings, null and numbers, times to the microsecond."""
    odd = resource(
        "odd \U0001f600 \x00 \ud800", "files:deploy", value=None, one=1, real=1.0, yes=True, nested=[[{}], []]
    )
    saved = snapshot(resources=[*company(30), odd, odd, resource("orders")])
    store.save_snapshot(saved)
    loaded = store.load_snapshot("s1")
    assert loaded == saved
    # Python calls 1, 1.0 and True equal; their spelling tells.
    assert canonical(encode(loaded)) == canonical(encode(saved))


def test_a_snapshot_of_nothing_comes_back_equal(store: Store):
    """An environment that could not be read at all is a snapshot too."""
    saved = snapshot(resources=())
    store.save_snapshot(saved)
    assert store.load_snapshot("s1") == saved


def test_unchanged_snapshots_add_a_row_and_one_per_source(store: Store, url: str):
    """500 resources, three times: no document and no manifest is written again, whatever order they came in."""
    resources = company()
    store.save_snapshot(snapshot("s1", resources=resources))
    once = rows(url)
    assert once == {"documents": 501, "manifests": 3, "snapshots": 1, "snapshot_manifests": 3}
    for number in (2, 3, 4):
        store.save_snapshot(snapshot(f"s{number}", taken_at=at(number), resources=resources))
    assert rows(url) == {"documents": 501, "manifests": 3, "snapshots": 4, "snapshot_manifests": 12}
    store.save_snapshot(snapshot("s5", resources=sorted(resources, key=lambda item: item.identity)))
    assert rows(url) == {"documents": 502, "manifests": 3, "snapshots": 5, "snapshot_manifests": 15}


def test_three_unchanged_snapshots_cost_less_than_a_hundredth_of_the_first(tmp_path: Path):
    """Storage follows change: in bytes on disk, after everything was written through."""
    path = tmp_path / "auditor.db"
    sizes = []
    for number in range(4):
        with Store.open(f"sqlite:///{path}") as store:
            store.save_snapshot(snapshot(f"s{number}", taken_at=at(number), resources=company()))
        sizes.append(path.stat().st_size)
    assert sizes[0] > 200_000
    assert sizes[3] - sizes[0] <= sizes[0] / 100


def test_one_changed_resource_costs_one_document_and_one_manifest(store: Store, url: str):
    """The other two sources' manifests stay shared."""
    resources = company()
    store.save_snapshot(snapshot("s1", resources=resources))
    changed = replace(resources[7], attributes={"engine": "mysql"})
    store.save_snapshot(snapshot("s2", resources=[*resources[:7], changed, *resources[8:]]))
    counted = rows(url)
    assert (counted["manifests"], counted["snapshot_manifests"]) == (4, 6)
    # A resource can change its place among its source's, and then the order is another document as well.
    assert counted["documents"] in (502, 503)
    assert store.load_snapshot("s2").resources[7].attributes == {"engine": "mysql"}
    assert store.load_snapshot("s1").resources == tuple(resources)


def test_saving_a_snapshot_twice_is_no_error_and_another_one_of_its_id_is(store: Store):
    """A retry after a lost answer is harmless; two things under one name are not."""
    saved = snapshot()
    store.save_snapshot(saved)
    store.save_snapshot(saved)
    with pytest.raises(StoreError, match="there already is another snapshot s1"):
        store.save_snapshot(replace(saved, resources=(resource("orders", engine="mysql"),)))
    assert store.load_snapshot("s1") == saved


def test_snapshots_are_listed_newest_first_and_by_environment(store: Store):
    """What a list shows needs no resource to be read."""
    for number in range(3):
        store.save_snapshot(snapshot(f"s{number}", taken_at=at(number)))
    store.save_snapshot(snapshot("p0", "prod", at(9)))
    assert [item.id for item in store.snapshots()] == ["p0", "s2", "s1", "s0"]
    assert [item.id for item in store.snapshots("staging", since=at(1))] == ["s2", "s1"]
    assert store.snapshots("staging", limit=1) == (SnapshotInfo("s2", "staging", at(2), 1, 1),)


def test_the_latest_snapshot_is_the_one_saved_last(store: Store):
    """Whatever the clock said; saving one again is no news; and there may be none."""
    store.save_snapshot(snapshot("s2", taken_at=at(2)))
    store.save_snapshot(snapshot("s1", taken_at=at(1)))
    store.save_snapshot(snapshot("s2", taken_at=at(2)))
    latest = store.latest_snapshot("staging")
    assert latest is not None
    assert latest.id == "s1"
    assert store.latest_snapshot("prod") is None


def test_an_id_may_be_shortened_as_long_as_it_fits_one(store: Store):
    """A person types a few characters; a whole id wins over a longer one; `%` and `_` are just characters."""
    for name in ("20260301-staging", "20260302-staging", "2026", "20%"):
        store.save_snapshot(snapshot(name))
    assert store.load_snapshot("20260302").id == "20260302-staging"
    assert store.load_snapshot("2026").id == "2026"
    assert store.load_snapshot("20%").id == "20%"
    with pytest.raises(NotFoundError, match=r"snapshot '202603' is ambiguous \(20260301-staging, 20260302-staging\)"):
        store.load_snapshot("202603")
    with pytest.raises(NotFoundError, match="there is no snapshot '2_26'"):
        store.load_snapshot("2_26")


def test_attributes_that_are_not_json_are_refused_with_the_resource_they_are_of(store: Store):
    """Nothing of the snapshot is kept then."""
    with pytest.raises(StoreError, match=r"aws.rds.instance orders: attributes are not JSON: .* datetime"):
        store.save_snapshot(snapshot(resources=[resource("fine"), resource("orders", created=START)]))
    assert store.snapshots() == ()


def test_damaged_content_is_told_and_not_returned(store: Store, url: str):
    """A document that is not what its digest says is no evidence of anything."""
    store.save_snapshot(snapshot())
    engine = create_engine(parse(url))
    with engine.begin() as connection:
        other = connection.execute(text("SELECT body FROM manifests")).scalar_one()
        connection.execute(text("UPDATE documents SET body = :body"), {"body": other})
    engine.dispose()
    with pytest.raises(StoreError, match=r"documents [0-9a-f]{64} is missing or damaged"):
        store.load_snapshot("s1")


def test_documents_are_asked_for_by_their_digests(store: Store):
    """Which of many are there, and what one says; one that is not there is an error."""
    store.save_snapshot(snapshot(resources=company(30)))
    (entry, *_) = store.listing("s1").resources
    absent = "0" * 64
    assert store.has_documents([entry.digest, absent, entry.digest]) == {entry.digest}
    assert digest(store.document(entry.digest)) == entry.digest
    with pytest.raises(StoreError, match=f"documents {absent} is missing or damaged"):
        store.document(absent)


def test_a_number_that_is_none_is_not_null(store: Store):
    """Nor is infinity: two values that differ must not come back as one."""
    odd = resource("odd", nothing=None, limit=float("inf"), ratios=[1.5, float("nan")])
    store.save_snapshot(snapshot(resources=[odd]))
    loaded = store.load_snapshot("s1").resources[0].attributes
    assert (loaded["nothing"], loaded["limit"], str(loaded["ratios"])) == (None, float("inf"), "[1.5, nan]")
