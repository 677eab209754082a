"""What is last was recorded last. A clock that ran an hour ahead and is set back makes nothing new look old."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, event, text

from auditor.life import live
from auditor.model import Audit, GapReason
from auditor.notices import GAPS
from auditor.store import Store
from auditor.store.database import parse
from tests.store.samples import at, audit, breach, run, snapshot
from tests.store.tellings import put, topic

PAIR = ("staging", "prod")
HOUR = 60
AHEAD, TRUE = at(HOUR), at(1)


def whole(made: Audit) -> Audit:
    return replace(made, gaps=(), coverage=replace(made.coverage, ratio=1.0))


def record(store: Store, made: Audit) -> None:
    """An audit that observed everything, of two snapshots of its own that did so too."""
    for environment in PAIR:
        kept = snapshot(f"{environment}-{made.id}", environment, made.finished_at, resources=())
        store.save_snapshot(replace(kept, gaps=()))
    life = live(store.previous(*PAIR), [], lambda _: True, made.finished_at, made.id)
    store.record_audit(made, (f"staging-{made.id}", f"prod-{made.id}"), life)


@pytest.fixture
def stepped(store: Store) -> Store:
    """One whole audit by a clock an hour ahead, then one with gaps by the true time; that one is recorded last."""
    record(store, whole(audit("a0", live({}, [], lambda _: True, AHEAD, "a0"), AHEAD)))
    run(store, "a1", [breach()], TRUE)
    return store


def test_the_last_audit_and_the_latest_snapshot_are_those_recorded_last(stepped: Store):
    """So are the first of each list; a list of times still goes by time."""
    last, latest = stepped.last_audit(*PAIR), stepped.latest_snapshot("staging")
    assert (last and last.id, latest and latest.id) == ("a1", "staging-a1")
    assert [item.id for item in stepped.audits()] == ["a1", "a0"]
    assert [item.id for item in stepped.audits(*PAIR, limit=1)] == ["a1"]
    assert [item.id for item in stepped.snapshots()] == ["prod-a1", "staging-a1", "prod-a0", "staging-a0"]
    assert [item.id for item in stepped.snapshots("staging", limit=1)] == ["staging-a1"]
    assert [item.id for item in stepped.snapshots("staging", since=at(2))] == ["staging-a0"]


def test_what_was_recorded_after_a_snapshot_is_told_by_its_order(stepped: Store):
    """Whatever its time; nothing is after what is not there."""
    assert [item.id for item in stepped.snapshots("staging", after="staging-a0")] == ["staging-a1"]
    assert [item.id for item in stepped.snapshots(after="staging-a1")] == ["prod-a1"]
    assert stepped.snapshots("staging", after="staging-a1") == ()
    assert stepped.snapshots("staging", after="staging") == ()


def test_gauges_show_what_was_recorded_last(stepped: Store):
    """Score, coverage, times and gaps; when one was last complete is when the last complete one was."""
    asked = ([PAIR], {"staging": ["aws"], "prod": ["aws"]}, at(2))
    gauges = stepped.gauges(*asked)
    pair, (staging, _prod) = gauges.pairs[0], gauges.environments
    assert (pair.last_audit, pair.coverage, pair.last_complete) == (TRUE, 0.9, AHEAD)
    assert (staging.taken_at, staging.gaps) == (TRUE, {GapReason.THROTTLED: 1})
    assert [item.last_success for item in gauges.collectors] == [AHEAD, AHEAD]
    later = at(3)
    record(stepped, whole(audit("a2", live({}, [], lambda _: True, later, "a2"), later)))
    gauges = stepped.gauges(*asked)
    assert (gauges.pairs[0].last_audit, gauges.pairs[0].last_complete) == (later, later)
    assert [item.last_success for item in gauges.collectors] == [later, later]
    assert [(item.taken_at, item.gaps) for item in gauges.environments] == [(later, {}), (later, {})]


def test_a_conversation_about_gaps_shows_those_of_the_audit_recorded_last(stepped: Store):
    """Not that there are none, as in the future that never was."""
    put(stepped, topics=(topic(cause_key=GAPS),))
    assert [gap.reason for gap in stepped.conversation("t1").gaps] == [GapReason.ACCESS_DENIED]


def test_what_is_recorded_again_does_not_become_the_last(stepped: Store):
    """Who tries again after a lost answer takes no place from what came in between, in no list and no gauge."""
    first = stepped.audit("a0")
    asked = ([PAIR], {"staging": ["aws"]}, at(2))
    before = (stepped.gauges(*asked), stepped.audits(), stepped.snapshots())
    stepped.save_snapshot(stepped.load_snapshot("staging-a0"))
    stepped.record_audit(first, ("staging-a0", "prod-a0"), live({}, [], lambda _: True, AHEAD, "a0"))
    assert (stepped.gauges(*asked), stepped.audits(), stepped.snapshots()) == before


def test_pruning_keeps_what_was_recorded_last(stepped: Store):
    """What the clock said once is no reason to keep it, nor to let go of what all is shown from."""
    gauges = stepped.gauges([PAIR], {"staging": ["aws"]}, at(2))
    pruned = stepped.prune(at(1000))
    assert (pruned.audits, pruned.snapshots) == (1, 2)
    assert [item.id for item in stepped.audits()] == ["a1"]
    assert [item.id for item in stepped.snapshots()] == ["prod-a1", "staging-a1"]
    assert stepped.gauges([PAIR], {"staging": ["aws"]}, at(2)) == gauges


def test_an_older_databases_summaries_are_of_what_was_recorded_last(stepped: Store, url: str):
    """They are made up for when they are asked for: the last snapshot, and each collector's last success."""
    engine = create_engine(parse(url))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM snapshot_summaries"))
        connection.execute(text("DELETE FROM collector_successes"))
    engine.dispose()
    gauges = stepped.gauges([], {"staging": ["aws"]}, at(2))
    assert (gauges.environments[0].taken_at, gauges.collectors[0].last_success) == (TRUE, AHEAD)


def test_many_writers_at_once_get_one_order_for_each_environment_and_pair(store: Store, url: str):
    """Eight threads on two pairs: in each, no number twice, and gauges are those of the greatest."""

    def write(number: int) -> None:
        left = ("dev", "staging")[number % 2]
        run(store, f"a{number}", [], at(-number), left=left, right="prod")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(24)))
    engine = create_engine(parse(url))
    with engine.connect() as connection:
        snapshots = connection.execute(text("SELECT environment, sequence FROM snapshots")).all()
        audits = connection.execute(text("SELECT left_environment, sequence FROM audits")).all()
    engine.dispose()
    assert (len(snapshots), len(audits)) == (48, 24)
    assert (len(set(snapshots)), len(set(audits))) == (48, 24)
    assert all(sequence > 0 for _, sequence in [*snapshots, *audits])
    gauges = store.gauges([("dev", "prod"), ("staging", "prod")], {"dev": [], "staging": [], "prod": []}, at(1))
    for pair in gauges.pairs:
        assert pair.last_audit == store.audits(pair.left, pair.right)[0].finished_at
    for shown in gauges.environments:
        assert shown.taken_at == store.snapshots(shown.environment)[0].taken_at


def test_looking_for_what_is_last_walks_through_nothing(store: Store, url: str):
    """Either database finds the last audit, the latest snapshot and the next number by an index, without sorting."""
    statements: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        statements.append((statement, parameters))

    run(store, "a1", [breach()], at(0))
    event.listen(store._database._engine, "before_cursor_execute", note)
    run(store, "a2", [breach()], at(1))
    store.last_audit(*PAIR)
    store.latest_snapshot("staging")
    store.audits(limit=1)
    engine = create_engine(parse(url))
    sqlite = engine.dialect.name == "sqlite"
    plans = []
    with engine.connect() as connection:
        if not sqlite:
            # Tables this small are read as a whole otherwise, and sorted.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_sort = off")
        for statement, parameters in statements:
            if re.search(r"max\((audits|snapshots)\.sequence|ORDER BY (audits|snapshots)\.sequence", statement):
                rows = connection.exec_driver_sql(
                    f"{'EXPLAIN QUERY PLAN' if sqlite else 'EXPLAIN'} {statement}", parameters
                )
                plans.append("\n".join(str(row[-1]) for row in rows))
    engine.dispose()
    assert len(plans) == 6
    whole_walk = re.compile(
        r"SCAN (audits|snapshots)(?! USING (COVERING )?INDEX)|Seq Scan|USE TEMP B-TREE FOR ORDER BY"
    )
    assert [plan for plan in plans if whole_walk.search(plan)] == []
    for index in (
        "ix_audits_left_environment_right_environment_sequence",
        "ix_snapshots_environment_sequence",
        "ix_audits_sequence",
        "ix_snapshots_sequence",
    ):
        assert index in "\n".join(plans)
