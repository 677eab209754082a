from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sqlalchemy import event

from auditor.store import Store
from auditor.store.sweep import _catch_up, _Used
from tests.store.samples import at, breach, resource, run, snapshot
from tests.store.test_search import explained

GROWING = "documents|manifests|chunks|snapshots|snapshot_manifests|audits|findings|events|cache|memory|deployments"
WALK = re.compile(rf"SCAN ({GROWING})\b|Seq Scan on ({GROWING})\b")


def test_nothing_that_audits_do_walks_through_a_table(store: Store, url: str):
    """Saving, loading, recording, history and what is kept: every row by a key or an index, on either database. So does what
    pruning does while others wait."""
    noted: list[tuple[str, Any]] = []

    def note(
        _connection: object, _cursor: object, statement: str, parameters: Any, _context: object, many: bool
    ) -> None:
        noted.append((statement, parameters[0] if many else parameters))

    def seen(number: int) -> None:
        found = [resource(f"db-{place}", version=number * place) for place in range(3)]
        store.save_snapshot(snapshot(f"s{number}", taken_at=at(number), resources=found))

    seen(0)
    run(store, "a0", [breach()], at(0))
    event.listen(store._database._engine, "before_cursor_execute", note)
    seen(1)
    seen(1)
    run(store, "a1", [breach("other")], at(1))
    loaded = store.load_snapshot("s0")
    assert loaded.resources[1].attributes["version"] == 0
    assert replace(loaded, id="s0") == loaded
    store.latest_snapshot("staging")
    store.listing("s1")
    store.has_documents([one.digest for one in store.listing("s0").resources])
    store.cached("witness-1", ["key"])
    store.put_segments("forms-1", [b"kept"], ["gone"])
    store.segments("forms-1")
    past = store.past
    looks = past.looks("staging", until="s1", before="staging-a1", since=at(0), limit=5)
    past.manifests([one for look in looks for one in look.manifests])
    past.facts({look.facts for look in looks})
    with store._database.writing() as session:
        _catch_up(session, _Used(2, 0))
    event.remove(store._database._engine, "before_cursor_execute", note)
    plans = explained(url, [one for one in noted if re.match("SELECT|UPDATE|DELETE", one[0]) and "pg_" not in one[0]])
    assert len(plans) > 40
    assert [(statement, plan) for statement, plan in plans if WALK.search(plan)] == []
