"""What the checks of a place are, worked out once for all that stand there; and whether its values are clear of them all.

Nearly every value of nearly every resource has nothing to do with what nearly every check is about: it holds no secret, no
name of an environment, nothing that waits to be replaced. A test of the values alone tells that for a fraction of what the
checks cost. It may err on one side only: what it clears, no check would have failed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.expect import Family
from auditor.rules import NON_PRODUCTION
from auditor.value_types import ELEMENTWISE, both_are

if TYPE_CHECKING:
    from auditor.model import Json, Path
    from auditor.names import EnvironmentNames
    from auditor.places import Place
    from auditor.references import Target
    from auditor.rules import Policy, Rule
    from auditor.sides import Sides

REFERENCE = "no_reference_to"
_QUALIFIED = "qualified"
_SEPARATE = frozenset({"separate_accounts"})
# What passes today may fail tomorrow, or beside another resource.
_PASSING = frozenset({"max_age", "max_lag", "overlap"})
# What expressions may ask for besides the values of a place.
_OF_RESOURCE = frozenset({"resource", "identity", "source", "region", "account", "component", "tags", "attributes"})
_MOST_PLACES = 500_000


@dataclass(frozen=True, slots=True)
class Step:
    """One rule among the checks of a place. `contested`: another one is of the same concern, and the last of them decides.

    `each`: its expressions speak of one value, and are asked of each item where that is a list."""

    rule: Rule
    concern: str
    ignores: bool
    compares_too: bool
    contested: bool
    each: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The checks of all places of one kind and path, most recent rule first. `alone` are those of a resource without
    counterpart; `passing`: what they say may be otherwise on another day."""

    steps: tuple[Step, ...]
    alone: tuple[Step, ...]
    passing: bool
    keyed: bool
    tests: tuple[Callable[[Place], bool], ...] | None

    def clears(self, place: Place) -> bool:
        """Whether the values alone show that no check of the place can fail, whatever is asked besides."""
        if self.tests is None:
            return False
        # A loop, as this is asked of every value: a generator takes longer than most tests.
        for test in self.tests:  # noqa: SIM110
            if not test(place):
                return False
        return True


class Plans:
    """The plans of one policy, applied to two environments."""

    def __init__(self, policy: Policy, sides: Sides, names: Mapping[str, EnvironmentNames], *, separate: bool) -> None:
        """`names` are those of the environments by side; `separate`: the two share no account."""
        self._policy, self._sides, self._names, self._separate = policy, sides, names, separate
        self._known: dict[tuple[str, Path, Path], Plan | None] = {}
        # By identity, since places that the same rules are about share them. Held, so that no other takes their place.
        self._plans: dict[int, Plan] = {}
        self._held: list[tuple[Rule, ...]] = []
        self._tests: dict[int, Callable[[Place], bool] | None] = {}

    def of(self, place: Place) -> Plan | None:
        """What a place is asked; None where that is nothing."""
        key = (place.kind, place.path, place.named)
        if key in self._known:
            return self._known[key]
        rules = self._policy.checking(*key)
        found = None
        if rules:
            found = self._plans.get(id(rules))
            if found is None:
                found = self._plans[id(rules)] = self._made(rules)
                self._held.append(rules)
        if len(self._known) < _MOST_PLACES:
            self._known[key] = found
        return found

    def _made(self, rules: tuple[Rule, ...]) -> Plan:
        alone = [rule for rule in rules if rule.family is Family.IGNORE or rule.environment == NON_PRODUCTION]
        asked = [rule.expect.uses if rule.where is None else rule.expect.uses | rule.where.uses for rule in rules]
        passing = any("now" in uses for uses in asked) or any(rule.expect.name in _PASSING for rule in rules)
        keyed = not any(rule.expect.uses & _OF_RESOURCE or rule.expect.name == "overlap" for rule in rules)
        return Plan(_steps(rules), _steps(alone), passing, keyed, self._all_tests(rules))

    def _all_tests(self, rules: Iterable[Rule]) -> tuple[Callable[[Place], bool], ...] | None:
        found: list[Callable[[Place], bool]] = []
        for rule in rules:
            if rule.family is Family.IGNORE:
                continue
            if id(rule) not in self._tests:
                self._tests[id(rule)] = self._test(rule)
            test = self._tests[id(rule)]
            if test is None:
                return None
            found.append(test)
        return tuple(found)

    def _test(self, rule: Rule) -> Callable[[Place], bool] | None:
        """What clears a place of one rule, None where nothing does."""
        sides = checked_sides(rule, self._sides)
        if not sides or not self._may_hold(rule):
            return _always
        test = rule.expect.clears
        if rule.expect.name == _QUALIFIED:
            # Without an environment the rule asks once, and of the left side.
            subjects = sides if rule.environment is not None else ("left",)
            test = _of_names({side: self._names[side] for side in subjects})
        if rule.expect.name == REFERENCE:
            test = _of_targets({side: self._sides.target(str(rule.expect.argument), side) for side in sides})
        if test is None and not rule.values:
            return None
        return _typed(rule.values, test or _never) if rule.values else test

    def _may_hold(self, rule: Rule) -> bool:
        """Whether the rule's condition may be true of anything: some ask only how the two environments lie to each other."""
        where = rule.where
        if where is None or not where.uses or not where.uses <= _SEPARATE:
            return True
        unanswered: list[str] = []
        # One that has no answer is for the check to tell of.
        return where.holds({"separate_accounts": self._separate}, unanswered.append) or bool(unanswered)


def checked_sides(rule: Rule, sides: Sides) -> tuple[str, ...]:
    """The sides whose values a check looks at: `left`, `right`, both or none."""
    found = sides.meant(rule.environment) if rule.environment is not None else ("left", "right")
    if rule.expect.name == REFERENCE:
        forbidden = sides.rehearsing(str(rule.expect.argument))
        return tuple(side for side in found if side not in forbidden)
    return found


def _steps(rules: Iterable[Rule]) -> tuple[Step, ...]:
    told = [(rule, rule.concern, rule.family) for rule in rules]
    times = Counter(concern for _, concern, _ in told)
    return tuple(
        Step(rule, concern, family is Family.IGNORE, family is Family.BOTH, times[concern] > 1, _asks_each(rule))
        for rule, concern, family in told
    )


def _asks_each(rule: Rule) -> bool:
    """Whether the rule's expressions speak of the value of the environment that it is about, as text or a number."""
    uses = rule.expect.uses if rule.where is None else rule.expect.uses | rule.where.uses
    return (
        rule.environment is not None and "value" in uses and bool(rule.values) and ELEMENTWISE.issuperset(rule.values)
    )


def _always(_: Place) -> bool:
    return True


def _never(_: Place) -> bool:
    return False


def _typed(types: tuple[str, ...], test: Callable[[Place], bool]) -> Callable[[Place], bool]:
    def clear(place: Place) -> bool:
        left, right = place.left, place.right
        return test(place) or not both_are(types, (left.form, left.raw), (right.form, right.raw))

    return clear


def _of_names(own: Mapping[str, EnvironmentNames]) -> Callable[[Place], bool]:
    def clear(place: Place) -> bool:
        if place.unqualified:
            return False
        if place.left.form == place.right.form:
            return True
        values = [(names, place.leaf(side).raw) for side, names in own.items()]
        return all(isinstance(raw, str) and bool(names.spans(raw)) for names, raw in values)

    return clear


def _of_targets(targets: Mapping[str, Target]) -> Callable[[Place], bool]:
    left, right = targets.get("left"), targets.get("right")

    def clear(place: Place) -> bool:
        return (left is None or _unreferred(left, place.left.raw)) and (
            right is None or _unreferred(right, place.right.raw)
        )

    return clear


def _unreferred(target: Target, value: Json) -> bool:
    if isinstance(value, list):
        return all(target.is_strange_to(item) for item in value)
    return target.is_strange_to(value)
