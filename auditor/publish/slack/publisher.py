"""Hands notices to Slack: the first message of a topic, the replies in its thread, what stands alone, the digest.

Each message carries the id of its notice twice, in its metadata and as the id of its first block. Where an earlier
attempt was cut short, the channel's history is searched for it, and what is found there is not sent again.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from auditor.codec import decode
from auditor.digest import Digest
from auditor.errors import PublishError
from auditor.notices import News, NoticeKind
from auditor.publish.slack import blocks, search
from auditor.publish.slack.api import Ask, Patient, SlackError
from auditor.publish.slack.blocks import Message
from auditor.publish.slack.digest import digest
from auditor.publish.slack.parent import parent
from auditor.publish.slack.reply import broadcast, event, reply

if TYPE_CHECKING:
    from slack_sdk import WebClient

    from auditor.model import Json
    from auditor.notices import Conversation, Queued
    from auditor.publish.slack.entries import Look

_T = TypeVar("_T")
# https://docs.slack.dev/apis/web-api/rate-limits: one message per second and channel, short bursts aside.
PACE = timedelta(seconds=1)
_ID = re.compile(r"[CGD][A-Z0-9]{6,}")
# All calls for one notice together: after a minute an attempt counts as broken off.
_LONGEST = timedelta(seconds=30)
# How far the clocks of Slack and of this machine may have been apart where a message is looked for: a machine that comes
# up with a wrong clock should not tell anything twice, and to read a few hours more of a channel costs little.
_CLOCKS_APART = timedelta(hours=3)
_CANNOT_UPDATE = search.NOT_THERE | {"edit_window_closed", "cant_update_message", "is_inactive"}
_CANNOT_LOOK = frozenset(
    {"missing_scope", "not_in_channel", "channel_not_found", "access_denied", "not_allowed_token_type", search.TOO_LONG}
)
_CLOSED = frozenset({"channel_not_found", "is_archived"})
_MAYBE_REPEATED = (
    "This may be a repeat: sending it was cut short once, and the app may not read this channel's history to make sure."
)


class SlackPublisher:
    """Publisher of `slack:<channel>`, by name or id. `now` of the caller is not used: Slack dates its messages.

    client   asks once (`api.web_client`)
    channels those that are configured. What was meant for another one, that Slack does not have, goes to the first: the
             configuration was mended since
    elapsed  monotonic seconds; `pause` waits for so many
    pace     least time between two messages to one channel
    """

    name = "slack"

    def __init__(
        self,
        client: WebClient,
        look: Look,
        *,
        channels: Sequence[str] = (),
        elapsed: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
        pace: timedelta = PACE,
    ) -> None:
        self._client = client
        self._look = look
        self._channels = tuple(channels)
        self._elapsed = elapsed
        self._pause = pause
        self._pace = pace.total_seconds()
        self._lock = Lock()
        self._free_at: dict[str, float] = {}
        self._ids: dict[str, str] = {}

    def deliver(self, queued: Queued, conversation: Conversation | None, now: datetime) -> Json:
        """Post what `queued` tells; returns `{"channel": id, "ts": timestamp}` of the message. Raises PublishError."""
        del now
        ask = Patient(self._elapsed, _LONGEST)
        try:
            return self._deliver_somewhere(ask, queued, conversation)
        except PublishError as error:
            # Whatever failed now, an earlier attempt that was cut short may still have got through.
            error.doubt = error.doubt or not queued.ended
            raise

    def _deliver_somewhere(self, ask: Ask, queued: Queued, conversation: Conversation | None) -> Json:
        channel = queued.notice.target.partition(":")[2]
        try:
            return self._deliver(ask, queued, conversation, channel)
        except SlackError as error:
            known = {_key(name) for name in self._channels}
            if error.code not in _CLOSED or not known or _key(channel) in known:
                raise
        return self._deliver(ask, queued, conversation, self._channels[0])

    def _deliver(self, ask: Ask, queued: Queued, conversation: Conversation | None, channel: str) -> Json:
        notice = queued.notice
        if notice.kind is NoticeKind.DIGEST:
            return self._post_once(ask, queued, channel, digest(_body(Digest, queued), self._look))
        news = _body(News, queued)
        if conversation is None or notice.kind is NoticeKind.EVENT:
            return self._post_once(ask, queued, channel, event(news, self._look))
        first = conversation.topic.reference
        if notice.kind is NoticeKind.OPEN:
            return self._post_once(ask, queued, channel, parent(conversation, news, self._look))
        if not isinstance(first, dict) or not self._update(ask, first, parent(conversation, news, self._look)):
            # The first message never came to be, or somebody deleted it: there is no thread to answer in.
            return self._post_once(ask, queued, channel, event(news, self._look))
        return self._post_once(
            ask, queued, first["channel"], reply(news, self._look), thread=first["ts"], shown=broadcast(news)
        )

    def _update(self, ask: Ask, first: Json, message: Message) -> bool:
        """Bring the first message up to date; False where it is no longer there."""
        try:
            ask(
                self._client.chat_update,
                "update a message",
                channel=first["channel"],
                ts=first["ts"],
                text=message.text,
                blocks=list(message.blocks),
                parse="none",
                link_names=False,
            )
        except SlackError as error:
            if error.code not in _CANNOT_UPDATE:
                raise
            return error.code not in search.NOT_THERE
        return True

    def _post_once(
        self,
        ask: Ask,
        queued: Queued,
        channel: str,
        message: Message,
        *,
        thread: str | None = None,
        shown: bool = False,
    ) -> Json:
        if not queued.ended:
            try:
                found = self._look_up(ask, queued, channel, thread)
            except SlackError as error:
                if error.code not in _CANNOT_LOOK:
                    raise
                message = replace(message, blocks=(*message.blocks, blocks.context(_MAYBE_REPEATED)))
                found = None
            if found is not None:
                return found
        self._wait_for(channel)
        first, *rest = message.blocks
        answer = ask(
            self._client.chat_postMessage,
            f"post to {channel}",
            channel=channel,
            text=message.text,
            blocks=[{**first, "block_id": search.mark(queued.notice.id)}, *rest],
            metadata=search.metadata(queued.notice.id),
            thread_ts=thread,
            reply_broadcast=shown if thread else None,
            parse="none",
            link_names=False,
            mrkdwn=False,
            unfurl_links=False,
            unfurl_media=False,
        )
        self._posted(channel, answer["channel"])
        return {"channel": answer["channel"], "ts": answer["ts"]}

    def _look_up(self, ask: Ask, queued: Queued, channel: str, thread: str | None) -> Json | None:
        """The message of an earlier attempt, None where there surely is none."""
        channel_id = self._id(ask, channel)
        since = queued.notice.created_at - _CLOCKS_APART
        found = search.find(ask, self._client, channel_id, queued.notice.id, since, thread)
        return None if found is None else {"channel": channel_id, "ts": found}

    def _id(self, ask: Ask, channel: str) -> str:
        """The id of a channel that may be given by its name; asked for only once."""
        if _ID.fullmatch(channel):
            return channel
        if _key(channel) not in self._ids:
            self._ids.update({_key(name): found for name, found in search.channels(ask, self._client).items()})
        found = self._ids.get(_key(channel))
        if found is None:
            raise SlackError(f"Slack: there is no channel {channel}", permanent=True, code="channel_not_found")
        return found

    def _wait_for(self, channel: str) -> None:
        """Keep Slack's pace."""
        with self._lock:
            wait = self._free_at.get(self._ids.get(_key(channel), channel), -math.inf) - self._elapsed()
        if wait > 0:
            self._pause(wait)

    def _posted(self, channel: str, channel_id: str) -> None:
        with self._lock:
            self._ids[_key(channel)] = channel_id
            self._free_at[channel_id] = self._elapsed() + self._pace


def _body(cls: type[_T], queued: Queued) -> _T:
    try:
        return decode(cls, queued.notice.body)
    except ValueError as error:
        raise PublishError(f"notice {queued.notice.id} cannot be read: {error}", permanent=True) from error


def _key(channel: str) -> str:
    return channel if _ID.fullmatch(channel) else f"#{channel.removeprefix('#')}"
