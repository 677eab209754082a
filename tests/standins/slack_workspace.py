"""A Slack workspace as one app sees it: channels, messages, tokens, scopes, limits. What Slack documents, without a network."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.standins.block_kit import problems

BOT_TOKEN = "xoxb-stand-in"
APP_TOKEN = "xapp-stand-in"
SCOPES = frozenset({"chat:write", "channels:history", "groups:history", "channels:read", "groups:read"})
BOT = "B0PARITY00"
LONGEST_TEXT = 40_000
Answer = dict[str, Any]


class Refused(Exception):
    """Slack's answer to a call that it does not carry out."""

    def __init__(self, error: str, **more: Any) -> None:
        self.body: Answer = {"ok": False, "error": error, **more}
        super().__init__(error)


@dataclass
class Channel:
    """A channel; `member` says whether the bot is in it."""

    id: str
    name: str
    private: bool = False
    archived: bool = False
    member: bool = True
    messages: list[Answer] = field(default_factory=list)


@dataclass
class Pace:
    """A bucket per channel: so many at once, then so many a second."""

    per_second: float
    burst: int
    clock: Callable[[], float] = time.monotonic
    _full: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait(self, channel: str) -> float:
        """0 where a message may be posted now, which then counts; else the seconds to wait."""
        now = self.clock()
        level, at = self._full.get(channel, (float(self.burst), now))
        level = min(float(self.burst), level + (now - at) * self.per_second)
        if level < 1:
            self._full[channel] = (level, now)
            return (1 - level) / self.per_second
        self._full[channel] = (level - 1, now)
        return 0.0


class Workspace:
    """Answers API methods. Attributes may be read and set by tests at any time.

    channels    by id
    scopes      of the bot token
    pace        None: no limit
    ephemeral   what was posted for one user only
    responses   what was posted to a response_url: (its path, the body)
    calls       (method, arguments) of every call that was let in, in order
    """

    def __init__(self, *, clock: Callable[[], float] = time.time, pace: Pace | None = None) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.channels = {
            channel.id: channel
            for channel in (
                Channel("C0PARITY001", "parity"),
                Channel("C0OTHER0001", "other"),
                Channel("G0SECRET001", "secret", private=True),
                Channel("C0ARCHIVED1", "old", archived=True),
                Channel("C0STRANGER1", "strangers", member=False),
                Channel("G0STRANGER1", "hidden", private=True, member=False),
            )
        }
        self.tokens = {BOT_TOKEN: "bot", APP_TOKEN: "app"}
        self.scopes: set[str] = set(SCOPES)
        self.pace = pace
        self.ephemeral: list[Answer] = []
        self.responses: list[tuple[str, Answer]] = []
        self.calls: list[tuple[str, Answer]] = []
        self.problems: list[str] = []
        self._clock = clock
        self._last = 0

    def messages(self, channel: str = "parity") -> list[Answer]:
        """All messages of a channel, replies too, oldest first."""
        with self.lock:
            return list(self._channel(channel).messages)

    def thread(self, ts: str, channel: str = "parity") -> list[Answer]:
        return [message for message in self.messages(channel) if message.get("thread_ts") == ts]

    def wait_until(self, holds: Callable[[], bool], seconds: float = 10.0) -> None:
        """Wait for something to be true of the workspace; fails when it does not come."""
        with self.changed:
            assert self.changed.wait_for(holds, seconds), "the workspace did not come to be as expected"

    def call(self, method: str, token: str | None, arguments: Mapping[str, Any]) -> Answer:
        """One call of the Web API. Raises Refused."""
        known = {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post,
            "chat.postEphemeral": self._post_ephemeral,
            "chat.update": self._update,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "conversations.list": self._list,
        }.get(method)
        with self.changed:
            try:
                if known is None:
                    raise Refused("unknown_method", req_method=method)
                self._authorize(token, "bot")
                self.calls.append((method, dict(arguments)))
                return {"ok": True, **known(dict(arguments))}
            finally:
                self.changed.notify_all()

    def respond(self, path: str, body: Answer) -> None:
        """What a response_url takes. Raises Refused."""
        with self.changed:
            self._check(body)
            if sum(known == path for known, _ in self.responses) >= 5:
                raise Refused("used_url")
            self.responses.append((path, body))
            self.changed.notify_all()

    def authorize_app(self, token: str | None) -> None:
        self._authorize(token, "app")

    def _authorize(self, token: str | None, kind: str) -> None:
        if not token:
            raise Refused("not_authed")
        if token not in self.tokens:
            raise Refused("invalid_auth")
        if self.tokens[token] != kind:
            raise Refused(self.tokens[token] if "_" in self.tokens[token] else "not_allowed_token_type")

    def _need(self, *scopes: str) -> None:
        if not self.scopes & set(scopes):
            raise Refused("missing_scope", needed=scopes[0], provided=",".join(sorted(self.scopes)))

    def _channel(self, name: str) -> Channel:
        for channel in self.channels.values():
            if name in (channel.id, channel.name, f"#{channel.name}") and (channel.member or not channel.private):
                return channel
        raise Refused("channel_not_found")

    def _stamp(self) -> str:
        self._last = max(int(self._clock() * 1_000_000), self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def _auth_test(self, _: Answer) -> Answer:
        return {"url": "https://stand-in.slack.com/", "team": "Stand-in", "user": "parity", "bot_id": BOT}

    def _check(self, body: Answer) -> None:
        blocks, text = body.get("blocks"), body.get("text")
        if not text and not blocks:
            raise Refused("no_text")
        if len(text or "") > LONGEST_TEXT:
            raise Refused("msg_too_long")
        found = problems(blocks) if blocks is not None else []
        if found:
            self.problems += found
            too_long = any("msg_blocks_too_long" in problem for problem in found)
            messages = {"messages": [f"[ERROR] {problem}" for problem in found]}
            raise Refused("msg_blocks_too_long" if too_long else "invalid_blocks", response_metadata=messages)

    def _post(self, given: Answer) -> Answer:
        channel = self._writable(given)
        self._check(given)
        about = given.get("metadata")
        if about is not None and not (
            isinstance(about, dict) and isinstance(about.get("event_type"), str) and "event_payload" in about
        ):
            raise Refused("invalid_metadata_format")
        self._limit(channel)
        message = {
            "type": "message",
            "bot_id": BOT,
            "ts": self._stamp(),
            "text": given.get("text", ""),
            "blocks": _numbered(given.get("blocks") or []),
            "sent": {key: given[key] for key in sorted(given) if key not in ("text", "blocks", "channel")},
        }
        if about is not None:
            message["metadata"] = about
        if given.get("thread_ts"):
            message["thread_ts"] = given["thread_ts"]
            message["broadcast"] = bool(given.get("reply_broadcast"))
        channel.messages.append(message)
        return {"channel": channel.id, "ts": message["ts"], "message": _shown(message, metadata=True)}

    def _writable(self, given: Answer) -> Channel:
        channel = self._channel(str(given.get("channel", "")))
        if channel.archived:
            raise Refused("is_archived")
        self._need("chat:write")
        if not channel.member and "chat:write.public" not in self.scopes:
            raise Refused("not_in_channel")
        return channel

    def _limit(self, channel: Channel) -> None:
        wait = self.pace.wait(channel.id) if self.pace else 0.0
        if wait:
            raise Refused("ratelimited", retry_after=max(1, round(wait)))

    def _post_ephemeral(self, given: Answer) -> Answer:
        self._writable(given)
        self._check(given)
        self.ephemeral.append(given)
        return {"message_ts": self._stamp()}

    def _update(self, given: Answer) -> Answer:
        channel = self._channel(str(given.get("channel", "")))
        if channel.id != given.get("channel"):
            raise Refused("channel_not_found")
        message = next((known for known in channel.messages if known["ts"] == given.get("ts")), None)
        if message is None:
            raise Refused("message_not_found")
        if message.get("bot_id") != BOT:
            raise Refused("cant_update_message")
        self._check(given)
        message |= {"text": given.get("text", ""), "blocks": _numbered(given.get("blocks") or [])}
        message["edited"] = message.get("edited", 0) + 1
        return {"channel": channel.id, "ts": message["ts"], "text": message["text"]}

    def _readable(self, given: Answer) -> Channel:
        channel = self.channels.get(str(given.get("channel", "")))
        if channel is None or (channel.private and not channel.member):
            raise Refused("channel_not_found")
        self._need("groups:history" if channel.private else "channels:history")
        if not channel.member:
            raise Refused("not_in_channel")
        return channel

    def _history(self, given: Answer) -> Answer:
        channel = self._readable(given)
        own = [message for message in channel.messages if "thread_ts" not in message or message["broadcast"]]
        return self._page([message for message in reversed(own) if _after(message, given)], given)

    def _replies(self, given: Answer) -> Answer:
        channel = self._readable(given)
        first = [message for message in channel.messages if message["ts"] == given.get("ts")]
        if not first:
            raise Refused("thread_not_found")
        replies = [message for message in channel.messages if message.get("thread_ts") == given["ts"]]
        return self._page(first + [message for message in replies if _after(message, given)], given)

    def _page(self, messages: list[Answer], given: Answer) -> Answer:
        start, size = int(given.get("cursor") or 0), min(int(given.get("limit") or 100), 999)
        rest = start + size < len(messages)
        return {
            "messages": [_shown(message, _true(given, "include_all_metadata")) for message in messages[start:][:size]],
            "has_more": rest,
            "response_metadata": {"next_cursor": str(start + size) if rest else ""},
        }

    def _list(self, given: Answer) -> Answer:
        types = str(given.get("types", "public_channel")).split(",")
        for kind, scope in (("public_channel", "channels:read"), ("private_channel", "groups:read")):
            if kind in types:
                self._need(scope)
        found = [
            {"id": channel.id, "name": channel.name, "is_private": channel.private}
            for channel in self.channels.values()
            if ("private_channel" if channel.private else "public_channel") in types
            and (channel.member or not channel.private)
            and not (channel.archived and _true(given, "exclude_archived"))
        ]
        start, size = int(given.get("cursor") or 0), 2
        rest = start + size < len(found)
        return {
            "channels": found[start:][:size],
            "response_metadata": {"next_cursor": str(start + size) if rest else ""},
        }


def _numbered(blocks: list[Answer]) -> list[Answer]:
    """Slack gives an id to every block that has none."""
    return [{"block_id": f"b{number}", **block} for number, block in enumerate(json.loads(json.dumps(blocks)))]


def _shown(message: Answer, metadata: bool) -> Answer:
    hidden = {"sent", "broadcast", "edited"} | (set() if metadata else {"metadata"})
    return {key: value for key, value in message.items() if key not in hidden}


def _after(message: Answer, given: Answer) -> bool:
    return float(message["ts"]) > float(given.get("oldest") or 0)


def _true(given: Answer, key: str) -> bool:
    return str(given.get(key, "")).lower() in ("1", "true")
