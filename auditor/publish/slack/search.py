"""Find out whether a message is there already, and what the id of a channel is that is known by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from auditor.publish.slack.api import Ask, SlackError

if TYPE_CHECKING:
    from slack_sdk import WebClient

    from auditor.model import Json

NOT_THERE = frozenset({"message_not_found", "thread_not_found"})
TOO_LONG = "history_too_long"
_EVENT_TYPE = "parity_notice"
_PAGE = 200
_MOST_PAGES = 25


def mark(notice_id: str) -> str:
    """The id of the first block of the notice's message. A channel's history shows it as it does the text."""
    return f"notice-{sha256(notice_id.encode()).hexdigest()[:40]}"


def metadata(notice_id: str) -> Json:
    """The metadata of the notice's message: what other programs may know it by."""
    return {"event_type": _EVENT_TYPE, "event_payload": {"id": notice_id}}


def find(ask: Ask, client: WebClient, channel: str, notice_id: str, since: datetime, thread: str | None) -> str | None:
    """The timestamp of the notice's message in the channel or thread, None where none was posted after `since`.

    Raises SlackError; its code is TOO_LONG where so much was said since that nobody can tell."""
    for message in _messages(ask, client, channel, since, thread):
        if _is_of(message, notice_id):
            return str(message["ts"])
    return None


def channels(ask: Ask, client: WebClient) -> dict[str, str]:
    """The ids of the channels that the app can see, by name. Raises SlackError."""
    found: dict[str, str] = {}
    asked: dict[str, Json] = {"exclude_archived": True, "types": "public_channel,private_channel", "limit": 1000}
    for answer in _pages(ask, client.conversations_list, "list the channels", asked):
        found.update({item["name"]: item["id"] for item in answer.get("channels") or ()})
    return found


def _messages(ask: Ask, client: WebClient, channel: str, since: datetime, thread: str | None) -> Iterator[Json]:
    asked: dict[str, Json] = {"channel": channel, "oldest": f"{since.timestamp():.6f}", "limit": _PAGE}
    asked["include_all_metadata"] = True
    method: Callable[..., Any] = client.conversations_history
    if thread is not None:
        method, asked["ts"] = client.conversations_replies, thread
    try:
        for answer in _pages(ask, method, "read the channel's history", asked):
            yield from answer.get("messages") or ()
    except SlackError as error:
        if thread is None or error.code not in NOT_THERE:
            raise


def _pages(ask: Ask, method: Callable[..., Any], what: str, asked: dict[str, Json]) -> Iterator[Json]:
    cursor = None
    for _ in range(_MOST_PAGES):
        answer = ask(method, what, **asked, cursor=cursor)
        yield answer
        cursor = (answer.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return
    raise SlackError(f"Slack: could not {what}: there is too much of it", permanent=True, code=TOO_LONG)


def _is_of(message: Json, notice_id: str) -> bool:
    about = message.get("metadata") or {}
    if about.get("event_type") == _EVENT_TYPE and (about.get("event_payload") or {}).get("id") == notice_id:
        return True
    return any(block.get("block_id") == mark(notice_id) for block in message.get("blocks") or ())
