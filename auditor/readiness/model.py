"""A question of the checklist with its answer, and what the answer rests on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Answer(StrEnum):
    """`yes` only where it was seen; what nobody could see is `not observed`, which is neither yes nor no."""

    YES = "yes"
    NO = "no"
    NOT_OBSERVED = "not observed"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was seen: what, where, when.

    text         a sentence that stands by itself
    environment  where it was seen; None: in the comparison of both
    at           when it was true: the time of the snapshot, of a deployment, of an audit
    source       what tells: the id of a snapshot or an audit, or the label of a source
    findings     fingerprints that `audit show` takes
    resources    `kind identity` of what was looked at, in a fixed order; at most as many as help
    """

    text: str
    environment: str | None = None
    at: datetime | None = None
    source: str | None = None
    findings: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist.

    id        lasting, for programs (`infrastructure`, `production-backup`)
    question  as a design review asks it
    sentence  why the answer is what it is
    needs     what has to have been observed before the answer may be `yes`
    remedy    what to do; empty where the answer is yes
    """

    id: str
    question: str
    answer: Answer
    sentence: str
    needs: str
    evidence: tuple[Evidence, ...] = ()
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question before it is answered."""

    id: str
    question: str
    needs: str

    def yes(self, sentence: str, *evidence: Evidence) -> Item:
        return Item(self.id, self.question, Answer.YES, sentence, self.needs, evidence)

    def no(self, sentence: str, *evidence: Evidence, remedy: str) -> Item:
        return Item(self.id, self.question, Answer.NO, sentence, self.needs, evidence, remedy)

    def not_observed(self, sentence: str, *evidence: Evidence, remedy: str) -> Item:
        return Item(self.id, self.question, Answer.NOT_OBSERVED, sentence, self.needs, evidence, remedy)

    def not_applicable(self, sentence: str, *evidence: Evidence) -> Item:
        return Item(self.id, self.question, Answer.NOT_APPLICABLE, sentence, self.needs, evidence)
