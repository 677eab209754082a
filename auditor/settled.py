"""What is known of a pair of resources under a policy: the few places that must be judged again, and that the rest is right.

Most values of most pairs are right whatever the day, and stay so while neither document, nor the policy, nor what the environments
are called changes. What a pair's record holds is everything else: where it differs, and the values whose verdict may be
another one the next time, or was not good. Those are judged anew by every audit; a record only says which they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import auditor
from auditor.expect import Leaf
from auditor.kept import KEY, key_of
from auditor.mentions import mentions_any, number
from auditor.model import ABSENT

if TYPE_CHECKING:
    from auditor.comparison import Match
    from auditor.evaluate import Evaluator
    from auditor.kept import Keeping
    from auditor.model import Json
    from auditor.names import EnvironmentNames
    from auditor.places import Place
    from auditor.references import Target
    from auditor.rules import Policy

RECORD_VERSION = 6
"""Part of every key: raise it when the same pair would be judged in other places."""
_DIFFERS, _UNQUALIFIED, _VALUE = "d", "u", "v"


@dataclass(frozen=True, slots=True)
class Spots:
    """The places of one pair that are to be judged: where it differs, where only a name lacks, and values by themselves."""

    differing: tuple[Place, ...] = ()
    unqualified: tuple[Place, ...] = ()
    values: tuple[Place, ...] = ()


RIGHT = Spots()
"""Of a pair in which everything is right, and stays so."""


class Settled:
    """What is kept of the pairs of two environments, for one policy. Says nothing of pairs whose content has no key."""

    def __init__(
        self, keeping: Keeping, policy: Policy, evaluator: Evaluator, names: Mapping[str, EnvironmentNames]
    ) -> None:
        left, right = names["left"], names["right"]
        self._kept = keeping.map(f"settled-{RECORD_VERSION}:{left.name}:{right.name}")
        targets = list(evaluator.targets())
        said = [RECORD_VERSION, auditor.__version__, policy.digest, _told(left), _told(right)]
        said += [evaluator.separate, sorted((argument, side, *_spelled(found)) for argument, side, found in targets)]
        self._context = key_of(json.dumps(said, sort_keys=True))
        self._handles = {
            side: frozenset(number(handle) for _, of, found in targets if of == side for handle in found.handles)
            for side in ("left", "right")
        }

    def known(self, match: Match, place: Callable[..., Place]) -> Spots | None:
        """What is kept of the pair; None where nothing is, or where it may speak of a thing that came meanwhile.

        `place` makes a place of what a record says: path, left, right, and by name `spot` and `unqualified`."""
        key = self._key(match)
        if key is None:
            return None
        record = self._kept.get(key)
        if record is None:
            return None
        if not record:
            return RIGHT
        spots: dict[str, list[Place]] = {_DIFFERS: [], _UNQUALIFIED: [], _VALUE: []}
        for what, path, spot, left, right in json.loads(record):
            made = place(tuple(path), _leaf(left), _leaf(right), spot=tuple(spot), unqualified=what == _UNQUALIFIED)
            spots[what].append(made)
        return Spots(*(tuple(found) for found in spots.values()))

    def keep(self, match: Match, spots: Spots) -> None:
        key = self._key(match)
        if key is None:
            return
        rows = [
            *_rows(_DIFFERS, spots.differing),
            *_rows(_UNQUALIFIED, spots.unqualified),
            *_rows(_VALUE, spots.values),
        ]
        self._kept[key] = json.dumps(rows, separators=(",", ":")).encode() if rows else b""

    def _key(self, match: Match) -> bytes | None:
        left, right = match.left, match.right
        if not left.key or not right.key or left.mentions is None or right.mentions is None:
            return None
        handles = self._handles
        if mentions_any(left.mentions, handles["left"]) or mentions_any(right.mentions, handles["right"]):
            return None
        return blake2b(left.key + right.key, digest_size=KEY, key=self._context).digest()


def _told(names: EnvironmentNames) -> list[Json]:
    return [names.name, names.tokens, names.weak, names.foreign, sorted(names.accounts), names.regions]


def _spelled(target: Target) -> list[Json]:
    """A target but for what is looked up pair by pair (its handles) or makes a value right that is judged again anyway."""
    idiom = target.idiom
    glued = [[name, at_end, sorted(stems)] for name, at_end, stems in idiom.glued]
    learned = [sorted(idiom.words), glued, sorted(idiom.others), sorted(idiom.things)]
    return [_told(target.names), sorted(target.accounts), learned]


def _rows(what: str, places: Iterable[Place]) -> Iterator[list[Json]]:
    for place in places:
        yield [what, place.path, place.spot, _said(place.left), _said(place.right)]


def _said(leaf: Leaf) -> list[Json]:
    return [leaf.form, leaf.raw] if leaf.present else []


def _leaf(said: list[Json]) -> Leaf:
    return Leaf(*said) if said else Leaf(ABSENT, ABSENT)
