"""What environments call themselves, as configured."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from auditor.names import EnvironmentNames, environment_names
from auditor.scene import Realm

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.config import Config
    from auditor.model import Kind


def names_of(config: Config, environment: str) -> EnvironmentNames:
    """What an environment calls itself, as configured."""
    others = {name: other.aliases for name, other in config.environments.items() if name != environment}
    return environment_names(environment, config.environment(environment).aliases, others)


def source_names(config: Config, environment: str, names: EnvironmentNames) -> dict[str, EnvironmentNames]:
    """The names for sources that have aliases of their own, by the sources' labels."""
    sources = [source for source in config.environment(environment).sources if source.aliases]
    return {
        source.collector.label(source.options): replace(names, tokens=(*names.tokens, *source.aliases), _cache={})
        for source in sources
    }


def realm_of(config: Config, environment: str, kind_of: Callable[[str], Kind]) -> Realm:
    """How the snapshots of an environment are to be understood."""
    return Realm(
        environment,
        lambda accounts, regions: names_of(config, environment).at(accounts, regions),
        lambda names: source_names(config, environment, names),
        kind_of,
    )
