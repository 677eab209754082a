"""What a list of findings can be narrowed by, with how many findings each choice would leave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.model import Category, Severity, Status
from auditor.web.queries.findings import NOBODY

if TYPE_CHECKING:
    from auditor.store.query import Facets
    from auditor.web.queries.findings import Filters

# A longer list of choices helps nobody: the rest is found by words.
_MOST = 10


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter. `count` is None where nobody counts, as of resolved findings."""

    value: str
    text: str
    count: int | None
    chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """One parameter of the query string. `more` choices are not listed."""

    title: str
    name: str
    choices: tuple[Choice, ...]
    more: int = 0


def choices(counts: Facets, filters: Filters) -> tuple[Facet, ...]:
    """Choices that leave nothing are left out, unless they are made; those of names come by how many they leave."""
    owners = {owner or NOBODY: number for owner, number in counts.owner.items()}
    found = (
        _words("Severity", "severity", Severity, counts.severity, filters.severities),
        _words("Status", "status", Status, counts.status, filters.statuses),
        _words("Category", "category", Category, counts.category, filters.categories),
        _names("Kind", "kind", counts.kind, filters.kinds),
        _names("Owner", "owner", owners, [owner or NOBODY for owner in filters.owners]),
    )
    return tuple(facet for facet in found if facet.choices)


def _words(
    title: str,
    name: str,
    words: Iterable[Severity | Status | Category],
    counts: Mapping[Severity, int] | Mapping[Status, int] | Mapping[Category, int],
    chosen: Iterable[str],
) -> Facet:
    made = set(chosen)
    numbers: dict[str, int] = {str(word): number for word, number in counts.items()}
    found = [Choice(word, word, numbers.get(word, 0), word in made) for word in map(str, words)]
    kept = [choice for choice in found if choice.count or choice.chosen or choice.value == Status.RESOLVED]
    return Facet(title, name, tuple(_uncounted(choice) for choice in kept))


def _uncounted(choice: Choice) -> Choice:
    uncounted = choice.value == Status.RESOLVED
    return Choice(choice.value, choice.text, None, choice.chosen) if uncounted else choice


def _names(title: str, name: str, counts: Mapping[str, int], chosen: Iterable[str]) -> Facet:
    made = tuple(chosen)
    ordered = sorted(counts, key=lambda value: (-counts[value], value))
    listed = [*made, *(value for value in ordered if value not in made)][: max(_MOST, len(made))]
    found = tuple(
        Choice(value, "nobody" if name == "owner" and value == NOBODY else value, _number(counts, value), value in made)
        for value in listed
    )
    return Facet(title, name, found, len(set(ordered) - set(listed)))


def _number(counts: Mapping[str, int], value: str) -> int:
    if not value.endswith(".*"):
        return counts.get(value, 0)
    return sum(number for name, number in counts.items() if name.startswith(value[:-1]))
