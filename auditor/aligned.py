"""Whether two names are one name, word by word: each side may spell its environment where the other spells its own.

Setting an environment's name aside wherever it stands is not enough: in `stage-manager-stg` and `stage-manager-prd` the
first `stage` is part of the thing's own name. Only both sides together tell the one from the other, so the words are laid
side by side: equal words are the thing's, a name facing a name is the environment's, and a name alone is one that the
other side leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.names import EnvironmentNames

_OURS, _THEIRS, _FACING = "\0left", "\0right", "\0both"
_NAMES = frozenset({_OURS, _THEIRS, _FACING})
_PIECES = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])|[A-Z]|\{[a-z]+\}|[<>=!*]+")
_NUMBERED = re.compile(r"([A-Za-z]+)([0-9]+)\Z")
_MOST_PIECES, _LONGEST = 60, 400
_MOST_ROWS = 20_000
# A shorter word holds no name beside something else.
_GLUED_FROM = 4
# Load balancers and target groups take names of 32 characters that do not end in a hyphen; tools cut longer ones off.
_CUT = (31, 32)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word of a text. `strong` is a name of the environment, `weak` may be one."""

    text: str
    strong: bool = False
    weak: bool = False

    @property
    def is_name(self) -> bool:
        return self.strong or self.weak


class Aligner:
    """The names of both sides of a pair, to lay texts side by side with."""

    def __init__(self, left: EnvironmentNames, right: EnvironmentNames) -> None:
        self._left, self._right = left, right
        self._glue = tuple(_Glue.of(names) for names in (left, right))
        self._rows: tuple[dict[str, _Row], dict[str, _Row]] = ({}, {})

    def same(self, left: str, right: str, *, cut: bool = False) -> bool:
        """Whether the two texts are one but for what each environment is called. `cut`: names of 32 characters may have
        lost their ends."""
        return self.common(left, right, cut=cut) is not None

    def common(self, left: str, right: str, *, cut: bool = False) -> tuple[str, ...] | None:
        """The words that both texts have in common, in order, `""` where names stand between; None where they are not one."""
        found = self._laid(left, right, cut=cut)
        return None if found is None else tuple("" if word in _NAMES else word for word in found)

    def lacking(self, left: str, right: str) -> bool:
        """Of two texts that are one: whether the right carries its environment's name, and the left none in any place."""
        found = self._laid(left, right, cut=False)
        return found is None or (_THEIRS in found and _FACING not in found and _OURS not in found)

    def _laid(self, left: str, right: str, *, cut: bool) -> tuple[str, ...] | None:
        if max(len(left), len(right)) > _LONGEST:
            return None
        ours, theirs = self._row(left, 0), self._row(right, 1)
        if not ours.pieces or not theirs.pieces or max(len(ours.pieces), len(theirs.pieces)) > _MOST_PIECES:
            return None
        cuts = (cut and len(left) in _CUT, cut and len(right) in _CUT)
        if not any(cuts) and _too_unlike(ours, theirs):
            return None
        return _Table(ours.pieces, theirs.pieces, self._glue[0], self._glue[1], cuts).common()

    def _row(self, text: str, side: int) -> _Row:
        """The words of a text of one side. Each of many is laid beside many others."""
        known = self._rows[side]
        found = known.get(text)
        if found is None:
            if len(known) >= _MOST_ROWS:
                known.clear()
            found = known[text] = _Row.of(text, (self._left, self._right)[side])
        return found


@dataclass(frozen=True, slots=True)
class _Row:
    """The words of a text: `texts` as they are spelled, `plain` those that are no names, each with whether one may stand in
    it; `holds`: in some of them one may."""

    pieces: list[_Piece]
    texts: frozenset[str]
    plain: tuple[tuple[str, bool], ...]
    holds: bool

    @classmethod
    def of(cls, text: str, names: EnvironmentNames) -> _Row:
        pieces = list(_pieces(text, names))
        plain = tuple((piece.text, len(piece.text) > _GLUED_FROM) for piece in pieces if not piece.is_name)
        holds = any(len(piece.text) > _GLUED_FROM for piece in pieces)
        return cls(pieces, frozenset(piece.text for piece in pieces), plain, holds)


@dataclass(frozen=True, slots=True)
class _Glue:
    """What may be glued to a word: names without their delimiters, longest first."""

    strong: tuple[str, ...]
    weak: tuple[str, ...]
    _known: dict[str, tuple[tuple[str, str, bool], ...]] = field(default_factory=dict, compare=False, repr=False)

    def beside(self, word: str) -> tuple[tuple[str, str, bool], ...]:
        """Each name that stands at an end of a word, what else the word is, and whether it ends it."""
        found = self._known.get(word)
        if found is None:
            if len(self._known) >= _MOST_ROWS:
                self._known.clear()
            rests = (
                (name, rest, ends)
                for name in self.strong
                for rest, ends in ((word.removeprefix(name), False), (word.removesuffix(name), True))
            )
            found = self._known[word] = tuple(one for one in rests if len(one[1]) != len(word))
        return found

    @classmethod
    def of(cls, names: EnvironmentNames) -> _Glue:
        bare = {re.sub(r"[-_. ]", "", token.lower()) for token in names.tokens}
        return cls(tuple(sorted(bare, key=lambda word: (-len(word), word))), tuple(sorted(names.weak)))


class _Table:
    """Two rows of words, laid side by side."""

    def __init__(
        self, ours: list[_Piece], theirs: list[_Piece], glue: _Glue, other: _Glue, cuts: tuple[bool, bool]
    ) -> None:
        self._ours, self._theirs, self._glue, self._other, self._cuts = ours, theirs, glue, other, cuts
        self._dead: set[tuple[int, int]] = set()

    def common(self) -> tuple[str, ...] | None:
        found = self._from(0, 0)
        # Equal words alone are no naming: `a b` and `a-b` stay two texts.
        if found is None or not (_NAMES & set(found) or any(self._cuts)):
            return None
        # One name alone, facing nothing, says nothing of what it is the name of.
        return found if set(found) - {_OURS, _THEIRS} else None

    def _from(self, i: int, j: int) -> tuple[str, ...] | None:
        """How the rest of both rows lies side by side, word by word; None where they are not one."""
        if i == len(self._ours) and j == len(self._theirs):
            return ()
        if (i, j) in self._dead:
            return None
        for word, di, dj in self._steps(i, j):
            rest = self._from(i + di, j + dj)
            if rest is not None:
                return (word, *rest)
        if self._is_cut_off(i, j):
            return ()
        self._dead.add((i, j))
        return None

    def _steps(self, i: int, j: int) -> Iterator[tuple[str, int, int]]:
        """What may stand here, and how far each row then goes on. Likeliest first."""
        a = self._ours[i] if i < len(self._ours) else None
        b = self._theirs[j] if j < len(self._theirs) else None
        if a is not None and b is not None:
            if a.text == b.text:
                yield a.text, 1, 1
            if a.is_name and b.is_name:
                yield _FACING, 1, 1
            if a.text != b.text and self._are_glued(a.text.lower(), b.text.lower()):
                yield _FACING, 1, 1
        if a is not None and a.is_name:
            yield _OURS, 1, 0
        if b is not None and b.is_name:
            yield _THEIRS, 0, 1

    def _are_glued(self, a: str, b: str) -> bool:
        """Whether two words are one, each with a name of its side at the same end: `stgorders` and `prdorders`."""
        for ours, rest, ends in self._glue.beside(a):
            theirs = b.removeprefix(rest) if ends else b.removesuffix(rest)
            known = theirs in self._other.strong
            if len(theirs) + len(rest) != len(b) or not (known or theirs in self._other.weak or not theirs):
                continue
            if len(rest) >= least_beside(ours, theirs, known=known):
                return True
        return False

    def _is_cut_off(self, i: int, j: int) -> bool:
        """Whether what is left differs because a name of one side was too long, and lost its end."""
        if i == 0 or j == 0 or not any(self._cuts):
            return False
        ours, theirs = ["".join(piece.text for piece in row) for row in (self._ours[i:], self._theirs[j:])]
        if all(self._cuts) and ours and theirs and self._begins(ours, self._glue) and self._begins(theirs, self._other):
            return True
        return (
            (self._cuts[0] and (theirs.startswith(ours) or self._begins_name(ours, self._glue, theirs, self._theirs[j:])))
            or (self._cuts[1] and (ours.startswith(theirs) or self._begins_name(theirs, self._other, ours, self._ours[i:])))
        )  # fmt: skip

    @staticmethod
    def _begins_name(text: str, glue: _Glue, rest: str, pieces: list[_Piece]) -> bool:
        """Whether all that is left of the one side is the beginning of its name, and of the other its name."""
        named = all(piece.is_name for piece in pieces) or not rest
        return named and _Table._begins(text, glue)

    @staticmethod
    def _begins(text: str, glue: _Glue) -> bool:
        return any(token.startswith(text.lower()) for token in glue.strong)


def may_be_cut(left: str, right: str) -> bool:
    """Whether one of two names is as long as names are that lost their ends."""
    return len(left) in _CUT or len(right) in _CUT


def least_beside(ours: str, theirs: str, *, known: bool) -> int:
    """How many letters must stand beside two names that are glued to a word, for the two to be no chance. `known`: both
    are names wherever they stand."""
    shortest = min(len(ours), len(theirs))
    if known:
        return 2 if shortest > 3 else 3 if shortest > 1 else 4
    return 3 if shortest > 3 else 4


def _pieces(text: str, names: EnvironmentNames) -> Iterator[_Piece]:
    end = 0
    for start, stop in names.spans(text):
        yield from _words(text[end:start], names)
        yield _Piece(text[start:stop], strong=True)
        end = stop
    yield from _words(text[end:], names)


def _words(text: str, names: EnvironmentNames) -> Iterator[_Piece]:
    for found in _PIECES.finditer(text):
        numbered = _NUMBERED.match(found.group())
        if numbered and len(numbered[1]) > 2 and numbered[1].lower() in names.weak:
            yield _Piece(numbered[1], weak=True)
            yield _Piece(numbered[2])
        else:
            yield _Piece(found.group(), weak=found.group().lower() in names.weak)


def _too_unlike(ours: _Row, theirs: _Row) -> bool:
    """A cheap look first: a word that is no name, cannot hold one and is missing on the other side settles it."""
    there, holds = theirs.texts, theirs.holds
    return any(text not in there and not (holds and may_hold) for text, may_hold in ours.plain)
