"""How the two environments of a pair spell themselves in the names of their things, beyond what is configured.

`live` alone says little, and `prd` inside `prdmain` may be any three letters. But where `main-preprod` faces `main-live` time
and again, or `accmain` faces `prdmain`, the pair itself shows what those mean, and then they mean it in a value that both
sides share as well: `main-live` in staging's configuration is production's.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from auditor.aligned import Aligner
from auditor.forms import FORM_VERSION
from auditor.kept import KEY, key_of

if TYPE_CHECKING:
    from auditor.comparison import Match
    from auditor.kept import Keeping
    from auditor.names import EnvironmentNames

# So many different names have to show a spelling: one or two may be chance.
_ENOUGH = 3
# What stands beside a glued name is told apart from chance by its first letters; a shorter rest shows nothing.
_STEM = 4
_SHORTEST_WORD = 3
# The names of a few hundred things show how all are called.
_MOST_MATCHES, _MOST_TEXTS, _LONGEST = 400, 20_000, 200
_WORDS = re.compile(r"[^A-Za-z0-9]+")
_KIND = attrgetter("left.kind.name")
IDIOM_VERSION = 1
"""Part of every key: raise it when the same texts would show something else."""
# How many texts come before, which side it is about, and what is shown.
_Shown: TypeAlias = tuple[int, int, list[Any]]


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


def idiom(matches: Iterable[Match], side: str, left: EnvironmentNames, right: EnvironmentNames) -> Idiom:
    """How the environment on `side` (`left` or `right`) is spelled in the names that face each other in `matches`.

    The same for the same matches in any order.
    """
    return idioms(matches, left, right)[side]


def idioms(
    matches: Iterable[Match], left: EnvironmentNames, right: EnvironmentNames, keeping: Keeping | None = None
) -> Mapping[str, Idiom]:
    """Both environments' by `left` and `right`. What a pair of documents shows is kept, so that the next time none is read."""
    learners = _Learner("left", left, right), _Learner("right", left, right)
    kept = keeping.map(f"idiom-{IDIOM_VERSION}:{left.name}:{right.name}") if keeping is not None else None
    context = key_of(json.dumps([FORM_VERSION, [[n.tokens, n.weak, n.foreign] for n in (left, right)]]))
    count = 0
    for match in _chosen(matches):
        key = _key(match, context) if kept is not None else b""
        record = kept.get(key) if kept is not None and key else None
        number, shown = _unpacked(record) if record is not None else _shown_by(match, learners)
        if kept is not None and key and record is None:
            kept[key] = json.dumps([number, shown], separators=(",", ":")).encode()
        for at, place, what in shown:
            # Texts are counted up to the last that may be looked at, whether they differ or not.
            if count + at <= _MOST_TEXTS:
                learners[place].see(what)
        count += number
        if count > _MOST_TEXTS:
            break
    return {learner.side: learner.idiom() for learner in learners}


def _key(match: Match, context: bytes) -> bytes:
    left, right = match.left.key, match.right.key
    return blake2b(left + right, digest_size=KEY, key=context).digest() if left and right else b""


def _unpacked(record: bytes) -> tuple[int, list[_Shown]]:
    number, shown = json.loads(record)
    return number, shown


def _shown_by(match: Match, learners: tuple[_Learner, _Learner]) -> tuple[int, list[_Shown]]:
    """How many texts face each other in a pair, and what they show: each with how many come before it, and of which side."""
    number, texts = _facing_in(match)
    shown = [
        (at, place, what)
        for at, ours, theirs in texts
        for place, learner in enumerate(learners)
        for what in learner.shown(ours, theirs)
    ]
    return number, shown


class _Learner:
    """Gathers what is shown of how the environment on one side is spelled."""

    def __init__(self, side: str, left: EnvironmentNames, right: EnvironmentNames) -> None:
        self.side = side
        own, other = (left, right) if side == "left" else (right, left)
        self._aligner = Aligner(left, right)
        self._weak = {word: _word(word) for word in own.weak if len(word) >= _SHORTEST_WORD}
        self._tokens, self._others = _bare(own.tokens), _bare(other.tokens)
        self._foreign = _bare(own.foreign)
        self._words: dict[str, set[str]] = {}
        self._glued: dict[tuple[str, bool], set[str]] = {}

    def shown(self, ours: str, theirs: str) -> Iterator[list[Any]]:
        """What two texts that face each other show: words that are its name and the text they stand in; or names that are
        glued, whether to the end of a word, and what stands beside them."""
        mine, opposite = (ours, theirs) if self.side == "left" else (theirs, ours)
        lower = mine.lower() if mine.isascii() else None
        for word, pattern in self._weak.items():
            if lower is not None and word not in lower:
                continue
            if pattern.search(mine) and not pattern.search(opposite) and self._aligner.same(ours, theirs):
                yield [word, mine]
        yield from self._glued_in(mine, opposite)

    def _glued_in(self, mine: str, facing: str) -> Iterator[list[Any]]:
        ours, theirs = _WORDS.split(mine.lower()), _WORDS.split(facing.lower())
        if len(ours) != len(theirs):
            return
        for word, opposite in zip(ours, theirs, strict=True):
            if word == opposite:
                continue
            for name in sorted(self._tokens):
                for at_end in (False, True):
                    rest = _beside(word, name, at_end=at_end)
                    if rest is not None and any(
                        rest == _beside(opposite, token, at_end=at_end) for token in self._others
                    ):
                        yield [name, at_end, rest]

    def see(self, what: Sequence[Any]) -> None:
        """Take in something that was `shown`."""
        if len(what) == 2:
            self._words.setdefault(what[0], set()).add(what[1])
        else:
            self._glued.setdefault((what[0], what[1]), set()).add(what[2])

    def idiom(self) -> Idiom:
        words = frozenset(word for word, texts in self._words.items() if len(texts) >= _ENOUGH)
        glued = sorted((name, at_end, rests) for (name, at_end), rests in self._glued.items() if len(rests) >= _ENOUGH)
        stems = tuple((name, at_end, frozenset(rest[:_STEM] for rest in rests)) for name, at_end, rests in glued)
        things = frozenset(rest for rests in self._glued.values() for rest in rests)
        return Idiom(words, stems, (self._others | self._foreign) - self._tokens, things)


def _beside(word: str, name: str, *, at_end: bool) -> str | None:
    """What a word consists of besides the name at its beginning or end; None where that is not long enough."""
    if len(word) < len(name) + _STEM or not (word.endswith(name) if at_end else word.startswith(name)):
        return None
    return word.removesuffix(name) if at_end else word.removeprefix(name)


def _facing_in(match: Match) -> tuple[int, list[tuple[int, str, str]]]:
    """How many texts stand in the same place on both sides of a pair, and those that differ, each with how many come
    before it."""
    ours, theirs = match.left.resource, match.right.resource
    told = [(ours.identity, theirs.identity), (ours.component or "", theirs.component or "")]
    texts = [*told, *_texts(match.left.raw, match.right.raw)]
    return len(texts), [(at, a, b) for at, (a, b) in enumerate(texts) if a != b and max(len(a), len(b)) <= _LONGEST]


def _chosen(matches: Iterable[Match]) -> list[Match]:
    """The first by kind, identity and digest. Only kinds that may be among them are put in order."""
    some = tuple(matches)
    counts = Counter(map(_KIND, some))
    wanted: set[str] = set()
    found = 0
    for kind in sorted(counts):
        wanted.add(kind)
        found += counts[kind]
        if found >= _MOST_MATCHES:
            break
    by_kind: dict[str, list[Match]] = {kind: [] for kind in sorted(wanted)}
    for match in some:
        listed = by_kind.get(match.left.kind.name)
        if listed is not None:
            listed.append(match)
    ordered = (
        sorted(listed, key=lambda match: (match.left.identity, match.left.digest)) for listed in by_kind.values()
    )
    return [match for listed in ordered for match in listed][:_MOST_MATCHES]


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
