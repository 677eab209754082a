"""`audit explain`: why something is a finding, and why something is none."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from auditor.cli import setup, write
from auditor.cli.options import choice_of_data, config_option, output_option

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from auditor.config import Config
    from auditor.explain import Explanation
    from auditor.explaining import Stage
    from auditor.life import StoredFinding
    from auditor.model import Finding
    from auditor.registry import Registry
    from auditor.store import Store


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="FINDING | LEFT RIGHT")
@config_option
@click.option("--at", "resource", help="Explain this resource of LEFT and RIGHT, as either of them calls it.")
@click.option("--path", "path_text", help="Only this place of it: a dotted path.")
@click.option("--kind", help="Only resources of this kind.")
@choice_of_data
@output_option
def explain(
    names: tuple[str, ...],
    config_file: Path,
    resource: str | None,
    path_text: str | None,
    kind: str | None,
    format_: str,
    output: Path | None,
) -> None:
    """Say why FINDING is one, or why a place of LEFT and RIGHT is reported or is not.

    \b
    audit explain 2aef492e
    audit explain staging prod --at app.env --path LOG_LEVEL

    Shows which rule decides, from which file and line, every other rule that matches the place with why it does not
    decide, how the two resources were paired, and what was observed. Judges what the last audit of the pair has seen
    under the policies as they are now.
    """
    config, registry = setup.configured(config_file)
    with setup.opened(config) as store:
        if resource is not None:
            text = _at(config, registry, store, names, resource, path_text, kind, format_, output)
        elif path_text is not None or kind is not None:
            raise click.UsageError("--path and --kind say what of --at RESOURCE is meant: name the resource.")
        elif len(names) != 1:
            raise click.UsageError("Name one finding, or two environments and --at RESOURCE.")
        else:
            text = _finding(config, registry, store, store.finding(names[0]), format_, output)
    write.data(text, output)


def _at(
    config: Config,
    registry: Registry,
    store: Store,
    names: tuple[str, ...],
    resource: str,
    path_text: str | None,
    kind: str | None,
    format_: str,
    output: Path | None,
) -> str:
    from auditor import explain as explaining
    from auditor.publish import explain_report as report
    from auditor.publish.json_report import dump

    if len(names) != 2:
        raise click.UsageError("--at needs the two environments: audit explain LEFT RIGHT --at RESOURCE.")
    stage = _staged(config, registry, store, *names)
    found = explaining.explain(stage.scenery, resource, parsed(path_text) if path_text else (), kind)
    if all(one.state is explaining.State.NOWHERE for one in found):
        raise click.UsageError(_unknown(stage, found[0], resource, path_text, kind))
    finding = _stored(store, stage, found[0]) if len(found) == 1 else None
    snapshots = stage.left, stage.right
    if format_ == "json":
        objects = [report.explanation_object(one) for one in found]
        return dump({"schema": 1, "seen": report.seen_object(snapshots), "places": objects})
    return report.place_text(found, finding, snapshots, width=write.width(output), color=write.colours(output))


def _unknown(stage: Stage, nowhere: Explanation, resource: str, path_text: str | None, kind: str | None) -> str:
    """What there is nothing of that name, and what may have been meant."""
    sides = " nor ".join(stage.scenery.environments)
    kinds = {one.kind for snapshot in (stage.left, stage.right) for one in snapshot.resources}
    guesses: Sequence[str] = nowhere.guesses
    if nowhere.pairing is not None:
        what = f"a place {path_text!r} of {nowhere.identity}"
    elif kind is not None and kind not in kinds:
        what, guesses = f"a resource of kind {kind!r}", get_close_matches(kind, sorted(kinds), n=3)
    else:
        what = f"a resource {resource!r}" if kind is None else f"{kind} {resource!r}"
    remedy = f"did you mean {' or '.join(f'`{guess}`' for guess in guesses)}?" if guesses else "look at its spelling."
    return f"Neither {sides} has {what}: {remedy}"


def _finding(
    config: Config, registry: Registry, store: Store, stored: StoredFinding, format_: str, output: Path | None
) -> str:
    from auditor.cli.findings_commands import tolerated
    from auditor.explaining import explained_finding
    from auditor.moved_lookup import with_moved
    from auditor.policy_text import rule_text
    from auditor.publish import explain_report as report
    from auditor.publish.json_report import dump
    from auditor.publish.lookups import explain_text

    waiver, _ = tolerated(config, store, stored)
    stored, unmoved = with_moved(config, registry, store, stored, setup.now())
    explained, notes = explained_finding(config, setup.toolbox(config, registry, store), stored, setup.now())
    rule = stored.breach.rule
    text = rule_text(rule.file, rule.line)
    if format_ == "json":
        events = store.events(stored.fingerprint)
        return dump(report.explained_object(stored.finding, events, waiver, unmoved, text, explained, notes))
    width, color = write.width(output), write.colours(output)
    told = explain_text(stored.finding, width=width, color=color, unmoved=unmoved)
    environments = stored.breach.left.environment, stored.breach.right.environment
    more = report.appendix(explained, environments, text, waiver, notes=notes, width=width, color=color)
    return told + more


def _staged(config: Config, registry: Registry, store: Store, left: str, right: str) -> Stage:
    from auditor.explaining import NothingSeen, staged

    pair = config.pair(left, right)
    try:
        return staged(config, pair, setup.toolbox(config, registry, store), setup.now())
    except NothingSeen as error:
        raise click.UsageError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error


def _stored(store: Store, stage: Stage, one: Explanation) -> Finding | None:
    """The finding of the place, where an audit recorded one that is not resolved."""
    from auditor.model import Status

    place = (one.kind, one.identity, one.path)
    for stored in store.findings(*stage.scenery.environments):
        breach = stored.breach
        if stored.status is not Status.RESOLVED and (breach.kind, breach.identity, breach.path) == place:
            return stored.finding
    return None


def parsed(text: str) -> tuple[str, ...]:
    """A path as it was typed after --path."""
    from auditor.paths import read

    try:
        return read(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--path") from error
