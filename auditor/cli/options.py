"""Options that several commands share."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from auditor.cli.exits import debug_option

if TYPE_CHECKING:
    from collections.abc import Callable

FORMATS = ("table", "json", "markdown", "junit", "html", "sarif")
SEVERITIES = ("critical", "high", "medium", "low", "info")
_Command = TypeVar("_Command", bound="Callable[..., Any]")


def config_option(command: _Command) -> _Command:
    """`--config` and `--debug`, which every command takes."""
    option = click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        default=Path("auditor.yaml"),
        envvar="AUDITOR_CONFIG",
        show_default="./auditor.yaml, or AUDITOR_CONFIG",
        help="The configuration file.",
    )
    return option(debug_option(command))


def log_options(command: _Command) -> _Command:
    """How a process that goes on running writes its log."""
    how = click.option(
        "--log-format",
        type=click.Choice(("json", "console")),
        help="How log lines are written: by default columns for a terminal, else JSON.",
    )
    level = click.option(
        "--log-level",
        type=click.Choice(("debug", "info", "warning", "error")),
        default="info",
        show_default=True,
        help="From which level on lines are written.",
    )
    return how(level(command))


def report_options(command: _Command) -> _Command:
    """What a report looks like, where it goes, and what it says to the shell."""
    for option in (
        click.option(
            "--allow-incomplete", is_flag=True, help="Exit 0 although not everything could be observed (else 3)."
        ),
        click.option(
            "--fail-on",
            type=click.Choice(SEVERITIES),
            default="high",
            show_default=True,
            help="Exit 1 when there is a finding of this severity or above.",
        ),
        output_option,
        click.option(
            "--format",
            "format_",
            type=click.Choice(FORMATS),
            default="table",
            show_default=True,
            help="Kind of report.",
        ),
    ):
        command = option(command)
    return command


def fresh_option(command: _Command) -> _Command:
    """`--fresh`: how old a recorded audit may be that answers in place of a new one."""
    return click.option(
        "--fresh",
        default="30m",
        show_default=True,
        callback=_duration,
        metavar="DURATION",
        help="Use the last recorded audit if what it saw is not older; 0 always looks again.",
    )(command)


def _duration(_context: click.Context, _parameter: click.Parameter, value: str) -> timedelta:
    from auditor.durations import parse_duration

    try:
        return timedelta(0) if value == "0" else parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no duration: write 30m, 2h, 1d, or 0") from error


def output_option(command: _Command) -> _Command:
    """`--output`: a file in place of stdout."""
    path = click.Path(path_type=Path, dir_okay=False, writable=True)
    return click.option("--output", type=path, callback=_writable, help="Write here and not to stdout.")(command)


def _writable(_context: click.Context, _parameter: click.Parameter, output: Path | None) -> Path | None:
    if output is not None:
        from auditor.cli import write

        write.must_be_writable(output)
    return output


def choice_of_data(command: _Command) -> _Command:
    """`--format table|json`, for commands that list things."""
    choice = click.Choice(("table", "json"))
    return click.option("--format", "format_", type=choice, default="table", show_default=True, help="How to list.")(
        command
    )
