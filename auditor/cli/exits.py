"""Exit codes, and the one place where whatever went wrong becomes a message."""

from __future__ import annotations

import os
import sys
from enum import IntEnum
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeVar

    _Command = TypeVar("_Command", bound="Callable[..., Any]")

DEBUG = "auditor.debug"


class Exit(IntEnum):
    """What the shell is told."""

    PARITY = 0
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3
    FAILED = 4
    INTERRUPTED = 130


def guarded(command: click.Command, arguments: Sequence[str]) -> int:
    """Run the command and return its exit code. Nothing that it raises gets past here but a real exit."""
    context = None
    try:
        with command.make_context("audit", list(arguments)) as context:
            result = command.invoke(context)
            return int(result or Exit.PARITY)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.UsageError as error:
        error.show()
        return Exit.USAGE
    except (KeyboardInterrupt, click.Abort):
        _tell("Interrupted. An audit is recorded whole or not at all.")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader (`| head`) has seen enough. Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    except click.ClickException as error:
        _tell(error.format_message())
        return Exit.FAILED
    except Exception as error:  # noqa: BLE001 - the outermost edge: a defect of ours must not look like findings
        return _ended(error, context)


def debug_option(command: _Command) -> _Command:
    """`--debug`: show where a failure came from."""
    help_text = "When the auditor itself fails, show where."
    return click.option("--debug", is_flag=True, expose_value=False, callback=_remember_debug, help=help_text)(command)


def _remember_debug(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    context.meta[DEBUG] = value or context.meta.get(DEBUG, False)


def redacted(text: str, environ: Mapping[str, str]) -> str:
    """The text without what looks like a secret, and without the values of variables that are named like one."""
    from auditor.scrub import Scrubber

    return Scrubber(environ).text(text)


def _ended(error: Exception, context: click.Context | None) -> Exit:
    from auditor.errors import AuditorError, ConfigError

    if isinstance(error, ConfigError):
        _tell("\n".join(str(problem) for problem in error.problems))
        return Exit.USAGE
    if isinstance(error, AuditorError):
        # What we foresaw says by itself what is wrong: where in the program it was noticed helps nobody.
        _failed(str(error), context, hint=False)
    else:
        _failed(f"{type(error).__name__}: {error}", context, hint=True)
    return Exit.FAILED


def _failed(message: str, context: click.Context | None, *, hint: bool) -> None:
    _tell(redacted(f"The auditor failed: {message}", os.environ))
    if context is not None and context.meta.get(DEBUG):
        import traceback

        _tell(redacted(traceback.format_exc(), os.environ))
    elif hint:
        _tell("Run it again with --debug to see where.")


def _tell(text: str) -> None:
    click.echo(text, err=True)
