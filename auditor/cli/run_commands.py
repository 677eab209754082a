"""`audit now`, `audit snapshot` and `audit diff`: observe environments and compare what was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from auditor.cli import setup, write
from auditor.cli.exits import Exit
from auditor.cli.options import choice_of_data, config_option, output_option, report_options

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.config import Config
    from auditor.model import Snapshot
    from auditor.store import Store


@click.command()
@click.argument("left")
@click.argument("right")
@config_option
@report_options
def now(
    left: str,
    right: str,
    config_file: Path,
    format_: str,
    output: Path | None,
    fail_on: str,
    allow_incomplete: bool,
) -> int:
    """Compare LEFT with RIGHT as they are at this moment.

    \b
    Exit codes: 0  parity: nothing at or above --fail-on
                1  findings at or above it
                2  a usage or configuration error
                3  nothing at or above it, but not everything could be observed
                4  the auditor itself failed
    """
    from auditor.cli.progress import watched
    from auditor.model import Severity
    from auditor.pipeline import audit_now
    from auditor.publish.render import render
    from auditor.publish.view import verdict

    config, registry = setup.configured(config_file)
    pair = config.pair(left, right)
    with setup.opened(config) as store, watched() as progress:
        audit = audit_now(config, pair.left, pair.right, setup.toolbox(config, registry, store, progress))
    threshold = Severity(fail_on)
    text = render(
        audit,
        format_,
        fail_on=threshold,
        width=write.width(output),
        color=write.colours(output),
        now=setup.now(),
        allow_incomplete=allow_incomplete,
        places=setup.places(config),
    )
    write.report(text, format_, output)
    code, sentence = verdict(audit, threshold, allow_incomplete)
    if output is not None:
        write.note(f"{sentence} The report is in {output}.")
    return code


@click.command()
@click.argument("environment")
@config_option
@choice_of_data
@output_option
def snapshot(environment: str, config_file: Path, format_: str, output: Path | None) -> int:
    """Observe ENVIRONMENT now, keep what was seen, and say what it was.

    Exits 3 when not everything could be observed. `audit diff` takes the id.
    """
    from auditor.cli.progress import watched
    from auditor.pipeline import observe_now
    from auditor.publish.json_report import snapshot_json
    from auditor.publish.lookups import snapshot_text

    config, registry = setup.configured(config_file)
    name = config.environment(environment).name
    with setup.opened(config) as store, watched() as progress:
        observed = observe_now(config, [name], setup.toolbox(config, registry, store, progress))[name]
    taken = observed.snapshot
    if observed.note:
        write.note(f"Shared: {observed.note}.")
    if format_ == "json":
        write.data(snapshot_json(taken), output)
    else:
        write.data(snapshot_text(taken, width=write.width(output), color=write.colours(output)), output)
    return Exit.INCOMPLETE if taken.gaps else Exit.PARITY


@click.command()
@click.argument("left")
@click.argument("right")
@config_option
@choice_of_data
@output_option
def diff(left: str, right: str, config_file: Path, format_: str, output: Path | None) -> int:
    """Compare two snapshots that were kept: everything that differs, whatever the policies say of it.

    LEFT and RIGHT are ids of snapshots, or environments: then their latest ones. Where the stored history tells it, each
    difference says which side changed last, and when. Exits 1 when something differs, and 3 when nothing does but not
    everything had been observed.
    """
    from auditor.drifts import BOUNDS, drifts
    from auditor.parting import movers
    from auditor.pipeline import lay
    from auditor.publish.diff_report import diff_json, diff_text
    from auditor.realms import realm_of

    config, registry = setup.configured(config_file)
    with setup.opened(config) as store:
        tools = setup.toolbox(config, registry, store)
        ours, theirs = (_kept(config, store, name) for name in (left, right))
        laid = lay(config, ours, theirs, tools)
        environments = ours.environment, theirs.environment
        first, second = (realm_of(config, name, registry.kind) for name in environments)
        found = drifts(laid, lambda asked: movers(asked, (first, second), store.past, (ours.id, theirs.id), BOUNDS))
    # Backwards in time nothing "went from one to the other".
    words = (
        (ours.id, theirs.id) if environments[0] == environments[1] and ours.taken_at > theirs.taken_at else environments
    )
    gaps = laid.comparison.left.gaps + laid.comparison.right.gaps
    if format_ == "json":
        write.data(diff_json(found, left=ours.id, right=theirs.id, environments=words, gaps=gaps), output)
    else:
        width, color = write.width(output), write.colours(output)
        text = diff_text(found, left=ours.id, right=theirs.id, width=width, color=color, environments=words, gaps=gaps)
        write.data(text, output)
    if found:
        return Exit.FINDINGS
    return Exit.INCOMPLETE if gaps else Exit.PARITY


def _kept(config: Config, store: Store, name: str) -> Snapshot:
    """The snapshot called `name`, or the latest one of the environment called so."""
    from auditor.store import NotFoundError

    environment = name if name in config.environments else None
    try:
        latest = store.latest_snapshot(environment) if environment else store.load_snapshot(name)
    except NotFoundError as error:
        hint = f"name an environment ({', '.join(config.environments)}), or an id that `audit snapshot` printed"
        raise click.UsageError(f"{str(error).removeprefix('store: ')}: {hint}") from error
    if latest is None:
        raise click.UsageError(f"There is no snapshot of {name} yet: take one with `audit snapshot {name}`.")
    return latest
