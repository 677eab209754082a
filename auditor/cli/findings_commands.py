"""`audit findings` and `audit show`: what earlier audits found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from auditor.cli import setup, write
from auditor.cli.options import SEVERITIES, choice_of_data, config_option, output_option

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from auditor.config import Config
    from auditor.life import StoredFinding
    from auditor.model import Finding
    from auditor.store import Store
    from auditor.waivers import Waiver

_STATUSES = ("pending", "open", "regressed", "acknowledged", "waived", "resolved")
_UNRESOLVED = _STATUSES[:-1]


@click.command()
@click.argument("left", required=False)
@click.argument("right", required=False)
@config_option
@click.option(
    "--status", type=click.Choice(_STATUSES), multiple=True, help="Only these; all but resolved ones by default."
)
@click.option("--severity", type=click.Choice(SEVERITIES), help="Only findings of this severity and above.")
@choice_of_data
@output_option
def findings(
    left: str | None,
    right: str | None,
    config_file: Path,
    status: tuple[str, ...],
    severity: str | None,
    format_: str,
    output: Path | None,
) -> None:
    """List what the audits so far have found, of all pairs or of LEFT against RIGHT."""
    from auditor.model import Severity, Status
    from auditor.publish.json_report import findings_json
    from auditor.publish.lookups import findings_table

    config, _ = setup.configured(config_file)
    names = [config.environment(name).name if name else None for name in (left, right)]
    wanted = [Status(word) for word in status or _UNRESOLVED]
    with setup.opened(config) as store:
        kept = store.findings(*names, status=wanted, severity=Severity(severity) if severity else None)
        found = with_returns(store, kept)
        doubts = _doubts(config, store, names, kept)
    if format_ == "json":
        for doubt in doubts:
            click.echo(doubt, err=True)
        write.data(findings_json(found), output)
        return
    width, color = write.width(output), write.colours(output)
    gone = _unconfigured(config, kept)
    table = findings_table(found, width=width, color=color, now=setup.now(), unconfigured=gone, doubts=doubts)
    write.data(table, output)


@click.command()
@click.argument("finding")
@config_option
@choice_of_data
@output_option
def show(finding: str, config_file: Path, format_: str, output: Path | None) -> None:
    """Show everything that is known of FINDING: both values, why it matters, what happened to it.

    FINDING is its fingerprint, or as much of it as is needed to tell it from others.
    """
    from auditor.moved_lookup import with_moved
    from auditor.publish.json_report import finding_json
    from auditor.publish.lookups import finding_text

    config, registry = setup.configured(config_file)
    with setup.opened(config) as store:
        stored, unmoved = with_moved(config, registry, store, store.finding(finding), setup.now())
        events = store.events(stored.fingerprint)
        waiver, lapse = tolerated(config, store, stored)
        (found,) = with_returns(store, [stored])
    if format_ == "json":
        write.data(finding_json(found, events, waiver, unmoved), output)
        return
    width, color, now = write.width(output), write.colours(output), setup.now()
    said = {"lapse": lapse, "unmoved": unmoved}
    write.data(finding_text(found, events, width=width, color=color, now=now, waiver=waiver, **said), output)


def with_returns(store: Store, kept: Sequence[StoredFinding]) -> list[Finding]:
    """The findings as they are now, with how often each came back in the last 24 hours."""
    from auditor.happenings import LOOKBACK
    from auditor.happenings import with_returns as counted

    now = setup.now()
    pairs = {(stored.breach.left.environment, stored.breach.right.environment) for stored in kept}
    history = [event for pair in sorted(pairs) for event in store.last_changes(*pair, now - LOOKBACK)]
    return list(counted((stored.finding for stored in kept), history, now))


def _doubts(config: Config, store: Store, names: Sequence[str | None], listed: Sequence[StoredFinding]) -> list[str]:
    """Why the list may not be all there is, a line for each pair that was asked for: silence is no good news where nobody
    looked."""
    from auditor.publish.lookups import doubt

    left, right = names
    asked = {(pair.left, pair.right) for pair in config.pairs}
    asked |= {(stored.breach.left.environment, stored.breach.right.environment) for stored in listed}
    asked = {pair for pair in asked if left in (None, pair[0]) and right in (None, pair[1])}
    if left is not None and right is not None:
        asked = {(left, right)}
    gone = set(_unconfigured(config, listed))
    lasts = {pair: next(iter(store.audits(*pair, limit=1)), None) for pair in sorted(asked - gone)}
    said = [doubt(*pair, last, setup.now()) for pair, last in lasts.items()]
    if not asked and not store.audits(limit=1):
        said.append("Nothing was ever audited, so nothing is known.")
    return [one for one in said if one]


def _unconfigured(config: Config, listed: Sequence[StoredFinding]) -> list[tuple[str, str]]:
    """The pairs of unresolved findings that no audit looks at any more. Where `pairs` names none, all are asked for."""
    from auditor.model import Status

    configured = {(pair.left, pair.right) for pair in config.pairs}
    found = {
        (stored.breach.left.environment, stored.breach.right.environment)
        for stored in listed
        if stored.status is not Status.RESOLVED
    }
    return sorted(
        pair
        for pair in found - configured
        if configured or not (pair[0] in config.environments and pair[1] in config.environments)
    )


def tolerated(config: Config, store: Store, stored: StoredFinding) -> tuple[Waiver | None, str]:
    """What covers a waived finding now; where nothing does any more, why."""
    from auditor.waived import covering
    from auditor.waiver_file import waivers_of

    now = setup.now()
    return covering(stored, waivers_of(config, now).waivers, store, now)
