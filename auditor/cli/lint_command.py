"""`audit policy lint`: rules and waivers that can be read and still are wrong, and how often each rule is of use."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from auditor.cli import setup, write
from auditor.cli.exits import Exit
from auditor.cli.options import choice_of_data, config_option, output_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("names", nargs=-1, metavar="[POLICY]...")
@config_option
@click.option("--static", is_flag=True, help="Do not open the store: only what follows from the files.")
@choice_of_data
@output_option
def lint(names: tuple[str, ...], config_file: Path, static: bool, format_: str, output: Path | None) -> int:
    """Look for rules that never match or never decide, and for waivers that cover nothing; by default in your own.

    Rules are held against the kinds that collectors yield, against each other, and against what the last audit of each
    pair has seen: that also gives the hits of each rule. Exits 1 for what is certainly wrong.
    """
    from auditor.key import load_key
    from auditor.linting import Linter, missing_store
    from auditor.pipeline import Tools
    from auditor.publish import lint_report as report
    from auditor.redact import Redactor
    from auditor.registry import Registry

    config = setup.configured(config_file)[0] if config_file.exists() else None
    registry = Registry.load()
    linter = Linter(config, registry, setup.now())
    why_not = "the store was not opened: no hits were counted" if static else ""
    if config is not None and not static:
        why_not = missing_store(config.store)
    if config is None or why_not:
        linted = linter.run(names, None, why_not)
    else:
        with setup.opened(config) as store:
            # Without the waiver file: what is wrong with it is told by the linter.
            redactor = Redactor(load_key(config.folder, os.environ))
            linted = linter.run(names, Tools(registry, store, redactor, setup.now))
    if format_ == "json":
        text = report.as_json(linted)
    else:
        text = report.table(linted, width=write.width(output), color=write.colours(output))
    write.data(text, output)
    return Exit.FINDINGS if linted.failed else Exit.PARITY
