"""`audit ready`: the checklist of a design review, answered with evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from auditor.cli import setup, write
from auditor.cli.options import SEVERITIES, config_option, fresh_option, output_option

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

_FORMATS = ("table", "json", "markdown")


@click.command()
@click.argument("environment")
@config_option
@click.option("--against", help="Hold it against this environment, and not the one that it promotes to.")
@fresh_option
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default="medium",
    show_default=True,
    help="Findings of this severity and above turn an answer to no.",
)
@click.option("--allow-incomplete", is_flag=True, help="Exit 0 although not everything could be seen (else 3).")
@click.option(
    "--format", "format_", type=click.Choice(_FORMATS), default="table", show_default=True, help="Kind of report."
)
@output_option
def ready(
    environment: str,
    config_file: Path,
    against: str | None,
    fresh: timedelta,
    fail_on: str,
    allow_incomplete: bool,
    format_: str,
    output: Path | None,
) -> int:
    """Say whether ENVIRONMENT is ready: the checklist of a design review, each answer with what it rests on.

    \b
    Each answer is yes, no, not observed or not applicable.
    Exit codes: 0  every answer is yes, or does not apply
                1  at least one no
                2  a usage or configuration error
                3  no no, but not everything could be seen
                4  the auditor itself failed
    """
    from auditor.cli.progress import watched
    from auditor.model import Severity
    from auditor.publish.ready import render
    from auditor.readiness.gather import checklist

    config, registry = setup.configured(config_file)
    with setup.opened(config) as store, watched() as progress:
        tools = setup.toolbox(config, registry, store, progress)
        found = checklist(config, environment, tools, fresh=fresh, threshold=Severity(fail_on), against=against)
    text = render(
        found,
        format_,
        width=write.width(output),
        color=write.colours(output),
        now=setup.now(),
        allow_incomplete=allow_incomplete,
    )
    write.report(text, format_, output)
    if output is not None:
        write.note(f"{found.sentence} The checklist is in {output}.")
    return found.exit_code(allow_incomplete)
