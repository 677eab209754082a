"""How the resources of a pair were matched, and what a person says about it, as text to be committed.

Nothing is decided here: what is confirmed takes effect once it stands in the configuration.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.config_edit import entry_of
from auditor.errors import AuditorError
from auditor.match import Counterpart
from auditor.model import MatchMethod
from auditor.publish.spelling import clean, method_text
from auditor.store.query import FindingQuery, Order
from auditor.values import words as words_of

if TYPE_CHECKING:
    from auditor.comparison import Normal
    from auditor.explaining import Stage
    from auditor.model import Breach
    from auditor.store import Store

MOST = 200
"""Suggestions on one page, and what may be said at once."""
PAGE = 100
_LONGEST = 4_000
_MOST_SHARED = 6


class ChoiceError(AuditorError):
    """What was said of two resources cannot be so. The text says why."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Two resources that are probably one another's counterpart.

    `shared` are words that both names have; `fingerprint` is the finding that says so."""

    counterpart: Counterpart
    confidence: float
    shared: tuple[str, ...]
    fingerprint: str

    @property
    def key(self) -> str:
        """What an address and a form call it."""
        return self.fingerprint[:16]


@dataclass(frozen=True, slots=True)
class Suggestions:
    """`more` says that there are further ones."""

    items: tuple[Suggestion, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person said of suggestions: which are counterparts, and which are not. Nothing is kept of it."""

    confirmed: tuple[Counterpart, ...] = ()
    rejected: tuple[Counterpart, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.confirmed or self.rejected)


@dataclass(frozen=True, slots=True)
class Pairing:
    """One match that was made."""

    kind: str
    left: str
    right: str
    method: MatchMethod
    confidence: float
    how: str


@dataclass(frozen=True, slots=True)
class Lone:
    """A resource without a counterpart. `suggested` is what it probably belongs to."""

    kind: str
    side: str
    identity: str
    suggested: str | None
    confidence: float


@dataclass(frozen=True, slots=True)
class Matching:
    """All pairings of a pair that fit a filter, a page of them, and everything that stayed alone."""

    pairings: tuple[Pairing, ...]
    total: int
    fitting: int
    start: int
    alone: tuple[Lone, ...]
    alone_total: int
    kinds: tuple[str, ...]
    methods: Mapping[MatchMethod, int]
    both: tuple[str, ...]


def suggestions(store: Store, pair: tuple[str, str]) -> Suggestions:
    """What the findings of the pair suggest, the likeliest first."""
    query = FindingQuery(left=pair[0], right=pair[1], suggested=True, order=Order.RESOURCE)
    # Two that are each other's best are two findings, or one that names both.
    page = store.search(query, limit=2 * MOST)
    found: dict[Counterpart, Suggestion] = {}
    for stored in page.items:
        one = _suggestion(stored.breach)
        if one is not None:
            found.setdefault(one.counterpart, one)
    ordered = sorted(found.values(), key=lambda one: (-one.confidence, one.counterpart.kind, one.counterpart.left))
    return Suggestions(tuple(ordered[:MOST]), page.next is not None or len(ordered) > MOST)


def matching(
    stage: Stage, *, kind: str = "", method: MatchMethod | None = None, text: str = "", start: int = 0
) -> Matching:
    """Pairings from `start` on that fit, and all that stayed alone and fits."""
    matches = [compared.match for compared in stage.scenery.comparison.matches]
    words = text.lower().split()
    fitting = [
        one
        for one in matches
        if (not kind or one.left.kind.name == kind)
        and (method is None or one.method is method)
        and _has(words, one.left, one.right)
    ]
    fitting.sort(key=lambda one: (one.confidence, one.left.kind.name, one.left.resource.identity))
    alone = sorted(
        stage.scenery.comparison.unmatched,
        key=lambda one: (one.normal.kind.name, one.side, one.normal.resource.identity),
    )
    shown = [one for one in alone if (not kind or one.normal.kind.name == kind) and _has(words, one.normal)]
    methods: dict[MatchMethod, int] = {}
    for match in matches:
        methods[match.method] = methods.get(match.method, 0) + 1
    sides = {side: {one.normal.kind.name for one in alone if one.side == side} for side in ("left", "right")}
    return Matching(
        pairings=tuple(
            Pairing(
                one.left.kind.name,
                one.left.resource.identity,
                one.right.resource.identity,
                one.method,
                one.confidence,
                method_text(one.method, 1.0) or "equal once names are set aside",
            )
            for one in fitting[start : start + PAGE]
        ),
        total=len(matches),
        fitting=len(fitting),
        start=start,
        alone=tuple(
            Lone(
                one.normal.kind.name,
                one.side,
                one.normal.resource.identity,
                one.suggestion.resource.identity if one.suggestion else None,
                one.confidence,
            )
            for one in shown
        ),
        alone_total=len(alone),
        kinds=tuple(sorted({one.left.kind.name for one in matches} | {one.normal.kind.name for one in alone})),
        methods={one: methods[one] for one in MatchMethod if one in methods},
        both=tuple(sorted(sides["left"] & sides["right"])),
    )


def choices(
    found: Suggestions, confirmed: Sequence[str], rejected: Sequence[str], by_hand: Sequence[Counterpart]
) -> Choices:
    """What was said of suggestions, by their keys; of one that is not suggested any more nothing is said.

    Raises ChoiceError where two contradict each other."""
    known = {one.key: one.counterpart for one in found.items}
    yes = tuple(dict.fromkeys((*(known[key] for key in confirmed if key in known), *by_hand)))
    no = tuple(dict.fromkeys(known[key] for key in rejected if key in known))
    if len(yes) + len(no) > MOST:
        raise ChoiceError(f"more than {MOST} at once cannot be said: commit what is chosen, then go on")
    for one in no:
        if one in yes:
            raise ChoiceError(
                f"{clean(one.left)} and {clean(one.right)} are confirmed and rejected at once: choose one"
            )
    for side in ("left", "right"):
        taken: set[tuple[str, str]] = set()
        for one in yes:
            name = one.kind, getattr(one, side)
            if name in taken:
                raise ChoiceError(f"{clean(name[1])} would have two counterparts: take one of them back")
            taken.add(name)
    return Choices(yes, no)


def spelled(counterpart: Counterpart) -> str:
    """Two that were chosen by hand, as an address holds them."""
    return json.dumps([counterpart.kind, counterpart.left, counterpart.right], ensure_ascii=False)


def by_hand(texts: Sequence[str], stage: Callable[[], Stage]) -> tuple[Counterpart, ...]:
    """Those that `spelled` wrote. Raises ChoiceError for what was not seen without a counterpart: a name that is not
    there would confirm nothing, for ever and silently."""
    if len(texts) > MOST:
        raise ChoiceError(f"more than {MOST} at once cannot be said: commit what is chosen, then go on")
    return tuple(_checked(_read(text), stage()) for text in texts)


def yaml_of(said: Choices) -> str:
    """What to commit: entries for `match:`. What was rejected needs none; it stands there as a comment."""
    lines = [f"  - {entry_of(counterpart)}" for counterpart in said.confirmed]
    noted = [f"# no counterparts: {entry_of(counterpart)}" for counterpart in said.rejected]
    return "\n".join((*(("match:", *lines) if lines else ()), *noted, ""))


def _suggestion(breach: Breach) -> Suggestion | None:
    """The two that a finding calls probable counterparts."""
    if breach.suggestion is None:
        return None
    left, right = breach.left.identity, breach.right.identity
    if left is None and right is None:
        return None
    counterpart = Counterpart(breach.kind, left or breach.suggestion, right or breach.suggestion)
    return Suggestion(counterpart, breach.confidence, _shared(counterpart), breach.fingerprint)


def _shared(counterpart: Counterpart) -> tuple[str, ...]:
    ours, theirs = words_of(counterpart.left), set(words_of(counterpart.right))
    return tuple(dict.fromkeys(word for word in ours if word in theirs and len(word) > 1))[:_MOST_SHARED]


def _has(words: Sequence[str], *normals: Normal) -> bool:
    said = " ".join(f"{one.kind.name} {one.resource.identity}" for one in normals).lower()
    return all(word in said for word in words)


def _read(text: str) -> Counterpart:
    if len(text) > _LONGEST:
        raise ChoiceError("a choice is longer than any name that is shown: choose from the list")
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ChoiceError("a choice cannot be read: choose from the list") from error
    if not isinstance(value, list) or len(value) != 3 or not all(isinstance(part, str) and part for part in value):
        raise ChoiceError("a choice names a kind, a left and a right resource: choose from the list")
    return Counterpart(*value)


def _checked(counterpart: Counterpart, stage: Stage) -> Counterpart:
    for side, environment in (("left", stage.left.environment), ("right", stage.right.environment)):
        name = getattr(counterpart, side)
        lone = (one.normal for one in stage.scenery.comparison.unmatched if one.side == side)
        if not any(one.kind.name == counterpart.kind and one.resource.identity == name for one in lone):
            raise ChoiceError(
                f"no {clean(counterpart.kind)} called {clean(name)} stayed without a counterpart in {environment}: "
                "choose one of those that are listed"
            )
    return counterpart
