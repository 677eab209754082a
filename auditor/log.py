"""What the service says while it runs: one line on stderr per event, JSON for machines or columns for people.

A line has its time (UTC), its level, the event as a sentence, and keys. What a thread works on is bound once
(`structlog.contextvars.bound_contextvars(job_id=…)`) and then stands in every line of that thread, those of libraries
too. Every line passes the scrubber last, whoever wrote it.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, MutableMapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TextIO

import structlog

from auditor import trace

if TYPE_CHECKING:
    from auditor.scrub import Scrubber

# What these say at INFO is their own business, and at DEBUG some print credentials.
_CHATTY = (
    "alembic",
    "asyncio",
    "boto3",
    "botocore",
    "httpcore",
    "httpx",
    "s3transfer",
    "sqlalchemy",
    "urllib3",
    "uvicorn",
    "watchfiles",
    "websocket",
)
# One warns whenever a run is still going at its next time, which is made up for; the others tell, with a traceback, what
# they raise as well, and what is told then by whoever called them.
_LOUD = {"apscheduler": logging.ERROR, "botocore.credentials": logging.CRITICAL, "slack_sdk": logging.CRITICAL}
_FIRST = ("time", "level", "event")
_Event = MutableMapping[str, Any]


class Format(StrEnum):
    """How lines are written."""

    JSON = "json"
    CONSOLE = "console"


class Level(StrEnum):
    """From which level on lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def configure(scrubber: Scrubber, *, level: Level = Level.INFO, format: Format | None = None, stream: TextIO) -> None:  # noqa: A002
    """Send everything that is logged in this process to `stream`; by default columns to a terminal, else JSON.

    What nobody caught in a thread, and Python's warnings, become lines as well.
    """
    chosen = format or (Format.CONSOLE if stream.isatty() else Format.JSON)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(scrubber, chosen, color=stream.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name, least in _LOUD.items():
        logging.getLogger(name).setLevel(least)
    logging.captureWarnings(True)
    threading.excepthook = _uncaught
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _shared() -> list[structlog.typing.Processor]:
    """What our own lines and those of libraries go through alike."""
    return [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]


def _formatter(scrubber: Scrubber, format: Format, *, color: bool) -> logging.Formatter:  # noqa: A002
    foreign: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.ExtraAdder(),
        *_shared(),
    ]
    last: structlog.typing.Processor = structlog.processors.JSONRenderer(serializer=_as_json)
    if format is Format.CONSOLE:
        last = structlog.dev.ConsoleRenderer(
            colors=color,
            timestamp_key="time",
            exception_formatter=structlog.dev.plain_traceback,
            pad_event_to=0,
        )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=foreign,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            _with_audit,
            _scrubbing(scrubber),
            last,
        ],
    )


def _with_audit(_logger: Any, _method: str, event: _Event) -> _Event:
    audit_id = trace.audit_id()
    if audit_id is not None:
        event.setdefault("audit_id", audit_id)
    return event


def _scrubbing(scrubber: Scrubber) -> Callable[[Any, str, _Event], _Event]:
    def scrub(_logger: Any, _method: str, event: _Event) -> _Event:
        rest = (key for key in event if key not in _FIRST)
        ordered = [*(key for key in _FIRST if key in event), *rest]
        return {key: _said(scrubber, key, event[key]) for key in ordered}

    return scrub


def _said(scrubber: Scrubber, key: str, value: Any) -> Any:
    if key in ("time", "level"):
        return value
    if value is None or isinstance(value, bool | int | float):
        return scrubber.value(key, value)
    cleaned = scrubber.value(key, value if isinstance(value, dict | list | tuple) else str(value))
    # A far side must not be able to begin a line of its own.
    one_line = isinstance(cleaned, str) and key not in ("exception", "stack")
    return _escaped(cleaned) if one_line and isinstance(cleaned, str) else cleaned


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _as_json(event: Any, **_options: Any) -> str:
    return json.dumps(event, default=str)


def _uncaught(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_type is SystemExit:
        return
    name = arguments.thread.name if arguments.thread is not None else "?"
    error = arguments.exc_value
    caught = (arguments.exc_type, error, arguments.exc_traceback) if error is not None else None
    logging.getLogger(__name__).error(
        "A thread ended by an error that nobody handled.", exc_info=caught, extra={"thread_name": name}
    )
