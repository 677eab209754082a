from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy import create_engine, text

from auditor.errors import StoreError
from auditor.store import Lease, Store, schema
from auditor.store.database import parse


def at_once(count: int, act: Callable[[int], bool]) -> list[bool]:
    """What `act` returned to `count` threads that began together."""
    barrier, said = threading.Barrier(count), list[bool]()

    def work(number: int) -> None:
        barrier.wait(60)
        said.append(act(number))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(said)


def test_a_lease_is_one_holders_until_it_is_given_back(store: Store):
    """Asking again for what one has is no error; giving back what one has not changes nothing."""
    assert store.lease("audit:staging:prod") is None
    assert store.acquire_lease("audit:staging:prod", "one")
    assert store.acquire_lease("audit:staging:prod", "one")
    assert not store.acquire_lease("audit:staging:prod", "two")
    assert store.acquire_lease("audit:dev:prod", "two")
    store.release_lease("audit:staging:prod", "two")
    assert store.lease("audit:staging:prod") == Lease("audit:staging:prod", "one", 0)
    store.release_lease("audit:staging:prod", "one")
    assert store.lease("audit:staging:prod") is None
    assert store.acquire_lease("audit:staging:prod", "two")


def test_a_holder_that_lives_makes_its_beat_grow(store: Store):
    """And who does not have the lease is told."""
    store.acquire_lease("a", "one")
    assert [store.beat_lease("a", "one") for _ in range(3)] == [True, True, True]
    assert store.lease("a") == Lease("a", "one", 3)
    assert not store.beat_lease("a", "two")
    assert not store.beat_lease("b", "one")


def test_a_lease_is_stolen_only_just_as_it_was_seen(store: Store):
    """A holder that gave a sign of life in between keeps it; one that lost it is told at its next beat."""
    store.acquire_lease("a", "one")
    seen = store.lease("a")
    assert seen is not None
    store.beat_lease("a", "one")
    assert not store.steal_lease("a", "two", seen)
    seen = store.lease("a")
    assert seen is not None
    assert store.steal_lease("a", "two", seen)
    assert store.lease("a") == Lease("a", "two", 2)
    assert not store.beat_lease("a", "one")
    assert not store.steal_lease("a", "three", seen)
    store.release_lease("a", "two")
    assert not store.steal_lease("a", "three", Lease("a", "two", 2))


def test_of_many_at_once_one_gets_it(store: Store):
    """Acquired by one, and stolen by one, of those that saw the same."""
    assert at_once(4, lambda number: store.acquire_lease("a", f"{number}")) == [False, False, False, True]
    seen = store.lease("a")
    assert seen is not None
    assert at_once(4, lambda number: store.steal_lease("a", f"thief-{number}", seen)) == [False, False, False, True]
    now = store.lease("a")
    assert now is not None
    assert (now.holder.startswith("thief-"), now.beat) == (True, 1)


def test_what_is_remembered_is_recalled(store: Store, url: str):
    """The last word under each key, over a restart; nothing is None, and so is what was never said."""
    assert store.recall("digest:daily") is None
    store.remember("digest:daily", {"sent_at": "2026-03-01T08:00:00+00:00", "odd": ["\x00\ud800", None, 1.5]})
    store.remember("other", [1])
    store.remember("other", None)
    with Store.open(url) as again:
        assert again.recall("digest:daily") == {
            "sent_at": "2026-03-01T08:00:00+00:00",
            "odd": ["\x00\ud800", None, 1.5],
        }
        assert again.recall("other") is None


def test_a_store_that_works_passes_its_check(store: Store):
    """It says nothing then."""
    store.check()


def test_every_check_of_writing_writes(store: Store, url: str):
    """A row that stays as it is would not be written by SQLite, whatever its disk can take."""
    store.check_writing()
    store.check_writing()
    with Store.open(url) as again:
        assert again.recall("store:written") == 2


def test_a_database_that_is_read_only_fails_the_check_of_writing_alone(postgres_schema_url: str):
    """A standby after a failover, or one whose disk ran full: it answers, and takes nothing."""
    schema.upgrade(postgres_schema_url)
    with Store.open(f"{postgres_schema_url}%20-cdefault_transaction_read_only%3Don") as store:
        store.check()
        with pytest.raises(StoreError, match="read-only transaction"):
            store.check_writing()


def test_a_store_of_another_version_fails_its_check(store: Store, url: str):
    """Another program upgraded it while this one was running."""
    engine = create_engine(parse(url))
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(StoreError, match=f"its tables are of version 9999 now; this program needs {schema.HEAD}"):
        store.check()
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE {schema.VERSION_TABLE}"))
    engine.dispose()
    with pytest.raises(StoreError, match=schema.VERSION_TABLE):
        store.check()


def test_a_server_that_is_gone_fails_the_check_and_serves_again_when_it_is_back(postgres_schema_url: str):
    """A connection that was cut is replaced; what cannot be replaced is told."""
    schema.upgrade(postgres_schema_url)
    with Store.open(postgres_schema_url) as store, psycopg.connect(postgres_schema_url, autocommit=True) as other:
        store.check()
        mine = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE %s"
        other.execute(mine, (f"%{schema.VERSION_TABLE}%",))
        store.check()
