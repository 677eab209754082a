"""Everything that is read from files, as one value: taken over as a whole or not at all; and what differs between two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from auditor.config import Config, Pair, load_config
from auditor.errors import ConfigError, Problem
from auditor.policy import load_policy
from auditor.waiver_file import WaiverFile, waivers_of

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.collect import Environment
    from auditor.registry import Registry
    from auditor.rules import Policy
    from auditor.waivers import Waiver

_YAML = (".yaml", ".yml")
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration with the policies of its pairs (by the packs that they name) and the waivers of its file.

    A run takes one of these at its beginning and keeps to it, whatever is on the disk meanwhile.
    """

    config: Config
    policies: Mapping[tuple[str, ...], Policy]
    waivers: WaiverFile

    def policy(self, pair: Pair) -> Policy:
        """What the pair is judged by. Raises ConfigError for packs that no configured pair names and that are wrong."""
        return self.policies.get(pair.policies) or load_policy(pair.policies, self.config.policies)


def load(file: Path, *, registry: Registry, environ: Mapping[str, str], now: datetime) -> Loaded:
    """Read it all. Raises ConfigError with every problem, each once."""
    config = load_config(file, registry=registry, environ=environ)
    problems: dict[Problem, None] = {}
    policies: dict[tuple[str, ...], Policy] = {}
    for names in dict.fromkeys(pair.policies for pair in config.pairs):
        try:
            policies[names] = load_policy(names, config.policies)
        except ConfigError as error:
            problems.update(dict.fromkeys(error.problems))
    waivers = WaiverFile()
    try:
        waivers = waivers_of(config, now)
    except ConfigError as error:
        problems.update(dict.fromkeys(error.problems))
    if problems:
        raise ConfigError(list(problems))
    return Loaded(config, policies, waivers)


def files(config: Config) -> tuple[Path, ...]:
    """The files that `load` reads as things are now, whether or not they exist; sorted."""
    found = {config.file.absolute()}
    for place in config.policies:
        found.update(path for path in place.glob("*") if path.suffix in _YAML) if place.is_dir() else found.add(place)
    if config.waivers is not None:
        found.add(config.waivers)
    return tuple(sorted(found))


def pinned(old: Config, new: Config) -> tuple[Config, tuple[str, ...]]:
    """`new` with what cannot change while the service runs as it was in `old`, and the keys that wait for a restart."""
    serve = new.serve.model_copy(update={"host": old.serve.host, "port": old.serve.port})
    keys = [
        key
        for key, differs in (
            ("store", new.store != old.store),
            ("serve.host", new.serve.host != old.serve.host),
            ("serve.port", new.serve.port != old.serve.port),
        )
        if differs
    ]
    return replace(new, store=old.store, serve=serve), tuple(keys)


def changes(old: Loaded, new: Loaded) -> tuple[str, ...]:
    """What differs, for a person: names and keys only, never a value, since any may be secret."""
    before, after = old.config, new.config
    return (
        *_named("environment", _environments(before), _environments(after)),
        *_named("schedule of", before.schedules, after.schedules),
        *_named("pair", _pairs(before), _pairs(after)),
        *_named("schedule of", _when(before), _when(after)),
        *_named("policies", _digests(old), _digests(new)),
        *_named("waiver", _waivers(old), _waivers(new)),
        *_named("publisher", _publishers(before), _publishers(after)),
        *(("how long a waiver may last changed",) if old.waivers.longest != new.waivers.longest else ()),
        *_settings(before, after),
    )


def _named(what: str, before: Mapping[_Key, _Value], after: Mapping[_Key, _Value]) -> Iterator[str]:
    for name in sorted({*before, *after}, key=str):
        if name not in before:
            yield f"{what} {name} added"
        elif name not in after:
            yield f"{what} {name} removed"
        elif before[name] != after[name]:
            yield f"{what} {name} changed"


def _environments(config: Config) -> dict[str, Environment]:
    # The names of its siblings are part of each environment, and a change of theirs none of its own.
    return {name: replace(environment, others=()) for name, environment in config.environments.items()}


def _pairs(config: Config) -> dict[str, Pair]:
    return {f"{pair.left}/{pair.right}": replace(pair, schedule=None) for pair in config.pairs}


def _when(config: Config) -> dict[str, str]:
    return {f"{pair.left}/{pair.right}": pair.schedule for pair in config.pairs if pair.schedule is not None}


def _digests(loaded: Loaded) -> dict[str, str]:
    return {", ".join(names): policy.digest for names, policy in loaded.policies.items()}


def _waivers(loaded: Loaded) -> dict[str, Waiver]:
    # Where in the file a waiver stands says nothing of it.
    return {waiver.id: replace(waiver, origin="") for waiver in loaded.waivers.waivers}


def _publishers(config: Config) -> dict[str, object]:
    found = {name: getattr(config.publish, name) for name in type(config.publish).model_fields}
    return {name: settings for name, settings in found.items() if settings is not None}


_KEYS = {
    "promotes_to": "promotes_to",
    "policies": "policies",
    "waivers": "waivers",
    "serve": "serve",
    "timeout": "collect.timeout",
    "workers": "collect.workers",
    "engine": "collect.engine",
    "counterparts": "match",
    "identity_tag": "tags.identity",
    "equivalents": "equivalents",
    "owner_tag": "tags.owner",
    "scheduling": "schedule",
}


def _settings(before: Config, after: Config) -> Iterator[str]:
    """Keys of the rest of the configuration."""
    for field, key in _KEYS.items():
        if getattr(before, field) != getattr(after, field):
            yield f"{key} changed"
