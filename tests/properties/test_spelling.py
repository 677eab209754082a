"""What is remembered of texts never changes whether two of them are one name: the answers are those of working it out anew."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import aligned, alike, spelled
from auditor.alike import Pair, slotted
from auditor.names import EnvironmentNames, environment_names
from auditor.networks import own_network

_LEFT = environment_names("staging", ["stg", "acc"], {"prod": ["production"]}).at(["412903887105"], ["eu-central-1"])
_RIGHT = environment_names("prod", ["production", "prd"], {"staging": ["stg"]}).at(["731904556120"], ["us-east-1"])
_PAIR = Pair(_LEFT, _RIGHT)
"""One for all examples, so that each meets what the others left behind."""
_NAMES = (
    "staging",
    "stg",
    "Stg",
    "acc",
    "prod",
    "prd",
    "Production",
    "live",
    "www",
    "p",
    "s",
    "pp",
    "pd",
    "euc1",
    "use1",
)
_THINGS = (
    "orders",
    "db",
    "web",
    "api",
    "queue",
    "a",
    "tmp",
    "acme",
    "1",
    "01",
    "s189t01",
    "s189p01",
    "{env}",
    "ß",
    "İ",
)
_PLACES = (
    "412903887105", "731904556120", "eu-central-1", "us-east-1a", "10.1.0.0/16", "10.2.0.0/16", "8.8.8.0/24",
    "3f2a9c0d1e4b5a6f7c8d9e0f1a2b3c4d", "sg-0123456789abcdef0", "x" * 24,
)  # fmt: skip
_PART = st.sampled_from((*_NAMES, *_THINGS, *_THINGS, *_PLACES))
_TEXT = st.builds(
    lambda parts, joins: "".join(part + join for part, join in zip(parts, joins, strict=True)).rstrip("-_./: "),
    st.lists(_PART, min_size=4, max_size=4),
    st.lists(st.sampled_from(("-", "-", "_", "", "", ".", "/", " ")), min_size=4, max_size=4),
)
_SWAPPED = {
    "staging": "prod",
    "stg": "prd",
    "acc": "production",
    "eu-central-1": "us-east-1",
    "412903887105": "731904556120",
}


def _other(text: str) -> str:
    return re.sub("|".join(map(re.escape, _SWAPPED)), lambda found: _SWAPPED[found.group()], text)


_TWO = st.one_of(st.tuples(_TEXT, _TEXT), st.builds(lambda text: (text, _other(text)), _TEXT))


def _without(text: str, names: EnvironmentNames) -> str:
    for start, stop in reversed(names.spans(text)):
        text = f"{text[:start]} {text[stop:]}"
    return " ".join(re.findall(r"[A-Za-z0-9]+|\{[a-z]+\}|[<>=!*]+", text))


def _glued(left: str, right: str) -> bool:
    own, other = left.lower(), right.lower()
    strong = {token.replace("-", "") for token in _RIGHT.tokens}
    names = strong | {token.replace("-", "") for token in _RIGHT.weak} | {""}
    for token in _LEFT.tokens:
        for start in (at for at in range(len(own)) if own.startswith(token, at)):
            before, after = own[:start], own[start + len(token) :]
            for middle in names:
                enough = aligned.least_beside(token, middle, known=middle in strong)
                if other == before + middle + after and len(before) + len(after) >= enough:
                    return True
    return False


def _laid(left: str, right: str, *, cut: bool = False) -> bool:
    """By a table of its own."""
    if max(len(left), len(right)) > 400:
        return False
    ours, theirs = list(aligned._pieces(left, _LEFT)), list(aligned._pieces(right, _RIGHT))
    if not ours or not theirs or max(len(ours), len(theirs)) > 60:
        return False
    glue = aligned._Glue.of(_LEFT), aligned._Glue.of(_RIGHT)
    cuts = (cut and len(left) in (31, 32), cut and len(right) in (31, 32))
    there, holds = {piece.text for piece in theirs}, any(len(piece.text) > 4 for piece in theirs)
    plain = [piece.text for piece in ours if not piece.is_name and piece.text not in there]
    if not any(cuts) and not all(holds and len(text) > 4 for text in plain):
        return False
    return aligned._Table(ours, theirs, *glue, cuts).common() is not None


def _same_text(left: str, right: str) -> bool:
    if _LEFT.neutral(left) == _RIGHT.neutral(right):
        return True
    a, b = _LEFT.placed(slotted(left)), _RIGHT.placed(slotted(right))
    if a == b or (_LEFT.is_name(left) and _RIGHT.is_name(right)):
        return True
    named, both = bool(_LEFT.spans(a) or _RIGHT.spans(b)), bool(_LEFT.spans(a) and _RIGHT.spans(b))
    own = _without(a, _LEFT), _without(b, _RIGHT)
    if named and own[0] == own[1] and (own[0] or both):
        return True
    bare = [
        " ".join(word for word in text.split(" ") if word.lower() not in names.weak)
        for text, names in zip(own, (_LEFT, _RIGHT), strict=True)
    ]
    if bare[0] == bare[1] and bare[0] and (named or own[0] != own[1]):
        return True
    return (named and _PAIR._same_but_for_stage_letters(*bare)) or _glued(a, b) or _laid(a, b)


def _same_name(left: str, right: str) -> bool:
    if left == right or _same_text(left, right):
        return True
    for pattern, told in ((spelled._NETWORK, own_network), (spelled._HEX_ID, lambda _: "{id}")):
        ours, theirs = pattern.sub(told, left), pattern.sub(told, right)
        if ours != left and theirs != right and _same_text(ours, theirs):
            return True
    bare = [re.sub(r"[-_.]", "", text) for text in (left, right)]
    return _glued(bare[0], bare[1]) or _laid(_LEFT.placed(left), _RIGHT.placed(right), cut=True)


@settings(max_examples=250)
@given(_TWO)
def test_two_texts_are_one_as_they_always_were(two: tuple[str, str]) -> None:
    """Names glued and apart, cut off, with accounts, regions, networks and digests in them."""
    assert _PAIR.same_text(*two) == _same_text(*two)
    assert _PAIR.same_name(*two) == _same_name(*two)


def test_what_is_remembered_is_bounded() -> None:
    """Each memory begins anew when it is full; what is too long for a name is not remembered."""
    known = spelled.Spellings(_LEFT, slotted)
    for number in range(spelled._MOST + 10):
        known.name(f"orders-{number}-stg")
    known.name("x" * 5_000)
    assert len(known._called) == 10
    assert alike.Pair(_LEFT, _RIGHT).same_name("orders-stg", "orders-prd")


@settings(max_examples=60)
@given(_TEXT)
def test_names_at_the_ends_of_a_word_are_found(text: str) -> None:
    """Each that it begins or ends with, and the rest of the word, in the order of the names."""
    glue, word = aligned._Glue.of(_RIGHT), text.lower()
    found = [(name, word[len(name) :], False) for name in glue.strong if word.startswith(name)]
    found += [(name, word[: len(word) - len(name)], True) for name in glue.strong if word.endswith(name)]
    assert sorted(glue.beside(word)) == sorted(found)
    assert [name for name, _, _ in glue.beside(word)] == [
        name for name in glue.strong for one, _, _ in found if one == name
    ]
