"""How far a finding reaches: how many other resources depend on the one that it is about, or share its cause. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, repeat
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias

from auditor.document import Document, expect
from auditor.mentions import mentions_any, number
from auditor.naming import noun_of, spoken

if TYPE_CHECKING:
    from auditor.comparison import Comparison, Naming, Normal
    from auditor.model import Breach

_REFERENCE = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)+/[A-Za-z0-9][\w./-]*")

# Documents that are read together.
_AT_ONCE = 2000
Spot: TypeAlias = tuple[str, str]
"""Kind and identity of a resource, in normal form."""


def with_reach(breaches: Sequence[Breach], comparison: Comparison) -> tuple[Breach, ...]:
    """The same breaches, each with how many other resources it concerns.

    That is an order of importance, not a scope: only direct references count, and only what names them surely."""
    if not breaches:
        return ()
    depending = _dependents(comparison, frozenset((breach.kind, breach.identity) for breach in breaches))
    sharing: dict[str, set[Spot]] = defaultdict(set)
    for breach in breaches:
        if breach.cause_key is not None:
            sharing[breach.cause_key].add((breach.kind, breach.identity))
    return tuple(replace(breach, reach=_reach(breach, depending, sharing)) for breach in breaches)


def _reach(breach: Breach, depending: Mapping[Spot, Iterable[Spot]], sharing: Mapping[str, Iterable[Spot]]) -> int:
    own = (breach.kind, breach.identity)
    others = {*depending.get(own, ()), *(sharing[breach.cause_key] if breach.cause_key is not None else ())}
    return len(others - {own})


def _dependents(comparison: Comparison, wanted: frozenset[Spot]) -> Mapping[Spot, set[Spot]]:
    """What refers to each of the `wanted` resources, in either environment."""
    found: dict[Spot, set[Spot]] = defaultdict(set)
    for side in ("left", "right"):
        targets = _Targets(_of_side(comparison, side), wanted)
        naming = [one for one in _of_side(comparison, side) if targets.may_be_named_in(one[1])]
        known = _namings([normal for _, normal in naming])
        for start in range(0, len(naming), _AT_ONCE):
            some = [(*one, next(known)) for one in naming[start : start + _AT_ONCE]]
            _read_together(normal for _, normal, told in some if told is None)
            for identity, normal, told in some:
                spot = (normal.kind.name, identity)
                for target in targets.named_by(normal, told):
                    if target != spot:
                        found[target].add(spot)
    return found


def _of_side(comparison: Comparison, side: str) -> Iterator[tuple[str, Normal]]:
    """Each resource of a side. A pair is one resource, under the identity that its findings have."""
    for compared in comparison.matches:
        match = compared.match
        yield match.left.identity, match.left if side == "left" else match.right
    yield from ((one.normal.identity, one.normal) for one in comparison.unmatched if one.side == side)


class _Targets:
    """The resources of one snapshot that are looked for, by how others refer to them."""

    def __init__(self, own: Iterable[tuple[str, Normal]], wanted: frozenset[Spot]) -> None:
        self._whole: dict[str, Spot] = {}
        self._names: dict[str, list[tuple[str, Spot]]] = defaultdict(list)
        identities = frozenset(identity for _, identity in wanted)
        for identity, normal in own:
            if identity in identities and (spot := (normal.kind.name, identity)) in wanted:
                name = normal.resource.identity
                self._whole[f"{normal.kind.name}/{name}"] = spot
                noun = noun_of(normal.kind.name)
                self._names[name].append((noun, spot))
        self._kinds = tuple(sorted({f"{kind}/" for kind, _ in self._whole.values()}))
        self._numbers = frozenset(map(number, (*self._whole, *self._names)))

    def may_be_named_in(self, normal: Normal) -> bool:
        """Whether a document has to be read: only where nothing that would name one of them is mentioned it has not."""
        return normal.mentions is None or mentions_any(normal.mentions, self._numbers)

    def named_by(self, normal: Normal, told: Naming | None) -> Iterator[Spot]:
        """Those that a document refers to: by what an id or an endpoint stands for, or by name under a key of their kind.

        `told` is what is kept of how it names things; None where it has to be read."""
        for key, text in spoken(normal.raw) if told is None else told:
            if text in self._whole:
                yield self._whole[text]
            elif text in self._names:
                yield from (spot for noun, spot in self._names[text] if noun in key)
            elif "/" in text and any(kind in text for kind in self._kinds):
                yield from self._mentioned(text)

    def _mentioned(self, text: str) -> Iterator[Spot]:
        """References inside a longer text: `postgres://aws.rds.instance/orders:5432/app`."""
        for found in _REFERENCE.findall(text):
            end = len(found)
            # What follows a name begins with a dot or a slash; with a dash it is a longer name.
            while end > 0 and found[:end] not in self._whole:
                end = max(found.rfind(".", 0, end), found.rfind("/", 0, end))
            if end > 0:
                yield self._whole[found[:end]]


def _namings(normals: Sequence[Normal]) -> Iterator[Naming | None]:
    """What is kept of how each names others, asked for at once as far as those that come one after the other have one reader."""
    for reader, group in groupby(normals, attrgetter("reader")):
        some = list(group)
        yield from repeat(None, len(some)) if reader is None else reader.namings(some)


def _read_together(normals: Iterable[Normal]) -> None:
    expect(document for normal in normals if isinstance(document := normal.resource.attributes, Document))
