"""One pair: how it stands, and its findings a page at a time, grouped as the reports group them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from auditor.errors import ConfigError
from auditor.model import Category, Finding, Severity, Status
from auditor.publish.entries import Block, Entry, blocks, group
from auditor.publish.html import Row, row_of
from auditor.publish.view import ACTIVE, ASIDE
from auditor.store import AuditInfo, Order
from auditor.web.queries.findings import NOBODY, Chip, Filters, chips, listing
from auditor.web.queries.standing import Incomplete, Reasons, Standing, standings

if TYPE_CHECKING:
    from auditor.config import Config
    from auditor.life import StoredFinding
    from auditor.store import Facets, Store

PAGE = 100
_OPEN = tuple(status for status in Status if status in ACTIVE)
# What is at info is house policy, such as a production that is larger: one click away, like what is expected.
_WORTH = tuple(severity for severity in Severity if severity is not Severity.INFO)
_AGES = (("newer", "24h", "under a day"), ("newer", "7d", "under a week"), ("older", "7d", "over a week"),
         ("older", "30d", "over a month"))  # fmt: skip
# Beyond these a list of choices helps nobody: what is rare is found by its text.
_CHOICES = 10
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Names:
    """A pair as it was asked for. `known` says whether both environments are configured."""

    left: str
    right: str
    known: bool
    configured: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter: how many findings it leaves (None: not counted), and the address that sets or drops it."""

    text: str
    number: int | None
    chosen: bool
    address: str


@dataclass(frozen=True, slots=True)
class Tab:
    name: str
    text: str
    number: int | None
    current: bool
    address: str


@dataclass(frozen=True, slots=True)
class Section:
    """A category of findings on this page. `score` is 0 to 1, None where nothing of it was compared."""

    category: Category
    score: float | None
    blocks: tuple[Block, ...]

    @property
    def size(self) -> int:
        return sum(block.size for block in self.blocks)


@dataclass(frozen=True, slots=True)
class PairPage:
    """The findings that `filters` ask for. `rows` has each of them by its fingerprint, `statuses` what has become of it.

    total   all that fit, None where nobody counts them
    here    the address of this page, `older` of the next one, `first` of the first where this is another
    """

    filters: Filters
    sections: tuple[Section, ...]
    rows: Mapping[str, Row]
    found: Mapping[str, StoredFinding]
    total: int | None
    shown: int
    facets: tuple[tuple[str, tuple[Choice, ...]], ...]
    chips: tuple[tuple[Chip, str], ...]
    tabs: tuple[Tab, ...]
    here: str
    older: str
    first: str


@dataclass(frozen=True, slots=True)
class PairHead:
    """What stands above every view of a pair. `last` is None where no audit of it is kept."""

    names: Names
    standing: Standing
    incomplete: Incomplete | None
    last: AuditInfo | None

    @property
    def base(self) -> str:
        return path_of(self.names.left, self.names.right)


def path_of(left: str, right: str) -> str:
    """The address of a pair's page."""
    return f"/pairs/{quote(left, safe='')}/{quote(right, safe='')}"


def named(store: Store, config: Config, left: str, right: str) -> Names | None:
    """The pair by names or aliases; None where nothing is known of it.

    What is not configured any more is known while something of it is stored. Raises ConfigError for an environment and
    itself."""
    try:
        pair = config.pair(left, right)
    except ConfigError:
        if left in config.environments and right in config.environments:
            raise
        return Names(left, right, False, False) if store.pair_summaries([(left, right)]) else None
    configured = any((each.left, each.right) == (pair.left, pair.right) for each in config.pairs)
    return Names(pair.left, pair.right, True, configured)


def head(store: Store, config: Config, reasons: Reasons, names: Names, now: datetime) -> PairHead:
    (standing,) = standings(store, config, [(names.left, names.right)], now)
    last = next(iter(store.audits(names.left, names.right, limit=1)), None)
    return PairHead(names, standing, reasons.of(store, standing), last)


def findings(
    store: Store, above: PairHead, filters: Filters, now: datetime, after: str | None = None, limit: int = PAGE
) -> PairPage:
    """One page of them: what is open where no status is asked for, and of that what is above info where no severity or
    word is.

    Raises FilterError for a wrong cursor."""
    own = replace(filters, left=None, right=None, order=Order.SEVERITY)
    plain = not (own.statuses or own.severities or own.min_severity or own.text)
    asked = replace(
        own,
        left=above.names.left,
        right=above.names.right,
        statuses=own.statuses or _OPEN,
        severities=_WORTH if plain else own.severities,
    )
    found = listing(store, asked, now, after=after, limit=limit, facets=True)
    assert found.facets is not None
    sections = _sections([stored.finding for stored in found.items], above.standing)
    rows = {
        finding.breach.fingerprint: row_of(finding, entry, _LONG_AGO, now)
        for section in sections
        for block in section.blocks
        for entry in block.entries
        for finding in entry.findings
    }
    base = above.base
    return PairPage(
        filters=own,
        sections=sections,
        rows=rows,
        found={stored.fingerprint: stored for stored in found.items},
        total=found.total,
        shown=len(found.items),
        facets=_facets(own, found.facets, base),
        chips=tuple((chip, chip.without.address(base)) for chip in chips(own) if chip.name != "status"),
        tabs=tabs(own, above, found.facets),
        here=own.address(base, after=after),
        older=own.address(base, after=found.next) if found.next else "",
        first=own.address(base) if after else "",
    )


def tabs(filters: Filters, above: PairHead, facets: Facets, current: str | None = None) -> tuple[Tab, ...]:
    """What is open, for information, set aside, resolved or expected.

    Each with its number: on the first two what the other filters leave of it, elsewhere all that the pair has."""
    asked = set(filters.statuses)
    noted = filters.severities == (Severity.INFO,)
    if current is not None:
        chosen = current
    elif asked <= ACTIVE:
        chosen = "noted" if noted else "open"
    elif asked <= set(ASIDE):
        chosen = "aside"
    else:
        chosen = "resolved" if Status.RESOLVED in asked else ""
    plain, base = replace(filters, statuses=(), severities=() if noted else filters.severities), above.base
    told = (
        ("open", "Open", _open(chosen, filters, above, facets), plain.address(base)),
        ("noted", "For information", _noted(chosen, above, facets), _only_info(plain).address(base)),
        ("aside", "Set aside", _aside(chosen, above, facets), replace(plain, statuses=ASIDE).address(base)),
        ("resolved", "Resolved", None, replace(plain, statuses=(Status.RESOLVED,)).address(base)),
        ("expected", "Expected", above.standing.expected, f"{base}/expected"),
    )
    return tuple(Tab(name, text, count, name == chosen, address) for name, text, count, address in told)


def _only_info(filters: Filters) -> Filters:
    return replace(filters, severities=(Severity.INFO,), min_severity=None)


def _open(chosen: str, filters: Filters, above: PairHead, facets: Facets) -> int:
    if chosen == "open":
        return sum(facets.status.get(status, 0) for status in filters.statuses or _OPEN)
    counts = facets.severity if chosen == "noted" else above.standing.open
    return sum(counts.get(severity, 0) for severity in _WORTH)


def _noted(chosen: str, above: PairHead, facets: Facets) -> int:
    counts = facets.severity if chosen in ("open", "noted") else above.standing.open
    return counts.get(Severity.INFO, 0)


def _aside(chosen: str, above: PairHead, facets: Facets) -> int:
    if chosen == "aside":
        return sum(facets.status.get(status, 0) for status in ASIDE)
    return sum(cell.waived + cell.pending for cell in above.standing.cells.values())


def _sections(found: Sequence[Finding], standing: Standing) -> tuple[Section, ...]:
    """By category, that of the worst first, and in it by rule and cause."""
    by_category: dict[Category, list[Entry]] = {}
    for entry in group(found):
        by_category.setdefault(entry.worst.category, []).append(entry)
    scores = standing.summary.scores if standing.summary is not None else {}
    return tuple(Section(category, scores.get(category), blocks(entries)) for category, entries in by_category.items())


def _facets(filters: Filters, facets: Facets, base: str) -> tuple[tuple[str, tuple[Choice, ...]], ...]:
    owners = {owner or NOBODY: number for owner, number in facets.owner.items()}
    chosen = {
        "severity": [severity.value for severity in filters.severities],
        "category": [category.value for category in filters.categories],
        "kind": list(filters.kinds),
        "owner": [owner or NOBODY for owner in filters.owners],
    }
    counts: dict[str, Mapping[str, int]] = {
        "severity": {each.value: facets.severity.get(each, 0) for each in Severity},
        "category": {each.value: facets.category.get(each, 0) for each in Category},
        "kind": _most(facets.kind),
        "owner": _most(owners) if set(owners) != {NOBODY} else {},
    }
    told = [
        (
            name,
            tuple(
                Choice(
                    "nobody" if name == "owner" and value == NOBODY else value,
                    counts[name].get(value, 0),
                    value in chosen[name],
                    _toggled(filters, name, value, value in chosen[name]).address(base),
                )
                for value in dict.fromkeys((*counts[name], *chosen[name]))
                if counts[name].get(value) or value in chosen[name]
            ),
        )
        for name in counts
    ]
    told.append(("first seen", tuple(_age(filters, name, value, text, base) for name, value, text in _AGES)))
    return tuple((name, choices) for name, choices in told if choices)


def _age(filters: Filters, name: str, value: str, text: str, base: str) -> Choice:
    chosen = value == (filters.newer if name == "newer" else filters.older)
    plain = replace(filters, newer=None, older=None)
    return Choice(text, None, chosen, (plain if chosen else plain.adding(name, value)).address(base))


def _toggled(filters: Filters, name: str, value: str, chosen: bool) -> Filters:
    return filters.without(name, value) if chosen else filters.adding(name, value)


def _most(counts: Mapping[str, int]) -> Mapping[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_CHOICES])
