"""What is kept of an environment's past, as little as is needed to walk back through it: one look per snapshot.

Looks that saw the same name the same manifests, so what did not change in between is seen without reading it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol

from auditor.model import Gap, Json, Listing


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
