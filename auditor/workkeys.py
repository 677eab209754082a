"""Digests by which two runs know that they would do the same: read the same of an environment, judge a pair alike.

They go into the store, and options may hold passwords: so they are made with the key of the installation.
"""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretBytes, SecretStr

from auditor.realms import names_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.collect import Environment
    from auditor.config import Config
    from auditor.model import Json
    from auditor.redact import Redactor
    from auditor.rules import Policy
    from auditor.waivers import Waiver

_HERE = re.compile(r"localhost|127\.0\.0\.1|\[::1\]|:///")


def reading_key(config: Config, environment: Environment, redactor: Redactor) -> str:
    """Equal for two configurations that read the same of the environment, on one machine or on two."""
    sources = [
        [source.collector.name, list(source.aliases), _plain(source.options), _place(config, source.options)]
        for source in environment.sources
    ]
    words = [environment.name, list(environment.aliases), list(environment.others)]
    return _digest([words, sources, config.timeout.total_seconds()], redactor)


def source_key(config: Config, environment: str, source: int, redactor: Redactor) -> str:
    """Equal for two configurations that read the same from the source at this position, wherever they do."""
    one, names = config.environments[environment].sources[source], names_of(config, environment)
    words = [environment, list(names.tokens), list(names.foreign), list(one.aliases)]
    return _digest([words, one.collector.name, _plain(one.options), config.timeout.total_seconds()], redactor)


def is_local(options: BaseModel) -> bool:
    """Whether the options hold a path or an address that means what it says on this machine only."""
    dumped = options.model_dump()
    return "path" in dumped or any(isinstance(value, Path) or _HERE.search(str(value)) for value in _leaves(dumped))


def judging_key(
    config: Config, policy: Policy, readings: Iterable[str], redactor: Redactor, waivers: Iterable[Waiver] = ()
) -> str:
    """Equal for two configurations that would judge the pair alike. `waivers` are those of the file."""
    aliases = {name: [list(one.aliases), config.promotes_to.get(name)] for name, one in config.environments.items()}
    counterparts = [[one.kind, one.left, one.right] for one in config.counterparts]
    tags: list[Json] = [config.identity_tag, config.owner_tag]
    tags += [[one.name, list(one.images), list(one.called)] for one in config.equivalents]
    tolerated = sorted([one.id, one.expires_at.isoformat(), one.reason] for one in waivers)
    return _digest([list(readings), policy.digest, aliases, counterparts, tags, tolerated], redactor)


def _digest(value: Json, redactor: Redactor) -> str:
    marker = redactor.marker(json.dumps(value, sort_keys=True))
    return re.sub(r"[^0-9a-f]", "", marker.partition(":")[2])[:32]


def _place(config: Config, options: BaseModel) -> list[str]:
    """Where a path or an address of this machine means what it says; empty where it means the same anywhere."""
    return [socket.gethostname(), str(config.folder)] if is_local(options) else []


def _leaves(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    if isinstance(value, list | tuple | set | frozenset):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value.get_secret_value() if isinstance(value, SecretStr | SecretBytes) else value]


def _plain(options: BaseModel) -> Json:
    """The options as JSON, with what their secrets hold."""
    return json.loads(json.dumps(options.model_dump(), default=_spelled, sort_keys=True))


def _spelled(value: Any) -> Json:
    if isinstance(value, SecretStr | SecretBytes):
        return str(value.get_secret_value())
    if isinstance(value, set | frozenset):
        return sorted(str(item) for item in value)
    return str(value)
