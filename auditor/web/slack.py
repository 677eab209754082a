"""POST /slack/interactions: clicks, as Slack posts them where Socket Mode is not used; and what they do in the store."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qs

import structlog
from fastapi import APIRouter, Request, Response

from auditor import acts
from auditor.acts import ActError
from auditor.publish.slack.clicks import Clicks
from auditor.store import NotFoundError
from auditor.web.guard import body_of

if TYPE_CHECKING:
    import httpx

    from auditor.life import StoredFinding
    from auditor.model import Json
    from auditor.notify import Teller
    from auditor.publish.slack.entries import Look
    from auditor.settings import SlackSettings
    from auditor.store import Store
    from auditor.waivers import Waiver

PATH = "/slack/interactions"
# Slack's own payloads hold the message that was clicked on: some ten thousand characters.
_MOST_BYTES = 1_000_000

_log = structlog.get_logger(__name__)


class Verifies(Protocol):
    """Tells Slack's requests from others."""

    def accept(self, body: bytes, headers: Mapping[str, str]) -> bool: ...


class Takes(Protocol):
    """Takes a click over, to be done later; False where that is not possible now."""

    def take(self, payload: Json) -> bool: ...


def slack_router(signatures: Verifies, clicks: Takes) -> APIRouter:
    """What is not signed, too old or seen before is answered 401 and nothing else; a click at once, before it is done."""
    router = APIRouter()

    @router.post(PATH)
    async def interactions(request: Request) -> Response:
        body = await body_of(request, _MOST_BYTES)
        if not signatures.accept(body, request.headers):
            return Response(status_code=401)
        payload = _payload(body)
        if payload is None:
            return Response(status_code=400)
        # 503 where too many wait: Slack then shows the person that it did not work.
        return Response(status_code=200 if clicks.take(payload) else 503)

    return router


def clicks_of(
    store: Store,
    teller: Callable[[], Teller | None],
    slack: Callable[[], SlackSettings],
    look: Callable[[], Look],
    clock: Callable[[], datetime],
    sender: httpx.Client,
) -> Clicks:
    """What both ways in hand clicks to. Settings and look are asked at every click; only where Slack is holds for good."""
    return Clicks(
        StoreActs(store, teller),
        lambda: slack().actors,
        look,
        clock,
        sender,
        slack().api_url.get_secret_value(),
    )


class StoreActs:
    """Clicks as acts in the store. `teller` is asked at every act, so that a reload of the configuration holds."""

    def __init__(self, store: Store, teller: Callable[[], Teller | None]) -> None:
        self._store = store
        self._teller = teller

    def aimed(self, topic: str | None, fingerprints: Sequence[str]) -> Sequence[StoredFinding]:
        try:
            if topic is not None:
                return self._store.conversation(topic).findings
            return [self._store.finding(fingerprint) for fingerprint in fingerprints]
        except NotFoundError as error:
            raise ActError("what this message was about is not known any more") from error

    def acknowledge(self, fingerprints: Sequence[str], actor: str, now: datetime) -> Sequence[StoredFinding]:
        found = acts.acknowledge(self._store, fingerprints, actor, now, teller=self._teller())
        _log.info("Findings were acknowledged.", actor=actor, findings=len(found))
        return found

    def waive(
        self, fingerprints: Sequence[str], owner: str, reason: str, now: datetime, lasts: timedelta, origin: str
    ) -> Waiver:
        for known in self._store.waivers():
            if (known.owner, known.origin, known.created_at, known.reason) == (owner, origin, now, reason):
                return known
        waiver = acts.waive(self._store, fingerprints, owner, reason, now, lasts, origin, teller=self._teller())
        # The reason is a person's text: it is shown where the waiver is, and need not be in every log.
        _log.info("Findings were waived.", actor=owner, findings=len(waiver.fingerprints), waiver=waiver.id)
        return waiver


def _payload(body: bytes) -> Json | None:
    """The JSON in the form's `payload`."""
    try:
        fields = parse_qs(body.decode(), max_num_fields=10)
        return json.loads(fields["payload"][0])
    except (ValueError, KeyError, RecursionError):
        return None
