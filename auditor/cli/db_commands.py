"""`audit db`: the tables of the store, and letting go of what is old."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from auditor.cli import setup, write
from auditor.cli.options import config_option

if TYPE_CHECKING:
    from pathlib import Path


@click.group()
def db() -> None:
    """Look after the store."""


@db.command()
@config_option
def upgrade(config_file: Path) -> None:
    """Bring the tables of the store to the version that this program needs, and make them where there are none."""
    from auditor.store import schema

    config, _ = setup.configured(config_file)
    done = schema.upgrade(config.store)
    if done.before == done.after:
        write.data(f"The store is up to date (version {done.after}).")
    else:
        write.data(f"The store is now of version {done.after} (it was {done.before or 'empty'}).")
    if config.engine == "workers":
        from auditor.workers import place

        made = place.upgrade(place.place_of(config.store))
        write.data(f"The tables for workers are {'made' if made else 'up to date'}.")


@db.command()
@config_option
@click.option(
    "--older-than",
    type=click.IntRange(min=1),
    default=90,
    show_default=True,
    metavar="DAYS",
    help="Let go of audits, snapshots and delivered notices older than this.",
)
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Keep the newest of each pair and environment, however old.",
)
@click.option(
    "--thin",
    type=click.IntRange(min=1),
    default=7,
    show_default=True,
    metavar="DAYS",
    help="Of what is older than this, let go of repeats: audits and snapshots between two others that saw the very same.",
)
def prune(config_file: Path, older_than: int, keep: int, thin: int) -> None:
    """Delete old audits and snapshots with what only they refer to, and delivered notices.

    The first, the last and every change of what was seen stay until they are older than --older-than. Findings with their
    history, waivers, and notices that were not delivered always stay."""
    config, _ = setup.configured(config_file)
    with setup.opened(config) as store:
        now = setup.now()
        gone = store.prune(now - timedelta(days=older_than), keep=keep, thin=now - timedelta(days=thin))
    parts = [
        f"{gone.audits} audits",
        f"{gone.snapshots} snapshots",
        f"{gone.manifests} manifests",
        f"{gone.documents} documents",
        f"{gone.cached} cached forms",
        f"{gone.notices} notices",
        f"{gone.topics} topics",
    ]
    write.data(f"Deleted {', '.join(parts)}.")
