"""Small topics, notices and waivers, with defaults, for the tests of the outbox and of what people do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from auditor.life import LifeResult
from auditor.notices import Notice, NoticeKind, Queued, Telling, Topic
from auditor.store import Store
from auditor.waivers import Waiver
from tests.store.samples import at

NO_LIFE = LifeResult((), (), (), ())
PARITY = "slack:#parity"
HOOK = "webhook:hooks.example.com/parity"


def topic(name: str = "t1", **changes: object) -> Topic:
    made = Topic(name, PARITY, "staging", "prod", "image:web", "3 services run another image", at(0))
    return replace(made, **changes)  # type: ignore[arg-type]


def notice(name: str, kind: NoticeKind = NoticeKind.EVENT, **changes: object) -> Notice:
    made = Notice(name, PARITY, kind, None, at(0), at(0), {"told": name, "odd": "\x00 \ud800 é"})
    return replace(made, **changes)  # type: ignore[arg-type]


def opening(name: str, of: str, **changes: object) -> Notice:
    return notice(name, NoticeKind.OPEN, topic=of, **changes)


def reply(name: str, of: str, **changes: object) -> Notice:
    return notice(name, NoticeKind.REPLY, topic=of, **changes)


def waiver(name: str = "w1", **changes: object) -> Waiver:
    made = Waiver(
        id=name,
        owner="ana",
        reason="a trial; ends with the quarter",
        created_at=at(0),
        expires_at=at(0) + timedelta(days=30),
        origin="slack",
        fingerprints=("fp-orders",),
        left="staging",
        right="prod",
        rule="default/engine-version",
        path="engine_version",
        values="0f" * 32,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def put(store: Store, *notices: Notice, topics: tuple[Topic, ...] = ()) -> None:
    """Notices in the outbox, in this order, told by nobody's act in particular."""
    store.record_acts("staging", "prod", (), (), Telling(topics=topics, notices=notices))


def ids(queued: tuple[Queued, ...]) -> list[str]:
    return [item.notice.id for item in queued]


def deliver(store: Store, name: str, minute: float, reference: object = None) -> None:
    attempts = next(item.attempts for item in store.notices() if item.notice.id == name)
    assert store.begin_attempt(name, at(minute), attempts)
    store.end_attempt(name, at(minute), reference=reference)


def fail(store: Store, name: str, minute: float, next_minute: float | None = None) -> None:
    """A try that failed: for now where there is a `next_minute`, else for good."""
    attempts = next(item.attempts for item in store.notices() if item.notice.id == name)
    assert store.begin_attempt(name, at(minute), attempts)
    if next_minute is None:
        store.end_attempt(name, at(minute), error="channel_not_found", permanent=True)
    else:
        store.end_attempt(name, at(minute), error="HTTP 500", next_at=at(next_minute))
