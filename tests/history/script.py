"""Ninety days of two environments, written down: what changed when, what could not be seen, who did what about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from auditor.acts import acknowledge, waive
from auditor.collector import Context, Options, Task
from auditor.config import Config, load_config
from auditor.errors import CollectError
from auditor.model import ABSENT, Absent, Audit, Gap, GapReason, Json, Kind, Resource
from auditor.pipeline import Tools, audit_snapshots, take_snapshots
from auditor.policy import load_policy
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.store import Store

DAYS = 90
_FIRST = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
_SHIPPED = Registry.load()
_CONFIG = """\
environments:
  staging: {sources: [{collector: cloud}, {collector: endpoints}]}
  prod: {sources: [{collector: cloud}, {collector: endpoints}]}
pairs: [{left: staging, right: prod, policies: [shop]}]
policies: [shop.yaml]
"""
_POLICY = """\
policy: shop
rules:
  - {id: engine, about: Rehearse on it, kind: aws.rds.instance, path: engine_version, expect: same_minor, severity: high}
  - {id: setting, about: One behaviour, kind: aws.ssm.parameter, path: value, expect: equal, severity: medium}
  - {id: absent, about: Nothing is forgotten, kind: aws.ssm.parameter, expect: equal, severity: high}
  - {id: deployed, about: Follow soon, kind: http.version, path: version, expect: equal, severity: medium, for: 72h}
"""


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """The time on a day of the script; its first look is at 01:00 of day 0."""
    return _FIRST.replace(hour=hour, minute=minute) + timedelta(days=day)


@dataclass(frozen=True, slots=True)
class Set:
    """From `at` on the attribute of a resource is `value`; a resource whose every attribute is ABSENT is not there."""

    at: datetime
    environment: str
    kind: str
    identity: str
    attribute: str
    value: Json | Absent


@dataclass(frozen=True, slots=True)
class Blind:
    """From `since` until `until` a collector is refused in these environments."""

    since: datetime
    until: datetime
    environments: tuple[str, ...]
    collector: str
    reason: GapReason


def database(day: datetime, environment: str, version: str) -> Set:
    return Set(day, environment, "aws.rds.instance", f"orders-{environment}", "engine_version", version)


def parameter(day: datetime, environment: str, name: str, value: Json | Absent) -> Set:
    return Set(day, environment, "aws.ssm.parameter", f"/orders/{environment}/{name}", "value", value)


def deployed(day: datetime, environment: str, version: str) -> Set:
    return Set(day, environment, "http.version", "api", "version", version)


_START = at(0, 0)
CHANGES = (
    *(
        change
        for name in ("staging", "prod")
        for change in (
            database(_START, name, "15.4"),
            deployed(_START, name, "1.4.0"),
            parameter(_START, name, "timeout", "30"),
            parameter(_START, name, "currency", "EUR"),
            parameter(_START, name, "banner", "on"),
        )
    ),
    # A release that production takes over in time, and one that stays in staging for too long.
    deployed(at(3, 10), "staging", "1.5.0"),
    deployed(at(5, 10), "prod", "1.5.0"),
    deployed(at(30, 2), "staging", "1.6.0"),
    deployed(at(36, 12), "prod", "1.6.0"),
    # An upgrade of production that staging follows a week later.
    database(at(10, 9, 10), "prod", "15.8"),
    database(at(17, 20), "staging", "15.8"),
    # A hotfix. Staging gets it while nobody can see it.
    parameter(at(20, 4), "prod", "timeout", "45"),
    parameter(at(48, 6), "staging", "timeout", "45"),
    # Another upgrade while staging cannot be seen.
    database(at(46, 5), "prod", "16.1"),
    database(at(55, 3), "staging", "16.1"),
    # A change in the middle of an outage.
    parameter(at(60, 10), "staging", "currency", "USD"),
    parameter(at(62, 10), "staging", "currency", "EUR"),
    # Somebody cannot decide.
    parameter(at(65, 10), "staging", "banner", "off"),
    parameter(at(66, 10), "staging", "banner", "on"),
    parameter(at(67, 10), "staging", "banner", "off"),
    parameter(at(68, 10), "staging", "banner", "on"),
    # A setting that one side got first, for good and for a while.
    parameter(at(70, 10), "prod", "retries", "5"),
    parameter(at(75, 10), "staging", "retries", "5"),
    # A change while the auditor is away.
    parameter(at(79, 3), "prod", "currency", "GBP"),
    # Production goes ahead, and on.
    database(at(84, 12), "prod", "16.2"),
    database(at(86, 12), "prod", "16.3"),
)
BLIND = (
    Blind(at(45, 0), at(52, 0), ("staging",), "cloud", GapReason.ACCESS_DENIED),
    Blind(at(60, 2), at(61, 12), ("staging", "prod"), "cloud", GapReason.UNREACHABLE),
)
AWAY = (at(78, 0), at(80, 0))
# When the release of day 30 has waited for three days.
RELEASE_OVERDUE = at(33, 9)


@dataclass(slots=True)
class World:
    """What the environments are made of at `now`."""

    now: datetime = _FIRST

    def read(self, environment: str, collector: str, kinds: tuple[Kind, ...]) -> Iterator[Resource]:
        """What a collector finds. Raises CollectError while it is refused."""
        for blind in BLIND:
            refused = environment in blind.environments and collector == blind.collector
            if refused and blind.since <= self.now < blind.until:
                raise CollectError(blind.reason, "refused by the script")
        names = {kind.name for kind in kinds}
        found: dict[tuple[str, str], dict[str, Json]] = {}
        for change in sorted(CHANGES, key=lambda change: change.at):
            if change.environment == environment and change.kind in names and change.at <= self.now:
                attributes = found.setdefault((change.kind, change.identity), {})
                attributes.pop(change.attribute, None)
                if change.value is not ABSENT:
                    attributes[change.attribute] = change.value
        for (kind, identity), attributes in found.items():
            if attributes:
                yield Resource(kind, identity, attributes)


@dataclass(frozen=True)
class Scripted:
    """A collector that reads the script: the real protocol, without a far side."""

    world: World
    name: str
    kinds: tuple[Kind, ...]
    about: str = "Reads the script"
    options: type[Options] = Options
    permissions: tuple[str, ...] = ()
    by_name: bool = True

    def label(self, options: Any) -> str:
        return f"{self.name}:script"

    def plan(self, options: Any, context: Context) -> Iterable[Task]:
        names = tuple(kind.name for kind in self.kinds)

        def run() -> Iterator[Resource | Gap]:
            yield from self.world.read(context.environment, self.name, self.kinds)

        return [Task(f"{self.name}:script", names, run)]


@dataclass(frozen=True, slots=True)
class Replay:
    """One run through the script: every audit by when it was made."""

    store: Store
    audits: Mapping[datetime, Audit] = field(default_factory=dict)


def looks() -> Iterator[datetime]:
    """When there is an audit: three times a day around everything that happens, else in the evening, but while the
    auditor is away."""
    moments = [change.at for change in CHANGES] + [time for blind in BLIND for time in (blind.since, blind.until)]
    moments += [*AWAY, RELEASE_OVERDUE, *(when for when, _ in ACTS)]
    busy = {(moment - _FIRST).days + day for moment in moments for day in (0, 1)}
    for day in range(DAYS):
        for hour in (1, 9, 17) if day in busy else (17,):
            if not AWAY[0] <= at(day, hour) < AWAY[1]:
                yield at(day, hour)


def replay(store: Store, folder: Path) -> Replay:
    """Audit the script from its first look to its last into an empty store, and do what people did.

    `folder` is where the configuration stands: findings name the file of their rule."""
    world = World()
    cloud = (_SHIPPED.kind("aws.rds.instance"), _SHIPPED.kind("aws.ssm.parameter"))
    endpoints = (_SHIPPED.kind("http.version"),)
    registry = Registry([Scripted(world, "cloud", cloud), Scripted(world, "endpoints", endpoints)])
    config = _configured(folder, registry)
    tools = Tools(registry, store, Redactor(b"k" * 32), lambda: world.now)
    policy = load_policy(("shop",), config.policies)
    audits: dict[datetime, Audit] = {}
    acts = [*ACTS]
    for time in looks():
        while acts and acts[0][0] < time:
            when, act = acts.pop(0)
            act(store, when)
        world.now = time
        taken = take_snapshots(config, ("staging", "prod"), tools)
        audits[time] = audit_snapshots(config, policy, taken["staging"], taken["prod"], time, tools)
    return Replay(store, audits)


def fingerprint(store: Store, rule: str, name: str) -> str:
    """Of the one finding of a rule about the resource whose name has `name` in it."""
    every = [*store.previous("staging", "prod").values()]
    (found,) = [one for one in every if one.breach.rule.id == rule and name in one.breach.identity]
    return found.fingerprint


def _waived(store: Store, now: datetime) -> None:
    found = fingerprint(store, "setting", "timeout")
    waive(store, [found], "ada", "known, mended with the next release", now, timedelta(days=10), "cli")


def _acknowledged(store: Store, now: datetime) -> None:
    acknowledge(store, [fingerprint(store, "setting", "currency")], "bo", now)


ACTS = ((at(25, 12), _waived), (at(82, 12), _acknowledged))


def _configured(folder: Path, registry: Registry) -> Config:
    (folder / "shop.yaml").write_text(_POLICY, encoding="utf-8")
    (folder / "auditor.yaml").write_text(_CONFIG, encoding="utf-8")
    return load_config(folder / "auditor.yaml", registry=registry, environ={})
