"""Alertmanager (API v2) as a target: every open finding is an alert that fires for as long as it is open.

Alertmanager forgets an alert that nobody repeats, so the service repeats all of them every minute; one that ended is
posted once with its end. The same alert posted twice is one alert, so nothing has to be looked up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from auditor.codec import decode
from auditor.model import Severity, Status
from auditor.notices import News, NoticeKind, Queued
from auditor.publish.posting import client, post
from auditor.publish.spelling import brief, iso, path_text, plain

if TYPE_CHECKING:
    import httpx

    from auditor.life import StoredFinding
    from auditor.model import Json
    from auditor.notices import Conversation

EVERY = timedelta(minutes=1)
"""How often everything open is posted again."""
# Outlasts a change of leader and a short outage; after a longer one the alerts end by themselves and come back with us.
_LASTS = timedelta(minutes=10)
_MOST_PER_POST = 500
_FIRING = frozenset({Status.OPEN, Status.REGRESSED})


class Alertmanager:
    """Posts alerts to one Alertmanager. `page` is the address of this service, for links; None: there is none."""

    name = "alertmanager"

    def __init__(
        self,
        url: str,
        *,
        min_severity: Severity = Severity.HIGH,
        page: str | None = None,
        sender: httpx.Client | None = None,
    ) -> None:
        self._url = f"{url.rstrip('/')}/api/v2/alerts"
        self._least = min_severity
        self._page = page.rstrip("/") if page else None
        self._sender = sender or client()

    def close(self) -> None:
        """Let go of the connections."""
        self._sender.close()

    def deliver(self, queued: Queued, _conversation: Conversation | None, now: datetime) -> Json | None:
        """Post the alerts of what one notice tells."""
        if queued.notice.kind is not NoticeKind.DIGEST:
            news = decode(News, queued.notice.body)
            self._post([self._alert(change.finding, now) for change in news.changes], now)
        return None

    def refresh(self, findings: Iterable[StoredFinding], now: datetime) -> int:
        """Post every one that fires again; how many. Raises PublishError. To be called every minute by who leads."""
        firing = [
            stored
            for stored in findings
            if stored.status in _FIRING and stored.breach.severity.rank >= self._least.rank
        ]
        self._post([self._alert(stored, now) for stored in firing], now)
        return len(firing)

    def _post(self, alerts: Sequence[dict[str, Json]], now: datetime) -> None:
        headers = {"Content-Type": "application/json"}
        for start in range(0, len(alerts), _MOST_PER_POST):
            body = json.dumps(plain(alerts[start : start + _MOST_PER_POST]), allow_nan=False).encode("ascii")
            post(self._sender, self._url, body, headers, far="Alertmanager", now=now)

    def _alert(self, stored: StoredFinding, now: datetime) -> dict[str, Json]:
        breach = stored.breach
        left, right = breach.left.environment, breach.right.environment
        labels = {
            "alertname": "ParityFinding",
            "pair": f"{left}/{right}",
            "left": left,
            "right": right,
            "category": breach.category.value,
            "severity": breach.severity.value,
            "kind": breach.kind,
            "rule": breach.rule.id,
            "fingerprint": breach.fingerprint,
        }
        if breach.cause_key:
            labels["cause"] = breach.cause_key
        if breach.owner:
            labels["owner"] = brief(breach.owner)
        annotations = {
            "summary": brief(breach.message, 400),
            "description": breach.about,
            "remediation": breach.remediation,
            "resource": breach.right.identity or breach.left.identity or breach.identity,
            "path": path_text(breach.path),
        }
        alert: dict[str, Json] = {
            "labels": labels,
            "annotations": {name: text for name, text in annotations.items() if text},
            "startsAt": iso(stored.opened_at or stored.first_seen),
            "endsAt": iso(now + _LASTS if stored.status in _FIRING else now),
        }
        if self._page:
            alert["generatorURL"] = f"{self._page}/findings/{breach.fingerprint}"
        return alert
