"""The company goes on living: releases, hotfixes and corrections, one after the other, for dashboards to show.

Every story begins with one environment changing and ends with the other one following, so that the company drifts and
recovers for ever, and its findings have a life to look at.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditor.demo import world
from auditor.demo.company import PROD, STAGING, Site

if TYPE_CHECKING:
    from auditor.demo.versions import Versions


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that somebody does in one environment. `what` says it to a person."""

    environment: str
    what: str
    do: Callable[[], object]


def steps(endpoint_url: str, versions: Versions) -> Iterator[Step]:
    """What happens, in order and without end. Two in a row that belong together stand one after the other."""
    clients = {site.environment: world.clients(site, endpoint_url) for site in (STAGING, PROD)}
    for turn in itertools.count(1):
        for story in (_release, _hotfix, _bigger_function, _trial):
            yield from story(turn, clients, versions)


def live(
    endpoint_url: str, versions: Versions, every: float, stopped: threading.Event, say: Callable[[str], None]
) -> None:
    """Take one step each `every` seconds until `stopped` is set."""
    for step in steps(endpoint_url, versions):
        if stopped.wait(every):
            return
        step.do()
        say(f"{step.environment}: {step.what}")


Clients = dict[str, Callable[[str], Any]]


def _release(turn: int, _clients: Clients, versions: Versions) -> Iterator[Step]:
    """A service is deployed to staging, and promoted later."""
    for site in (STAGING, PROD):
        version = f"3.{8 + turn}.0"
        yield Step(site.environment, f"api {version} is deployed", _Deploy(versions, site.environment, "api", version))


def _hotfix(turn: int, clients: Clients, _versions: Versions) -> Iterator[Step]:
    """A setting is changed in production by hand, and staging is told of it later."""
    for site in (PROD, STAGING):
        value = str(75 + 5 * (turn % 4 + 1))
        yield Step(
            site.environment,
            f"shipping/free-from is set to {value}",
            _Parameter(clients, site, "shipping/free-from", value),
        )


def _bigger_function(turn: int, clients: Clients, _versions: Versions) -> Iterator[Step]:
    """A function gets more time in production after an incident."""
    for site in (PROD, STAGING):
        seconds = 30 + 15 * (turn % 3 + 1)
        yield Step(site.environment, f"the image resizer may take {seconds} s", _Timeout(clients, site, seconds))


def _trial(_turn: int, clients: Clients, _versions: Versions) -> Iterator[Step]:
    """Something is tried out in production, and taken back."""
    for value in ("false", "true"):
        what = "is switched off for a trial" if value == "false" else "is back on"
        yield Step(PROD.environment, f"the wishlist {what}", _Parameter(clients, PROD, "features/wishlist", value))


@dataclass(frozen=True, slots=True)
class _Deploy:
    versions: Versions
    environment: str
    service: str
    version: str

    def __call__(self) -> None:
        self.versions.deploy(self.environment, self.service, self.version)


@dataclass(frozen=True, slots=True)
class _Parameter:
    clients: Clients
    site: Site
    name: str
    value: str

    def __call__(self) -> None:
        name = f"/shop/{self.site.pick('stg', 'prod')}/{self.name}"
        self.clients[self.site.environment]("ssm").put_parameter(
            Name=name, Value=self.value, Type="String", Overwrite=True
        )


@dataclass(frozen=True, slots=True)
class _Timeout:
    clients: Clients
    site: Site
    seconds: int

    def __call__(self) -> None:
        self.clients[self.site.environment]("lambda").update_function_configuration(
            FunctionName=self.site.name("resizer"), Timeout=self.seconds
        )
