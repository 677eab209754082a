"""`audit gate` as a pipeline starts it: which audit it judges, what it leaves behind, and what it tells the shell."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from auditor.cli import setup
from auditor.gate import Gate, Terms
from auditor.gating import gate_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Outcome

    Run = Callable[..., Outcome]


@pytest.fixture
def drifted(company: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A company whose staging logs more than its production: one high finding."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    write(company, "staging", "debug")
    return company


def write(company: Path, environment: str, level: str) -> None:
    (company / "deploy" / environment / "app.env").write_text(f"LOG_LEVEL={level}\nSAMPLING=10\n")


def told(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(outcome.out)
    return found


def asked(run: Run, *options: str) -> tuple[int, dict[str, Any]]:
    outcome = run("gate", "staging", "prod", "--format", "json", *options)
    return outcome.code, told(outcome)


def test_a_recorded_audit_answers_as_long_as_it_speaks_for_now(drifted: Path, run: Run) -> None:
    """The first gate audits, the second takes that audit; a changed file, another policy or `--fresh 0` make it look."""
    code, first = asked(run)
    assert (code, first["gate"]["verdict"], first["gate"]["observed"]["recorded"]) == (1, "hold", False)
    code, second = asked(run)
    assert (code, second["gate"]["observed"]["recorded"]) == (1, True)
    assert second["audit"]["id"] == first["audit"]["id"]
    assert asked(run, "--fresh", "0")[1]["gate"]["observed"]["recorded"] is False
    write(drifted, "staging", "info")
    code, mended = asked(run)
    assert (code, mended["gate"]["verdict"]) == (0, "pass")
    assert mended["gate"]["observed"]["why"] == "files of staging changed since the recorded audit"
    rules = drifted / "rules" / "house.yaml"
    rules.write_text(rules.read_text().replace("severity: low", "severity: high"))
    assert asked(run)[1]["gate"]["observed"]["why"] == "the recorded audit was made under another configuration"


def later(by: timedelta) -> Gate:
    """What the gate says when the clock shows so much more."""
    config, registry = setup.configured(Path("auditor.yaml"))
    now = datetime.now(UTC) + by
    with setup.opened(config) as store:
        tools = replace(setup.toolbox(config, registry, store), clock=lambda: now)
        return gate_now(config, "staging", "prod", tools, Terms(fresh=timedelta(minutes=30)))


def test_an_observation_that_is_too_old_is_made_again(drifted: Path, run: Run) -> None:
    """Counted from when the older side was looked at; what was observed in the future was observed by a wrong clock."""
    asked(run)
    assert later(timedelta(minutes=29)).observation.recorded
    assert not later(timedelta(minutes=31)).observation.recorded
    assert not later(-timedelta(hours=1)).observation.recorded


def test_what_was_waived_since_the_audit_no_longer_holds_and_its_end_is_no_surprise(drifted: Path, run: Run) -> None:
    """The recorded audit still calls the finding open; the gate knows of the waiver, and of its expiry."""
    _, first = asked(run)
    (fingerprint,) = first["gate"]["holding"]
    assert run("waive", fingerprint, "--reason", "release first", "--for", "10m", "--owner", "ana").code == 0
    code, waived = asked(run)
    assert (code, waived["gate"]["observed"]["recorded"]) == (0, True)
    assert waived["gate"]["silences"][fingerprint]["by"] == "ana"
    text = run("gate", "staging", "prod").out
    assert "Waived          1: ana until " in text
    assert "release first" in text
    over = later(timedelta(minutes=12))
    assert (over.exit_code, over.observation.recorded) == (1, True)


def test_an_acknowledged_finding_does_not_hold_and_is_told_with_who_answers_for_it(drifted: Path, run: Run) -> None:
    """As in an audit: somebody looks after it."""
    _, first = asked(run)
    run("ack", first["gate"]["holding"][0], "--owner", "bo", "--note", "fix is in review")
    code, after = asked(run)
    assert (code, after["gate"]["holding"]) == (0, [])
    assert "Acknowledged    1: bo" in run("gate", "staging", "prod").out


def test_an_incomplete_audit_is_not_taken_for_an_answer_unless_gaps_are_allowed(drifted: Path, run: Run) -> None:
    """It is looked at again, since a gap may have closed; with gaps allowed it is as good as any other."""
    write(drifted, "staging", "info")
    (drifted / "deploy" / "staging" / "broken.json").write_text("{")
    assert asked(run)[0] == 3
    code, again = asked(run)
    assert (code, again["gate"]["observed"]["why"]) == (3, "the recorded audit is incomplete")
    code, allowed = asked(run, "--allow-incomplete")
    assert (code, allowed["gate"]["observed"]["recorded"]) == (0, True)


def test_a_service_narrows_the_verdict_and_one_that_nobody_knows_is_a_usage_error(drifted: Path, run: Run) -> None:
    """The file of another service does not hold it; a misspelt name exits 2 and names the near one."""
    for name in ("staging", "prod"):
        (drifted / "deploy" / name / "compose.yaml").write_text("services: {web: {image: 'example.com/web:1'}}\n")
    code, web = asked(run, "--service", "web")
    assert (code, web["gate"]["scope"]["services"]) == (0, ["web"])
    assert [one["severity"] for one in web["gate"]["outside"]["findings"]] == ["high"]
    assert asked(run, "--service", "app")[0] == 1
    outcome = run("gate", "staging", "prod", "--service", "Wep")
    assert (outcome.code, outcome.out) == (2, "")
    assert "called 'Wep': did you mean `web`?" in outcome.err


def test_a_service_that_nobody_saw_is_told_in_words_that_no_name_can_forge(drifted: Path, run: Run) -> None:
    """Names of services cannot move the cursor or form a command of a runner; what a gap may hide is not said to be unknown."""
    hostile = drifted / "deploy" / "staging" / "compose.yaml"
    hostile.write_text('services: {"x\\n::error::forged\\u001b[31m": {image: "example.com/web:1"}}\n')
    outcome = run("gate", "staging", "prod", "--service", "other")
    assert (outcome.code, "known: x\\n::error::forged\\x1b[31m" in outcome.err) == (2, True)
    assert "\x1b" not in outcome.err
    assert not any(line.startswith("::") for line in outcome.err.splitlines())
    assert "could not be observed" not in outcome.err
    (drifted / "deploy" / "staging" / "broken.json").write_text("{")
    outcome = run("gate", "staging", "prod", "--service", "other")
    assert (outcome.code, "it may be behind what could not be observed" in outcome.err) == (2, True)


def test_github_gets_its_annotations_summary_and_outputs_whatever_the_format(
    drifted: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report stays on stdout, without a line that the runner would obey; commands go to stderr; files are appended to."""
    summary, outputs = drifted / "summary.md", drifted / "outputs"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    outcome = run(
        "gate", "staging", "prod", "--report", "parity.xml", "--report", "parity.sarif", "--report", "parity.md"
    )
    assert outcome.code == 1
    assert outcome.out.startswith("Promotion gate: staging to prod\n")
    assert "::error" not in outcome.out
    assert "::error file=deploy/staging/app.env,line=1,title=high%3A log-level::LOG_LEVEL of app.env" in outcome.err
    assert summary.read_text().startswith("before\n## Promotion gate: staging to prod\n")
    assert outputs.read_text() == "verdict=hold\nfindings=1\nexit-code=1\n"
    assert [(drifted / name).stat().st_size > 500 for name in ("parity.xml", "parity.sarif", "parity.md")] == [True] * 3
    (location,) = json.loads((drifted / "parity.sarif").read_text())["runs"][0]["results"][0]["locations"]
    physical = location["physicalLocation"]
    assert (physical["artifactLocation"]["uri"], physical["region"]["startLine"]) == ("deploy/staging/app.env", 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--fresh", "soon"), "'soon' is no duration: write 30m, 2h, 1d, or 0"),
        (
            ("--report", "parity.pdf"),
            "what parity.pdf is to hold is told by its ending: .txt, .json, .md, .xml, .sarif",
        ),
        (("--report", "nowhere/parity.xml"), "cannot be written: No such file or directory"),
    ],
)
def test_a_wrong_option_is_a_usage_error_before_anything_is_read(
    drifted: Path, run: Run, options: tuple[str, ...], message: str
) -> None:
    """Code 2, nothing on stdout, and what to write instead."""
    outcome = run("gate", "staging", "prod", *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in " ".join(outcome.err.split())
