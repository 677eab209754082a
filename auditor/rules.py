"""Rules and policies as the judge uses them: a policy is its packs' rules in order, and the last that matches decides.

Reading them from files is `policy.py`'s part; what a rule may expect is `expect.py`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from auditor.expect import BARE, Expectation, Family
from auditor.globs import PathGlob, kind_pattern
from auditor.model import Category, Escalation, Path, RuleRef, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
    _by_kind: dict[str, tuple[Rule, ...]] = field(default_factory=dict, compare=False, repr=False)
    _checking: dict[tuple[str, Path], tuple[Rule, ...]] = field(default_factory=dict, compare=False, repr=False)
    _by_step: dict[tuple[str, str], tuple[tuple[Rule, bool], ...]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def about(self, kind: str, path: Path, named: Path = ()) -> tuple[Rule, ...]:
        """The rules whose kind and path match, most recent first; the catch-all, which matches anything, is not among them.

        `named` is another path under which the place is known, as good as its own.

        The rules of a kind are looked up once, those that may end in a step once per step: a snapshot has a hundred
        thousand places, but few kinds and few names of attributes.
        """
        if not path:
            return tuple(rule for rule in self._of_kind(kind) if not rule.paths)
        ends = (path[-1], named[-1]) if named else (path[-1],)
        key = (kind, "\0".join(ends))
        found = self._by_step.get(key)
        if found is None:
            found = tuple(
                (rule, any(glob.is_about_any(end) for glob in rule.paths for end in ends))
                for rule in self._of_kind(kind)
                if any(glob.may_end_in(end) for glob in rule.paths for end in ends)
            )
            self._by_step[key] = found
        return tuple(
            rule
            for rule, always in found
            if always or rule.is_about_path(path) or (bool(named) and rule.is_about_path(named))
        )

    def checking(self, kind: str, path: Path, named: Path = ()) -> tuple[Rule, ...]:
        """The same without the rules that only compare: what a value is asked, differing or not.

        Kept by place, since resources of one kind have their places in common.
        """
        found = self._checking.get((kind, named or path))
        if found is None:
            found = tuple(rule for rule in self.about(kind, path, named) if rule.family is not Family.COMPARE)
            if len(self._checking) < _MOST_PLACES:
                self._checking[(kind, named or path)] = found
        return found

    def _of_kind(self, kind: str) -> tuple[Rule, ...]:
        found = self._by_kind.get(kind)
        if found is None:
            found = tuple(rule for rule in reversed(self.rules) if rule.is_about_kind(kind))
            self._by_kind[kind] = found
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
