"""From two sources to a judgement, through every stage but the store: for collectors whose stand-in is a server or a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from threading import Event
from typing import Any

from auditor.alike import Pair
from auditor.collect import Environment, Source, collect_all
from auditor.collector import Collector, Context
from auditor.compare import compare
from auditor.comparison import Comparison
from auditor.coverage import one_sided_gaps
from auditor.judge import Judgement, judge
from auditor.match import match
from auditor.model import Breach, Gap, Resource, Snapshot
from auditor.names import environment_names
from auditor.policy import load_policy
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.rules import Policy
from auditor.snapshot import normalise

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
STAGING = environment_names("staging", ["stg"], {"prod": ["production"]})
PROD = environment_names("prod", ["production"], {"staging": ["stg"]})
REDACTOR = Redactor(b"k" * 32)
# Authorities are loaded once; nothing else of these collectors is shared.
SHARED: dict[str, Any] = {}


class Impatient(Event):
    """What a run is cancelled with, for which no time passes while it is waited for."""

    def wait(self, timeout: float | None = None) -> bool:
        return self.is_set()


@lru_cache(maxsize=1)
def default_policy() -> Policy:
    return load_policy(["default"])


def context(environment: str = "staging", folder: Path = Path(), **settings: Any) -> Context:
    """What a collector is told; it pauses for nothing."""
    given = {"cancelled": Impatient(), "fingerprint": REDACTOR.fingerprint, "now": NOW, "shared": SHARED, **settings}
    return Context(environment, folder, **given)


def patience(fault: str) -> float:
    """Seconds that a source waits for an answer: no longer than it takes to see that none comes."""
    return 0.4 if fault == "silent" else 20.0


def read(collector: Collector, options: Mapping[str, Any], **settings: Any) -> list[Resource | Gap]:
    """Everything that a source yields, task by task. Raises CollectError where a task does."""
    planned = collector.plan(collector.options.model_validate(options), context(**settings))
    return [item for task in planned for item in task.run()]


def snapshots(
    collector: Collector, left: Mapping[str, Any], right: Mapping[str, Any], folder: Path = Path(), now: datetime = NOW
) -> tuple[Snapshot, Snapshot]:
    """Staging and production as the source's options describe them."""
    environments = [
        Environment(
            names.name, names.tokens, (), folder, (Source(collector, collector.options.model_validate(options)),)
        )
        for names, options in ((STAGING, left), (PROD, right))
    ]
    found = collect_all(environments, Registry([collector]), REDACTOR, lambda: now, timeout=timedelta(seconds=20))
    return found["staging"], found["prod"]


def judged(collector: Collector, left: Snapshot, right: Snapshot) -> Judgement:
    """What the default policy says of the two."""
    staging, prod = STAGING.at(left.accounts, left.regions), PROD.at(right.accounts, right.regions)
    pair, registry = Pair(staging, prod), Registry([collector])
    ours, theirs = normalise(left.resources, registry.kind, staging), normalise(right.resources, registry.kind, prod)
    matches, alone = match(ours, theirs, pair)
    comparison = Comparison(*one_sided_gaps(left, right), compare(matches, pair), alone)
    return judge(comparison, default_policy(), staging, prod, NOW)


def told(breaches: Sequence[Breach]) -> list[tuple[str, str, str, str]]:
    """Identity, path, severity and rule of each, in order."""
    return sorted((one.identity, ".".join(one.path), one.severity.value, one.rule.id) for one in breaches)


def compared(
    collector: Collector, left: Mapping[str, Any], right: Mapping[str, Any], folder: Path = Path()
) -> list[tuple[str, str, str, str]]:
    """What is found between two sources. All of both must have been read."""
    sides = snapshots(collector, left, right, folder)
    assert [gap for side in sides for gap in side.gaps] == []
    return told(judged(collector, *sides).breaches)
