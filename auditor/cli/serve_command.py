"""`audit serve`: the service."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from auditor.cli import setup
from auditor.cli.exits import Exit
from auditor.cli.options import config_option, log_options

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@config_option
@log_options
def serve(config_file: Path, log_format: str | None, log_level: str) -> int:
    """Audit by the schedules of the configuration, all day: metrics for Prometheus, messages to those who are to know.

    SIGTERM finishes what is under way and ends; SIGHUP, or a change of the files, reads the configuration again.
    """
    from auditor import log
    from auditor.daemon.serve import Ground
    from auditor.daemon.serve import serve as run
    from auditor.daemon.systemd import Notifier
    from auditor.key import load_key
    from auditor.redact import Redactor
    from auditor.scrub import Scrubber

    scrubber = Scrubber(os.environ)
    chosen = log.Format(log_format) if log_format is not None else None
    log.configure(scrubber, level=log.Level(log_level), format=chosen, stream=sys.stderr)
    config, registry = setup.configured(config_file)
    key = load_key(config.folder, os.environ)
    ground = Ground(
        file=config_file,
        key=key,
        registry=registry,
        redactor=Redactor(key),
        scrubber=scrubber,
        notifier=Notifier.of(os.environ),
        environ=os.environ,
        clock=setup.now,
    )
    if not run(ground):
        # Python would wait for the threads that are left, for as long as these please.
        sys.stderr.flush()
        os._exit(Exit.PARITY)
    return Exit.PARITY
