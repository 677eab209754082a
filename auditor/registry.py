"""Which collectors there are: every module or package in `collectors/` without a leading underscore holds one, and so does
every entry point `parity_auditor.collectors` of an installed package."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from dataclasses import replace
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from auditor.equivalents import KINDS as EQUIVALENTS
from auditor.errors import AuditorError
from auditor.globs import kind_pattern
from auditor.model import Category, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auditor.collector import Collector


ENTRY_POINTS = "parity_auditor.collectors"
"""The group of entry points by which other packages add collectors of their own."""
_PROTOCOL = ("name", "about", "kinds", "options", "permissions", "label", "plan")


class UnknownCollector(AuditorError):
    """No collector of that name exists. `suggestion` is the nearest name that does, if any is near."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name = name
        nearest = difflib.get_close_matches(name.lower(), known, n=1)
        self.suggestion = nearest[0] if nearest else None
        hint = f"did you mean {self.suggestion}?" if self.suggestion else f"known are {', '.join(known)}"
        super().__init__(f"there is no collector called {name!r}: {hint}")


class Registry:
    """The collectors of one run, by name, and the kinds that they declare."""

    def __init__(self, collectors: Iterable[Collector]) -> None:
        self._collectors: dict[str, Collector] = {}
        for collector in sorted(collectors, key=lambda collector: collector.name):
            if collector.name in self._collectors:
                raise AuditorError(f"two collectors are called {collector.name!r}")
            self._collectors[collector.name] = collector
        declared = {kind.name: kind for collector in self._collectors.values() for kind in collector.kinds}
        declared |= {kind.name: kind for kind in EQUIVALENTS}
        self._exact = {name: kind for name, kind in declared.items() if "*" not in name}
        globs = [kind for name, kind in declared.items() if "*" in name]
        self._globs = sorted(globs, key=lambda kind: (-len(kind.name), kind.name))

    @classmethod
    def load(cls, package: str = "collectors") -> Registry:
        """Import every collector of `package`, and those of other installed packages.

        A collector that cannot be imported stops the run: it would not be missed. Raises AuditorError where one is none.
        """
        found = []
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
            if module.name.rpartition(".")[2].startswith("_"):
                continue
            collector = getattr(importlib.import_module(module.name), "COLLECTOR", None)
            if collector is None:
                raise AuditorError(f"{module.name} holds no COLLECTOR; a helper's name starts with an underscore")
            found.append(collector)
        return cls([*found, *_plugins()])

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._collectors)

    @property
    def collectors(self) -> tuple[Collector, ...]:
        return tuple(self._collectors.values())

    def get(self, name: str) -> Collector:
        """The collector that a source's `collector:` key names. Raises UnknownCollector with the nearest name."""
        if name not in self._collectors:
            raise UnknownCollector(name, self.names)
        return self._collectors[name]

    def kind(self, name: str) -> Kind:
        """What is declared of the kind `name`: under that name, else under the longest glob that matches, else plain."""
        if name in self._exact:
            return self._exact[name]
        for kind in self._globs:
            if kind_pattern(kind.name).match(name):
                return replace(kind, name=name)
        return Kind(name=name, category=Category.CONFIG, about="")

    def kinds(self) -> tuple[Kind, ...]:
        """Every declared kind, by name; globs too."""
        return tuple(sorted((*self._exact.values(), *self._globs), key=lambda kind: kind.name))


def _plugins() -> Iterator[Collector]:
    """The collectors that other installed packages offer, by name."""
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        package = point.dist.name if point.dist is not None else "a package"
        try:
            collector = point.load()
        except (ImportError, AttributeError) as error:
            raise AuditorError(
                f"the collector {point.name} of {package} cannot be loaded ({error}): mend or uninstall that package"
            ) from error
        lacking = [name for name in _PROTOCOL if not hasattr(collector, name)]
        if lacking:
            raise AuditorError(f"the collector {point.name} of {package} has no {', '.join(lacking)}")
        yield collector
