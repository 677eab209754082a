"""What tests of telling share: an audience, and a pair that is audited again and again as the pipeline does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from auditor.audiences import Audience
from auditor.codec import decode
from auditor.happenings import LOOKBACK
from auditor.life import Event, LifeResult, StoredFinding, live
from auditor.model import Audit, Breach, Coverage, Gap, GapReason, Severity
from auditor.notices import Change, Happening, News, Notice, Telling, Topic
from auditor.notify import Teller
from auditor.waivers import Waiver
from tests.store.samples import breach

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SLACK = Audience("slack", "#parity", Severity.MEDIUM, conversational=True)
HOOK = Audience("webhook", "hooks.example.com", Severity.INFO)


def gap(source: str = "aws:1", reason: GapReason = GapReason.THROTTLED) -> Gap:
    return Gap("staging", source, "aws.ecs.*", reason, "Rate exceeded")


def news(notice: Notice) -> News:
    """What a notice of changes says."""
    return decode(News, notice.body)


def said(notice: Notice) -> list[tuple[str, Happening]]:
    """Each finding's name and what became of it, as a notice tells it."""
    return [(change.finding.fingerprint.removeprefix("fp-"), change.happening) for change in news(notice).changes]


class World:
    """Findings, events, topics and gaps of staging and prod in memory: what the store would hold."""

    def __init__(self, *audiences: Audience) -> None:
        self.teller = Teller(audiences or (SLACK,))
        self.findings: dict[str, StoredFinding] = {}
        self.events: list[Event] = []
        self.topics: dict[str, tuple[Topic, set[str]]] = {}
        self.gaps: Sequence[Gap] | None = None
        self.now = NOON
        self.waived: set[str] = set()
        self.number = 0

    def audit(self, *breaches: Breach, gaps: Sequence[Gap] = (), after: timedelta = timedelta(minutes=15)) -> Telling:
        """One more audit `after` the last one, that finds just these."""
        self.now += after if self.number else timedelta(0)
        self.number += 1
        audit_id = f"audit-{self.number}"
        life = live(self.findings, breaches, lambda _: True, self.now, audit_id, self._waiver)
        history = [event for event in self.events if event.at >= self.now - LOOKBACK]
        telling = self.teller.tell_audit(
            self._audit(audit_id, life, gaps), life, self.findings, self.gaps, self.open(), self.now, history
        )
        self.findings.update({stored.fingerprint: stored for stored in life.updated})
        self.events += life.events
        self.gaps = gaps
        self._keep(telling)
        return telling

    def act(self, happening: Happening, name: str, actor: str = "ana") -> Telling:
        """One person does something to one finding."""
        self.now += timedelta(minutes=1)
        change = Change(happening, self.findings[f"fp-{name}"], self.now, "known", actor)
        telling = self.teller.tell_acts("staging", "prod", [change], self.open(), self.now)
        self._keep(telling)
        return telling

    def open(self) -> list[tuple[Topic, tuple[str, ...]]]:
        """The topics that are not closed."""
        return [(topic, tuple(members)) for topic, members in self.topics.values() if topic.closed_at is None]

    def accept(self) -> None:
        """The far side has taken every first message."""
        for name, (topic, members) in self.topics.items():
            self.topics[name] = (replace(topic, reference={"ts": name}), members)

    def _waiver(self, found: Breach) -> Waiver | None:
        if found.fingerprint not in self.waived:
            return None
        return Waiver("w", "ana", "known", self.now, self.now + timedelta(days=9), "cli", (found.fingerprint,))

    def _keep(self, telling: Telling) -> None:
        for topic in telling.topics:
            assert topic.id not in self.topics
            self.topics[topic.id] = (topic, set())
        for name, fingerprint in telling.members:
            self.topics[name][1].add(fingerprint)
        for name in telling.closed:
            topic, members = self.topics[name]
            self.topics[name] = (replace(topic, closed_at=self.now), members)

    def _audit(self, audit_id: str, life: LifeResult, gaps: Sequence[Gap]) -> Audit:
        return Audit(
            id=audit_id,
            left="staging",
            right="prod",
            started_at=self.now,
            finished_at=self.now,
            policies=("default",),
            score=0.5,
            scores={},
            coverage=Coverage(1.0, 1, 1, 1, 0, 0),
            findings=life.findings,
            gaps=tuple(gaps),
        )


def several(count: int, **changes: object) -> list[Breach]:
    """As many breaches, which have nothing in common but what `changes` says."""
    return [breach(f"n{number:03}", **changes) for number in range(count)]
