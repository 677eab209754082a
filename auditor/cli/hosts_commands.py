"""`audit hosts`: what machines outside any API have to write for the `hosts` collector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from auditor.cli import write
from auditor.cli.exits import debug_option
from auditor.cli.options import output_option

if TYPE_CHECKING:
    from pathlib import Path


@click.group()
@debug_option
def hosts() -> None:
    """What machines outside any API tell of themselves."""


@hosts.command()
@debug_option
@output_option
def schema(output: Path | None) -> None:
    """Print the JSON Schema of the fact file that a machine writes."""
    from collectors._facts import json_schema

    write.as_json(json_schema(), output)
