"""The score: how much of what was compared is right, each resource counting by its worst finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from auditor.model import Category, Severity

WEIGHTS: Mapping[Severity, float] = {
    Severity.CRITICAL: 1.0,
    Severity.HIGH: 0.7,
    Severity.MEDIUM: 0.4,
    Severity.LOW: 0.1,
    Severity.INFO: 0.0,
}


@dataclass
class Tally:
    """Counts resources and the weight of the worst that was found of each."""

    _counted: dict[Category, int] = field(default_factory=dict)
    _worst: dict[Category, dict[str, float]] = field(default_factory=dict)
    _overall: dict[str, float] = field(default_factory=dict)

    def resource(self, category: Category, count: int = 1) -> None:
        """One resource was compared, or is missing; or so many."""
        self._counted[category] = self._counted.get(category, 0) + count

    def breach(self, resource: str, severity: Severity, categories: Iterable[Category]) -> None:
        """Something was found of the resource called `resource`."""
        weight = WEIGHTS[severity]
        self._overall[resource] = max(self._overall.get(resource, 0.0), weight)
        for category in set(categories):
            worst = self._worst.setdefault(category, {})
            worst[resource] = max(worst.get(resource, 0.0), weight)

    def overall(self) -> float | None:
        """0 to 1; None where nothing was compared, since nothing is not parity."""
        total = sum(self._counted.values())
        return _score(total, self._overall.values()) if total else None

    def by_category(self) -> dict[Category, float]:
        return {
            category: _score(count, self._worst.get(category, {}).values())
            for category, count in sorted(self._counted.items())
        }


def _score(count: int, weights: Iterable[float]) -> float:
    return round(max(0.0, 1.0 - sum(sorted(weights)) / count), 6)
