"""Breaches and what was known before -> findings and their events. Pure: same in, same out; the clock is an argument.

A finding is `pending` while its rule still tolerates it, then `open`. It is `resolved` only by an audit that completely
observed its place on both sides; where that was not so, nothing is known and nothing changes. One that was open before
and comes back is `regressed`. `acknowledged` and `waived` silence a finding; they end when it is seen to be gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from auditor.model import Breach, Finding, Severity, Status

AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """The last that is known of a finding: what the store keeps, one per fingerprint.

    since      start of its present occurrence: from here the rule's `for` is counted
    opened_at  when it last became open or regressed; None while it never was
    revision   how often its record was written, 0 before the first time; the store sees by it that another was faster
    """

    breach: Breach
    status: Status
    first_seen: datetime
    last_seen: datetime
    since: datetime
    opened_at: datetime | None = None
    moved: str | None = None
    revision: int = 0

    @property
    def fingerprint(self) -> str:
        return self.breach.fingerprint

    @property
    def finding(self) -> Finding:
        return Finding(self.breach, self.status, self.first_seen, self.last_seen, self.moved)


@dataclass(frozen=True, slots=True)
class Event:
    """One change in a finding's life. `from_status` is None for its first; equal to `to_status` when it only got worse.

    `audit_id` is None for what a person did outside an audit; `actor` names that person, else the auditor."""

    fingerprint: str
    at: datetime
    audit_id: str | None
    actor: str
    from_status: Status | None
    to_status: Status
    reason: str


@dataclass(frozen=True, slots=True)
class LifeResult:
    """What one audit makes of the history.

    findings  those it saw, in the order of the breaches
    updated   every record to write: those seen, then those resolved
    events    in the order of `updated`
    unseen    unresolved ones that it neither saw nor could have seen: unknown, and left as they were
    """

    findings: tuple[Finding, ...]
    updated: tuple[StoredFinding, ...]
    events: tuple[Event, ...]
    unseen: tuple[StoredFinding, ...]


def live(
    previous: Mapping[str, StoredFinding],
    breaches: Sequence[Breach],
    observed: Callable[[StoredFinding], bool],
    now: datetime,
    audit_id: str,
) -> LifeResult:
    """Carry the findings of one pair on by one audit.

    `previous` holds every finding stored of the pair, by fingerprint, resolved ones too. `observed` says whether the
    audit completely observed the finding's place on both sides; it is asked only about findings that it did not see.
    Two breaches of one fingerprint are one finding, spoken for by the more severe.
    """
    worst = _one_per_fingerprint(breaches)
    seen = tuple(_see(previous.get(fingerprint), breach, now) for fingerprint, breach in worst.items())
    missed = [previous[fingerprint] for fingerprint in sorted(previous.keys() - worst.keys())]
    unresolved = [stored for stored in missed if stored.status is not Status.RESOLVED]
    gone = {stored.fingerprint for stored in unresolved if observed(stored)}
    resolved = tuple(replace(stored, status=Status.RESOLVED) for stored in unresolved if stored.fingerprint in gone)
    updated = seen + resolved
    return LifeResult(
        findings=tuple(stored.finding for stored in seen),
        updated=updated,
        events=tuple(
            event for after in updated for event in _events(previous.get(after.fingerprint), after, now, audit_id)
        ),
        unseen=tuple(stored for stored in unresolved if stored.fingerprint not in gone),
    )


def _one_per_fingerprint(breaches: Sequence[Breach]) -> dict[str, Breach]:
    worst: dict[str, Breach] = {}
    for breach in breaches:
        known = worst.get(breach.fingerprint)
        if known is None or breach.severity.rank > known.severity.rank:
            worst[breach.fingerprint] = breach
    return worst


def _see(before: StoredFinding | None, breach: Breach, now: datetime) -> StoredFinding:
    """The record of a breach that this audit saw."""
    if before is None or (before.status is Status.RESOLVED and before.opened_at is None):
        # Tolerated until it went away, it was never a finding to anyone: this is a first time again.
        return _advance(StoredFinding(breach, Status.PENDING, now, now, now, revision=_revision(before)), now)
    last_seen = max(before.last_seen, now)
    # The histories told which side moved for the old values; for new ones they have to be asked anew.
    moved = before.moved if _values(before.breach) == _values(breach) else None
    after = replace(before, breach=breach, last_seen=last_seen, moved=moved)
    if before.status is Status.RESOLVED:
        # Tolerance starts afresh: a lag that is allowed for a day is allowed for a day after every release.
        return _advance(replace(after, status=Status.PENDING, since=now), now)
    return _advance(after, now)


def _advance(stored: StoredFinding, now: datetime) -> StoredFinding:
    tolerated = stored.breach.tolerated_for
    if stored.status is not Status.PENDING or (tolerated > timedelta(0) and now - stored.since < tolerated):
        return stored
    status = Status.OPEN if stored.opened_at is None else Status.REGRESSED
    return replace(stored, status=status, opened_at=now)


def _events(before: StoredFinding | None, after: StoredFinding, now: datetime, audit_id: str) -> Iterator[Event]:
    was = before.status if before else None

    def event(from_status: Status | None, reason: str) -> Event:
        return Event(after.fingerprint, now, audit_id, AUDITOR, from_status, after.status, reason)

    if was is not after.status:
        yield event(was, _reason(was, after))
    if before and was is not Status.RESOLVED and _rose(before.breach.severity, after.breach.severity):
        yield event(after.status, f"severity rose from {before.breach.severity} to {after.breach.severity}")


def _reason(was: Status | None, after: StoredFinding) -> str:
    match after.status:
        case Status.RESOLVED:
            return "gone: both sides were observed"
        case Status.PENDING:
            return "came back, tolerated for now" if after.opened_at else "found, tolerated for now"
        case Status.REGRESSED:
            return "came back"
    return "tolerated for long enough" if was is Status.PENDING else "found"


def _rose(before: Severity, after: Severity) -> bool:
    return after.rank > before.rank


def _values(breach: Breach) -> tuple[object, object]:
    return breach.left.value, breach.right.value


def _revision(before: StoredFinding | None) -> int:
    return before.revision if before else 0
