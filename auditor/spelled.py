"""One text of an environment in the spellings by which it is laid beside the other environment's.

Where names have to be found out, each of hundreds is laid beside each of hundreds: what concerns one of them alone is worked
out once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from auditor.networks import own_network

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.names import EnvironmentNames

_WORDS = re.compile(r"[A-Za-z0-9]+|\{[a-z]+\}|[<>=!*]+")
_NETWORK = re.compile(r"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}(?![0-9.])")
# A digest in the name of a thing (a validation record, an asset) is one of its ids; as a value it tells contents apart.
_HEX_ID = re.compile(r"(?<![0-9A-Za-z])_?(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{32,64}(?![0-9A-Za-z])")
_DELIMITERS = str.maketrans("", "", "-_.")
# What is longer is no name, and is seldom asked for again.
_LONGEST = 400
_MOST = 20_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spelled:
    """A text of one environment.

    placed     with ids, accounts and regions replaced by what they are; `named`: and one of the names stands in it
    own        the words of that but for the names; `thing`: and but for words that may be names
    is_name    whether the whole text is a name
    """

    placed: str
    named: bool
    own: str
    thing: str
    is_name: bool


@dataclass(frozen=True, slots=True)
class Name:
    """A text that is the name of something: `bare` without delimiters, `placed` with accounts and regions replaced."""

    bare: str
    placed: str


class Spellings:
    """What texts of one environment are, remembered."""

    def __init__(self, names: EnvironmentNames, slotted: Callable[[str], str]) -> None:
        self._names, self._slotted = names, slotted
        self._texts: dict[str, Spelled] = {}
        self._called: dict[str, Name] = {}
        self._around: dict[str, tuple[tuple[str, str, str], ...]] = {}

    def of(self, text: str) -> Spelled:
        return _known(self._texts, text, self._spelled)

    def name(self, text: str) -> Name:
        return _known(self._called, text, self._named)

    def around(self, text: str) -> tuple[tuple[str, str, str], ...]:
        """Each name that stands anywhere in a text, even within a word, and what stands before and after it; in small
        letters."""
        return _known(self._around, text, self._surroundings)

    def _spelled(self, text: str) -> Spelled:
        names = self._names
        placed = names.placed(self._slotted(text))
        spans = names.spans(placed)
        parts: list[str] = []
        end = 0
        for start, stop in spans:
            parts += [placed[end:start], " "]
            end = stop
        words = _WORDS.findall("".join(parts) + placed[end:])
        thing = " ".join(word for word in words if word.lower() not in names.weak)
        return Spelled(placed, bool(spans), " ".join(words), thing, names.is_name(text))

    def _named(self, text: str) -> Name:
        return Name(text.translate(_DELIMITERS), self._names.placed(text))

    def _surroundings(self, text: str) -> tuple[tuple[str, str, str], ...]:
        lower = text.lower()
        found: list[tuple[str, str, str]] = []
        for token in self._names.tokens:
            start = lower.find(token)
            while start >= 0:
                found.append((token, lower[:start], lower[start + len(token) :]))
                start = lower.find(token, start + 1)
        return tuple(found)


@lru_cache(maxsize=_MOST)
def told_by_kind(text: str) -> tuple[str, str]:
    """A name with its private networks told by their sizes alone; and one with its digests told as ids."""
    return _NETWORK.sub(own_network, text), _HEX_ID.sub("{id}", text)


def _known(known: dict[str, T], text: str, make: Callable[[str], T]) -> T:
    found = known.get(text)
    if found is None:
        found = make(text)
        if len(text) <= _LONGEST:
            if len(known) >= _MOST:
                known.clear()
            known[text] = found
    return found
