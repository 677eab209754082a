from __future__ import annotations

import pytest
from sqlalchemy import text

from auditor.drift_walk import drifted
from auditor.errors import StoreError
from auditor.store import Store
from tests.store.samples import at, resource, snapshot
from tests.store.test_thinning import realm


def test_a_document_that_is_damaged_is_an_error_where_it_is_looked_at_and_nowhere_else(store: Store):
    """Loading reads none; its neighbours stay readable; whoever looks at it, at first hand or on the way, is told."""
    resources = [resource(f"db-{name}", only=name) for name in "abc"]
    store.save_snapshot(snapshot("s0", resources=resources))
    store.save_snapshot(snapshot("s1", taken_at=at(1), resources=[resource("db-a", only="x"), *resources[1:]]))
    damaged = store.listing("s0").resources[0].digest
    with store._database.writing() as session:
        session.execute(
            text("UPDATE documents SET body = :body WHERE digest = :digest"), {"body": b"x", "digest": damaged}
        )
    loaded = store.load_snapshot("s0")
    assert [one.attributes["only"] for one in loaded.resources[1:]] == ["b", "c"]
    for look in (lambda: loaded.resources[0].attributes["only"], lambda: dict(loaded.resources[0].attributes)):
        with pytest.raises(StoreError, match=f"documents {damaged} is missing or damaged: load the snapshot again"):
            look()
    with pytest.raises(StoreError, match=f"documents {damaged} is missing or damaged"):
        drifted(realm(), store.past, at(0))
