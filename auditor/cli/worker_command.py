"""`audit worker`: read for the audits of other processes, on as many hosts as wanted."""

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

_IDLE = "audits of this configuration are read by threads, so nobody would hand a worker anything"
_REMEDY = (
    "write `collect: {engine: workers}`, with a PostgreSQL `store`, in the one file that service and workers share"
)


@click.command()
@config_option
@click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    help="How many listings are read side by side; by default what collect.workers says.",
)
@click.option(
    "--listen", metavar="HOST:PORT", help="Where to serve /healthz, /readyz and /metrics; by default nowhere."
)
@log_options
def worker(
    config_file: Path, concurrency: int | None, listen: str | None, log_format: str | None, log_level: str
) -> int:
    """Read sources for the audits of others: one of as many workers as wanted, on as many hosts.

    Give every worker the configuration, the variables, the PostgreSQL store and the fingerprint key of the service, whose
    configuration says `collect: {engine: workers}`. SIGTERM finishes what is under way, or gives it back.
    """
    from auditor import log
    from auditor.daemon.secrets import secrets_of
    from auditor.errors import ConfigError, Problem
    from auditor.key import load_key
    from auditor.redact import Redactor
    from auditor.scrub import Scrubber

    address = _address(listen) if listen is not None else None
    config, registry = setup.configured(config_file)
    if config.engine != "workers":
        raise ConfigError([Problem(str(config_file), None, None, "collect.engine", _IDLE, _REMEDY)])
    scrubber = Scrubber(os.environ)
    scrubber.learn(secrets_of(config))
    chosen = log.Format(log_format) if log_format is not None else None
    log.configure(scrubber, level=log.Level(log_level), format=chosen, stream=sys.stderr)

    from auditor.workers.process import Ground, run

    run(
        Ground(
            config=config,
            registry=registry,
            redactor=Redactor(load_key(config.folder, os.environ)),
            concurrency=concurrency or config.workers,
            listen=address,
        )
    )
    # What hangs in a system call would hold up the end of the process.
    sys.stderr.flush()
    os._exit(Exit.PARITY)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise click.BadParameter("expected HOST:PORT, such as 0.0.0.0:9465", param_hint="--listen")
    return host.strip("[]"), int(port)
