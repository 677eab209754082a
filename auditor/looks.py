"""What is kept of an environment's past, as little as is needed to walk back through it: one look per snapshot.

Looks that saw the same name the same manifests, so what did not change in between is seen without reading it.
"""

from __future__ import annotations

import json
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Protocol, TypeAlias, TypeVar

from auditor.model import Gap, Json, Listing

Pointers: TypeAlias = tuple[str, str, tuple[str, ...]]
Content = TypeVar("Content")
_AT_HAND = 48
_MOST_DOCUMENTS = 4096


@dataclass(frozen=True, slots=True)
class Look:
    """One snapshot. `facts` and `manifests` are digests: of what was and was not observed, and of what was seen."""

    id: str
    taken_at: datetime
    facts: str
    manifests: tuple[str, ...]

    def saw_the_same(self, other: Look) -> bool:
        return self.manifests == other.manifests and self.facts == other.facts


@dataclass(frozen=True, slots=True)
class Facts:
    """What a snapshot says besides its resources."""

    gaps: tuple[Gap, ...]
    listings: tuple[Listing, ...]
    accounts: tuple[str, ...]
    regions: tuple[str, ...]


class Part(Protocol):
    """Some resources as kept. `lines` are their spellings: one of each, or one of several. `first` is the name that it begins
    with, as far as that is known."""

    @property
    def first(self) -> str | None: ...

    @property
    def lines(self) -> Sequence[bytes]: ...

    def pointers(self, lines: Sequence[bytes]) -> Sequence[Pointers]:
        """Kind, identity and references of the resources of some of the lines, in their order."""


@dataclass(frozen=True)
class Manifest:
    """The resources of one source as kept: a list of their canonical JSON, each with the digest of its attributes."""

    content: bytes

    def holds(self, line: bytes) -> bool:
        """Whether a resource is in here, exactly as `line` spells it. Ten times as fast as reading it."""
        return line in self.content

    @cached_property
    def entries(self) -> Mapping[str, tuple[Mapping[str, Json], ...]]:
        """The resources by kind."""
        found: dict[str, list[Mapping[str, Json]]] = {}
        for entry in json.loads(self.content):
            found.setdefault(entry["kind"], []).append(entry)
        return {kind: tuple(entries) for kind, entries in found.items()}

    def of_kind(self, kind: str) -> Sequence[Mapping[str, Json]]:
        """The resources of one kind, in their order."""
        return self.entries.get(kind, ())

    def called(self, kind: str, identity: str) -> Sequence[Mapping[str, Json]]:
        """Those of them that go by this very name."""
        return self._called.get((kind, identity), ())

    @property
    def parts(self) -> Mapping[str, Part]:
        """What it consists of, by digest: two manifests that have a part in common list the same there."""
        return {sha256(self.content).hexdigest(): self}

    @property
    def first(self) -> str | None:
        return None

    @property
    def lines(self) -> Sequence[bytes]:
        return (self.content,)

    def pointers(self, lines: Sequence[bytes]) -> Sequence[Pointers]:
        entries = (entry for listed in self.entries.values() for entry in listed)
        return [(one["kind"], one["identity"], tuple(one.get("refs", ()))) for one in entries if lines]

    @cached_property
    def _called(self) -> Mapping[tuple[str, str], list[Mapping[str, Json]]]:
        found: dict[tuple[str, str], list[Mapping[str, Json]]] = defaultdict(list)
        for kind, entries in self.entries.items():
            for entry in entries:
                found[kind, entry["identity"]].append(entry)
        return found


class Past(Protocol):
    """Where looks and their contents are read. Each method raises StoreError; what is asked for by digest is there."""

    def looks(
        self,
        environment: str,
        *,
        until: str | None = None,
        before: str | None = None,
        since: datetime | None = None,
        limit: int | None = None,
    ) -> tuple[Look, ...]: ...

    def facts(self, digests: Collection[str]) -> Mapping[str, Facts]: ...

    def manifests(self, digests: Collection[str]) -> Mapping[str, Manifest]: ...

    def documents(self, digests: Collection[str]) -> Mapping[str, Mapping[str, Json]]: ...


class Remembered:
    """A past of which is remembered what was read lately: for one audit, which asks it many times of the same looks."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._looks: dict[tuple[object, ...], tuple[Look, ...]] = {}
        self._facts: dict[str, Facts] = {}
        self._manifests: OrderedDict[str, Manifest] = OrderedDict()
        self._documents: OrderedDict[str, Mapping[str, Json]] = OrderedDict()

    def looks(
        self,
        environment: str,
        *,
        until: str | None = None,
        before: str | None = None,
        since: datetime | None = None,
        limit: int | None = None,
    ) -> tuple[Look, ...]:
        asked = environment, until, before, since, limit
        found = self._looks.get(asked)
        if found is None:
            told = self._past.looks(environment, until=until, before=before, since=since, limit=limit)
            found = self._looks[asked] = told
        return found

    def facts(self, digests: Collection[str]) -> Mapping[str, Facts]:
        unknown = [one for one in digests if one not in self._facts]
        if unknown:
            self._facts.update(self._past.facts(unknown))
        return {one: self._facts[one] for one in digests}

    def manifests(self, digests: Collection[str]) -> Mapping[str, Manifest]:
        return _known(digests, self._manifests, self._past.manifests, _AT_HAND)

    def documents(self, digests: Collection[str]) -> Mapping[str, Mapping[str, Json]]:
        return _known(digests, self._documents, self._past.documents, _MOST_DOCUMENTS)


def _known(
    digests: Collection[str],
    known: OrderedDict[str, Content],
    read: Callable[[Collection[str]], Mapping[str, Content]],
    most: int,
) -> dict[str, Content]:
    """What is asked for; it is read where it is not `known`, and remembered, the `most` that were asked for last."""
    unknown = [one for one in digests if one not in known]
    if unknown:
        known.update(read(unknown))
    found = {one: known[one] for one in digests}
    for one in found:
        known.move_to_end(one)
    while len(known) > most:
        known.popitem(last=False)
    return found
