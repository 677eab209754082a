from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, event

from auditor.life import StoredFinding
from auditor.model import ABSENT, Breach, Category, Severity, Side, Status
from auditor.store import Facets, FindingQuery, Order, Store, search
from auditor.store.database import parse
from tests.store.samples import at, breach

PAIRS = (("staging", "prod"), ("dev", "staging"))
ALIVE = tuple(status for status in Status if status is not Status.RESOLVED)
KINDS = ("aws.rds.instance", "aws.rds.cluster", "aws.rdsx.thing", "env.file")
OWNERS = (None, "shop", "Shop")
WORDS = ("orders", "carts", "engine", "100%", "a_b", "straße")


def made(number: int) -> StoredFinding:
    """One of many: each number is another mixture, and no two of the lists they are filtered by go in step."""
    left, right = PAIRS[number % 2]
    status = tuple(Status)[number % 6]
    mine = breach(
        f"{number * 7919 % 997:03}",
        severity=tuple(Severity)[number % 5],
        category=tuple(Category)[number % 3],
        kind=KINDS[number % 4],
        identity=f"{WORDS[number % 6]}-{'abc'[number % 3]}",
        path=("engine", "vx"[number % 2]),
        left=Side(left, "Left Name", 1),
        right=Side(right, None, ABSENT),
        message=f"{WORDS[number % 5]} differs",
        owner=OWNERS[number % 3],
        cause_key=("one", None, "two", None)[number % 4],
        suggestion="perhaps-this" if number % 7 == 0 else None,
    )
    first = at(number // 4)
    return StoredFinding(mine, status, first, first + timedelta(hours=number % 3), first, first)


FINDINGS = tuple(made(number) for number in range(60))


@pytest.fixture(scope="module")
def filled(shared_url: str) -> Iterator[Store]:
    """For reading only."""
    with Store.open(shared_url) as store:
        fill(store)
        yield store


def fill(store: Store) -> Store:
    for pair in PAIRS:
        store.record_acts(*pair, [one for one in FINDINGS if pair_of(one) == pair], [])
    return store


def pair_of(stored: StoredFinding) -> tuple[str, str]:
    return stored.breach.left.environment, stored.breach.right.environment


def names(found: Collection[StoredFinding]) -> list[str]:
    return [one.fingerprint for one in found]


def expected(query: FindingQuery) -> list[str]:
    """What a list should hold, told without a database."""
    alive = [one for one in FINDINGS if one.status in (query.statuses or ALIVE) and one.status is not Status.RESOLVED]
    gone = [one for one in FINDINGS if one.status in (query.statuses or ()) and one.status is Status.RESOLVED]
    down = query.order in (Order.SEVERITY, Order.NEWEST)
    alive = sorted((one for one in alive if fits(query, one)), key=lambda one: key(query.order, one), reverse=down)
    gone = sorted(
        (one for one in gone if fits(query, one)),
        key=lambda one: (one.last_seen, one.fingerprint),
        reverse=query.order is not Order.OLDEST,
    )
    return names([*alive, *gone])


def key(order: Order, stored: StoredFinding) -> tuple[Any, ...]:
    mine = stored.breach
    if order is Order.RESOURCE:
        return mine.kind, mine.identity, ".".join(mine.path), stored.fingerprint
    return (mine.severity.rank if order is Order.SEVERITY else 0, stored.first_seen, stored.fingerprint)


def fits(query: FindingQuery, stored: StoredFinding) -> bool:
    mine = stored.breach
    return (
        query.left in (None, mine.left.environment)
        and query.right in (None, mine.right.environment)
        and (not query.severities or mine.severity in query.severities)
        and (query.min_severity is None or mine.severity.rank >= query.min_severity.rank)
        and (not query.categories or mine.category in query.categories)
        and (not query.kinds or any(of_kind(kind, mine) for kind in query.kinds))
        and (not query.owners or (mine.owner or "") in query.owners)
        and query.rule in (None, f"{mine.rule.policy}/{mine.rule.id}")
        and query.cause in (None, mine.cause_key)
        and all(word in text(mine) for word in stored_text(query.text).split())
        and (query.older_than is None or stored.first_seen < query.older_than)
        and (query.newer_than is None or stored.first_seen >= query.newer_than)
        and query.suggested in (None, mine.suggestion is not None)
    )


def stored_text(given: str) -> str:
    """As no database refuses it."""
    return given.replace("\0", "").replace("\ud800", "?").lower()


def of_kind(wanted: str, mine: Breach) -> bool:
    return mine.kind.startswith(wanted[:-1]) if wanted.endswith(".*") else mine.kind == wanted


def text(mine: Breach) -> str:
    said = (mine.identity, mine.left.identity, ".".join(mine.path), mine.kind, "default/engine-version", mine.owner)
    return " ".join(part for part in (*said, mine.message) if part).lower()


FILTERS: dict[str, list[Any]] = {
    "left": ["staging", "dev", "none"],
    "right": ["prod", "staging"],
    "severities": [{severity} for severity in Severity] + [{Severity.LOW, Severity.INFO}],
    "min_severity": [*Severity],
    "categories": [{Category.COMPUTE}, {Category.COMPUTE, Category.DATABASE}, set(Category)],
    "kinds": [[KINDS[0]], [KINDS[3], "aws.rds.*"], ["aws.*"], ["AWS.*"], ["aws.rds*"], ["rds.*"]],
    "owners": [[""], ["shop"], ["Shop"], ["", "Shop"], ["nobody"]],
    "rule": ["default/engine-version", "default/other"],
    "cause": ["one", "two", "three"],
    "text": [*WORDS, "ORDERS engine", "%", "_", "left-name", "Straße V", "differs shop", "a\0b", "\ud800", " carts "],
    "older_than": [at(10), at(0)],
    "newer_than": [at(3), at(500)],
    "suggested": [True, False],
}
STATUSES = (
    None,
    (),
    ALIVE,
    {Status.OPEN, Status.WAIVED},
    {Status.RESOLVED},
    {Status.RESOLVED, Status.OPEN},
    set(Status),
)
some = st.sets(st.sampled_from(sorted(FILTERS)), max_size=3).flatmap(
    lambda chosen: st.builds(
        FindingQuery,
        statuses=st.sampled_from(STATUSES),
        order=st.sampled_from(Order),
        **{name: st.sampled_from(FILTERS[name]) for name in chosen},
    )
)


def paged(store: Store, query: FindingQuery, limit: int) -> list[str]:
    """The whole list, put together from its pages."""
    found: list[str] = []
    cursor = None
    for _ in range(200):
        page = store.search(query, cursor, limit)
        assert len(page.items) <= limit
        assert page.items or page.next is None or query.resolved
        assert page.total == (None if query.resolved else len(expected(query)))
        found += names(page.items)
        cursor = page.next
        if cursor is None:
            break
    return found


def test_each_filter_keeps_what_it_says(filled: Store, monkeypatch: pytest.MonkeyPatch):
    """Every value of each, of unresolved and of all findings, in every order, where no page looks at many resolved ones."""
    monkeypatch.setattr(search, "WINDOW", 3)
    asked = [{}, *({name: value} for name, values in FILTERS.items() for value in values)]
    for number, one in enumerate(asked):
        query = FindingQuery(statuses=(None, set(Status))[number % 2], order=tuple(Order)[number % 4], **one)
        assert paged(filled, query, 25) == expected(query), query
    for order in Order:
        query = FindingQuery("staging", "prod", statuses=set(Status), order=order, text="orders")
        assert paged(filled, query, 25) == expected(query), query


@given(query=some, limit=st.integers(2, 25), window=st.integers(2, 8))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_give_what_fits_in_order_and_once(
    filled: Store, monkeypatch: pytest.MonkeyPatch, query: FindingQuery, limit: int, window: int
):
    """Whatever is asked for, however long a page is, and however few resolved ones it may look at."""
    monkeypatch.setattr(search, "WINDOW", window)
    assert paged(filled, query, limit) == expected(query)


@given(query=some)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_facets_count_what_each_choice_would_leave(filled: Store, query: FindingQuery):
    """All other filters stay as they are; resolved findings are not counted."""
    counts = filled.facets(query)
    alive = replace(query, statuses=query.statuses or ALIVE)
    by = {one.fingerprint: one for one in FINDINGS}

    def left(told: Any, **without: Any) -> dict[Any, int]:
        asked = replace(alive, **without)
        fitting = (by[name] for name in expected(asked))
        return dict(Counter(told(one) for one in fitting if one.status is not Status.RESOLVED))

    assert counts == Facets(
        severity=left(lambda one: one.breach.severity, severities=None, min_severity=None),
        status=left(lambda one: one.status, statuses=ALIVE),
        category=left(lambda one: one.breach.category, categories=None),
        kind=left(lambda one: one.breach.kind, kinds=()),
        owner=left(lambda one: one.breach.owner or "", owners=()),
        total=sum(left(lambda one: None).values()),
    )


CURSORS = [
    *(None, [], {}, [1], ["severity"], ["severity", 3, "yesterday", "fp"], ["severity", -1, "2026-03-01", "fp"]),
    *(["severity", True, "2026-03-01", "fp"], ["severity", 2**31, "2026-03-01", "fp"]),
    *(["severity", 3, "0001-01-01T00:00:00+23:59", "fp"], ["severity", 3, "2026-03-01", "f\0"]),
    *(["severity", 3, "2026-03-01", "\ud800"], ["newest", "2026-03-01", "fp"], ["resolved", "2026-03-01", "fp"]),
]


def test_a_cursor_of_somebodys_own_making_is_refused(filled: Store):
    """Whatever stands in it, no database is asked, and the message says what to do."""
    made_up = [base64.urlsafe_b64encode(json.dumps(value).encode()).decode() for value in CURSORS]
    with watched(filled) as noted:
        for cursor in ["", "x", "€", "A" * 5000, "[]", *made_up]:
            with pytest.raises(ValueError, match="the cursor was not given out for this list; leave it out to begin"):
                filled.search(FindingQuery(), cursor)
    assert [statement for statement, _ in noted if statement != "BEGIN"] == []


def test_what_cannot_be_asked_is_refused(filled: Store):
    """With the limit that was passed."""
    with pytest.raises(ValueError, match="the text to look for has 201 characters; use at most 200"):
        FindingQuery(text="x" * 201)
    with pytest.raises(ValueError, match="a page of 0 findings: ask for at least one"):
        filled.search(FindingQuery(), limit=0)


def test_what_was_recorded_meanwhile_moves_no_page(store: Store):
    """A page goes on after the last finding shown, wherever that stands by then; what came before it is not shown."""
    fill(store)
    query = FindingQuery(order=Order.NEWEST)
    first = store.search(query, limit=10)
    new = replace(made(0), breach=breach("new", severity=Severity.CRITICAL), status=Status.OPEN, first_seen=at(500))
    gone = replace(store.finding(first.items[-1].fingerprint), status=Status.RESOLVED)
    store.record_acts(*PAIRS[0], [new], [])
    store.record_acts(*pair_of(gone), [gone], [])
    second = store.search(query, first.next, limit=100)
    assert names(first.items) + names(second.items) == expected(query)
    assert names(store.search(query, limit=1).items) == ["fp-new"]


def test_a_change_of_a_finding_changes_how_it_is_found(store: Store):
    """The columns follow the body: severity, owner, words."""
    fill(store)
    stored = store.search(FindingQuery(order=Order.OLDEST), limit=1).items[0]
    changed = replace(stored, breach=replace(stored.breach, owner="Ops", severity=Severity.INFO, message="is odd now"))
    store.record_acts(*pair_of(stored), [changed], [])
    query = FindingQuery(owners=["Ops"], severities={Severity.INFO}, text="ODD ops")
    assert names(store.search(query).items) == [stored.fingerprint]


def test_rules_are_counted(filled: Store):
    """All pairs, and only what is not resolved; a rule that found nothing counts 0."""
    unresolved = sum(one.status is not Status.RESOLVED for one in FINDINGS)
    counts = filled.rule_counts(["default/engine-version", "default/other"])
    assert counts == {"default/engine-version": unresolved, "default/other": 0}


@contextmanager
def watched(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the database meanwhile."""
    noted: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        noted.append((statement, parameters))

    event.listen(store._database._engine, "before_cursor_execute", note)
    yield noted
    event.remove(store._database._engine, "before_cursor_execute", note)


def test_no_list_walks_through_all_findings(filled: Store, shared_url: str):
    """What either database does for the very statements: unresolved ones by the one index that has no others, resolved
    ones in the order of an index, so that it stops where the page is full."""
    with watched(filled) as noted:
        first = filled.search(FindingQuery(), limit=2)
        for order in Order:
            filled.search(FindingQuery(order=order), limit=5)
            filled.search(FindingQuery(*PAIRS[0], order=order, text="orders", min_severity=Severity.LOW), limit=5)
        filled.search(FindingQuery(), first.next, limit=5)
        filled.facets(FindingQuery(text="orders"))
        filled.rule_counts([])
        for query in (FindingQuery(statuses={Status.RESOLVED}), FindingQuery(*PAIRS[0], statuses={Status.RESOLVED})):
            cursor = filled.search(query, limit=2).next
            filled.search(query, cursor, limit=2)
            filled.search(replace(query, text="orders", order=Order.OLDEST), limit=2)
    plans = explained(shared_url, [(said, values) for said, values in noted if "findings" in said])
    assert len(plans) > 30
    for statement, plan in plans:
        assert not re.search(r"SCAN findings(?! USING (COVERING )?INDEX ix_findings_)|Seq Scan", plan), statement + plan
        if "findings.fingerprint IN" in statement:
            # The bodies of those shown.
            assert re.search("pk_findings|sqlite_autoindex_findings", plan), plan
        elif "<> 'resolved'" in statement:
            assert re.search("ix_findings_(search|unresolved)", plan), statement + plan
        else:
            assert "ix_findings_resolved" in plan, statement + plan
            assert not re.search("TEMP B-TREE|Sort", plan), statement + plan


def explained(url: str, asked: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    engine = create_engine(parse(url))
    sqlite = engine.dialect.name == "sqlite"
    plans = []
    with engine.connect() as connection:
        if not sqlite:
            # Tables this small are read as a whole otherwise, and sorted.
            for way in ("seqscan", "sort", "bitmapscan"):
                connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        for statement, parameters in asked:
            explain = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN"
            rows = connection.exec_driver_sql(f"{explain} {statement}", parameters)
            plans.append((statement, "\n".join(str(row[-1]) for row in rows)))
    engine.dispose()
    return plans
