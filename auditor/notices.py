"""The words of telling: what happened, to whom it is told, and what is kept until the far side has it.

A *notice* is one message that one far side has to accept, stored in the transaction of what it tells. A *topic* is what
a conversation is about: one pair and one cause; its first notice opens it, later ones reply to it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from auditor.life import StoredFinding
from auditor.model import Gap, Json

GAPS = "gaps"
"""The `cause_key` of a topic about what cannot be observed."""


class Happening(StrEnum):
    """What became of a finding, as far as anybody is to be told."""

    NEW = "new"
    REGRESSED = "regressed"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    ACKNOWLEDGED = "acknowledged"
    WAIVED = "waived"
    REOPENED = "reopened"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened to one finding, with the finding as it then was. `actor` is a person, or `auditor`."""

    happening: Happening
    finding: StoredFinding
    at: datetime
    reason: str
    actor: str


@dataclass(frozen=True, slots=True)
class News:
    """What one audit, or one person's act, changed in one pair: the body of a notice of changes.

    audit_id, score, coverage, complete   of the audit; of the last one where a person acted (None: there was none)
    changes       in order of severity
    new_gaps      what could be observed at the audit before and cannot now
    closed_gaps   what can be observed again
    """

    left: str
    right: str
    at: datetime
    audit_id: str | None
    score: float | None
    coverage: float | None
    complete: bool
    changes: tuple[Change, ...] = ()
    new_gaps: tuple[Gap, ...] = ()
    closed_gaps: tuple[Gap, ...] = ()


class NoticeKind(StrEnum):
    """OPEN is the first message of a topic, REPLY a later one in it; EVENT stands alone; DIGEST is a summary."""

    OPEN = "open"
    REPLY = "reply"
    EVENT = "event"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Topic:
    """A conversation about one cause in one pair, at one target.

    id         deterministic
    target     `slack:#parity`: the publisher's name, a colon, and its own address
    cause_key  what its findings have in common; None: they came together, or it is a single one; `gaps`: what cannot
               be observed
    title      the cause in words, as it was when the topic was opened
    reference  what the far side calls it (JSON), None until it was accepted
    """

    id: str
    target: str
    left: str
    right: str
    cause_key: str | None
    title: str
    opened_at: datetime
    closed_at: datetime | None = None
    reference: Json | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one target. `id` is the idempotency key: the same thing told again has the same.

    body        JSON of a `News` (OPEN, REPLY, EVENT) or of a `Digest`
    not_before  quiet hours, or when it was made
    """

    id: str
    target: str
    kind: NoticeKind
    topic: str | None
    created_at: datetime
    not_before: datetime
    body: Json


class Why(StrEnum):
    """Why something is told at a target, or is not."""

    OPENS = "opens a topic"
    JOINS = "its cause has a topic"
    GATHERED = "came with many others: one topic for all of them"
    FOLLOWS = "follows to where it was told"
    CALM_AGAIN = "had been flapping, and is gone for good"
    EVENT = "part of the event"
    BELOW = "below the least severity of the target"
    TOLERATED = "tolerated for now"
    NEVER_FOUND = "went away before it was a finding"
    WAIVED_AT_ONCE = "covered by a waiver from the start"
    WORSE_BUT_SILENCED = "got worse, but is waived or tolerated"
    NEVER_TOLD = "was never told there"
    FLAPS = "comes and goes: only in the digest"
    NO_GAPS_HERE = "what cannot be observed is not told there"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether one thing is told, and why. `target` and `happening` are None where it is told to nobody.

    `what` is a fingerprint, or `gaps`."""

    what: str
    happening: Happening | None
    target: str | None
    told: bool
    why: Why


@dataclass(frozen=True, slots=True)
class Telling:
    """What one transaction adds to the outbox.

    topics     new ones
    closed     ids of those that nothing more is to be said in
    members    topic id and fingerprint: which findings belong to which topic from now on
    decisions  why; kept by nobody
    """

    topics: tuple[Topic, ...] = ()
    closed: tuple[str, ...] = ()
    members: tuple[tuple[str, str], ...] = ()
    notices: tuple[Notice, ...] = ()
    decisions: tuple[Decision, ...] = ()


class Delivery(StrEnum):
    """Where a notice stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Queued:
    """A notice as the outbox keeps it.

    attempts      how often sending it was begun
    attempted_at  when that was last; with `ended` false nobody knows whether the far side has it
    next_at       not before then
    reference     what the far side called it once it had it (JSON)
    """

    notice: Notice
    state: Delivery
    sequence: int
    attempts: int = 0
    attempted_at: datetime | None = None
    ended: bool = True
    next_at: datetime | None = None
    error: str | None = None
    reference: Json | None = None
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A topic with its findings as they are now: what its first message shows, whenever that is written."""

    topic: Topic
    findings: tuple[StoredFinding, ...]
    gaps: tuple[Gap, ...] = ()


def stable_id(*parts: str) -> str:
    """An id, 32 hexadecimal characters, that the same parts always give."""
    return hashlib.sha256("\x1e".join(parts).encode()).hexdigest()[:32]
