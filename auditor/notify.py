"""Decides whom to tell what: what an audit or a person changed -> topics and notices, each with its reason. Pure.

At a conversational target one topic stands for one cause in one pair; what becomes of its findings later follows into
it. The others get one event per audit. `docs/notifications.md` says the rules in a person's words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from auditor.audiences import Audience, audiences
from auditor.codec import encode
from auditor.happenings import Happenings, gap_changes, happenings, worst_first
from auditor.model import Gap
from auditor.notices import GAPS, Change, Decision, News, Notice, NoticeKind, Telling, Topic, Why, stable_id
from auditor.topics import Desk, Occasion

if TYPE_CHECKING:
    from auditor.life import Event, LifeResult, StoredFinding
    from auditor.model import Audit
    from auditor.settings import PublishSettings

OpenTopics = Sequence[tuple[Topic, tuple[str, ...]]]


class Teller:
    """Whom to tell, as configured. Knows no clock and no store: the same arguments give the same ids."""

    def __init__(self, told: Sequence[Audience]) -> None:
        self.audiences = tuple(told)

    def tell_audit(
        self,
        audit: Audit,
        life: LifeResult,
        previous: Mapping[str, StoredFinding],
        previous_gaps: Sequence[Gap] | None,
        topics: OpenTopics,
        now: datetime,
        history: Sequence[Event] = (),
    ) -> Telling:
        """What to tell of an audit.

        previous       the findings it started from, by fingerprint
        previous_gaps  those of the pair's audit before, None where there was none
        topics         the pair's topics that are not closed, with their fingerprints
        history        the pair's events since `happenings.LOOKBACK` before `now`
        """
        found = happenings(life, previous, history, now)
        opened, closed = gap_changes(previous_gaps or (), audit.gaps)
        news = News(
            left=audit.left,
            right=audit.right,
            at=now,
            audit_id=audit.id,
            score=audit.score,
            coverage=audit.coverage.ratio,
            complete=audit.complete,
            new_gaps=opened,
            closed_gaps=closed,
        )
        after = {**previous, **{stored.fingerprint: stored for stored in life.updated}}
        return self._tell(Occasion(audit.id, now, news, found, after, bool(audit.gaps)), topics)

    def tell_acts(
        self,
        left: str,
        right: str,
        changes: Sequence[Change],
        topics: OpenTopics,
        now: datetime,
        last: Audit | None = None,
    ) -> Telling:
        """What to tell of what people did: each change with its actor. `last` is the pair's last audit."""
        found = Happenings(worst_first(changes))
        news = News(
            left=left,
            right=right,
            at=now,
            audit_id=last.id if last else None,
            score=last.score if last else None,
            coverage=last.coverage.ratio if last else None,
            complete=last.complete if last else False,
        )
        after = {change.finding.fingerprint: change.finding for change in changes}
        return self._tell(Occasion(_act_id(left, right, changes, now), now, news, found, after, None), topics)

    def _tell(self, occasion: Occasion, topics: OpenTopics) -> Telling:
        telling = Telling(decisions=occasion.found.left_out)
        for audience in self.audiences:
            if audience.conversational:
                mine = [(topic, members) for topic, members in topics if audience.owns(topic.target)]
                part = Desk(audience, occasion, mine).telling()
            else:
                part = _event(audience, occasion)
            telling = _joined(telling, part)
        return telling


def teller_of(publish: PublishSettings) -> Teller | None:
    """The teller that a configuration asks for, None where it names nobody to tell."""
    told = audiences(publish)
    return Teller(told) if told else None


def _event(audience: Audience, occasion: Occasion) -> Telling:
    """Everything that concerns the audience as one notice. Machines keep count themselves, so flapping is not kept back."""
    target = f"{audience.publisher}:{audience.address}"
    decisions: list[Decision] = []
    told: list[Change] = []
    for change in occasion.found.changes:
        enough = change.finding.breach.severity.rank >= audience.min_severity.rank
        why = Why.EVENT if enough else Why.BELOW
        decisions.append(Decision(change.finding.fingerprint, change.happening, target, enough, why))
        if enough:
            told.append(change)
    news = replace(occasion.news, changes=tuple(told))
    if news.new_gaps or news.closed_gaps:
        why = Why.EVENT if audience.gaps else Why.NO_GAPS_HERE
        decisions.append(Decision(GAPS, None, target, audience.gaps, why))
        if not audience.gaps:
            news = replace(news, new_gaps=(), closed_gaps=())
    if not (told or news.new_gaps or news.closed_gaps):
        return Telling(decisions=tuple(decisions))
    notice = Notice(
        id=stable_id(target, occasion.id, "event"),
        target=target,
        kind=NoticeKind.EVENT,
        topic=None,
        created_at=occasion.at,
        not_before=occasion.at,
        body=encode(news),
    )
    return Telling(notices=(notice,), decisions=tuple(decisions))


def _act_id(left: str, right: str, changes: Iterable[Change], now: datetime) -> str:
    """The same for the same acts at the same time."""
    acts = sorted(f"{change.finding.fingerprint}\x1f{change.happening}\x1f{change.actor}" for change in changes)
    body = "\x1e".join((left, right, now.isoformat(), *acts))
    return f"act-{hashlib.sha256(body.encode()).hexdigest()[:24]}"


def _joined(one: Telling, other: Telling) -> Telling:
    return Telling(
        topics=(*one.topics, *other.topics),
        closed=(*one.closed, *other.closed),
        members=(*one.members, *other.members),
        notices=(*one.notices, *other.notices),
        decisions=(*one.decisions, *other.decisions),
    )
