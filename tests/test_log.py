"""Lines of the log: one per event, machine-readable, each with what its thread works on, and none with a secret."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from auditor import log
from auditor.pool import Job, Pool
from auditor.scrub import Scrubber
from auditor.trace import auditing

ROOT = Path(__file__).resolve().parents[1]
CANARY = "hunter2canary99"


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where lines go; what logging was before is put back."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, threading.excepthook
    yield io.StringIO()
    logging.captureWarnings(False)
    root.handlers[:], level, threading.excepthook = before
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def lines(stream: io.StringIO) -> Callable[[], list[dict[str, Any]]]:
    """The lines so far, as JSON."""
    log.configure(Scrubber({"DB_PASSWORD": CANARY}), stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_its_time_its_level_its_event_and_its_keys(lines: Callable[[], list[dict[str, Any]]]) -> None:
    """In this order, whether it comes from us or from a library; the time is UTC."""
    structlog.get_logger("auditor.x").info("It is done.", pair="staging/prod", took=1.5)
    logging.getLogger("library").warning("It is %s.", "slow", extra={"seconds": 3})
    ours, theirs = lines()
    assert list(ours) == ["time", "level", "event", "pair", "took"]
    assert (ours["level"], ours["event"], ours["took"]) == ("info", "It is done.", 1.5)
    assert ours["time"].endswith("Z")
    assert (theirs["level"], theirs["event"], theirs["seconds"]) == ("warning", "It is slow.", 3)


def test_every_line_of_a_job_carries_its_ids_in_every_thread_of_the_job(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    """Bound once, they stand in the lines of the threads that collect for it, and in no other line."""

    def work() -> Iterator[int]:
        logging.getLogger("collectors.aws").warning("throttled")
        yield 1

    with structlog.contextvars.bound_contextvars(job_id="j1", audit_id="a1"):
        Pool(2).run(
            [Job(work, 5.0), Job(work, 5.0)],
            on_start=lambda _: None,
            on_tick=lambda _: None,
            on_end=lambda _: [],
            cancelled=threading.Event(),
        )
    logging.getLogger("other").warning("not of the job")
    assert [(line.get("job_id"), line.get("audit_id")) for line in lines()] == [
        ("j1", "a1"),
        ("j1", "a1"),
        (None, None),
    ]


def test_every_line_of_an_audit_carries_its_id(lines: Callable[[], list[dict[str, Any]]]) -> None:
    """From the moment it has one, for libraries' lines too; one that names an audit itself is left as it is."""
    with auditing("a1"):
        logging.getLogger("sqlalchemy.pool").warning("slow")
        structlog.get_logger("auditor.x").info("It is done.", audit_id="a0")
    logging.getLogger("other").warning("not of the audit")
    assert [line.get("audit_id") for line in lines()] == ["a1", "a0", None]


def test_no_line_says_a_secret(stream: io.StringIO, lines: Callable[[], list[dict[str, Any]]]) -> None:
    """Not in its event, its keys at any depth, its arguments, nor in the traceback of an exception."""
    logger = structlog.get_logger("auditor.x")
    logger.info(f"postgresql://auditor:{CANARY}@db/x cannot be reached")
    logger.info("told", token="xoxb-123456789012-abcdefghijkl", deep={"list": [f"password={CANARY}"]})
    logging.getLogger("library").warning("sent %s", {"Authorization": f"Bearer {CANARY}"})
    logging.getLogger("library").warning("sent", extra={"headers": {"Authorization": f"Bearer {CANARY}"}})
    try:
        raise ValueError(f"refused: api_key={CANARY}")
    except ValueError:
        logger.exception("It failed.", password="x9!kLm2-pq")
    assert len(lines()) == 5
    assert lines()[-1]["exception"].startswith("Traceback")
    for secret in (CANARY, "abcdefghijkl", "x9!kLm2-pq"):
        assert secret not in stream.getvalue()


def test_what_the_configuration_holds_is_not_said_either(stream: io.StringIO) -> None:
    """A value that looks like nothing at all, learned later; a longer one goes before a part of it."""
    scrubber = Scrubber({})
    log.configure(scrubber, stream=stream)
    structlog.get_logger("auditor.x").info("before: blue horse")
    scrubber.learn(["blue horse", "blue horse battery", "no"])
    structlog.get_logger("auditor.x").info("after: blue horse battery, blue horse, no")
    before, after = (json.loads(line)["event"] for line in stream.getvalue().splitlines())
    assert (before, after) == ("before: blue horse", "after: {secret}, {secret}, no")


def test_a_far_side_cannot_begin_a_line_of_its_own(stream: io.StringIO) -> None:
    """Line ends and control characters are spelled out, in columns as well as in JSON."""
    log.configure(Scrubber({}), format=log.Format.CONSOLE, stream=stream)
    structlog.get_logger("auditor.x").info("said: a\nb", detail="c\x1b[31m\r\nd")
    assert stream.getvalue().count("\n") == 1
    assert r"a\nb" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_gets_columns_and_a_pipe_gets_json(stream: io.StringIO) -> None:
    """Unless one of the two is asked for."""
    terminal = Terminal()
    for target, chosen in ((terminal, None), (stream, None), (terminal, log.Format.JSON)):
        log.configure(Scrubber({}), format=chosen, stream=target)
        structlog.get_logger("auditor.x").info("It is done.")
    first, second = terminal.getvalue().splitlines()
    assert not first.startswith("{")
    assert "It is done." in first
    assert [json.loads(line)["event"] for line in (second, stream.getvalue())] == ["It is done."] * 2


def test_libraries_that_print_credentials_are_never_asked_for_more_than_warnings(
    stream: io.StringIO,
) -> None:
    """At the level debug our own lines come, and botocore's headers do not."""
    log.configure(Scrubber({}), level=log.Level.DEBUG, stream=stream)
    structlog.get_logger("auditor.x").debug("ours")
    for name in ("botocore.auth", "urllib3.connectionpool", "httpx", "slack_sdk.web", "uvicorn.access", "apscheduler"):
        logging.getLogger(name).info("theirs")
    logging.getLogger("botocore.credentials").warning("theirs, with a traceback, and a gap of ours")
    logging.getLogger("apscheduler.scheduler").error("worth knowing")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["ours", "worth knowing"]


def test_what_nobody_caught_is_a_line_too(lines: Callable[[], list[dict[str, Any]]]) -> None:
    """The error that ended a thread, with its traceback, and a warning of Python's."""

    def fail() -> None:
        raise RuntimeError(f"token={CANARY}")

    thread = threading.Thread(target=fail, name="collect-7")
    thread.start()
    thread.join()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    ended, warned = lines()
    assert (ended["level"], ended["thread_name"]) == ("error", "collect-7")
    assert "RuntimeError" in ended["exception"]
    assert CANARY not in json.dumps(ended)
    assert "DeprecationWarning: old" in warned["event"]


def test_the_commands_help_does_not_load_any_of_it() -> None:
    """`audit --help` answers at once: neither structlog nor a web server is imported for it."""
    code = (
        "import sys; from auditor.cli.root import audit; "
        "sys.exit(bool({'structlog', 'fastapi', 'uvicorn', 'sqlalchemy', 'slack_sdk'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
