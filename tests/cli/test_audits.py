"""`audit now` and what looks its findings up, on real files, a real store and the real pipeline."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome

    Run = Callable[..., Outcome]


def change(company: Path, environment: str, text: str) -> None:
    (company / "deploy" / environment / "app.env").write_text(text)


def test_two_environments_that_agree_exit_with_zero(company: Path, run: Run) -> None:
    """Parity: code 0, a report on stdout, and on stderr only what was read."""
    outcome = run("now", "staging", "prod")
    assert outcome.code == 0
    assert "In parity." in outcome.out
    assert outcome.err.splitlines() == ["staging: 1 resource in 1 listing", "prod: 1 resource in 1 listing"]


def test_a_finding_at_the_threshold_exits_with_one(company: Path, run: Run) -> None:
    """The high rule is broken: code 1, and both values are in the report."""
    change(company, "staging", "LOG_LEVEL=debug\nSAMPLING=10\n")
    outcome = run("now", "staging", "prod")
    assert outcome.code == 1
    assert "LOG_LEVEL" in outcome.out
    assert "debug" in outcome.out


@pytest.mark.parametrize(("fail_on", "code"), [("high", 0), ("medium", 0), ("low", 1), ("info", 1)])
def test_fail_on_moves_the_threshold(company: Path, run: Run, fail_on: str, code: int) -> None:
    """A low finding matters only to those who ask for it."""
    change(company, "staging", "LOG_LEVEL=info\nSAMPLING=50\n")
    assert run("now", "staging", "prod", "--fail-on", fail_on).code == code


def test_what_could_not_be_read_exits_with_three_unless_allowed(company: Path, run: Run) -> None:
    """A broken file is a gap: incomplete, told on stderr too, and forgiven by --allow-incomplete alone."""
    (company / "deploy" / "staging" / "broken.json").write_text("{")
    outcome = run("now", "staging", "prod")
    assert outcome.code == 3
    assert "INCOMPLETE" in outcome.out
    assert "staging: files:deploy/staging" in outcome.err
    assert run("now", "staging", "prod", "--allow-incomplete").code == 0


@pytest.mark.parametrize("command", [("now", "staging", "prod"), ("gate", "staging", "prod")])
def test_two_environments_that_read_one_place_show_nothing(company: Path, run: Run, command: tuple[str, ...]) -> None:
    """Everything agrees with itself. That is no parity, and no `--allow-incomplete` makes it one."""
    config = company / "auditor.yaml"
    config.write_text(config.read_text().replace("deploy/prod", "./deploy/staging/"))
    outcome = run(*command)
    assert outcome.code == 3
    assert "othing was compared" in outcome.out
    assert "read the same files:deploy/staging" in " ".join(outcome.out.split())
    assert run(*command, "--allow-incomplete").code == 3


def test_an_environment_may_be_called_by_its_alias(company: Path, run: Run) -> None:
    """`stg` means staging."""
    outcome = run("now", "stg", "prod", "--format", "json")
    assert (outcome.code, json.loads(outcome.out)["audit"]["left"]) == (0, "staging")


def test_an_unknown_environment_exits_with_two_and_names_the_nearest(company: Path, run: Run) -> None:
    """Nothing is read, nothing is printed to stdout."""
    outcome = run("now", "stagin", "prod")
    assert (outcome.code, outcome.out) == (2, "")
    assert "unknown environment 'stagin'\n    did you mean `staging`?" in outcome.err


def test_a_store_that_cannot_be_used_exits_with_four_and_one_clear_message(company: Path, run: Run) -> None:
    """Not findings, not a usage error: the auditor failed, and says why. --debug would add nothing, so it is not named."""
    (company / "auditor.db").write_bytes(b"this is no database" * 100)
    outcome = run("now", "staging", "prod")
    assert (outcome.code, outcome.out) == (4, "")
    assert outcome.err.startswith("The auditor failed: ")
    assert outcome.err.endswith("the file is not an SQLite database; name another file\n")
    assert "Traceback" in run("now", "staging", "prod", "--debug").err


def test_each_format_is_what_it_says(company: Path, run: Run) -> None:
    """JSON parses, JUnit parses, HTML is one page, Markdown has a heading; only data is on stdout."""
    change(company, "staging", "LOG_LEVEL=debug\nSAMPLING=10\n")
    found = json.loads(run("now", "staging", "prod", "--format", "json").out)
    assert [(finding["rule"], finding["path"]) for finding in found["findings"]] == [("log-level", ["LOG_LEVEL"])]
    junit = ET.fromstring(run("now", "staging", "prod", "--format", "junit").out)
    assert len(list(junit.iter("failure"))) == 1
    assert run("now", "staging", "prod", "--format", "html").out.lower().startswith("<!doctype html>")
    assert run("now", "staging", "prod", "--format", "markdown").out.startswith("#")


def test_a_report_can_go_to_a_file(company: Path, run: Run) -> None:
    """--output leaves stdout empty, keeps the exit code, and leaves no half-written file behind."""
    change(company, "staging", "LOG_LEVEL=debug\nSAMPLING=10\n")
    outcome = run("now", "staging", "prod", "--format", "json", "--output", "report.json")
    assert (outcome.code, outcome.out) == (1, "")
    assert "The report is in report.json." in outcome.err
    assert len(json.loads((company / "report.json").read_text())["findings"]) == 1
    assert not list(company.glob(".report.json*"))


def test_a_report_into_a_folder_that_is_not_there_is_a_usage_error(company: Path, run: Run) -> None:
    """The message names the file and says what to do, and comes before anything is read."""
    outcome = run("now", "staging", "prod", "--output", "no/such/report.txt")
    assert outcome.code == 2
    assert outcome.err == "no/such/report.txt: cannot be written: No such file or directory\n    choose another place\n"


def test_diff_of_an_unknown_snapshot_says_what_may_be_named(company: Path, run: Run) -> None:
    """Environments and ids; which ones, where they are known."""
    outcome = run("diff", "stage", "prod")
    assert outcome.code == 2
    assert "there is no snapshot 'stage': name an environment (staging, prod), or an id" in outcome.err


def test_a_damaged_store_says_how_to_go_on(company: Path, run: Run) -> None:
    """SQLite's own words, and what to do about it."""
    run("now", "staging", "prod")
    database = company / "auditor.db"
    database.write_bytes(database.read_bytes()[:10_000])
    outcome = run("findings")
    assert outcome.code == 4
    assert "the file is damaged; put a copy of it back, or move it away to begin anew" in outcome.err


def test_a_configuration_of_one_environment_is_told_what_it_lacks(company: Path, run: Run) -> None:
    """It is no mistake, but nothing can be compared yet."""
    (company / "auditor.yaml").write_text("environments: {prod: {sources: [{collector: files, path: deploy}]}}\n")
    assert "one environment only: add the one that it is to be compared with" in run("config", "check").out


def test_a_folder_in_place_of_the_configuration_is_told_as_such(company: Path, run: Run) -> None:
    """With the remedy, as every mistake in the configuration."""
    outcome = run("config", "check", "--config", "deploy")
    assert (outcome.code, outcome.err) == (2, "deploy: cannot be read: Is a directory\n    name the file in it\n")


def test_a_pipe_gets_no_colour(company: Path, run: Run) -> None:
    """No escape sequence where there is no terminal."""
    assert "\x1b" not in run("now", "staging", "prod").out


def test_findings_of_a_pair_that_was_removed_are_said_to_stand(company: Path, run: Run) -> None:
    """With an environment of it, or alone; nothing is said of configured pairs, resolved findings and to machines."""
    change(company, "staging", "LOG_LEVEL=debug\nSAMPLING=10\n")
    run("now", "staging", "prod")
    said = "staging/prod is no longer configured: its findings stand as they were last seen."
    file = company / "auditor.yaml"
    before = file.read_text()
    assert "no longer configured" not in run("findings").out

    file.write_text(before.replace("left: staging, right: prod", "left: prod, right: staging"))
    assert run("findings").out.splitlines()[-1] == said
    assert isinstance(json.loads(run("findings", "--format", "json").out), list)
    file.write_text(before.replace("  staging:\n", "  other:\n").replace("left: staging", "left: other"))
    assert run("findings").out.splitlines()[-1] == said
    never = "other/prod was never audited, so nothing is known of it."
    assert run("findings", "--status", "resolved").out.splitlines() == ["No findings.", never]

    pairs = before[before.index("pairs:") : before.index("policies: [./rules]")]
    file.write_text(before.replace(pairs, ""))
    assert "no longer configured" not in run("findings").out, "whoever lists no pairs asks for each audit"


def test_no_findings_of_what_was_not_looked_at_is_no_good_news(company: Path, run: Run) -> None:
    """Never audited, or not wholly: said below the list, and to programs on stderr; silent when all was seen lately."""
    assert run("findings").out == "No findings.\nstaging/prod was never audited, so nothing is known of it.\n"
    asked = run("findings", "stg", "prod", "--format", "json")
    assert (json.loads(asked.out), asked.err) == ([], "staging/prod was never audited, so nothing is known of it.\n")
    (company / "deploy" / "staging" / "broken.json").write_text("{")
    run("now", "staging", "prod")
    doubt = " ".join(run("findings").out.split()).removeprefix("No findings. ")
    assert re.match(r"staging/prod: the last audit, \d+ s ago, was INCOMPLETE: \d", doubt)
    assert doubt.endswith(" of what should have been observed was observed, the rest is unknown.")
    (company / "deploy" / "staging" / "broken.json").unlink()
    run("now", "staging", "prod")
    assert run("findings").out == "No findings.\n"
    assert run("findings", "--format", "json").err == ""


def test_a_store_without_any_audit_says_so_where_no_pair_is_configured(company: Path, run: Run) -> None:
    file = company / "auditor.yaml"
    text = file.read_text()
    file.write_text(text.replace(text[text.index("pairs:") : text.index("policies: [./rules]")], ""))
    assert run("findings").out == "No findings.\nNothing was ever audited, so nothing is known.\n"
    run("now", "staging", "prod")
    assert run("findings").out == "No findings.\n"


def test_findings_show_and_explain_tell_of_what_was_found(company: Path, run: Run) -> None:
    """A finding is listed, shown with both values, explained by its rule and line, by the start of its fingerprint."""
    change(company, "staging", "LOG_LEVEL=debug\nSAMPLING=10\n")
    run("now", "staging", "prod")
    (finding,) = json.loads(run("findings", "--format", "json").out)
    start = finding["fingerprint"][:8]
    assert start in run("findings", "staging", "prod").out
    shown = run("show", start)
    assert shown.code == 0
    assert "debug" in shown.out
    assert "Production logs less" in shown.out
    explained = run("explain", start).out
    assert "house/log-level" in explained
    assert "house.yaml:4" in explained
    assert json.loads(run("show", start, "--format", "json").out)["events"][0]["to"] == "open"


def test_a_mended_finding_is_listed_as_resolved_only(company: Path, run: Run) -> None:
    """What is gone leaves the list, and stays to be found by --status resolved."""
    change(company, "staging", "LOG_LEVEL=debug\nSAMPLING=10\n")
    run("now", "staging", "prod")
    change(company, "staging", "LOG_LEVEL=info\nSAMPLING=10\n")
    run("now", "staging", "prod")
    assert json.loads(run("findings", "--format", "json").out) == []
    (finding,) = json.loads(run("findings", "--status", "resolved", "--format", "json").out)
    assert finding["rule"] == "log-level"


def test_a_finding_that_is_not_there_is_a_usage_error(company: Path, run: Run) -> None:
    """A mistyped fingerprint is the caller's mistake: code 2."""
    run("now", "staging", "prod")
    outcome = run("show", "ffffffff")
    assert outcome.code == 2
    assert "there is no finding 'ffffffff'" in outcome.err


def test_snapshots_can_be_taken_and_compared(company: Path, run: Run) -> None:
    """Two snapshots of one environment, before and after a change: exactly the change; unchanged: nothing."""
    first = json.loads(run("snapshot", "staging", "--format", "json").out)["snapshot"]["id"]
    change(company, "staging", "LOG_LEVEL=info\nSAMPLING=20\n")
    assert run("snapshot", "staging").code == 0
    outcome = run("diff", first, "staging", "--format", "json")
    assert outcome.code == 1
    told = json.loads(outcome.out)
    (difference,) = told["differences"]
    assert (difference["path"], difference["left"]["value"], difference["right"]["value"]) == (["SAMPLING"], "10", "20")
    assert (told["outcome"], told["gaps"]) == ("complete", [])
    assert run("diff", first, first).code == 0


def test_a_resource_that_could_not_be_read_is_no_difference(company: Path, run: Run) -> None:
    """Unread is not absent: the file that broke in between is not reported as gone, and the code says incomplete."""
    extra = company / "deploy" / "staging" / "extra.json"
    extra.write_text('{"a": 1}')
    first = json.loads(run("snapshot", "staging", "--format", "json").out)["snapshot"]["id"]
    extra.write_text('{"a": ')
    assert run("snapshot", "staging").code == 3
    outcome = run("diff", first, "staging", "--format", "json")
    told = json.loads(outcome.out)
    assert (outcome.code, told["outcome"], told["differences"]) == (3, "incomplete", [])
    assert [(gap["environment"], gap["resource"]) for gap in told["gaps"]] == [("staging", "extra.json")]
    # Of one snapshot against itself, a gap is told once.
    itself = run("diff", "staging", "staging").out
    assert itself.startswith(
        "INCOMPLETE: 1 gap; what it hides was not compared.\nNo difference in what both saw between"
    )
    assert itself.count("the answer could not be understood") == 1
    extra.unlink()
    run("snapshot", "staging")
    outcome = run("diff", first, "staging", "--format", "json")
    assert outcome.code == 1
    assert [one["resource"] for one in json.loads(outcome.out)["differences"]] == ["extra.json"]


def test_a_diff_without_a_snapshot_says_how_to_take_one(company: Path, run: Run) -> None:
    """The first use of a new store."""
    outcome = run("diff", "staging", "prod")
    assert outcome.code == 2
    assert "There is no snapshot of staging yet: take one with `audit snapshot staging`." in outcome.err


def test_match_shows_what_is_alone_and_lets_a_person_confirm(company: Path, run: Run) -> None:
    """A confirmed pair is written into the file, which keeps its comments, and holds from then on."""
    (company / "deploy" / "staging" / "billing-worker.env").write_text("A=1\nB=2\nC=3\n")
    (company / "deploy" / "prod" / "billing-jobs.env").write_text("A=1\nB=2\nC=3\n")
    run("now", "staging", "prod")
    listed = json.loads(run("match", "staging", "prod", "--format", "json").out)
    assert {one["identity"] for one in listed["unmatched"]} == {"billing-worker.env", "billing-jobs.env"}
    outcome = run("match", "staging", "prod", "--confirm", "env.file", "billing-worker.env", "billing-jobs.env")
    assert outcome.code == 0
    text = (company / "auditor.yaml").read_text()
    assert text.startswith("# written by hand\n")
    assert '  - {kind: "env.file", left: "billing-worker.env", right: "billing-jobs.env"}\n' in text
    again = json.loads(run("match", "staging", "prod", "--format", "json").out)
    assert again["unmatched"] == []
    assert ("billing-worker.env", "config") in {(one["left"], one["matched_by"]) for one in again["matches"]}


def test_match_says_what_it_did_not_see(company: Path, run: Run) -> None:
    """What has no counterpart may have one in what was not read: that is said first, and told below."""
    run("now", "staging", "prod")
    whole = run("match", "staging", "prod")
    assert whole.out == "1 pair, 0 resources without a counterpart\n"
    assert json.loads(run("match", "staging", "prod", "--format", "json").out)["outcome"] == "complete"
    (company / "deploy" / "staging" / "broken.json").write_text("{")
    run("now", "staging", "prod")
    lines = run("match", "staging", "prod").out.splitlines()
    assert lines[1] == "INCOMPLETE: 1 gap; what it hides may be a counterpart."
    assert "  staging, files:deploy/staging: MALFORMED, the answer could not be understood" in lines
    told = json.loads(run("match", "staging", "prod", "--format", "json").out)
    assert (told["outcome"], [gap["resource"] for gap in told["gaps"]]) == ("incomplete", ["broken.json"])


def test_a_match_with_a_misspelt_identity_is_refused(company: Path, run: Run) -> None:
    """What was never seen cannot be confirmed, and the file stays as it was."""
    run("now", "staging", "prod")
    before = (company / "auditor.yaml").read_text()
    outcome = run("match", "staging", "prod", "--confirm", "env.file", "ap.env", "app.env")
    assert outcome.code == 2
    assert "There is no env.file called ap.env in the latest snapshot of staging." in outcome.err
    assert (company / "auditor.yaml").read_text() == before


def test_the_store_can_be_upgraded_and_pruned(company: Path, run: Run) -> None:
    """A new store is made by `db upgrade`; a second time there is nothing to do; pruning says what it deleted."""
    assert "is now of version" in run("db", "upgrade").out
    assert "is up to date" in run("db", "upgrade").out
    run("now", "staging", "prod")
    assert run("db", "prune", "--older-than", "1").out.startswith("Deleted 0 audits, 0 snapshots")
    assert (company / "auditor.db").exists()


def test_no_secret_reaches_the_store_or_a_report_and_rules_about_it_still_work(company: Path, run: Run) -> None:
    """One password on both sides is found by a `differ` rule, and is nowhere in what the commands wrote."""
    for environment in ("staging", "prod"):
        change(company, environment, "LOG_LEVEL=info\nSAMPLING=10\nDB_PASSWORD=canary-7291-x\n")
    for format_ in ("table", "json", "html", "junit", "markdown", "sarif"):
        outcome = run("now", "staging", "prod", "--format", format_, "--debug")
        assert outcome.code == 1
        assert "canary" not in outcome.out + outcome.err
    assert b"canary" not in b"".join(path.read_bytes() for path in company.glob("auditor.db*"))
    (finding,) = json.loads(run("findings", "--format", "json").out)
    assert (finding["rule"], finding["path"]) == ("own-passwords", ["DB_PASSWORD"])
    assert "canary" not in run("show", finding["fingerprint"]).out
