"""A notice in a few words: what it tells, and how far it got."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from auditor.codec import decode
from auditor.notices import Delivery, News, NoticeKind

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.notices import Notice, Queued


def about(notice: Notice) -> str:
    """`2 new, 1 resolved in staging against prod`."""
    if notice.kind is NoticeKind.DIGEST:
        return "digest"
    news = decode(News, notice.body)
    counts = [f"{number} {what}" for what, number in Counter(change.happening for change in news.changes).items()]
    if news.new_gaps:
        counts.append(f"{len(news.new_gaps)} not observed")
    if news.closed_gaps:
        counts.append(f"{len(news.closed_gaps)} observed again")
    return f"{', '.join(counts)} in {news.left} against {news.right}"


def state(queued: Queued, now: datetime) -> str:
    """`delivered`, `failed`, `pending`; `waits` for its time, or `in doubt` where an attempt did not say how it ended."""
    if queued.state is Delivery.PENDING and not queued.ended:
        return "in doubt"
    return "waits" if queued.state is Delivery.PENDING and queued.notice.not_before > now else queued.state.value
