"""A webhook: every change as a CloudEvent (specification 1.0, structured mode, JSON), signed where a secret is shared.

The far side tells repetitions by the event's id, which is in the header `Idempotency-Key` too: whatever breaks, the same
event has the same id.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime
from typing import TYPE_CHECKING

from auditor.codec import decode
from auditor.notices import News, NoticeKind, Queued
from auditor.publish.json_report import SCHEMA, finding_object, gap_object
from auditor.publish.posting import client, post
from auditor.publish.spelling import iso, plain

if TYPE_CHECKING:
    import httpx

    from auditor.model import Json
    from auditor.notices import Change, Conversation

TYPE = "io.parity-auditor.findings.changed.v1"
DEFAULT_SOURCE = "parity-auditor"


class Webhook:
    """Posts events to one URL. `source` is the event's source: the address of this service, where it is known."""

    name = "webhook"

    def __init__(
        self, url: str, *, secret: str | None = None, source: str = DEFAULT_SOURCE, sender: httpx.Client | None = None
    ) -> None:
        self._url = url
        self._secret = secret
        self._source = source
        self._sender = sender or client()

    def close(self) -> None:
        """Let go of the connections."""
        self._sender.close()

    def deliver(self, queued: Queued, _conversation: Conversation | None, now: datetime) -> Json | None:
        """Post one event. It cannot be looked up over there, so in doubt it is posted again under the same id."""
        if queued.notice.kind is NoticeKind.DIGEST:
            return None
        body = self._event(queued)
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "Idempotency-Key": queued.notice.id,
        }
        if self._secret is not None:
            timestamp = str(int(now.timestamp()))
            headers["X-Parity-Timestamp"] = timestamp
            headers["X-Parity-Signature"] = f"v1={signature(self._secret, timestamp, body)}"
        post(self._sender, self._url, body, headers, far="the webhook", now=now)
        return None

    def _event(self, queued: Queued) -> bytes:
        notice = queued.notice
        news = decode(News, notice.body)
        event = {
            "specversion": "1.0",
            "id": notice.id,
            "type": TYPE,
            "source": self._source,
            "subject": f"{news.left}/{news.right}",
            "time": iso(notice.created_at),
            "datacontenttype": "application/json",
            "data": news_object(news),
        }
        return json.dumps(plain(event), separators=(",", ":"), allow_nan=False).encode("ascii")


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA-256 over timestamp, a full stop and the body, as 64 hexadecimal characters."""
    return hmac.new(secret.encode(), timestamp.encode("ascii") + b"." + body, hashlib.sha256).hexdigest()


def news_object(news: News) -> dict[str, Json]:
    """News as plain JSON values; findings and gaps as in the JSON report."""
    return {
        "schema": SCHEMA,
        "left": news.left,
        "right": news.right,
        "audit": news.audit_id,
        "score": news.score,
        "coverage": news.coverage,
        "outcome": "complete" if news.complete else "incomplete",
        "changes": [_change_object(change) for change in news.changes],
        "new_gaps": [gap_object(gap) for gap in news.new_gaps],
        "closed_gaps": [gap_object(gap) for gap in news.closed_gaps],
    }


def _change_object(change: Change) -> dict[str, Json]:
    return {
        "happening": change.happening.value,
        "at": iso(change.at),
        "actor": change.actor,
        "reason": change.reason,
        "finding": {
            **finding_object(change.finding.finding),
            "owner": change.finding.breach.owner,
            "cause_key": change.finding.breach.cause_key,
        },
    }
