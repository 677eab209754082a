"""Data goes to stdout or to a file; everything else goes to stderr."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from auditor.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def data(text: str, output: Path | None = None) -> None:
    """Write a report. A file is written beside its place and moved there, so that no reader sees half of it.

    What is no plain file (`/dev/stdout`, a named pipe, a link) is written to, and never replaced."""
    if not text.endswith("\n"):
        text += "\n"
    if output is None:
        click.echo(text, nl=False, color=True)
        return
    partial = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        if output.is_symlink() or (output.exists() and not output.is_file()):
            output.write_text(text, encoding="utf-8")
            return
        partial.write_text(text, encoding="utf-8")
        partial.replace(output)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise _unwritable(output, error.strerror or str(error)) from error


def report(text: str, format_: str, output: Path | None) -> None:
    """Write a report. Where GitHub's runner reads stdout, no line of it is a command: names come from environments."""
    if output is None and in_actions():
        from auditor.publish.github import defused

        text = defused(text, json=format_ in ("json", "sarif"))
    data(text, output)


def in_actions() -> bool:
    """Whether a runner of GitHub Actions reads along."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def appended(file: Path, text: str) -> None:
    """Add to a file that somebody else began. Raises ConfigError where that cannot be."""
    try:
        with file.open("a", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        reason = f"cannot be written: {error.strerror or error}"
        raise ConfigError([Problem(str(file), None, None, "", reason, "let the job write to it")]) from error


def must_be_writable(output: Path) -> None:
    """Raise ConfigError where a report could not go to `output`: better before an hour of collecting than after it."""
    folder = output.parent
    code = errno.ENOENT if not folder.is_dir() else 0 if os.access(folder, os.W_OK) else errno.EACCES
    if code:
        raise _unwritable(output, os.strerror(code))


def _unwritable(output: Path, reason: str) -> ConfigError:
    return ConfigError([Problem(str(output), None, None, "", f"cannot be written: {reason}", "choose another place")])


def as_json(value: Any, output: Path | None = None) -> None:
    """Write a value as indented JSON."""
    data(json.dumps(value, indent=2, ensure_ascii=False), output)


def columns(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows in columns as wide as their widest cell; the last column runs on. No cell can move the cursor or end a line."""
    from auditor.publish.spelling import clean

    rows = [[clean(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [headers, *rows]) for i in range(len(headers))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [headers, *rows]
    ]
    return "\n".join(lines)


def note(text: str) -> None:
    """Tell the person something that is not data."""
    click.echo(text, err=True)


def colours(output: Path | None) -> bool:
    """Whether the report may use colour: a terminal on stdout, and NO_COLOR is not set (see no-color.org)."""
    return output is None and _is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _is_terminal() -> bool:
    # There is no stdout at all where a service manager closed it.
    return sys.stdout is not None and sys.stdout.isatty()


def width(output: Path | None) -> int | None:
    """Columns of the terminal on stdout, or as COLUMNS asks; None where there is no terminal."""
    if output is not None or not (_is_terminal() or os.environ.get("COLUMNS", "").isdecimal()):
        return None
    return shutil.get_terminal_size().columns
