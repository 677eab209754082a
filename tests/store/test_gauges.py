from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, event

from auditor.gauges import CollectorGauge, Deployed, EnvironmentGauges, Gauges, PairGauges
from auditor.life import live
from auditor.model import Category, Gap, GapReason, Listing, Severity, Status
from auditor.notices import NoticeKind, Telling
from auditor.store import Store
from auditor.store.database import parse
from tests.store.samples import at, audit, breach, resource, run, snapshot
from tests.store.tellings import HOOK, deliver, fail, notice, opening, put, reply, topic

PAIR = ("staging", "prod")


def of(store: Store, now: float = 60, pair: tuple[str, str] = PAIR) -> PairGauges:
    (gauges,) = store.gauges([pair], {}, at(now)).pairs
    return gauges


def collected(store: Store, environment: str, *collectors: str) -> list[float | None]:
    """Minutes after the start when each collector last read everything."""
    gauges = store.gauges([], {environment: collectors}, at(0)).collectors
    assert [(gauge.environment, gauge.collector) for gauge in gauges] == [(environment, name) for name in collectors]
    return [
        None if gauge.last_success is None else (gauge.last_success - at(0)).total_seconds() / 60 for gauge in gauges
    ]


def test_an_empty_store_has_gauges_too(store: Store):
    """Each pair, environment and collector that is configured is there, with nothing known of it."""
    assert store.gauges([PAIR], {"staging": ["aws", "files"]}, at(0)) == Gauges(
        pairs=(PairGauges("staging", "prod", {}),),
        environments=(EnvironmentGauges("staging", None, {}, {}),),
        collectors=(CollectorGauge("staging", "aws", None), CollectorGauge("staging", "files", None)),
        pending={},
        failed={},
        oldest_pending=None,
    )


def test_unresolved_findings_are_counted_as_by_hand(store: Store):
    """300 findings of three pairs with random sorts and lives: the counts and the oldest are those of the findings."""
    chance = random.Random(5)
    pairs = [PAIR, ("dev", "staging"), ("prod", "staging")]
    for left, right in pairs:
        made = [
            breach(
                f"{left}-{number}",
                severity=chance.choice([*Severity]),
                category=chance.choice([*Category]),
                tolerated_for=timedelta(minutes=chance.choice([0, 0, 2, 500])),
            )
            for number in range(100)
        ]
        for minute in range(4):
            run(store, f"{left}-{minute}", chance.sample(made, 60), at(minute), left=left, right=right)
        known = store.previous(left, right)
        silenced = [
            replace(known[name], status=chance.choice([Status.WAIVED, Status.ACKNOWLEDGED]))
            for name in chance.sample(sorted(known), 20)
            if known[name].status is Status.OPEN
        ]
        store.record_acts(left, right, silenced, ())
    counts: dict[tuple[str, str], Counter[tuple[Category, Severity, Status]]] = defaultdict(Counter)
    for left, right in pairs:
        for found in store.previous(left, right).values():
            if found.status is not Status.RESOLVED:
                counts[left, right][found.breach.category, found.breach.severity, found.status] += 1
    gauges = store.gauges(pairs[:2], {}, at(60)).pairs
    assert [(item.left, item.right, dict(item.findings)) for item in gauges] == [
        (*pair, dict(counts[pair])) for pair in pairs[:2]
    ]
    assert len({status for item in gauges for _, _, status in item.findings}) == 5
    told = store.findings(*PAIR, status={Status.OPEN, Status.REGRESSED})
    assert gauges[0].oldest_open == min(item.opened_at for item in told if item.opened_at)


def test_what_nobody_is_told_of_any_more_is_not_the_oldest_open(store: Store):
    """Silenced and tolerated findings are counted, but nobody waits for them."""
    run(store, "a1", [breach()], at(0))
    run(store, "a2", [breach(), breach("web"), breach("new", tolerated_for=timedelta(days=1))], at(1))
    assert of(store).oldest_open == at(0)
    store.record_acts(*PAIR, [replace(store.finding("fp-orders"), status=Status.ACKNOWLEDGED)], ())
    assert of(store).oldest_open == at(1)
    assert sum(of(store).findings.values()) == 3


def test_scores_are_those_of_the_last_audit(store: Store):
    """And last complete is when one last observed everything, however many did not since."""
    run(store, "a0", [], at(0))
    assert (of(store).last_audit, of(store).last_complete) == (at(0), None)
    whole = replace(audit("a1", live({}, [], lambda _: True, at(1), "a1"), at(1)), gaps=(), score=None, scores={})
    whole = replace(whole, coverage=replace(whole.coverage, ratio=1.0))
    store.record_audit(whole, ("staging-a0", "prod-a0"), live({}, [], lambda _: True, at(1), "a1"))
    assert of(store) == PairGauges(*PAIR, {}, None, {}, 1.0, at(1), at(1))
    run(store, "a2", [], at(2))
    scores = {Category.DATABASE: 0.5, Category.COMPUTE: 1.0}
    assert of(store) == PairGauges(*PAIR, {}, 0.75, scores, 0.9, at(2), at(1))


def test_pruning_takes_no_gauge_away(store: Store):
    """When an audit was last complete, and a collector last successful, outlives the audit and the snapshot."""
    store.save_snapshot(replace(snapshot("whole"), gaps=()))
    life = live({}, [], lambda _: True, at(0), "a0")
    whole = replace(audit("a0", life, at(0)), gaps=())
    store.record_audit(replace(whole, coverage=replace(whole.coverage, ratio=1.0)), ("whole", "whole"), life)
    run(store, "a1", [breach()], at(1))
    environments = {"staging": ["aws"], "prod": ["aws"]}
    before = store.gauges([PAIR], environments, at(60))
    assert (before.pairs[0].last_complete, before.collectors[0].last_success) == (at(0), at(0))
    assert (store.prune(at(1000)).audits, store.audits()[0].id) == (1, "a1")
    assert store.gauges([PAIR], environments, at(60)) == before


def test_flapping_findings_came_back_three_times_within_a_week(store: Store):
    """Not those that came back twice, nor what only got worse, nor what came back long ago."""
    day = 24 * 60
    for minute in range(8):
        seen = [breach("thrice"), breach("often", severity=[*Severity][4 - minute // 2])] if minute % 2 == 0 else []
        twice = [breach("twice")] if minute in (0, 2, 4) else []
        run(store, f"a{minute}", [*seen, *twice], at(minute))
    run(store, "b", [breach("other")], at(0), left="dev", right="prod")
    assert of(store, 10).flapping == 2
    assert of(store, 10, ("dev", "prod")).flapping == 0
    # The first return, at minute 2, is more than seven days ago: two are left.
    assert of(store, 7 * day + 1.9).flapping == 2
    assert of(store, 7 * day + 2).flapping == 0


def test_a_rise_in_severity_is_no_return(store: Store):
    """A regressed finding that gets worse again and again is one return."""
    run(store, "a0", [breach(severity=Severity.INFO)], at(0))
    run(store, "a1", [], at(1))
    for minute, severity in enumerate([*Severity][::-1], start=2):
        run(store, f"a{minute}", [breach(severity=severity)], at(minute))
    events = store.events("fp-orders")
    assert sum(event.to_status is Status.REGRESSED for event in events) == 5
    assert of(store).flapping == 0


def test_an_environment_is_shown_as_in_its_newest_snapshot(store: Store):
    """Resources by kind, gaps by reason, what is deployed; of the snapshot that was saved last."""
    app = replace(
        resource("api", container_definitions={"app": {"image": "registry.example.com/api:1.2.0"}}),
        kind="aws.ecs.task_definition",
        component="stg-api",
    )
    gap = Gap("staging", "aws:1", "aws.ecs.*", GapReason.THROTTLED, "Rate exceeded")
    newest = replace(
        snapshot("s2", taken_at=at(2), resources=[resource("a"), resource("b"), app]),
        gaps=(gap, gap, replace(gap, reason=GapReason.TIMEOUT)),
    )
    store.save_snapshot(snapshot("s1", taken_at=at(1)))
    store.save_snapshot(newest, ["staging", "stg"])
    (shown,) = store.gauges([], {"staging": []}, at(60)).environments
    assert shown == EnvironmentGauges(
        "staging",
        at(2),
        {"aws.rds.instance": 2, "aws.ecs.task_definition": 1},
        {GapReason.THROTTLED: 2, GapReason.TIMEOUT: 1},
        (Deployed("api", "1.2.0"),),
    )
    store.save_snapshot(snapshot("s3", taken_at=at(3), resources=()))
    (shown,) = store.gauges([], {"staging": []}, at(60)).environments
    assert (shown.taken_at, shown.resources, shown.deployed) == (at(3), {}, ())


def test_a_collector_succeeded_when_it_read_something_and_left_no_gap(store: Store):
    """In any of its sources. What it never was asked for in an environment it never read."""

    def took(minute: float, *gaps: str) -> None:
        found = (Gap("staging", source, "*", GapReason.TIMEOUT, "no answer") for source in gaps)
        listings = (Listing("files:deploy", "*"), Listing("aws:1", "aws.*"), Listing("aws:2", "aws.*"))
        made = replace(snapshot(f"s{minute}", taken_at=at(minute), resources=()), listings=listings)
        store.save_snapshot(replace(made, gaps=tuple(found)))

    took(1)
    took(2, "aws:2")
    took(3, "postgres:db/shop")
    took(4, "aws:1", "files:deploy", "postgres:db/shop")
    assert collected(store, "staging", "aws", "files", "postgres", "http") == [3, 3, None, None]
    assert collected(store, "prod", "aws") == [None]


def test_notices_are_counted_by_publisher(store: Store):
    """Pending and failed; delivered ones are history."""
    put(store, *(notice(f"a{number}") for number in range(3)), notice("b", target="slack:#ops"))
    put(store, notice("c", target=HOOK), notice("d", target=HOOK), notice("e", target="alertmanager:http://am:9093"))
    deliver(store, "a0", 1)
    for name in ("a1", "c"):
        fail(store, name, 1)
    gauges = store.gauges([], {}, at(60))
    assert gauges.pending == {"slack": 2, "webhook": 1, "alertmanager": 1}
    assert gauges.failed == {"slack": 1, "webhook": 1}


@pytest.mark.parametrize("minute, oldest", [(0.5, None), (1, 1), (30, 1), (60, 0)])
def test_the_oldest_pending_notice_is_the_one_that_could_have_been_sent_first(
    store: Store, minute: float, oldest: float | None
):
    """Quiet hours are no delay, neither its own nor those of the first notice that it has to follow."""
    put(
        store,
        opening("o", "t1", created_at=at(0), not_before=at(50)),
        reply("r", "t1", created_at=at(0), not_before=at(0)),
        notice("n", created_at=at(0.2), not_before=at(1)),
        topics=(topic(),),
    )
    fail(store, "n", 1, 500)
    assert store.gauges([], {}, at(minute)).oldest_pending == (None if oldest is None else at(oldest))


def test_a_digest_counts_like_any_notice(store: Store):
    """Whatever is told is watched."""
    put(store, notice("n", NoticeKind.DIGEST, created_at=at(3), not_before=at(4)))
    gauges = store.gauges([], {}, at(5))
    assert (gauges.pending, gauges.oldest_pending) == ({"slack": 1}, at(4))


def test_gauges_survive_a_restart(store: Store, url: str):
    """They are read from the store, by every copy alike."""
    run(store, "a1", [breach()], at(0))
    store.record_acts(*PAIR, (), (), Telling(notices=(notice("n"),)))
    asked = ([PAIR], {"staging": ["aws"], "prod": ["aws"]}, at(60))
    with Store.open(url) as again:
        assert again.gauges(*asked) == store.gauges(*asked) == again.gauges(*asked)


def test_counting_touches_no_resolved_finding(store: Store, url: str):
    """What either database does for the very statements of a scrape: no walk through findings, events or notices."""
    statements: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        statements.append((statement, parameters))

    run(store, "a1", [breach()])
    event.listen(store._database._engine, "before_cursor_execute", note)
    store.gauges([PAIR], {"staging": ["aws"]}, at(1))
    engine = create_engine(parse(url))
    sqlite = engine.dialect.name == "sqlite"
    walks = re.compile(
        r"SCAN (findings|events|notices)(?! USING COVERING INDEX ix_)|Seq Scan on (findings|events|notices)"
    )
    plans = ""
    with engine.connect() as connection:
        if not sqlite:
            # Tables this small are read as a whole otherwise.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, parameters in statements:
            if re.search(r"(FROM|JOIN) (findings|events|notices)", statement):
                explain = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN"
                rows = connection.exec_driver_sql(f"{explain} {statement}", parameters)
                plans += "\n".join(str(row[-1]) for row in rows) + "\n"
    engine.dispose()
    assert walks.findall(plans) == []
    # The index of searches holds unresolved findings only, too; PostgreSQL takes either where there are few.
    for index in ("ix_findings_(unresolved|search)", "ix_events_regressed", "ix_notices_pending", "ix_notices_failed"):
        assert re.search(index, plans)
