"""Which rule decides a place, and what it says: the last that matches for a difference, every concern for a value."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from auditor.alike import slotted
from auditor.clearing import REFERENCE, Plan, Plans, Step, checked_sides
from auditor.expect import Family, Leaf, Question, Verdict
from auditor.faults import Faults
from auditor.model import ABSENT, Absent
from auditor.overlap import Overlap, Sketches
from auditor.past import NO_HISTORY, History, Lags
from auditor.places import Place
from auditor.rules import NON_PRODUCTION, Policy, Rule, catch_all
from auditor.sides import OTHER, Sides
from auditor.value_types import both_are

if TYPE_CHECKING:
    from auditor.comparison import Comparison
    from auditor.kept import Keeping
    from auditor.model import Json
    from auditor.names import EnvironmentNames
    from auditor.references import Target

_MOST_CLEAN = 500_000
_LONGEST = 50
_OF_RESOURCE = ("identity", "source", "region", "account", "component")
# What they are asked holds more than the values of a place.
_SPECIAL = frozenset({REFERENCE, "max_lag", "qualified", "overlap"})


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one rule says of one place. `sides` are those that a check found wrong; `overrode` lost, most recent first."""

    rule: Rule
    verdict: Verdict
    sides: tuple[str, ...] = ("left", "right")
    is_check: bool = False
    overrode: tuple[Rule, ...] = ()


class Evaluator:
    """A policy, applied to one pair of environments at one time. `faults` gathers the expressions that had no answer."""

    def __init__(
        self,
        policy: Policy,
        comparison: Comparison,
        names: Mapping[str, EnvironmentNames],
        now: datetime,
        history: History = NO_HISTORY,
        keeping: Keeping | None = None,
    ) -> None:
        self.policy, self.comparison, self.names, self.now = policy, comparison, names, now
        self._lags = Lags(history, comparison, names, now)
        self.sides = Sides(comparison, names, keeping)
        self._sketches: dict[str, Sketches] = {}
        self._clean: set[Hashable] = set()
        self._lasting: dict[Hashable, bool] = {}
        self._strict: dict[tuple[str, str], Target] = {}
        self._asked: tuple[Place | None, dict[tuple[str, bool], Question]] = (None, {})
        left, right = set(comparison.left.accounts), set(comparison.right.accounts)
        self.separate = bool(left and right and not left & right)
        self._plans = Plans(policy, self.sides, names, separate=self.separate)
        self.faults = Faults()

    def decide(self, place: Place) -> Ruling:
        """The ruling on a difference: of the last rule that matches and has something to say of these values."""
        rulings = self._comparing(place)
        first = next(rulings, None)
        if first is None:
            return Ruling(catch_all(place.path), Verdict(False, "they differ"))
        others = tuple(ruling.rule for ruling in rulings)
        return Ruling(first.rule, first.verdict, overrode=others)

    def checks(self, place: Place, *, differs: bool) -> list[Ruling]:
        """The failed checks of a value, one per concern. What an `ignore` written later covers is not looked at."""
        plan = self._plans.of(place)
        if plan is None or plan.clears(place):
            return []
        key = self._key(place, plan, differs=differs)
        if key is not None and key in self._clean:
            return []
        failed, plain = self._failed(place, plan.steps, differs=differs)
        if key is not None and plain and len(self._clean) < _MOST_CLEAN:
            self._clean.add(key)
        return failed

    def matters(self, place: Place) -> bool:
        """Whether a value that does not differ has to be judged by each audit: it is not right, or not for as long as both
        resources, the names of their environments and the policy stay. Says nothing of expressions without answer."""
        plan = self._plans.of(place)
        if plan is None:
            return False
        if plan.clears(place):
            return plan.passing
        key = self._key(place, plan, differs=False)
        lasts = self._lasting.get(key) if key is not None else None
        if lasts is not None:
            return not lasts
        told, self.faults = self.faults, Faults()
        try:
            right = not self.checks(place, differs=False) and not self.faults
        finally:
            self.faults = told
        lasts = right and not plan.passing and not self._leans_on_names(plan, place)
        if key is not None and key in self._clean:
            self._lasting[key] = lasts
        return not lasts

    def targets(self) -> Iterator[tuple[str, str, Target]]:
        """What the policy's rules must not find referred to: a rule's argument, the side that it looks at, the target."""
        arguments = {str(rule.expect.argument) for rule in self.policy.rules if rule.expect.name == REFERENCE}
        for argument in sorted(arguments):
            for side in ("left", "right"):
                if side not in self.sides.rehearsing(argument):
                    yield argument, side, self.sides.target(argument, side)

    def _leans_on_names(self, plan: Plan, place: Place) -> bool:
        """Whether checks that passed would not pass beside other resources: of another vocabulary."""
        return any(
            self._may_refer(str(step.rule.expect.argument), side, place)
            for step in plan.steps
            if step.rule.expect.name == REFERENCE
            for side in checked_sides(step.rule, self.sides)
        )

    def _may_refer(self, argument: str, side: str, place: Place) -> bool:
        """Whether a value refers to the environment but for what the names of other things tell of its words."""
        raw = place.leaf(side).raw
        strict = self._strict.get((argument, side))
        if strict is None:
            strict = replace(self.sides.target(argument, side), vocabulary=frozenset())
            self._strict[argument, side] = strict
        path = place.named or place.path
        return any(strict.referred_by(item, path) is not None for item in (raw if isinstance(raw, list) else [raw]))

    @cached_property
    def asks_alone(self) -> bool:
        """Whether any rule needs no counterpart."""
        return any(rule.environment == NON_PRODUCTION for rule in self.policy.rules)

    def checks_alone(self, place: Place) -> list[Ruling]:
        """The failed checks of a value of a resource without counterpart, by the rules that need none."""
        plan = self._plans.of(place)
        return self._failed(place, plan.alone, differs=False)[0] if plan is not None and plan.alone else []

    def _failed(self, place: Place, steps: Iterable[Step], *, differs: bool) -> tuple[list[Ruling], bool]:
        """The rulings of the checks that failed, and whether the values alone decided that none did."""
        failed: dict[str, Ruling] = {}
        settled: set[str] = set()
        ignoring: list[Rule] = []
        plain = True
        for step in steps:
            rule, concern = step.rule, step.concern
            if step.ignores:
                ignoring.append(rule)
            elif concern in failed:
                before = failed[concern]
                failed[concern] = replace(before, overrode=(*before.overrode, rule))
            elif concern not in settled and not (differs and step.compares_too):
                ruling, asked = self._worst(rule, place) if step.each else (self._check(rule, place), place)
                if ruling is None:
                    continue
                if ruling.verdict.met:
                    # The last rule decides, also where it asks for less than an earlier one of its concern.
                    if step.contested:
                        plain = plain and rule.where is None
                        if self._holds(rule, asked):
                            settled.add(concern)
                    continue
                # Conditions ask about the resource, so from here on the values alone do not decide.
                plain = False
                if not self._holds(rule, asked):
                    continue
                if any(self._applies(later, place) for later in ignoring):
                    break
                failed[concern] = ruling
        return list(failed.values()), plain

    def _key(self, place: Place, plan: Plan, *, differs: bool) -> Hashable:
        """What the checks of a place depend on, where that is only its values; most values come many times."""
        if place.unqualified or not plan.keyed:
            return None
        left, right = _told(place.left.raw), _told(place.right.raw)
        if left is None or right is None:
            return None
        return (place.kind, place.named or place.path, differs, left, right)

    def in_environment(self, environment: str) -> tuple[str, ...]:
        """The sides that a rule means by `in: environment`."""
        return self.sides.meant(environment)

    def _comparing(self, place: Place) -> Iterator[Ruling]:
        for rule in self.policy.about(place.kind, place.path, place.named):
            if rule.family is Family.CHECK:
                continue
            ruling = self._compare(rule, place)
            if ruling is not None:
                yield ruling

    def _compare(self, rule: Rule, place: Place) -> Ruling | None:
        subject = "left"
        if rule.environment is not None:
            sides = self.in_environment(rule.environment)
            if len(sides) != 1:
                return None
            subject = sides[0]
        if not self._applies(rule, place):
            return None
        if rule.family is Family.IGNORE:
            return Ruling(rule, Verdict(True, "it is ignored"))
        verdict = rule.expect.compare(self._question(rule, place, subject))
        return None if verdict is None else Ruling(rule, verdict)

    def _check(self, rule: Rule, place: Place) -> Ruling | None:
        """The verdict of a check, on both sides at once or on each side that the rule is about.

        Its condition is not looked at: conditions cost most, and most values are right.
        """
        if not self._is_of_type(rule, place):
            return None
        if rule.pairwise and rule.environment is None:
            found = rule.expect.compare(self._question(rule, place, "left"))
            known = [] if found is None else [("left", found), ("right", found)]
        else:
            known = list(self._verdicts(rule, place))
        if not known:
            return None
        failed = [(side, verdict) for side, verdict in known if not verdict.met]
        if not failed:
            return Ruling(rule, known[0][1], is_check=True)
        return Ruling(rule, failed[0][1], tuple(side for side, _ in failed), is_check=True)

    def _worst(self, rule: Rule, place: Place) -> tuple[Ruling | None, Place]:
        """What a check says whose expressions speak of one value, and of what: of a list's first item that is wrong, if any is."""
        told: tuple[Ruling | None, Place] = (None, place)
        for item in _items(place, self.in_environment(rule.environment or "")):
            ruling = self._check(rule, item)
            if ruling is None:
                continue
            if not ruling.verdict.met and self._holds(rule, item):
                return ruling, item
            if told[0] is None or told[0].verdict.met:
                told = (ruling, item)
        return told

    def _verdicts(self, rule: Rule, place: Place) -> Iterator[tuple[str, Verdict]]:
        """What a check says of each side that it is about and that has a value."""
        for side in checked_sides(rule, self.sides):
            leaf = place.leaf(side)
            if not leaf.present:
                continue
            question = self._question(rule, place, side)
            verdict = rule.expect.between(question) if rule.expect.between else rule.expect.judge_one(leaf, question)
            if verdict is not None and not verdict.met and question.target is not None:
                told = self.sides.knowing(question.target, place.left.raw, place.right.raw)
                verdict = rule.expect.judge_one(leaf, replace(question, target=told))
            if verdict is not None:
                yield side, verdict

    def _applies(self, rule: Rule, place: Place) -> bool:
        return self._is_of_type(rule, place) and self._holds(rule, place)

    def _is_of_type(self, rule: Rule, place: Place) -> bool:
        left, right = place.left, place.right
        return not rule.values or both_are(rule.values, (left.form, left.raw), (right.form, right.raw))

    def _holds(self, rule: Rule, place: Place) -> bool:
        if rule.environment is not None and not self.in_environment(rule.environment):
            return False
        if rule.where is None:
            return True
        told = self.faults.listener(rule, "where", place)
        return rule.where.holds(self.variables(place, rule.where.uses, rule.environment), told)

    def _question(self, rule: Rule, place: Place, subject: str) -> Question:
        other = OTHER[subject]
        uses = rule.expect.uses
        if not uses and rule.expect.name not in _SPECIAL:
            return self._plain(place, subject, "version" in rule.values)
        return Question(
            place.named or place.path,
            place.leaf(subject),
            place.leaf(other),
            self.now,
            versions="version" in rule.values,
            target=self.sides.target(str(rule.expect.argument), subject) if rule.expect.name == REFERENCE else None,
            lag=self._lags.of(place, subject) if rule.expect.name == "max_lag" else None,
            lead=self._lags.of(place, other) if rule.expect.name == "max_lag" else None,
            qualified=self._qualified(place, subject) if rule.expect.name == "qualified" else None,
            overlap=self._overlap(rule, place, subject) if rule.expect.name == "overlap" else None,
            variables=lambda: self.variables(place, uses, rule.environment),
            told=self.faults.listener(rule, "expect", place),
        )

    def _plain(self, place: Place, subject: str, versions: bool) -> Question:
        """What most expectations are asked: values alone. The rules of one place ask the same one after the other."""
        if self._asked[0] is not place:
            self._asked = (place, {})
        asked = self._asked[1]
        found = asked.get((subject, versions))
        if found is None:
            ours, theirs = place.leaf(subject), place.leaf(OTHER[subject])
            found = Question(place.named or place.path, ours, theirs, self.now, versions=versions)
            asked[subject, versions] = found
        return found

    def _overlap(self, rule: Rule, place: Place, subject: str) -> Overlap | None:
        """How many of the subject's sampled values are the other side's. Between two that the rule means, nobody minds."""
        resource, other = place.resource(subject), OTHER[subject]
        if resource is None or (rule.environment is not None and other in self.in_environment(rule.environment)):
            return None
        found = self._sketches.get(other)
        if found is None:
            snapshot = self.comparison.left if other == "left" else self.comparison.right
            found = self._sketches[other] = Sketches(self.names[other].name, snapshot.resources)
        counterpart = place.resource(other)
        return found.overlap(resource, counterpart.identity if counterpart is not None else None)

    def _qualified(self, place: Place, subject: str) -> tuple[bool, bool]:
        """Whether the subject and the other side carry their environment's names."""
        if place.unqualified or place.left.form == place.right.form:
            return (not place.unqualified, True)
        other = OTHER[subject]
        if self.sides.pair.same_text(str(place.left.raw), str(place.right.raw)):
            # One name, which each side spells its own way.
            return True, True
        own = self.names[subject].carried_by(str(place.leaf(subject).raw))
        text, there = str(place.leaf(subject).raw).lower(), str(place.leaf(other).raw)
        # A word that both sides have is the thing's own: `production-planning:1.2` and `production-planning:1.3`.
        return own, any(there[start:end].lower() not in text for start, end in self.names[other].spans(there))

    def variables(self, place: Place, uses: frozenset[str], environment: str | None) -> dict[str, Any]:
        """What an expression may ask about a place; only what it names is built, as each value takes the engine its time."""
        named = self.in_environment(environment) if environment is not None else ()
        found: dict[str, Any] = {}
        for side in ("left", "right"):
            if side in uses:
                found[side] = self._side(place, side, uses)
        if named:
            for name, side in (("own", named[0]), ("other", OTHER[named[0]])):
                if name in uses or (name == "own" and "value" in uses):
                    found[name] = self._side(place, side, uses)
            if "value" in found.get("own", ()):
                found["value"] = found["own"]["value"]
        if "path" in uses:
            found["path"] = list(place.path)
        if "key" in uses:
            found["key"] = (place.named or place.path or ("",))[-1]
        if "now" in uses:
            found["now"] = self.now
        if "separate_accounts" in uses:
            found["separate_accounts"] = self.separate
        if "resource" in uses:
            resource = place.left_resource or place.right_resource
            found["resource"] = {"kind": place.kind, "identity": resource.identity if resource else ""}
            if resource is not None and resource.component is not None:
                found["resource"]["component"] = resource.component
        return found

    def _side(self, place: Place, side: str, uses: frozenset[str]) -> dict[str, Any]:
        leaf, resource, names = place.leaf(side), place.resource(side), self.names[side]
        found: dict[str, Any] = {}
        if "environment" in uses:
            found["environment"] = names.name
        if "present" in uses:
            found["present"] = leaf.present
        if leaf.present:
            if "value" in uses:
                found["value"] = _plain(leaf.form if isinstance(leaf.form, bool | int | float) else leaf.raw)
            if "raw" in uses:
                found["raw"] = leaf.raw if isinstance(leaf.raw, str) else str(leaf.raw)
            if "compared" in uses:
                found["compared"] = names.neutral(slotted(str(leaf.raw)))
            if "qualified" in uses:
                found["qualified"] = names.mentioned_in(str(leaf.raw)) is not None
        if resource is not None:
            told = {name: getattr(resource, name) for name in _OF_RESOURCE if name in uses}
            found |= {name: value for name, value in told.items() if value is not None}
            if "tags" in uses:
                found["tags"] = dict(resource.tags)
            if "attributes" in uses:
                found["attributes"] = _plain(resource.attributes)
        return found


def _told(value: Json | Absent) -> Hashable | None:
    """A value that can be looked up by, each with its type, since `1 == True`; None of a map, and of a list that holds some."""
    if isinstance(value, list):
        items = tuple(_told(item) for item in value[:_LONGEST])
        return None if len(value) > _LONGEST or None in items else items
    return (type(value), value) if value is None or isinstance(value, str | int | float | Absent) else None


def _items(place: Place, sides: tuple[str, ...]) -> Iterator[Place]:
    """A place for each item of the list that the first of the sides has there; itself where that is none."""
    leaf = place.leaf(sides[0]) if sides else None
    if leaf is None or not isinstance(leaf.raw, list) or not isinstance(leaf.form, list):
        yield place
    elif len(leaf.raw) == len(leaf.form):
        for form, raw in zip(leaf.form, leaf.raw, strict=True):
            item = Leaf(form, raw)
            yield replace(place, left=item) if sides[0] == "left" else replace(place, right=item)


def _plain(value: Any) -> Any:
    """A value as CEL takes it: plain dicts and lists."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if value is ABSENT else value
