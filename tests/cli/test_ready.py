"""`audit ready` on real files, a real git, a real store and the real pipeline."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from auditor.errors import ConfigError
from auditor.readiness.gather import pair_of, production_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Outcome

    Run = Callable[..., Outcome]


def answers(outcome: Outcome) -> dict[str, str]:
    return {item["id"]: item["answer"] for item in json.loads(outcome.out)["items"]}


def ready(run: Run, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("ready", "staging", "--format", "json", *arguments).out)
    return found


def test_two_folders_that_agree_are_not_said_to_be_ready(company: Path, run: Run) -> None:
    """Files tell of configuration alone; what they do not tell is open, and the exit code says so."""
    outcome = run("ready", "staging", "--format", "json")
    assert outcome.code == 3
    found = answers(outcome)
    assert {name for name, answer in found.items() if answer == "yes"} == {"configuration", "fresh"}
    assert set(found.values()) == {"yes", "not observed"}
    assert run("ready", "staging", "--allow-incomplete").code == 0


def test_a_difference_makes_it_not_ready_and_is_named(company: Path, run: Run) -> None:
    """Code 1; the table names the finding, and `audit show` knows it."""
    (company / "deploy" / "staging" / "app.env").write_text("LOG_LEVEL=debug\nSAMPLING=10\n")
    outcome = run("ready", "staging")
    assert outcome.code == 1
    line = next(line for line in outcome.out.splitlines() if "1 high:" in line)
    fingerprint = line.partition("[")[2].rstrip("]")
    assert "LOG_LEVEL" in run("show", fingerprint).out
    assert run("ready", "staging", "--fail-on", "critical").code == 3


def test_the_recorded_audit_is_used_while_it_speaks_for_now(company: Path, run: Run) -> None:
    """Within --fresh the same audit answers; a changed file or --fresh 0 makes a new one; a waiver counts at once."""
    (company / "deploy" / "staging" / "app.env").write_text("LOG_LEVEL=debug\nSAMPLING=10\n")
    first = ready(run)
    assert ready(run)["audit"] == first["audit"]
    before = ready(run, "--fresh", "0")
    assert before["audit"] != first["audit"]
    (print_,) = [name for item in first["items"] for seen in item["evidence"] for name in seen["findings"]]
    assert run("ack", print_, "--owner", "ada", "--note", "known").code == 0
    after = ready(run)
    assert after["audit"] == before["audit"]
    assert [item["answer"] for item in (before["items"][1], after["items"][1])] == ["no", "yes"]
    (company / "deploy" / "staging" / "app.env").write_text("LOG_LEVEL=info\nSAMPLING=10\n")
    assert ready(run)["audit"] != before["audit"]


def test_a_checkout_is_evidence_of_version_control(company: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Committed: yes, though the two folders changed in different commits; edited by hand: no, with the file's name."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for arguments in (
        ("init", "-q"),
        ("add", "deploy"),
        ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-q", "-m", "As it is"),
    ):
        subprocess.run(["git", *arguments], cwd=company, check=True)
    now = run("now", "staging", "prod")
    assert (now.code, "1 matched" in now.out or "In parity." in now.out) == (0, True)
    assert ready(run)["items"][5]["answer"] == "yes"
    for name in ("staging", "prod"):
        (company / "deploy" / name / "app.env").write_text("LOG_LEVEL=info\nSAMPLING=20\n")
    item = ready(run)["items"][5]
    assert (item["answer"], item["sentence"]) == (
        "no",
        "changed since the commit: deploy/staging/app.env; changed since the commit: deploy/prod/app.env.",
    )


@pytest.mark.parametrize("command", [("ready", "staging"), ("now", "staging", "prod")], ids=["ready", "now"])
def test_no_line_of_a_report_is_a_command_for_githubs_runner(
    company: Path, run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    """The mark that the runner looks for anywhere in a line is broken up in names from outside."""
    (company / "deploy" / "staging" / "##[error]forged.env").write_text("A=1\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    shown = run(*command, "--fail-on", "low").out
    assert ("##[" in shown, "# #[error]forged" in shown) == (False, True)


def test_the_report_can_go_to_a_file(company: Path, run: Run) -> None:
    """Nothing on stdout; the sentence on stderr, for whoever watches."""
    outcome = run("ready", "staging", "--format", "markdown", "--output", "review.md")
    assert outcome.out == ""
    assert outcome.err.splitlines()[-1].endswith("The checklist is in review.md.")
    assert (company / "review.md").read_text().startswith("## Is staging ready?")
    (company / "link.md").symlink_to("review.md")
    run("ready", "staging", "--output", "link.md")
    assert (company / "link.md").is_symlink()
    assert (company / "review.md").read_text().startswith("Is staging ready?")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ready", "stagin"), "did you mean `staging`?"),
        (("ready", "staging", "--fresh", "soon"), "'soon' is no duration: write 30m, 2h, 1d, or 0"),
        (("ready", "staging", "--against", "staging"), "cannot be compared with itself"),
    ],
)
def test_a_mistake_in_what_is_asked_exits_with_two(
    company: Path, run: Run, arguments: tuple[str, ...], message: str
) -> None:
    """Nothing is read."""
    outcome = run(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err


CHAIN = """\
environments:
  dev: {promotes_to: staging, sources: [{collector: files, path: .}]}
  staging: {promotes_to: prod, sources: [{collector: files, path: .}]}
  prod: {sources: [{collector: files, path: .}]}
  copy: {sources: [{collector: files, path: .}]}
  spare: {sources: [{collector: files, path: .}]}
  lone: {sources: [{collector: files, path: .}]}
pairs:
  - {left: staging, right: prod, policies: [strict]}
  - {left: copy, right: prod}
  - {left: copy, right: spare}
"""


@pytest.mark.parametrize(
    ("environment", "against", "pair", "production"),
    [
        ("dev", None, ("dev", "staging"), "prod"),
        ("staging", None, ("staging", "prod"), "prod"),
        ("prod", None, ("staging", "prod"), "prod"),
        ("prod", "copy", ("copy", "prod"), "prod"),
        ("copy", "spare", ("copy", "spare"), "spare"),
        ("dev", "prod", ("dev", "prod"), "prod"),
        ("spare", None, ("copy", "spare"), "spare"),
    ],
)
def test_an_environment_is_held_against_the_next_one(
    tmp_path: Path, environment: str, against: str | None, pair: tuple[str, str], production: str
) -> None:
    """The chain first, then the pairs; production against what rehearses for it."""
    config = chain(tmp_path)
    found = pair_of(config, environment, against)
    assert (found.left, found.right) == pair
    assert production_of(config, found) == production
    assert found.policies == (("strict",) if pair == ("staging", "prod") else ("default",))


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ("copy", "copy is paired with several environments: prod, spare"),
        ("lone", "nothing says what lone is to be held against"),
    ],
)
def test_what_an_environment_is_held_against_is_not_guessed(tmp_path: Path, environment: str, message: str) -> None:
    """Several, or none: say so, and how to name one."""
    with pytest.raises(ConfigError) as caught:
        pair_of(chain(tmp_path), environment, None)
    assert caught.value.problems[0].message == message
    assert "--against" in caught.value.problems[0].remedy


def chain(folder: Path) -> Any:
    from auditor.config import load_config
    from auditor.registry import Registry

    (folder / "auditor.yaml").write_text(CHAIN)
    return load_config(folder / "auditor.yaml", registry=Registry.load(), environ={})
