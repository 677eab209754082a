"""Two stories of the same time, one as it was told and one as a policy would tell it: where they differ. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from auditor.happenings import LOOKBACK
from auditor.life import Event, LifeResult, StoredFinding
from auditor.model import Audit, Breach, Coverage, Path, RuleRef, Severity, Status
from auditor.notices import Topic
from auditor.notify import Teller

_SAID = frozenset({Status.OPEN, Status.REGRESSED, Status.ACKNOWLEDGED})
_NEWS = frozenset({Status.OPEN, Status.REGRESSED})

Place = tuple[str, str, Path]


@dataclass(frozen=True, slots=True)
class Story:
    """The findings of one pair over a time.

    findings  as they are at its end, by fingerprint, resolved ones too
    initial   the status of those that were there when it began
    events    what happened, oldest first
    sent      how many notices of findings were made for each target; None where nobody is told
    """

    findings: Mapping[str, StoredFinding]
    initial: Mapping[str, Status]
    events: tuple[Event, ...]
    sent: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class Said:
    """What a story says of one place.

    opened    when it was first open, at the earliest when the story begins
    open_for  for how long in all
    news      how often there was something to tell: new, back, worse, gone
    still     whether it is open when the story ends
    """

    rule: RuleRef
    severity: Severity
    opened: datetime
    open_for: timedelta
    news: int
    still: bool
    message: str


class ShiftKind(StrEnum):
    """How what would be said differs from what was said."""

    NEW = "new"
    GONE = "gone"
    SEVERITY = "severity"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Shift:
    """One place of which another thing would have been said. `then` is None for a new finding, `now` for one that is gone."""

    kind: ShiftKind
    place: Place
    then: Said | None
    now: Said | None

    @property
    def severity(self) -> Severity:
        """The worse of the two."""
        found = [said.severity for said in (self.then, self.now) if said]
        return max(found, key=lambda severity: severity.rank)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What comes of one pair. `same` counts the places of which the same would have been said.

    `then_open` and `now_open` count open findings by severity at the end; `then_sent` and `now_sent` notices by target,
    None where nobody is told."""

    shifts: tuple[Shift, ...]
    same: int
    then_open: Mapping[Severity, int]
    now_open: Mapping[Severity, int]
    then_news: int
    now_news: int
    then_sent: Mapping[str, int] | None
    now_sent: Mapping[str, int] | None


class Mailbox:
    """Whom the configuration would tell what of a story; nothing is sent. Counts notices of findings by target."""

    def __init__(self, teller: Teller, left: str, right: str) -> None:
        self._teller, self._pair = teller, (left, right)
        self._topics: dict[str, tuple[Topic, list[str]]] = {}
        self._past: list[Event] = []
        self.sent: dict[str, int] = {}

    def tell(
        self,
        at: datetime,
        audit_id: str,
        updated: Sequence[StoredFinding],
        events: Sequence[Event],
        before: Mapping[str, StoredFinding],
        *,
        count: bool = True,
    ) -> None:
        """Take in what one audit changed. With `count` false the notices are taken as sent before."""
        moved = {event.fingerprint for event in events}
        changed = tuple(stored for stored in updated if stored.fingerprint in moved)
        self._past = [event for event in self._past if event.at >= at - LOOKBACK]
        topics = [(topic, tuple(members)) for topic, members in self._topics.values()]
        telling = self._teller.tell_audit(
            _audit(audit_id, *self._pair, at), LifeResult((), changed, tuple(events), ()), before, None, topics, at,
            self._past,
        )  # fmt: skip
        self._past += events
        for topic in telling.topics:
            self._topics[topic.id] = (topic, [])
        for name, fingerprint in telling.members:
            self._topics[name][1].append(fingerprint)
        for name in telling.closed:
            self._topics.pop(name, None)
        for notice in telling.notices if count else ():
            self.sent[notice.target] = self.sent.get(notice.target, 0) + 1


def told(
    findings: Mapping[str, StoredFinding], events: Sequence[Event], start: datetime, mailbox: Mailbox | None
) -> Story:
    """The story that was told: the stored findings of a pair, and what happened to them since `start`, oldest first."""
    initial: dict[str, Status] = {}
    moved: set[str] = set()
    for event in events:
        if event.fingerprint not in moved and event.from_status is not None:
            initial[event.fingerprint] = event.from_status
        moved.add(event.fingerprint)
    still = {
        name: stored.status for name, stored in findings.items() if name not in moved and stored.first_seen <= start
    }
    initial |= still
    if mailbox is not None:
        _post(findings, initial, events, start, mailbox)
    return Story(findings, initial, tuple(events), mailbox.sent if mailbox else None)


def outcome(then: Story, now: Story, start: datetime, end: datetime, times: Sequence[datetime]) -> Outcome:
    """Where two stories of the time from `start` to `end` differ. `times` are those of its audits, oldest first.

    Places are compared, not fingerprints: these hold the rule, and another rule may well say the same."""
    ours, theirs = _places(then, start, end), _places(now, start, end)
    shifts: list[Shift] = []
    same = 0
    for place in sorted(ours.keys() | theirs.keys()):
        kind = _kind(ours.get(place), theirs.get(place), times)
        if kind is None:
            same += 1
        else:
            shifts.append(Shift(kind, place, ours.get(place), theirs.get(place)))
    order = list(ShiftKind)
    shifts.sort(key=lambda shift: (order.index(shift.kind), -shift.severity.rank, shift.place))
    return Outcome(
        tuple(shifts), same, _open(ours.values()), _open(theirs.values()),
        sum(said.news for said in ours.values()), sum(said.news for said in theirs.values()), then.sent, now.sent,
    )  # fmt: skip


def _kind(then: Said | None, now: Said | None, times: Sequence[datetime]) -> ShiftKind | None:
    if then is None:
        return ShiftKind.NEW
    if now is None:
        return ShiftKind.GONE
    if then.severity is not now.severity:
        return ShiftKind.SEVERITY
    earlier, later = sorted((then.opened, now.opened))
    # Stamps of one audit may be seconds apart.
    skipped = sum(1 for at in times if earlier <= at < later)
    return ShiftKind.TIME if skipped > 1 else None


def _places(story: Story, start: datetime, end: datetime) -> dict[Place, Said]:
    """What the story says of each place of which it says anything. Findings of one place are one."""
    spans: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    news: dict[str, int] = defaultdict(int)
    since = {name: start for name, status in story.initial.items() if status in _SAID}
    for event in story.events:
        name, said = event.fingerprint, event.to_status in _SAID
        if said and name not in since:
            since[name] = event.at
        elif not said and name in since:
            spans[name].append((since.pop(name), event.at))
        was = event.from_status in _SAID
        news[name] += event.to_status in _NEWS or (was and event.to_status is Status.RESOLVED)
    for name, at in since.items():
        spans[name].append((at, end))
    found: dict[Place, list[str]] = defaultdict(list)
    for name in spans:
        breach = story.findings[name].breach
        found[(breach.kind, breach.identity, breach.path)].append(name)
    return {place: _said(story, names, spans, news, since) for place, names in found.items()}


def _said(
    story: Story,
    names: Sequence[str],
    spans: Mapping[str, Sequence[tuple[datetime, datetime]]],
    news: Mapping[str, int],
    still: Mapping[str, datetime],
) -> Said:
    merged = _merged([span for name in names for span in spans[name]])
    last = max(names, key=lambda name: (spans[name][-1][1], _severity(story.findings[name].breach).rank, name))
    breach = story.findings[last].breach
    return Said(
        rule=breach.rule,
        severity=_severity(breach),
        opened=merged[0][0],
        open_for=sum((until - since for since, until in merged), timedelta(0)),
        news=sum(news[name] for name in names),
        still=any(name in still for name in names),
        message=breach.message,
    )


def _severity(breach: Breach) -> Severity:
    """As its rule says, whatever it rose to since."""
    return breach.escalated_from or breach.severity


def _merged(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    found: list[tuple[datetime, datetime]] = []
    for since, until in sorted(spans):
        if found and since <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((since, until))
    return found


def _open(said: Iterable[Said]) -> dict[Severity, int]:
    found = dict.fromkeys(Severity, 0)
    for one in said:
        found[one.severity] += one.still
    return found


def _post(
    findings: Mapping[str, StoredFinding],
    initial: Mapping[str, Status],
    events: Sequence[Event],
    start: datetime,
    mailbox: Mailbox,
) -> None:
    """Put what was told into the mailbox again: what stood at `start` as sent before, then audit by audit."""
    known = {name: replace(findings[name], status=status) for name, status in initial.items() if name in findings}
    standing = [stored for stored in known.values() if stored.status in _SAID]
    opened = [Event(one.fingerprint, start, None, "auditor", None, Status.OPEN, "") for one in standing]
    mailbox.tell(start, "before", standing, opened, {}, count=False)
    by_time: dict[tuple[datetime, str | None], list[Event]] = defaultdict(list)
    for event in events:
        by_time[(event.at, event.audit_id)].append(event)
    for (at, audit_id), group in by_time.items():
        before = dict(known)
        for event in group:
            known[event.fingerprint] = replace(findings[event.fingerprint], status=event.to_status)
        # What people acknowledge they would not acknowledge of another policy's findings.
        moved = [event for event in group if event.to_status is not Status.ACKNOWLEDGED]
        changed = [known[name] for name in {event.fingerprint: None for event in moved}]
        mailbox.tell(at, audit_id or f"act-{at.isoformat()}", changed, moved, before)


def _audit(audit_id: str, left: str, right: str, at: datetime) -> Audit:
    return Audit(audit_id, left, right, at, at, (), None, {}, Coverage(1.0, 0, 0, 0, 0, 0), (), ())
