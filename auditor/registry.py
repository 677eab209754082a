"""Which collectors there are: every module or package in `collectors/` without a leading underscore holds one, and so does
every entry point `parity_auditor.collectors` of an installed package."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import sys
import threading
from dataclasses import replace
from functools import lru_cache, partial
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from auditor.equivalents import KINDS as EQUIVALENTS
from auditor.errors import AuditorError
from auditor.globs import kind_pattern
from auditor.model import Category, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from importlib.metadata import EntryPoint

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
    """The collectors of one run, by name, and the kinds that they declare. Safe to share between threads.

    What `load` finds is imported when it is first asked for: most runs need two or three of the many. A kind that two
    collectors read is declared alike by both, so it does not matter which of them was needed first.
    """

    def __init__(self, collectors: Iterable[Collector]) -> None:
        self._lock = threading.RLock()
        self._found: dict[str, Callable[[], Collector]] = {}
        self._collectors: dict[str, Collector] = {}
        self._exact = {kind.name: kind for kind in EQUIVALENTS}
        self._globs: list[Kind] = []
        for collector in collectors:
            if collector.name in self._collectors:
                raise _twice(collector.name)
            self._take(collector)

    @classmethod
    def load(cls, package: str = "collectors") -> Registry:
        """Find every collector of `package`, and those of other installed packages.

        Raises AuditorError where two have one name. One that cannot be imported stops the run that needs it: it would
        not be missed.
        """
        registry = cls(())
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
            if not module.name.startswith("_"):
                registry._found[module.name] = partial(_shipped, package, module.name)
        for point in _points(tuple(sys.path)):
            if point.name in registry._found:
                raise _twice(point.name)
            registry._found[point.name] = partial(_plugin, point)
        return registry

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted({*self._collectors, *self._found}))

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """All of them, by name."""
        self._take_all()
        return tuple(self._collectors[name] for name in self.names)

    def get(self, name: str) -> Collector:
        """The collector that a source's `collector:` key names. Raises UnknownCollector with the nearest name."""
        with self._lock:
            if name not in self._collectors:
                if name not in self._found:
                    raise UnknownCollector(name, self.names)
                self._take(self._found[name]())
            return self._collectors[name]

    def kind(self, name: str) -> Kind:
        """What is declared of the kind `name`: under that name, else under the longest glob that matches, else plain."""
        found = self._exact.get(name)
        if found is None:
            self._take_all()
            found = self._exact.get(name)
        if found is not None:
            return found
        for kind in self._globs:
            if kind_pattern(kind.name).match(name):
                return replace(kind, name=name)
        return Kind(name=name, category=Category.CONFIG, about="")

    def kinds(self) -> tuple[Kind, ...]:
        """Every declared kind, by name; globs too."""
        self._take_all()
        return tuple(sorted((*self._exact.values(), *self._globs), key=lambda kind: kind.name))

    def _take_all(self) -> None:
        if len(self._collectors) < len(self.names):
            for name in self.names:
                self.get(name)

    def _take(self, collector: Collector) -> None:
        kinds = {kind.name: kind for kind in collector.kinds}
        # New containers rather than changed ones: other threads may be reading the old ones.
        self._exact = self._exact | {name: kind for name, kind in kinds.items() if "*" not in name}
        globs = {kind.name: kind for kind in self._globs} | {name: kind for name, kind in kinds.items() if "*" in name}
        self._globs = sorted(globs.values(), key=lambda kind: (-len(kind.name), kind.name))
        self._collectors = self._collectors | {collector.name: collector}


@lru_cache(maxsize=1)
def _points(_path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """What is installed along Python's path, by name. To look means to read a file of every package there."""
    return tuple(sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name))


def _twice(name: str) -> AuditorError:
    return AuditorError(f"two collectors are called {name!r}")


def _shipped(package: str, name: str) -> Collector:
    collector: Collector | None = getattr(importlib.import_module(f"{package}.{name}"), "COLLECTOR", None)
    if collector is None:
        raise AuditorError(f"{package}.{name} holds no COLLECTOR; a helper's name starts with an underscore")
    if collector.name != name:
        raise AuditorError(f"{package}.{name} holds the collector {collector.name!r}: both names have to be the same")
    return collector


def _plugin(point: EntryPoint) -> Collector:
    """The collector that another installed package offers."""
    package = point.dist.name if point.dist is not None else "a package"
    try:
        collector: Collector = point.load()
    except (ImportError, AttributeError) as error:
        raise AuditorError(
            f"the collector {point.name} of {package} cannot be loaded ({error}): mend or uninstall that package"
        ) from error
    lacking = [name for name in _PROTOCOL if not hasattr(collector, name)]
    if lacking:
        raise AuditorError(f"the collector {point.name} of {package} has no {', '.join(lacking)}")
    if collector.name != point.name:
        raise AuditorError(f"the entry point {point.name} of {package} is a collector called {collector.name!r}")
    return collector
