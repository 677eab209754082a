from __future__ import annotations

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, DateTime, MetaData, create_engine, event, insert, select, text

from auditor.errors import StoreError
from auditor.gauges import EnvironmentGauges, PairGauges
from auditor.model import Category, GapReason, Severity, Status
from auditor.store import Store, schema
from auditor.store.database import parse
from tests.store import older
from tests.store.samples import at, breach, resource, run
from tests.store.tellings import ids, notice, put, waiver

# What version 0001 of the program wrote: three audits of staging and prod, the first two complete, one of dev and staging.
OLD = json.loads((Path(__file__).parent / "data" / "0001.json").read_text())
TABLES = ("documents", "manifests", "cache", "snapshots", "snapshot_manifests", "audits", "findings", "events")


@pytest.fixture
def old_url(empty_url: str) -> str:
    """A database of version 0001 with what that version wrote."""
    older.make(empty_url, "0001")
    engine = create_engine(parse(empty_url))
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.begin() as connection:
        for name in TABLES:
            table = metadata.tables[name]
            # The database numbers events itself, so that its own count goes on from the last one.
            columns = [column for column in table.c if column.name != "id" or name != "events"]
            rows = [{column.name: _value(row[column.name], column) for column in columns} for row in OLD[name]]
            connection.execute(insert(table), rows)
    engine.dispose()
    return empty_url


def _value(value: Any, column: Column[Any]) -> Any:
    if isinstance(value, dict):
        return base64.b64decode(value["base64"])
    if value is not None and isinstance(column.type, DateTime):
        return datetime.fromisoformat(f"{value}+00:00")
    return value


def execute(url: str, statement: str) -> None:
    engine = create_engine(parse(url))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def contents(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the tables that version 0001 has, in the columns that they have there."""
    engine = create_engine(parse(url))
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.connect() as connection:
        columns = {name: [metadata.tables[name].c[column] for column in OLD[name][0]] for name in TABLES}
        found = {name: [tuple(row) for row in connection.execute(select(*columns[name]))] for name in TABLES}
    engine.dispose()
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


def numbered(url: str) -> dict[str, dict[str, int]]:
    engine = create_engine(parse(url))
    with engine.connect() as connection:
        found = {
            table: {row.id: row.sequence for row in connection.execute(text(f"SELECT id, sequence FROM {table}"))}
            for table in ("audits", "snapshots")
        }
    engine.dispose()
    return found


def test_an_upgrade_loses_nothing(old_url: str):
    """Every row of every table is there as it was, but for what is kept in another way now, and the program reads it."""
    before = contents(old_url)
    assert {name: len(rows) for name, rows in before.items()} == {name: len(OLD[name]) for name in TABLES}
    assert schema.upgrade(old_url) == schema.Upgrade("0001", schema.HEAD)
    assert contents(old_url) == {**before, "cache": []}
    with Store.open(old_url) as store:
        assert [item.id for item in store.audits()] == ["a2", "b0", "a1", "a0"]
        assert [finding.breach for finding in store.audit("a0").findings] == [
            breach(),
            breach("web", severity=Severity.LOW),
        ]
        assert [event.to_status for event in store.events("fp-web")] == [
            Status.OPEN,
            Status.RESOLVED,
            Status.REGRESSED,
        ]
        assert store.finding("fp-orders").last_seen == at(20)
        assert store.load_snapshot("staging-a1").resources == (resource("orders"), resource("web", "files:deploy"))
        assert store.cached("form-1", ["key"]) == {}


def test_an_upgrade_numbers_what_is_there_in_its_old_order(old_url: str):
    """Newest first by time, as the old version told it; what is recorded next comes after all of it, whatever its time."""
    execute(old_url, "UPDATE audits SET finished_at = (SELECT max(finished_at) FROM audits) WHERE id = 'a0'")
    schema.upgrade(old_url)
    with Store.open(old_url) as store:
        assert [item.id for item in store.audits()] == ["a2", "a0", "b0", "a1"]
        assert [item.id for item in store.snapshots("staging")] == [
            "staging-a2",
            "staging-b0",
            "staging-a1",
            "staging-a0",
        ]
        run(store, "late", [], at(-100))
        assert store.audits()[0].id == store.audits("staging", "prod")[0].id == "late"
        assert [item.id for item in store.snapshots(limit=2)] == ["prod-late", "staging-late"]
        numbers = numbered(old_url)
    assert numbers["audits"] == {"a1": 1, "b0": 2, "a0": 3, "a2": 4, "late": 5}
    assert sorted(numbers["snapshots"].values()) == list(range(1, len(numbers["snapshots"]) + 1))


def test_an_upgraded_store_shows_its_gauges(old_url: str):
    """From the audits and snapshots that are there: those made before there were summaries are made up for, once."""
    schema.upgrade(old_url)
    environments = {"staging": ["aws", "files", "http"], "prod": ["aws"], "dev": ["aws"], "new": ["aws"]}
    with Store.open(old_url) as store:
        gauges = store.gauges([("staging", "prod"), ("dev", "staging")], environments, at(60))
        assert gauges.pairs == (
            PairGauges(
                "staging",
                "prod",
                {
                    (Category.DATABASE, Severity.HIGH, Status.OPEN): 1,
                    (Category.DATABASE, Severity.LOW, Status.REGRESSED): 1,
                    (Category.DATABASE, Severity.HIGH, Status.PENDING): 1,
                },
                0.75,
                {Category.DATABASE: 0.5, Category.COMPUTE: 1.0},
                0.9,
                at(20),
                at(10),
                at(0),
            ),
            PairGauges("dev", "staging", {}, 0.75, {Category.DATABASE: 0.5, Category.COMPUTE: 1.0}, 0.9, at(15)),
        )
        throttled = {"aws.rds.instance": 1}, {GapReason.THROTTLED: 1}
        assert gauges.environments == (
            EnvironmentGauges("staging", at(20), *throttled),
            EnvironmentGauges("prod", at(20), *throttled),
            EnvironmentGauges("dev", at(15), *throttled),
            EnvironmentGauges("new", None, {}, {}),
        )
        found = {(item.environment, item.collector): item.last_success for item in gauges.collectors}
        assert (found["staging", "aws"], found["prod", "aws"]) == (at(10), at(10))
        assert (found["staging", "http"], found["dev", "aws"], found["new", "aws"]) == (None, None, None)
        writes: list[str] = []
        event.listen(store._database._engine, "before_cursor_execute", lambda *call: writes.append(call[2]))
        assert store.gauges([("staging", "prod"), ("dev", "staging")], environments, at(60)) == gauges
        assert [statement for statement in writes if statement.startswith(("INSERT", "UPDATE"))] == []


def test_an_upgraded_store_goes_on(old_url: str):
    """Its findings live on from where they were, and what is new can be kept beside them."""
    schema.upgrade(old_url)
    with Store.open(old_url) as store:
        run(store, "a3", [breach("web", severity=Severity.LOW)], at(30))
        put(store, notice("n1"))
        store.record_acts("staging", "prod", (), (), waivers=[waiver()])
        assert store.finding("fp-orders").status is Status.RESOLVED
        assert store.finding("fp-web").first_seen == at(0)
        assert len(store.events("fp-orders")) == 2
        assert ids(store.due_notices(at(30))) == ["n1"]
        assert store.gauges([("staging", "prod")], {}, at(60)).pairs[0].last_complete == at(10)
        assert store.prune(at(1000)).audits == 3


def test_an_upgrade_that_breaks_off_leaves_the_old_version(old_url: str):
    """Half an upgrade would be no version at all; when what was in its way is gone, the next try does it whole."""
    before = contents(old_url)
    execute(old_url, "CREATE TABLE pair_summaries (mine INTEGER)")
    with pytest.raises(StoreError, match="pair_summaries"):
        schema.upgrade(old_url)
    assert schema.current(old_url) == "0001"
    assert contents(old_url) == before
    execute(old_url, "DROP TABLE pair_summaries")
    assert schema.upgrade(old_url) == schema.Upgrade("0001", schema.HEAD)


def test_a_damaged_audit_does_not_keep_a_store_from_its_upgrade(old_url: str):
    """Its scores by category are not known then, until the next audit; all else is."""
    execute(old_url, "UPDATE audits SET body = (SELECT body FROM cache)")
    schema.upgrade(old_url)
    with Store.open(old_url) as store:
        (pair,) = store.gauges([("staging", "prod")], {}, at(60)).pairs
    assert (pair.score, pair.scores, pair.last_audit, pair.last_complete) == (0.75, {}, at(20), at(10))
