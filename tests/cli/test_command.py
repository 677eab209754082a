"""The command as a whole: what it loads, what it says when it fails, how it starts."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from auditor.cli.exits import DEBUG, Exit, guarded, redacted
from auditor.cli.root import audit
from auditor.errors import ConfigError, Problem, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Outcome

    Run = Callable[..., Outcome]

ROOT = Path(__file__).resolve().parents[2]
# What takes long to import, and which of it each command needs. Each is run in the same process after the ones before.
HEAVY = (
    *(
        "alembic",
        "apscheduler",
        "asyncio",
        "authlib",
        "boto3",
        "botocore",
        "cel",
        "cryptography",
        "deepdiff",
        "fastapi",
    ),
    *("httpx", "jinja2", "kubernetes", "limits", "moto", "numpy", "prometheus_client", "psycopg", "pydantic"),
    *("rapidfuzz", "rich", "slack_sdk", "sqlalchemy", "starlette", "structlog", "uvicorn", "yaml", "zstandard"),
)
# A configuration that has policies of its own names some of them; SQLAlchemy imports asyncio for itself.
CONFIGURED = {"pydantic", "yaml", "cel"}
STORED = CONFIGURED | {"sqlalchemy", "asyncio", "rich", "zstandard"}
NEEDED: dict[str, set[str]] = {
    "--help": set(),
    "now --help": set(),
    "--version": set(),
    "nope": set(),
    "config check": CONFIGURED,
    "findings": STORED,
    "now staging prod": STORED | {"rapidfuzz"},
}
LOADED = """
import sys
from auditor.cli.exits import guarded
from auditor.cli.root import audit
for words in sys.argv[2:]:
    code = guarded(audit, words.split())
    print("loaded", words, code, *sorted(set(sys.argv[1].split()) & set(sys.modules)), sep="|", file=sys.stderr)
"""


def test_commands_load_what_they_need_only(company: Path, run: Run) -> None:
    """Help answers before any library is imported; reading findings needs no vendor's SDK, and an audit in which nothing
    differs needs no DeepDiff either."""
    assert run("db", "upgrade").code == 0
    command = [sys.executable, "-c", LOADED, " ".join(HEAVY), *NEEDED]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=company, env=environ, capture_output=True, text=True, check=True)
    told = [line.split("|")[1:] for line in done.stderr.splitlines() if line.startswith("loaded|")]
    assert {words: set(loaded) - NEEDED[words] for words, _, *loaded in told} == {words: set() for words in NEEDED}
    assert [code for _, code, *_ in told] == ["0", "0", "0", "2", "0", "0", "0"]


def test_python_dash_m_is_the_command() -> None:
    """`python -m auditor --version` answers with the version and exits 0."""
    done = subprocess.run(
        [sys.executable, "-m", "auditor", "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "audit 0.1.0\n"


def failing(error: BaseException) -> click.Group:
    @click.group()
    @click.pass_context
    def group(context: click.Context) -> None:
        context.meta[DEBUG] = False

    @group.command()
    def fail() -> None:
        raise error

    return group


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (
            ConfigError([Problem("a.yaml", 3, 5, "store", "is wrong", "mend it")]),
            2,
            "a.yaml:3:5: store: is wrong\n    mend it\n",
        ),
        (
            StoreError("store: it is locked"),
            4,
            "The auditor failed: store: it is locked\n",
        ),
        (
            ZeroDivisionError("by zero"),
            4,
            "The auditor failed: ZeroDivisionError: by zero\nRun it again with --debug to see where.\n",
        ),
        (KeyboardInterrupt(), 130, "Interrupted. An audit is recorded whole or not at all.\n"),
    ],
)
def test_whatever_is_raised_becomes_an_exit_code_and_a_message(
    error: BaseException, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One code and one text per kind of failure; a defect of ours never looks like findings."""
    assert guarded(failing(error), ["fail"]) == code
    assert capsys.readouterr().err == told


def test_a_failure_tells_no_secret(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a password in a URL nor the value of a variable that is named like a secret is in the message."""
    monkeypatch.setenv("STAGING_API_TOKEN", "canary-token-5512")
    error = RuntimeError("cannot reach postgresql://app:canary-pass-9931@db/app with canary-token-5512")
    assert guarded(failing(error), ["fail"]) == Exit.FAILED
    told = capsys.readouterr().err
    assert "canary" not in told
    assert "${STAGING_API_TOKEN}" in told
    assert "canary" not in redacted("x canary-token-5512", {"DB_PASSWORD": "canary-token-5512"})


@pytest.mark.parametrize("arguments", [["nope"], ["now"], ["now", "a", "b", "--format", "pdf"], ["--nope"]])
def test_a_usage_error_exits_with_two(arguments: list[str], run: Run) -> None:
    """Unknown command, missing argument, unknown choice, unknown option."""
    outcome = run(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert "Error: " in outcome.err


def test_config_comes_from_the_variable_and_the_option_wins(
    company: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AUDITOR_CONFIG names the file; --config overrides it."""
    (company / "auditor.yaml").rename(company / "other.yaml")
    assert run("config", "check").code == 2
    monkeypatch.setenv("AUDITOR_CONFIG", "other.yaml")
    assert run("config", "check").code == 0
    assert run("config", "check", "--config", "auditor.yaml").code == 2


def on_a_terminal(arguments: list[str], folder: Path, environ: dict[str, str]) -> tuple[int, str]:
    """Run the command with a terminal on all three streams; its exit code and what the terminal showed."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "auditor", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "120", **environ},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            read = os.read(leader, 65536)
        except OSError:
            break
        if not read:
            break
        shown += read
    os.close(leader)
    return process.wait(), shown.decode()


def test_a_terminal_gets_colour_and_no_color_takes_it_away(company: Path) -> None:
    """Colour in the report at a terminal, none with NO_COLOR; progress shows there and leaves nothing in a pipe."""
    code, shown = on_a_terminal(["now", "staging", "prod"], company, {})
    assert code == 0
    assert "\x1b[1;32m" in shown
    code, shown = on_a_terminal(["now", "staging", "prod"], company, {"NO_COLOR": "1"})
    assert code == 0
    assert "\x1b[1;32m" not in shown


def test_a_reader_that_leaves_early_causes_no_traceback(company: Path) -> None:
    """`audit config schema | head -1` ends quietly."""
    command = f"{sys.executable} -m auditor config schema | head -1"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=company,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_ctrl_c_ends_with_130(company: Path) -> None:
    """A signal while a source is being read: one sentence, code 130, and no finding is recorded."""
    (company / "auditor.yaml").write_text(
        "environments:\n"
        "  staging: {sources: [{collector: http, services: {api: 'http://127.0.0.1:PORT/version'}}]}\n"
        "  prod: {sources: [{collector: files, path: deploy/prod}]}\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        port = silent.getsockname()[1]
        text = (company / "auditor.yaml").read_text().replace("PORT", str(port))
        (company / "auditor.yaml").write_text(text)
        process = subprocess.Popen(
            [sys.executable, "-m", "auditor", "now", "staging", "prod"],
            cwd=company,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        connection, _ = silent.accept()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
        connection.close()
    assert process.returncode == 130
    assert told.endswith("Interrupted. An audit is recorded whole or not at all.\n")


def commands(group: click.Group) -> dict[str, click.Command]:
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def test_the_list_of_commands_says_what_each_says_of_itself() -> None:
    """What is listed without importing a command is the first sentence of its own help, under its own name."""
    formatter = click.HelpFormatter(width=1000)
    audit.format_commands(click.Context(audit), formatter)
    listed = dict(line.strip().split(maxsplit=1) for line in formatter.getvalue().splitlines()[1:])
    assert listed == {name: command.get_short_help_str(1000) for name, command in commands(audit).items()}
    assert all(command.name == name for name, command in commands(audit).items())


def test_every_command_has_a_help_text_and_takes_debug() -> None:
    """No command is left without a first sentence; --debug works wherever it is put."""

    def walk(command: click.Command, path: tuple[str, ...]) -> list[tuple[str, ...]]:
        if isinstance(command, click.Group):
            return [found for name, inner in commands(command).items() for found in walk(inner, (*path, name))]
        assert (command.help or "").strip()[:1].isupper(), path
        assert any("--debug" in parameter.opts for parameter in command.params), path
        return [path]

    assert len(walk(audit, ())) >= 14
