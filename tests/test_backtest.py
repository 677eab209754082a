"""What a policy would have said of stored snapshots: two months of a small company, told again under other rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditor.acts import acknowledge, waive
from auditor.backtest import Moment, Seen, Sight, Waiving, replay, thinned
from auditor.backtest_told import Mailbox, ShiftKind
from auditor.backtesting import Backtest, backtest
from auditor.cli.exits import Exit, guarded
from auditor.cli.root import audit
from auditor.config import Config, load_config
from auditor.model import Severity
from auditor.notify import Teller
from auditor.pipeline import Tools, audit_snapshots, take_snapshots
from auditor.policy import load_policy
from auditor.publish.backtest_report import as_json, markdown, table
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.store import Store
from auditor.waivers import Finder, finder
from tests.store.samples import breach
from tests.telling import HOOK, SLACK

FIRST = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
CONFIG = """
environments:
  staging: {aliases: [stg], sources: [{collector: files, path: deploy/staging}]}
  prod: {sources: [{collector: files, path: deploy/prod}]}
pairs: [{left: staging, right: prod, policies: [house]}]
policies: [./rules]
waivers: ./waivers.yaml
"""
RULES = """
policy: house
rules:
  - {id: value, about: Values agree, kind: env.file, path: "*", expect: equal, severity: medium}
  - {id: workers, about: Workers may lag, kind: env.file, path: WORKERS, expect: equal, severity: high, for: 5d}
"""
HISTORY: dict[int, dict[str, str]] = {
    # day: what the file of staging says from then on; production's never changes
    0: {"LEVEL": "debug", "WORKERS": "4", "MODE": "a"},
    10: {"LEVEL": "info", "WORKERS": "3", "MODE": "a"},
    20: {"LEVEL": "info", "WORKERS": "4", "MODE": "b"},
    30: {"LEVEL": "debug", "WORKERS": "4", "MODE": "b"},
    40: {"LEVEL": "debug", "WORKERS": "2", "MODE": "a"},
}
PROD = {"LEVEL": "info", "WORKERS": "4", "MODE": "a"}
DAYS = 50


@dataclass
class Past:
    """A store that holds an audit for every other of fifty days, and the clock that they were made by."""

    folder: Path
    config: Config
    store: Store
    tools: Tools
    now: datetime = FIRST

    def tried(self, rules: str, most: int = 1000) -> Backtest:
        """The same time under other rules."""
        (self.folder / "rules" / "house.yaml").write_text(rules)
        policy = load_policy(["house"], self.config.policies)
        return backtest(self.config, self.config.pairs[0], policy, self.tools, FIRST - timedelta(days=1), most=most)


def write(folder: Path, environment: str, values: dict[str, str]) -> None:
    path = folder / "deploy" / environment / "app.env"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{key}={value}\n" for key, value in values.items()))


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """What audits have recorded, with a waiver in days 16 to 18 and an acknowledgement on day 32."""
    folder = tmp_path_factory.mktemp("past")
    (folder / "auditor.yaml").write_text(CONFIG)
    (folder / "waivers.yaml").write_text("waivers: []\n")
    (folder / "rules").mkdir()
    (folder / "rules" / "house.yaml").write_text(RULES)
    write(folder, "prod", PROD)
    registry = Registry.load()
    config = load_config(folder / "auditor.yaml", registry=registry, environ={})
    with Store.open(f"sqlite:///{folder}/auditor.db") as store:
        found = Past(folder, config, store, Tools(registry, store, Redactor(b"k" * 32), lambda: found.now))
        found.tools = Tools(registry, store, Redactor(b"k" * 32), lambda: found.now, teller=Teller([SLACK, HOOK]))
        policy = load_policy(["house"], config.policies)
        for number in range(0, DAYS, 2):
            found.now = day(number)
            if number in HISTORY:
                write(folder, "staging", HISTORY[number])
            taken = take_snapshots(config, ("staging", "prod"), found.tools)
            audit_snapshots(config, policy, taken["staging"], taken["prod"], found.now, found.tools)
            act(found, number)
        yield found


def act(past: Past, number: int) -> None:
    """What people did on that day."""
    found = {stored.breach.path: name for name, stored in past.store.previous("staging", "prod").items()}
    at = past.now + timedelta(hours=1)
    if number == 16:
        waive(past.store, [found[("WORKERS",)]], "ana", "on its way", at, timedelta(days=2), "cli")
    if number == 32:
        acknowledge(past.store, [found[("LEVEL",)]], "bo", at)


def day(number: float) -> datetime:
    return FIRST + timedelta(days=number)


def test_the_policy_that_was_in_force_says_what_was_said(past: Past) -> None:
    """Findings open, tolerated, waived, acknowledged, gone and back: told again, nothing is new, gone or at another time."""
    found = past.tried(RULES)
    assert found.outcome is not None
    assert found.outcome.shifts == ()
    assert found.outcome.same == 3
    assert found.outcome.then_open == found.outcome.now_open
    assert found.outcome.then_news == found.outcome.now_news == 6
    assert found.outcome.then_sent == found.outcome.now_sent
    assert found.outcome.now_sent is not None
    assert found.outcome.now_sent["webhook:hooks.example.com"] == 7


def test_snapshots_that_hold_the_same_are_judged_once(past: Past) -> None:
    """Twenty-five audits saw five different states."""
    found = past.tried(RULES)
    assert (found.audits, found.contents, found.judged, found.left_out) == (25, 5, 5, 0)
    assert (found.first, found.last) == (day(0), day(48))


def test_what_another_policy_would_have_said_is_told_with_its_dates(past: Past) -> None:
    """One finding is ignored, one is graver, and one is no longer tolerated for its first days."""
    rules = """
policy: house
rules:
  - {id: value, about: Values agree, kind: env.file, path: "*", expect: equal, severity: medium}
  - {id: mode, about: Modes are a matter of taste, kind: env.file, path: MODE, expect: ignore}
  - {id: level, about: Logs say the same, kind: env.file, path: LEVEL, expect: equal, severity: critical}
  - {id: workers, about: Workers may not lag, kind: env.file, path: WORKERS, expect: equal, severity: high}
  - {id: name, about: Every file says what it is, kind: env.file, path: LEVEL, in: prod, expect: {differ: info}, severity: low}
"""
    found = past.tried(rules)
    assert found.outcome is not None
    shifts = {(shift.kind, shift.place[2]): shift for shift in found.outcome.shifts}
    assert set(shifts) == {
        (ShiftKind.GONE, ("MODE",)),
        (ShiftKind.SEVERITY, ("LEVEL",)),
        (ShiftKind.TIME, ("WORKERS",)),
    }
    gone = shifts[(ShiftKind.GONE, ("MODE",))].then
    assert gone is not None
    assert (gone.opened, gone.open_for, gone.still, gone.news) == (day(20), timedelta(days=20), False, 2)
    graver = shifts[(ShiftKind.SEVERITY, ("LEVEL",))]
    assert graver.then is not None
    assert graver.now is not None
    assert (graver.then.severity, graver.now.severity) == (Severity.MEDIUM, Severity.CRITICAL)
    assert graver.now.opened == day(0)
    sooner = shifts[(ShiftKind.TIME, ("WORKERS",))]
    assert sooner.then is not None
    assert sooner.now is not None
    assert (sooner.then.opened, sooner.now.opened) == (day(16), day(10))
    assert found.rises_to("critical")
    assert not past.tried(RULES).rises_to("info")


def test_a_place_that_two_rules_speak_of_is_one_place(past: Past) -> None:
    """A check finds what a comparison found before, and worse: that is a change of severity, with its first date."""
    few = "{id: few, about: Two are too few, kind: env.file, path: WORKERS, in: staging, expect: {at_least: 3}"
    found = past.tried(f"{RULES}  - {few}, severity: critical}}\n")
    assert found.outcome is not None
    (shift,) = found.outcome.shifts
    assert (shift.kind, shift.place) == (ShiftKind.SEVERITY, ("env.file", "app.env", ("WORKERS",)))
    assert shift.now is not None
    assert (shift.now.rule.id, shift.now.rule.line, shift.now.opened) == ("few", 6, day(16))
    text = table([found], width=100, color=False)
    assert "staging/prod: 1 of another severity; 2 the same." in text
    assert "high -> critical" in text


def test_nothing_of_a_backtest_stays_in_the_store(past: Past) -> None:
    """Findings, events, audits and notices are what they were."""
    before = (past.store.previous("staging", "prod"), past.store.audits(), past.store.notices())
    past.tried(RULES.replace("medium", "critical"))
    assert (past.store.previous("staging", "prod"), past.store.audits(), past.store.notices()) == before


def test_too_many_states_are_sampled_and_that_is_said(past: Past) -> None:
    """The first and the last are always among them."""
    found = past.tried(RULES, most=3)
    assert (found.contents, found.left_out, found.first, found.last) == (3, 2, day(0), day(48))
    assert found.notes == ("2 of 5 different states were left out, evenly: dates are rough",)


def test_the_report_of_a_merge_request_is_markdown(past: Past) -> None:
    """A sentence, the numbers, and a row per place with rule, date and span."""
    found = past.tried(RULES.replace("severity: medium", "severity: info"))
    text = markdown([found])
    assert text.startswith(
        "## What this policy would have said\n\n**staging/prod: 2 of another severity; 1 the same.**"
    )
    assert "### Would be of another severity (2)" in text
    assert "| medium -> info | `env.file app.env LEVEL` | `house/value` <sub>" in text
    assert "| 2026-09-01 06:00:00 UTC | 28 d |" in text
    document = json.loads(as_json([found]))
    assert document["pairs"][0]["changes"][0]["now"]["severity"] == "info"
    assert document["pairs"][0]["then"]["notices"]["webhook:hooks.example.com"] == 7


def test_the_command_replays_the_pairs_or_the_two_that_are_named(
    past: Past, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`audit policy backtest strict staging prod`: policies first, then the pair. --fail-on makes it a gate."""
    (past.folder / "rules" / "house.yaml").write_text(RULES)
    monkeypatch.chdir(past.folder)
    monkeypatch.setenv("AUDITOR_KEY", "k" * 32)
    since = ("--since", "2026-08-30")
    assert guarded(audit, ["policy", "backtest", *since]) == Exit.PARITY
    assert "nothing would change (3 findings the same)" in capsys.readouterr().out
    arguments = ["policy", "backtest", "strict", "stg", "prod", *since, "--format", "json", "--fail-on", "low"]
    assert guarded(audit, arguments) == Exit.PARITY
    document = json.loads(capsys.readouterr().out)
    assert document["pairs"][0]["policies"] == ["strict"]
    assert {change["change"] for change in document["pairs"][0]["changes"]} <= {"severity", "time"}
    assert guarded(audit, ["policy", "backtest", "--since", "soon"]) == Exit.USAGE
    assert "expected a duration such as 90d, or a date" in capsys.readouterr().err
    assert guarded(audit, ["policy", "backtest", "--since", "1s"]) == Exit.PARITY
    assert "no audit since" in capsys.readouterr().out


def moments(contents: str) -> list[Moment]:
    """A moment a day; each letter is one content of the left side."""
    right = Seen("r", FIRST, "right")
    return [Moment(day(number), f"a{number}", Seen(f"l{number}", day(number), letter), right) for number, letter in enumerate(contents)]  # fmt: skip


def test_a_rule_that_asks_for_the_time_is_judged_again_only_where_it_matters() -> None:
    """Of a thousand equal moments some twenty are judged, and the day on which the answer changed is still found."""
    asked: list[datetime] = []
    limit = day(617)
    late = breach("late", severity=Severity.HIGH)

    def look(moment: Moment) -> Sight:
        asked.append(moment.at)
        return Sight((late,) if moment.at >= limit else (), lambda _: True)

    found = replay(moments("a" * 1000), look, timed=True, waiving=Waiving(nobody), began=lambda _: None)
    (event,) = found.story.events
    assert event.at == limit
    assert len(asked) == found.judged <= 22


def nobody(at: datetime) -> Finder:
    """No waiver at any time."""
    return finder((), "staging", "prod", at)


def test_what_stood_before_the_time_begins_is_no_news() -> None:
    """It is open from the start, its tolerance counts from when it was first known, and nobody is told of it again."""
    old = breach("old", severity=Severity.HIGH, tolerated_for=timedelta(days=30))
    mailbox = Mailbox(Teller([HOOK]), "staging", "prod")
    found = replay(
        moments("aab"),
        lambda moment: Sight((old,) if moment.left.content == "a" else (), lambda _: True),
        timed=False,
        waiving=Waiving(nobody),
        began=lambda _: day(-40),
        mailbox=mailbox,
    )
    assert [event.to_status.value for event in found.story.events] == ["resolved"]
    assert mailbox.sent == {"webhook:hooks.example.com": 1}


def test_thinning_keeps_whole_runs_and_both_ends() -> None:
    """Moments of one content in a row are one state."""
    kept = thinned(moments("aabbccddee"), 3)
    assert "".join(moment.left.content for moment in kept) == "aaccee"
    assert thinned(moments("aab"), 5) == tuple(moments("aab"))
