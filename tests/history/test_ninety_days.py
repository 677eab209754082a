"""The script of ninety days, replayed: every finding's life, who moved and when are what they were written to be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from auditor.codec import canonical, encode
from auditor.life import AUDITOR
from auditor.model import ABSENT, Absent, Json, Status
from auditor.publish.moves import moved_text
from auditor.store import Store
from tests.history.script import AWAY, BLIND, Replay, at, fingerprint, looks, replay

PENDING, OPEN, ACKNOWLEDGED, WAIVED, RESOLVED, REGRESSED = Status


@dataclass(frozen=True, slots=True)
class Move:
    """Which side is to be told to have moved, in the audit of `seen`."""

    seen: datetime
    side: str
    after: datetime
    by: datetime
    old: Json | Absent
    new: Json | Absent
    agreed: bool = True


# By rule and a part of the name: every event of its life, whoever made it happen.
LIVES: dict[tuple[str, str], list[tuple[datetime, Status, str]]] = {
    ("deployed", "api"): [
        (at(3, 17), PENDING, AUDITOR),
        (at(5, 17), RESOLVED, AUDITOR),
        (at(30, 9), PENDING, AUDITOR),
        (at(33, 9), OPEN, AUDITOR),
        (at(36, 17), RESOLVED, AUDITOR),
    ],
    ("engine", "orders"): [
        (at(10, 17), OPEN, AUDITOR),
        (at(18, 1), RESOLVED, AUDITOR),
        # Production was upgraded on day 46, which nobody could compare before day 52.
        (at(52, 1), REGRESSED, AUDITOR),
        (at(55, 9), RESOLVED, AUDITOR),
        (at(84, 17), REGRESSED, AUDITOR),
    ],
    ("setting", "timeout"): [
        (at(20, 9), OPEN, AUDITOR),
        (at(25, 12), WAIVED, "ada"),
        (at(35, 17), OPEN, AUDITOR),
        # Mended on day 48, which nobody could see before day 52.
        (at(52, 1), RESOLVED, AUDITOR),
    ],
    ("setting", "currency"): [
        (at(61, 17), OPEN, AUDITOR),
        (at(62, 17), RESOLVED, AUDITOR),
        (at(80, 1), REGRESSED, AUDITOR),
        (at(82, 12), ACKNOWLEDGED, "bo"),
    ],
    ("setting", "banner"): [
        (at(65, 17), OPEN, AUDITOR),
        (at(66, 17), RESOLVED, AUDITOR),
        (at(67, 17), REGRESSED, AUDITOR),
        (at(68, 17), RESOLVED, AUDITOR),
    ],
    ("absent", "retries"): [(at(70, 17), OPEN, AUDITOR), (at(75, 17), RESOLVED, AUDITOR)],
}
MOVES: dict[tuple[str, str], list[Move]] = {
    ("deployed", "api"): [
        Move(at(3, 17), "left", at(3, 9), at(3, 17), "1.4.0", "1.5.0"),
        Move(at(30, 9), "left", at(30, 1), at(30, 9), "1.5.0", "1.6.0"),
        Move(at(36, 9), "left", at(30, 1), at(30, 9), "1.5.0", "1.6.0"),
    ],
    ("engine", "orders"): [
        Move(at(10, 17), "right", at(10, 9), at(10, 17), "15.4", "15.8"),
        Move(at(17, 17), "right", at(10, 9), at(10, 17), "15.4", "15.8"),
        Move(at(52, 1), "right", at(46, 1), at(46, 9), "15.8", "16.1"),
        Move(at(84, 17), "right", at(84, 9), at(84, 17), "16.1", "16.2"),
        Move(at(89, 17), "right", at(86, 9), at(86, 17), "16.2", "16.3", agreed=False),
    ],
    ("setting", "timeout"): [
        Move(at(20, 9), "right", at(20, 1), at(20, 9), "30", "45"),
        Move(at(44, 17), "right", at(20, 1), at(20, 9), "30", "45"),
    ],
    ("setting", "currency"): [
        Move(at(61, 17), "left", at(60, 1), at(61, 17), "EUR", "USD"),
        Move(at(80, 1), "right", at(77, 17), at(80, 1), "EUR", "GBP"),
        Move(at(89, 17), "right", at(77, 17), at(80, 1), "EUR", "GBP"),
    ],
    ("setting", "banner"): [
        Move(at(65, 17), "left", at(65, 9), at(65, 17), "on", "off"),
        Move(at(67, 17), "left", at(67, 9), at(67, 17), "on", "off"),
    ],
    ("absent", "retries"): [Move(at(70, 17), "right", at(70, 9), at(70, 17), ABSENT, True)],
}
SENTENCES = {
    ("engine", "orders"): (
        at(10, 17),
        "prod went from 15.4 to 15.8 between Wed 2026-03-11 09:00 and 17:00 UTC; staging did not follow",
    ),
    ("setting", "currency"): (
        at(80, 1),
        "prod went from EUR to GBP between Sun 2026-05-17 17:00 and Wed 2026-05-20 01:00 UTC; staging did not follow",
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shop")


@pytest.fixture(scope="module")
def first(folder: Path) -> Iterator[Replay]:
    with Store.open(f"sqlite:///{folder / 'first.db'}") as store:
        yield replay(store, folder)


@pytest.mark.parametrize("which", LIVES, ids="-".join)
def test_a_finding_lives_as_the_script_says(first: Replay, which: tuple[str, str]) -> None:
    """Each change of state with its time and who made it; none more."""
    events = first.store.events(fingerprint(first.store, *which))
    assert [(event.at, event.to_status, event.actor) for event in events] == LIVES[which]


def test_there_are_no_other_findings(first: Replay) -> None:
    """Ninety days, a week of refusals, an outage: nothing else was ever said."""
    known = {fingerprint(first.store, *which) for which in LIVES}
    assert set(first.store.previous("staging", "prod")) == known


@pytest.mark.parametrize("which", MOVES, ids="-".join)
def test_the_side_that_moved_is_told_with_its_time(first: Replay, which: tuple[str, str]) -> None:
    """Between which two looks, from what to what: also when one of the two could not be seen at that time."""
    wanted = fingerprint(first.store, *which)
    for move in MOVES[which]:
        (found,) = [one for one in first.audits[move.seen].findings if one.breach.fingerprint == wanted]
        told = found.moved
        assert told is not None, move
        assert (told.side, told.after, told.by, told.old, told.new, told.agreed) == (
            (move.side, move.after, move.by, move.old, move.new, move.agreed)
        )
        assert told.environment == {"left": "staging", "right": "prod"}[move.side]
        assert first.store.load_snapshot(told.snapshot).taken_at == move.by


@pytest.mark.parametrize("which", SENTENCES, ids="-".join)
def test_it_is_told_in_one_sentence(first: Replay, which: tuple[str, str]) -> None:
    """As a person would say it."""
    seen, sentence = SENTENCES[which]
    wanted = fingerprint(first.store, *which)
    (found,) = [one for one in first.audits[seen].findings if one.breach.fingerprint == wanted]
    assert moved_text(found) == sentence


def test_audits_that_saw_too_little_say_so_and_no_other(first: Replay) -> None:
    """Incomplete are those within the week of refusals and the outage."""
    blind = {time for time in first.audits if any(each.since <= time < each.until for each in BLIND)}
    assert {time for time, audit in first.audits.items() if not audit.complete} == blind
    assert len(blind) == 23
    assert len(first.audits) == len(list(looks()))
    assert not any(AWAY[0] <= time < AWAY[1] for time in looks())


def test_replayed_from_an_empty_store_it_is_the_same_byte_for_byte(first: Replay, folder: Path) -> None:
    """Every audit, finding, event and snapshot."""
    with Store.open(f"sqlite:///{folder / 'second.db'}") as store:
        assert _everything(replay(store, folder)) == _everything(first)


def _everything(replayed: Replay) -> bytes:
    store = replayed.store
    findings = store.previous("staging", "prod")
    kept = {
        "audits": [encode(replayed.store.audit(audit.id)) for audit in replayed.audits.values()],
        "findings": {name: encode(stored) for name, stored in sorted(findings.items())},
        "events": {name: [encode(event) for event in store.events(name)] for name in sorted(findings)},
        "snapshots": [
            encode(store.load_snapshot(info.id)) for name in ("staging", "prod") for info in store.snapshots(name)
        ],
        "waivers": [encode(waiver) for waiver in store.waivers()],
    }
    assert len(kept["snapshots"]) == 2 * len(replayed.audits)
    return canonical(json.loads(json.dumps(kept, default=str)))
