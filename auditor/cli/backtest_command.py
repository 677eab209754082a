"""`audit policy backtest`: what would the policies as they are now have said of what was observed before."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from auditor.cli import setup, write
from auditor.cli.exits import Exit
from auditor.cli.options import SEVERITIES, config_option, output_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from auditor.config import Config, Pair

_PLAIN_STEPS = 500


@click.command()
@click.argument("names", nargs=-1, metavar="[POLICY]... [LEFT RIGHT]")
@config_option
@click.option("--since", default="90d", show_default=True, help="How far back: such as 90d, or a date.")
@click.option(
    "--most",
    type=click.IntRange(min=2),
    default=1000,
    show_default=True,
    help="Judge at most so many different states of a pair, evenly spread.",
)
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    help="Exit 1 when a finding of this severity or above would be new, or rise to it; never by default.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(("table", "json", "markdown")),
    default="table",
    show_default=True,
    help="Kind of report.",
)
@output_option
def backtest(
    names: tuple[str, ...],
    config_file: Path,
    since: str,
    most: int,
    fail_on: str | None,
    format_: str,
    output: Path | None,
) -> int:
    """Replay stored snapshots under the policies as they are now, against what was said then.

    Judges what the audits of each pair, or of LEFT against RIGHT, have seen under each POLICY named, by default under
    those that the pair names: which findings would be new, gone, of another severity or open at another time. Nothing is
    recorded and nobody is told.
    """
    from auditor.backtesting import backtest as replayed
    from auditor.policy import load_policy
    from auditor.publish import backtest_report as report

    config, registry = setup.configured(config_file)
    start = _start(since)
    pairs, policies = _wanted(config, names)
    rules = {pair: load_policy(policies or pair.policies, config.policies) for pair in pairs}
    with setup.opened(config) as store:
        tools = setup.toolbox(config, registry, store)
        results = []
        for pair in pairs:
            with _shown(f"{pair.left}/{pair.right}") as progress:
                results.append(replayed(config, pair, rules[pair], tools, start, most=most, progress=progress))
    if format_ == "json":
        text = report.as_json(results)
    elif format_ == "markdown":
        text = report.markdown(results)
    else:
        text = report.table(results, width=write.width(output), color=write.colours(output))
    write.data(text, output)
    return Exit.FINDINGS if fail_on and any(found.rises_to(fail_on) for found in results) else Exit.PARITY


def _wanted(config: Config, names: tuple[str, ...]) -> tuple[list[Pair], tuple[str, ...]]:
    """The pairs, and the policies where they are named. The last two names are a pair if both are environments."""
    aliases = {alias.lower() for environment in config.environments.values() for alias in environment.aliases}
    known = {name.lower() for name in config.environments} | aliases
    if len(names) >= 2 and all(name.lower() in known for name in names[-2:]):
        return [config.pair(*names[-2:])], names[:-2]
    if not config.pairs:
        raise click.UsageError("The configuration names no pairs: name two environments.")
    return list(config.pairs), names


def _start(text: str) -> datetime:
    from auditor.durations import parse_duration
    from auditor.waiver_file import first_instant

    try:
        return setup.now() - parse_duration(text)
    except ValueError:
        pass
    try:
        return first_instant(text)
    except ValueError as error:
        message = f"expected a duration such as 90d, or a date such as 2026-09-01, got {text!r}"
        raise click.BadParameter(message, param_hint="--since") from error


@contextmanager
def _shown(title: str) -> Iterator[Callable[[int, int], None]]:
    """How far the replay is, on stderr: a bar at a terminal, now and then a line in a pipe."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        said = 0

        def line(done: int, total: int) -> None:
            nonlocal said
            if done - said >= _PLAIN_STEPS and done < total:
                said = done
                write.note(f"{title}: {done} of {total} audits replayed")

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn(title),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("audits"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
