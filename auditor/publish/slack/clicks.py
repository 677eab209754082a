"""Takes clicks off the hands of whoever received them, and does what they ask for in the background.

Slack wants an answer within three seconds; recording an act may take longer, and its outcome is told afterwards.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from auditor.errors import AuditorError
from auditor.publish.posting import post
from auditor.publish.slack.interactions import Acts, Answer, handle

if TYPE_CHECKING:
    import httpx

    from auditor.model import Json
    from auditor.publish.slack.entries import Look

_log = logging.getLogger(__name__)
_HOOKS = "hooks.slack.com"
_MOST_WAITING = 200
_MOST_REMEMBERED = 1_000


class Clicks:
    """Does what clicks ask for, a few at a time. Close it when nobody receives any more.

    actors, look   asked at every click, so that a reload of the configuration holds for the next one
    sender         posts the outcome; it follows no redirection
    api_url        where Slack is: besides hooks.slack.com the only host that an outcome is posted to
    """

    def __init__(
        self,
        acts: Acts,
        actors: Callable[[], Sequence[str]],
        look: Callable[[], Look],
        clock: Callable[[], datetime],
        sender: httpx.Client,
        api_url: str,
    ) -> None:
        self._acts, self._actors, self._look, self._clock = acts, actors, look, clock
        self._sender = sender
        self._api_url = api_url
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="slack-clicks")
        self._room = BoundedSemaphore(_MOST_WAITING)
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    def close(self) -> None:
        """Do what was taken, then stop."""
        self._pool.shutdown(wait=True)

    def take(self, payload: Json) -> bool:
        """Take a click over; it is done later. False where too many wait, or this was closed. One sent twice is done once."""
        key = _key(payload)
        if not self._is_new(key):
            return True
        if not self._room.acquire(blocking=False):
            self._forget(key)
            return False
        try:
            task = self._pool.submit(self._do, payload)
        except RuntimeError:
            # Closed in the meantime.
            self._room.release()
            self._forget(key)
            return False
        task.add_done_callback(self._ended)
        return True

    def _ended(self, task: Future[None]) -> None:
        self._room.release()
        error = task.exception()
        if error is not None:
            _log.error("A click in Slack could not be handled.", exc_info=error)

    def _forget(self, key: str | None) -> None:
        with self._lock:
            self._seen.pop(key or "", None)

    def _is_new(self, key: str | None) -> bool:
        if key is None:
            return True
        with self._lock:
            if key in self._seen:
                return False
            self._seen[key] = None
            if len(self._seen) > _MOST_REMEMBERED:
                self._seen.popitem(last=False)
            return True

    def _do(self, payload: Json) -> None:
        try:
            now = self._clock()
            answer = handle(payload, self._acts, self._actors(), self._look(), now)
            if answer is not None:
                self._tell(answer, now)
        except AuditorError as error:
            _log.warning("What came of a click in Slack could not be told: %s", error)

    def _tell(self, answer: Answer, now: datetime) -> None:
        if not is_slack(answer.url, self._api_url):
            _log.warning("What came of a click in Slack is not told: its response_url is not Slack's.")
            return
        body = {
            "response_type": "ephemeral",
            "replace_original": False,
            "text": answer.message.text,
            "blocks": list(answer.message.blocks),
        }
        headers = {"Content-Type": "application/json; charset=utf-8"}
        post(self._sender, answer.url, json.dumps(body).encode(), headers, far="Slack's response_url", now=now)


def is_slack(url: str, api_url: str) -> bool:
    """Whether what a click leads to may be posted there: a payload could name any address within our network."""
    try:
        parts, api = urlsplit(url), urlsplit(api_url)
        place, own = (parts.scheme, parts.hostname, parts.port), (api.scheme, api.hostname, api.port)
    except ValueError:
        return False
    if parts.username is not None or parts.password is not None:
        return False
    return place in {("https", _HOOKS, None), ("https", _HOOKS, 443), own}


def _key(payload: Json) -> str | None:
    """What tells a click from every other one."""
    if not isinstance(payload, dict) or not isinstance(payload.get("actions"), list):
        return None
    stamps = [action.get("action_ts") for action in payload["actions"] if isinstance(action, dict)]
    return json.dumps([payload.get("trigger_id"), stamps]) if payload.get("trigger_id") else None
