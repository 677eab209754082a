"""Documents for people: a value as lines, cut where it is too long, and its leaves one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.model import ABSENT, Absent, Json, Path
from auditor.publish.spelling import clean, plain

MOST = 20_000
"""Characters of a document on a page. More is had as a file."""


@dataclass(frozen=True, slots=True)
class Text:
    """A document as text. `size` counts the characters of the whole, of which `text` may be the beginning."""

    text: str
    size: int

    @property
    def whole(self) -> bool:
        return len(self.text) >= self.size


def lines(value: Json | Absent) -> str:
    """A value as text of one or more lines, in which nothing hides: what cannot be seen is spelled out."""
    if value is ABSENT:
        return "(absent)"
    text = value if isinstance(value, str) else dumped(value)
    return "\n".join(clean(line) for line in text.split("\n"))


def document(value: Json, most: int = MOST) -> Text:
    """A document as indented JSON, at most so many characters of it."""
    text = dumped(value)
    if len(text) <= most:
        return _text(text, len(text))
    cut = text.rfind("\n", 0, most)
    return _text(text[: cut if cut > most // 2 else most], len(text))


def dumped(value: Json) -> str:
    return json.dumps(plain(value), ensure_ascii=False, indent=2, sort_keys=True)


def leaves(value: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Every leaf with its path; an empty map or list is one. Items of a list are numbered."""
    if isinstance(value, dict) and value:
        for key in sorted(value, key=str):
            yield from leaves(value[key], (*path, str(key)))
    elif isinstance(value, list | tuple) and value:
        for number, item in enumerate(value):
            yield from leaves(item, (*path, str(number)))
    else:
        yield path, value


def _text(text: str, size: int) -> Text:
    shown = "\n".join(clean(line) for line in text.split("\n"))
    return Text(shown, size if len(text) < size else len(shown))
