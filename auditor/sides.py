"""Which of the two environments a rule means, and what refers to the other one: for one comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from auditor.alike import Pair
from auditor.idiom import Idiom, idioms
from auditor.names import environment_names, is_production, stage_of
from auditor.references import Target, Vocabulary, aimed, handles_apart, neighbours, vocabulary
from auditor.rules import NON_PRODUCTION

if TYPE_CHECKING:
    from auditor.comparison import Comparison, Match
    from auditor.kept import Keeping
    from auditor.model import Json, Snapshot
    from auditor.names import EnvironmentNames

OTHER = {"left": "right", "right": "left"}
_REHEARSAL = "staging"


class Sides:
    """The left and the right environment, by what rules call them."""

    def __init__(
        self, comparison: Comparison, names: Mapping[str, EnvironmentNames], keeping: Keeping | None = None
    ) -> None:
        self._comparison, self._names, self._keeping = comparison, names, keeping
        self._meant: dict[str, tuple[str, ...]] = {}
        self._targets: dict[tuple[str, str], Target] = {}
        self._own_accounts: dict[str, frozenset[str]] = {}

    def meant(self, environment: str) -> tuple[str, ...]:
        """The sides that a rule means by `in: environment`: by name, alias or class (`prod` means `prod-eu`, too)."""
        found = self._meant.get(environment)
        if found is None and environment == NON_PRODUCTION:
            found = self._meant[environment] = tuple(self._not_production())
        if found is None:
            found = tuple(side for side, names in sorted(self._names.items()) if is_meant(environment, names))
            self._meant[environment] = found
        return found

    def rehearsing(self, environment: str) -> tuple[str, ...]:
        """`meant`; of production's own pair, `staging` means what rehearses it, whatever that is called."""
        found = self.meant(environment)
        if found or environment != _REHEARSAL or is_production(self._names["right"]) is not True:
            return found
        return () if is_production(self._names["left"]) is True else ("left",)

    def target(self, environment: str, side: str) -> Target:
        """What tells that a value of `side` refers to `environment`."""
        other, key = OTHER[side], (environment, side)
        found = self._targets.get(key)
        if found is None:
            found = self._targets[key] = self._target(environment, side, other)
        return found

    def knowing(self, found: Target, left: Json, right: Json) -> Target:
        """The target with the words that both values have in common, where each spells its own environment beside them."""
        if not isinstance(left, str) or not isinstance(right, str) or left == right:
            return found
        return replace(found, vocabulary=found.vocabulary | neighbours(self.pair.aligner.common(left, right) or ()))

    @cached_property
    def pair(self) -> Pair:
        return Pair(self._names["left"], self._names["right"])

    def _target(self, environment: str, side: str, other: str) -> Target:
        if other not in self.rehearsing(environment):
            own = self._names[side]
            return Target(environment_names(environment, others={own.name: own.tokens}), vocabulary=self._vocabulary)
        names = self._names[other].at(self._snapshots[other].accounts, ())
        return aimed(names, self._handles[other], self._accounts(side), self._vocabulary, self._idioms[other])

    @cached_property
    def _snapshots(self) -> Mapping[str, Snapshot]:
        return {"left": self._comparison.left, "right": self._comparison.right}

    @cached_property
    def _handles(self) -> Mapping[str, frozenset[str]]:
        """What points to things of one side alone: the same, whatever a rule calls that side."""
        left, right = handles_apart(self._comparison.left.resources, self._comparison.right.resources)
        return {"left": left, "right": right}

    def _accounts(self, side: str) -> frozenset[str]:
        found = self._own_accounts.get(side)
        if found is None:
            resources = self._snapshots[side].resources
            found = self._own_accounts[side] = frozenset(one.account for one in resources if one.account)
        return found

    @cached_property
    def _idioms(self) -> Mapping[str, Idiom]:
        return idioms(self._matches, self._names["left"], self._names["right"], self._keeping)

    def _not_production(self) -> Iterator[str]:
        """Left mirrors what comes later in the chain, so it is production only by its name; right may be, unless by it not."""
        if is_production(self._names["left"]) is not True:
            yield "left"
        if is_production(self._names["right"]) is False:
            yield "right"

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return vocabulary(self._matches, self._names["left"], self._names["right"])

    @cached_property
    def _matches(self) -> list[Match]:
        return [compared.match for compared in self._comparison.matches]


def is_meant(environment: str, names: EnvironmentNames) -> bool:
    """Whether a rule that says `in: environment` means the environment of these names."""
    wanted = environment.lower()
    own = (names.name.lower(), *names.tokens)
    # `prod` speaks of a class of environments, `prod-eu` of one.
    return wanted in own or (wanted.isalpha() and stage_of(wanted) in {stage_of(token) for token in own})
