"""`audit demo`: see the product at work without an environment of one's own."""

from __future__ import annotations

from pathlib import Path

import click

from auditor.cli import write
from auditor.cli.exits import debug_option
from auditor.cli.options import FORMATS


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("parity-demo"),
    show_default=True,
    help="Where the configuration and files go.",
)
@click.option("--serve", is_flag=True, help="Keep the company up until Ctrl-C, with its page at http://127.0.0.1:9464.")
@click.option(
    "--company", is_flag=True, help="Keep only the company up, and let it go on living; for dashboards and containers."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="With --company: the address that it listens on.")
@click.option(
    "--every",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    help="With --company: seconds between two things that happen there; 0: nothing ever does.",
)
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True, help="Kind of report."
)
@debug_option
def demo(folder: Path, serve: bool, company: bool, host: str, every: float, format_: str) -> int:
    """Audit a believable company against an embedded AWS stand-in.

    Runs on this machine alone and asks no real account. Leaves its configuration behind, to read and to change. Exits 0
    when the audit ran, whatever it found.
    """
    if company:
        return _keep_up(host, every)
    from auditor.demo import run

    return run(folder, ["--format", format_], serve=serve, say=write.note)


def _keep_up(host: str, every: float) -> int:
    import signal
    import threading

    from auditor.demo import company

    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    company(host, every, stopped, write.note)
    return 0
