"""How the two environments of a pair spell themselves in the names of their things, beyond what is configured.

`live` alone says little, and `prd` inside `prdmain` may be any three letters. But where `main-preprod` faces `main-live` time
and again, or `accmain` faces `prdmain`, the pair itself shows what those mean, and then they mean it in a value that both
sides share as well: `main-live` in staging's configuration is production's.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from auditor.aligned import Aligner
from auditor.kept import KEY

if TYPE_CHECKING:
    from auditor.kept import Kept
    from auditor.model import Match
    from auditor.names import EnvironmentNames

# So many different names have to show a spelling: one or two may be chance.
_ENOUGH = 3
# What stands beside a glued name is told apart from chance by its first letters; a shorter rest shows nothing.
_STEM = 4
_SHORTEST_WORD = 3
# The names of a few hundred things show how all are called.
_MOST_MATCHES, _MOST_TEXTS, _LONGEST = 400, 20_000, 200
_WORDS = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Idiom:
    """How one environment is spelled.

    words  usual short names (`live`) that it uses as its name
    glued  its names that stand glued to words: name and whether it ends the word -> the first letters of what stands beside
    others names of other environments, which may hold one of these: `preprod`
    things words that names stand glued to: `backstage` of `backstagestage` is the thing's own, though it ends in a name
    """

    words: frozenset[str] = frozenset()
    glued: tuple[tuple[str, bool, frozenset[str]], ...] = ()
    others: frozenset[str] = frozenset()
    things: frozenset[str] = frozenset()

    def strengthened(self, names: EnvironmentNames) -> EnvironmentNames:
        """The names, with the words that were seen to be names always meaning the environment."""
        if not self.words:
            return names
        weak = tuple(word for word in names.weak if word not in self.words)
        return replace(names, tokens=(*names.tokens, *sorted(self.words)), weak=weak, _cache={})

    def inside(self, text: str) -> str | None:
        """The environment's name glued to a word of `text`, as it is spelled there; None where there is none."""
        for word in _WORDS.split(text) if self.glued else ():
            lower = word.lower()
            if lower in self.things:
                continue
            for name, at_end, stems in self.glued:
                rest = _beside(lower, name, at_end=at_end)
                if rest is not None and rest[:_STEM] in stems and not self._is_of_another(lower, name, at_end=at_end):
                    return word[len(rest) :] if at_end else word[: len(word) - len(rest)]
        return None

    def _is_of_another(self, word: str, name: str, *, at_end: bool) -> bool:
        """Whether the name is only a part of another environment's: `prod` at the end of `orderspreprod`."""
        longer = (other for other in self.others if len(other) > len(name))
        return any(word.endswith(other) if at_end else word.startswith(other) for other in longer)


PLAIN = Idiom()
"""Nothing was learned."""


@dataclass(slots=True)
class _Seen:
    words: dict[str, set[str]] = field(default_factory=dict)
    glued: dict[tuple[str, bool], set[str]] = field(default_factory=dict)


def idiom(matches: Iterable[Match], side: str, left: EnvironmentNames, right: EnvironmentNames) -> Idiom:
    """How the environment on `side` (`left` or `right`) is spelled in the names that face each other in `matches`.

    The same for the same matches in any order.
    """
    return learned(facing(matches), side, left, right)


def learned(texts: Iterable[tuple[str, str]], side: str, left: EnvironmentNames, right: EnvironmentNames) -> Idiom:
    """The same from the texts that face each other (`facing`), which tell of both sides."""
    own, other = (left, right) if side == "left" else (right, left)
    aligner = Aligner(left, right)
    weak = {word: _word(word) for word in own.weak if len(word) >= _SHORTEST_WORD}
    tokens, others = _bare(own.tokens), _bare(other.tokens)
    seen = _Seen()
    for ours, theirs in texts:
        mine, opposite = (ours, theirs) if side == "left" else (theirs, ours)
        lower = mine.lower() if mine.isascii() else None
        for word, pattern in weak.items():
            if lower is not None and word not in lower:
                continue
            if pattern.search(mine) and not pattern.search(opposite) and aligner.same(ours, theirs):
                seen.words.setdefault(word, set()).add(mine)
        _see_glued(seen, mine, opposite, tokens, others)
    words = frozenset(word for word, texts in seen.words.items() if len(texts) >= _ENOUGH)
    glued = sorted((name, at_end, rests) for (name, at_end), rests in seen.glued.items() if len(rests) >= _ENOUGH)
    stems = tuple((name, at_end, frozenset(rest[:_STEM] for rest in rests)) for name, at_end, rests in glued)
    things = frozenset(rest for rests in seen.glued.values() for rest in rests)
    return Idiom(words, stems, (others | _bare(own.foreign)) - tokens, things)


def _see_glued(seen: _Seen, mine: str, facing: str, own: frozenset[str], other: frozenset[str]) -> None:
    ours, theirs = _WORDS.split(mine.lower()), _WORDS.split(facing.lower())
    if len(ours) != len(theirs):
        return
    for word, opposite in zip(ours, theirs, strict=True):
        if word == opposite:
            continue
        for name in own:
            for at_end in (False, True):
                rest = _beside(word, name, at_end=at_end)
                if rest is not None and any(rest == _beside(opposite, token, at_end=at_end) for token in other):
                    seen.glued.setdefault((name, at_end), set()).add(rest)


def _beside(word: str, name: str, *, at_end: bool) -> str | None:
    """What a word consists of besides the name at its beginning or end; None where that is not long enough."""
    if len(word) < len(name) + _STEM or not (word.endswith(name) if at_end else word.startswith(name)):
        return None
    return word.removesuffix(name) if at_end else word.removeprefix(name)


def facing(matches: Iterable[Match], kept: Kept | None = None) -> tuple[tuple[str, str], ...]:
    """Texts of both sides that stand in the same place and differ; of each document read, once.

    What a pair of documents holds is `kept`, so that the next time none of them is read."""
    return tuple(_facing(matches, kept))


def _facing(matches: Iterable[Match], kept: Kept | None) -> Iterator[tuple[str, str]]:
    count = 0
    for match in _chosen(matches):
        number, pairs = _facing_in(match, kept)
        # Texts are counted up to the last that may be looked at, whether they differ or not.
        yield from ((ours, theirs) for at, ours, theirs in pairs if count + at <= _MOST_TEXTS)
        count += number
        if count > _MOST_TEXTS:
            return


def _facing_in(match: Match, kept: Kept | None) -> tuple[int, list[tuple[int, str, str]]]:
    """How many texts face each other in a pair, and those that differ, each with how many come before it."""
    left, right = match.left, match.right
    key = (
        blake2b(left.key + right.key, digest_size=KEY).digest() if kept is not None and left.key and right.key else b""
    )
    record = kept.get(key) if kept is not None and key else None
    if record is not None:
        number, pairs = json.loads(record)
        return number, pairs
    ours, theirs = left.resource, right.resource
    told = [(ours.identity, theirs.identity), (ours.component or "", theirs.component or "")]
    texts = [*told, *_texts(left.raw, right.raw)]
    found = [(at, a, b) for at, (a, b) in enumerate(texts) if a != b and max(len(a), len(b)) <= _LONGEST]
    if kept is not None and key:
        kept[key] = json.dumps([len(texts), found], separators=(",", ":")).encode()
    return len(texts), found


def _chosen(matches: Iterable[Match]) -> list[Match]:
    """The first by kind, identity and digest. Only kinds that may be among them are put in order."""
    by_kind: dict[str, list[Match]] = defaultdict(list)
    for match in matches:
        by_kind[match.left.kind.name].append(match)
    chosen: list[Match] = []
    for kind in sorted(by_kind):
        chosen += sorted(by_kind[kind], key=lambda match: (match.left.identity, match.left.digest))
        if len(chosen) >= _MOST_MATCHES:
            break
    return chosen[:_MOST_MATCHES]


def _texts(left: Any, right: Any) -> Iterator[tuple[str, str]]:
    if isinstance(left, str) and isinstance(right, str):
        yield left, right
    elif isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() & right.keys()):
            yield from _texts(left[key], right[key])


def _bare(tokens: Iterable[str]) -> frozenset[str]:
    return frozenset(re.sub(r"[-_. ]", "", token.lower()) for token in tokens)


def _word(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z]){re.escape(word)}(?![a-z])", re.IGNORECASE)
