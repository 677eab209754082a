"""Block Kit, as far as messages use it: built so that data can neither ping, link, format nor break anything.

What comes from outside stands in rich text and in plain text objects only. Neither is parsed, so there is nothing to
escape and nothing that escaping could miss. The one text that Slack does parse is the fallback: see `fallback`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from auditor.model import Json
from auditor.publish.spelling import clean, instant, middle

# https://docs.slack.dev/reference/block-kit/blocks and https://docs.slack.dev/reference/methods/chat.postMessage
HEADER_ROOM = 150
PLAIN_ROOM = 3_000
LABEL_ROOM = 75
FALLBACK_ROOM = 3_000
# Undocumented: all blocks of a message together are refused (`msg_blocks_too_long`) from about 13,000 characters on.
MESSAGE_ROOM = 11_000
_LONGEST_PIECE = 700


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted: blocks, and the text for notifications, screen readers and whoever cannot show blocks."""

    text: str
    blocks: tuple[Json, ...]


def short(text: str, room: int) -> str:
    """The text in at most `room` UTF-16 units, shortened in its middle. Whether Slack counts these or characters is not said."""
    length = min(len(text), room)
    cut = middle(text, length)
    while _units(cut) > room:
        length -= max((_units(cut) - room) // 2, 1)
        cut = middle(text, length)
    return cut


def _units(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)


def _safe(text: str, room: int = _LONGEST_PIECE) -> str:
    """Text that shows every character it has; only line feeds stay, and those are ours: data was made one line before."""
    return short("\n".join(clean(line) for line in text.split("\n")), room)


def text(value: str) -> Json:
    return {"type": "text", "text": _safe(value)}


def bold(value: str) -> Json:
    return {"type": "text", "text": _safe(value), "style": {"bold": True}}


def italic(value: str) -> Json:
    return {"type": "text", "text": _safe(value), "style": {"italic": True}}


def code(value: str, room: int = 200) -> Json:
    """A value or a name as it is. Backticks in it are only characters."""
    return {"type": "text", "text": short(clean(value), room) or '""', "style": {"code": True}}


def link(url: str, label: str) -> Json:
    return {"type": "link", "url": url, "text": _safe(label)}


def moment(at: datetime) -> Json:
    """A time in the reader's own zone."""
    return {
        "type": "date",
        "timestamp": int(at.timestamp()),
        "format": "{date_short_pretty} {time}",
        "fallback": instant(at),
    }


def line(*pieces: Json) -> Json:
    return {"type": "rich_text_section", "elements": [piece for piece in pieces if piece.get("text") != ""]}


def bullets(lines: Iterable[Json]) -> Json:
    return {"type": "rich_text_list", "style": "bullet", "elements": list(lines)}


def rich(elements: Iterable[Json]) -> Json:
    """A rich text block of lines and lists. Lines that follow one another become one section: not every client breaks
    between two."""
    joined: list[Json] = []
    for element in elements:
        if joined and joined[-1]["type"] == element["type"] == "rich_text_section":
            joined[-1] = line(*joined[-1]["elements"], text("\n"), *element["elements"])
        else:
            joined.append(element)
    return {"type": "rich_text", "elements": joined}


def plain(value: str, room: int = PLAIN_ROOM) -> Json:
    """Plain text. That it is not parsed need not be relied on: angle brackets, which mentions are made of, are replaced."""
    value = value.replace("<", "‹").replace(">", "›")
    return {"type": "plain_text", "text": _safe(value, room), "emoji": False}


def header(value: str) -> Json:
    return {"type": "header", "text": plain(value, HEADER_ROOM)}


def context(value: str) -> Json:
    return {"type": "context", "elements": [plain(value)]}


def fallback(value: str) -> str:
    """Text for `text`, which Slack parses: what could be a mention, a link or an entity is escaped."""
    cut = short("\n".join(clean(part) for part in value.split("\n")), FALLBACK_ROOM)
    return cut.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def size(blocks: Iterable[Json]) -> int:
    """Bytes of the blocks as JSON: never less than what Slack may count."""
    return len(json.dumps(list(blocks), ensure_ascii=False, separators=(",", ":")).encode())


def fitted(render: Callable[[int], Message], most: int) -> Message:
    """`render(n)` with the largest n up to `most` entries of detail that still is one message."""
    while True:
        message = render(most)
        if most == 0 or size(message.blocks) <= MESSAGE_ROOM:
            return message
        most = most * 2 // 3
