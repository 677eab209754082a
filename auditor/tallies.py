"""What an audit did not find fault with, by category: counted while it judges, then completed with what gaps hide. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from auditor.model import Category, Tally

if TYPE_CHECKING:
    from auditor.model import Gap
    from auditor.registry import Registry


@dataclass
class Tallies:
    """Counts as judging goes on."""

    matched: Counter[Category] = field(default_factory=Counter)
    expected: Counter[Category] = field(default_factory=Counter)
    unknown: Counter[Category] = field(default_factory=Counter)

    def by_category(self) -> dict[Category, Tally]:
        """In the order of the product; categories of which nothing was counted are left out."""
        return {
            category: Tally(self.matched[category], self.expected[category], self.unknown[category])
            for category in Category
            if self.matched[category] or self.expected[category] or self.unknown[category]
        }


def with_hidden(
    tallies: Mapping[Category, Tally], unseen: Iterable[Category], gaps: Iterable[Gap], registry: Registry
) -> dict[Category, Tally]:
    """The tallies with findings that could be neither seen nor seen to be gone, and with listings that were not read.

    `unseen` are the categories of those findings. A listing may hold anything of its kinds, so it counts once for each of
    their categories: a category of which nothing was read is unknown, not empty."""
    unknown = Counter(unseen)
    listings = [gap for gap in gaps if gap.resource is None and gap.attribute is None]
    known: dict[tuple[str, str], frozenset[Category]] = {}
    for gap in listings:
        place = gap.kind, gap.source.partition(":")[0]
        if place not in known:
            known[place] = _categories(*place, registry)
        unknown.update(known[place])
    none = Tally()
    found = {category: tallies.get(category, none) for category in Category}
    return {
        category: Tally(tally.matched, tally.expected, tally.unknown + unknown[category])
        for category, tally in found.items()
        if tally != none or unknown[category]
    }


def _categories(kind: str, collector: str, registry: Registry) -> frozenset[Category]:
    """The categories that a listing of `kind` by `collector` may hold."""
    if "*" not in kind:
        return frozenset({registry.kind(kind).category})
    kinds = registry.get(collector).kinds if collector in registry.names else registry.kinds()
    return frozenset(each.category for each in kinds if kind == "*" or fnmatchcase(each.name, kind))
