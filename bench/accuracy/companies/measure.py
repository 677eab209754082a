"""Audits generated companies with the product as it ships and lays what it says against what was planted.

The files are written to disk and read by the real collector. What a cloud, an endpoint or a database would tell is
yielded by a stand-in collector in the form in which the real ones yield it; redaction, snapshots, normal forms,
pairing, comparison and judgement are the product's own.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from auditor.collect import Source
from auditor.collector import Context, Options, Task
from auditor.comparison import Comparison
from auditor.config import Config, load_config
from auditor.errors import StoreError
from auditor.judge import judge
from auditor.model import (
    Breach,
    Gap,
    Kind,
    Resource,
    Severity,
    Snapshot,
)
from auditor.pipeline import Tools, lay, take_snapshots
from auditor.policy import load_policy
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.rules import Policy
from bench.accuracy.companies.company import draw
from bench.accuracy.companies.drifts import Label
from bench.accuracy.companies.estate import Both, Item, World
from bench.accuracy.companies.writing import write

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
# A smaller machine of the same family is worth a word, but nobody has to say it.
FAIR = ("instance-size-smaller",)


@dataclass(frozen=True)
class Bench:
    """What all audits of one measurement share."""

    registry: Registry
    policy: Policy
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """What the audit of one company said. `paired` of `pairable` resources went where they belong.

    missed    labels that no finding meets; false: findings above info that no label explains
    right     how many findings above info a label explains; fair ones count neither way
    wrong     (kind, name) of resources that were paired with another thing, or with none though there is one
    """

    seed: int
    scheme: str
    resources: int
    labels: tuple[Label, ...]
    missed: tuple[Label, ...]
    false: tuple[Breach, ...]
    right: int
    pairable: int
    wrong: tuple[tuple[str, str], ...]
    seconds: float
    noted: int = 0
    breaches: tuple[Breach, ...] = ()


@dataclass(frozen=True)
class _StandIn:
    """Yields the items of one source of one side."""

    name: str
    items: tuple[Item, ...]
    label_: str
    kinds: tuple[Kind, ...] = ()
    about: str = "What a source would answer"
    options: type[Options] = Options
    permissions: tuple[str, ...] = ()

    def label(self, options: Any) -> str:  # noqa: ARG002 - as the real one is called
        return self.label_

    def plan(self, options: Any, context: Context) -> Iterable[Task]:  # noqa: ARG002 - as the real one is called
        for region in sorted({item.region or "" for item in self.items}):
            items = [item for item in self.items if (item.region or "") == region]
            yield Task(self.label_, _KINDS[self.name], lambda items=items: self._read(items), region or None)  # type: ignore[misc]

    @staticmethod
    def _read(items: Iterable[Item]) -> Iterator[Resource | Gap]:
        for item in items:
            yield Resource(
                item.kind, item.name, item.doc, region=item.region, account=item.account, parent=item.parent,
                refs=item.refs, tags=item.tags, component=item.component, location=item.location,
            )  # fmt: skip


_KINDS = {"aws": ("aws.*",), "http": ("http.version",), "postgres": ("postgres.server",)}


@contextmanager
def bench() -> Iterator[Bench]:
    """Everything that is made once for many audits."""
    with tempfile.TemporaryDirectory() as scratch:
        yield Bench(Registry.load(), load_policy(("default",), ()), Path(scratch))


def measure(seed: int, tools: Bench, *, identical: bool = False) -> Outcome:
    """The audit of one company. With `identical` its two sides differ in names only."""
    both, labels = draw(seed, identical=identical)
    with tempfile.TemporaryDirectory(dir=tools.folder) as scratch:
        config = _config(both, Path(scratch), tools.registry)
        redactor = Redactor(b"accuracy of generated companies!")
        given = Tools(tools.registry, _Forgetful(), redactor, lambda: NOW)  # type: ignore[arg-type]
        snapshots = take_snapshots(config, both.plan.naming.environments, given)
        left, right = (snapshots[name] for name in both.plan.naming.environments)
        started = time.perf_counter()
        laid = lay(config, left, right, given)
        found = judge(laid.comparison, tools.policy, laid.pair.left, laid.pair.right, NOW)
        seconds = time.perf_counter() - started
    if left.gaps or right.gaps:
        raise RuntimeError(f"seed {seed}: what was generated cannot be read: {(*left.gaps, *right.gaps)[0]}")
    above = [breach for breach in found.breaches if breach.severity is not Severity.INFO]
    explained = [breach for breach in above if any(label.explains(breach) for label in labels)]
    pairable, wrong = _paired(both, labels, laid.comparison)
    return Outcome(
        seed=seed,
        scheme=both.plan.naming.scheme,
        resources=len(left.resources) + len(right.resources),
        labels=labels,
        missed=tuple(label for label in labels if not any(label.met_by(breach) for breach in found.breaches)),
        false=tuple(b for b in above if b not in explained and b.rule.id not in FAIR),
        right=len(explained),
        pairable=pairable,
        wrong=wrong,
        seconds=seconds,
        noted=len(found.breaches) - len(above),
        breaches=found.breaches,
    )


class _Forgetful:
    """A store that keeps nothing, so that everything is worked out."""

    def save_snapshot(self, snapshot: Snapshot, names: Sequence[str]) -> None:  # noqa: ARG002 - as the real one is called
        return None

    def has_documents(self, digests: Iterable[str]) -> set[str]:  # noqa: ARG002 - as the real one is called
        return set()

    def document(self, digest: str) -> bytes:
        raise StoreError(f"store: {digest} was never kept")


def _config(both: Both, scratch: Path, registry: Registry) -> Config:
    """The configuration that somebody would write for the company, with the stand-ins beside its real sources."""
    folders = write(both, scratch)
    naming = both.plan.naming
    environments: dict[str, Any] = {}
    for index, name in enumerate(naming.environments):
        aliases = [alias for alias in naming.aliases if alias in naming.tokens[index]]
        path = str(folders[index].relative_to(scratch)) if folders else "."
        environments[name] = {"aliases": aliases, "sources": [{"collector": "files", "path": path}]}
    file = scratch / "auditor.yaml"
    file.write_text(yaml.safe_dump({"environments": environments}))
    config = load_config(file, registry=registry, environ={})
    sides = zip((both.left, both.right), naming.environments, strict=True)
    return replace(
        config,
        environments={
            name: replace(
                config.environments[name],
                sources=(*(config.environments[name].sources if folders else ()), *_stand_ins(world)),
            )
            for world, name in sides
        },
    )


def _stand_ins(world: World) -> Iterator[Source]:
    for name in _KINDS:
        items = tuple(item for item in world.items.values() if item.source == name)
        if items:
            label = f"aws:{world.side.account}" if name == "aws" else name
            yield Source(_StandIn(name, items, label), Options())


def _paired(both: Both, labels: tuple[Label, ...], comparison: Comparison) -> tuple[int, tuple[tuple[str, str], ...]]:
    """How many resources there are to pair, and which of them were not paired with what they belong to."""
    ours, theirs = _index(both.left), _index(both.right)
    # What was renamed belongs together, but nobody can tell from its name: to leave it alone is right.
    renamed = {label.left for label in labels if label.drift == "renamed"}
    wrong: list[tuple[str, str]] = []
    for compared in comparison.matches:
        left, right = compared.match.left.resource, compared.match.right.resource
        uid = ours.get(_place(left))
        if uid is None or uid != theirs.get(_place(right)):
            wrong.append((left.kind, f"{left.identity} with {right.identity}"))
    for unmatched in comparison.unmatched:
        resource = unmatched.normal.resource
        known, others = (ours, theirs) if unmatched.side == "left" else (theirs, ours)
        uid = known.get(_place(resource))
        if uid is None:
            wrong.append((resource.kind, f"{resource.identity} is not of this environment"))
        elif uid in others.values() and both.left.items[uid].name not in renamed:
            wrong.append((resource.kind, f"{resource.identity} alone"))
    return len(set(ours.values()) | set(theirs.values())), tuple(wrong)


def _index(world: World) -> dict[tuple[str, str, str], str]:
    return {(item.kind, item.name, item.region or ""): uid for uid, item in world.items.items()}


def _place(resource: Resource) -> tuple[str, str, str]:
    return resource.kind, resource.identity, resource.region or ""
