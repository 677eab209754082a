"""`audit gate`: may this promotion go ahead? A verdict for pipelines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.cli import setup, write
from auditor.cli.options import SEVERITIES, config_option, fresh_option, output_option

if TYPE_CHECKING:
    from datetime import timedelta

    from auditor.gate import Gate
    from auditor.publish.sources import Places

FORMATS = ("table", "json", "markdown", "junit", "sarif", "github")
_BY_ENDING = {".txt": "table", ".json": "json", ".md": "markdown", ".xml": "junit", ".sarif": "sarif"}


def _reports(_context: click.Context, _parameter: click.Parameter, files: tuple[Path, ...]) -> tuple[Path, ...]:
    for file in files:
        if file.suffix not in _BY_ENDING:
            raise click.BadParameter(f"what {file} is to hold is told by its ending: {', '.join(_BY_ENDING)}")
        write.must_be_writable(file)
    return files


@click.command()
@click.argument("left")
@click.argument("right")
@config_option
@click.option(
    "--service",
    "services",
    multiple=True,
    metavar="NAME",
    help="Count only what this service depends on; may be given several times.",
)
@fresh_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="Kind of report; github prints annotations.",
)
@output_option
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    callback=_reports,
    help="Write this file, too; .txt, .json, .md, .xml (JUnit) or .sarif says how. May be given several times.",
)
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default="high",
    show_default=True,
    help="Hold when there is a finding of this severity or above.",
)
@click.option("--allow-incomplete", is_flag=True, help="Pass although not everything could be observed (else 3).")
def gate(
    left: str,
    right: str,
    config_file: Path,
    services: tuple[str, ...],
    fresh: timedelta,
    format_: str,
    output: Path | None,
    reports: tuple[Path, ...],
    fail_on: str,
    allow_incomplete: bool,
) -> int:
    """Say whether LEFT may be promoted to RIGHT.

    In GitHub Actions it also writes the job's summary, annotations and the outputs verdict, findings and exit-code.

    \b
    Exit codes: 0  pass: nothing at or above --fail-on
                1  hold: findings at or above it
                2  a usage or configuration error
                3  cannot tell: nothing at or above it, but not everything could be observed
                4  the auditor itself failed
    """
    from auditor.cli.progress import watched
    from auditor.gate import Terms
    from auditor.gating import gate_now
    from auditor.model import Severity
    from auditor.publish.gate_report import render_gate
    from auditor.publish.spelling import clean
    from auditor.scope import UnknownService

    config, registry = setup.configured(config_file)
    pair = config.pair(left, right)
    terms = Terms(Severity(fail_on), allow_incomplete, tuple(dict.fromkeys(services)), fresh)
    with setup.opened(config) as store, watched() as progress:
        try:
            decided = gate_now(config, pair.left, pair.right, setup.toolbox(config, registry, store, progress), terms)
        except UnknownService as error:
            raise click.UsageError(clean(f"{error}: {error.remedy}")) from error
    places = setup.places(config)
    width, colours = write.width(output), write.colours(output)
    text = render_gate(decided, format_, width=width, color=colours, places=places)
    for file in reports:
        write.data(render_gate(decided, _BY_ENDING[file.suffix], width=None, color=False, places=places), file)
    if format_ == "github":
        write.data(text, output)
    else:
        write.report(text, format_, output)
    if write.in_actions() or format_ == "github":
        _tell_github(decided, places, printed=format_ == "github" and output is None)
    elif output is not None:
        write.note(f"{decided.sentence} The report is in {output}.")
    return decided.exit_code


def _tell_github(decided: Gate, places: Places, *, printed: bool) -> None:
    """Annotations, unless they are what was printed; the job's summary and the step's outputs, where there are any."""
    from auditor.publish.github import job_summary, outputs, summary, workflow_commands

    if not printed:
        write.note(workflow_commands(decided, places).rstrip("\n"))
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        file = Path(path)
        write.appended(file, summary(job_summary(decided), file.stat().st_size if file.exists() else 0))
    if path := os.environ.get("GITHUB_OUTPUT"):
        write.appended(Path(path), outputs(decided))
