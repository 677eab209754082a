"""Normal forms with the names of their environment set aside, and digests of them: where two are equal, nothing differs."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import orjson

from auditor.literals import kept_apart
from auditor.paths import free_key
from auditor.values import canonical, way_of_spelling

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditor.model import Json
    from auditor.names import EnvironmentNames

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_COMPACT = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
# Of what is longer hardly one stands in two documents; and of what is shorter, so much is remembered.
_LONGEST_REMEMBERED, _MOST_REMEMBERED = 256, 65_536


def digest_of(value: Json) -> str:
    """SHA-256, in hex, of a JSON value in canonical form: keys sorted, no blanks."""
    return hashlib.sha256(_CANONICAL.encode(value).encode("utf-8", "surrogatepass")).hexdigest()


def spelled(value: Json, key: str = "") -> Json:
    """The same tree with every leaf in its one spelling."""
    if isinstance(value, dict):
        return {
            name: spelled(below, name) if isinstance(below, dict | list) else canonical(below, name)
            for name, below in value.items()
        }
    if isinstance(value, list):
        return [canonical(item, key) for item in value]
    return canonical(value, key)


def neutral(value: Json, names: EnvironmentNames) -> Json:
    """A normal form, or a part of one, with the environment's names set aside, in its keys too."""
    if isinstance(value, dict):
        told = {names.neutral(name): neutral(below, names) for name, below in value.items()}
        if len(told) == len(value):
            return told
        return _all_of((names.neutral(name), neutral(value[name], names)) for name in sorted(value))
    if isinstance(value, list):
        return [names.neutral(kept_apart(item)) if isinstance(item, str) else item for item in value]
    return names.neutral(kept_apart(value)) if isinstance(value, str) else value


def _all_of(rows: Iterable[tuple[str, Json]]) -> dict[str, Json]:
    """Each row under a key of its own: `STAGING_URL` and `STG_URL` are one name, and neither value may hide the other."""
    told: dict[str, Json] = {}
    for key, value in rows:
        told[free_key(key, told)] = value
    return told


class Neutral:
    """Sets aside the names of one environment, and remembers of each text what was left: most stand in many documents."""

    def __init__(self, names: EnvironmentNames) -> None:
        self.names = names
        # By the key that a leaf stands under: the key without names, and what became of texts that are spelled in its way.
        self._keys: dict[str, tuple[str, dict[str, Json]]] = {}
        self._leaves: dict[int, dict[str, Json]] = {}

    def digest(self, raw: Mapping[str, Json]) -> str:
        """`digest_of` the form that goes with `raw`, its names set aside: in one walk, and without making the form."""
        try:
            return hashlib.sha256(orjson.dumps(self._map(raw), option=_COMPACT)).hexdigest()
        except TypeError:
            # orjson has no words for half characters, nor for whole numbers of more than 64 bits.
            return digest_of(neutral(spelled(raw), self.names))

    def _map(self, value: Mapping[str, Json]) -> dict[str, Json]:
        told: dict[str, Json] = {}
        keys = self._keys
        for name, below in value.items():
            kind = type(below)
            if kind is dict:
                told[self.names.neutral(name)] = self._map(below)
                continue
            key, leaves = keys.get(name) or self._under(name)
            if kind is str:
                found = leaves.get(below)
                told[key] = found if found is not None else self._text(below, name, leaves)
            elif kind is bool or below is None:
                told[key] = below
            elif kind is list:
                told[key] = [self._leaf(item, name, leaves) for item in below]
            else:
                told[key] = self._leaf(below, name, leaves)
        if len(told) == len(value):
            return told
        return _all_of(row for name in sorted(value) for row in self._map({name: value[name]}).items())

    def _under(self, key: str) -> tuple[str, dict[str, Json]]:
        if len(self._keys) >= _MOST_REMEMBERED:
            self._keys.clear()
        found = self._keys[key] = self.names.neutral(key), self._leaves.setdefault(way_of_spelling(key), {})
        return found

    def _leaf(self, value: Json, key: str, leaves: dict[str, Json]) -> Json:
        if type(value) is str:
            found = leaves.get(value)
            return found if found is not None else self._text(value, key, leaves)
        return self._told(canonical(value, key))

    def _text(self, text: str, key: str, leaves: dict[str, Json]) -> Json:
        told = self._told(canonical(text, key))
        if len(text) <= _LONGEST_REMEMBERED:
            if len(leaves) >= _MOST_REMEMBERED:
                leaves.clear()
            leaves[text] = told
        return told

    def _told(self, leaf: Json) -> Json:
        if isinstance(leaf, str):
            return self.names.neutral(kept_apart(leaf))
        # Fractions as the standard library spells them.
        return orjson.Fragment(json.dumps(leaf)) if isinstance(leaf, float) else leaf
