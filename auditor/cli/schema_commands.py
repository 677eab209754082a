"""`audit policy schema` and `audit waivers schema`: what may stand in the files that people write, for their editors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from auditor.cli import write
from auditor.cli.exits import debug_option
from auditor.cli.options import output_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command("schema")
@debug_option
@output_option
def policy(output: Path | None) -> None:
    """Print the JSON Schema of policy files, for editors."""
    from auditor.policy_schema import policy_schema

    write.as_json(policy_schema(), output)


@click.command("schema")
@debug_option
@output_option
def waivers(output: Path | None) -> None:
    """Print the JSON Schema of the waiver file, for editors."""
    from auditor.policy_schema import waivers_schema

    write.as_json(waivers_schema(), output)
