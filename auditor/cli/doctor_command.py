"""`audit doctor`: what each source lets us read, and the smallest change that grants the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from auditor.cli import setup, write
from auditor.cli.exits import Exit
from auditor.cli.options import config_option, output_option

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from auditor.config import Config
    from auditor.doctor import Diagnosis
    from auditor.registry import Registry

_FORMATS = ("table", "json")


@click.command()
@click.argument("environments", nargs=-1, metavar="[ENVIRONMENT]...")
@config_option
@click.option(
    "--format", "format_", type=click.Choice(_FORMATS), default="table", show_default=True, help="Kind of report."
)
@output_option
def doctor(environments: tuple[str, ...], config_file: Path, format_: str, output: Path | None) -> int:
    """Say of every source of each ENVIRONMENT (all by default) what can be read, what cannot, and what to grant.

    Reads everything once, as an audit would, and keeps nothing.

    \b
    Exit codes: 0  all of it can be read
                2  a usage or configuration error
                3  something cannot
                4  the auditor itself failed
    """
    from auditor.doctor import Sight
    from auditor.publish.doctor import render, verdict

    config, registry = setup.configured(config_file)
    found = examined(config, registry, environments)
    text = render(found, format_, width=write.width(output), color=write.colours(output))
    write.report(text, format_, output)
    if output is not None:
        write.note(f"{verdict(found)} It is in {output}.")
    return Exit.PARITY if all(one.sight is Sight.WHOLE for one in found) else Exit.INCOMPLETE


def examined(config: Config, registry: Registry, environments: Sequence[str] = ()) -> list[Diagnosis]:
    """What every source of the environments, all by default, lets us read now. Keeps nothing."""
    import os

    from auditor.cli.progress import watched
    from auditor.collect import collect_all
    from auditor.doctor import diagnose
    from auditor.key import load_key
    from auditor.redact import Redactor

    wanted = [config.environment(name) for name in environments or config.environments]
    with watched() as progress:
        redactor = Redactor(load_key(config.folder, os.environ))
        snapshots = collect_all(
            wanted, registry, redactor, setup.now, workers=config.workers, timeout=config.timeout, on_event=progress
        )
    return [diagnosis for one in wanted for diagnosis in diagnose(one, snapshots[one.name])]
