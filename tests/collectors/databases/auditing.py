"""Databases that were read, audited as a run would: collect, redact, normalise, match, compare, judge by `default`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from auditor.alike import Pair
from auditor.assemble import Read, snapshot
from auditor.collector import Context
from auditor.compare import compare
from auditor.comparison import Comparison
from auditor.errors import CollectError
from auditor.judge import judge
from auditor.match import match
from auditor.model import (
    Breach,
    Gap,
    GapReason,
    Kind,
    Resource,
    Snapshot,
)
from auditor.names import environment_names
from auditor.policy import load_policy
from auditor.redact import Redactor
from auditor.rules import Policy
from auditor.snapshot import normalise
from tests.factories import NOW

NAMES = {
    "staging": environment_names("staging", (), {"prod": ()}),
    "prod": environment_names("prod", (), {"staging": ()}),
}
REDACTOR = Redactor(b"k" * 32)
Found = tuple[str, str, str, str]


Meter = Callable[[str, str], None]


def _uncounted(_api: str, _outcome: str) -> None:
    """Nobody counts."""


def context(environment: str = "staging", meter: Meter = _uncounted) -> Context:
    """What a run tells a collector of `environment`."""
    return Context(
        environment=environment,
        folder=Path(),
        aliases=NAMES[environment].tokens,
        others=tuple(token for name in NAMES if name != environment for token in NAMES[name].tokens),
        timeout=60,
        meter=meter,
        fingerprint=lambda value: hashlib.sha256(value.encode()).hexdigest()[:32],
    )


def read(collector: Any, options: dict[str, Any], environment: str = "staging") -> list[Resource | Gap]:
    """Everything that all tasks yield; a task that fails is a gap over its kinds."""
    chosen = collector.options.model_validate(options)
    return [item for part in _reads(collector, chosen, context(environment)) for item in (*part.items, *part.failures)]


def taken(collector: Any, options: dict[str, Any], environment: str, meter: Meter = _uncounted) -> Snapshot:
    """The snapshot of an environment of one source."""
    chosen = collector.options.model_validate(options)
    return snapshot(environment, NOW, _reads(collector, chosen, context(environment, meter)))


def _reads(collector: Any, options: Any, asked: Context) -> list[Read]:
    kinds = {kind.name: kind for kind in collector.kinds}
    reads = []
    for task in collector.plan(options, asked):
        items: list[Resource | Gap] = []
        try:
            items.extend(
                REDACTOR.resource(item, kinds[item.kind]) if isinstance(item, Resource) else REDACTOR.gap(item)
                for item in task.run()
            )
            reads.append(Read(task, tuple(items), (), ended=True))
        except CollectError as error:
            gaps = tuple(
                Gap(asked.environment, task.source, kind, error.reason, REDACTOR.text(error.detail))
                for kind in task.kinds
            )
            reads.append(Read(task, tuple(items), gaps))
    return reads


def breaches(kinds: Iterable[Kind], left: Snapshot, right: Snapshot) -> tuple[Breach, ...]:
    """What the default policy finds between staging and production."""
    declared = {kind.name: kind for kind in kinds}
    pair = Pair(NAMES["staging"], NAMES["prod"])
    sides = [normalise(side.resources, declared.__getitem__, NAMES[side.environment]) for side in (left, right)]
    matches, alone = match(sides[0], sides[1], pair)
    comparison = Comparison(left, right, compare(matches, pair), alone)
    return judge(comparison, _policy(), pair.left, pair.right, NOW).breaches


@cache
def _policy() -> Policy:
    return load_policy(["default"])


def told(found: Iterable[Breach]) -> list[Found]:
    """Kind, identity, path and severity of every finding."""
    return sorted((each.kind, each.identity, ".".join(each.path), each.severity.value) for each in found)


def gaps(items: Iterable[Resource | Gap]) -> dict[tuple[str, str | None, str | None], GapReason]:
    """The reasons of gaps by kind, resource and attribute."""
    return {(item.kind, item.resource, item.attribute): item.reason for item in items if isinstance(item, Gap)}


def by_identity(items: Iterable[Resource | Gap], kind: str) -> dict[str, Any]:
    """Attributes by identity of the resources of one kind."""
    return {item.identity: item.attributes for item in items if isinstance(item, Resource) and item.kind == kind}
