from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from auditor.codec import canonical, encode
from auditor.credentials import ApiToken, Deed, Scope, WebSession
from auditor.model import Resource, Snapshot
from auditor.notices import Telling
from auditor.store import FindingQuery, Store, schema
from auditor.store.tables import Base, ChunkRow
from tests.store import older
from tests.store.samples import at, breach, resource, run, snapshot
from tests.store.tellings import deliver, notice, opening, topic, waiver

RESOURCES = [
    resource("orders", nothing=None, text="ü \ud800", limit=float("inf")),
    resource("web", "files:deploy", settings={"b": [1, 2.5, {}], "a": 2**70}),
    Resource("http.version", "api", {"version": "1.4.2"}, "http"),
]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store of this version with rows in every table."""
    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('lived') / 'auditor.db'}") as store:
        store.save_snapshot(snapshot("s0", resources=RESOURCES))
        run(store, "a1", [breach(), breach("web")], at(1))
        run(store, "a2", [breach()], at(2))
        telling = Telling((topic(),), members=(("t1", "fp-orders"),), notices=(opening("n1", "t1"), notice("n2")))
        store.record_acts("staging", "prod", (), (), telling)
        deliver(store, "n2", 3)
        store.record_acts("staging", "prod", (), (), waivers=[waiver()])
        store.acquire_lease("audit:staging", "me")
        store.remember("digest", {"at": 1})
        store.cache_put("witness-1", {"key": b"who"})
        store.add_token(
            ApiToken("t1", "nightly", Scope.READ, at(0), "ana"), "0f" * 32, Deed(at(0), "ana", "cli", "token")
        )
        store.begin_session(
            WebSession("1f" * 32, "ana", Scope.ACT, "oidc", at(0), at(90)), Deed(at(0), "ana", "oidc", "login")
        )
        yield store


def counted(store: Store) -> dict[str, int]:
    with store._database.reading() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


def told(store: Store) -> dict[str, Any]:
    """What people and gates are told of what was recorded."""
    return {
        "snapshots": sorted(_plain(store.load_snapshot(info.id)) for info in store.snapshots()),
        "listed": [item.digest == "" for item in store.listing("s0").resources],
        "looks": [look.taken_at for look in store.past.looks("staging")],
        "audits": [store.audit(info.id) for info in store.audits()],
        "findings": store.findings(),
        "found": [stored.breach.fingerprint for stored in store.search(FindingQuery()).items],
        "events": store.events("fp-orders"),
        "waivers": store.waivers(),
    }


def _plain(taken: Snapshot) -> bytes:
    """Old documents have other digests where their text is not ASCII: what they say is compared."""
    return canonical(encode(taken))


@pytest.mark.parametrize("version", ["0001", "0002", "0003", "0004", "0005"])
def test_every_released_version_is_brought_up_to_date_with_all_it_holds(lived: Store, sqlite_url: str, version: str):
    """Row by row: what the old tables had is there, and says the same; and the store goes on."""
    _upgraded(lived, sqlite_url, version)


@pytest.mark.parametrize("version", ["0002", "0005"])
def test_so_it_is_on_a_server(lived: Store, postgres_schema_url: str, version: str):
    """The same on PostgreSQL; the other versions have tests of their own there."""
    _upgraded(lived, postgres_schema_url, version)


def _upgraded(lived: Store, url: str, version: str) -> None:
    assert all(counted(lived).values()), counted(lived)
    older.make(url, version)
    older.copy(lived, url)
    assert schema.upgrade(url) == schema.Upgrade(version, schema.HEAD)
    expected = told(lived)
    with Store.open(url) as store:
        if version == "0001":
            expected["waivers"] = ()
        assert told(store) == expected
        rows = counted(store)
        assert rows[ChunkRow.__tablename__] == 0
        store.save_snapshot(snapshot("next", taken_at=at(9), resources=RESOURCES))
        run(store, "a3", [breach("other")], at(10))
        ours, theirs = (store.load_snapshot(name).resources for name in ("next", "s0"))
        assert [dict(one.attributes) for one in ours] == [dict(one.attributes) for one in theirs]
        pruned = store.prune(at(1000))
        assert (pruned.audits, store.load_snapshot("staging-a3").id) == (2, "staging-a3")
        assert store.findings() != expected["findings"]
