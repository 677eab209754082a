"""Lists of findings: which ones are asked for, as the query string of a page or of the API says it, and what is answered.

`read` and `Filters.params` are each other's inverse, so that chips, pagers and links lead to exactly what they say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from auditor.durations import parse_duration
from auditor.errors import AuditorError, ConfigError
from auditor.model import Category, Severity, Status
from auditor.store.query import LONGEST_TEXT, Facets, FindingQuery, Order

if TYPE_CHECKING:
    from auditor.config import Config
    from auditor.life import StoredFinding
    from auditor.store import Store

_Word = TypeVar("_Word", bound=StrEnum)

NOBODY = "-"
"""As an owner: findings that nobody owns."""
PAGE = 50
MOST = 500
"""Findings on one page, at most."""
PARAMETERS: Mapping[str, str] = {
    "left": "The left environment, by name or alias.",
    "right": "The right environment, by name or alias.",
    "severity": "Of this severity; may be repeated.",
    "min_severity": "Of this severity or a worse one.",
    "status": "With this status; may be repeated. All that are not resolved where none is given.",
    "category": "Of this category; may be repeated.",
    "kind": "Of this kind, or of all that begin so (`aws.rds.*`); may be repeated.",
    "owner": "With this owner; `-` for those that nobody owns; may be repeated.",
    "rule": "Found by this rule, as `policy/id`.",
    "cause": "Explained by the cause of this key.",
    "text": "With all these words in names, path, message, rule, owner or cause.",
    "older": "First seen longer ago than this, such as `7d`.",
    "newer": "First seen within this, such as `24h`.",
    "suggested": "`1`: of one side only, with a probable counterpart on the other; `0`: all others.",
    "sort": "`severity`, `newest`, `oldest` or `resource`.",
}
"""The names of a query string, and what each asks for."""
_TRUE, _FALSE = frozenset({"1", "true", "yes"}), frozenset({"0", "false", "no"})
_LONGEST = 400


class FilterError(AuditorError):
    """A query string asks for what there cannot be. The text says what may stand there."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which findings, in which order; what is None or empty asks for any. `older` and `newer` are ages.

    An owner of "" stands for nobody."""

    left: str | None = None
    right: str | None = None
    severities: tuple[Severity, ...] = ()
    min_severity: Severity | None = None
    statuses: tuple[Status, ...] = ()
    categories: tuple[Category, ...] = ()
    kinds: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    rule: str | None = None
    cause: str | None = None
    text: str = ""
    older: str | None = None
    newer: str | None = None
    suggested: bool | None = None
    order: Order = Order.SEVERITY

    def query(self, now: datetime) -> FindingQuery:
        """What the store is asked."""
        return FindingQuery(
            left=self.left,
            right=self.right,
            statuses=self.statuses or None,
            severities=self.severities or None,
            min_severity=self.min_severity,
            categories=self.categories or None,
            kinds=self.kinds,
            owners=self.owners,
            rule=self.rule,
            cause=self.cause,
            text=self.text,
            older_than=None if self.older is None else now - parse_duration(self.older),
            newer_than=None if self.newer is None else now - parse_duration(self.newer),
            suggested=self.suggested,
            order=self.order,
        )

    def params(self) -> tuple[tuple[str, str], ...]:
        """As pairs of a query string, in the order of `PARAMETERS`; nothing for what asks for any."""
        several: dict[str, Iterable[str]] = {
            "severity": self.severities,
            "status": self.statuses,
            "category": self.categories,
            "kind": self.kinds,
            "owner": [owner or NOBODY for owner in self.owners],
        }
        single: dict[str, str | None] = {
            "left": self.left,
            "right": self.right,
            "min_severity": self.min_severity,
            "rule": self.rule,
            "cause": self.cause,
            "text": self.text,
            "older": self.older,
            "newer": self.newer,
            "suggested": None if self.suggested is None else str(int(self.suggested)),
            "sort": None if self.order is Order.SEVERITY else self.order,
        }
        found = {**{name: [text] for name, text in single.items() if text}, **several}
        return tuple((name, str(text)) for name in PARAMETERS for text in found.get(name, ()))

    def address(self, path: str, **more: str | None) -> str:
        """`path` with these filters as its query string, and with `more` after them, as far as that is given."""
        pairs = [*self.params(), *((name, text) for name, text in more.items() if text)]
        return f"{path}?{urlencode(pairs)}" if pairs else path

    def at(self, config: Config) -> Filters:
        """The same with the names of environments for their aliases. What is not configured stays as it was typed."""
        return replace(self, left=_named(config, self.left), right=_named(config, self.right))

    def without(self, name: str, value: str | None = None) -> Filters:
        """Without the parameter `name`; of one that may be repeated only without `value`, where that is given."""
        kept = [pair for pair in self.params() if pair[0] != name or (value is not None and pair[1] != value)]
        return read(kept)

    def adding(self, name: str, value: str) -> Filters:
        """With one more value of a parameter that may be repeated; with another one of any other."""
        kept = self.params() if name in _SEVERAL else self.without(name).params()
        return read([*kept, (name, value)])

    @property
    def narrowed(self) -> bool:
        """Whether it asks for something else than all that is not resolved; the order does not count."""
        return replace(self, order=Order.SEVERITY) != Filters()


_SEVERAL = ("severity", "status", "category", "kind", "owner")


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter that is set, in words, and the filters without it."""

    name: str
    text: str
    without: Filters


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of findings. `total` counts all unresolved ones of the list; None where resolved ones are asked for.

    `next` is the cursor of the page after it, None at the end. A page may hold fewer than asked for, and yet not be the
    last one. `facets` is None where they were not asked for."""

    filters: Filters
    items: tuple[StoredFinding, ...]
    next: str | None
    total: int | None
    facets: Facets | None = None


def read(pairs: Iterable[tuple[str, str]]) -> Filters:
    """The filters of a query string. Empty values ask for any; names that are no filters' are passed over.

    Raises FilterError."""
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        if name in PARAMETERS and value.strip():
            given.setdefault(name, []).append(_text(name, value))
    one = {name: _single(name, values) for name, values in given.items() if name not in _SEVERAL}
    filters = Filters(
        left=one.get("left"),
        right=one.get("right"),
        severities=_words("severity", Severity, given),
        min_severity=_word("min_severity", Severity, one["min_severity"]) if "min_severity" in one else None,
        statuses=_words("status", Status, given),
        categories=_words("category", Category, given),
        kinds=_distinct(_kind(kind) for kind in given.get("kind", ())),
        owners=_distinct("" if owner == NOBODY else owner for owner in given.get("owner", ())),
        rule=one.get("rule"),
        cause=one.get("cause"),
        text=" ".join(one.get("text", "").split()),
        older=_age("older", one.get("older")),
        newer=_age("newer", one.get("newer")),
        suggested=_switch("suggested", one.get("suggested")),
        order=_word("sort", Order, one["sort"]) if "sort" in one else Order.SEVERITY,
    )
    if filters.older and filters.newer and parse_duration(filters.older) >= parse_duration(filters.newer):
        raise FilterError(
            f"nothing is older than {filters.older} and newer than {filters.newer} at once: swap the two, or leave one out"
        )
    return filters


def listing(
    store: Store, filters: Filters, now: datetime, *, after: str | None = None, limit: int = PAGE, facets: bool = False
) -> Listing:
    """One page. Raises FilterError for a cursor that is none of this list's, and for a wrong limit."""
    if not 1 <= limit <= MOST:
        raise FilterError(f"limit: {limit} findings cannot be given at once; ask for 1 to {MOST}")
    query = filters.query(now)
    try:
        page = store.search(query, after=after, limit=limit)
    except ValueError as error:
        raise FilterError(f"after: {error}") from error
    counts = store.facets(query) if facets else None
    return Listing(filters, page.items, page.next, page.total, counts)


def chips(filters: Filters) -> tuple[Chip, ...]:
    """What is filtered by, a chip each; the order is none."""
    return tuple(
        Chip(name, _said(name, value), filters.without(name, value if name in _SEVERAL else None))
        for name, value in filters.params()
        if name != "sort"
    )


def _said(name: str, value: str) -> str:
    match name:
        case "owner":
            return "nobody's" if value == NOBODY else f"owner {value}"
        case "older" | "newer":
            return f"{name} than {value}"
        case "min_severity":
            return f"{value} or worse"
        case "suggested":
            return "with a probable counterpart" if value == "1" else "without a probable counterpart"
        case "text":
            return f"“{value}”"
        case "severity" | "status" | "category":
            return value
    return f"{name} {value}"


def _text(name: str, value: str) -> str:
    text = value.strip()
    most = LONGEST_TEXT if name == "text" else _LONGEST
    if len(text) > most:
        raise FilterError(f"{name}: {len(text)} characters are too many; use at most {most}")
    if "\0" in text:
        raise FilterError(f"{name}: holds a character that no name has; leave it out")
    return text


def _single(name: str, values: Sequence[str]) -> str:
    if len(set(values)) > 1:
        raise FilterError(f"{name}: given {len(values)} times; give it once")
    return values[0]


def _words(name: str, kind: type[_Word], given: Mapping[str, Sequence[str]]) -> tuple[_Word, ...]:
    """In the order of the product, each once, so that one question has one address."""
    wanted = {_word(name, kind, value) for value in given.get(name, ())}
    return tuple(word for word in kind if word in wanted)


def _word(name: str, kind: type[_Word], value: str) -> _Word:
    try:
        return kind(value.lower())
    except ValueError as error:
        words = [word.value for word in kind]
        known = f"{', '.join(words[:-1])} or {words[-1]}"
        raise FilterError(f"{name}: {_quoted(value)} is none; use {known}") from error


def _kind(value: str) -> str:
    name = value.removesuffix(".*")
    if not name or any(character in "*?[]{}" for character in name):
        raise FilterError(
            f"kind: {_quoted(value)} is neither a kind such as aws.rds.instance nor the beginning of some such as aws.rds.*"
        )
    return value


def _age(name: str, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        parse_duration(value)
    except ValueError as error:
        raise FilterError(f"{name}: {_quoted(value)} is no duration; write it such as 30m, 24h, 7d or 2w") from error
    return value


def _switch(name: str, value: str | None) -> bool | None:
    if value is None:
        return None
    if value.lower() not in _TRUE | _FALSE:
        raise FilterError(f"{name}: {_quoted(value)} is neither; use 1 or 0")
    return value.lower() in _TRUE


def _named(config: Config, name: str | None) -> str | None:
    try:
        return None if name is None else config.environment(name).name
    except ConfigError:
        return name


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _quoted(value: str) -> str:
    return repr(value if len(value) <= 60 else f"{value[:59]}…")
