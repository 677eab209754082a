"""The outbox: topics and notices, stored with what they tell, handed out in order, marked when the far side has them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, insert, or_, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from auditor.codec import canonical, decode, encode
from auditor.model import Json
from auditor.notices import Conversation, Delivery, Notice, NoticeKind, Queued, Telling, Topic
from auditor.store import audits, blobs, findings
from auditor.store.database import one_at_a_time
from auditor.store.errors import ConflictError, NotFoundError
from auditor.store.tables import NoticeRow, TopicMemberRow, TopicRow

PENDING = text("notices.state = 'pending'")
FAILED = text("notices.state = 'failed'")
_OPENING = aliased(NoticeRow, name="opening")
_OPENING_IS_PENDING = text("opening.state = 'pending' AND opening.kind = 'open'")


@dataclass(frozen=True, slots=True)
class _Body:
    """Of a topic, what nothing searches for."""

    cause_key: str | None
    title: str


def tell(session: Session, telling: Telling, at: datetime) -> None:
    """Add `telling` to the outbox. `at` closes topics that are closed without a notice.

    Raises ConflictError for a new topic that is there already, and for one to go on with that was closed meanwhile. A
    notice that is there already stays as it is."""
    if telling.topics:
        _insert_topics(session, telling.topics)
    _hold_open(session, telling)
    members = [{"topic": topic, "fingerprint": fingerprint} for topic, fingerprint in sorted(set(telling.members))]
    blobs.insert_new(session, TopicMemberRow, members)
    if telling.notices:
        one_at_a_time(session)
        blobs.insert_new(session, NoticeRow, [_notice_row(notice) for notice in telling.notices])
    told = {notice.topic: notice.created_at for notice in telling.notices}
    for topic in telling.closed:
        statement = update(TopicRow).where(TopicRow.id == topic, TopicRow.closed_at.is_(None))
        session.execute(statement.values(closed_at=told.get(topic, at)))


def topics(session: Session, left: str, right: str) -> tuple[tuple[Topic, tuple[str, ...]], ...]:
    """The pair's topics that are not closed, the oldest first, each with its fingerprints, sorted."""
    mine = (TopicRow.left_environment == left, TopicRow.right_environment == right, TopicRow.closed_at.is_(None))
    members: dict[str, list[str]] = defaultdict(list)
    belonging = select(TopicMemberRow).join(TopicRow, TopicRow.id == TopicMemberRow.topic).where(*mine)
    for member in session.scalars(belonging.order_by(TopicMemberRow.fingerprint)):
        members[member.topic].append(member.fingerprint)
    rows = session.scalars(select(TopicRow).where(*mine).order_by(TopicRow.opened_at, TopicRow.id))
    return tuple((_topic(row), tuple(members[row.id])) for row in rows)


def conversation(session: Session, topic_id: str) -> Conversation:
    row = session.get(TopicRow, topic_id)
    if row is None:
        raise NotFoundError(f"store: there is no topic {topic_id!r}")
    topic = _topic(row)
    members = findings.of_topic(session, topic_id)
    gaps = audits.last_gaps(session, topic.left, topic.right) if topic.cause_key == "gaps" else ()
    return Conversation(topic, members, gaps)


def due(session: Session, now: datetime, limit: int) -> tuple[Queued, ...]:
    """What may be sent now: of each target the first ones in order, as far as nothing before them has to wait.

    Of many targets each gets its share of `limit`, so one that is swamped starves none."""
    arrived = (PENDING, _has_come(NoticeRow, now))
    found: list[tuple[int, int]] = []
    for target in session.scalars(select(NoticeRow.target).where(*arrived).distinct()).all():
        rows = session.execute(
            select(NoticeRow.sequence, NoticeRow.next_at, NoticeRow.attempted_at, _opening_is_pending())
            .where(NoticeRow.target == target, *arrived, ~opening_is_held(now))
            .order_by(NoticeRow.sequence)
            .limit(limit)
        )
        for place, (sequence, next_at, attempted_at, lacks_opening) in enumerate(rows):
            # An attempt in the future was made before the clock was set back, and so was its wish to wait.
            waits = next_at is not None and next_at > now and (attempted_at is None or attempted_at <= now)
            if lacks_opening or waits:
                break
            found.append((place, sequence))
    chosen = [sequence for _, sequence in sorted(found)[:limit]]
    statement = select(NoticeRow).where(NoticeRow.sequence.in_(chosen)).order_by(NoticeRow.sequence)
    return tuple(_queued(row) for row in session.scalars(statement))


def opening_is_held(now: datetime) -> ColumnElement[bool]:
    """Whether a notice waits for its topic's first one, which quiet hours hold back."""
    return exists().where(
        _OPENING_IS_PENDING,
        _OPENING.topic == NoticeRow.topic,
        _OPENING.sequence != NoticeRow.sequence,
        ~_has_come(_OPENING, now),
    )


def _has_come(notice: Any, now: datetime) -> ColumnElement[bool]:
    """Whether nothing holds the notice back. One that was due when it was made stays so when the clock is set back."""
    return or_(notice.not_before <= now, and_(notice.created_at > now, notice.not_before <= notice.created_at))


def _opening_is_pending() -> ColumnElement[bool]:
    return exists().where(
        _OPENING_IS_PENDING, _OPENING.topic == NoticeRow.topic, _OPENING.sequence != NoticeRow.sequence
    )


def begin(session: Session, notice_id: str, now: datetime, attempts: int) -> bool:
    result = session.execute(
        update(NoticeRow)
        .where(NoticeRow.id == notice_id, NoticeRow.state == Delivery.PENDING.value, NoticeRow.attempts == attempts)
        .values(attempts=attempts + 1, attempted_at=now, ended=False, next_at=None)
        .execution_options(synchronize_session=False)
    )
    return _count(result) == 1


def delivered(session: Session, notice_id: str, now: datetime, reference: Json | None) -> None:
    """The far side has it. True whatever else was said of it before."""
    row = _locked(session, notice_id)
    if row.state == Delivery.DELIVERED:
        return
    row.state = Delivery.DELIVERED.value
    row.ended, row.delivered_at, row.next_at, row.error = True, now, None, None
    row.reference = _json(reference)
    if row.kind == NoticeKind.OPEN and row.topic is not None and reference is not None:
        session.execute(update(TopicRow).where(TopicRow.id == row.topic).values(reference=_json(reference)))


def refused(
    session: Session,
    notice_id: str,
    error: str,
    *,
    attempts: int | None,
    permanent: bool,
    next_at: datetime | None,
    doubt: bool,
) -> bool:
    """The far side does not have it, or with `doubt` perhaps. One that was delivered or given up meanwhile stays so.

    False: that changed nothing, because it was pending no more, or tried again since the attempt of that number."""
    row = _locked(session, notice_id)
    if row.state != Delivery.PENDING or attempts not in (None, row.attempts):
        return False
    row.ended, row.error = not doubt, _storable(error)
    row.next_at = None if permanent else next_at
    if permanent:
        row.state = Delivery.FAILED.value
    return True


def requeue(row: NoticeRow, now: datetime) -> None:
    if row.state == Delivery.DELIVERED:
        raise ConflictError(f"store: notice {row.id} was delivered; there is nothing to send again")
    if row.state == Delivery.FAILED:
        row.state = Delivery.PENDING.value
        row.attempts, row.next_at = 0, now


def listed(session: Session, state: Delivery | None, limit: int | None) -> tuple[Queued, ...]:
    statement = select(NoticeRow).order_by(NoticeRow.sequence.desc()).limit(limit)
    if state is not None:
        statement = statement.where(text(f"notices.state = '{state.value}'"))
    return tuple(_queued(row) for row in session.scalars(statement))


def _insert_topics(session: Session, opened: Sequence[Topic]) -> None:
    try:
        session.execute(insert(TopicRow), [_topic_row(topic) for topic in opened])
    except IntegrityError as error:
        pair = f"{opened[0].left} and {opened[0].right}"
        raise ConflictError(
            f"store: the topic was opened by somebody else at the same time ({pair}); nothing was written: run it again"
        ) from error


def _hold_open(session: Session, telling: Telling) -> None:
    """Keep the topics that `telling` goes on with from being closed before it is committed."""
    named = {topic for topic, _ in telling.members} | {notice.topic for notice in telling.notices if notice.topic}
    older = named - {topic.id for topic in telling.topics}
    for chunk in blobs.chunks(sorted(older)):
        still = select(TopicRow.id).where(TopicRow.id.in_(chunk), TopicRow.closed_at.is_(None)).order_by(TopicRow.id)
        older.difference_update(session.scalars(still.with_for_update(key_share=True)))
    if older:
        raise ConflictError(
            f"store: topic {min(older)} is not open any more; nothing was written: read the topics again"
        )


def _locked(session: Session, notice_id: str) -> NoticeRow:
    row = session.scalars(select(NoticeRow).where(NoticeRow.id == notice_id).with_for_update()).first()
    if row is None:
        raise NotFoundError(f"store: there is no notice {notice_id!r}")
    return row


def _topic_row(topic: Topic) -> dict[str, Any]:
    return {
        "id": topic.id,
        "target": topic.target,
        "left_environment": topic.left,
        "right_environment": topic.right,
        "opened_at": topic.opened_at,
        "closed_at": topic.closed_at,
        "reference": _json(topic.reference),
        "body": blobs.pack(encode(_Body(topic.cause_key, topic.title))),
    }


def _topic(row: TopicRow) -> Topic:
    body = decode(_Body, json.loads(blobs.decompress(row.body)))
    return Topic(
        id=row.id,
        target=row.target,
        left=row.left_environment,
        right=row.right_environment,
        cause_key=body.cause_key,
        title=body.title,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        reference=_loaded(row.reference),
    )


def _notice_row(notice: Notice) -> dict[str, Any]:
    return {
        "id": notice.id,
        "target": notice.target,
        "kind": notice.kind.value,
        "topic": notice.topic,
        "created_at": notice.created_at,
        "not_before": notice.not_before,
        "state": Delivery.PENDING.value,
        "attempts": 0,
        "ended": True,
        "body": blobs.pack(notice.body),
    }


def _queued(row: NoticeRow) -> Queued:
    return Queued(
        notice=Notice(
            id=row.id,
            target=row.target,
            kind=NoticeKind(row.kind),
            topic=row.topic,
            created_at=row.created_at,
            not_before=row.not_before,
            body=json.loads(blobs.decompress(row.body)),
        ),
        state=Delivery(row.state),
        sequence=row.sequence,
        attempts=row.attempts,
        attempted_at=row.attempted_at,
        ended=row.ended,
        next_at=row.next_at,
        error=row.error,
        reference=_loaded(row.reference),
        delivered_at=row.delivered_at,
    )


def _json(value: Json | None) -> str | None:
    return None if value is None else canonical(value).decode("ascii")


def _loaded(text_: str | None) -> Json | None:
    return None if text_ is None else json.loads(text_)


def _storable(message: str) -> str:
    """What a far side said, without what a text column refuses: NUL, and halves of characters."""
    return message.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")


def _count(result: Any) -> int:
    return int(result.rowcount)
