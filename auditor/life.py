"""Breaches and what was known before -> findings and their events. Pure: same in, same out; the clock is an argument.

A finding is `pending` while its rule still tolerates it, then `open`. It is `resolved` only by an audit that completely
observed its place on both sides; where that was not so, nothing is known and nothing changes. One that was open before
and comes back is `regressed`. `acknowledged` and `waived` silence a finding; they end when it is seen to be gone. An
acknowledgement also ends when the finding gets worse, a waiver when nothing covers the finding any more.

Where its rule says so, a finding gets more severe by being open for long. Age counts from when it last became open or
came back: not while somebody has acknowledged it or it is waived, since then somebody answers for it; it keeps the
severity that it had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from auditor.durations import spell
from auditor.model import Breach, Finding, Moved, Severity, Status
from auditor.waivers import Waiver, told

AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """The last that is known of a finding: what the store keeps, one per fingerprint.

    since      start of its present occurrence: from here the rule's `for` is counted
    opened_at  when it last became open or regressed, after a waiver too; None while it never was
    revision   how often its record was written, 0 before the first time; the store sees by it that another was faster
    """

    breach: Breach
    status: Status
    first_seen: datetime
    last_seen: datetime
    since: datetime
    opened_at: datetime | None = None
    moved: Moved | None = None
    revision: int = 0

    @property
    def fingerprint(self) -> str:
        return self.breach.fingerprint

    @property
    def finding(self) -> Finding:
        return Finding(self.breach, self.status, self.first_seen, self.last_seen, self.moved, self.opened_at)


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
    news      fingerprints of those seen that are new, have come back or have new values: nobody asked yet who moved
    """

    findings: tuple[Finding, ...]
    updated: tuple[StoredFinding, ...]
    events: tuple[Event, ...]
    unseen: tuple[StoredFinding, ...]
    news: tuple[str, ...] = ()

    def telling_moves(self, moves: Mapping[str, Moved]) -> LifeResult:
        """The same with what the histories tell of each fingerprint."""
        if not moves:
            return self
        updated = tuple(replace(stored, moved=moves.get(stored.fingerprint, stored.moved)) for stored in self.updated)
        seen = {stored.fingerprint: stored.finding for stored in updated}
        return replace(self, updated=updated, findings=tuple(seen[one.breach.fingerprint] for one in self.findings))


def _unwaived(_breach: Breach) -> Waiver | None:
    """Nothing is waived."""
    return None


def _lapsed(_breach: Breach) -> str:
    return "its waiver ended"


def live(
    previous: Mapping[str, StoredFinding],
    breaches: Sequence[Breach],
    observed: Callable[[StoredFinding], bool],
    now: datetime,
    audit_id: str,
    waiver_of: Callable[[Breach], Waiver | None] = _unwaived,
    lapse: Callable[[Breach], str] = _lapsed,
) -> LifeResult:
    """Carry the findings of one pair on by one audit.

    `previous` holds every finding stored of the pair, by fingerprint, resolved ones too. `observed` says whether the
    audit completely observed the finding's place on both sides; it is asked only about findings that it did not see.
    `waiver_of` gives the waiver in force that covers a breach, `lapse` the reason why none does that did before
    (`waivers.finder` gives both). Two breaches of one fingerprint are one finding, spoken for by the more severe.
    """
    worst = _one_per_fingerprint(breaches)
    waivers = {fingerprint: waiver_of(breach) for fingerprint, breach in worst.items()}
    seen = tuple(
        _see(previous.get(fingerprint), breach, now, waivers[fingerprint] is not None)
        for fingerprint, breach in worst.items()
    )
    missed = [previous[fingerprint] for fingerprint in sorted(previous.keys() - worst.keys())]
    unresolved = [stored for stored in missed if stored.status is not Status.RESOLVED]
    gone = {stored.fingerprint for stored in unresolved if observed(stored)}
    resolved = tuple(replace(stored, status=Status.RESOLVED) for stored in unresolved if stored.fingerprint in gone)
    updated = seen + resolved
    events: list[Event] = []
    for after in updated:
        turn = _Turn(previous.get(after.fingerprint), after, waivers.get(after.fingerprint), lapse)
        events += (
            Event(after.fingerprint, now, audit_id, actor, was, after.status, reason)
            for actor, was, reason in turn.told()
        )
    return LifeResult(
        findings=tuple(stored.finding for stored in seen),
        updated=updated,
        events=tuple(events),
        unseen=tuple(stored for stored in unresolved if stored.fingerprint not in gone),
        news=tuple(stored.fingerprint for stored in seen if _has_news(previous.get(stored.fingerprint), stored.breach)),
    )


def reopened(stored: StoredFinding, now: datetime) -> StoredFinding:
    """A waived finding that nothing covers any more: pending while its rule still tolerates it, else open from now on."""
    if _tolerated(stored, now):
        return replace(stored, status=Status.PENDING)
    return replace(stored, status=Status.OPEN, opened_at=now)


def _one_per_fingerprint(breaches: Sequence[Breach]) -> dict[str, Breach]:
    worst: dict[str, Breach] = {}
    for breach in breaches:
        known = worst.get(breach.fingerprint)
        if known is None or breach.severity.rank > known.severity.rank:
            worst[breach.fingerprint] = breach
    return worst


def _see(before: StoredFinding | None, breach: Breach, now: datetime, waived: bool) -> StoredFinding:
    """The record of a breach that this audit saw, as severe as its age makes it."""
    stored = _stated(before, breach, now, waived)
    severity = _by_age(before, stored, now)
    if severity.rank <= breach.severity.rank:
        return stored
    return replace(stored, breach=replace(breach, severity=severity, escalated_from=breach.severity))


def _by_age(before: StoredFinding | None, stored: StoredFinding, now: datetime) -> Severity:
    """How severe a finding is after so long. Time counts while it is open; what is silenced stays as severe as it was."""
    breach = stored.breach
    if stored.status in (Status.OPEN, Status.REGRESSED) and stored.opened_at is not None:
        due = [step.to for step in breach.escalation if now - stored.opened_at >= step.after]
        return max((breach.severity, *due), key=lambda severity: severity.rank)
    silenced = stored.status in (Status.ACKNOWLEDGED, Status.WAIVED)
    if silenced and before is not None and before.breach.escalated_from is breach.severity:
        return before.breach.severity
    return breach.severity


def _stated(before: StoredFinding | None, breach: Breach, now: datetime, waived: bool) -> StoredFinding:
    stored = _carried(before, breach, now)
    if waived:
        return replace(stored, status=Status.WAIVED)
    if stored.status is Status.WAIVED:
        return reopened(stored, now)
    if stored.status is Status.ACKNOWLEDGED and before and _rose(before, stored):
        return replace(stored, status=Status.OPEN, opened_at=now)
    tolerated = stored.status is not Status.PENDING or _tolerated(stored, now)
    if tolerated:
        return stored
    status = Status.OPEN if stored.opened_at is None else Status.REGRESSED
    return replace(stored, status=status, opened_at=now)


def _carried(before: StoredFinding | None, breach: Breach, now: datetime) -> StoredFinding:
    """What was known with what is seen now; pending where this is the start of an occurrence."""
    if before is None or (before.status is Status.RESOLVED and before.opened_at is None):
        # Tolerated until it went away, it was never a finding to anyone: this is a first time again.
        return StoredFinding(breach, Status.PENDING, now, now, now, revision=before.revision if before else 0)
    last_seen = max(before.last_seen, now)
    # The histories told which side moved to the old values; they have to be asked anew about new ones.
    moved = None if _has_news(before, breach) else before.moved
    after = replace(before, breach=breach, last_seen=last_seen, moved=moved)
    if before.status is Status.RESOLVED:
        # Tolerance starts afresh: a lag that is allowed for a day is allowed for a day after every release.
        return replace(after, status=Status.PENDING, since=now)
    return after


def _tolerated(stored: StoredFinding, now: datetime) -> bool:
    tolerated = stored.breach.tolerated_for
    return tolerated > timedelta(0) and now - stored.since < tolerated


@dataclass(frozen=True, slots=True)
class _Turn:
    """What one audit made of one finding, for its events."""

    before: StoredFinding | None
    after: StoredFinding
    waiver: Waiver | None
    lapse: Callable[[Breach], str]

    def told(self) -> Iterator[tuple[str, Status | None, str]]:
        """Actor, status before and reason of each event."""
        was = self.before.status if self.before else None
        worse = None
        if self.before and was is not Status.RESOLVED and _rose(self.before, self.after):
            rose = f"severity rose from {self.before.breach.severity} to {self.after.breach.severity}"
            worse = f"{self._age()}{rose}"
        if was is not self.after.status:
            if self.after.status is Status.WAIVED and self.waiver:
                yield self.waiver.owner, was, told(self.waiver)
            elif was is Status.ACKNOWLEDGED and worse:
                yield AUDITOR, was, worse
                return
            else:
                yield AUDITOR, was, self._reason(was)
        if worse:
            yield AUDITOR, self.after.status, worse

    def _age(self) -> str:
        """For how long it had to be open to be as severe as it is; empty where that has another reason."""
        breach = self.after.breach
        steps = [step.after for step in breach.escalation if step.to is breach.severity]
        return f"open for {spell(steps[0])}: " if steps and breach.escalated_from is not None else ""

    def _reason(self, was: Status | None) -> str:
        if self.after.status is Status.RESOLVED:
            return "gone: both sides were observed"
        if was is Status.WAIVED:
            return self.lapse(self.after.breach)
        match self.after.status:
            case Status.PENDING:
                return "came back, tolerated for now" if self.after.opened_at else "found, tolerated for now"
            case Status.REGRESSED:
                return "came back"
        return "tolerated for long enough" if was is Status.PENDING else "found"


def _rose(before: StoredFinding, after: StoredFinding) -> bool:
    return after.breach.severity.rank > before.breach.severity.rank


def _has_news(before: StoredFinding | None, breach: Breach) -> bool:
    """Whether what is wrong is not what was wrong when it was last seen."""
    return before is None or before.status is Status.RESOLVED or _values(before.breach) != _values(breach)


def _values(breach: Breach) -> tuple[object, object]:
    return breach.left.value, breach.right.value
