"""Run the examples that stand beside rules: what the whole policy says of one place, against what its author expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from auditor.comparison import Change, Compared, Comparison, Difference, Match, Normal, Unmatched
from auditor.judge import judge
from auditor.literals import kept_apart
from auditor.model import (
    ABSENT,
    Category,
    Kind,
    Listing,
    MatchMethod,
    Path,
    Resource,
    Snapshot,
)
from auditor.names import environment_names
from auditor.policy_rule import OK
from auditor.values import canonical

if TYPE_CHECKING:
    from auditor.model import Absent, Breach, Json
    from auditor.names import EnvironmentNames
    from auditor.rules import Example, Policy, Rule

# Examples say nothing about time; rules that ask for it get one that never changes.
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one example: the verdict, and by which rule (None: nothing was found)."""

    rule: Rule
    example: Example
    verdict: str
    decided_by: str | None

    @property
    def passed(self) -> bool:
        """Whether the policy as a whole says what the author of the rule expected."""
        return self.verdict == self.example.verdict

    def __str__(self) -> str:
        said = self.verdict if self.decided_by is None else f"{self.verdict}, by {self.decided_by}"
        place = f"{self.rule.file}:{self.example.line}"
        return f"{place}: {self.rule.id}: expected {self.example.verdict}, got {said}"


def run_examples(policy: Policy, rules: Iterable[Rule] | None = None) -> Iterator[Outcome]:
    """Every example of `rules` (None: of all that the policy has, in the order of the files), as the whole policy judges."""
    for rule in policy.rules if rules is None else rules:
        for example in rule.examples:
            breach = _said(policy, example)
            if breach is None:
                yield Outcome(rule, example, OK, None)
            else:
                yield Outcome(rule, example, breach.severity.value, f"{breach.rule.policy}/{breach.rule.id}")


def _said(policy: Policy, example: Example) -> Breach | None:
    """The worst that the policy says of the example's place."""
    left, right = example.environments
    names = environment_names(left, others={right: ()}), environment_names(right, others={left: ()})
    judgement = judge(_comparison(example), policy, *names, _NOW)
    return judgement.breaches[0] if judgement.breaches else None


def _comparison(example: Example) -> Comparison:
    kind = Kind(example.kind, Category.CONFIG, "An example")
    values = zip((example.left, example.right), example.beside, strict=True)
    sides = [_normal(kind, example, value, beside) for value, beside in values]
    snapshots = [
        Snapshot("", name, _NOW, (side.resource,) if any(example.beside) else (), (), (Listing("example", "*"),))
        for name, side in zip(example.environments, sides, strict=True)
    ]
    if not example.path:
        alone = tuple(
            Unmatched(side, normal)
            for side, normal, value in zip(("left", "right"), sides, (example.left, example.right), strict=True)
            if value is not ABSENT
        )
        return Comparison(snapshots[0], snapshots[1], (), alone if len(alone) == 1 else ())
    names: list[EnvironmentNames] = [environment_names(name) for name in example.environments]
    match = Match(sides[0], sides[1], MatchMethod.IDENTITY, 1.0)
    differences = tuple(
        _differences(example, [_neutral(normal.form, name) for normal, name in zip(sides, names, strict=True)])
    )
    return Comparison(snapshots[0], snapshots[1], (Compared(match, differences),), ())


def _differences(example: Example, forms: list[Json]) -> Iterator[Difference]:
    left, right = example.left, example.right
    if left is ABSENT or right is ABSENT:
        yield Difference(example.path, left, right, Change.ADDED if left is ABSENT else Change.REMOVED)
    elif forms[0] != forms[1]:
        yield Difference(example.path, left, right, Change.VALUE)


def _normal(kind: Kind, example: Example, value: Json | Absent, beside: Mapping[str, Json]) -> Normal:
    path = example.path
    raw: Mapping[str, Any] = {} if value is ABSENT else _nested(path, value)
    form: Mapping[str, Any] = {} if value is ABSENT else _nested(path, _typed(value, path[-1] if path else ""))
    resource = Resource(kind.name, example.identity, {**raw, **beside})
    return Normal(resource, kind, example.identity, form, raw, "")


def _nested(path: Path, value: Any) -> Any:
    for step in reversed(path):
        value = {step: value}
    return value if path else {}


def _typed(value: Any, key: str) -> Any:
    if isinstance(value, Mapping):
        return {name: _typed(item, name) for name, item in value.items()}
    return [_typed(item, key) for item in value] if isinstance(value, list) else canonical(value, key)


def _neutral(value: Any, names: EnvironmentNames) -> Any:
    if isinstance(value, Mapping):
        return {key: _neutral(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((_neutral(item, names) for item in value), key=repr)
    return names.neutral(kept_apart(value)) if isinstance(value, str) else value
