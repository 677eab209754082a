"""What is kept of which side moved."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import text

from auditor.life import live
from auditor.model import ABSENT, Author, Moved
from auditor.store import Store
from tests.store.samples import at, audit, breach, snapshot

MOVED = Moved("right", "prod", at(0), at(15), ABSENT, {"a": [1, None]}, "prod-1", agreed=False)


def _record(store: Store, moved: Moved) -> None:
    for environment in ("staging", "prod"):
        store.save_snapshot(snapshot(f"{environment}-a", environment, at(0)))
    life = live({}, (breach(),), lambda _: True, at(0), "a").telling_moves({"fp-orders": moved})
    store.record_audit(audit("a", life, at(0)), ("staging-a", "prod-a"), life)


def test_which_side_moved_and_who_did_it_come_back_as_they_were(store: Store) -> None:
    """Absent stays absent, and the author with all that is known; from the finding and from its audit."""
    author = Author("deploy/ada", "rds:ModifyDBInstance", at(12), "console", "e-1")
    moved = replace(MOVED, author=author)
    _record(store, moved)
    assert store.finding("fp-orders").moved == moved
    assert store.audit("a").findings[0].moved == moved


def test_words_that_an_older_program_kept_are_read_as_not_known(store: Store) -> None:
    """The column once was meant for text, of which nothing can be made."""
    _record(store, MOVED)
    with store._database.writing() as session:
        session.execute(text("UPDATE findings SET moved = 'prod, 2026-11-19 05:12 UTC'"))
    assert store.finding("fp-orders").moved is None
