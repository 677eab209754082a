from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from auditor.life import Event
from auditor.model import Status
from auditor.notices import Telling
from auditor.store import ConflictError, NotFoundError, Store
from auditor.store.database import parse
from tests.store.samples import at, breach, run
from tests.store.tellings import ids, notice, reply, topic, waiver


def acknowledged(fingerprint: str, minute: float, actor: str = "ana") -> Event:
    return Event(fingerprint, at(minute), None, actor, Status.OPEN, Status.ACKNOWLEDGED, "we know")


def test_what_a_person_did_is_kept_whole(store: Store):
    """The finding, its event with the person as actor, the waiver and what is told of it."""
    run(store, "a1", [breach()])
    found = replace(store.finding("fp-orders"), status=Status.WAIVED)
    event = Event("fp-orders", at(5), None, "ana", Status.OPEN, Status.WAIVED, "a trial")
    store.record_acts("staging", "prod", [found], [event], Telling(notices=(notice("n1"),)), [waiver()])
    assert store.finding("fp-orders") == replace(found, revision=2)
    assert store.events("fp-orders")[-1] == event
    assert store.waivers() == (waiver(),)
    assert ids(store.notices()) == ["n1"]


def test_what_was_decided_on_an_old_state_is_refused_whole(store: Store):
    """An audit resolved the finding just before the click: neither waiver nor notice of it stay."""
    run(store, "a1", [breach()], at(0))
    seen = replace(store.finding("fp-orders"), status=Status.ACKNOWLEDGED)
    run(store, "a2", [], at(1))
    with pytest.raises(ConflictError, match="recorded at the same time"):
        store.record_acts(
            "staging", "prod", [seen], [acknowledged("fp-orders", 2)], Telling(notices=(notice("n1"),)), [waiver()]
        )
    assert (store.notices(), store.waivers()) == ((), ())
    assert store.finding("fp-orders").status is Status.RESOLVED
    assert len(store.events("fp-orders")) == 2


def test_a_topic_that_an_act_closes_is_closed_at_its_time(store: Store):
    """The time of what the person did, where no notice tells it."""
    run(store, "a1", [breach()])
    store.record_acts("staging", "prod", (), (), Telling(topics=(topic(),)))
    found = replace(store.finding("fp-orders"), status=Status.ACKNOWLEDGED)
    store.record_acts("staging", "prod", [found], [acknowledged("fp-orders", 9)], Telling(closed=("t1",)))
    assert store.conversation("t1").topic.closed_at == at(9)


def test_an_unknown_topic_is_refused(store: Store):
    """A notice would reply to nothing."""
    with pytest.raises(ConflictError, match="topic t9 is not open any more"):
        store.record_acts("staging", "prod", (), (), Telling(notices=(reply("n1", "t9"),)))
    assert store.notices() == ()


def test_waivers_come_back_equal_by_when_they_expire(store: Store):
    """Bound or not, for one finding or for many, with whatever characters a reason holds."""
    many = [
        waiver("later", expires_at=at(99)),
        waiver("sooner", expires_at=at(9), reason="\x00 \ud800 é", fingerprints=(), values=None, identity="web-*"),
        waiver("same", expires_at=at(9), left=None, right=None, kind="aws.*", origin="cli"),
    ]
    store.record_acts("staging", "prod", (), (), waivers=many)
    assert store.waivers() == (many[2], many[1], many[0])


def test_the_same_waiver_again_is_no_error_and_another_one_of_its_id_is(store: Store):
    """A click that is delivered twice waives once; the second does not bring back what was revoked meanwhile."""
    store.record_acts("staging", "prod", (), (), waivers=[waiver()])
    revoked = store.revoke_waiver("w1", at(5), "ben")
    store.record_acts("staging", "prod", (), (), waivers=[waiver()])
    assert store.waivers() == (revoked,)
    with pytest.raises(ConflictError, match="there already is another waiver w1; nothing was written"):
        store.record_acts("staging", "prod", (), (), waivers=[waiver("w0"), waiver(reason="another")])
    assert store.waivers() == (revoked,)


def test_a_revoked_waiver_stays_as_a_record(store: Store, url: str):
    """When, and by whom; the first to revoke it counts. Its id may be shortened."""
    store.record_acts("staging", "prod", (), (), waivers=[waiver("w1-abc"), waiver("w2")])
    assert store.revoke_waiver("w1", at(5), "ben") == waiver("w1-abc", revoked_at=at(5))
    assert store.revoke_waiver("w1-abc", at(6), "eve") == waiver("w1-abc", revoked_at=at(5))
    assert store.waivers() == (waiver("w1-abc", revoked_at=at(5)), waiver("w2"))
    engine = create_engine(parse(url))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT revoked_by FROM waivers ORDER BY id")).scalars().all() == ["ben", None]
    engine.dispose()
    with pytest.raises(NotFoundError, match="there is no waiver 'w3'"):
        store.revoke_waiver("w3", at(7), "ben")


def test_waivers_are_never_pruned(store: Store):
    """Who tolerated what, and until when, outlasts the waiver."""
    expired = waiver(expires_at=at(1))
    store.record_acts("staging", "prod", (), (), waivers=[expired])
    store.prune(at(0) + timedelta(days=1000))
    assert store.waivers() == (expired,)


def test_the_last_changes_of_a_pair_are_told_oldest_first(store: Store):
    """Those at the time asked for too; not those of other pairs."""
    for minute, seen in enumerate(([breach()], [], [breach(), breach("web")], [breach("web")])):
        run(store, f"a{minute}", seen, at(minute))
    run(store, "b1", [breach("dev")], at(3), left="dev", right="prod")
    told = [(event.fingerprint, event.at, event.to_status) for event in store.last_changes("staging", "prod", at(1))]
    assert told == [
        ("fp-orders", at(1), Status.RESOLVED),
        ("fp-orders", at(2), Status.REGRESSED),
        ("fp-web", at(2), Status.OPEN),
        ("fp-orders", at(3), Status.RESOLVED),
    ]
    assert store.last_changes("staging", "prod", at(4)) == ()
