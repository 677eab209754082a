from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from auditor.errors import StoreError
from auditor.life import live
from auditor.model import Severity, Side, Status
from auditor.store import AuditInfo, ConflictError, NotFoundError, Store
from auditor.store.database import parse
from tests.store.samples import START, at, audit, breach, run, snapshot


def test_an_audit_comes_back_equal(store: Store):
    """Findings with ABSENT and null, scores by category, coverage, gaps, notes, times to the microsecond."""
    made = run(store, "a1", [breach(), breach("web", right=Side("prod", "web", None))])
    assert store.audit("a1") == made
    assert store.last_audit("staging", "prod") == made


def test_findings_seen_again_keep_the_times_of_each_audit(store: Store, url: str):
    """Equal findings are kept once for all audits, and yet each audit tells its own last sighting."""
    first = run(store, "a1", [breach(), breach("web")], at(0))
    second = run(store, "a2", [breach(), breach("web")], at(60))
    assert [store.audit("a1"), store.audit("a2")] == [first, second]
    assert second.findings[0].last_seen == at(60)
    engine = create_engine(parse(url))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(DISTINCT findings) FROM audits")).scalar() == 1
    engine.dispose()


def test_the_history_comes_back_as_it_was_recorded(store: Store):
    """What `live` gets to read is what it wrote, but for the revision, which the store counts."""
    run(store, "a1", [breach(), breach("web", tolerated_for=timedelta(days=1))], at(0))
    run(store, "a2", [breach("web", tolerated_for=timedelta(days=1))], at(60))
    previous = store.previous("staging", "prod")
    orders, web = previous["fp-orders"], previous["fp-web"]
    assert (orders.status, orders.last_seen, orders.opened_at, orders.revision) == (Status.RESOLVED, at(0), at(0), 2)
    assert (web.status, web.first_seen, web.last_seen, web.opened_at, web.revision) == (
        Status.PENDING,
        at(0),
        at(60),
        None,
        1,
    )
    assert web.breach == breach("web", tolerated_for=timedelta(days=1))
    assert store.previous("prod", "staging") == {}


def test_events_are_told_in_order(store: Store):
    """Open, resolved, regressed: each with its time, audit and reason."""
    for number, seen in enumerate(([breach()], [], [breach()], [breach()])):
        run(store, f"a{number}", seen, at(number))
    told = [(event.at, event.audit_id, event.from_status, event.to_status) for event in store.events("fp-orders")]
    assert told == [
        (at(0), "a0", None, Status.OPEN),
        (at(1), "a1", Status.OPEN, Status.RESOLVED),
        (at(2), "a2", Status.RESOLVED, Status.REGRESSED),
    ]
    assert store.events("fp-unknown") == ()


def test_an_audit_behind_a_gap_leaves_the_stored_finding_alone(store: Store):
    """Unread is not absent, in the store as well."""
    run(store, "a1", [breach()], at(0))
    before = store.finding("fp-orders")
    run(store, "a2", [], at(1), observed=False)
    assert store.finding("fp-orders") == before
    assert len(store.events("fp-orders")) == 1


def test_recording_an_audit_twice_changes_nothing(store: Store):
    """Who does not know whether the first attempt arrived may simply try again."""
    life = live({}, [breach()], lambda _: True, START, "a1")
    made = audit("a1", life)
    store.save_snapshot(snapshot("left"))
    store.save_snapshot(snapshot("right", "prod"))
    store.record_audit(made, ("left", "right"), life)
    stored = store.finding("fp-orders")
    store.record_audit(made, ("left", "right"), life)
    assert len(store.events("fp-orders")) == 1
    assert store.finding("fp-orders") == stored
    with pytest.raises(StoreError, match="there already is another audit a1"):
        store.record_audit(replace(made, score=0.5), ("left", "right"), life)


def test_an_audit_decided_on_an_old_history_is_refused_whole(store: Store):
    """Two audits that both found something new: the second must decide again, or the finding would begin twice."""
    slow = live(store.previous("staging", "prod"), [breach(), breach("web")], lambda _: True, at(1), "slow")
    run(store, "fast", [breach()], at(0))
    for name, environment in (("left", "staging"), ("right", "prod")):
        store.save_snapshot(snapshot(name, environment))
    with pytest.raises(ConflictError, match="another audit of staging and prod was recorded at the same time"):
        store.record_audit(audit("slow", slow, at(1)), ("left", "right"), slow)
    assert [item.id for item in store.audits()] == ["fast"]
    assert [item.fingerprint for item in store.findings()] == ["fp-orders"]
    assert len(store.events("fp-orders")) == 1


def test_an_audit_decided_before_a_finding_was_resolved_is_refused(store: Store):
    """The same for a finding that both know: one resolved it, the other was still seeing it."""
    run(store, "a1", [breach()], at(0))
    slow = live(store.previous("staging", "prod"), [breach()], lambda _: True, at(2), "slow")
    run(store, "a2", [], at(1))
    with pytest.raises(ConflictError):
        store.record_audit(audit("slow", slow, at(2)), ("staging-a1", "prod-a1"), slow)
    assert store.finding("fp-orders").status is Status.RESOLVED


def test_an_audit_needs_its_snapshots(store: Store):
    """What was judged must be there to be looked at again."""
    life = live({}, [breach()], lambda _: True, START, "a1")
    store.save_snapshot(snapshot("left"))
    with pytest.raises(StoreError, match="audit a1 is of snapshot right, which was not saved"):
        store.record_audit(audit("a1", life), ("left", "right"), life)
    assert store.findings() == ()


def test_audits_are_listed_newest_first_and_by_pair(store: Store):
    """With what a list or a metric shows, and the snapshots they are of."""
    run(store, "a1", [], at(1))
    run(store, "a2", [], at(2))
    run(store, "b1", [], at(3), left="dev", right="staging")
    assert [item.id for item in store.audits()] == ["b1", "a2", "a1"]
    assert [item.id for item in store.audits("staging", "prod", limit=1)] == ["a2"]
    assert store.audits("dev") == (
        AuditInfo(
            "b1", "dev", "staging", "dev-b1", "staging-b1", at(3) - timedelta(seconds=3), at(3), False, 0.75, 0.9
        ),
    )
    assert store.last_audit("staging", "dev") is None


def test_findings_are_chosen_by_pair_status_and_severity_the_worst_first(store: Store):
    """`severity` is a floor, not an exact word."""
    some = [
        breach("low", severity=Severity.LOW),
        breach("critical", severity=Severity.CRITICAL),
        breach("medium", severity=Severity.MEDIUM, tolerated_for=timedelta(days=1)),
    ]
    run(store, "a1", [*some, breach("gone")], at(0))
    run(store, "a2", some, at(1))
    run(store, "b1", [breach("other")], at(1), left="dev", right="staging")

    def names(**chosen: object) -> list[str]:
        return [item.fingerprint[3:] for item in store.findings(**chosen)]  # type: ignore[arg-type]

    assert names() == ["critical", "other", "gone", "medium", "low"]
    assert names(left="staging", right="prod", status={Status.OPEN}) == ["critical", "low"]
    assert names(status=(Status.PENDING, Status.RESOLVED)) == ["gone", "medium"]
    assert names(severity=Severity.MEDIUM, left="staging") == ["critical", "gone", "medium"]
    assert names(right="staging") == ["other"]
    assert names(status=()) == []


def test_a_finding_is_found_by_the_beginning_of_its_fingerprint(store: Store):
    """Ambiguous and unknown beginnings say so."""
    run(store, "a1", [breach("aaa1"), breach("aaa2"), breach("b")])
    assert store.finding("fp-b").fingerprint == "fp-b"
    assert store.finding("fp-aaa1").breach == breach("aaa1")
    with pytest.raises(NotFoundError, match=r"finding 'fp-a' is ambiguous \(fp-aaa1, fp-aaa2\): type more of it"):
        store.finding("fp-a")
    with pytest.raises(NotFoundError, match=r"finding 'fp' is ambiguous \(fp-aaa1, fp-aaa2, …\)"):
        store.finding("fp")
    with pytest.raises(NotFoundError, match="there is no finding 'nothing'"):
        store.finding("nothing")


def test_more_findings_than_one_statement_carries_are_recorded(store: Store):
    """1200 at once, seen again, resolved: the databases' limits stay out of sight."""
    many = [breach(f"n{number:04}") for number in range(1200)]
    run(store, "a1", many, at(0))
    made = run(store, "a2", many[:600], at(1))
    assert store.audit("a2") == made
    assert len(store.findings(status={Status.OPEN})) == 600
    assert {item.last_seen for item in store.findings(status={Status.OPEN})} == {at(1)}
    assert len(store.findings(status={Status.RESOLVED})) == 600


def test_what_is_cached_is_found_by_namespace_and_key(store: Store):
    """A key that is there stays; unknown keys are left out; many keys are no matter."""
    many = {f"key-{number}": b"\x00" * number for number in range(1200)}
    store.cache_put("forms/1", many)
    store.cache_put("forms/1", {"key-3": b"other", "new": b""})
    store.cache_put("forms/2", {"key-3": b"second"})
    store.cache_put("forms/2", {})
    assert store.cached("forms/1", [*many, "new", "nothing"]) == {**many, "new": b""}
    assert store.cached("forms/2", ["key-3", "key-3"]) == {"key-3": b"second"}
    assert store.cached("forms/3", ["key-3"]) == {}
