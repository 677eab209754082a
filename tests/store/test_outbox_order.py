from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.notices import Delivery, Notice, NoticeKind, Queued, Topic
from auditor.store import Store
from tests.store.samples import at
from tests.store.tellings import notice, put, topic

_RUNS = itertools.count()
_LAST_MINUTE = 30


@dataclass(frozen=True)
class Told:
    """One notice of a made-up history. `place` is its topic's, None where it stands alone; `quiet` minutes it waits."""

    target: int
    place: int | None
    quiet: int


@dataclass(frozen=True)
class Try:
    """What becomes of one attempt, and how many minutes pass before the next look at the outbox."""

    ends: str
    backoff: int
    passes: int


TOLD = st.builds(Told, st.integers(0, 1), st.none() | st.integers(0, 1), st.sampled_from([0, 0, 0, 7, 15]))
TRIES = st.builds(
    Try,
    st.sampled_from(["delivered", "delivered", "delivered", "later", "later", "never", "cut short"]),
    st.integers(1, 9),
    st.integers(0, 3),
)


class World:
    """A store with a history of its own in it, and what every look at it has to hold."""

    def __init__(self, store: Store, told: list[Told]) -> None:
        self._store = store
        self._run = next(_RUNS)
        topics: dict[str, Topic] = {}
        notices: list[Notice] = []
        for number, item in enumerate(told):
            target = f"slack:#run-{self._run}-{item.target}"
            name = None if item.place is None else f"{target}/{item.place}"
            kind = NoticeKind.EVENT if name is None else NoticeKind.REPLY if name in topics else NoticeKind.OPEN
            if name is not None:
                topics.setdefault(name, topic(name, target=target))
            made = notice(f"{self._run}-{number}", kind, target=target, topic=name)
            notices.append(replace(made, not_before=at(item.quiet)))
        put(store, *notices, topics=tuple(topics.values()))

    def mine(self) -> list[Queued]:
        return [item for item in reversed(self._store.notices()) if item.notice.id.startswith(f"{self._run}-")]

    def look(self, minute: int, limit: int) -> list[Queued]:
        """What is due, checked against all that is pending."""
        now, given_out = at(minute), list(self._store.due_notices(at(minute), limit))
        pending = [item for item in self.mine() if item.state is Delivery.PENDING]
        names = {item.notice.id for item in given_out}
        opening = {item.notice.topic: item for item in pending if item.notice.kind is NoticeKind.OPEN}
        assert len(given_out) <= limit
        assert [item.sequence for item in given_out] == sorted(item.sequence for item in given_out)
        for item in given_out:
            assert item in pending
            assert item.notice.not_before <= now
            assert item.next_at is None or item.next_at <= now
            assert item.notice.kind is not NoticeKind.REPLY or item.notice.topic not in opening
            for elder in pending:
                if elder.notice.target == item.notice.target and elder.sequence < item.sequence:
                    first = opening.get(elder.notice.topic, elder) if elder.notice.topic else elder
                    held = elder.notice.not_before > now or first.notice.not_before > now
                    assert elder.notice.id in names or held
        return given_out

    def serve(self, queue: list[Queued], attempts: list[Try], minute: int) -> None:
        """Try each target's notices in order, up to the first that is not delivered."""
        stopped: set[str] = set()
        for queued in queue:
            name, target = queued.notice.id, queued.notice.target
            if target in stopped:
                continue
            attempt = attempts.pop() if attempts else Try("delivered", 1, 0)
            assert self._store.begin_attempt(name, at(minute), queued.attempts)
            if attempt.ends == "delivered":
                self._store.end_attempt(name, at(minute))
                continue
            if attempt.ends == "later":
                self._store.end_attempt(name, at(minute), error="503", next_at=at(minute + attempt.backoff))
            elif attempt.ends == "never":
                self._store.end_attempt(name, at(minute), error="410", permanent=True)
            stopped.add(target)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.lists(TOLD, min_size=1, max_size=9), attempts=st.lists(TRIES, max_size=10), limit=st.integers(1, 5))
def test_whatever_fails_or_waits_the_order_of_each_target_is_kept(
    store: Store, told: list[Told], attempts: list[Try], limit: int
):
    """Backoff, quiet hours, crashes in the midst, any limit: nothing overtakes what is not held, and all is sent in the end."""
    world = World(store, told)
    minute, left = 0, list(attempts)
    while any(item.state is Delivery.PENDING for item in world.mine()):
        queue = world.look(minute, limit)
        assert queue or minute < _LAST_MINUTE + 100
        minute += left[-1].passes if left and queue else 1 if not queue else 0
        world.serve(queue, left, minute)
    assert all(item.state in (Delivery.DELIVERED, Delivery.FAILED) for item in world.mine())
