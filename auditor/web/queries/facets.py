"""What a list of findings can be narrowed by: each choice with where it leads, and how many findings it would leave."""

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
_ORDERS = {"severity": "worst first", "newest": "newest first", "oldest": "oldest first", "resource": "by resource"}
_AGES = (
    ("newer", "24h", "within a day"),
    ("newer", "7d", "within a week"),
    ("older", "7d", "over a week ago"),
    ("older", "30d", "over a month ago"),
    ("older", "90d", "over three months ago"),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter. `address` sets it, or takes it away again. `number` is None where nobody counts."""

    text: str
    address: str
    chosen: bool
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Facet:
    """What can be chosen of one sort. `more` choices are not listed."""

    title: str
    choices: tuple[Choice, ...]
    more: int = 0


def choices(counts: Facets, filters: Filters, pairs: Iterable[tuple[str, str]], path: str) -> tuple[Facet, ...]:
    """What the list at `path` can be narrowed by. Choices that leave nothing are left out, unless they are made.

    Names come by how many findings they leave."""
    owners = {owner or NOBODY: number for owner, number in counts.owner.items()}
    chosen_owners = [owner or NOBODY for owner in filters.owners]
    found = (
        _words("Severity", "severity", Severity, {str(one): n for one, n in counts.severity.items()}, filters, path),
        _words("Status", "status", Status, {str(one): n for one, n in counts.status.items()}, filters, path),
        _words("Category", "category", Category, {str(one): n for one, n in counts.category.items()}, filters, path),
        _pairs(filters, pairs, path),
        _names("Kind", "kind", counts.kind, filters.kinds, filters, path),
        _names("Owner", "owner", owners, chosen_owners, filters, path),
        _ages(filters, path),
        _orders(filters, path),
    )
    return tuple(facet for facet in found if facet.choices)


def _words(
    title: str, name: str, words: Iterable[str], counts: Mapping[str, int], filters: Filters, path: str
) -> Facet:
    made = {value for key, value in filters.params() if key == name}
    kept = [word for word in map(str, words) if counts.get(word) or word in made or word == Status.RESOLVED]
    return Facet(
        title, tuple(_choice(name, word, word, word in made, counts.get(word), filters, path) for word in kept)
    )


def _names(title: str, name: str, counts: Mapping[str, int], made: Iterable[str], filters: Filters, path: str) -> Facet:
    chosen = tuple(made)
    ordered = sorted(counts, key=lambda value: (-counts[value], value))
    listed = [*chosen, *(value for value in ordered if value not in chosen)][: max(_MOST, len(chosen))]
    found = tuple(
        _choice(
            name,
            value,
            "nobody" if name == "owner" and value == NOBODY else value,
            value in chosen,
            _number(counts, value),
            filters,
            path,
        )
        for value in listed
    )
    return Facet(title, found, len(set(ordered) - set(listed)))


def _pairs(filters: Filters, pairs: Iterable[tuple[str, str]], path: str) -> Facet:
    """One pair at a time; those of many are found on the overview."""
    known = list(dict.fromkeys(pairs))
    now = (filters.left, filters.right)
    shown = [pair for pair in known if pair == now] if now != (None, None) else known
    others = filters.without("left").without("right")
    found = tuple(
        Choice(
            f"{left} / {right}",
            (others if (left, right) == now else others.adding("left", left).adding("right", right)).address(path),
            (left, right) == now,
        )
        for left, right in shown[:_MOST]
    )
    return Facet("Pair", found, max(len(shown) - _MOST, 0))


def _ages(filters: Filters, path: str) -> Facet:
    others = filters.without("older").without("newer")
    found = []
    for name, value, text in _AGES:
        made = (filters.older if name == "older" else filters.newer) == value
        found.append(Choice(text, (others if made else others.adding(name, value)).address(path), made))
    return Facet("First seen", tuple(found))


def _orders(filters: Filters, path: str) -> Facet:
    found = [
        Choice(text, filters.adding("sort", order).address(path), filters.order == order)
        for order, text in _ORDERS.items()
    ]
    return Facet("Order", tuple(found))


def _choice(name: str, value: str, text: str, made: bool, number: int | None, filters: Filters, path: str) -> Choice:
    other = filters.without(name, value) if made else filters.adding(name, value)
    return Choice(text, other.address(path), made, number)


def _number(counts: Mapping[str, int], value: str) -> int:
    if not value.endswith(".*"):
        return counts.get(value, 0)
    return sum(number for name, number in counts.items() if name.startswith(value[:-1]))
