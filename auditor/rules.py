"""Rules and policies as the judge uses them: a policy is its packs' rules in order, and the last that matches decides.

Reading them from files is `policy.py`'s part; what a rule may expect is `expect.py`'s.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from auditor.expect import BARE, Expectation, Family
from auditor.globs import PathGlob, kind_pattern, steps_match
from auditor.model import Category, Escalation, Path, RuleRef, Severity
from auditor.step_index import StepIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from auditor.conditions import Condition
    from auditor.model import Json

CATCH_ALL = "unclassified"
NON_PRODUCTION = "non-production"
"""`in: non-production`: whichever sides are not production. Such a rule needs no counterpart to judge a value."""
_MOST_PLACES = 500_000


@dataclass(frozen=True, slots=True)
class Example:
    """One example beside a rule: what the whole policy says of one place. `verdict` is a severity's name or `ok`.

    `beside` are further attributes of the left and the right resource, for rules that ask for them.
    """

    kind: str
    path: Path
    left: Json
    right: Json
    verdict: str
    line: int
    environments: tuple[str, str] = ("staging", "prod")
    identity: str = "example"
    beside: tuple[Mapping[str, Json], Mapping[str, Json]] = field(default_factory=lambda: ({}, {}))


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. No `paths`: it is about the presence of the resource. `values` are types of `value_types.TYPES`."""

    policy: str
    id: str
    about: str
    kinds: tuple[str, ...]
    paths: tuple[PathGlob, ...]
    expect: Expectation
    severity: Severity
    file: str
    line: int
    where: Condition | None = None
    environment: str | None = None
    values: tuple[str, ...] = ()
    tolerated_for: timedelta = timedelta(0)
    escalation: tuple[Escalation, ...] = ()
    remediation: str = ""
    category: Category | None = None
    examples: tuple[Example, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.policy}/{self.id}"

    @property
    def family(self) -> Family:
        """A rule about one environment's value says nothing about the difference; it is a check."""
        if self.environment is not None and self.expect.family is Family.BOTH and self.expect.concern != "differ":
            return Family.CHECK
        return self.expect.family

    @property
    def pairwise(self) -> bool:
        """Whether the expectation looks at both sides at once."""
        return self.expect.between is not None

    @property
    def concern(self) -> str:
        """Checks of one concern override each other; others stand side by side."""
        return self.expect.concern or self.id

    def is_about_kind(self, kind: str) -> bool:
        return not self.kinds or any(kind_pattern(glob).match(kind) for glob in self.kinds)

    def is_about_path(self, path: Path) -> bool:
        return any(glob.matches(path) for glob in self.paths) if path else not self.paths

    def reference(self, overrode: Iterable[Rule] = ()) -> RuleRef:
        return RuleRef(self.policy, self.id, self.file, self.line, tuple(rule.name for rule in overrode))


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules in the order in which they are read, last match wins.

    `names` are the packs that were asked for; `digest` is equal for policies that say the same.
    """

    names: tuple[str, ...]
    rules: tuple[Rule, ...]
    digest: str = ""
    _index: RuleIndex = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_index", RuleIndex(self.rules))

    def about(self, kind: str, path: Path, named: Path = ()) -> tuple[Rule, ...]:
        """The rules whose kind and path match, most recent first; the catch-all, which matches anything, is not among them.

        `named` is another path under which the place is known, as good as its own."""
        return self._index.of(kind, path, named).about

    def checking(self, kind: str, path: Path, named: Path = ()) -> tuple[Rule, ...]:
        """The same without the rules that only compare: what a value is asked, differing or not."""
        return self._index.of(kind, path, named).checking


@dataclass(frozen=True, slots=True)
class Asked:
    """The rules about a place, most recent first, and those of them that do not only compare."""

    about: tuple[Rule, ...]
    checking: tuple[Rule, ...]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> Asked:
        told = tuple(rules)
        return cls(told, tuple(rule for rule in told if rule.family is not Family.COMPARE))


class RuleIndex:
    """Finds the rules of a place.

    The rules of a kind are looked up once, those that may end in a step once per step, and what was found is kept by place:
    a snapshot has a hundred thousand places, but few kinds and few names of attributes."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        """`rules` in the order in which they are read."""
        self._rules = rules
        self._by_kind: dict[str, _OfKind] = {}
        self._places: dict[tuple[str, Path, Path], Asked] = {}
        self._steps: StepIndex | None = None
        self._meant: dict[str, frozenset[str]] = {}

    def of(self, kind: str, path: Path, named: Path) -> Asked:
        """The rules about a place, most recent first. Places that the same rules are about get the same object."""
        key = (kind, path, named)
        found = self._places.get(key)
        if found is None:
            found = self._found(kind, path, named)
            if len(self._places) < _MOST_PLACES:
                self._places[key] = found
        return found

    def _found(self, kind: str, path: Path, named: Path) -> Asked:
        of_kind = self._by_kind.get(kind)
        if of_kind is None:
            of_kind = self._by_kind[kind] = _OfKind.of(
                rule for rule in reversed(self._rules) if rule.is_about_kind(kind)
            )
        if not path:
            return of_kind.pathless
        numbers = of_kind.about([self._patterns_of(step) for step in path])
        if named:
            numbers |= of_kind.about([self._patterns_of(step) for step in named])
        same = tuple(sorted(numbers))
        found = of_kind.asked.get(same)
        if found is None:
            found = of_kind.asked[same] = Asked.of(of_kind.rules[number] for number in same)
        return found

    def _patterns_of(self, step: str) -> frozenset[str]:
        """The steps of paths in rules that mean this step."""
        found = self._meant.get(step)
        if found is None:
            if self._steps is None:
                globs = (glob for rule in self._rules for glob in rule.paths)
                self._steps = StepIndex({one for glob in globs for steps in glob.spellings for one in steps} - {"**"})
            found = self._steps.matching(step)
            if len(self._meant) < _MOST_PLACES:
                self._meant[step] = found
        return found


@dataclass(frozen=True, slots=True)
class _Ending:
    """The rules of one kind whose paths have one last step: those that ask for no more, and the others, by the step before
    it, each with all the steps that it asks for."""

    enough: set[int] = field(default_factory=set)
    more: dict[str, list[tuple[int, tuple[str, ...]]]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True, slots=True)
class _OfKind:
    """The rules about one kind, most recent first: all, and by number those of any path, and by the last step of a path."""

    rules: tuple[Rule, ...]
    pathless: Asked
    anywhere: frozenset[int]
    ending_in: Mapping[str, _Ending]
    asked: dict[tuple[int, ...], Asked] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> _OfKind:
        told = tuple(rules)
        anywhere: set[int] = set()
        ending_in: dict[str, _Ending] = defaultdict(_Ending)
        for number, rule in enumerate(told):
            for steps in (steps for glob in rule.paths for steps in glob.spellings):
                if steps == ("**",):
                    anywhere.add(number)
                elif len(steps) == 2 and steps[0] == "**":
                    ending_in[steps[-1]].enough.add(number)
                else:
                    ending_in[steps[-1]].more[steps[-2] if len(steps) > 1 else "**"].append((number, steps))
        return cls(told, Asked.of(rule for rule in told if not rule.paths), frozenset(anywhere), ending_in)

    def about(self, meant: Sequence[frozenset[str]]) -> set[int]:
        """The rules about a path, of each step of which `meant` holds the patterns that mean it."""
        found = set(self.anywhere)
        for pattern in (*meant[-1], "**"):
            ending = self.ending_in.get(pattern)
            if ending is None:
                continue
            found |= ending.enough
            # What stands before a last step is the step before; what stands before two stars may be any.
            if pattern == "**":
                before: Iterable[str] = frozenset().union(*meant)
            else:
                before = (*meant[-2], "**") if len(meant) > 1 else ("**",)
            for step in before:
                for number, steps in ending.more.get(step, ()):
                    if number not in found and steps_match(steps, meant):
                        found.add(number)
        return found


def catch_all(path: Path) -> Rule:
    """The rule of last resort: what no rule covers is still a finding, so nothing passes unseen."""
    return Rule(
        policy="built-in",
        id=CATCH_ALL,
        about="No rule covers this, and nothing may pass unseen",
        kinds=(),
        paths=() if not path else (PathGlob("**", (("**",),)),),
        expect=BARE["equal"],
        severity=Severity.LOW,
        file="built-in",
        line=0,
        remediation="Make both sides equal, or write a rule that says what is meant",
    )
