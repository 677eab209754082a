"""Resources -> normal forms: one structure, one spelling, references resolved inside the snapshot, names set aside.

A normal form is a tree of maps with scalars and lists of scalars as leaves. Lists of objects are maps by what tells their
items apart; lists without order are sorted; ids that point to another resource of the snapshot say which one. What an
environment calls things stays in the text, because only both sides together tell a name from a difference (`alike.py`);
the digest is taken with the names set aside, so equal digests mean: nothing differs.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from auditor.declared import is_declaration
from auditor.embedded import embedded
from auditor.model import Json, Kind, Normal, Resource
from auditor.paths import UNKEYED, PathSet
from auditor.values import canonical, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from auditor.names import EnvironmentNames

_KEY_CANDIDATES = ("name", "Name", "key", "Key", "id", "Id", "ID", "identifier", "host", "path", "type", "port")
_VALUES = ("value", "Value")
_ORDERED_WORDS = frozenset({"command", "cmd", "args", "arguments", "argv", "entrypoint"})
_REFERENCE = re.compile(r"arn:aws[\w-]*:[^\s\"',;]+|[A-Za-z0-9][\w.-]{5,}[A-Za-z0-9]")
_POINTS = re.compile(r"[:/.]|-[0-9a-f]{8,}\Z")
# Every text that one of these stands in; most need no closer look.
_MAY_POINT = re.compile(r"[:/.]|-[0-9a-f]{8}")


def normalise(
    resources: Sequence[Resource],
    kind_of: Callable[[str], Kind],
    names: EnvironmentNames,
    source_names: Mapping[str, EnvironmentNames] | None = None,
) -> tuple[Normal, ...]:
    """The normal form of every resource of one snapshot, in the same order.

    `source_names` gives the names for sources that have aliases of their own. Same resources and names in, same out.
    """
    known = References.of(resources)
    by_source = source_names or {}
    return tuple(
        normal_form(
            resource, kind_of(resource.kind), by_source.get(resource.source, names), known.seen_by(resource.kind)
        )
        for resource in resources
    )


@dataclass(frozen=True, slots=True)
class References:
    """What the resources of one snapshot may be referred to by, and as what: `live` what is there, `copied` with the copies
    in states. A state's copies refer to one another and to what is live; what is live does not refer to copies."""

    live: Mapping[str, str]
    copied: Mapping[str, str]

    @classmethod
    def of(cls, resources: Sequence[Resource]) -> References:
        live = references_of(each for each in resources if not is_declaration(each.kind))
        copies = references_of(each for each in resources if is_declaration(each.kind))
        return cls(live, {**copies, **live} if copies else live)

    def seen_by(self, kind: str) -> Mapping[str, str]:
        return self.copied if is_declaration(kind) else self.live


def digest_of(value: Json) -> str:
    """SHA-256, in hex, of a JSON value in canonical form: keys sorted, no blanks."""
    body = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def raw_form(resource: Resource, kind: Kind, names: EnvironmentNames, references: Mapping[str, str]) -> dict[str, Json]:
    """What `normal_form` says as `raw`, for who needs no more."""
    return _Shape(kind, names, references).map(resource.attributes, ())


def normal_form(resource: Resource, kind: Kind, names: EnvironmentNames, references: Mapping[str, str]) -> Normal:
    """The normal form of one resource. `references` are those of its snapshot (`references_of`)."""
    raw = raw_form(resource, kind, names, references)
    form = _spelled(raw, "")
    return Normal(resource, kind, names.neutral(resource.identity), form, raw, digest_of(neutral(form, names)))


def references_of(resources: Iterable[Resource]) -> dict[str, str]:
    """Every handle that another resource may point with -> `kind/identity`. Plain words are no handles: they may be anything."""
    return {
        ref: f"{resource.kind}/{resource.identity}"
        for resource in resources
        for ref in resource.refs
        if len(ref) > 6 and _POINTS.search(ref)
    }


class _Shape:
    """Gives documents of one kind their structure. Values keep the source's spelling, but for resolved references."""

    def __init__(self, kind: Kind, names: EnvironmentNames, references: Mapping[str, str]) -> None:
        self._names = names
        self._references = references
        self._volatile, self._ordered, self._keyed = _patterns(kind.volatile, kind.ordered, tuple(kind.keyed.items()))

    def map(self, document: Mapping[str, Json], path: tuple[str, ...]) -> dict[str, Json]:
        shaped: dict[str, Json] = {}
        for name, value in document.items():
            key = str(name)
            below = (*path, key)
            if not self._volatile.matches(below):
                plain = value is None or isinstance(value, bool | int | float)
                shaped[key] = value if plain else self._value(value, below)
        return shaped

    def _value(self, value: Json, path: tuple[str, ...]) -> Json:
        if isinstance(value, dict):
            return self.map(value, path)
        if isinstance(value, list | tuple):
            return self._list(list(value), path)
        if isinstance(value, str):
            return self._text(value, path)
        return value

    def _text(self, text: str, path: tuple[str, ...]) -> Json:
        document = embedded(text)
        if document:
            return self._value(document, path)
        if not self._references or len(text) > 20_000 or _MAY_POINT.search(text) is None:
            return text
        exact = self._references.get(text)
        return exact if exact is not None else _REFERENCE.sub(self._resolve, text)

    def _resolve(self, match: re.Match[str]) -> str:
        return self._references.get(match.group(), match.group())

    def _list(self, items: list[Json], path: tuple[str, ...]) -> Json:
        in_order = _is_ordered(self._ordered, path)
        if items and all(isinstance(item, dict) for item in items):
            return self._objects(items, path, in_order=in_order)
        shaped = [self._value(item, (*path, "*")) for item in items]
        leaves = [item if not isinstance(item, dict | list) else digestible(item) for item in shaped]
        return leaves if in_order else sorted(leaves, key=lambda leaf: self._sort_key(leaf, path[-1]))

    def _sort_key(self, leaf: Json, key: str) -> str:
        spelled = canonical(leaf, key)
        neutral = self._names.neutral(spelled) if isinstance(spelled, str) else spelled
        # Two spellings of one value (`true`, `"true"`) need an order, too.
        return json.dumps([neutral, repr(leaf)])

    def _objects(self, items: list[dict[str, Json]], path: tuple[str, ...], *, in_order: bool) -> dict[str, Json]:
        declared = self._keyed.get(path)
        attributes = declared.split("+") if declared else self._discover(items)
        if not attributes and in_order:
            return {f"{index:03}": self.map(item, (*path, "*")) for index, item in enumerate(items)}
        shaped: dict[str, Json] = {}
        value: Json
        for item in items:
            named = [str(item.get(attribute, "")) for attribute in attributes]
            key = "/".join(named)
            if attributes and key.strip("/"):
                rest = (
                    {name: value for name, value in item.items() if name not in attributes}
                    if len(attributes) == 1
                    else item
                )
                value = self._value(_said(rest), (*path, key))
                key = "/".join(map(self._resolve_key, named))
            else:
                value = self.map(item, (*path, "*"))
                key = UNKEYED + digest_of(neutral(_spelled(value, ""), self._names))[:12]
            unique, count = key, 2
            while unique in shaped:
                unique, count = f"{key}~{count}", count + 1
            shaped[unique] = value
        return shaped

    def _resolve_key(self, key: str) -> str:
        return _REFERENCE.sub(self._resolve, key) if self._references else key

    @staticmethod
    def _discover(items: list[dict[str, Json]]) -> list[str]:
        """The attribute that names the items, where nothing was declared: the first candidate that tells all of them apart."""
        for candidate in _KEY_CANDIDATES:
            found = [item.get(candidate) for item in items]
            if all(isinstance(value, str | int) and value != "" for value in found) and len(
                set(map(str, found))
            ) == len(items):
                return [candidate]
        return []


def is_ordered(kind: Kind, path: tuple[str, ...]) -> bool:
    """Whether the order of the list at `path` of a resource of this kind has a meaning."""
    return _is_ordered(_patterns(kind.volatile, kind.ordered, tuple(kind.keyed.items()))[1], path)


def _is_ordered(ordered: PathSet[bool], path: tuple[str, ...]) -> bool:
    return ordered.matches(path) or bool(frozenset(words(path[-1])[-1:]) & _ORDERED_WORDS)


def _said(rest: dict[str, Json]) -> Json:
    """What is left of an item without its name: `{name: LOG_LEVEL, value: info}` says what `LOG_LEVEL: info` says."""
    if len(rest) != 1:
        return rest
    key, value = next(iter(rest.items()))
    return value if key in _VALUES and not isinstance(value, dict | list) else rest


def digestible(value: Json) -> str:
    """A container inside a list of scalars, as the text of its canonical JSON."""
    return json.dumps(_spelled(value, ""), sort_keys=True, ensure_ascii=False)


@lru_cache(maxsize=1024)
def _patterns(
    volatile: tuple[str, ...], ordered: tuple[str, ...], keyed: tuple[tuple[str, str], ...]
) -> tuple[PathSet[bool], PathSet[bool], PathSet[str]]:
    return (
        PathSet(dict.fromkeys(volatile, True)),
        PathSet(dict.fromkeys(ordered, True)),
        PathSet(dict(keyed)),
    )


def _spelled(value: Json, key: str) -> Json:
    """The same tree with every leaf in its one spelling."""
    if isinstance(value, dict):
        return {name: _spelled(below, name) for name, below in value.items()}
    if isinstance(value, list):
        return [canonical(item, key) for item in value]
    return canonical(value, key)


def neutral(value: Json, names: EnvironmentNames) -> Json:
    """A normal form, or a part of one, with the environment's names set aside, in its keys too."""
    if isinstance(value, dict):
        return {names.neutral(name): neutral(below, names) for name, below in value.items()}
    if isinstance(value, list):
        return [names.neutral(item) if isinstance(item, str) else item for item in value]
    return names.neutral(value) if isinstance(value, str) else value
