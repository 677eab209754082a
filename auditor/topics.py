"""Which conversation each change belongs to, at one conversational target: the one it follows, or a new one. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from auditor.audiences import Audience
from auditor.codec import encode
from auditor.happenings import ENDING, Happenings, worst_first
from auditor.life import StoredFinding
from auditor.model import Status
from auditor.notices import GAPS, Change, Decision, Happening, News, Notice, NoticeKind, Telling, Topic, Why, stable_id

MOST_TOPICS = 5
"""So many new topics at one target and time; where there would be more, one is opened for all that is new."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """One audit, or what one person did at one time.

    news   what is known of it, without the changes; all gaps that came and went
    after  the pair's findings as they are now, by fingerprint; only those concerned where a person acted
    gaps   whether the audit has any gap; None where it was no audit
    """

    id: str
    at: datetime
    news: News
    found: Happenings
    after: Mapping[str, StoredFinding]
    gaps: bool | None


class Desk:
    """Sorts the changes of one occasion into the topics of one audience."""

    def __init__(self, audience: Audience, occasion: Occasion, topics: Sequence[tuple[Topic, tuple[str, ...]]]) -> None:
        self._audience = audience
        self._occasion = occasion
        self._topics = {topic.id: topic for topic, _ in topics}
        self._members = {topic.id: set(members) for topic, members in topics}
        self._quiet_until = audience.quiet.until(occasion.at) if audience.quiet else None
        self._new: dict[str, Topic] = {}
        self._added: list[tuple[str, str]] = []
        self._said: dict[str, list[Change]] = defaultdict(list)
        self._decisions: list[Decision] = []

    def telling(self) -> Telling:
        """Everything that this audience is told."""
        fresh: dict[str, list[Change]] = defaultdict(list)
        for change in self._occasion.found.changes:
            target = self._follow(change)
            if target is not None:
                fresh[target].append(change)
        for target, changes in sorted(fresh.items()):
            self._open(target, self._join(target, changes))
        closed = [*self._finished()]
        notices = [self._notice(topic, changes) for topic, changes in self._said.items()]
        gap_topics, gap_closed, gap_notices = self._gaps()
        return Telling(
            topics=(*self._new.values(), *gap_topics),
            closed=(*closed, *gap_closed),
            members=tuple(self._added),
            notices=(*notices, *gap_notices),
            decisions=tuple(self._decisions),
        )

    def _follow(self, change: Change) -> str | None:
        """Say the change where its finding was told. The target at which it is still to be told, if there is one."""
        fingerprint = change.finding.fingerprint
        homes = self._homes(fingerprint)
        if fingerprint in self._occasion.found.calmed:
            for target in homes or (None,):
                self._decide(change, target, Why.FLAPS, told=False)
            return None
        moved = []
        for target, topic in homes.items():
            if self._unreachable(topic) and self._urgent(change):
                moved.append(target)
            else:
                self._say(topic.id, change, Why.FOLLOWS)
        if moved:
            # The first message waits for the end of the quiet hours, and a reply cannot come before it.
            return moved[0]
        if change.happening in ENDING:
            if not homes:
                self._decide(change, None, Why.NEVER_TOLD, told=False)
            return None
        if homes and change.happening is not Happening.ESCALATED:
            return None
        target = self._audience.target(change.finding.breach)
        if target in homes:
            return None
        if change.finding.breach.severity.rank < self._audience.min_severity.rank:
            if not homes:
                self._decide(change, target, Why.BELOW, told=False)
            return None
        return target

    def _homes(self, fingerprint: str) -> dict[str, Topic]:
        """The newest topic of the finding at each target."""
        own = [self._topics[name] for name, members in self._members.items() if fingerprint in members]
        return {topic.target: topic for topic in sorted(own, key=lambda topic: (topic.opened_at, topic.id))}

    def _join(self, target: str, changes: Sequence[Change]) -> list[Change]:
        """Say those changes whose cause has a topic already; the others are returned."""
        left: list[Change] = []
        for change in changes:
            topic = self._topic_of_cause(target, change)
            if topic is None:
                left.append(change)
            else:
                self._belong(topic.id, change)
                self._say(topic.id, change, Why.JOINS)
        return left

    def _topic_of_cause(self, target: str, change: Change) -> Topic | None:
        key = change.finding.breach.cause_key
        if key is None:
            return None
        for topic in self._topics.values():
            if topic.target != target or (self._unreachable(topic) and self._urgent(change)):
                continue
            if topic.cause_key == key or any(
                self._occasion.after[member].breach.cause_key == key
                for member in self._members[topic.id]
                if member in self._occasion.after
            ):
                return topic
        return None

    def _open(self, target: str, changes: Sequence[Change]) -> None:
        """New topics: one per cause, and one for each finding that has none; one for all where there would be too many."""
        parts: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            parts[change.finding.breach.cause_key or change.finding.fingerprint].append(change)
        if len(parts) > MOST_TOPICS:
            self._open_one(target, "all", None, self._gathered_title(changes), changes, Why.GATHERED)
            return
        for key, members in parts.items():
            breach = members[0].finding.breach
            self._open_one(target, key, breach.cause_key, breach.cause or breach.message, members, Why.OPENS)

    def _open_one(
        self, target: str, key: str, cause_key: str | None, title: str, changes: Sequence[Change], why: Why
    ) -> None:
        news = self._occasion.news
        topic = Topic(
            id=stable_id(target, self._occasion.id, "topic", key),
            target=target,
            left=news.left,
            right=news.right,
            cause_key=cause_key,
            title=title,
            opened_at=self._occasion.at,
        )
        self._new[topic.id] = topic
        self._topics[topic.id] = topic
        self._members[topic.id] = set()
        for change in changes:
            self._belong(topic.id, change)
            self._say(topic.id, change, why)

    def _gathered_title(self, changes: Sequence[Change]) -> str:
        news = self._occasion.news
        new = "new " if all(change.happening is Happening.NEW for change in changes) else ""
        return f"{len(changes)} {new}findings in {news.left} against {news.right}"

    def _finished(self) -> list[str]:
        """Topics of which every finding is resolved. One that goes on flapping keeps its topic."""
        done: list[str] = []
        if self._occasion.gaps is None:
            return done
        for name, members in self._members.items():
            known = [self._occasion.after[member] for member in members if member in self._occasion.after]
            if self._topics[name].cause_key == GAPS or not known or not _all_resolved(known):
                continue
            if members & self._occasion.found.flapping:
                continue
            if name not in self._said:
                # What flapped went away unsaid: it has stayed away, so that is said now.
                changes = [
                    Change(Happening.RESOLVED, stored, self._occasion.at, "gone, and did not come back", "auditor")
                    for stored in known
                ]
                for change in worst_first(changes):
                    self._say(name, change, Why.CALM_AGAIN)
            done.append(name)
        return done

    def _gaps(self) -> tuple[list[Topic], list[str], list[Notice]]:
        """What can and what cannot be observed any more: a topic of its own, told once per change."""
        news = self._occasion.news
        if self._occasion.gaps is None:
            return [], [], []
        standing = [topic for topic in self._topics.values() if topic.cause_key == GAPS]
        changed = bool(news.new_gaps or news.closed_gaps)
        opened: list[Topic] = []
        if news.new_gaps and not standing:
            target = self._audience.target_of_pair(news.left, news.right)
            title = f"{news.left} against {news.right} is incomplete: not everything could be observed"
            topic = Topic(
                stable_id(target, self._occasion.id, "topic", GAPS),
                target,
                news.left,
                news.right,
                GAPS,
                title,
                self._occasion.at,
            )
            opened.append(topic)
        told = [*standing, *opened] if changed else []
        closed = [] if self._occasion.gaps else [topic.id for topic in standing]
        notices = []
        for topic in told:
            why = Why.OPENS if opened else Why.FOLLOWS
            self._decisions.append(Decision(GAPS, None, topic.target, True, why))
            notices.append(self._made(topic, NoticeKind.OPEN if opened else NoticeKind.REPLY, news, urgent=False))
        if changed and not told:
            self._decisions.append(Decision(GAPS, None, None, False, Why.NEVER_TOLD))
        return opened, closed, notices

    def _notice(self, topic_id: str, changes: Sequence[Change]) -> Notice:
        news = replace(self._occasion.news, changes=worst_first(changes), new_gaps=(), closed_gaps=())
        kind = NoticeKind.OPEN if topic_id in self._new else NoticeKind.REPLY
        return self._made(self._topics[topic_id], kind, news, urgent=any(map(self._urgent, changes)))

    def _made(self, topic: Topic, kind: NoticeKind, news: News, *, urgent: bool) -> Notice:
        at = self._occasion.at
        return Notice(
            id=stable_id(topic.target, self._occasion.id, topic.id),
            target=topic.target,
            kind=kind,
            topic=topic.id,
            created_at=at,
            not_before=at if urgent or self._quiet_until is None else self._quiet_until,
            body=encode(news),
        )

    def _urgent(self, change: Change) -> bool:
        """Whether the change may be told in quiet hours. That something ended can always wait."""
        quiet = self._audience.quiet
        return (
            quiet is not None
            and change.happening not in ENDING
            and change.finding.breach.severity.rank >= quiet.unless.rank
        )

    def _unreachable(self, topic: Topic) -> bool:
        """Whether the first message of the topic waits for the end of these very quiet hours."""
        quiet = self._audience.quiet
        if quiet is None or self._quiet_until is None or topic.reference is not None or topic.id in self._new:
            return False
        return quiet.until(topic.opened_at) == self._quiet_until

    def _belong(self, topic_id: str, change: Change) -> None:
        self._members[topic_id].add(change.finding.fingerprint)
        self._added.append((topic_id, change.finding.fingerprint))

    def _say(self, topic_id: str, change: Change, why: Why) -> None:
        self._said[topic_id].append(change)
        self._decide(change, self._topics[topic_id].target, why, told=True)

    def _decide(self, change: Change, target: str | None, why: Why, *, told: bool) -> None:
        self._decisions.append(Decision(change.finding.fingerprint, change.happening, target, told, why))


def _all_resolved(known: Sequence[StoredFinding]) -> bool:
    return all(stored.status is Status.RESOLVED for stored in known)
