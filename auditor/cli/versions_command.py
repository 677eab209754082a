"""`audit versions`: which version of what runs where, since when and by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from auditor.cli import setup, write
from auditor.cli.options import config_option, output_option

if TYPE_CHECKING:
    from pathlib import Path

_FORMATS = ("table", "json", "markdown")


@click.command()
@click.argument("environments", nargs=-1)
@config_option
@click.option(
    "--format", "format_", type=click.Choice(_FORMATS), default="table", show_default=True, help="Kind of report."
)
@output_option
def versions(environments: tuple[str, ...], config_file: Path, format_: str, output: Path | None) -> None:
    """Say which version of what runs in ENVIRONMENTS (by default all), since when and by whom.

    Nothing is asked of the environments: the last snapshots tell, of every source that says versions.
    """
    from auditor.promotion import HORIZON
    from auditor.publish.versions import render
    from auditor.realms import names_of
    from auditor.rollout import Table, column

    config, _ = setup.configured(config_file)
    wanted = [config.environment(name).name for name in environments] or list(config.environments)
    since = setup.now() - HORIZON
    with setup.opened(config) as store:
        found = Table(
            tuple(
                column(
                    name,
                    store.latest_snapshot(name),
                    names_of(config, name).tokens,
                    store.deployments_since(name, since),
                )
                for name in dict.fromkeys(wanted)
            )
        )
    write.report(render(found, format_, width=write.width(output), color=write.colours(output)), format_, output)
