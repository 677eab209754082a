"""What is deployed, in one normal form: component, version, digest, deployed at - whatever kind of resource said so.

Pure: resources in, rows out, sorted and bounded. Where a secret was taken out of a text, the text says nothing here.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from auditor.deployed_kinds import (
    KINDS,
    PIPELINES,
    READERS,
    SERVICE,
    TASK_DEFINITION,
    TELLING,
    Found,
    Image,
    image,
    short,
    time_of,
)
from auditor.document import Document
from auditor.gauges import Deployed
from auditor.model import Resource, Spot, spot
from auditor.names import EnvironmentNames
from auditor.registries import Digests, digests, pinned
from auditor.versions import is_commit

__all__ = [
    "DEPLOYED_VERSION", "KINDS", "MAX_ROWS", "MAX_TEXT", "PIPELINES", "TELLING", "Image", "Told", "deployed", "deployed_by", "folded", "image",
    "same_version", "short", "without_names",
]  # fmt: skip

DEPLOYED_VERSION = 1
"""Raise it when the same resources would say that something else is deployed."""
MAX_ROWS = 1000
MAX_TEXT = 128
_NUMBERED = re.compile(r"#[0-9]+\Z")
_DELIMITERS = "-_./: "
_SPELLED_V = re.compile(r"\A[vV](?=[0-9])")
# What people call the one container that the workload is about.
_PRINCIPAL = frozenset({"app", "application", "main"})


def deployed(resources: Iterable[Resource], names: Iterable[str] = ()) -> tuple[Deployed, ...]:
    """What `resources`, all of one environment, say is deployed in it.

    The component is the resource's own `component`, else its identity; where several resources of one kind have the
    same, their identities tell them apart. `names` are the words that mean the environment (the tokens of
    `auditor.names.environment_names`): they are taken out of components, so that the rows of two environments join.

    A component that runs in several versions has a row per version, however many sources tell of it and however they
    spell it (`v1.4.2`, `1.4.2`, the commit): as what runs spells it, and only then as a pipeline does. Sorted, at most
    MAX_ROWS rows, texts at most MAX_TEXT characters long.
    """
    return Told(resources, names).rows


def deployed_by(resources: Iterable[Resource], names: Iterable[str] = ()) -> Mapping[Spot, tuple[Deployed, ...]]:
    """What each resource says is deployed, under the components that `deployed` gives them."""
    found: dict[Spot, tuple[Deployed, ...]] = {}
    for resource, row in Told(resources, names).all():
        found[spot(resource)] = (*found.get(spot(resource), ()), row)
    return found


class Told:
    """What `resources`, all of one environment, say is deployed in it.

    Of one resource it is told without reading more than that, what shares its name, and what says when and as which bytes."""

    def __init__(self, resources: Iterable[Resource], names: Iterable[str] = ()) -> None:
        self._resources = resources
        tokens = tuple(dict.fromkeys(name.lower() for name in names if name))
        self._spelled = EnvironmentNames(tokens[0], tokens) if tokens else None
        self._read: dict[int, tuple[Found, ...]] = {}
        self._shared: dict[tuple[str, str], bool] = {}

    @cached_property
    def _known(self) -> list[Resource]:
        return [resource for resource in self._resources if resource.kind in KINDS]

    @cached_property
    def rows(self) -> tuple[Deployed, ...]:
        """All of it, as `deployed` says."""
        rows: dict[str, list[Deployed]] = {}
        for _, row in sorted(self.all(), key=_most_telling):
            known = rows.setdefault(row.component, [])
            same = next((index for index, each in enumerate(known) if same_version(each, row)), None)
            if same is None:
                known.append(row)
            else:
                known[same] = _joined(known[same], row)
        found = [row for several in rows.values() for row in several]
        return tuple(sorted(found, key=lambda row: (row.component, row.version)))[:MAX_ROWS]

    def all(self) -> Iterator[tuple[Resource, Deployed]]:
        """Every row with the resource that says it."""
        return ((resource, self._dated(resource, row)) for resource in self._known for row in self._rows_of(resource))

    def by(self, resource: Resource) -> tuple[Deployed, ...]:
        """The rows of one resource of the environment."""
        return tuple(self._dated(one, row) for one in self._alike(resource) for row in self._rows_of(one))

    def undated_by(self, resource: Resource) -> tuple[Deployed, ...]:
        """The same but for when a service began to run it, for which all services would have to be read."""
        return tuple(row for one in self._alike(resource) for row in self._rows_of(one))

    def _alike(self, resource: Resource) -> list[Resource]:
        """Those that nothing tells from a resource, itself among them."""
        if resource.kind not in READERS:
            return []
        return [one for one in self._named.get((resource.kind, resource.identity), ()) if spot(one) == spot(resource)]

    def _dated(self, resource: Resource, row: Deployed) -> Deployed:
        if resource.kind != TASK_DEFINITION:
            return row
        return replace(row, deployed_at=self._rolled_out.get(resource.identity))

    def _rows_of(self, resource: Resource) -> Iterator[Deployed]:
        found = self._found(resource)
        if not found:
            return
        base = without_names(_identity(resource) if self._is_shared(resource) else _own(resource), self._spelled)
        for each in found:
            component = _clipped(_component(base, without_names(each.part, self._spelled), each, len(found)))
            digest = each.digest and _clipped(each.digest)
            yield Deployed(component, _clipped(each.version), digest, each.deployed_at, each.by, each.commit)

    def _found(self, resource: Resource) -> tuple[Found, ...]:
        found = self._read.get(id(resource))
        if found is None:
            found = self._read[id(resource)] = tuple(self._looked_up(resource))
        return found

    def _looked_up(self, resource: Resource) -> Iterator[Found]:
        read = READERS.get(resource.kind)
        if read is None:
            return
        told = resource.attributes
        yield from read(pinned(told.plain() if isinstance(told, Document) else told, self._behind))

    def _is_shared(self, resource: Resource) -> bool:
        """Whether resources of its kind that are called otherwise say something under its component, too."""
        claim = resource.kind, _own(resource)
        found = self._shared.get(claim)
        if found is None:
            found = len({_identity(one) for one in self._claims[claim] if self._found(one)}) > 1
            self._shared[claim] = found
        return found

    @cached_property
    def _claims(self) -> Mapping[tuple[str, str], list[Resource]]:
        return self._grouped(_own)

    @cached_property
    def _named(self) -> Mapping[tuple[str, str], list[Resource]]:
        return self._grouped(lambda resource: resource.identity)

    def _grouped(self, by: Callable[[Resource], str]) -> Mapping[tuple[str, str], list[Resource]]:
        """Those that may say what is deployed, by kind and something else."""
        found: dict[tuple[str, str], list[Resource]] = defaultdict(list)
        for resource in self._known:
            if resource.kind in READERS:
                found[resource.kind, by(resource)].append(resource)
        return found

    @cached_property
    def _behind(self) -> Digests:
        return digests(self._known)

    @cached_property
    def _rolled_out(self) -> Mapping[str, datetime]:
        return _rolled_out(self._known)


def without_names(text: str, names: EnvironmentNames | None) -> str:
    """`text` without the environment's names and the delimiters around them; as it is where nothing would be left."""
    if names is None:
        return text
    rest = text
    for start, end in reversed(names.spans(text)):
        before, after = rest[:start].rstrip(_DELIMITERS), rest[end:]
        kept = after.lstrip(_DELIMITERS)
        # `orders-staging/api` keeps the delimiter that is followed by something: `orders/api`.
        joint = after[: len(after) - len(kept)][-1:] if before and kept else ""
        rest = f"{before}{joint}{kept}"
    return rest or text


def _own(resource: Resource) -> str:
    return resource.component or _identity(resource)


def _identity(resource: Resource) -> str:
    """`orders#2` is another revision of `orders` that runs beside it, not another component."""
    return _NUMBERED.sub("", resource.identity)


def _component(base: str, part: str, found: Found, siblings: int) -> str:
    """`orders` for the workload or its principal container, `orders/log-router` for the others."""
    principal = not found.part or siblings == 1 or part == base or part.lower() in _PRINCIPAL
    return base if principal else f"{base}/{part}"


def _most_telling(told: tuple[Resource, Deployed]) -> tuple[bool, bool, str, str, str]:
    """What is seen running before what a pipeline says; names of versions before bare commits, so that these join them."""
    resource, row = told
    return resource.kind in PIPELINES, is_commit(row.version), row.version, row.component, row.commit or ""


def same_version(first: Deployed, second: Deployed) -> bool:
    """Whether two rows of one component tell one version, however each spells it."""
    if folded(first.version) == folded(second.version):
        return True
    ours, theirs = _commits(first), _commits(second)
    if any(one.startswith(other) or other.startswith(one) for one in ours for other in theirs):
        return True
    digests = (first.digest, second.digest)
    bare = any(row.digest is not None and short(row.digest) == row.version for row in (first, second))
    return bare and None not in digests and digests[0] == digests[1]


def _commits(row: Deployed) -> tuple[str, ...]:
    """The commits that a row names, as its own or in place of a version. A digest that is shown in short is none."""
    shown = row.version if is_commit(row.version) and not (row.digest and short(row.digest) == row.version) else None
    said = (row.commit, shown.lower().removeprefix("sha-").removeprefix("git-") if shown else None)
    return tuple(text for text in said if text is not None)


def folded(version: str) -> str:
    """A version without what only some people write before it: `v1.4.2` is `1.4.2`."""
    return _SPELLED_V.sub("", version)


def _joined(first: Deployed, second: Deployed) -> Deployed:
    times = [row.deployed_at for row in (first, second) if row.deployed_at is not None]
    digests = [row.digest for row in (first, second) if row.digest is not None]
    return replace(
        first,
        digest=min(digests, default=None),
        deployed_at=max(times, default=None),
        by=first.by or second.by,
        commit=max(first.commit or "", second.commit or "", key=len) or None,
    )


def _clipped(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def _rolled_out(resources: Iterable[Resource]) -> Mapping[str, datetime]:
    """When a service last began to run the newest revision of a family of ECS task definitions, by family."""
    times: dict[str, datetime] = {}
    for resource in resources:
        if resource.kind == SERVICE:
            family, at = (resource.attributes.get(key) for key in ("task_definition", "deployed_at"))
            found = time_of(at)
            if isinstance(family, str) and found is not None:
                times[family] = max(found, times.get(family, found))
    return times
