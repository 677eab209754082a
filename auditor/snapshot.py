"""Resources -> normal forms: one structure, one spelling, references resolved inside the snapshot, names set aside.

A normal form is a tree of maps with scalars and lists of scalars as leaves. Lists of objects are maps by what tells their
items apart; lists without order are sorted; ids that point to another resource of the snapshot say which one. What an
environment calls things stays in the text, because only both sides together tell a name from a difference (`alike.py`);
the digest is taken with the names set aside, so equal digests mean: nothing differs.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import partial
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING

from auditor.comparison import Normal
from auditor.declared import is_declaration
from auditor.document import Document
from auditor.embedded import embedded
from auditor.footing import ground_of
from auditor.model import Json, Kind, Resource
from auditor.paths import UNKEYED
from auditor.set_aside import Neutral, spelled
from auditor.values import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from auditor.footing import Footing
    from auditor.names import EnvironmentNames

_KEY_CANDIDATES = ("name", "Name", "key", "Key", "id", "Id", "ID", "identifier", "host", "path", "type", "port")
_VALUES = ("value", "Value")
_PLAIN = frozenset({bool, int, float, type(None)})
_REFERENCE = re.compile(r"arn:aws[\w-]*:[^\s\"',;]+|[A-Za-z0-9][\w.-]{5,}[A-Za-z0-9]")
_POINTS = re.compile(r"[:/.]|-[0-9a-f]{8,}\Z")
# What is longer is looked into for no handles; and of what is shorter, so much is remembered.
_LONGEST, _LONGEST_REMEMBERED, _MOST_REMEMBERED = 20_000, 256, 65_536
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


class Handles(dict[str, str]):
    """What each handle of one snapshot stands for. Texts of an environment stand in many of its documents, so it is remembered
    what became of them."""

    __slots__ = ("known",)

    def __init__(self, references: Mapping[str, str]) -> None:
        super().__init__(references)
        self.known: dict[str, str] = {}
        """Texts that hold no documents, with the handles in them resolved."""

    def resolved(self, text: str) -> str:
        """A text that holds no document, with the handles in it resolved."""
        found = self._resolved(text)
        if len(text) <= _LONGEST_REMEMBERED:
            if len(self.known) >= _MOST_REMEMBERED:
                self.known.clear()
            self.known[text] = found
        return found

    def within(self, text: str) -> str:
        """The text, each handle in it as what that stands for."""
        return _REFERENCE.sub(self._stands_for, text) if self else text

    def _resolved(self, text: str) -> str:
        if len(text) > _LONGEST or _MAY_POINT.search(text) is None:
            return text
        exact = self.get(text)
        return exact if exact is not None else self.within(text)

    def _stands_for(self, match: re.Match[str]) -> str:
        return self.get(match.group(), match.group())


@dataclass(frozen=True, slots=True)
class References:
    """What the resources of one snapshot may be referred to by, and as what: `live` what is there, `copied` with the copies
    in states. A state's copies refer to one another and to what is live; what is live does not refer to copies."""

    live: Handles
    copied: Handles

    @classmethod
    def of(cls, resources: Sequence[Resource]) -> References:
        live = Handles(references_of(each for each in resources if not is_declaration(each.kind)))
        copies = references_of(each for each in resources if is_declaration(each.kind))
        return cls(live, Handles({**copies, **live}) if copies else live)

    def seen_by(self, kind: str) -> Handles:
        return self.copied if is_declaration(kind) else self.live


def raw_form(resource: Resource, kind: Kind, names: Neutral, references: Mapping[str, str]) -> dict[str, Json]:
    """What `normal_form` says as `raw`, for who needs no more."""
    attributes = resource.attributes
    document = attributes.plain() if isinstance(attributes, Document) else attributes
    return _Shape(kind, names, references).of(document)


def normal_form(resource: Resource, kind: Kind, names: EnvironmentNames, references: Mapping[str, str]) -> Normal:
    """The normal form of one resource. `references` are those of its snapshot (`references_of`)."""
    setting_aside = Neutral(names)
    raw = raw_form(resource, kind, setting_aside, references)
    digest = setting_aside.digest(raw)
    return Normal(resource, kind, names.neutral(resource.identity), spelled(raw), raw, digest)


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

    def __init__(self, kind: Kind, names: Neutral, references: Mapping[str, str]) -> None:
        self._neutral, self._names = names, names.names
        self._handles = references if isinstance(references, Handles) else Handles(references)
        self._ground = ground_of(kind)

    def of(self, document: Mapping[str, Json]) -> dict[str, Json]:
        return self._map(document, self._ground.top())

    def _map(self, document: Mapping[str, Json], here: Footing) -> dict[str, Json]:
        shaped: dict[str, Json] = {}
        footings, texts = here.known, self._handles.known
        for name, value in document.items():
            key = str(name)
            below = footings.get(key) or here.below(key)
            if below.volatile:
                continue
            kind = type(value)
            if kind is str:
                known = texts.get(value)
                shaped[key] = known if known is not None else self._text(value, below)
            else:
                shaped[key] = value if kind in _PLAIN else self._value(value, below)
        return shaped

    def _value(self, value: Json, here: Footing) -> Json:
        if isinstance(value, dict):
            return self._map(value, here)
        if isinstance(value, list | tuple):
            return self._list(value, here)
        return self._text(value, here) if isinstance(value, str) else value

    def _text(self, text: str, here: Footing) -> Json:
        known = self._handles.known.get(text)
        if known is not None:
            return known
        document = embedded(text)
        return self._value(document, here) if document else self._handles.resolved(text)

    def _list(self, items: Sequence[Json], here: Footing) -> Json:
        in_order, keyed = here.listed()
        if items and isinstance(items[0], dict) and all(isinstance(item, dict) for item in items):
            return self._objects(items, here, keyed, in_order=in_order)
        below = here.below("*")
        shaped = [self._value(item, below) for item in items]
        leaves = [digestible(item) if isinstance(item, dict | list) else item for item in shaped]
        if in_order or len(leaves) < 2:
            return leaves
        return sorted(leaves, key=partial(self._sort_key, here.step))

    def _sort_key(self, key: str, leaf: Json) -> str:
        value = canonical(leaf, key)
        # Two spellings of one value (`true`, `"true"`) need an order, too.
        quoted = encode_basestring_ascii(repr(leaf))
        if isinstance(value, str):
            return f"[{encode_basestring_ascii(self._names.neutral(value))}, {quoted}]"
        return f"[{json.dumps(value)}, {quoted}]"

    def _objects(
        self, items: Sequence[dict[str, Json]], here: Footing, declared: str | None, *, in_order: bool
    ) -> dict[str, Json]:
        attributes = declared.split("+") if declared else self._discover(items)
        if not attributes and in_order:
            below = here.below("*")
            return {f"{index:03}": self._map(item, below) for index, item in enumerate(items)}
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
                value = self._value(_said(rest), here.below(key))
                key = "/".join(map(self._handles.within, named))
            else:
                value = self._map(item, here.below("*"))
                key = UNKEYED + self._neutral.digest(value)[:12]
            unique, count = key, 2
            while unique in shaped:
                unique, count = f"{key}~{count}", count + 1
            shaped[unique] = value
        return shaped

    @staticmethod
    def _discover(items: Sequence[dict[str, Json]]) -> list[str]:
        """The attribute that names the items, where nothing was declared: the first candidate that tells all of them apart."""
        for candidate in _KEY_CANDIDATES:
            if candidate not in items[0]:
                continue
            found = [item.get(candidate) for item in items]
            if all(isinstance(value, str | int) and value != "" for value in found) and len(
                set(map(str, found))
            ) == len(items):
                return [candidate]
        return []


def is_ordered(kind: Kind, path: tuple[str, ...]) -> bool:
    """Whether the order of the list at `path` of a resource of this kind has a meaning."""
    return ground_of(kind).is_ordered(path)


def _said(rest: dict[str, Json]) -> Json:
    """What is left of an item without its name: `{name: LOG_LEVEL, value: info}` says what `LOG_LEVEL: info` says."""
    if len(rest) != 1:
        return rest
    key, value = next(iter(rest.items()))
    return value if key in _VALUES and not isinstance(value, dict | list) else rest


def digestible(value: Json) -> str:
    """A container inside a list of scalars, as the text of its canonical JSON."""
    return json.dumps(spelled(value), sort_keys=True, ensure_ascii=False)
