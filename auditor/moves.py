"""Which side moved, asked of the histories once for every finding that has news, and who did it, asked of the witness."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from auditor.errors import AuditorError
from auditor.history import AtHand, Bounds
from auditor.looks import Remembered
from auditor.model import Author, Breach, Moved, Resource
from auditor.parting import Apart, Mover, movers

if TYPE_CHECKING:
    from auditor.at_hand import Seen
    from auditor.comparison import Comparison
    from auditor.life import LifeResult, StoredFinding
    from auditor.looks import Past
    from auditor.scene import Realm

FURTHEST = timedelta(days=180)
"""How long ago a change may be to be told; longer than snapshots are kept as a rule."""
LATELY = timedelta(days=1)
"""How long the histories are asked again for a resource that is gone, when the witness could not say who removed it."""
Witness: TypeAlias = Callable[[str, Resource, Moved], Author | None]
_log = logging.getLogger(__name__)


@runtime_checkable
class Remarking(Protocol):
    """A witness that has something to say once of the whole audit, such as that an account's records may not be read."""

    @property
    def notes(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Histories:
    """The pasts of a pair, up to the two snapshots that an audit is of. `seen` is what is at hand of these.

    What is read of them is remembered, so that one is asked for one audit."""

    realms: tuple[Realm, Realm]
    past: Past
    snapshots: tuple[str, str]
    now: datetime
    seen: tuple[Seen, Seen] | None = field(default=None, compare=False, repr=False)
    _remembered: list[Remembered] = field(default_factory=list, init=False, compare=False, repr=False)
    _at_hand: list[tuple[AtHand, AtHand]] = field(default_factory=list, init=False, compare=False, repr=False)

    @property
    def remembered(self) -> Past:
        """The past, of which nothing is read twice."""
        if not self._remembered:
            self._remembered.append(Remembered(self.past))
        return self._remembered[0]

    @property
    def at_hand(self) -> tuple[AtHand, AtHand]:
        """What was seen of either side's past."""
        if not self._at_hand:
            left, right = self.seen or (None, None)
            self._at_hand.append((AtHand(seen=left), AtHand(seen=right)))
        return self._at_hand[0]

    def ask(self, breaches: Sequence[Breach]) -> dict[str, Mover | Apart]:
        """What the histories tell of each breach, by fingerprint. Raises StoreError."""
        bounds = Bounds(since=self.now - FURTHEST)
        return movers(breaches, self.realms, self.remembered, self.snapshots, bounds, self.at_hand)


@dataclass(frozen=True, slots=True)
class Movement:
    """What one audit asks. Each question is asked once, however often the audit has to be decided again."""

    histories: Histories
    witness: Witness | None
    _known: dict[str, Moved | None] = field(default_factory=dict)

    def told(self, life: LifeResult, comparison: Comparison) -> LifeResult:
        """`life` with which side moved and who did it, as far as that is known. What fails costs this alone."""
        wanted = frozenset(life.news)
        seen = [stored for stored in life.updated if stored.fingerprint in wanted]
        breaches = [stored.breach for stored in seen if stored.fingerprint not in self._known]
        if breaches:
            self._known.update(dict.fromkeys((breach.fingerprint for breach in breaches), None))
            self._known.update(self._asked(breaches))
        self._known.update(self._asked_again(life, comparison))
        return life.telling_moves(
            {one.fingerprint: moved for one in life.updated if (moved := self._known.get(one.fingerprint))}
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What the audit has to say of its witness."""
        return self.witness.notes if isinstance(self.witness, Remarking) else ()

    def _asked(self, breaches: Sequence[Breach]) -> dict[str, Moved]:
        try:
            answers = self.histories.ask(breaches)
        except (AuditorError, ValueError) as error:
            number = len(breaches)
            _log.warning("which side moved is not known of %d new findings: %s", number, error, exc_info=True)
            return {}
        found = {fingerprint: answer for fingerprint, answer in answers.items() if isinstance(answer, Mover)}
        return {fingerprint: self._witnessed(one.moved, one.resource) for fingerprint, one in found.items()}

    def _asked_again(self, life: LifeResult, comparison: Comparison) -> Iterator[tuple[str, Moved]]:
        """Findings of which the witness could not yet say who changed them."""
        gone: list[Breach] = []
        there = _There(comparison)
        for stored in life.updated:
            moved = stored.moved
            if moved is None or moved.author is None or not moved.author.ask_again or stored.fingerprint in self._known:
                continue
            resource = there.moved(stored)
            if resource is not None:
                yield stored.fingerprint, self._witnessed(moved, resource)
            elif self.histories.now - moved.by < LATELY:
                gone.append(stored.breach)
        if gone:
            yield from self._asked(gone).items()

    def _witnessed(self, moved: Moved, resource: Resource) -> Moved:
        if self.witness is None:
            return moved
        try:
            author = self.witness(moved.environment, resource, moved)
        except AuditorError as error:
            _log.warning("who changed %s in %s is not known: %s", resource.identity, moved.environment, error)
            return moved
        return moved if author is None else replace(moved, author=author)


class _There:
    """The resources of both snapshots, by what a finding says of them; looked up once, and only where one is asked for."""

    def __init__(self, comparison: Comparison) -> None:
        self._snapshots = {"left": comparison.left, "right": comparison.right}
        self._found: dict[str, Mapping[tuple[str, str, str | None], Resource]] = {}

    def moved(self, stored: StoredFinding) -> Resource | None:
        """The resource that moved, where it still is there; of several the first."""
        breach = stored.breach
        left = stored.moved is not None and stored.moved.environment == breach.left.environment
        side = breach.left if left else breach.right
        if side.identity is None:
            return None
        return self._of("left" if left else "right").get((breach.kind, side.identity, side.location))

    def _of(self, side: str) -> Mapping[tuple[str, str, str | None], Resource]:
        found = self._found.get(side)
        if found is None:
            backwards = reversed(self._snapshots[side].resources)
            found = self._found[side] = {(one.kind, one.identity, one.location): one for one in backwards}
        return found
