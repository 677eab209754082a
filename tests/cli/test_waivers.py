"""Tolerating findings through the command: by hand, and in the reviewed file."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome

    Run = Callable[..., Outcome]

TODAY = datetime.now(UTC).date()


def day(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


@pytest.fixture
def drifted(company: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The company with one finding of high severity and one of low."""
    monkeypatch.setenv("USER", "ana")
    (company / "deploy" / "staging" / "app.env").write_text("LOG_LEVEL=debug\nSAMPLING=20\n")
    assert run("now", "staging", "prod").code == 1
    return company


def findings(run: Run) -> dict[str, dict[str, Any]]:
    return {one["rule"]: one for one in json.loads(run("findings", "--format", "json").out)}


def fingerprint(run: Run, rule: str = "log-level") -> str:
    return str(findings(run)[rule]["fingerprint"])


def listed(run: Run, *arguments: str) -> list[dict[str, Any]]:
    return list(json.loads(run("waivers", "--format", "json", *arguments).out))


def write_waivers(company: Path, text: str) -> None:
    (company / "waivers.yaml").write_text(text)
    config = (company / "auditor.yaml").read_text()
    if "waivers:" not in config:
        (company / "auditor.yaml").write_text(f"{config}waivers: ./waivers.yaml\n")


def entry(expires: str, more: str = "rule: log-level", since: int = -5) -> str:
    return f"  - {{{more}, owner: bo, reason: planned, created: {day(since)}, expires: {expires}}}\n"


def test_a_waived_finding_no_longer_fails_the_audit_until_it_is_revoked(drifted: Path, run: Run) -> None:
    """From finding to waiver and back, with the owner and the end in what is shown."""
    start = fingerprint(run)[:8]
    outcome = run("waive", start, "--reason", "until the release", "--for", "2d")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("Waived until ")
    assert f"in the name of ana: {start} (waiver " in outcome.out
    report = run("now", "staging", "prod")
    assert report.code == 0
    assert "1 waived" in report.out
    shown = run("show", start).out
    assert "Status     waived" in shown
    assert "Waived     by ana until " in shown
    assert "until the release (cli)" in " ".join(shown.split())
    (waiver,) = listed(run)
    assert (waiver["owner"], waiver["state"], waiver["findings"]) == ("ana", "active", 1)
    assert json.loads(run("show", start, "--format", "json").out)["waiver"]["id"] == waiver["id"]
    outcome = run("waivers", "revoke", waiver["id"][:6], "--owner", "cy")
    assert (outcome.code, outcome.out) == (0, f"Revoked the waiver {waiver['id']} of ana.\n")
    assert findings(run)["log-level"]["status"] == "open"
    assert run("now", "staging", "prod").code == 1
    assert listed(run) == []
    assert [one["state"] for one in listed(run, "--expired")] == ["revoked"]
    events = json.loads(run("show", start, "--format", "json").out)["events"]
    assert [(one["actor"], one["to"]) for one in events] == [("auditor", "open"), ("ana", "waived"), ("cy", "open")]


def test_a_waiver_in_the_file_holds_until_its_expiry(drifted: Path, run: Run) -> None:
    """No command is needed: the next audit waives it, and the first one after its end opens it again."""
    write_waivers(drifted, f"waivers:\n{entry(day(3))}")
    assert run("now", "staging", "prod").code == 0
    assert findings(run)["log-level"]["status"] == "waived"
    shown = " ".join(run("show", fingerprint(run)).out.split())
    assert f"Waived by bo until {day(4)} 00:00 UTC: planned (waivers.yaml:2)" in shown
    write_waivers(drifted, f"waivers:\n{entry(day(-1))}")
    assert "the waiver of bo expired; the next audit opens it" in run("show", fingerprint(run)).out
    assert run("now", "staging", "prod").code == 1
    last = json.loads(run("show", fingerprint(run), "--format", "json").out)["events"][-1]
    assert (last["from"], last["to"], last["reason"]) == ("waived", "open", "the waiver of bo expired")
    (waiver,) = listed(run)
    assert (waiver["state"], waiver["origin"], waiver["findings"]) == ("expired", "waivers.yaml:2", 1)


def test_new_values_end_a_waiver_that_is_bound_to_the_old_ones(drifted: Path, run: Run) -> None:
    """Each finding to its own values; what the other one holds does not matter."""
    names = [one["fingerprint"] for one in findings(run).values()]
    outcome = run("waive", *names, "--reason", "measured", "--until", day(30), "--bind-values")
    assert outcome.code == 0
    assert outcome.out.count("while the values stay") == 2
    assert run("now", "staging", "prod").code == 0
    (drifted / "deploy" / "staging" / "app.env").write_text("LOG_LEVEL=trace\nSAMPLING=20\n")
    assert run("now", "staging", "prod").code == 1
    assert {rule: one["status"] for rule, one in findings(run).items()} == {"log-level": "open", "ratio": "waived"}


def test_an_acknowledged_finding_no_longer_fails_the_audit(drifted: Path, run: Run) -> None:
    """Its history holds the note and the person."""
    outcome = run("ack", fingerprint(run), "--note", "on it")
    assert (outcome.code, outcome.out) == (0, f"Acknowledged, in the name of ana: {fingerprint(run)[:8]}\n")
    assert run("now", "staging", "prod").code == 0
    assert "by ana: on it" in run("show", fingerprint(run)).out


def test_the_list_says_what_is_covered_what_ends_soon_and_what_matches_nothing(drifted: Path, run: Run) -> None:
    """The file's and people's together, in the order in which they end."""
    many = entry(day(60), "kind: env.*, path: LOG_*, left: staging, right: prod, while: {left: debug, right: info}")
    idle = entry(day(3), 'identity: "nothing-{env}"', since=-30)
    write_waivers(drifted, f"waivers:\n{many}{idle}{entry(day(-2))}")
    run("waive", fingerprint(run, "ratio"), "--reason", "taste", "--for", "12h")
    table = run("waivers").out.splitlines()
    assert table[0].split() == ["WAIVER", "STATE", "UNTIL", "OWNER", "FINDINGS", "COVERS", "REASON"]
    assert [line.split()[1] for line in table[1:5]] == ["expired", "active", "expiring", "active"]
    assert "taste (cli)" in table[2]
    assert "none" in table[3]
    assert "resource nothing-{env}" in table[3]
    assert "kind env.*, path LOG_*, staging against prod, while the values stay" in table[4]
    assert "planned (waivers.yaml:2)" in table[4]
    assert table[-1] == "4 waivers: 2 active, 1 expiring, 1 expired, 1 matching nothing"


def test_without_waivers_the_list_says_so(company: Path, run: Run) -> None:
    """Neither a file nor a person tolerates anything."""
    assert run("waivers").out == "No waivers.\n"
    assert listed(run) == []


REFUSED = [
    (["waive", "FOUND"], "Missing option '--reason'"),
    (["waive", "FOUND", "--reason", " "], "Say why it is tolerated."),
    (["waive", "FOUND", "--reason", "x", "--for", "a while"], "expected a duration"),
    (["waive", "FOUND", "--reason", "x", "--for", "0s"], "over before it begins"),
    (["waive", "FOUND", "--reason", "x", "--for", "200d"], "A waiver lasts 90d at most"),
    (["waive", "FOUND", "--reason", "x", "--until", "soon"], "expected a date or time, got 'soon'"),
    (["waive", "FOUND", "--reason", "x", "--until", "2026-12-31T10:00"], "has no time zone"),
    (["waive", "FOUND", "--reason", "x", "--until", "2020-01-01"], "over before it begins"),
    (["waive", "FOUND", "--reason", "x", "--for", "1d", "--until", "2030-01-01"], "exclude each other"),
    (["waive", "ffffffff", "--reason", "x"], "There is no finding 'ffffffff'."),
    (["ack", "ffffffff"], "There is no finding 'ffffffff'."),
    (["waivers", "revoke", "ffffffff"], "There is no waiver 'ffffffff'"),
]


def test_what_cannot_be_done_is_a_usage_error(drifted: Path, run: Run) -> None:
    """Exit code 2, and the reason."""
    found = fingerprint(run)
    for arguments, told in REFUSED:
        outcome = run(*[found if word == "FOUND" else word for word in arguments])
        assert outcome.code == 2
        assert told in outcome.err
    assert findings(run)["log-level"]["status"] == "open"


def test_a_waiver_of_the_file_is_not_revoked_but_removed(drifted: Path, run: Run) -> None:
    """The message says where it stands; --config before the subcommand counts."""
    write_waivers(drifted, f"waivers:\n{entry(day(3))}")
    (drifted / "auditor.yaml").rename(drifted / "other.yaml")
    (waiver,) = json.loads(run("waivers", "--config", "other.yaml", "--format", "json").out)
    outcome = run("waivers", "--config", "other.yaml", "revoke", waiver["id"])
    assert outcome.code == 2
    assert f"The waiver {waiver['id']} is written in waivers.yaml:2: remove it there." in outcome.err


def test_the_file_says_how_long_people_may_waive(drifted: Path, run: Run) -> None:
    """One limit for both."""
    write_waivers(drifted, "longest: 1d\n")
    outcome = run("waive", fingerprint(run), "--reason", "x", "--for", "3d")
    assert outcome.code == 2
    assert "A waiver lasts 1d at most" in outcome.err


def test_a_mistake_in_the_file_is_told_by_the_check_and_stops_the_audit(drifted: Path, run: Run) -> None:
    """With its line, its key and what to do; an environment that is not configured is one, too."""
    write_waivers(drifted, f"waivers:\n{entry(day(3), 'left: stagign')}")
    for arguments in (("config", "check"), ("now", "staging", "prod"), ("waivers",)):
        outcome = run(*arguments)
        assert outcome.code == 2
        assert "waivers.yaml:2:12: waivers[0].left: unknown environment 'stagign'" in outcome.err
        assert "did you mean `staging`?" in outcome.err
    write_waivers(drifted, f"waivers:\n{entry(day(3))}")
    assert "1 waiver in waivers.yaml" in run("config", "check").out


def test_the_owner_is_gits_where_the_system_names_nobody(
    drifted: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And has to be named where git does not know, either."""
    monkeypatch.delenv("USER")
    monkeypatch.setenv("HOME", str(drifted))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    outcome = run("ack", fingerprint(run))
    assert outcome.code == 2
    assert "Say who answers for it: --owner NAME." in outcome.err
    subprocess.run(["git", "config", "--global", "user.email", "dee@example.com"], check=True)
    assert "in the name of dee@example.com" in run("ack", fingerprint(run)).out


def test_checking_the_configuration_names_waivers_that_are_over_or_soon_will_be(
    company: Path, run: Callable[..., Outcome]
) -> None:
    """With their lines in the file, so that whoever reviews it sees them before they fail anything."""
    today = datetime.now(UTC)
    dates = [
        (today - timedelta(days=days), today + timedelta(days=until)) for days, until in ((60, -30), (60, 1), (1, 60))
    ]
    rows = [f"  - {{path: a{n}, owner: ana, reason: why, created: {c:%Y-%m-%d}, expires: {e:%Y-%m-%d}}}" for n, (c, e) in enumerate(dates)]  # fmt: skip
    (company / "waivers.yaml").write_text("\n".join(("waivers:", *rows)) + "\n")
    (company / "auditor.yaml").write_text((company / "auditor.yaml").read_text() + "waivers: ./waivers.yaml\n")
    told = run("config", "check").out
    assert "  3 waivers in waivers.yaml\n" in told
    assert "    waivers.yaml:2: that of ana expired on " in told
    assert "    waivers.yaml:3: that of ana expires on " in told
    assert "waivers.yaml:4:" not in told
