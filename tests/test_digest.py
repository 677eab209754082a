"""The digest: how every pair stands, at most once a day, whatever breaks in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.audiences import Audience
from auditor.codec import decode
from auditor.config import Config, Pair
from auditor.digest import Digest, digest, post_digest
from auditor.errors import StoreError
from auditor.model import Severity
from auditor.notices import NoticeKind
from auditor.notify import Teller
from auditor.settings import PublishSettings, ServeSettings
from auditor.store import Store
from auditor.waivers import Waiver
from tests.store.samples import START, breach, run
from tests.telling import SLACK

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
PAIR = ("staging", "prod")
WANTS = replace(SLACK, digest="#weekly")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'auditor.db'}") as opened:
        yield opened


def config(*pairs: tuple[str, str]) -> Config:
    """A configuration of nothing but pairs."""
    return Config(
        file=Path("auditor.yaml"),
        folder=Path(),
        store="sqlite://",
        environments={},
        promotes_to={},
        pairs=tuple(Pair(*pair) for pair in pairs),
        policies=(),
        waivers=None,
        publish=PublishSettings(),
        serve=ServeSettings(),
        timeout=HOUR,
        workers=1,
        counterparts=(),
        identity_tag="parity:id",
    )


def waiver(name: str, expires_at: datetime, **changes: Any) -> Waiver:
    return Waiver(name, "ana", "known", START - 30 * DAY, expires_at, "cli", **changes)


def test_a_pair_is_told_as_it_stands_and_what_happened_since(store: Store) -> None:
    """Before `since` one finding is opened; after it one comes, one goes and one comes back."""
    high, low, back = breach("a"), breach("b", severity=Severity.LOW), breach("c")
    run(store, "1", [high, back], START)
    run(store, "2", [high], START + HOUR)
    since = START + 2 * HOUR
    run(store, "3", [high, low, back], START + 3 * HOUR)
    run(store, "4", [low, back], START + 4 * HOUR)
    (pair,) = digest(store, [PAIR], since, START + DAY, scores={"staging/prod": 0.5}).pairs
    assert (pair.new, pair.regressed, pair.resolved) == (1, 1, 1)
    assert (pair.open, pair.aside) == ({Severity.HIGH: 1, Severity.LOW: 1}, 0)
    assert [stored.fingerprint for stored in pair.worst] == ["fp-c", "fp-b"]
    assert pair.oldest is not None
    assert pair.oldest.opened_at == START + 3 * HOUR
    assert (pair.score, pair.score_before, pair.coverage, pair.complete) == (0.75, 0.5, 0.9, False)
    assert (pair.audited_at, len(pair.gaps)) == (START + 4 * HOUR, 1)


def test_a_pending_finding_that_went_away_is_not_counted(store: Store) -> None:
    """It never was one: neither new nor resolved; while it lasts it is set aside."""
    waiting = breach("a", tolerated_for=DAY)
    run(store, "1", [waiting], START)
    now = START + HOUR
    assert digest(store, [PAIR], START - HOUR, now).pairs[0].aside == 1
    run(store, "2", [], START + HOUR)
    (pair,) = digest(store, [PAIR], START - HOUR, now).pairs
    assert (pair.new, pair.resolved, pair.aside, pair.open, pair.oldest) == (0, 0, 0, {}, None)


def test_what_comes_and_goes_is_named(store: Store) -> None:
    """Three returns within a week, even where the last digest is younger."""
    for number in range(8):
        run(store, str(number), [breach("a")] if number % 2 == 0 else [], START + number * HOUR)
    now = START + 9 * HOUR
    (pair,) = digest(store, [PAIR], now - timedelta(minutes=1), now).pairs
    assert ([stored.fingerprint for stored in pair.flapping], pair.regressed) == ([], 0)
    run(store, "9", [breach("a")], now)
    (pair,) = digest(store, [PAIR], now - timedelta(minutes=1), now).pairs
    assert ([stored.fingerprint for stored in pair.flapping], pair.regressed) == (["fp-a"], 1)
    (later,) = digest(store, [PAIR], now, now + 7 * DAY).pairs
    assert later.flapping == ()


def test_a_pair_that_was_never_audited_is_empty(store: Store) -> None:
    """Nothing is known of it: no score, no coverage, not complete."""
    (pair,) = digest(store, [("dev", "staging")], START, START).pairs
    assert (pair.audited_at, pair.score, pair.coverage, pair.complete, pair.open) == (None, None, None, False, {})


def test_waivers_that_expire_within_a_week_are_named(store: Store) -> None:
    """People's and those of the file, the next first; neither later ones nor those that are over or revoked."""
    people = [
        waiver("soon", START + 3 * DAY, fingerprints=("fp-a",)),
        waiver("later", START + 8 * DAY, fingerprints=("fp-a",)),
        waiver("over", START - DAY, fingerprints=("fp-a",)),
        waiver("revoked", START + DAY, fingerprints=("fp-a",), revoked_at=START),
    ]
    store.record_acts(*PAIR, (), (), waivers=people)
    made = digest(store, [PAIR], START, START, waivers=[waiver("file", START + 2 * DAY)])
    assert [one.id for one in made.expiring] == ["file", "soon"]


def digests(store: Store) -> list[Digest]:
    """Those in the outbox, the oldest first."""
    found = [queued.notice for queued in store.notices() if queued.notice.kind is NoticeKind.DIGEST]
    return [decode(Digest, notice.body) for notice in reversed(found)]


def test_a_digest_is_posted_once_a_day_and_goes_on_where_the_last_one_ended(store: Store) -> None:
    """A second call of the day changes nothing; the next day's looks back to this one, and knows its score."""
    run(store, "1", [breach("a")], START)
    teller = Teller([WANTS])
    now = START + HOUR
    assert post_digest(store, config(PAIR), teller, now) is True
    assert post_digest(store, config(PAIR), teller, now + HOUR) is False
    assert post_digest(store, config(PAIR), teller, now + DAY) is True
    first, second = digests(store)
    assert (first.since, first.at) == (now - 7 * DAY, now)
    assert (second.since, second.at) == (now, now + DAY)
    assert [made.pairs[0].score_before for made in (first, second)] == [None, 0.75]
    assert {queued.notice.target for queued in store.notices()} == {"slack:#weekly"}


def test_the_day_is_that_of_the_schedules_zone(store: Store) -> None:
    """Half past eleven at night in UTC is another day in Berlin."""
    from zoneinfo import ZoneInfo

    teller = Teller([replace(WANTS, digest_zone=ZoneInfo("Europe/Berlin"))])
    evening = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
    assert [post_digest(store, config(PAIR), teller, evening + step * HOUR) for step in (0, 1, 2)] == [
        True,
        True,
        False,
    ]


class Forgetful:
    """A store that breaks before it remembers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        if name == "remember":
            raise StoreError("store: gone")
        return getattr(self._store, name)


def test_a_crash_before_it_is_remembered_posts_no_second_one(store: Store) -> None:
    """The notice of that day has its id already."""
    teller = Teller([WANTS])
    with pytest.raises(StoreError):
        post_digest(Forgetful(store), config(PAIR), teller, START)  # type: ignore[arg-type]
    assert post_digest(store, config(PAIR), teller, START + HOUR) is True
    assert len(digests(store)) == 1


@pytest.mark.parametrize("audience", [SLACK, Audience("webhook", "h", Severity.INFO)])
def test_who_wants_no_digest_gets_none(store: Store, audience: Audience) -> None:
    """Nor does anybody where no pair is configured, or nobody is told anything."""
    assert post_digest(store, config(PAIR), Teller([audience]), START) is False
    assert post_digest(store, config(), Teller([WANTS]), START) is False
    assert post_digest(store, config(PAIR), None, START) is False
    assert store.notices() == ()
