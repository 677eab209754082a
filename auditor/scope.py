"""What a service depends on, in both environments: its own resources, and what these point to, link by link. Pure.

The scope is rather too wide than too narrow: what is paired with a part of it is a part, too, and a name that several
resources bear means all of them. What cannot be followed is told, and a gap that may hide a part of the scope counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from auditor.deployed import deployed_by, without_names
from auditor.model import spot
from auditor.promotion import COMPONENT
from auditor.scope_links import REACHED_BY_HOST, Links, Unresolved
from auditor.yaml_source import nearest

if TYPE_CHECKING:
    from auditor.comparison import Comparison, Normal
    from auditor.model import Breach, Gap
    from auditor.names import EnvironmentNames

# What runs: a service is called after one of these.
_RUNNING = frozenset(
    "aws.ecs.service aws.ecs.task_definition aws.lambda.function aws.autoscaling.group aws.ec2.fleet compose.service"
    " http.version".split()
)
_WORKLOADS = frozenset("deployment statefulset daemonset replicationcontroller pod job cronjob rollout".split())
_WORKLOADS |= {"helmrelease", "helmchart", "application"}
# What is named by a path, one step of which is often the service: `/shop/prod/search/host`.
_BY_PATH = frozenset({"aws.ssm.parameter", "aws.secretsmanager.secret"})
_SUFFIX = re.compile(r"#[0-9]+\Z| \([^()]*\)\Z")
_MOST_NAMES = 12


class UnknownService(Exception):
    """Nothing in either environment is called so. `remedy` names what is."""

    def __init__(self, name: str, remedy: str) -> None:
        super().__init__(f"No resource of either environment belongs to a service called {name!r}")
        self.name = name
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Scope:
    """What some services depend on.

    members     kind and identity of each resource, in normal form and as either side spells it
    components  what they say is deployed
    left, right how many resources of each side; `matched` how many of them are pairs, `of` how many there are in all
    kinds       the kinds in it, each with the sources that it was read from (``""`` is in none)
    unresolved  what its resources point to and no source describes, with the environment
    """

    services: tuple[str, ...]
    members: frozenset[tuple[str, str]]
    left: int
    right: int
    matched: int
    of: int
    kinds: frozenset[tuple[str, str]]
    regions: frozenset[str]
    unresolved: tuple[tuple[str, Unresolved], ...] = ()
    components: frozenset[str] = frozenset()

    def holds(self, breach: Breach) -> bool:
        """Whether a finding is about a part of the scope."""
        if breach.kind == COMPONENT.name:
            return breach.identity in self.components
        names = {breach.identity, breach.left.identity, breach.right.identity}
        return any((breach.kind, name) in self.members for name in names if name is not None)

    def may_lack(self, gap: Gap) -> bool:
        """Whether a gap may hide a part of the scope, or something that belongs to it and was never seen."""
        if gap.region is not None and self.regions and gap.region not in self.regions:
            return False
        if self._may_be_unresolved(gap):
            return True
        if not any(fnmatchcase(kind, gap.kind) for kind in self._kinds_like(gap)):
            return False
        if gap.resource is None:
            return True
        # One thing that was not read: a part of the scope, or of a kind that nobody can tell from its name.
        return self._is_called(gap.resource) or "*" in gap.kind

    def _kinds_like(self, gap: Gap) -> list[str]:
        """The kinds of the scope that a gap of this source may hide: a folder of files hides no database."""
        collector = gap.source.partition(":")[0]
        wide = "*" in gap.kind and collector
        return [kind for kind, source in self.kinds if not wide or source.partition(":")[0] == collector]

    def _is_called(self, name: str) -> bool:
        stem = re.split(r"[/.]", name.lower())
        return any(member == name for _, member in self.members) or any(one.lower() in stem for one in self.services)

    def _may_be_unresolved(self, gap: Gap) -> bool:
        if gap.attribute is not None:
            return False
        mine = [one for environment, one in self.unresolved if environment == gap.environment]
        if any(one.what == "host" for one in mine) and any(fnmatchcase(kind, gap.kind) for kind in REACHED_BY_HOST):
            return True
        if any(one.what == "arn" and fnmatchcase(f"aws.{one.service}.any", _any_noun(gap.kind)) for one in mine):
            return True
        return any(fnmatchcase(one.what, gap.kind) for one in mine)


def scope_of(
    comparison: Comparison, names: tuple[EnvironmentNames, EnvironmentNames], services: Sequence[str]
) -> Scope:
    """What `services` depend on, by what the two snapshots say. `names` are the left and the right environment's.

    Raises UnknownService for the first one that neither side knows.
    """
    world = _World.of(comparison, names)
    reached: set[int] = set()
    for service in services:
        roots = world.roots(service)
        if not roots:
            raise UnknownService(service, _remedy(service, world.services()))
        reached |= roots
    waiting = sorted(reached)
    while waiting:
        for other in world.beside(waiting.pop()):
            if other not in reached:
                reached.add(other)
                waiting.append(other)
    return world.scope(tuple(dict.fromkeys(services)), reached)


def service_names(comparison: Comparison, names: tuple[EnvironmentNames, EnvironmentNames]) -> tuple[str, ...]:
    """Every service that `scope_of` knows, by the names that people would type."""
    return _World.of(comparison, names).services()


def _remedy(service: str, known: Sequence[str]) -> str:
    guess = nearest(service, known)
    shown = ", ".join(known[:_MOST_NAMES]) + (
        f" and {len(known) - _MOST_NAMES} more" if len(known) > _MOST_NAMES else ""
    )
    listed = f"known: {shown}" if known else "no source describes any service"
    return f"did you mean `{guess}`? ({listed})" if guess else listed


@dataclass(frozen=True)
class _World:
    """The resources of both sides, the left ones first, and their counterparts."""

    normals: tuple[tuple[Normal, ...], tuple[Normal, ...]]
    links: tuple[Links, Links]
    twins: dict[int, int]
    names: tuple[EnvironmentNames, EnvironmentNames]
    environments: tuple[str, str]

    @classmethod
    def of(cls, comparison: Comparison, names: tuple[EnvironmentNames, EnvironmentNames]) -> _World:
        pairs = [compared.match for compared in comparison.matches]
        alone = [[one.normal for one in comparison.unmatched if one.side == side] for side in ("left", "right")]
        left, right = (*(pair.left for pair in pairs), *alone[0]), (*(pair.right for pair in pairs), *alone[1])
        twins = {index: len(left) + index for index in range(len(pairs))}
        twins |= {other: index for index, other in twins.items()}
        environments = comparison.left.environment, comparison.right.environment
        return cls((left, right), (Links(left, names[0]), Links(right, names[1])), twins, names, environments)

    def roots(self, service: str) -> set[int]:
        wanted = service.lower()
        return {
            index
            for index, normal, names in self._all()
            if wanted in _called(normal, names) or wanted in _named_after(normal, names)
        }

    def services(self) -> tuple[str, ...]:
        return tuple(sorted({_shown(normal, names) for _, normal, names in self._all() if _runs(normal)}))

    def beside(self, index: int) -> Iterator[int]:
        """What a resource depends on directly, and its counterpart."""
        if index in self.twins:
            yield self.twins[index]
        side, position = self._place(index)
        offset = side * len(self.normals[0])
        yield from (offset + other for other in self.links[side].of(position))

    def scope(self, services: tuple[str, ...], reached: Iterable[int]) -> Scope:
        members: set[tuple[str, str]] = set()
        components: set[str] = set()
        kinds: set[tuple[str, str]] = set()
        regions: set[str] = set()
        unresolved: set[tuple[str, Unresolved]] = set()
        sides = [0, 0]
        found = sorted(reached)
        runs = [
            deployed_by([normal.resource for normal in normals], names.tokens)
            for normals, names in zip(self.normals, self.names, strict=True)
        ]
        for index in found:
            side, position = self._place(index)
            normal = self.normals[side][position]
            resource = normal.resource
            members |= {(normal.kind.name, normal.identity), (normal.kind.name, resource.identity)}
            components |= {row.component for row in runs[side].get(spot(resource), ())}
            kinds.add((normal.kind.name, resource.source))
            regions |= {resource.region} if resource.region else set()
            unresolved |= {(self.environments[side], one) for one in self.links[side].unresolved(position)}
            sides[side] += 1
        return Scope(
            services=services,
            members=frozenset(members),
            components=frozenset(components),
            left=sides[0],
            right=sides[1],
            matched=sum(1 for index in found if index in self.twins) // 2,
            of=sum(map(len, self.normals)),
            kinds=frozenset(kinds),
            regions=frozenset(regions),
            unresolved=tuple(sorted(unresolved, key=lambda item: (item[0], item[1].what, item[1].text))),
        )

    def _place(self, index: int) -> tuple[int, int]:
        size = len(self.normals[0])
        return (0, index) if index < size else (1, index - size)

    def _all(self) -> Iterator[tuple[int, Normal, EnvironmentNames]]:
        size = len(self.normals[0])
        for side in (0, 1):
            for position, normal in enumerate(self.normals[side]):
                yield side * size + position, normal, self.names[side]


def _runs(normal: Normal) -> bool:
    kind = normal.kind.name
    return kind in _RUNNING or (kind.startswith("kubernetes.") and kind.partition(".")[2] in _WORKLOADS)


def _shown(normal: Normal, names: EnvironmentNames) -> str:
    return without_names(normal.resource.component or _base(normal.resource.identity), names)


def _base(identity: str) -> str:
    return _SUFFIX.sub("", identity)


def _called(normal: Normal, names: EnvironmentNames) -> set[str]:
    """What a service that the resource belongs to may be called, in lower case."""
    spelled = [normal.resource.component] if normal.resource.component else []
    if _runs(normal):
        base = _base(normal.resource.identity)
        spelled += [base, base.rpartition("/")[2]]
    return {name.lower() for one in spelled for name in (one, without_names(one, names))}


def _named_after(normal: Normal, names: EnvironmentNames) -> set[str]:
    """The steps of a path, where a path is what names the resource; of a file its name without endings, too."""
    if not (normal.kind.located or normal.kind.name in _BY_PATH):
        return set()
    steps = [step for step in normal.resource.identity.split("/") if step]
    if normal.kind.located and steps:
        steps[-1] = steps[-1].lstrip(".").partition(".")[0]
    return {name.lower() for step in steps for name in (step, without_names(step, names))}


def _any_noun(kind: str) -> str:
    """`aws.kms.key` as a glob over everything of its service."""
    parts = kind.split(".")
    return ".".join([*parts[:2], "*"]) if len(parts) > 2 else kind
