"""All questions in order, and what the answers come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from auditor.readiness import datasafety, mirror, presence, production, promoted, secrecy, tested, versioned
from auditor.readiness.model import Answer, Item

if TYPE_CHECKING:
    from auditor.readiness.facts import Facts

QUESTIONS: Sequence[Callable[[Facts], Item]] = (
    mirror.infrastructure,
    mirror.configuration,
    secrecy.differ,
    secrecy.stored,
    datasafety.anonymised,
    versioned.version_control,
    promoted.order,
    tested.tested,
    production.monitoring,
    production.alerting,
    production.backup,
    promoted.way_back,
    presence.reachable,
    presence.fresh,
)
_READY, _NOT_READY, _INCOMPLETE = 0, 1, 3


@dataclass(frozen=True, slots=True)
class Checklist:
    """The answered checklist of one environment. `against` is the other side of the pair that was audited.

    `snapshots` are the ids of the left and the right one, and when each was taken."""

    environment: str
    left: str
    right: str
    production: str
    audit: str
    snapshots: Mapping[str, tuple[str, datetime]]
    observed_at: datetime
    complete: bool
    threshold: str
    items: tuple[Item, ...]

    @property
    def counts(self) -> Counter[Answer]:
        return Counter(item.answer for item in self.items)

    def exit_code(self, allow_incomplete: bool = False) -> int:
        """0 ready, 1 a `no`, 3 no `no` but something that nobody saw; 3 also where nothing at all was answered `yes`."""
        counts = self.counts
        if counts[Answer.NO]:
            return _NOT_READY
        unseen = counts[Answer.NOT_OBSERVED]
        if unseen and not (allow_incomplete and counts[Answer.YES]):
            return _INCOMPLETE
        return _READY

    @property
    def sentence(self) -> str:
        counts = self.counts
        tally = ", ".join(f"{counts[answer]} {answer.value}" for answer in Answer if counts[answer])
        if counts[Answer.NO]:
            return f"{self.environment} is not ready: {tally}."
        if counts[Answer.NOT_OBSERVED]:
            return f"Nothing speaks against {self.environment}, but not everything was seen: {tally}."
        return f"{self.environment} is ready: {tally}."


def answered(facts: Facts) -> Checklist:
    """Every question of the checklist, answered from `facts`."""
    return Checklist(
        environment=facts.environment,
        left=facts.left.environment,
        right=facts.right.environment,
        production=facts.production,
        audit=facts.audit.id,
        snapshots={side.environment: (side.id, side.taken_at) for side in facts.sides},
        observed_at=facts.audit.finished_at,
        complete=facts.audit.complete,
        threshold=facts.threshold.value,
        items=tuple(question(facts) for question in QUESTIONS),
    )
