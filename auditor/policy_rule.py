"""Turn one rule of a policy file into a `Rule`; whatever is wrong with it is noted with its place, all at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from auditor.conditions import compile_condition
from auditor.expect import Expectation
from auditor.expect_spec import ExpectError, parse_duration, read_expectation
from auditor.globs import PathGlob, kind_pattern, path_glob
from auditor.messages import TEMPLATE_FIELDS
from auditor.model import ABSENT, Category, Escalation, Severity
from auditor.rules import Example, Rule
from auditor.value_types import TYPES
from auditor.yaml_source import Document, Place, nearest

if TYPE_CHECKING:
    from auditor.errors import Problem

_T = TypeVar("_T")
_FIELD = re.compile(r"\{([^{}]*)\}")
OK = "ok"


class BesideModel(BaseModel):
    """What else the two resources of an example hold, for conditions that ask for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    left: dict[str, Any] = {}
    right: dict[str, Any] = {}


class ExampleModel(BaseModel):
    """One example as it stands in the file. A side that is not written is absent; a null is null."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str | None = None
    path: str | None = None
    left: Any = None
    right: Any = None
    verdict: str
    environments: tuple[str, str] = ("staging", "prod")
    identity: str = "example"
    beside: BesideModel = BesideModel()


class EscalateModel(BaseModel):
    """How severe a finding becomes by being open for so long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Any
    to: Severity


class RuleModel(BaseModel):
    """One rule as it stands in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    about: str = Field(min_length=1)
    kind: str | list[str] = []
    path: str | list[str] = []
    where: str | None = None
    environment: str | None = Field(default=None, alias="in", min_length=1)
    values: str | list[str] = []
    expect: Any
    severity: Severity = Severity.MEDIUM
    tolerated_for: Any = Field(default=None, alias="for")
    escalate: EscalateModel | list[EscalateModel] = []
    remediation: str = ""
    category: Category | None = None
    examples: list[ExampleModel] = []


class RuleReader:
    """Reads the rule at `rules[index]` of `document`."""

    def __init__(self, document: Document, policy: str, index: int, source: RuleModel, problems: list[Problem]) -> None:
        self.document, self.policy, self.index, self.source, self.problems = document, policy, index, source, problems
        self.line = (document.at(("rules", index)) or (0, 0))[0]

    def read(self) -> Rule | None:
        """The rule, or None where something was wrong with it; what, has been noted."""
        source, before = self.source, len(self.problems)
        kinds = self._each("kind", source.kind, _checked_kind)
        paths = self._each("path", source.path, path_glob)
        values = self._each("values", source.values, _checked_type)
        where = self._one("where", source.where, compile_condition) if source.where is not None else None
        expect = self._one("expect", source.expect, read_expectation)
        span = self._one("for", source.tolerated_for, parse_duration) if source.tolerated_for is not None else None
        escalation = self._escalation()
        self._check_template(source.remediation)
        if expect is not None:
            self._check_sense(expect, paths)
        examples = tuple(self._example(index, example) for index, example in enumerate(source.examples))
        if expect is None or len(self.problems) > before:
            return None
        return Rule(
            policy=self.policy,
            id=source.id,
            about=source.about.strip(),
            kinds=kinds,
            paths=paths,
            expect=expect,
            severity=source.severity,
            file=self.document.file,
            line=self.line,
            where=where,
            environment=source.environment,
            values=values,
            tolerated_for=span or timedelta(0),
            escalation=escalation,
            remediation=source.remediation.strip(),
            category=source.category,
            examples=tuple(example for example in examples if example is not None),
        )

    def _note(self, place: Place, message: str, remedy: str = "") -> None:
        self.problems.append(self.document.problem(("rules", self.index, *place), message, remedy, of_value=True))

    def _one(self, key: str, value: Any, read: Callable[[Any], _T]) -> _T | None:
        try:
            return read(value)
        except ExpectError as error:
            self._note((key,), str(error), error.remedy)
        except ValueError as error:
            self._note((key,), str(error))
        return None

    def _each(self, key: str, value: str | list[str], read: Callable[[str], _T]) -> tuple[_T, ...]:
        items: Sequence[tuple[Place, str]] = (
            [((key,), value)] if isinstance(value, str) else [((key, i), item) for i, item in enumerate(value)]
        )
        found = []
        for place, item in items:
            try:
                found.append(read(item))
            except ValueError as error:
                self._note(place, str(error), error.remedy if isinstance(error, ExpectError) else "")
        return tuple(found)

    def _escalation(self) -> tuple[Escalation, ...]:
        """Steps of rising severity, each later than the one before; noted where they are not."""
        source = self.source.escalate
        listed = isinstance(source, list)
        steps: list[Escalation] = []
        for index, step in enumerate(source if isinstance(source, list) else [source]):
            place: Place = ("escalate", index) if listed else ("escalate",)
            try:
                after = parse_duration(step.after)
            except ExpectError as error:
                self._note((*place, "after"), str(error), error.remedy)
                continue
            before = steps[-1].to if steps else self.source.severity
            if step.to.rank <= before.rank:
                worse = [severity.value for severity in Severity if severity.rank > before.rank]
                remedy = f"write one of {', '.join(worse)}" if worse else "leave it out: nothing is worse than critical"
                self._note((*place, "to"), f"`{step.to}` is not more severe than {before} before it", remedy)
            elif steps and after <= steps[-1].after:
                self._note((*place, "after"), "comes no later than the step before it", "write the steps in order")
            steps.append(Escalation(after, step.to))
        return tuple(steps)

    def _check_template(self, template: str) -> None:
        for name in _FIELD.findall(template):
            if name not in TEMPLATE_FIELDS:
                guess = nearest(name, TEMPLATE_FIELDS)
                known = f"known: {', '.join(sorted(TEMPLATE_FIELDS))}"
                remedy = f"did you mean `{{{guess}}}`? ({known})" if guess else known
                self._note(("remediation",), f"knows no `{{{name}}}`", remedy)

    def _check_sense(self, expect: Expectation, paths: tuple[PathGlob, ...]) -> None:
        if paths:
            return
        if self.source.values:
            self._note(("values",), "a rule about a resource's presence sees no value", "add a `path:`")
        if expect.of is not None or expect.name not in _OF_PRESENCE:
            allowed = ", ".join(sorted(_OF_PRESENCE))
            self._note(
                ("expect",),
                f"`{expect.name}` looks at a value, and a rule without `path` is about the resource's presence",
                f"add a `path:` (`**` is any), or expect one of {allowed}",
            )

    def _example(self, index: int, model: ExampleModel) -> Example | None:
        place: Place = ("examples", index)
        verdicts = [OK, *(severity.value for severity in Severity)]
        if model.verdict not in verdicts:
            self._note((*place, "verdict"), f"`{model.verdict}` is no verdict", f"write one of {', '.join(verdicts)}")
            return None
        kind, path = model.kind or _literal(self.source.kind), model.path or _literal(self.source.path)
        if kind is None or (path is None and self.source.path):
            missing = "kind" if kind is None else "path"
            self._note(
                place, f"needs a `{missing}`, since the rule's own is a glob", f"add `{missing}:` to the example"
            )
            return None
        given = model.model_fields_set
        return Example(
            kind=kind,
            path=tuple(path.split(".")) if path else (),
            left=model.left if "left" in given else ABSENT,
            right=model.right if "right" in given else ABSENT,
            verdict=model.verdict,
            line=(self.document.at(("rules", self.index, *place)) or (0, 0))[0],
            environments=model.environments,
            identity=model.identity,
            beside=(model.beside.left, model.beside.right),
        )


# What can be expected of a thing that is there or not.
_OF_PRESENCE = frozenset({"equal", "ignore", "subset", "superset", "both_or_neither", "cel"})


def _checked_kind(glob: str) -> str:
    kind_pattern(glob)
    return glob


def _checked_type(name: str) -> str:
    if name not in TYPES:
        guess = nearest(name, TYPES)
        known = f"known: {', '.join(TYPES)}"
        raise ExpectError(f"`{name}` is no type of value", f"did you mean `{guess}`? ({known})" if guess else known)
    return name


def _literal(globs: str | list[str]) -> str | None:
    """A glob that means one name only, as that name."""
    only = globs if isinstance(globs, str) else globs[0] if len(globs) == 1 else None
    return only if only and not set(only) & set("*?[{\\") else None
