"""Who made a change, asked of sources that keep records: bounded, cached, honest, and never in an audit's way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.collect import Environment, Source
from auditor.collector import Context, Inquiry, Options
from auditor.errors import CollectError
from auditor.model import Author, GapReason, Kind, Moved, Resource
from auditor.store import Store
from auditor.witnesses import Bounds, Witnesses

AFTER = datetime(2026, 11, 17, 9, 0, tzinfo=UTC)
ADA = Author("deploy/ada", "rds:ModifyDBInstance", AFTER, "console", "e-1")
LATER = Author(unknown="not yet", ask_again=True)
Answer = Callable[[Resource, Moved], Author | None]


@dataclass
class Ledger:
    """A collector with records of its own. `answer` is what its witness says; it asks once for every answer."""

    answer: Answer
    pause: float = 0.0
    name: str = "ledger"
    about: str = "for these tests"
    kinds: tuple[Kind, ...] = ()
    options: type[Options] = Options
    permissions: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)
    begun: int = 0

    def label(self, _options: Any) -> str:
        return "ledger:prod"

    def plan(self, _options: Any, _context: Context) -> Iterator[Any]:
        yield from ()

    def witness(self, _options: Any, context: Context, inquiry: Inquiry) -> LedgerWitness:
        self.begun += 1
        assert context.environment == "prod"
        return LedgerWitness(self, inquiry)


@dataclass
class LedgerWitness:
    ledger: Ledger
    inquiry: Inquiry

    def author(self, resource: Resource, moved: Moved) -> Author | None:
        self.inquiry.take(self.ledger.pause)
        self.ledger.asked.append(resource.identity)
        return self.ledger.answer(resource, moved)


class Plain(Ledger):
    """A collector whose far side keeps no records."""

    witness = None  # type: ignore[assignment]


@dataclass
class Time:
    """A clock that only moves when somebody waits."""

    ticks: float = 0.0

    def wait(self, seconds: float) -> None:
        self.ticks += seconds


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'auditor.db'}") as opened:
        yield opened


def asking(ledger: Ledger, store: Store, **more: Any) -> Witnesses:
    prod = Environment("prod", ("prod",), (), Path(), (Source(ledger, Options()),))
    time = Time()
    return Witnesses({"prod": prod}, store, lambda: AFTER, ticks=lambda: time.ticks, wait=time.wait, **more)


def resource(name: str = "orders", source: str = "ledger:prod", **more: Any) -> Resource:
    return Resource("aws.rds.instance", name, {}, source=source, **{"account": "1", "region": "eu", **more})


def moved(new: Any = "15.8", **changes: Any) -> Moved:
    given = {"side": "right", "snapshot": "s2", **changes}
    return Moved(environment="prod", after=AFTER, by=AFTER + timedelta(minutes=15), old="15.4", new=new, **given)


def refusing(reason: GapReason) -> Answer:
    def answer(resource: Resource, _moved: Moved) -> Author:
        raise CollectError(reason, f"ledger:Look in {resource.region}: {reason.value}; allow ledger:Look")

    return answer


@contextmanager
def counting(ledger: Ledger, more: int) -> Iterator[None]:
    before = len(ledger.asked)
    yield
    assert len(ledger.asked) == before + more


def test_what_is_settled_is_asked_once_for_all_audits(store: Store) -> None:
    """Also for another pair in which the same change shows; another value or another resource is another question."""
    ledger = Ledger(lambda resource, _: ADA if resource.identity == "orders" else Author(unknown="nobody"))
    assert [asking(ledger, store)("prod", resource(name), moved()) for name in ("orders", "web")] == [
        ADA,
        Author(unknown="nobody"),
    ]
    with counting(ledger, 0):
        again = asking(ledger, store)
        assert again("prod", resource(), moved(side="left", snapshot="s9", agreed=False, author=ADA)) == ADA
        assert again("prod", resource("web"), moved()) == Author(unknown="nobody")
    with counting(ledger, 2):
        again("prod", resource(), moved("16.0"))
        again("prod", resource(region="us"), moved())


def test_what_may_be_known_later_is_asked_again(store: Store) -> None:
    """By the next audit: what is not there yet is no answer."""
    ledger = Ledger(lambda *_: LATER)
    assert asking(ledger, store)("prod", resource(), moved()) == LATER
    ledger.answer = lambda *_: ADA
    assert asking(ledger, store)("prod", resource(), moved()) == ADA


def test_where_nobody_keeps_records_nobody_is_asked(store: Store) -> None:
    """A collector without a witness, a source that is not the resource's, a witness that knows of no records."""
    assert asking(Plain(lambda *_: ADA), store)("prod", resource(), moved()) is None
    assert asking(Ledger(lambda *_: ADA), store)("prod", resource(source="files:x"), moved()) is None
    assert asking(Ledger(lambda *_: None), store)("prod", resource(), moved()) is None


@pytest.mark.parametrize(
    ("reason", "unknown"),
    [
        (GapReason.ACCESS_DENIED, "its records may not be read"),
        (GapReason.THROTTLED, "its records were asked for too often"),
        (GapReason.TIMEOUT, "its records did not answer in time"),
        (GapReason.UNREACHABLE, "its records could not be read"),
    ],
)
def test_records_that_cannot_be_read_are_told_once_of_an_account(store: Store, reason: GapReason, unknown: str) -> None:
    """With the remedy, however many findings it concerns; a region that failed is not asked again in this audit."""
    ledger = Ledger(refusing(reason))
    asked = asking(ledger, store)
    with counting(ledger, 2):
        for name in ("a", "b", "c"):
            for region in ("eu", "us"):
                author = asked("prod", resource(name, region=region), moved())
                assert author == Author(unknown=unknown, ask_again=True)
    assert asked.notes == (
        f"who changed what in prod (account 1) is unknown: ledger:Look in eu: {reason.value}; allow ledger:Look",
    )
    ledger.answer = lambda *_: ADA
    assert asking(ledger, store)("prod", resource("a"), moved()) == ADA


def test_an_audit_asks_no_more_than_its_bounds(store: Store) -> None:
    """Neither more often nor for longer; what was not asked says so, once for all of it as a note."""
    spent = Author(unknown="not asked in this audit, which had asked all it may", ask_again=True)
    for bounds, pause in ((Bounds(requests=3), 0.0), (Bounds(seconds=2.0), 0.6)):
        ledger = Ledger(lambda *_: LATER, pause)
        asked = asking(ledger, store, bounds=bounds)
        answers = [asked("prod", resource(f"db-{number}"), moved()) for number in range(6)]
        assert answers == [LATER] * 3 + [spent] * 3
        (note,) = asked.notes
        assert note == (
            f"who made some of the changes was not asked: an audit asks at most {bounds.requests} times and "
            f"for {bounds.seconds:g} s; the next one goes on"
        )


def test_a_fault_of_a_witness_costs_no_audit(store: Store) -> None:
    """It is told by its type alone, since its text may quote a record; only what is not installed is not covered up."""

    def broken(_resource: Resource, _moved: Moved) -> Author:
        raise ZeroDivisionError("password=hunter2")

    asked = asking(Ledger(broken), store)
    assert asked("prod", resource(), moved()) == Author(unknown="its records could not be read", ask_again=True)
    assert asked.notes == ("who changed what in prod (account 1) is unknown: ledger failed with ZeroDivisionError",)

    def missing(_resource: Resource, _moved: Moved) -> Author:
        raise ImportError("no botocore")

    with pytest.raises(ImportError):
        asking(Ledger(missing), store)("prod", resource(), moved())


def test_a_source_without_credentials_is_tried_once(store: Store) -> None:
    """There is no witness to ask, and each try would take its time."""

    @dataclass
    class Locked(Ledger):
        def witness(self, _options: Any, _context: Context, _inquiry: Inquiry) -> LedgerWitness:
            self.begun += 1
            raise CollectError(GapReason.ACCESS_DENIED, "no credentials found")

    ledger = Locked(lambda *_: ADA)
    asked = asking(ledger, store)
    for region in ("eu", "us"):
        assert asked("prod", resource(region=region), moved()) == Author(
            unknown="its records may not be read", ask_again=True
        )
    assert ledger.begun == 1
    assert asked.notes == ("who changed what in prod (account 1) is unknown: no credentials found",)


def test_an_audit_that_is_stopped_waits_for_nobody(store: Store) -> None:
    """Whatever the pause: the wait ends when the audit does."""
    cancel = threading.Event()
    cancel.set()
    ledger = Ledger(lambda *_: ADA)
    author = asking(ledger, store, cancel=cancel)("prod", resource(), moved())
    assert author == Author(unknown="the audit was stopped", ask_again=True)
    assert ledger.asked == []


def test_the_cache_is_all_that_it_needs_of_a_store() -> None:
    """What is cached is the answer, not what it was found in."""

    class Kept:
        items: dict[str, bytes] = {}

        def cached(self, _namespace: str, keys: Any) -> dict[str, bytes]:
            return {key: self.items[key] for key in keys if key in self.items}

        def cache_put(self, _namespace: str, items: Mapping[str, bytes]) -> None:
            self.items.update(items)

    kept: Any = Kept()
    asking(Ledger(lambda *_: ADA), kept)("prod", resource(), moved())
    (body,) = kept.items.values()
    assert b"deploy/ada" in body
    assert b"15.8" not in body
