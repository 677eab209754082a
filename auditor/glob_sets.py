"""What two globs have in common: whether one covers the other for sure, and whether any name can match both. Pure.

`covers` answers True only where that is proven; a False says no more than that it is not. `meet` answers False only where
nothing can match both.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from auditor.globs import kind_pattern, snake

if TYPE_CHECKING:
    from auditor.globs import PathGlob

_MOST_SPELLINGS = 256
_TOKEN = re.compile(r"\\.|\[!?[^\]]*\]|.", re.DOTALL)

Tokens = tuple[str, ...]


def kind_covers(wide: str, narrow: str) -> bool:
    """Whether every kind that `narrow` matches is one that `wide` matches."""
    spelled = _spellings(narrow)
    wides = _spellings(wide)
    return bool(spelled) and all(any(_covers(one, each) for one in wides) for each in spelled)


def kinds_meet(one: str, other: str) -> bool:
    """Whether a kind can match both globs."""
    ours, theirs = _spellings(one), _spellings(other)
    return not ours or not theirs or any(_meet(a, b) for a in ours for b in theirs)


def path_covers(wide: PathGlob, narrow: PathGlob) -> bool:
    """Whether every path that `narrow` matches is one that `wide` matches."""
    return all(any(_path_covers(steps, each) for steps in wide.spellings) for each in narrow.spellings)


def _path_covers(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    if not wide:
        return not narrow
    if wide[0] == "**":
        return any(_path_covers(wide[1:], narrow[cut:]) for cut in range(len(narrow) + 1))
    if not narrow or narrow[0] == "**":
        return False
    return _step_covers(wide[0], narrow[0]) and _path_covers(wide[1:], narrow[1:])


@lru_cache(maxsize=65536)
def _step_covers(wide: str, narrow: str) -> bool:
    if wide == "*" or wide.lower() == narrow.lower():
        return True
    if not set(narrow) & set("*?[{\\"):
        # A step is known by its own spelling and by its words.
        pattern = kind_pattern(wide)
        return pattern.match(narrow) is not None and (
            narrow == snake(narrow) or pattern.match(snake(narrow)) is not None
        )
    return kind_covers(wide, narrow)


@lru_cache(maxsize=8192)
def _spellings(glob: str) -> tuple[Tokens, ...]:
    """The glob without its braces, as tokens; nothing where these stand for too many."""
    found = [glob.lower()]
    while any("{" in text for text in found):
        opened: list[str] = []
        for text in found:
            match = re.search(r"\{([^{}]*)\}", text)
            if match is None:
                opened.append(text)
                continue
            opened += [text[: match.start()] + part + text[match.end() :] for part in match[1].split(",")]
        if len(opened) > _MOST_SPELLINGS or opened == found:
            return ()
        found = opened
    return tuple(tuple(_TOKEN.findall(text)) for text in found)


@lru_cache(maxsize=65536)
def _covers(wide: Tokens, narrow: Tokens) -> bool:
    if not wide:
        return not narrow
    if wide[0] == "*":
        return any(_covers(wide[1:], narrow[cut:]) for cut in range(len(narrow) + 1))
    if not narrow or narrow[0] == "*":
        return False
    same = wide[0] == narrow[0] or wide[0] == "?" or (_is_letter(narrow[0]) and _matches(wide[0], narrow[0]))
    return same and _covers(wide[1:], narrow[1:])


@lru_cache(maxsize=65536)
def _meet(one: Tokens, other: Tokens) -> bool:
    if not one or not other:
        return all(token == "*" for token in (*one, *other))
    if one[0] == "*":
        return any(_meet(one[1:], other[cut:]) for cut in range(len(other) + 1))
    if other[0] == "*":
        return _meet(other, one)
    loose = not _is_letter(one[0]) or not _is_letter(other[0])
    if _is_letter(one[0]) and not _is_letter(other[0]):
        loose = _matches(other[0], one[0])
    elif _is_letter(other[0]) and not _is_letter(one[0]):
        loose = _matches(one[0], other[0])
    return (loose or one[0] == other[0]) and _meet(one[1:], other[1:])


def _is_letter(token: str) -> bool:
    return (len(token) == 1 and token not in "*?") or token.startswith("\\")


def _matches(token: str, letter: str) -> bool:
    return kind_pattern(token).match(letter.removeprefix("\\")) is not None
