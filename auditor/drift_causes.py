"""Changes that one cause explains, put together: an image everywhere, one key in many services, a kind that came.

The same for what changed in time and for what differs between two snapshots; only the words for it are others."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from auditor.messages import quote
from auditor.model import ABSENT, Absent, Json, Path
from auditor.paths import dotted

_T = TypeVar("_T")
# Two alike may be chance; three have a cause.
_FEWEST = 3
_FEWEST_KEYS = 5


@dataclass(frozen=True, slots=True)
class Leaf:
    """One place with its two values, whatever they are of."""

    kind: str
    identity: str
    path: Path
    old: Json | Absent
    new: Json | Absent


@dataclass(frozen=True, slots=True)
class Bundle(Generic[_T]):
    """Changes with what they have in common; of one that has nothing in common with others, `title` is empty."""

    title: str
    members: tuple[_T, ...]


class Words(Protocol):
    """How two values are told: of two times, or of two snapshots."""

    def values(self, what: str, old: Json | Absent, new: Json | Absent) -> str: ...

    def presence(self, what: str, *, come: bool) -> str: ...

    def other(self, what: str) -> str: ...


class InTime:
    """`image went from 1 to 2`."""

    def values(self, what: str, old: Json | Absent, new: Json | Absent) -> str:
        if old is ABSENT:
            return f"{what} came as {quote(new)}"
        return f"{what} went" if new is ABSENT else f"{what} went from {quote(old)} to {quote(new)}"

    def presence(self, what: str, *, come: bool) -> str:
        return f"{what} {'came' if come else 'went'}"

    def other(self, what: str) -> str:
        return f"{what} changed"


@dataclass(frozen=True, slots=True)
class Beside:
    """`image is 1 in staging and 2 in prod`."""

    left: str
    right: str

    def values(self, what: str, old: Json | Absent, new: Json | Absent) -> str:
        if old is ABSENT or new is ABSENT:
            there, value = (self.right, new) if old is ABSENT else (self.left, old)
            return f"{what} is {quote(value)} in {there} only"
        return f"{what} is {quote(old)} in {self.left} and {quote(new)} in {self.right}"

    def presence(self, what: str, *, come: bool) -> str:
        return f"{what} exist in {self.right if come else self.left} only"

    def other(self, what: str) -> str:
        return f"{what} differs"


def bundled(items: Sequence[_T], leaf: Callable[[_T], Leaf], words: Words) -> tuple[Bundle[_T], ...]:
    """The items in their order, those of one cause together in the place of the first of them.

    The first that fits wins: a kind that came or went; one change of value in many places; one path in many resources;
    many keys below one parent."""
    leaves = [leaf(item) for item in items]
    causes: dict[int, tuple[Hashable, str]] = {}
    for name, key, fewest, title in _GROUPINGS:
        groups: dict[Hashable, list[int]] = {}
        for place, one in enumerate(leaves):
            if place not in causes and (value := key(one)) is not None:
                groups.setdefault((name, value), []).append(place)
        for value, places in groups.items():
            members = [leaves[place] for place in places]
            if len(places) >= fewest and (text := title(members, words)):
                causes.update((place, (value, text)) for place in places)
    found: dict[Hashable, list[_T]] = {}
    for place, item in enumerate(items):
        found.setdefault(causes.get(place, place), []).append(item)
    return tuple(Bundle(key[1] if isinstance(key, tuple) else "", tuple(members)) for key, members in found.items())


def _presence(leaf: Leaf) -> Hashable:
    return None if leaf.path else (leaf.kind, leaf.old is ABSENT)


def _presence_title(members: Sequence[Leaf], words: Words) -> str:
    return words.presence(f"{len(members)} resources of kind {members[0].kind}", come=members[0].old is ABSENT)


def _values(leaf: Leaf) -> Hashable:
    if not leaf.path or all(isinstance(value, bool) or value is ABSENT for value in (leaf.old, leaf.new)):
        return None
    return _spelled(leaf.old), _spelled(leaf.new)


def _values_title(members: Sequence[Leaf], words: Words) -> str:
    keys = {member.path[-1] for member in members}
    what = next(iter(keys)) if len(keys) == 1 else "a value"
    return f"{words.values(what, members[0].old, members[0].new)}, {_spread(members)}"


def _path(leaf: Leaf) -> Hashable:
    return (leaf.kind, leaf.path) if leaf.path else None


def _path_title(members: Sequence[Leaf], words: Words) -> str:
    if len({member.identity for member in members}) < _FEWEST:
        return ""
    return f"{words.other(dotted(members[0].path))}, {_spread(members)}"


def _parent(leaf: Leaf) -> Hashable:
    return (leaf.kind, leaf.identity, leaf.path[:-1]) if len(leaf.path) > 1 else None


def _parent_title(members: Sequence[Leaf], words: Words) -> str:
    first = members[0]
    return words.other(f"{len(members)} keys: what is below {dotted(first.path[:-1])} of {first.identity}")


def _spread(members: Sequence[Leaf]) -> str:
    resources = {(member.kind, member.identity) for member in members}
    if len(resources) == 1:
        return f"{len(members)} times in {members[0].identity}"
    kinds = {kind for kind, _ in resources}
    return f"in {len(resources)} resources" + (f" of kind {kinds.pop()}" if len(kinds) == 1 else "")


def _spelled(value: Json | Absent) -> str:
    return "" if value is ABSENT else json.dumps(value, sort_keys=True)


_GROUPINGS: tuple[tuple[str, Callable[[Leaf], Hashable], int, Callable[[Sequence[Leaf], Words], str]], ...] = (
    ("presence", _presence, _FEWEST, _presence_title),
    ("values", _values, _FEWEST, _values_title),
    ("path", _path, _FEWEST, _path_title),
    ("parent", _parent, _FEWEST_KEYS, _parent_title),
)
