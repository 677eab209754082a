from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from auditor.errors import StoreError
from auditor.life import live
from auditor.notices import Conversation, Delivery, NoticeKind, Queued, Telling
from auditor.store import ConflictError, NotFoundError, Store, outbox, schema
from tests.store.samples import at, audit, breach, run, snapshot
from tests.store.tellings import HOOK, deliver, fail, ids, notice, opening, put, reply, topic


def record(store: Store, audit_id: str, telling: Telling, minute: float = 0) -> None:
    """An audit that found `fp-orders`, with what it tells."""
    for name, environment in (("left", "staging"), ("right", "prod")):
        store.save_snapshot(snapshot(f"{name}-{audit_id}", environment, at(minute)))
    life = live(store.previous("staging", "prod"), [breach()], lambda _: True, at(minute), audit_id)
    store.record_audit(audit(audit_id, life, at(minute)), (f"left-{audit_id}", f"right-{audit_id}"), life, telling)


def test_a_notice_comes_back_as_it_was_told(store: Store):
    """Body, times and kind, and where it stands: nobody has tried to send it yet."""
    told = opening("n1", "t1", created_at=at(1), not_before=at(2))
    put(store, told, topics=(topic(),))
    assert store.notices() == (Queued(told, Delivery.PENDING, 1),)
    assert store.due_notices(at(1.99)) == ()
    assert store.due_notices(at(2)) == (Queued(told, Delivery.PENDING, 1),)


def test_what_an_audit_tells_is_kept_with_it_once(store: Store):
    """Recording the same audit again, as after a lost answer, tells nothing again."""
    telling = Telling((topic(),), members=(("t1", "fp-orders"),) * 2, notices=(opening("n1", "t1"),))
    record(store, "a1", telling)
    life = live({}, [breach()], lambda _: True, at(0), "a1")
    store.record_audit(audit("a1", life, at(0)), ("left-a1", "right-a1"), life, telling)
    assert ids(store.notices()) == ["n1"]
    assert store.topics("staging", "prod") == ((topic(), ("fp-orders",)),)
    assert store.topics("prod", "staging") == ()


def test_a_notice_that_is_there_already_is_not_told_again(store: Store):
    """Its id is the idempotency key: the first one stays, delivered or not."""
    put(store, notice("n1"))
    deliver(store, "n1", 1)
    put(store, notice("n1", body="another"), notice("n2"))
    assert [(item.notice.id, item.state) for item in store.notices()] == [
        ("n2", Delivery.PENDING),
        ("n1", Delivery.DELIVERED),
    ]
    assert store.notices(Delivery.DELIVERED)[0].notice.body == notice("n1").body


def test_a_topic_that_is_there_already_refuses_the_whole_audit(store: Store):
    """Two that open the same conversation: the second has to decide again, with nothing of it written."""
    put(store, topics=(topic(),))
    with pytest.raises(ConflictError, match="opened by somebody else at the same time"):
        record(store, "a1", Telling((topic("t0"), topic()), notices=(notice("n1"),)))
    assert (store.audits(), store.findings(), store.notices()) == ((), (), ())
    assert [found.id for found, _ in store.topics("staging", "prod")] == ["t1"]


def test_what_goes_on_with_a_topic_that_was_closed_meanwhile_is_refused(store: Store):
    """A finding would belong to a conversation that nobody looks after any more."""
    run(store, "a1", [breach()])
    put(store, opening("n1", "t1"), topics=(topic(),))
    store.record_acts("staging", "prod", (), (), Telling(closed=("t1",)))
    for telling in (Telling(members=(("t1", "fp-orders"),)), Telling(notices=(reply("n2", "t1"),))):
        with pytest.raises(ConflictError, match="topic t1 is not open any more"):
            store.record_acts("staging", "prod", (), (), telling)
    assert ids(store.notices()) == ["n1"]


def test_a_topic_closes_with_its_last_notice(store: Store):
    """At the time of that notice; without one, when the audit finished. It is listed no more and can still be read."""
    put(store, opening("n1", "t1"), topics=(topic(), topic("t2"), topic("t3")))
    store.record_acts(
        "staging", "prod", (), (), Telling(closed=("t1",), notices=(reply("n2", "t1", created_at=at(5)),))
    )
    record(store, "a1", Telling(closed=("t2", "t1")), 7)
    assert [found.id for found, _ in store.topics("staging", "prod")] == ["t3"]
    assert store.conversation("t1").topic == topic(closed_at=at(5))
    assert store.conversation("t2").topic.closed_at == at(7)


def test_sequence_only_ever_grows(store: Store):
    """Also after the last notices were pruned: what came later has the greater number."""
    put(store, notice("n1"), notice("n2"))
    deliver(store, "n1", 1)
    deliver(store, "n2", 1)
    assert store.prune(at(2)).notices == 2
    put(store, notice("n3"), notice("n4"))
    first, second = (item.sequence for item in reversed(store.notices()))
    assert 2 < first < second


def test_what_is_told_later_is_seen_later(postgres_schema_url: str):
    """A slow transaction that was first given a number: the faster one behind it waits, or it would overtake."""
    schema.upgrade(postgres_schema_url)
    with Store.open(postgres_schema_url) as store, ThreadPoolExecutor(1) as pool:
        with store._database.writing() as session:
            outbox.tell(session, Telling(notices=(notice("n1"),)), at(0))
            faster = pool.submit(put, store, notice("n2"))
            with psycopg.connect(postgres_schema_url, autocommit=True) as other:
                wait_until(other, "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            assert store.notices() == ()
        faster.result(30)
        assert ids(store.due_notices(at(0))) == ["n1", "n2"]


def wait_until(connection: psycopg.Connection, question: str) -> None:
    """Ask until the answer is yes."""
    deadline = time.monotonic() + 60
    while connection.execute(question).fetchone() != (True,):
        assert time.monotonic() < deadline, question


def test_notices_are_due_in_the_order_told_and_each_target_for_itself(store: Store):
    """A target that waits for its next try gives nothing; the others go on."""
    put(store, notice("a1"), notice("b1", target=HOOK), notice("a2"), notice("b2", target=HOOK))
    assert ids(store.due_notices(at(1))) == ["a1", "b1", "a2", "b2"]
    fail(store, "a1", 1, 10)
    assert ids(store.due_notices(at(2))) == ["b1", "b2"]
    assert ids(store.due_notices(at(10))) == ["a1", "b1", "a2", "b2"]
    fail(store, "a1", 10)
    assert ids(store.due_notices(at(10))) == ["b1", "a2", "b2"]


def test_one_that_waits_between_others_holds_back_only_what_comes_after_it(store: Store):
    """Its elders, which quiet hours held back when it was tried, come first now."""
    put(store, notice("a1", not_before=at(5)), notice("a2"), notice("a3"))
    fail(store, "a2", 1, 20)
    assert ids(store.due_notices(at(4))) == []
    assert ids(store.due_notices(at(5))) == ["a1"]
    assert ids(store.due_notices(at(20))) == ["a1", "a2", "a3"]


def test_quiet_hours_hold_back_no_other_notice(store: Store):
    """What is told at night all the same does not wait for the morning."""
    put(store, notice("calm", not_before=at(60)), notice("urgent"))
    assert ids(store.due_notices(at(1))) == ["urgent"]
    assert ids(store.due_notices(at(60))) == ["calm", "urgent"]


def test_replies_wait_for_the_first_notice_of_their_topic(store: Store):
    """They refer to it. While quiet hours hold it, other topics go on; when it is tried, they stay in their place."""
    put(
        store,
        opening("o1", "t1", not_before=at(60)),
        reply("r1", "t1"),
        opening("o2", "t2"),
        reply("r2", "t2"),
        topics=(topic(), topic("t2")),
    )
    assert ids(store.due_notices(at(1))) == ["o2"]
    deliver(store, "o2", 1, {"ts": "1.5"})
    assert ids(store.due_notices(at(1))) == ["r2"]
    assert ids(store.due_notices(at(60))) == ["o1"]
    deliver(store, "o1", 60, {"ts": "2.5"})
    assert ids(store.due_notices(at(60))) == ["r1", "r2"]
    assert store.conversation("t1").topic.reference == {"ts": "2.5"}


def test_replies_to_a_first_notice_that_failed_for_good_are_given_all_the_same(store: Store):
    """Their topic has no reference then, so they stand alone; sent again, the first one goes before them once more."""
    put(store, opening("o1", "t1"), reply("r1", "t1"), topics=(topic(),))
    fail(store, "o1", 1)
    assert ids(store.due_notices(at(1))) == ["r1"]
    assert store.conversation("t1").topic.reference is None
    store.requeue_notice("o1", at(2))
    assert ids(store.due_notices(at(2))) == ["o1"]


def test_a_target_that_is_swamped_starves_no_other(store: Store):
    """Each gets its share of the limit, in order."""
    put(store, *(notice(f"a{number:03}") for number in range(150)))
    put(store, *(notice(f"b{number}", target=HOOK) for number in range(3)))
    due = ids(store.due_notices(at(1), limit=10))
    assert due == [*(f"a{number:03}" for number in range(7)), "b0", "b1", "b2"]
    assert len(store.due_notices(at(1))) == 100


def test_an_attempt_is_claimed_by_one_only(store: Store):
    """Threads that saw the same state: exactly one may send, whatever else goes on; a stale view claims nothing."""
    put(store, notice("n1"))
    for attempts in range(5):
        barrier = threading.Barrier(4)
        won: list[bool] = []

        def claim(seen: int = attempts, start: threading.Barrier = barrier, said: list[bool] = won) -> None:
            start.wait(60)
            said.append(store.begin_attempt("n1", at(seen), seen))

        threads = [threading.Thread(target=claim) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(won) == [False, False, False, True]
    assert not store.begin_attempt("n1", at(9), 2)
    assert not store.begin_attempt("nothing", at(9), 0)
    begun = store.notices()[0]
    assert (begun.attempts, begun.attempted_at, begun.ended, begun.state) == (5, at(4), False, Delivery.PENDING)


def test_an_attempt_that_was_cut_short_is_seen_to_be(store: Store):
    """It is due again, and says that nobody knows whether the far side has it."""
    put(store, notice("n1"))
    assert store.begin_attempt("n1", at(1), 0)
    (again,) = store.due_notices(at(2))
    assert (again.ended, again.attempts, again.attempted_at) == (False, 1, at(1))


def test_an_attempt_that_failed_is_tried_again_later(store: Store):
    """With the reason, whatever the far side's words hold."""
    put(store, notice("n1"))
    assert store.begin_attempt("n1", at(1), 0)
    store.end_attempt("n1", at(1), error="HTTP 500: \x00\ud800", next_at=at(3))
    (waiting,) = store.notices(Delivery.PENDING)
    assert (waiting.ended, waiting.next_at, waiting.error) == (True, at(3), "HTTP 500: �?")
    deliver(store, "n1", 3, {"ts": "7"})
    (done,) = store.notices()
    assert (done.state, done.delivered_at, done.next_at, done.error) == (Delivery.DELIVERED, at(3), None, None)
    assert (done.reference, done.attempts) == ({"ts": "7"}, 2)
    assert store.due_notices(at(100)) == ()


def test_delivered_stays_delivered(store: Store):
    """A copy that lost the lead ends its attempt late: what the far side has it has, and what it got later it has too."""
    put(store, notice("n1"), notice("n2"))
    deliver(store, "n1", 1, {"ts": "1"})
    store.end_attempt("n1", at(2), error="timeout", permanent=True)
    store.end_attempt("n1", at(2), reference={"ts": "2"})
    fail(store, "n2", 1)
    store.end_attempt("n2", at(2), error="timeout", next_at=at(9))
    second, first = store.notices()
    assert (first.state, first.reference, first.delivered_at) == (Delivery.DELIVERED, {"ts": "1"}, at(1))
    assert (second.state, second.error) == (Delivery.FAILED, "channel_not_found")
    store.end_attempt("n2", at(3))
    assert store.notices()[0].state is Delivery.DELIVERED
    with pytest.raises(NotFoundError, match="there is no notice 'n3'"):
        store.end_attempt("n3", at(1))


def test_the_late_failure_of_an_older_attempt_says_nothing_of_the_newer_one(store: Store):
    """A copy that hung lost its attempt to another one: it neither ends nor fails that one, nor puts it off."""
    put(store, notice("n1"))
    assert store.begin_attempt("n1", at(0), 0)
    assert store.begin_attempt("n1", at(2), 1)
    begun = store.notices()
    for late in ({"permanent": True}, {"next_at": at(9)}, {"next_at": at(9), "doubt": True}):
        assert store.end_attempt("n1", at(3), attempts=1, error="timeout", **late) is False  # type: ignore[arg-type]
        assert store.notices() == begun
    assert store.end_attempt("n1", at(3), attempts=2, error="HTTP 503", next_at=at(4)) is True
    assert store.end_attempt("n1", at(5), attempts=1, error="timeout", permanent=True) is False
    (waiting,) = store.due_notices(at(4))
    assert (waiting.ended, waiting.error, waiting.next_at) == (True, "HTTP 503", at(4))


def test_a_late_failure_from_before_a_notice_was_sent_again_by_hand_does_not_count(store: Store):
    """Its tries are counted anew then."""
    put(store, notice("n1"))
    for attempts in (0, 1):
        assert store.begin_attempt("n1", at(attempts), attempts)
    store.end_attempt("n1", at(2), attempts=2, error="gone", permanent=True)
    store.requeue_notice("n1", at(3))
    assert store.begin_attempt("n1", at(4), 0)
    assert store.end_attempt("n1", at(5), attempts=2, error="timeout", permanent=True) is False
    assert store.notices()[0].state is Delivery.PENDING


def test_a_delivery_counts_however_late_it_is_told(store: Store):
    """What the far side has it has, by whichever attempt."""
    put(store, notice("n1"))
    assert store.begin_attempt("n1", at(0), 0)
    assert store.begin_attempt("n1", at(2), 1)
    assert store.end_attempt("n1", at(3), attempts=1, reference={"ts": "1"}) is True
    assert store.end_attempt("n1", at(4), attempts=2, error="timeout", permanent=True) is False
    assert (store.notices()[0].state, store.notices()[0].reference) == (Delivery.DELIVERED, {"ts": "1"})


def test_only_a_first_notice_gives_its_topic_a_reference(store: Store):
    """A reply's own reference is its own, and a far side that names nothing takes none away."""
    put(store, opening("o1", "t1"), reply("r1", "t1"), topics=(topic(reference={"ts": "0"}),))
    deliver(store, "o1", 1)
    assert store.conversation("t1").topic.reference == {"ts": "0"}
    deliver(store, "r1", 1, {"ts": "9"})
    assert store.conversation("t1").topic.reference == {"ts": "0"}
    assert store.notices(limit=1)[0].reference == {"ts": "9"}


def test_a_failed_notice_can_be_sent_again(store: Store):
    """As if never tried, in its old place; a pending one is left alone, and of a delivered one it makes no sense."""
    put(store, notice("abc1"), notice("abd2"))
    fail(store, "abc1", 1)
    assert ids(store.notices(Delivery.FAILED)) == ["abc1"]
    store.requeue_notice("abc", at(5))
    assert [(item.notice.id, item.attempts) for item in store.due_notices(at(5))] == [("abc1", 0), ("abd2", 0)]
    store.requeue_notice("abd2", at(6))
    assert store.notices(limit=1)[0].next_at is None
    deliver(store, "abc1", 6)
    with pytest.raises(StoreError, match="notice abc1 was delivered; there is nothing to send again"):
        store.requeue_notice("abc1", at(7))
    with pytest.raises(NotFoundError, match="notice 'ab' is ambiguous"):
        store.requeue_notice("ab", at(7))


def test_notices_are_listed_newest_first(store: Store):
    """By state, and no more than asked for."""
    put(store, *(notice(f"n{number}", NoticeKind.DIGEST) for number in range(4)))
    deliver(store, "n1", 1)
    assert ids(store.notices()) == ["n3", "n2", "n1", "n0"]
    assert ids(store.notices(Delivery.PENDING, 2)) == ["n3", "n2"]
    assert ids(store.notices(Delivery.DELIVERED)) == ["n1"]


def test_a_conversation_shows_its_findings_as_they_are_now(store: Store):
    """The worst first, those that are resolved by now too."""
    low, high = breach("low"), breach("z", severity=breach().severity.CRITICAL)
    run(store, "a1", [low, high, breach("other")], at(0))
    members = (("t1", "fp-low"), ("t1", "fp-z"), ("t2", "fp-other"))
    store.record_acts("staging", "prod", (), (), Telling((topic(), topic("t2")), members=members))
    run(store, "a2", [low], at(1))
    stored = store.previous("staging", "prod")
    assert store.conversation("t1") == Conversation(topic(), (stored["fp-z"], stored["fp-low"]))
    assert [fingerprints for _, fingerprints in store.topics("staging", "prod")] == [("fp-low", "fp-z"), ("fp-other",)]
    with pytest.raises(NotFoundError, match="there is no topic 't9'"):
        store.conversation("t9")


def test_a_conversation_about_gaps_shows_those_of_the_last_audit(store: Store):
    """And only that one: other topics are about findings."""
    made = run(store, "a1", [], at(0))
    run(store, "b1", [], at(5), left="dev", right="prod")
    put(store, topics=(topic(cause_key="gaps"), topic("t2"), topic("t3", left="no", cause_key="gaps")))
    assert store.conversation("t1").gaps == made.gaps
    assert store.conversation("t2").gaps == ()
    assert store.conversation("t3").gaps == ()


def test_odd_titles_and_causes_are_kept(store: Store):
    """Names of resources hold anything, NUL and halves of characters too."""
    odd = topic(title="\x00 \ud800 <!channel>", cause_key="\x00key", target="slack:#é")
    put(store, topics=(odd, topic("t2", cause_key=None)))
    assert store.conversation("t1").topic == odd
    assert store.conversation("t2").topic == topic("t2", cause_key=None)


def test_old_delivered_notices_and_the_topics_they_leave_empty_are_pruned(store: Store):
    """What nobody got stays, and so does a conversation that may go on."""
    run(store, "a1", [breach()])
    put(
        store,
        opening("o1", "t1"),
        opening("o2", "t2"),
        notice("failed"),
        notice("pending"),
        opening("late", "t3"),
        topics=(topic(), topic("t2"), topic("t3")),
    )
    store.record_acts("staging", "prod", (), (), Telling(members=(("t1", "fp-orders"),)))
    for name in ("o1", "o2"):
        deliver(store, name, 1, {"ts": name})
    fail(store, "failed", 1)
    deliver(store, "late", 50)
    store.record_acts(
        "staging", "prod", (), (), Telling(closed=("t1", "t3"), notices=(reply("bye", "t3", created_at=at(2)),))
    )
    deliver(store, "bye", 2)
    pruned = store.prune(at(10))
    assert (pruned.notices, pruned.topics) == (3, 0)
    assert store.prune(at(1_000_000)).topics == 2
    assert ids(store.notices()) == ["pending", "failed"]
    assert [found.id for found, _ in store.topics("staging", "prod")] == ["t2"]
    assert store.conversation("t2").topic.reference == {"ts": "o2"}
    assert replace(store.finding("fp-orders"), revision=0).breach == breach()
