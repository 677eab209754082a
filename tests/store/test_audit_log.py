from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DatabaseError

from auditor.errors import StoreError
from auditor.store import Store, schema
from auditor.store.database import parse
from auditor.store.errors import ConflictError
from tests.store import older
from tests.store.samples import at, breach, run
from tests.store.tellings import waiver

EVENTS = "events are the audit log and are never changed or deleted"
WAIVERS = "waivers are part of the audit log and are never changed or deleted, they can only be revoked, and that once"
REWRITES = [
    (EVENTS, "UPDATE events SET actor = 'nobody'"),
    (EVENTS, "UPDATE events SET reason = reason WHERE id = (SELECT min(id) FROM events)"),
    (EVENTS, "DELETE FROM events WHERE id = (SELECT max(id) FROM events)"),
    (WAIVERS, "UPDATE waivers SET id = 'w9' WHERE id = 'w1'"),
    (WAIVERS, "UPDATE waivers SET expires_at = '2030-01-01 00:00:00+00:00', revoked_at = '2026-01-01 00:00:00+00:00'"),
    (WAIVERS, "UPDATE waivers SET revoked_at = '2026-01-01 00:00:00+00:00' WHERE id = 'w1'"),
    (WAIVERS, "UPDATE waivers SET revoked_at = NULL, revoked_by = NULL WHERE id = 'w2'"),
    (WAIVERS, "UPDATE waivers SET revoked_by = 'nobody' WHERE id = 'w2'"),
    (WAIVERS, "DELETE FROM waivers WHERE id = 'w2'"),
]
REPLACED = "id, fingerprint, at, audit_id, 'nobody', from_status, to_status, reason"
SQLITE = [
    (EVENTS, f"INSERT OR REPLACE INTO events SELECT {REPLACED} FROM events"),
    (WAIVERS, "INSERT OR REPLACE INTO waivers SELECT id, expires_at, NULL, NULL, body FROM waivers"),
    (
        WAIVERS,
        "INSERT OR REPLACE INTO waivers (rowid, id, expires_at, body) SELECT rowid, 'w9', expires_at, body FROM waivers",
    ),
    (
        WAIVERS,
        "UPDATE OR REPLACE waivers SET rowid = 2, revoked_at = '2026-01-01', revoked_by = 'nobody' WHERE id = 'w1'",
    ),
]
POSTGRESQL = [(EVENTS, "TRUNCATE events"), (WAIVERS, "TRUNCATE waivers")]


@pytest.fixture(params=["new", "upgraded"])
def lived_url(request: pytest.FixtureRequest, empty_url: str) -> str:
    """A store with events and two people's waivers, one of them revoked; made at once, or by an older version first."""
    if request.param == "upgraded":
        older.make(empty_url, "0002")
    schema.upgrade(empty_url)
    with Store.open(empty_url) as store:
        run(store, "a1", [breach()], at(0))
        run(store, "a2", [], at(1))
        store.record_acts("staging", "prod", (), (), waivers=[waiver("w1"), waiver("w2")])
        store.revoke_waiver("w2", at(2), "bo")
    return empty_url


def rows(url: str) -> list[tuple[Any, ...]]:
    engine = create_engine(parse(url))
    with engine.connect() as connection:
        found = [
            tuple(row)
            for table in ("events", "waivers")
            for row in connection.execute(text(f"SELECT * FROM {table} ORDER BY id"))
        ]
    engine.dispose()
    return found


def test_the_database_refuses_to_rewrite_what_happened(lived_url: str):
    """Whoever may write to the store, with whatever program: events stay, and waivers can only be revoked, once."""
    before = rows(lived_url)
    assert len(before) == 4
    statements = REWRITES + (SQLITE if lived_url.startswith("sqlite") else POSTGRESQL)
    engine = create_engine(parse(lived_url))
    for message, statement in statements:
        with pytest.raises(DatabaseError) as caught, engine.begin() as connection:
            connection.execute(text(statement))
        assert message in str(caught.value.orig), statement
    engine.dispose()
    assert rows(lived_url) == before


@pytest.mark.parametrize("lived_url", ["upgraded"], indirect=True)
def test_what_people_do_goes_on_behind_the_lock(lived_url: str):
    """Waiving again, revoking once, further audits and pruning meet no refusal, and nothing of the log is pruned."""
    with Store.open(lived_url) as store:
        store.record_acts("staging", "prod", (), (), waivers=[*map(waiver, ("w1", "w2", "w3", "w3"))])
        assert store.revoke_waiver("w1", at(3), "cy").revoked_at == at(3)
        assert store.revoke_waiver("w2", at(4), "cy").revoked_at == at(2)
        with pytest.raises(ConflictError, match="there already is another waiver w3; nothing was written"):
            store.record_acts("staging", "prod", (), (), waivers=[waiver("w3", owner="eve")])
        run(store, "a3", [breach()], at(5))
        before = rows(lived_url)
        assert store.prune(at(1000)).audits == 2
        with pytest.raises(StoreError, match=f"store: .*: {EVENTS}"), store._database.writing() as session:
            session.execute(text("DELETE FROM events"))
    assert rows(lived_url) == before
    assert [(row[0], row[3]) for row in before[-3:]] == [("w1", "cy"), ("w2", "bo"), ("w3", None)]
