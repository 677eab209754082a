"""What environments call themselves, as configured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


def source_names(config: Config, environment: str, names: EnvironmentNames) -> Mapping[str, EnvironmentNames]:
    """The names for sources that have aliases of their own, by the sources' labels and those of their parts."""
    sources = [source for source in config.environment(environment).sources if source.aliases]
    return _BySource(
        {
            source.collector.label(source.options): replace(names, tokens=(*names.tokens, *source.aliases), _cache={})
            for source in sources
        }
    )


class _BySource(Mapping[str, "EnvironmentNames"]):
    """By a source's label, or that of a part of it: `label/222222222222` is an account that the source found."""

    def __init__(self, names: Mapping[str, EnvironmentNames]) -> None:
        self._names = names

    def __getitem__(self, source: str) -> EnvironmentNames:
        return self._names[source if source in self._names else source.rpartition("/")[0]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def realm_of(config: Config, environment: str, kind_of: Callable[[str], Kind]) -> Realm:
    """How the snapshots of an environment are to be understood."""
    return Realm(
        environment,
        lambda accounts, regions: names_of(config, environment).at(accounts, regions),
        lambda names: source_names(config, environment, names),
        kind_of,
    )
