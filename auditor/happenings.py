"""Events of findings' lives -> what became of each, as far as anybody may want to know it. Pure.

One finding has at most one change per audit: what its status became says more than that it also got worse.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from auditor.life import Event, LifeResult, StoredFinding
from auditor.model import FLAPS_FROM, Finding, Gap, Status
from auditor.notices import Change, Decision, Happening, Why
from auditor.ordering import order

ENDING = frozenset({Happening.RESOLVED, Happening.ACKNOWLEDGED, Happening.WAIVED})
"""What silences a finding: it is told where the finding was told, and nowhere else."""
LOOKBACK = timedelta(hours=48)
"""How far back the events have to go that flapping is told by."""
_WINDOW = timedelta(hours=24)
_ACTIVE = (Status.OPEN, Status.REGRESSED)


@dataclass(frozen=True, slots=True)
class Happenings:
    """What one audit or act brought.

    changes   worst first
    calmed    fingerprints of those among `changes` that conversations are spared, since they come and go
    flapping  every finding that came back three times or more within the last 24 hours
    left_out  what is told to nobody
    """

    changes: tuple[Change, ...]
    calmed: frozenset[str] = frozenset()
    flapping: frozenset[str] = frozenset()
    left_out: tuple[Decision, ...] = ()


def happenings(
    life: LifeResult, previous: Mapping[str, StoredFinding], history: Sequence[Event], now: datetime
) -> Happenings:
    """What became of the findings. `history` holds the pair's events since LOOKBACK before `now`, in any order.

    A finding flaps when it comes back for the third time within 24 hours: that is told once, and then no more until it
    has been calm. Its resolutions are not told either while it flaps.
    """
    returns = _returns(history)
    findings = {stored.fingerprint: stored for stored in life.updated}
    changes: list[Change] = []
    calmed: set[str] = set()
    left_out: list[Decision] = []
    for fingerprint, events in _by_finding(life.events).items():
        found = findings[fingerprint]
        before = previous.get(fingerprint)
        happening = _happening(before, found, events)
        if isinstance(happening, Why):
            left_out.append(Decision(fingerprint, None, None, False, happening))
            continue
        event = events[0]
        reason = event.reason
        if happening is Happening.REGRESSED:
            times = returns[fingerprint]
            reason = f"came back, last seen {before.last_seen:%Y-%m-%d %H:%M} UTC" if before else reason
            if times and _flaps(times, times[-1]) and _flaps([*times, now], now):
                calmed.add(fingerprint)
            elif _flaps([*times, now], now):
                reason = "came back for the third time within 24 hours; from now on only the digest tells of it"
            times.append(now)
        elif happening is Happening.RESOLVED and _flaps(returns[fingerprint], now):
            calmed.add(fingerprint)
        changes.append(Change(happening, found, now, reason, event.actor))
    flapping = frozenset(fingerprint for fingerprint, times in returns.items() if _flaps(times, now))
    return Happenings(worst_first(changes), frozenset(calmed), flapping, tuple(left_out))


def worst_first(changes: Iterable[Change]) -> tuple[Change, ...]:
    """In the order of findings."""
    return tuple(sorted(changes, key=lambda change: order(change.finding.finding)))


def with_returns(findings: Iterable[Finding], history: Iterable[Event], now: datetime) -> tuple[Finding, ...]:
    """The findings with how often each came back lately, as the events of the pair tell, in any order."""
    returns = _returns(history)
    return tuple(
        replace(finding, returns=_within(returns.get(finding.breach.fingerprint, ()), now)) for finding in findings
    )


def gap_changes(before: Sequence[Gap], after: Sequence[Gap]) -> tuple[tuple[Gap, ...], tuple[Gap, ...]]:
    """The gaps that are new, and those that are closed. Another reason or detail at the same place is no change."""
    known, still = {_gap_place(gap) for gap in before}, {_gap_place(gap) for gap in after}
    return (
        tuple(gap for gap in after if _gap_place(gap) not in known),
        tuple(gap for gap in before if _gap_place(gap) not in still),
    )


def _gap_place(gap: Gap) -> tuple[str | None, ...]:
    return gap.environment, gap.source, gap.kind, gap.region, gap.resource, gap.attribute


def _by_finding(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Events by finding; a change of status before a severity that rose."""
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        found[event.fingerprint].append(event)
    return {name: sorted(own, key=lambda event: event.from_status is event.to_status) for name, own in found.items()}


def _happening(before: StoredFinding | None, after: StoredFinding, events: Sequence[Event]) -> Happening | Why:
    event = events[0]
    worse = before is not None and after.breach.severity.rank > before.breach.severity.rank
    match event.from_status, event.to_status:
        case was, to if was is to:
            return Happening.ESCALATED if to in (*_ACTIVE, Status.ACKNOWLEDGED) else Why.WORSE_BUT_SILENCED
        case _, Status.PENDING:
            return Why.TOLERATED
        case Status.PENDING, Status.RESOLVED:
            return Why.NEVER_FOUND
        case _, Status.RESOLVED:
            return Happening.RESOLVED
        case ((None | Status.PENDING | Status.RESOLVED), Status.WAIVED):
            return Why.WAIVED_AT_ONCE
        case _, Status.WAIVED:
            return Happening.WAIVED
        case _, Status.ACKNOWLEDGED:
            return Happening.ACKNOWLEDGED
        case _, Status.REGRESSED:
            return Happening.REGRESSED
        case Status.ACKNOWLEDGED, Status.OPEN if worse:
            return Happening.ESCALATED
        case ((Status.ACKNOWLEDGED | Status.WAIVED), Status.OPEN):
            return Happening.REOPENED
    return Happening.NEW


def _returns(history: Iterable[Event]) -> defaultdict[str, list[datetime]]:
    """When each finding came back, oldest first."""
    found: defaultdict[str, list[datetime]] = defaultdict(list)
    for event in sorted(history, key=lambda item: item.at):
        if event.to_status is Status.REGRESSED and event.from_status is not Status.REGRESSED:
            found[event.fingerprint].append(event.at)
    return found


def _flaps(times: Sequence[datetime], at: datetime) -> bool:
    return _within(times, at) >= FLAPS_FROM


def _within(times: Sequence[datetime], at: datetime) -> int:
    return sum(1 for time in times if at - _WINDOW < time <= at)
