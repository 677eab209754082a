"""What people do about findings, on a real SQLite file and a real PostgreSQL."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from auditor.acts import ActError, acknowledge, revoke, waive
from auditor.life import StoredFinding, live
from auditor.model import Breach, Severity, Side, Status
from auditor.notices import Happening
from auditor.notify import teller_of
from auditor.settings import PublishSettings, WebhookSettings
from auditor.store import ConflictError, Store, schema
from auditor.waivers import Waiver, finder
from tests.store.samples import at, breach, snapshot
from tests.store.samples import audit as audit_of

_NUMBERS = itertools.count()
DAY = 24 * 60
WEEK = timedelta(days=7)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of its own with our tables."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_store_url"))
    made = f"sqlite:///{tmp_path / 'auditor.db'}"
    schema.upgrade(made)
    return made


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store.open(url) as opened:
        yield opened


def audit(
    store: Store,
    minutes: float,
    *breaches: Breach,
    written: Sequence[Waiver] = (),
    pair: tuple[str, str] = ("staging", "prod"),
) -> None:
    """One audit of the pair as the pipeline does it, with the waivers of the file and of people."""
    name = f"{pair[0]}-{minutes}"
    for environment in pair:
        store.save_snapshot(snapshot(f"{environment}-{name}", environment, at(minutes)))
    previous = store.previous(*pair)
    found = finder([*written, *store.waivers()], *pair, at(minutes))
    life = live(previous, breaches, lambda _: True, at(minutes), name, found, found.lapse)
    ids = (f"{pair[0]}-{name}", f"{pair[1]}-{name}")
    store.record_audit(audit_of(name, life, at(minutes), *pair), ids, life)


def status(store: Store, name: str = "orders") -> Status:
    return store.finding(f"fp-{name}").status


def told(store: Store, name: str = "orders") -> list[tuple[str, Status | None, Status, str]]:
    return [(one.actor, one.from_status, one.to_status, one.reason) for one in store.events(f"fp-{name}")]


def waived(store: Store, *names: str, minutes: float = 5, **more: Any) -> Waiver:
    return waive(store, [f"fp-{name}" for name in names], "ana", "known", at(minutes), WEEK, "cli", **more)


def written(**fields: object) -> Waiver:
    made = Waiver("aaaa1111", "bo", "planned", at(0), at(30 * DAY), "waivers.yaml:4", rule="engine-version")
    return replace(made, **fields)  # type: ignore[arg-type]


def test_an_acknowledged_finding_is_silent_and_its_history_names_the_person(store: Store) -> None:
    """By the beginning of its fingerprint; the note is the reason, and no audit is named."""
    audit(store, 0, breach())
    (found,) = acknowledge(store, ["fp-ord"], " ana ", at(5), "on it")
    assert found.status is Status.ACKNOWLEDGED
    event = store.events("fp-orders")[-1]
    assert (event.at, event.audit_id, event.actor) == (at(5), None, "ana")
    assert (event.from_status, event.to_status) == (Status.OPEN, Status.ACKNOWLEDGED)
    assert event.reason == "on it"
    audit(store, 10, breach())
    assert status(store) is Status.ACKNOWLEDGED


def test_to_acknowledge_again_changes_nothing(store: Store) -> None:
    """Two people press the same button: the first is in the history."""
    audit(store, 0, breach())
    acknowledge(store, ["fp-orders"], "ana", at(5))
    (found,) = acknowledge(store, ["fp-orders"], "bo", at(6))
    assert found.status is Status.ACKNOWLEDGED
    assert [event[0] for event in told(store)] == ["auditor", "ana"]


def test_what_gets_worse_after_it_was_acknowledged_is_open_again(store: Store) -> None:
    """The stored finding says so, too."""
    audit(store, 0, breach(severity=Severity.LOW))
    acknowledge(store, ["fp-orders"], "ana", at(5))
    audit(store, 10, breach(severity=Severity.CRITICAL))
    assert status(store) is Status.OPEN
    assert told(store)[-1][3] == "severity rose from low to critical"


def test_a_waived_finding_is_waived_at_once_and_stays_so_until_the_waiver_expires(store: Store) -> None:
    """Then the next audit opens it, and says whose waiver it was."""
    audit(store, 0, breach(), breach("web"))
    made = waived(store, "orders")
    assert (made.owner, made.expires_at, made.left, made.right) == ("ana", at(5) + WEEK, "staging", "prod")
    assert store.waivers() == (made,)
    assert (status(store), status(store, "web")) == (Status.WAIVED, Status.OPEN)
    reason = "waived until 2026-03-08 12:05 UTC: known (cli)"
    assert told(store)[-1] == ("ana", Status.OPEN, Status.WAIVED, reason)
    audit(store, 6 * DAY, breach(), breach("web"))
    assert status(store) is Status.WAIVED
    audit(store, 8 * DAY, breach(), breach("web"))
    assert told(store)[-1] == ("auditor", Status.WAIVED, Status.OPEN, "the waiver of ana expired")
    assert store.finding("fp-orders").opened_at == at(8 * DAY)


def test_a_waiver_bound_to_values_ends_with_them(store: Store) -> None:
    """Another value is another question."""
    audit(store, 0, breach())
    waived(store, "orders", bind_values=True)
    audit(store, 10, breach())
    assert status(store) is Status.WAIVED
    audit(store, 20, breach(left=Side("staging", "orders-staging", "17.0")))
    assert told(store)[-1][2:] == (Status.OPEN, "the values changed since the waiver of ana")


def test_findings_of_two_pairs_are_waived_by_one_waiver(store: Store) -> None:
    """Which then names no pair; each pair's findings are recorded."""
    audit(store, 0, breach())
    other = breach("web", left=Side("dev", "web-dev", 1), right=Side("prod", "web-prod", 2))
    audit(store, 0, other, pair=("dev", "prod"))
    made = waived(store, "orders", "web")
    assert (made.left, made.right, made.fingerprints) == (None, None, ("fp-orders", "fp-web"))
    assert (status(store), status(store, "web")) == (Status.WAIVED, Status.WAIVED)
    assert store.waivers() == (made,)
    revoke(store, made.id, "ana", at(6))
    assert (status(store), status(store, "web")) == (Status.OPEN, Status.OPEN)


def test_what_cannot_be_done_in_one_pair_is_not_done_in_another(store: Store) -> None:
    """All that was named together is one decision."""
    other = breach("web", left=Side("dev", "web-dev", 1), right=Side("prod", "web-prod", 2))
    audit(store, 0, other, pair=("dev", "prod"))
    audit(store, 0, breach())
    audit(store, 1)
    with pytest.raises(ActError, match="the finding fp-order is resolved"):
        waived(store, "web", "orders")
    assert (status(store, "web"), store.waivers()) == (Status.OPEN, ())


def test_a_revoked_waiver_opens_at_once_what_nothing_else_covers(store: Store) -> None:
    """What the file or another person tolerates stays waived; the history names who took it back."""
    audit(store, 0, breach(), breach("web"), breach("cache"))
    made = waived(store, "orders", "web", "cache")
    waived(store, "web", minutes=6)
    cache = written(identity="cache-{env}")
    taken = revoke(store, made.id[:6], "cy", at(7), [cache])
    assert (taken.id, taken.revoked_at) == (made.id, at(7))
    assert [status(store, name) for name in ("orders", "web", "cache")] == [Status.OPEN, Status.WAIVED, Status.WAIVED]
    assert told(store)[-1] == ("cy", Status.WAIVED, Status.OPEN, "the waiver of ana was revoked")
    assert store.finding("fp-orders").opened_at == at(7)
    assert revoke(store, made.id, "dee", at(8), [cache]) == taken
    assert told(store)[-1][0] == "cy"


def test_a_revocation_that_was_cut_short_is_finished_by_the_next(store: Store) -> None:
    """The waiver is taken back first; what it covered is opened by whoever comes next, an audit or a person."""
    audit(store, 0, breach())
    made = waived(store, "orders")
    store.revoke_waiver(made.id, at(6), "cy")
    assert status(store) is Status.WAIVED
    revoke(store, made.id, "cy", at(7))
    assert status(store) is Status.OPEN


def test_a_finding_still_tolerated_by_its_rule_is_pending_after_a_waiver(store: Store) -> None:
    """As it was before."""
    audit(store, 0, breach(tolerated_for=timedelta(days=1)))
    made = waived(store, "orders")
    revoke(store, made.id, "ana", at(6))
    assert status(store) is Status.PENDING


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One SQLite file for many small tests."""
    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('acts') / 'auditor.db'}") as opened:
        yield opened


@pytest.fixture(scope="module")
def refusing(lasting: Store) -> Store:
    """Two open findings, one that is resolved and one that is waived."""
    audit(lasting, 0, breach(), breach("gone"), breach("web"), breach("cache", left=Side("staging", "c", 1)))
    audit(lasting, 0.5, breach(), breach("web"), breach("cache", left=Side("staging", "c", 1)))
    waived(lasting, "web", minutes=1)
    return lasting


Act = Callable[[Store], object]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda s: acknowledge(s, ["fp-none"], "ana", at(5)), "there is no finding 'fp-none'"),
        (lambda s: acknowledge(s, ["fp-"], "ana", at(5)), "finding 'fp-' is ambiguous"),
        (lambda s: acknowledge(s, [], "ana", at(5)), "name a finding"),
        (lambda s: acknowledge(s, ["fp-orders"], " ", at(5)), "say who acknowledges it"),
        (lambda s: acknowledge(s, ["fp-orders", "fp-gone"], "ana", at(5)), "the finding fp-gone is resolved"),
        (lambda s: acknowledge(s, ["fp-orders", "fp-web"], "ana", at(5)), "the finding fp-web is waived already"),
        (lambda s: waived(s, "orders", "gone"), "the finding fp-gone is resolved"),
        (lambda s: waived(s, "none"), "there is no finding"),
        (lambda s: waive(s, ["fp-orders"], "", "known", at(5), WEEK, "cli"), "say who answers for it"),
        (lambda s: waive(s, ["fp-orders"], "ana", " ", at(5), WEEK, "cli"), "say why it is tolerated"),
        (lambda s: waive(s, ["fp-orders"], "ana", "known", at(5), timedelta(0), "cli"), "over before it begins"),
        (lambda s: waive(s, ["fp-orders"], "ana", "known", at(5), at(4), "cli"), "over before it begins"),
        (
            lambda s: waive(s, ["fp-orders"], "ana", "known", at(5), timedelta(days=91, hours=12), "cli"),
            "a waiver lasts 90d at most, so until 2026-05-31 00:00 UTC",
        ),
        (lambda s: waive(s, ["fp-orders"], "ana", "known", at(5), timedelta.max, "cli"), "cannot last that long"),
        (lambda s: waived(s, "orders", longest=timedelta(days=1)), "a waiver lasts 1d at most"),
        (lambda s: waived(s, "orders", "cache", bind_values=True), "different values: waive them one by one"),
        (lambda s: revoke(s, "ffff", "ana", at(5)), "there is no waiver 'ffff'"),
        (lambda s: revoke(s, "", "ana", at(5)), "there is no waiver ''"),
        (lambda s: revoke(s, "aaaa", "ana", at(5), [written()]), "is written in waivers.yaml:4: remove it there"),
        (
            lambda s: revoke(s, "aaaa", "ana", at(5), [written(), written(id="aaaa2222")]),
            r"'aaaa' is ambiguous \(aaaa1111, aaaa2222\)",
        ),
        (lambda s: revoke(s, s.waivers()[0].id, "ana", at(30 * DAY)), "expired on 2026-03-08 12:01 UTC"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_recorded(refusing: Store, act: Act, message: str) -> None:
    """Not for the others that were named with it, either."""
    before = refusing.findings(), refusing.waivers()
    with pytest.raises(ActError, match=message):
        act(refusing)
    assert (refusing.findings(), refusing.waivers()) == before
    assert len(told(refusing)) == 1


def test_a_day_counts_until_its_end(store: Store) -> None:
    """The ninetieth day belongs to what is allowed."""
    audit(store, 0, breach())
    until = datetime(2026, 5, 31, tzinfo=UTC)
    assert waive(store, ["fp-orders"], "ana", "known", at(5), until, "cli").expires_at == until


class Overtaken(Store):
    """A store in which something else happens just before an act is recorded."""

    meanwhile: Callable[[], None] | None = None

    def record_acts(self, *arguments: Any, **more: Any) -> None:
        happening, self.meanwhile = self.meanwhile, None
        if happening is not None:
            happening()
        super().record_acts(*arguments, **more)


@pytest.fixture
def overtaken(url: str) -> Iterator[Overtaken]:
    with Overtaken.open(url) as opened:
        yield opened


def test_an_act_that_is_overtaken_by_an_audit_is_decided_again(overtaken: Overtaken) -> None:
    """On what is known then: the worse finding is the one that is waived, and only once."""
    audit(overtaken, 0, breach(severity=Severity.LOW))
    overtaken.meanwhile = lambda: audit(overtaken, 1, breach(severity=Severity.HIGH))
    made = waived(overtaken, "orders")
    found = overtaken.finding("fp-orders")
    assert (found.status, found.breach.severity) == (Status.WAIVED, Severity.HIGH)
    assert [event[2] for event in told(overtaken)] == [Status.OPEN, Status.OPEN, Status.WAIVED]
    assert overtaken.waivers() == (made,)


def test_an_act_on_what_was_resolved_meanwhile_is_refused(overtaken: Overtaken) -> None:
    """No waiver is left behind for it."""
    audit(overtaken, 0, breach())
    overtaken.meanwhile = lambda: audit(overtaken, 1)
    with pytest.raises(ActError, match="is resolved"):
        waived(overtaken, "orders")
    assert (status(overtaken), overtaken.waivers()) == (Status.RESOLVED, ())


def test_an_act_is_not_tried_for_ever(overtaken: Overtaken) -> None:
    """Where something always comes first, the conflict is told."""
    audit(overtaken, 0, breach())
    minutes = itertools.count(1)

    def again() -> None:
        step = next(minutes)
        audit(overtaken, step, breach(message=f"in its {step}th words"))
        overtaken.meanwhile = again

    overtaken.meanwhile = again
    with pytest.raises(ConflictError):
        acknowledge(overtaken, ["fp-orders"], "ana", at(50))


def test_two_people_at_the_same_time_leave_one_event(url: str) -> None:
    """Whoever is second sees that it is done."""
    with Store.open(url) as first, Store.open(url) as second:
        audit(first, 0, breach())
        ready = threading.Barrier(2, timeout=20)

        def act(own: Store, person: str) -> None:
            ready.wait()
            acknowledge(own, ["fp-orders"], person, at(5))

        with ThreadPoolExecutor(2) as pool:
            for running in [pool.submit(act, first, "ana"), pool.submit(act, second, "bo")]:
                running.result()
        assert len(told(first)) == 2


def test_what_people_do_is_told_with_their_names(store: Store) -> None:
    """In the transaction that records it; a finding that goes back to its tolerance is told to nobody."""
    teller = teller_of(PublishSettings(webhook=WebhookSettings(url=SecretStr("https://hooks.example.com/"))))
    audit(store, 0, breach(), breach("late", tolerated_for=timedelta(days=1)))
    acknowledge(store, ["fp-orders"], "ana", at(5), teller=teller)
    made = waived(store, "orders", "late", minutes=6, teller=teller)
    revoke(store, made.id, "bo", at(7), teller=teller)
    bodies = [queued.notice.body for queued in reversed(store.notices())]
    changes = [
        [
            (change["happening"], change["actor"], change["finding"]["breach"]["fingerprint"])
            for change in body["changes"]
        ]
        for body in bodies
    ]
    assert changes == [
        [(Happening.ACKNOWLEDGED, "ana", "fp-orders")],
        [(Happening.WAIVED, "ana", "fp-late"), (Happening.WAIVED, "ana", "fp-orders")],
        [(Happening.REOPENED, "bo", "fp-orders")],
    ]
    assert (bodies[0]["audit_id"], bodies[0]["score"]) == ("staging-0", 0.75)


@settings(max_examples=20, deadline=None)
@given(
    kept=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=5),
    chosen=st.sets(st.integers(0, 4), min_size=1),
)
def test_a_waiver_that_is_revoked_leaves_the_findings_as_they_were(
    lasting: Store, kept: list[tuple[bool, bool]], chosen: set[int]
) -> None:
    """Open, acknowledged or tolerated before: tolerated ones are pending again, all others open, none lost or added."""
    number = next(_NUMBERS)
    pair = (f"left-{number}", f"right-{number}")
    breaches = [
        breach(
            f"{number}-{index}",
            tolerated_for=timedelta(days=1) if tolerated else timedelta(0),
            left=Side(pair[0], "l", index),
            right=Side(pair[1], "r", None),
        )
        for index, (tolerated, _) in enumerate(kept)
    ]
    audit(lasting, number / 100, *breaches, pair=pair)
    for index, (_, acknowledged) in enumerate(kept):
        if acknowledged:
            acknowledge(lasting, [breaches[index].fingerprint], "ana", at(1))
    before = lasting.previous(*pair)
    names = [breaches[index % len(kept)].fingerprint for index in sorted(chosen)]
    made = waive(lasting, names, "ana", "known", at(2), WEEK, "cli")
    during = lasting.previous(*pair)
    revoke(lasting, made.id, "ana", at(3))
    after = lasting.previous(*pair)
    assert before.keys() == during.keys() == after.keys()
    for name, stored in before.items():
        if name not in names:
            assert during[name] == after[name] == stored
            continue
        tolerated = stored.breach.tolerated_for > timedelta(0)
        assert during[name].status is Status.WAIVED
        assert after[name].status is (Status.PENDING if tolerated else Status.OPEN)
        assert _lasting(after[name]) == _lasting(stored)


def _lasting(stored: StoredFinding) -> tuple[object, ...]:
    return stored.breach, stored.first_seen, stored.last_seen, stored.since
