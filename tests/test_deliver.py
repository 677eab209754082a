"""The outbox: every notice reaches its far side once, in order, whatever breaks on the way."""

from __future__ import annotations

import contextlib
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.deliver import Outbox
from auditor.errors import PublishError, StoreError
from auditor.meters import Unmetered
from auditor.model import Json
from auditor.notices import Conversation, Delivery, Notice, NoticeKind, Queued, Telling, Topic, stable_id
from auditor.store import Store, schema

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class Killed(BaseException):
    """The process is gone at this very place."""


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class FarSide:
    """A publisher with its far side: keeps what it accepted, by id, and finds it again when `looks` is true.

    `faults` gives for each attempt None, or what goes wrong: an error before the notice is accepted, or, as the second
    of a pair, after it."""

    def __init__(self, name: str = "far", *, looks: bool = True) -> None:
        self._name = name
        self.looks = looks
        self.accepted: list[Notice] = []
        self.faults: Callable[[Queued], tuple[BaseException | None, BaseException | None]] = lambda _: (None, None)
        self.seen: list[Queued] = []
        self.conversations: list[Conversation | None] = []

    @property
    def name(self) -> str:
        return self._name

    @property
    def ids(self) -> list[str]:
        return [notice.id for notice in self.accepted]

    def deliver(self, queued: Queued, conversation: Conversation | None, now: datetime) -> Json:
        self.seen.append(queued)
        self.conversations.append(conversation)
        if self.looks and not queued.ended and queued.notice.id in self.ids:
            return {"id": queued.notice.id}
        before, after = self.faults(queued)
        if before is not None:
            raise before
        self.accepted.append(queued.notice)
        if after is not None:
            raise after
        return {"id": queued.notice.id}

    def fail(self, *errors: BaseException | None) -> None:
        """The next attempts fail like this, then none does."""
        plan = iter(errors)
        self.faults = lambda _: (next(plan, None), None)


class Counted(Unmetered):
    """Remembers the outcomes."""

    def __init__(self) -> None:
        self.outcomes: Counter[tuple[str, str]] = Counter()

    def notification(self, publisher: str, outcome: str) -> None:
        self.outcomes[publisher, outcome] += 1


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with our tables: a file, and a schema of its own on a real server."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_store_url"))
    made = f"sqlite:///{tmp_path / 'auditor.db'}"
    schema.upgrade(made)
    return made


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store.open(url) as opened:
        yield opened


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Store]:
    """A store where the kind of database does not matter."""
    with Store.open(f"sqlite:///{tmp_path / 'one.db'}") as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


def notice(name: str, target: str = "far:a", **changes: Any) -> Notice:
    made: dict[str, Any] = {
        "id": stable_id(name),
        "target": target,
        "kind": NoticeKind.EVENT,
        "topic": None,
        "created_at": START,
        "not_before": START,
        "body": {"name": name},
    }
    return Notice(**{**made, **changes})


def put(store: Store, *notices: Notice, topics: tuple[Topic, ...] = ()) -> None:
    store.record_acts("staging", "prod", (), (), Telling(topics=topics, notices=notices))


def kept(store: Store, name: str) -> Queued:
    return next(queued for queued in store.notices() if queued.notice.id == stable_id(name))


def names(far: FarSide) -> list[str]:
    return [found.body["name"] for found in far.accepted]


def temporary(wish: timedelta | None = None, *, doubt: bool = False) -> PublishError:
    return PublishError("busy", permanent=False, retry_after=wish, doubt=doubt)


def outbox(store: Store, clock: Clock, *far: FarSide, chance: float = 1.0, **more: Any) -> Outbox:
    return Outbox(store, far, clock, chance=lambda: chance, **more)


def test_what_is_due_is_delivered_in_order_and_once(store: Store, clock: Clock) -> None:
    """A second round finds nothing to do; what the far side calls it is kept."""
    far, meters = FarSide(), Counted()
    put(store, notice("one"), notice("two"), notice("three"), notice("later", not_before=START + HOUR))
    with outbox(store, clock, far, meters=meters) as box:
        assert (box.run_once(START), box.run_once(START)) == (3, 0)
    assert names(far) == ["one", "two", "three"]
    done = kept(store, "one")
    assert (done.state, done.reference, done.attempts) == (Delivery.DELIVERED, {"id": stable_id("one")}, 1)
    assert kept(store, "later").state is Delivery.PENDING
    assert meters.outcomes == {("far", "delivered"): 3}


def test_a_reply_is_delivered_with_its_topic_as_it_is_then(store: Store, clock: Clock) -> None:
    """The first message's reference is known to the reply that is sent right after it."""
    far = FarSide()
    topic = Topic("t1", "far:a", "staging", "prod", None, "engines", START)
    put(
        store,
        notice("open", kind=NoticeKind.OPEN, topic="t1"),
        notice("reply", kind=NoticeKind.REPLY, topic="t1"),
        topics=(topic,),
    )
    with outbox(store, clock, far) as box:
        assert box.run_once(START) == 2
    references = [conversation.topic.reference for conversation in far.conversations if conversation]
    assert references == [None, {"id": stable_id("open")}]


def test_a_temporary_error_is_tried_again_after_a_growing_pause(sqlite: Store, clock: Clock) -> None:
    """Twice as long each time, a quarter of an hour at most; the order waits for it."""
    far = FarSide()
    far.fail(*[temporary()] * 11)
    put(sqlite, notice("one"), notice("two"))
    pauses = []
    with outbox(sqlite, clock, far) as box:
        for _ in range(11):
            assert box.run_once(clock.now) == 0
            next_at = kept(sqlite, "one").next_at
            assert next_at is not None
            pauses.append((next_at - clock.now) // SECOND)
            assert box.run_once(next_at - SECOND) == 0
            clock.now = next_at
        assert box.run_once(clock.now) == 2
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert names(far) == ["one", "two"]
    assert len(far.seen) == 13


def test_the_pause_is_left_to_chance(sqlite: Store, clock: Clock) -> None:
    """Copies and targets that failed together do not come back together."""
    far = FarSide()
    far.fail(*[temporary()] * 5)
    put(sqlite, notice("one"))
    with outbox(sqlite, clock, far, chance=0.25) as box:
        box.run_once(clock.now)
        assert kept(sqlite, "one").next_at == clock.now + SECOND / 2


def test_what_the_far_side_asks_for_is_honoured(sqlite: Store, clock: Clock) -> None:
    """Retry-After is longer than the pause would be."""
    far = FarSide()
    far.fail(temporary(timedelta(seconds=90)))
    put(sqlite, notice("one"))
    with outbox(sqlite, clock, far) as box:
        box.run_once(clock.now)
    assert kept(sqlite, "one").next_at == START + timedelta(seconds=90)


def test_a_permanent_error_fails_at_once_and_the_next_one_goes_on(store: Store, clock: Clock) -> None:
    """A channel that is gone is said to be gone, and is not asked again."""
    far, meters = FarSide(), Counted()
    far.fail(PublishError("channel_not_found", permanent=True))
    put(store, notice("one"), notice("two"))
    with outbox(store, clock, far, meters=meters) as box:
        assert box.run_once(clock.now) == 1
    failed = kept(store, "one")
    assert (failed.state, failed.error, failed.attempts) == (Delivery.FAILED, "channel_not_found", 1)
    assert names(far) == ["two"]
    assert meters.outcomes == {("far", "failed"): 1, ("far", "delivered"): 1}


def test_a_temporary_error_is_given_up_after_a_day(sqlite: Store, clock: Clock) -> None:
    """It is told that it was, and how long it was tried."""
    far = FarSide()
    far.faults = lambda _: (temporary(), None)
    put(sqlite, notice("one"))
    with outbox(sqlite, clock, far) as box:
        while kept(sqlite, "one").state is Delivery.PENDING:
            box.run_once(clock.now)
            clock.now = kept(sqlite, "one").next_at or clock.now
    failed = kept(sqlite, "one")
    assert failed.state is Delivery.FAILED
    assert failed.error == f"given up after 1 d and {failed.attempts} attempts: busy"
    assert timedelta(hours=24) <= clock.now - START <= timedelta(hours=24, minutes=15)


def test_an_old_notice_is_tried_some_times_before_it_is_given_up(sqlite: Store, clock: Clock) -> None:
    """The service was down for a week: its first failure is not its last."""
    far = FarSide()
    far.fail(*[temporary()] * 7)
    put(sqlite, notice("one"))
    clock.now = START + timedelta(days=7)
    with outbox(sqlite, clock, far) as box:
        for _ in range(8):
            box.run_once(clock.now)
            clock.now += 15 * MINUTE
    assert names(far) == ["one"]


def test_what_may_have_arrived_is_looked_for_before_it_is_sent_again(store: Store, clock: Clock) -> None:
    """The answer was lost: once the far side has had time to settle it is asked, and has it."""
    far = FarSide()
    far.faults = lambda _: (None, temporary(doubt=True))
    put(store, notice("one"), notice("two"))
    with outbox(store, clock, far) as box:
        assert box.run_once(clock.now) == 0
        assert kept(store, "one").ended is False
        clock.now += 9 * SECOND
        assert box.run_once(clock.now) == 0
        assert len(far.seen) == 1
        far.faults = lambda _: (None, None)
        clock.now += SECOND
        assert box.run_once(clock.now) == 2
    assert names(far) == ["one", "two"]


def test_doubt_outlasts_a_failed_look(sqlite: Store, clock: Clock) -> None:
    """When asking whether it arrived fails cleanly, the next attempt has to ask again."""
    far = FarSide()
    put(sqlite, notice("one"))
    plan = iter([(None, temporary(doubt=True)), (temporary(), None), (None, None)])
    far.faults = lambda _: next(plan)
    far.looks = False
    with outbox(sqlite, clock, far) as box:
        for _ in range(3):
            box.run_once(clock.now)
            clock.now += 2 * MINUTE
    assert [queued.ended for queued in far.seen] == [True, False, False]


def test_another_copys_attempt_is_left_alone_for_a_minute(store: Store, url: str, clock: Clock) -> None:
    """Whoever began may still be at it; a minute later nobody is, whichever way a clock was set."""
    far = FarSide()
    put(store, notice("one"), notice("two"))
    with Store.open(url) as other:
        assert other.begin_attempt(stable_id("one"), clock.now, 0)
    with outbox(store, clock, far) as box:
        assert box.run_once(clock.now + 30 * SECOND) == 0
        assert far.seen == []
        clock.now -= HOUR
        assert box.run_once(START) == 2
    assert far.seen[0].ended is False


@pytest.mark.parametrize("permanent", [True, False])
def test_a_leader_that_hung_does_not_end_the_attempt_of_the_next_one(
    store: Store, url: str, clock: Clock, permanent: bool
) -> None:
    """Its own fails two minutes late, when the next one is at it: that one goes on, and is not told to have failed."""
    far, meters = FarSide(), Counted()
    put(store, notice("one"))

    def hang(queued: Queued) -> tuple[BaseException | None, BaseException | None]:
        clock.now += 2 * MINUTE
        with Store.open(url) as other:
            assert other.begin_attempt(stable_id("one"), clock.now, queued.attempts + 1)
        return PublishError("timeout", permanent=permanent), None

    far.faults = hang
    with outbox(store, clock, far, meters=meters) as box:
        assert box.run_once(clock.now) == 0
    now = kept(store, "one")
    assert (now.state, now.attempts, now.ended, now.error, now.next_at) == (Delivery.PENDING, 2, False, None, None)
    assert now.attempted_at == clock.now
    assert meters.outcomes == Counter()


def test_nothing_is_delivered_by_who_does_not_lead(sqlite: Store, clock: Clock) -> None:
    """The leader does it."""
    far = FarSide()
    put(sqlite, notice("one"))
    with outbox(sqlite, clock, far, leading=lambda: False) as box:
        assert box.run_once(clock.now) == 0
    assert far.seen == []


def test_who_stops_leading_ends_what_it_began(sqlite: Store, clock: Clock) -> None:
    """The notice under way is finished and recorded, the next one is left to the new leader."""
    far = FarSide()
    leads = [True]

    def lose(_: Queued) -> tuple[None, None]:
        leads[0] = False
        return None, None

    far.faults = lose
    put(sqlite, notice("one"), notice("two"))
    with outbox(sqlite, clock, far, leading=lambda: leads[0]) as box:
        assert box.run_once(clock.now) == 1
    assert [kept(sqlite, name).state for name in ("one", "two")] == [Delivery.DELIVERED, Delivery.PENDING]


def test_a_defect_in_one_message_holds_back_no_other(sqlite: Store, clock: Clock) -> None:
    """It is given up and says what it was."""
    far = FarSide()
    far.fail(KeyError("blocks"))
    put(sqlite, notice("one"), notice("two"))
    with outbox(sqlite, clock, far) as box:
        assert box.run_once(clock.now) == 1
    assert (kept(sqlite, "one").state, kept(sqlite, "one").error) == (Delivery.FAILED, "defect: KeyError: 'blocks'")
    assert names(far) == ["two"]


def test_what_nobody_delivers_waits_for_the_configuration(sqlite: Store, clock: Clock) -> None:
    """Another copy, or the next configuration, may know the publisher."""
    put(sqlite, notice("one", "slack:#parity"))
    with outbox(sqlite, clock, FarSide()) as box:
        box.run_once(clock.now)
    waiting = kept(sqlite, "one")
    assert waiting.state is Delivery.PENDING
    assert waiting.error == "nothing is configured that delivers to slack: see `publish`"


def test_what_nobody_delivers_is_said_once_and_given_up_after_a_day(
    sqlite: Store, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Not at every attempt; a new outbox, as after a reload, says it again."""
    put(sqlite, notice("one", "slack:#parity"), notice("two", "slack:#other"), notice("three", "hook:x"))
    with outbox(sqlite, clock, FarSide()) as box:
        for _ in range(3):
            box.run_once(clock.now)
            clock.now += MINUTE
    said = [record.getMessage() for record in caplog.records if record.name == "auditor.deliver"]
    assert sorted(said) == [
        f"Nothing is configured that delivers to {name}: its notices wait, and are given up after 24 hours;"
        " see `publish`."
        for name in ("hook", "slack")
    ]
    caplog.clear()
    with outbox(sqlite, clock, FarSide()) as box:
        while any(kept(sqlite, name).state is Delivery.PENDING for name in ("one", "two", "three")):
            box.run_once(clock.now)
            clock.now += 15 * MINUTE
    levels = Counter(record.levelname for record in caplog.records if record.name == "auditor.deliver")
    assert levels == {"WARNING": 2, "ERROR": 3}
    assert (kept(sqlite, "one").error or "").startswith("given up after 1 d")


class Recovering:
    """A store whose database is away until it is told otherwise."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.away = threading.Event()
        self.asked = threading.Event()

    def __getattr__(self, name: str) -> Any:
        self.asked.set()
        if self.away.is_set():
            raise StoreError("store: the database is away")
        return getattr(self._store, name)


def running(box: Outbox) -> tuple[threading.Thread, threading.Event, threading.Event]:
    stop, wake = threading.Event(), threading.Event()
    thread = threading.Thread(target=box.run, args=(stop, wake))
    thread.start()
    return thread, stop, wake


def until(condition: Callable[[], bool], deadline: float = 60.0) -> None:
    """Wait for a condition; a pause between looks, no assumption about how long it takes."""
    tick = threading.Event()
    for _ in range(int(deadline / 0.01)):
        if condition():
            return
        tick.wait(0.01)
    raise AssertionError("it did not happen in time")


def test_the_loop_outlives_an_outage_of_the_store(sqlite: Store, clock: Clock) -> None:
    """While the database is away it waits; afterwards it goes on by itself."""
    away = Recovering(sqlite)
    away.away.set()
    far = FarSide()
    put(sqlite, notice("one"))
    with Outbox(away, [far], clock, poll=timedelta(milliseconds=10)) as box:  # type: ignore[arg-type]
        thread, stop, wake = running(box)
        try:
            assert away.asked.wait(60)
            assert far.seen == []
            away.away.clear()
            until(lambda: kept(sqlite, "one").state is Delivery.DELIVERED)
        finally:
            stop.set()
            wake.set()
            thread.join(10)
    assert not thread.is_alive()


def test_a_target_that_hangs_holds_back_no_other_and_stopping_waits_for_it(sqlite: Store, clock: Clock) -> None:
    """Each target has a thread of its own; what is under way when the loop stops is finished."""
    slow, fast = FarSide("slow"), FarSide("fast")
    entered, free = threading.Event(), threading.Event()

    def hang(_: Queued) -> tuple[None, None]:
        entered.set()
        assert free.wait(60)
        return None, None

    slow.faults = hang
    put(sqlite, notice("s1", "slow:a"), notice("s2", "slow:a"), notice("f1", "fast:a"))
    with Outbox(sqlite, [slow, fast], clock, poll=timedelta(milliseconds=10)) as box:
        thread, stop, wake = running(box)
        try:
            assert entered.wait(60)
            until(lambda: kept(sqlite, "f1").state is Delivery.DELIVERED)
            put(sqlite, notice("f2", "fast:a"))
            wake.set()
            until(lambda: kept(sqlite, "f2").state is Delivery.DELIVERED)
        finally:
            stop.set()
            wake.set()
            free.set()
            thread.join(10)
    assert (names(slow), kept(sqlite, "s1").state) == (["s1"], Delivery.DELIVERED)
    assert len(slow.seen) == 1


class Crashing:
    """A store that the process dies in front of or behind, by chance."""

    def __init__(self, store: Store, dice: random.Random, odds: float) -> None:
        self._store = store
        self._dice = dice
        self._odds = odds

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name not in ("begin_attempt", "end_attempt"):
            return method

        def risky(*arguments: Any, **named: Any) -> Any:
            self._perhaps_die()
            result = method(*arguments, **named)
            self._perhaps_die()
            return result

        return risky

    def _perhaps_die(self) -> None:
        if self._dice.random() < self._odds:
            raise self._dice.choice([Killed(), StoreError("store: the connection broke")])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("looks", [True, False])
def test_whatever_breaks_every_notice_arrives_exactly_once(url: str, clock: Clock, seed: int, looks: bool) -> None:
    """Two copies, killed anywhere, over a far side that fails and loses answers by chance.

    One that can be looked up gets every notice once; another one perhaps again, but under the same id. Each target gets
    them in their order, and only what is refused for good is missing."""
    dice = random.Random(seed)
    odds = dice.choice([0.05, 0.2])
    far = FarSide(looks=looks)

    def fault(queued: Queued) -> tuple[BaseException | None, BaseException | None]:
        if queued.notice.body["name"].endswith("refused"):
            return PublishError("refused", permanent=True), None
        before = dice.choice([Killed(), temporary(), temporary(5 * SECOND), temporary(doubt=True)])
        after = dice.choice([Killed(), temporary(doubt=True)])
        return before if dice.random() < odds else None, after if dice.random() < odds else None

    far.faults = fault
    made = [
        notice(f"{number}{'-refused' if dice.random() < 0.1 else ''}", f"far:{dice.choice('abc')}")
        for number in range(20)
    ]
    with Store.open(url) as one, Store.open(url) as other:
        put(one, *made)
        for _ in range(2000):
            if not one.notices(Delivery.PENDING):
                break
            copy = Crashing(dice.choice([one, other]), dice, odds)
            box = Outbox(copy, [far], clock, chance=dice.random)  # type: ignore[arg-type]
            with box, contextlib.suppress(Killed, StoreError):
                box.run_once(clock.now)
            clock.now += timedelta(seconds=dice.uniform(1, 90))
        states = {queued.notice.id: queued.state for queued in one.notices()}
    wanted = [item for item in made if not item.body["name"].endswith("refused")]
    assert set(states.values()) <= {Delivery.DELIVERED, Delivery.FAILED}
    assert {item.id for item in made if states[item.id] is Delivery.DELIVERED} == {item.id for item in wanted}
    arrivals = Counter(far.ids)
    assert set(arrivals) == {item.id for item in wanted}
    if looks:
        assert set(arrivals.values()) == {1}
    first_arrivals: dict[str, list[str]] = defaultdict(list)
    for target, arrived in dict.fromkeys((found.target, found.id) for found in far.accepted):
        first_arrivals[target].append(arrived)
    for target, ids in first_arrivals.items():
        assert ids == [item.id for item in wanted if item.target == target]
