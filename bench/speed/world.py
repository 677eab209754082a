"""One installation in a folder of its own: configuration, key, SQLite store, and what its two environments answer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from auditor.cli.setup import toolbox
from auditor.config import Config, load_config
from auditor.pipeline import Tools
from auditor.policy import load_policy
from auditor.registry import Registry
from auditor.rules import Policy
from auditor.store import Store
from bench.speed import replay
from bench.speed.estate import PROD, STAGING

_CONFIG = f"""\
store: sqlite:///auditor.db
environments:
  staging:
    aliases: [stg]
    promotes_to: prod
    sources: [{{collector: replay, folder: now/staging, account: "{STAGING.account}"}}]
  prod:
    aliases: [production]
    sources: [{{collector: replay, folder: now/prod, account: "{PROD.account}"}}]
pairs: [{{left: staging, right: prod, policies: [default]}}]
collect: {{timeout: 3600}}
"""


@dataclass(frozen=True, slots=True)
class World:
    """What an audit needs, opened."""

    config: Config
    policy: Policy
    registry: Registry
    store: Store
    tools: Tools


def make(folder: Path) -> None:
    """Lay a new installation into an empty folder."""
    (folder / "auditor.yaml").write_text(_CONFIG)
    (folder / "editions").mkdir()


def turn_to(folder: Path, edition: int) -> None:
    """From now on the environments answer what the edition of this number says."""
    link = folder / "now"
    link.unlink(missing_ok=True)
    link.symlink_to(folder / "editions" / str(edition))


def keep(folder: Path, name: str) -> None:
    """Remember the store as it is now. Nobody may have it open."""
    shutil.rmtree(folder / name, ignore_errors=True)
    (folder / name).mkdir()
    for file in folder.glob("auditor.db*"):
        shutil.copy(file, folder / name)


def put_back(folder: Path, name: str) -> None:
    """Make the store again what it was when it was kept under `name`."""
    for file in folder.glob("auditor.db*"):
        file.unlink()
    for file in (folder / name).iterdir():
        shutil.copy(file, folder)


@contextmanager
def opened(folder: Path) -> Iterator[World]:
    """The installation, as a process of its own would open it."""
    registry = replay.registry()
    config = load_config(folder / "auditor.yaml", registry=registry, environ={})
    policy = load_policy(config.pairs[0].policies, config.policies)
    with Store.open(config.store) as store:
        yield World(config, policy, registry, store, toolbox(config, registry, store))
