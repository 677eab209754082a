"""One environment as a heap of items, each of which knows what it is whatever it is called."""

from __future__ import annotations

import copy
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from bench.accuracy.companies.naming import Naming, Side, stable

Document = dict[str, Any]


@dataclass
class Item:
    """One resource. `uid` is the same on both sides, `name` is the identity under which the product knows it.

    file     where it is written, below the environment's folder; empty: it is yielded by a collector as it is
    source   which source yields it: `aws`, `http`, `postgres`
    """

    uid: str
    kind: str
    name: str
    doc: Document
    file: str = ""
    source: str = "aws"
    region: str | None = None
    account: str | None = None
    parent: str | None = None
    refs: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    component: str | None = None
    location: str | None = None


@dataclass(frozen=True)
class Service:
    """A deployable. `variables` are the names of what it is configured by."""

    name: str
    runs_on: str
    web: bool
    variables: tuple[str, ...]
    image: str


@dataclass(frozen=True)
class Plan:
    """What a company has, before anybody names it. Everything is drawn under a key, so both sides draw the same."""

    seed: int
    naming: Naming
    services: tuple[Service, ...]
    databases: tuple[str, ...]
    caches: tuple[str, ...]
    functions: tuple[str, ...]
    fleets: tuple[str, ...]
    modules: tuple[str, ...]
    sources: frozenset[str]
    layout: str

    def random(self, *key: object) -> Random:
        return stable(self.seed, "plan", *key)

    def pick(self, options: Sequence[Any], *key: object) -> Any:
        return self.random(*key).choice(options)

    def chance(self, share: float, *key: object) -> bool:
        return self.random(*key).random() < share


@dataclass
class World:
    """One side of a company, by uid."""

    side: Side
    items: dict[str, Item] = field(default_factory=dict)

    def add(self, item: Item) -> None:
        if item.uid in self.items:
            raise ValueError(f"two items are called {item.uid}")
        self.items[item.uid] = item

    def of(self, *kinds: str) -> Iterator[Item]:
        return (item for item in self.items.values() if item.kind in kinds)


@dataclass(frozen=True)
class Both:
    """Both sides of a company, to be changed while it is drawn."""

    plan: Plan
    left: World
    right: World

    def pairs(self, *kinds: str) -> list[tuple[Item, Item]]:
        """The items of these kinds that both sides have, in a fixed order."""
        return [
            (item, self.right.items[item.uid])
            for item in sorted(self.left.of(*kinds), key=lambda item: item.uid)
            if item.uid in self.right.items
        ]


@dataclass(frozen=True)
class Variables:
    """A map of variables that both sides of one resource have, and the path below which they are found."""

    left: Item
    right: Item
    ours: MutableMapping[str, Any]
    theirs: MutableMapping[str, Any]
    path: str

    def common(self) -> list[str]:
        return sorted(set(self.ours) & set(self.theirs))


def at(document: Document, path: str) -> Any:
    """What stands at a dotted path; None where nothing does."""
    found: Any = document
    for step in path.split("."):
        if not isinstance(found, dict) or step not in found:
            return None
        found = found[step]
    return found


def put(document: Document, path: str, value: Any) -> None:
    *above, last = path.split(".")
    for step in above:
        document = document[step]
    document[last] = copy.deepcopy(value)


def variables(both: Both) -> list[Variables]:
    """Every place where a program of both environments is configured by variables."""
    found: list[Variables] = []
    for left, right in both.pairs(*_PLACES):
        for path in _places(left):
            ours, theirs = at(left.doc, path) if path else left.doc, at(right.doc, path) if path else right.doc
            if isinstance(ours, dict) and isinstance(theirs, dict):
                found.append(Variables(left, right, ours, theirs, path))
    return found


_PLACES = (
    "aws.ecs.task_definition", "aws.lambda.function", "kubernetes.deployment", "kubernetes.configmap", "compose.service",
    "env.file",
)  # fmt: skip


def _places(item: Item) -> list[str]:
    match item.kind:
        case "aws.ecs.task_definition":
            return [f"container_definitions.{name}.environment" for name in item.doc["container_definitions"]]
        case "aws.lambda.function" | "compose.service":
            return ["environment"]
        case "kubernetes.deployment":
            return [
                f"spec.template.spec.containers.{name}.env" for name in at(item.doc, "spec.template.spec.containers")
            ]
        case "kubernetes.configmap":
            return ["data"]
        case _:
            return [""]
