"""Expressions of rules that had no answer: counted false, but not in silence. An audit says so in a note per rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.places import Place
    from auditor.rules import Rule

_LONGEST = 120


@dataclass(slots=True)
class Fault:
    """What one key (`where`, `expect`) of one rule could not answer: why and where first, and how often in all."""

    rule: Rule
    key: str
    why: str
    place: Place
    times: int = 1

    def __str__(self) -> str:
        resource = self.place.left_resource or self.place.right_resource
        steps = (self.place.kind, resource.identity if resource else "", ".".join(self.place.path))
        where = " ".join(step for step in steps if step)[:_LONGEST]
        often = f"{self.times} times, first" if self.times > 1 else "once,"
        at = f"{self.rule.name} ({self.rule.file}:{self.rule.line})"
        return f"`{self.key}` of {at} had no answer and counted as false, {often} for {where}: {self.why}"


@dataclass(slots=True)
class Faults:
    """The faults of one audit, one per key of a rule."""

    _found: dict[tuple[str, str], Fault] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._found)

    def listener(self, rule: Rule, key: str, place: Place) -> Callable[[str], None]:
        """What an expression of the rule is given to tell why it has no answer at the place."""

        def told(why: str) -> None:
            known = self._found.get((rule.name, key))
            if known is None:
                self._found[(rule.name, key)] = Fault(rule, key, why, place)
            else:
                known.times += 1

        return told

    def why(self, rule: Rule, key: str) -> str:
        """Why that key of the rule had no answer, where it first had none; empty where it always had one."""
        found = self._found.get((rule.name, key))
        return found.why if found else ""

    def notes(self) -> tuple[str, ...]:
        """A sentence each, in order of rule."""
        return tuple(str(fault) for _, fault in sorted(self._found.items(), key=lambda item: item[0]))
