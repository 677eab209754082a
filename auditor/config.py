"""Read `auditor.yaml`: load, fill in variables, validate, check across keys. Every mistake is told at once, by position.

The shape of the file is in `settings.py`; the options of a source belong to its collector.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from auditor.collect import Environment, Source
from auditor.config_checks import cross_problems, entries, items, unknown
from auditor.equivalents import Engine
from auditor.errors import ConfigError, Problem
from auditor.interpolate import interpolate
from auditor.settings import PublishSettings, ScheduleSettings, ServeSettings, Settings
from auditor.validation import problems_from_pydantic
from auditor.yaml_source import Document, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from auditor.match import Counterpart
    from auditor.registry import Registry


@dataclass(frozen=True, slots=True)
class Pair:
    """Two environments that are meant to match, under which policies, and when they are audited (None: on demand)."""

    left: str
    right: str
    policies: tuple[str, ...] = ("default",)
    schedule: str | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration that was found to be right.

    `promotes_to` holds the next environment by environment; `policies` and `waivers` are absolute paths;
    `schedules` says by environment when it is observed for its own sake; `scheduling` holds for all schedules.
    `timeout` is what one listing may take, and `engine` who reads it: `threads` or `workers`; `store` is a database URL whose SQLite path is absolute.
    """

    file: Path
    folder: Path
    store: str = field(repr=False)
    environments: Mapping[str, Environment]
    promotes_to: Mapping[str, str]
    pairs: tuple[Pair, ...]
    policies: tuple[Path, ...]
    waivers: Path | None
    publish: PublishSettings
    serve: ServeSettings
    timeout: timedelta
    workers: int
    counterparts: tuple[Counterpart, ...]
    identity_tag: str
    equivalents: tuple[Engine, ...] = ()
    owner_tag: str = "owner"
    schedules: Mapping[str, str] = field(default_factory=dict)
    scheduling: ScheduleSettings = field(default_factory=ScheduleSettings)
    engine: str = "threads"

    def environment(self, name: str) -> Environment:
        """The environment called `name`, by its name or one of its aliases. Raises ConfigError with the nearest name."""
        if name in self.environments:
            return self.environments[name]
        for environment in self.environments.values():
            if name.lower() in (alias.lower() for alias in environment.aliases):
                return environment
        message, remedy = unknown("environment", name, self.environments)
        raise ConfigError([Problem(str(self.file), None, None, "environments", message, remedy)])

    def pair(self, left: str, right: str) -> Pair:
        """The pair as configured, else one of the same two environments under the default policy."""
        names = self.environment(left).name, self.environment(right).name
        for pair in self.pairs:
            if (pair.left, pair.right) == names:
                return pair
        if names[0] == names[1]:
            message = f"{names[0]} cannot be compared with itself"
            raise ConfigError([Problem(str(self.file), None, None, "pairs", message, "name two environments")])
        return Pair(*names)


def load_config(path: Path, *, registry: Registry, environ: Mapping[str, str]) -> Config:
    """Read, fill in and check one file; `environ` holds the variables. Raises ConfigError with every problem."""
    document = load(path)
    if not isinstance(document.value, dict):
        remedy = "start with `environments:`, or let `audit init` write the file"
        raise ConfigError([document.problem((), "expected a mapping of keys to values", remedy)])
    problems: list[Problem] = []
    try:
        document = interpolate(document, environ)
    except ConfigError as error:
        problems += error.problems
    # A value whose variable is missing has been told already; what else is wrong with it is not known.
    told = {(problem.line, problem.column) for problem in problems}
    folder = path.absolute().parent
    settings, found = _settings(document)
    found += [*_source_problems(document, registry), *cross_problems(document, folder)]
    problems += [problem for problem in found if (problem.line, problem.column) not in told]
    if problems or settings is None:
        raise ConfigError(sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0)))
    return _config(settings, path, folder, registry)


def _settings(document: Document) -> tuple[Settings | None, list[Problem]]:
    try:
        return Settings.model_validate(document.value), []
    except ValidationError as error:
        return None, problems_from_pydantic(error, document, Settings)


def _config(settings: Settings, path: Path, folder: Path, registry: Registry) -> Config:
    return Config(
        file=path,
        folder=folder,
        store=_store(settings.store, folder),
        environments={name: _environment(name, settings, folder, registry) for name in settings.environments},
        promotes_to={
            name: environment.promotes_to
            for name, environment in settings.environments.items()
            if environment.promotes_to is not None
        },
        pairs=tuple(Pair(pair.left, pair.right, pair.policies, pair.schedule) for pair in settings.pairs),
        policies=tuple((folder / entry).resolve() for entry in settings.policies),
        waivers=(folder / settings.waivers).resolve() if settings.waivers else None,
        publish=settings.publish,
        serve=settings.serve,
        timeout=timedelta(seconds=settings.collect.timeout),
        workers=settings.collect.workers,
        counterparts=_counterparts(settings),
        identity_tag=settings.tags.identity,
        equivalents=tuple(Engine(one.engine, one.images, one.called) for one in settings.equivalents),
        owner_tag=settings.tags.owner,
        schedules={
            name: environment.schedule
            for name, environment in settings.environments.items()
            if environment.schedule is not None
        },
        scheduling=settings.schedule,
        engine=settings.collect.engine,
    )


def _counterparts(settings: Settings) -> tuple[Counterpart, ...]:
    if not settings.match:
        return ()
    from auditor.match import Counterpart

    return tuple(Counterpart(entry.kind, entry.left, entry.right) for entry in settings.match)


def _environment(name: str, settings: Settings, folder: Path, registry: Registry) -> Environment:
    own = settings.environments[name]
    others = [
        word
        for other, environment in settings.environments.items()
        if other != name
        for word in (other, *environment.aliases)
    ]
    sources = []
    for source in own.sources:
        collector = registry.get(source.collector)
        options = collector.options.model_validate(source.model_extra or {})
        sources.append(Source(collector, options, tuple(alias.lower() for alias in source.aliases)))
    aliases = tuple(dict.fromkeys(word.lower() for word in (name, *own.aliases)))
    return Environment(name, aliases, tuple(dict.fromkeys(word.lower() for word in others)), folder, tuple(sources))


def _store(url: str, folder: Path) -> str:
    """A relative SQLite path starts at the configuration's folder, not at wherever the command is run."""
    scheme, separator, rest = url.partition(":///")
    if not scheme.startswith("sqlite") or not separator or rest in ("", ":memory:") or rest.startswith("file:"):
        return url
    location, question, query = rest.partition("?")
    return f"{scheme}:///{folder / location}{question}{query}"


def _source_problems(document: Document, registry: Registry) -> Iterator[Problem]:
    """What is wrong with the options of each source, in the words of its collector's own model."""
    for name, environment in entries(document.value, "environments"):
        for index, source in items(environment, "sources"):
            place = ("environments", name, "sources", index)
            collector = source.get("collector") if isinstance(source, dict) else None
            if not isinstance(collector, str) or not collector:
                continue
            if collector not in registry.names:
                message, remedy = unknown("collector", collector, registry.names)
                yield document.problem((*place, "collector"), message, remedy, of_value=True)
                continue
            model = registry.get(collector).options
            options = {key: value for key, value in source.items() if key not in ("collector", "aliases")}
            try:
                model.model_validate(options)
            except ValidationError as error:
                yield from problems_from_pydantic(error, document, model, at=place)
