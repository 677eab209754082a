"""How one value, path, share or age is spelled for a person. Pure; every human report uses the same words.

Values and names are hostile input: whatever could steer a terminal, reorder text or hide in it is made visible.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from auditor.model import ABSENT, Absent, Json, MatchMethod, Path

ELLIPSIS = "…"
_SECRET = re.compile(r"\{secret:([^{}\s]*)\}")
_PLAIN_STEP = re.compile(r"[^\s.\"'\\]+")
# Unicode categories of characters that show nothing, move the cursor or reorder what follows. A space other than
# U+0020 looks like one and is not: in a report of differences that has to show.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp", "Zs"})


_SWITCHES = ("true", "false")


@dataclass(frozen=True, slots=True)
class Shown:
    """One value as shown: `changed` is the part in which it differs from the other side."""

    before: str
    changed: str
    after: str

    @property
    def text(self) -> str:
        return self.before + self.changed + self.after


def clean(text: str) -> str:
    """Text on one line: characters that cannot be seen are spelled out (`\\n`, `\\x1b`, `\\u202e`), secrets' marks in words."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(_visible(character) for character in text)
    return _secrets(text)


def brief(text: str, room: int = 160) -> str:
    """A name, clean, in at most `room` characters."""
    return middle(clean(text), room)


def sentence(text: str) -> str:
    """A sentence or two, clean, cut short only where it is far longer than anyone wrote it."""
    return brief(text, 600)


def _visible(character: str) -> str:
    if character == " " or unicodedata.category(character) not in _UNSEEN:
        return character
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    if named:
        return named
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def spell(value: Json | Absent) -> str:
    """A value on one line: JSON, but strings without quotes unless that would make them look like something else."""
    if value is ABSENT:
        return "(absent)"
    if isinstance(value, str):
        bare = value.strip() == value and value not in {"", "null", "true", "false", "(absent)"}
        return clean(value) if bare else quoted(value)
    return clean(_compact(value))


def quoted(value: str) -> str:
    """A string in JSON's quotes, so that spaces at its ends, and its being a string at all, can be seen."""
    return clean(json.dumps(value, ensure_ascii=False))


def _compact(value: Json) -> str:
    return json.dumps(plain(value), ensure_ascii=False, sort_keys=True, separators=(", ", ": "))


def plain(value: Json) -> Json:
    """The value as strict JSON: keys are strings, and numbers that JSON lacks (`NaN`, `Infinity`) become strings."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    return str(value)


def _secrets(text: str) -> str:
    def marker(found: re.Match[str]) -> str:
        words = re.split(r"[:,;=]", found.group(1))
        if "placeholder" in words:
            return "secret (placeholder)"
        if "empty" in words:
            return "secret (empty)"
        return f"secret {words[-1][:8]}" if words[-1] else "secret"

    return _SECRET.sub(marker, text) if "{secret:" in text else text


def path_text(path: Path) -> str:
    """A path with dots between its steps. A step that holds a dot, a space or a quote is quoted: `tags."a.b"`."""
    return ".".join(step if _PLAIN_STEP.fullmatch(step) and clean(step) == step else _step(step) for step in path)


def _step(step: str) -> str:
    return clean(json.dumps(step, ensure_ascii=False)) if re.search(r"[\s.\"'\\]", step) or not step else clean(step)


def middle(text: str, room: int) -> str:
    """The text, or its beginning and end around an ellipsis, in at most `room` characters."""
    if len(text) <= room:
        return text
    if room <= 1:
        return ELLIPSIS[:room]
    tail = (room - 1) // 2
    return text[: room - 1 - tail] + ELLIPSIS + text[len(text) - tail :]


def side_by_side(left: Json | Absent, right: Json | Absent, room: int) -> tuple[Shown, Shown]:
    """Two values to be read beside each other, each in at most `room` characters, with what differs kept in sight.

    Text of several lines is told by their number and the first one that differs, a long list by what only it has.
    """
    left_lead, left_text, right_lead, right_text = _pair(left, right, room)
    left_room, right_room = room - len(left_lead), room - len(right_lead)
    if left is ABSENT or right is ABSENT or left_text == right_text:
        return (
            Shown(left_lead + middle(left_text, left_room), "", ""),
            Shown(right_lead + middle(right_text, right_room), "", ""),
        )
    start = _common_words(left_text, right_text)
    end = _common_words(left_text[start:][::-1], right_text[start:][::-1])
    return (
        _window(left_lead, left_text, start, end, left_room),
        _window(right_lead, right_text, start, end, right_room),
    )


def _pair(left: Json | Absent, right: Json | Absent, room: int) -> tuple[str, str, str, str]:
    """For each side a lead (`12 lines, line 3: `, mostly empty) and the text to be shown after it."""
    if _many_lines(left) or _many_lines(right):
        found = _first_lines(left, right)
        # Lines may differ in nothing but what ends or indents them: then only the exact text tells.
        return found if found[:2] != found[2:] else ("", _exact(left), "", _exact(right))
    left_text, right_text = spell(left), spell(right)
    if left in _SWITCHES and right in _SWITCHES and isinstance(left, str) and isinstance(right, str):
        # Environment variables are all strings: quotes around both would be noise.
        left_text, right_text = left, right
    if left_text == right_text and (type(left) is not type(right) or left != right):
        return "", _exact(left), "", _exact(right)
    if isinstance(left, list) and isinstance(right, list) and max(len(left_text), len(right_text)) > room:
        ours, theirs = Counter(spell(item) for item in left), Counter(spell(item) for item in right)
        if ours != theirs:
            return *_only_here(ours, ours - theirs), *_only_here(theirs, theirs - ours)
    return "", left_text, "", right_text


def _exact(value: Json | Absent) -> str:
    return quoted(value) if isinstance(value, str) else spell(value)


def _many_lines(value: Json | Absent) -> bool:
    return isinstance(value, str) and "\n" in value.strip("\n")


def _first_lines(left: Json | Absent, right: Json | Absent) -> tuple[str, str, str, str]:
    left_lines = left.splitlines() if isinstance(left, str) else []
    right_lines = right.splitlines() if isinstance(right, str) else []
    shared = _common_prefix(left_lines, right_lines)
    return *_first_line(left, left_lines, shared), *_first_line(right, right_lines, shared)


def _first_line(value: Json | Absent, lines: list[str], at: int) -> tuple[str, str]:
    if not _many_lines(value):
        return "", spell(value)
    if at >= len(lines):
        return f"{len(lines)} lines, ", f"no line {at + 1}"
    return f"{len(lines)} lines, line {at + 1}: ", spell(lines[at].strip())


def _only_here(items: Counter[str], only: Counter[str]) -> tuple[str, str]:
    size = count(items.total(), "item")
    return (f"{size}, only here: ", ", ".join(only.elements())) if only else (f"{size}, ", "none only here")


def _common_prefix(one: Sequence[str], other: Sequence[str]) -> int:
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length


def _common_words(one: str, other: str) -> int:
    """The common length, cut back to where a word ends: `14.7` and `15.4` differ from their first character on."""
    length = _common_prefix(one, other)
    if any(text[length : length + 1].isalnum() for text in (one, other)):
        while length and one[length - 1].isalnum():
            length -= 1
    return length


def _window(lead: str, text: str, start: int, end: int, room: int) -> Shown:
    """The part `start` to `len - end` of the text and what fits around it. That part comes first when room is short."""
    before, changed, after = text[:start], text[start : len(text) - end], text[len(text) - end :]
    if len(text) <= room:
        return Shown(lead + before, changed, after)
    context = min(len(before) + len(after), room // 3)
    changed = middle(changed, room - context)
    rest = room - len(changed)
    before = middle(before, min(max(rest - len(after), rest * 2 // 3), rest))
    return Shown(lead + before, changed, middle(after, rest - len(before)))


def percent(share: float) -> str:
    """A share as a percentage, rounded down: what is not whole never reads as 100 %."""
    tenths = math.floor(share * 1000 + 1e-9)
    if share < 1 and tenths >= 1000:
        tenths = 999
    return f"{tenths // 10} %" if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10} %"


def instant(moment: datetime) -> str:
    """A moment in UTC, to the second: `2026-11-22 09:30:00 UTC`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def iso(moment: datetime) -> str:
    """A moment as ISO 8601 in UTC: `2026-11-22T09:30:00Z`, with microseconds only where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def span(duration: timedelta) -> str:
    """A duration in its largest fitting unit: `42 s`, `5 min`, `3 h`, `2 d`."""
    seconds = max(int(duration.total_seconds()), 0)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: `1 finding`, `2 findings`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def method_text(method: MatchMethod | None, confidence: float) -> str:
    """How two resources were paired, or nothing where they were paired by their identity."""
    if method is None or method is MatchMethod.IDENTITY:
        return ""
    words = {
        MatchMethod.CONFIG: "paired in the configuration",
        MatchMethod.TAG: "paired by a tag",
        MatchMethod.ALIAS: "paired by an alias",
        MatchMethod.ONLY_CANDIDATE: "paired as the only candidate",
        MatchMethod.SIMILARITY: "paired by similarity",
    }[method]
    return words if confidence >= 1 else f"{words}, confidence {percent(confidence)}"


def distinct(texts: Iterable[str]) -> tuple[str, ...]:
    """Every text once, in the order of its first time; empty ones left out."""
    return tuple(dict.fromkeys(text for text in texts if text))
