"""`audit drift`: what changed in one environment, told from the snapshots that are kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from auditor.cli import setup, write
from auditor.cli.options import config_option, output_option

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.publish.drift_view import DriftView


@click.command()
@click.argument("environment")
@config_option
@click.option(
    "--since",
    default="24h",
    show_default=True,
    help="Since when: 24h, 7d, or a date or time such as 2026-11-17T09:00Z.",
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
def drift(environment: str, config_file: Path, since: str, format_: str, output: Path | None) -> int:
    """Say what changed in ENVIRONMENT: from what to what, between which two snapshots, and what was changed back.

    Nothing is observed for it: it reads the snapshots that earlier runs have kept, from the last one before --since on.

    \b
    Exit codes: 0  nothing changed
                1  something changed, be it for a while
                2  a usage or configuration error
                3  nothing was seen to change, but not everything was observed
                4  the auditor itself failed
    """
    from auditor.drift_walk import drifted
    from auditor.publish.drift_view import drift_view
    from auditor.realms import realm_of

    config, registry = setup.configured(config_file)
    name = config.environment(environment).name
    begin = moment(since, setup.now())
    with setup.opened(config) as store:
        found = drifted(realm_of(config, name, registry.kind), store.past, begin)
        if found is None:
            raise click.UsageError(f"There is no snapshot of {name} yet: take one with `audit snapshot {name}`.")
        view = drift_view(found, store.deployments(name, since=found.base))
    write.data(_rendered(view, format_, output), output)
    if output is not None:
        write.note(f"{view.headline} The report is in {output}.")
    return view.exit_code


def moment(text: str, now: datetime) -> datetime:
    """The moment that is meant: so long ago (`24h`), or a date or time in ISO 8601, in UTC where it names no zone.

    Raises UsageError for anything else, and for what has yet to come."""
    from auditor.durations import parse_duration

    try:
        found = now - parse_duration(text)
    except ValueError:
        try:
            found = datetime.fromisoformat(text)
        except ValueError as error:
            hint = "write how long ago, such as 24h or 7d, or a date or time, such as 2026-11-17 or 2026-11-17T09:00Z"
            raise click.UsageError(f"--since {text} is no time: {hint}.") from error
    except OverflowError as error:
        raise click.UsageError(f"--since {text} is longer ago than time can tell: write less.") from error
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    if found > now:
        raise click.UsageError(f"--since {text} is in the future: write a time that has passed.")
    return found


def _rendered(view: DriftView, format_: str, output: Path | None) -> str:
    from auditor.publish.drift_report import drift_markdown, drift_object, drift_table

    match format_:
        case "json":
            return drift_object(view)
        case "markdown":
            return drift_markdown(view)
    return drift_table(view, width=write.width(output), color=write.colours(output))
