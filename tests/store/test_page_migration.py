from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import create_engine, insert, select, text, update
from sqlalchemy.exc import DatabaseError

from auditor.model import Category, Severity, Side, Status
from auditor.store import DayPoint, FindingQuery, Store, schema
from auditor.store.database import parse
from auditor.store.tables import SEARCHED, AuditRow, FindingRow, TrailRow
from tests.store import older
from tests.store.samples import at, breach, run

HOSTILE = "\0nul \ud800 half 'quotes' %_/ ‮ " + "İ" * 5000
BREACHES = [
    breach("plain", owner="shop", cause="three of one cause", cause_key="cause/one"),
    breach("nobody", owner="", severity=Severity.CRITICAL, category=Category.CONFIG, path=("a.b", "", "\x1d#1", "c")),
    breach("long", identity=HOSTILE, owner=HOSTILE, cause_key=HOSTILE, message=HOSTILE, kind="k" * 300),
    breach("alone", left=Side("staging", None, None), suggestion="orders-production", path=()),
    breach("gone", severity=Severity.INFO),
]
TRAIL = "the trail is an audit log and is never changed or deleted"


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store of this version with four audits of two pairs: on the first day two, one finding of which is gone since."""
    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('lived') / 'auditor.db'}") as store:
        run(store, "a1", BREACHES, at(0))
        run(store, "a2", BREACHES[:-1], at(15))
        run(store, "b1", [], at(20), left="dev", right="staging")
        run(store, "a3", BREACHES[:-1], at(24 * 60))
        yield store


@pytest.fixture
def old_url(lived: Store, empty_url: str) -> str:
    """The same as version 0004 would have kept it."""
    older.make(empty_url, "0004")
    older.copy(lived, empty_url)
    return empty_url


def searched(url: str) -> dict[str, tuple[Any, ...]]:
    engine = create_engine(parse(url))
    columns = [FindingRow.__table__.columns[name] for name in SEARCHED]
    with engine.connect() as connection:
        found = {row.fingerprint: tuple(row) for row in connection.execute(select(*columns))}
    engine.dispose()
    return found


def test_old_findings_are_found_like_new_ones(old_url: str, lived: Store):
    """What they are searched for by is made from their bodies, in every batch, as the program makes it."""
    engine = create_engine(parse(old_url))
    with engine.begin() as connection:
        old = connection.execute(text("SELECT * FROM findings WHERE fingerprint = 'fp-plain'")).mappings().one()
        names = ", ".join(old)
        places = ", ".join(f":{name}" for name in old)
        many = [{**old, "fingerprint": f"many-{number:04}"} for number in range(1100)]
        connection.execute(text(f"INSERT INTO findings ({names}) VALUES ({places})"), many)
    engine.dispose()
    assert schema.upgrade(old_url) == schema.Upgrade("0004", schema.HEAD)
    found = searched(old_url)
    fresh = searched(str(lived._database.url))
    assert {name: found[name] for name in fresh} == fresh
    assert {row[0:4] + row[5:] for name, row in found.items() if name.startswith("many-")} == {
        fresh["fp-plain"][0:4] + fresh["fp-plain"][5:]
    }
    assert len(found) == len(BREACHES) + 1100
    plain, nobody, alone = (
        dict(zip(SEARCHED, fresh[f"fp-{name}"], strict=True)) for name in ("plain", "nobody", "alone")
    )
    assert (plain["kind"], plain["rule"], plain["rank"]) == ("aws.rds.instance", "default/engine-version", 3)
    assert (plain["owner"], plain["cause"], plain["suggested"]) == ("shop", "cause/one", False)
    assert plain["words"] == (
        "plain-{env} plain-staging plain-prod engine_version aws.rds.instance default/engine-version shop "
        "runs on another engine three of one cause"
    )
    assert (nobody["owner"], nobody["rank"], nobody["path"]) == (None, 4, '"a.b"."".*.c')
    assert (alone["suggested"], alone["path"]) == (True, "")


def test_names_of_any_length_fit_into_the_index(old_url: str):
    """An entry of PostgreSQL's index holds some 2,700 bytes; two long names that end differently stay two."""
    schema.upgrade(old_url)
    with Store.open(old_url) as store:
        other = breach("longer", identity=f"{HOSTILE}!", owner=f"{HOSTILE}!", cause_key=f"{HOSTILE}!")
        run(store, "a4", [*BREACHES[:-1], other], at(2000))
        for made in (BREACHES[2], other):
            assert [one.breach for one in store.search(FindingQuery(owners=[str(made.owner)])).items] == [made]
            assert [one.breach for one in store.search(FindingQuery(cause=made.cause_key)).items] == [made]
        assert store.search(FindingQuery(text="half 'quotes' %_/")).total == 2
    rows = searched(old_url)
    assert max(sum(len(str(value).encode()) for value in row) for row in rows.values()) < 2000


def test_a_damaged_body_does_not_keep_a_store_from_its_upgrade(old_url: str):
    """That finding has its severity still, and is told to be damaged when it is read."""
    engine = create_engine(parse(old_url))
    with engine.begin() as connection:
        connection.execute(update(FindingRow).where(FindingRow.fingerprint == "fp-nobody").values(body=b"no content"))
        connection.execute(update(AuditRow).values(body=b"no content"))
    engine.dispose()
    schema.upgrade(old_url)
    row = dict(zip(SEARCHED, searched(old_url)["fp-nobody"], strict=True))
    assert (row["rank"], row["kind"], row["words"], row["owner"]) == (4, "", "", None)
    with Store.open(old_url) as store:
        assert [pair.gaps for pair in store.pair_summaries([("staging", "prod")])] == [0]


def test_old_audits_make_summaries_and_days(old_url: str):
    """The last audit of each pair, and the last of each of its days; how many findings were open then nobody knows."""
    schema.upgrade(old_url)
    with Store.open(old_url, clock=lambda: at(24 * 60)) as store:
        pairs = [("staging", "prod"), ("dev", "staging"), ("never", "audited")]
        found = {(one.left, one.audit, one.complete, one.gaps) for one in store.pair_summaries(pairs)}
        assert found == {("staging", "a3", False, 1), ("dev", "b1", False, 1)}
        days = store.trend(pairs)
        assert days["staging", "prod"] == (
            DayPoint(date(2026, 3, 1), 0.75, 0.9, None, 2, 2),
            DayPoint(date(2026, 3, 2), 0.75, 0.9, None, 1, 1),
        )
        assert days["dev", "staging"] == (DayPoint(date(2026, 3, 1), 0.75, 0.9, None, 1, 1),)
        run(store, "a4", BREACHES[:1], at(24 * 60 + 1))
        (_, last) = store.trend(pairs)["staging", "prod"]
        assert (last.audits, last.incomplete) == (2, 2)
        assert last.open == {**dict.fromkeys(Severity, 0), Severity.HIGH: 1}


def test_the_database_refuses_to_rewrite_the_trail(old_url: str):
    """Whoever may write to the store, with whatever program: what was done and tried stays."""
    schema.upgrade(old_url)
    engine = create_engine(parse(old_url))
    done = {"at": at(0), "actor": "ana", "via": "token", "action": "waive", "subject": "fp-1", "outcome": "done"}
    with engine.begin() as connection:
        connection.execute(insert(TrailRow), [{**done, "address": "127.0.0.1", "detail": ""}] * 2)
    statements = ["UPDATE trail SET actor = 'nobody'", "DELETE FROM trail WHERE id = 2"]
    columns = "at, 'nobody', via, action, subject, outcome, address, detail FROM trail"
    replacing = f"INSERT OR REPLACE INTO trail SELECT id, {columns}"
    for statement in [*statements, replacing if engine.dialect.name == "sqlite" else "TRUNCATE trail"]:
        with pytest.raises(DatabaseError) as caught, engine.begin() as connection:
            connection.execute(text(statement))
        assert TRAIL in str(caught.value.orig), statement
    with engine.connect() as connection:
        rows = connection.execute(select(TrailRow.id, TrailRow.at, TrailRow.actor)).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [(1, at(0), "ana"), (2, at(0), "ana")]


def test_findings_that_were_open_are_counted_for_the_day(store: Store):
    """Those that somebody silenced or a rule still tolerates are not; the day is UTC's."""
    run(store, "a1", BREACHES, at(0))
    silenced = replace(store.finding("fp-plain"), status=Status.ACKNOWLEDGED)
    store.record_acts("staging", "prod", [silenced], [])
    night = datetime(2026, 3, 2, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    run(store, "a2", [*BREACHES, breach("tolerated", tolerated_for=timedelta(hours=1))], night)
    (day,) = store.trend([("staging", "prod")], days=100_000)["staging", "prod"]
    counts = {Severity.CRITICAL: 1, Severity.HIGH: 2, Severity.MEDIUM: 0, Severity.LOW: 0, Severity.INFO: 1}
    assert day == DayPoint(date(2026, 3, 1), 0.75, 0.9, counts, 2, 2)
