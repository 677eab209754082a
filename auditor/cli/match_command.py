"""`audit match`: how the resources of two environments were paired, and confirming a pairing that names cannot tell."""

from __future__ import annotations

import os
from shlex import quote
from typing import TYPE_CHECKING

import click

from auditor.cli import setup, write
from auditor.cli.options import choice_of_data, config_option, output_option

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.comparison import Comparison, Match, Unmatched
    from auditor.registry import Registry


@click.command()
@click.argument("left")
@click.argument("right")
@config_option
@click.option("--all", "everything", is_flag=True, help="Show the pairs that were made, too.")
@click.option(
    "--confirm",
    nargs=3,
    metavar="KIND LEFT RIGHT",
    help="Write into the configuration that these two are counterparts.",
)
@choice_of_data
@output_option
def match(
    left: str,
    right: str,
    config_file: Path,
    everything: bool,
    confirm: tuple[str, str, str] | None,
    format_: str,
    output: Path | None,
) -> None:
    """Show what has no counterpart among the latest snapshots of LEFT and RIGHT, and what it probably belongs to."""
    from auditor.pipeline import lay

    config, registry = setup.configured(config_file)
    pair = config.pair(left, right)
    with setup.opened(config) as store:
        taken = [store.latest_snapshot(name) for name in (pair.left, pair.right)]
        sides = [snapshot for snapshot in taken if snapshot is not None]
        if len(sides) < len(taken):
            raise click.UsageError(f"Nothing was observed yet: run `audit now {pair.left} {pair.right}` first.")
        comparison = lay(config, sides[0], sides[1], setup.toolbox(config, registry, store)).comparison
    if confirm is not None:
        _confirm(config_file, registry, comparison, *confirm)
        return
    if format_ == "json":
        from auditor.publish.lists import matching_object

        write.as_json(matching_object(comparison), output)
        return
    write.data("\n".join(_lines(comparison, everything, config_file)) + _unseen(comparison, output), output)


def _unseen(comparison: Comparison, output: Path | None) -> str:
    """What was not observed of either side: the counterpart that is missing above may be there."""
    from auditor.publish.console import not_observed
    from auditor.publish.grid import DEFAULT_WIDTH, Page

    page = Page(write.width(output) or DEFAULT_WIDTH, write.colours(output))
    not_observed(page, comparison.left.gaps + comparison.right.gaps)
    return f"\n{page.text()}" if comparison.left.gaps or comparison.right.gaps else ""


def _lines(comparison: Comparison, everything: bool, config_file: Path) -> list[str]:
    from auditor.publish.spelling import clean, count

    matches = [compared.match for compared in comparison.matches]
    alone = sorted(comparison.unmatched, key=lambda one: (one.normal.kind.name, one.side, one.normal.identity))
    lines = [f"{count(len(matches), 'pair')}, {count(len(alone), 'resource')} without a counterpart"]
    gaps = len(comparison.left.gaps) + len(comparison.right.gaps)
    if gaps:
        lines.append(
            f"INCOMPLETE: {count(gaps, 'gap')}; what {'it hides' if gaps == 1 else 'they hide'} may be a counterpart."
        )
    if everything and matches:
        rows = [
            (one.left.kind.name, one.left.resource.identity, one.right.resource.identity, one.method.value, _share(one))
            for one in matches
        ]
        lines += ["", write.columns(("KIND", "LEFT", "RIGHT", "BY", "CONFIDENCE"), rows)]
    if alone:
        rows = [
            (
                one.normal.kind.name,
                one.side,
                one.normal.resource.identity,
                one.suggestion.resource.identity if one.suggestion else "-",
                _share(one) if one.suggestion else "",
            )
            for one in alone
        ]
        lines += ["", write.columns(("KIND", "SIDE", "WITHOUT COUNTERPART", "PROBABLY", "CONFIDENCE"), rows)]
    first = next((one for one in alone if one.suggestion), None)
    if first is not None and first.suggestion is not None:
        names = [first.normal.resource.identity, first.suggestion.resource.identity]
        left, right = names if first.side == "left" else reversed(names)
        pair = f"{comparison.left.environment} {comparison.right.environment}"
        command = clean(f"audit match {pair} --confirm {first.normal.kind.name} {quote(left)} {quote(right)}")
        lines += ["", f"If two of them are the same thing, say so in {config_file}, for example:", f"  {command}"]
    return lines


def _share(one: Match | Unmatched) -> str:
    return f"{one.confidence:.0%}"


def _confirm(config_file: Path, registry: Registry, comparison: Comparison, kind: str, left: str, right: str) -> None:
    """Both must have been seen: a misspelt identity would confirm nothing, for ever and silently."""
    from auditor.config import load_config
    from auditor.config_edit import with_counterpart
    from auditor.match import Counterpart

    for side, identity in (("left", left), ("right", right)):
        if identity not in _seen(comparison, kind, side):
            where = comparison.left.environment if side == "left" else comparison.right.environment
            raise click.UsageError(f"There is no {kind} called {identity} in the latest snapshot of {where}.")
    edited = with_counterpart(config_file.read_text(encoding="utf-8"), Counterpart(kind, left, right))
    draft = config_file.with_name(f".{config_file.name}.{os.getpid()}")
    try:
        draft.write_text(edited, encoding="utf-8")
        load_config(draft, registry=registry, environ=os.environ)
        draft.replace(config_file)
    finally:
        draft.unlink(missing_ok=True)
    write.note(f"{config_file} now says that {left} and {right} are counterparts.")


def _seen(comparison: Comparison, kind: str, side: str) -> set[str]:
    paired = [getattr(compared.match, side) for compared in comparison.matches]
    alone = [one.normal for one in comparison.unmatched if one.side == side]
    return {normal.resource.identity for normal in (*paired, *alone) if normal.kind.name == kind}
