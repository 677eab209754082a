"""From the command line to what a run needs: the registry, a checked configuration, the store, the clock."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.collect import Progress
    from auditor.config import Config
    from auditor.pipeline import Tools
    from auditor.publish.sources import Places
    from auditor.registry import Registry
    from auditor.store import Store


def now() -> datetime:
    """The clock that commands hand on."""
    return datetime.now(UTC)


def configured(config_file: Path) -> tuple[Config, Registry]:
    """The checked configuration and the collectors. Raises ConfigError with every problem."""
    from auditor.config import load_config
    from auditor.registry import Registry

    registry = Registry.load()
    return load_config(config_file, registry=registry, environ=os.environ), registry


@contextmanager
def opened(config: Config) -> Iterator[Store]:
    """The store of the configuration. An id that it does not know is the caller's mistake, so a usage error."""
    from auditor.store import NotFoundError, Store

    try:
        with Store.open(config.store, clock=now) as store:
            yield store
    except NotFoundError as error:
        raise click.UsageError(str(error).removeprefix("store: ")) from error


def toolbox(config: Config, registry: Registry, store: Store, progress: Progress | None = None) -> Tools:
    """What the stages of a run are given."""
    from auditor.kept import Keeping
    from auditor.key import load_key
    from auditor.notify import teller_of
    from auditor.pipeline import Tools
    from auditor.redact import Redactor
    from auditor.waiver_file import waivers_of
    from auditor.witnesses import Witnesses

    redactor = Redactor(load_key(config.folder, os.environ))
    return Tools(
        registry=registry,
        store=store,
        redactor=redactor,
        clock=now,
        progress=progress,
        teller=teller_of(config.publish),
        waivers=waivers_of(config, now()).waivers,
        witness=Witnesses(config.environments, store, now),
        keeping=Keeping(store),
    )


def places(config: Config) -> Places:
    """Where locations in reports begin, and the repository that they are told relative to: git's, else this folder."""
    from auditor.repository import places as found

    return found(config.folder, Path.cwd())
