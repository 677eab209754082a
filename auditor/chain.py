"""The chain of rules at one place: every one that matches it, latest first, with what it says or why it does not speak."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from auditor.evaluate import Evaluator
from auditor.expect import Family
from auditor.rules import catch_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.evaluate import Ruling
    from auditor.places import Place
    from auditor.rules import Rule


class Part(StrEnum):
    """What part a rule plays at a place."""

    DECIDES = "decides"
    FAILS = "fails"
    PASSES = "passes"
    OVERRIDDEN = "overridden"
    CONDITION = "condition"
    TYPE = "type"
    ENVIRONMENT = "environment"
    SILENT = "silent"
    IGNORED = "ignored"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Link:
    """One rule of the chain. `met` is whether its expectation holds, None where it was not asked; `why` in words."""

    rule: Rule
    part: Part
    met: bool | None
    why: str


class Tracer(Evaluator):
    """An evaluator that tells of each rule what it did. It gives no other verdicts than `Evaluator`."""

    def comparing(self, place: Place) -> tuple[Link, ...]:
        """The rules that are asked about a difference at the place. Exactly one decides: the last is the catch-all."""
        links: list[Link] = []
        decided: Rule | None = None
        for rule in self.policy.about(place.kind, place.path, place.named):
            if rule.family is Family.CHECK:
                continue
            ruling = self._compare(rule, place)
            if ruling is None:
                links.append(self._unsaid(rule, place))
            elif decided is None:
                decided = rule
                links.append(Link(rule, Part.DECIDES, ruling.verdict.met, _said(ruling)))
            else:
                links.append(Link(rule, Part.OVERRIDDEN, ruling.verdict.met, f"{_named(decided)} comes later"))
        rule = catch_all(place.path)
        if decided is None:
            return (*links, Link(rule, Part.DECIDES, False, "no other rule covers the place"))
        return (*links, Link(rule, Part.OVERRIDDEN, None, f"{_named(decided)} covers the place"))

    def checking(self, place: Place, *, differs: bool) -> tuple[Link, ...]:
        """The rules that are asked about the values at the place, whether or not they differ."""
        rules = self.policy.checking(place.kind, place.path, place.named)
        failed = {ruling.rule.name: ruling for ruling in self.checks(place, differs=differs)}
        lost = {rule.name: name for name, ruling in failed.items() for rule in ruling.overrode}
        settled: dict[str, str] = {}
        links: list[Link] = []
        ignoring: list[Rule] = []
        for rule in rules:
            if rule.family is Family.IGNORE:
                ignoring.append(rule)
                continue
            if differs and rule.family is Family.BOTH:
                links.append(Link(rule, Part.DIFFERS, None, "the two differ, so it is asked about the difference"))
            elif rule.name in failed:
                sides = " and ".join(self.names[side].name for side in failed[rule.name].sides)
                links.append(Link(rule, Part.FAILS, False, f"of {sides}: {_said(failed[rule.name])}"))
            elif rule.name in lost:
                links.append(Link(rule, Part.OVERRIDDEN, None, f"{lost[rule.name]} comes later and speaks of the same"))
            elif rule.concern in settled:
                links.append(Link(rule, Part.OVERRIDDEN, None, f"{settled[rule.concern]} comes later and is met"))
            else:
                link = self._unfailed(rule, place, ignoring)
                links.append(link)
                if link.part is Part.PASSES:
                    settled[rule.concern] = rule.name
        return tuple(links)

    def _unfailed(self, rule: Rule, place: Place, ignoring: list[Rule]) -> Link:
        ruling = self._check(rule, place)
        if ruling is None or not self._holds(rule, place):
            return self._unsaid(rule, place)
        if ruling.verdict.met:
            return Link(rule, Part.PASSES, True, "its expectation is met")
        by = next((later for later in ignoring if self._applies(later, place)), None)
        return Link(
            rule, Part.IGNORED, False, f"{_named(by)} ignores the place" if by else "another check stands for it"
        )

    def _unsaid(self, rule: Rule, place: Place) -> Link:
        """Why a rule that matches the place says nothing of it."""
        if rule.environment is not None:
            sides = self.in_environment(rule.environment)
            if not sides:
                return Link(rule, Part.ENVIRONMENT, None, f"it is about {rule.environment}, which neither side is")
            if len(sides) > 1 and rule.family is not Family.CHECK:
                return Link(rule, Part.ENVIRONMENT, None, f"it is about {rule.environment}, which both sides are")
        if not self._is_of_type(rule, place):
            types = " or ".join(rule.values)
            return Link(rule, Part.TYPE, None, f"it is about values of type {types}, and these are not")
        if not self._holds(rule, place):
            text = rule.where.text if rule.where is not None else ""
            missed = self._fault(rule)
            return Link(rule, Part.CONDITION, None, f"its condition is false: {' '.join(text.split())}{missed}")
        return Link(rule, Part.SILENT, None, f"`{rule.expect.name}` has nothing to say of these values")

    def _fault(self, rule: Rule) -> str:
        why = self.faults.why(rule, "where")
        return f" ({why})" if why else ""


def deciding(links: tuple[Link, ...]) -> Iterator[Link]:
    """Those whose word counts: the one that decides a difference, and the checks that fail."""
    return (link for link in links if link.part in (Part.DECIDES, Part.FAILS))


def _said(ruling: Ruling) -> str:
    reason = ruling.verdict.reason
    if ruling.verdict.met:
        return reason if ruling.rule.family is Family.IGNORE else "its expectation is met"
    return reason or "its expectation is not met"


def _named(rule: Rule | None) -> str:
    return rule.name if rule is not None else ""
