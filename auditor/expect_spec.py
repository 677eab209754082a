"""Read the `expect:` of a rule, a word or a mapping of one word to its argument, into an `Expectation`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from auditor import durations
from auditor.conditions import compile_condition
from auditor.expect import (
    BARE,
    Expectation,
    Family,
    Leaf,
    at_least,
    at_most,
    constant,
    holds,
    no_reference,
    ratio,
    same_value,
)
from auditor.lag import max_lag
from auditor.overlap import max_age, overlap
from auditor.yaml_source import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from auditor.model import Json

_MAX_PATTERN = 500
_LONGEST_MATCHED = 2000


class ExpectError(ValueError):
    """An `expect:` that cannot be understood: what is wrong, and how to mend it."""

    def __init__(self, message: str, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(message)


def read_expectation(value: Json) -> Expectation:
    """The expectation that `value` spells. Raises ExpectError."""
    if isinstance(value, str):
        if value in BARE:
            return BARE[value]
        if value in WITH_ARGUMENT:
            raise ExpectError(f"`{value}` needs an argument", f"write `{value}: {_EXAMPLES[value]}` below `expect:`")
        raise _unknown(value)
    if not isinstance(value, dict) or len(value) != 1:
        raise ExpectError("expected one word, or a mapping of one word to its argument", "write `expect: equal`, say")
    name, argument = next(iter(value.items()))
    if name not in WITH_ARGUMENT:
        if name in BARE:
            raise ExpectError(f"`{name}` takes no argument", f"write `expect: {name}`")
        raise _unknown(str(name))
    return WITH_ARGUMENT[name](argument)


def parse_duration(value: Json) -> timedelta:
    """As `durations.parse_duration`. Raises ExpectError."""
    try:
        return durations.parse_duration(value)
    except ValueError as error:
        raise ExpectError(str(error), "write it such as 30m, 24h or 7d") from error


def _unknown(name: str) -> ExpectError:
    known = sorted({*BARE, *WITH_ARGUMENT})
    guess = nearest(name, known)
    remedy = f"did you mean `{guess}`? " if guess else ""
    return ExpectError(f"`{name}` is nothing that can be expected", f"{remedy}(known: {', '.join(known)})")


def _equal(argument: Json) -> Expectation:
    _require(isinstance(argument, str | int | float | bool), "equal", "one value")
    test = constant(lambda leaf: same_value(leaf, argument), f"{_spelled(argument)} is expected")
    return Expectation("equal", Family.BOTH, argument, of=test)


def _differ(argument: Json) -> Expectation:
    _require(isinstance(argument, str | int | float | bool), "differ", "one value")
    test = constant(lambda leaf: not same_value(leaf, argument), "it must not be so")
    return Expectation("differ", Family.BOTH, argument, of=test)


def _one_of(argument: Json) -> Expectation:
    _require(isinstance(argument, list) and bool(argument), "one_of", "a list of values")
    wanted = ", ".join(_spelled(item) for item in argument)
    reason = f"{wanted} is expected" if len(argument) == 1 else f"one of {wanted} is expected"
    test = constant(lambda leaf: any(same_value(leaf, item) for item in argument), reason)
    return Expectation("one_of", Family.BOTH, argument, of=test)


def _matches(argument: Json) -> Expectation:
    _require(isinstance(argument, str) and len(argument) <= _MAX_PATTERN, "matches", "a regular expression")
    try:
        pattern = re.compile(argument)
    except re.error as error:
        raise ExpectError(f"the pattern is not a regular expression: {error}", "mend it, or quote it") from error

    def test(leaf: Leaf) -> bool | None:
        text = str(leaf.raw)
        return None if isinstance(leaf.raw, dict) or len(text) > _LONGEST_MATCHED else bool(pattern.search(text))

    return Expectation("matches", Family.BOTH, argument, of=constant(test, f"it must match {argument}"))


def _at_least(argument: Json) -> Expectation:
    _require(isinstance(argument, str | int | float) and not isinstance(argument, bool), "at_least", "one value")
    test = constant(lambda leaf: at_least(leaf, argument), f"at least {_spelled(argument)} is expected")
    return Expectation("at_least", Family.BOTH, argument, of=test)


def _at_most(argument: Json) -> Expectation:
    _require(isinstance(argument, str | int | float) and not isinstance(argument, bool), "at_most", "one value")
    test = constant(lambda leaf: at_most(leaf, argument), f"at most {_spelled(argument)} is expected")
    return Expectation("at_most", Family.BOTH, argument, of=test)


def _max_age(argument: Json) -> Expectation:
    return Expectation("max_age", Family.CHECK, argument, of=max_age(parse_duration(argument)))


def _overlap(argument: Json) -> Expectation:
    """Without `share`, so many values are too many, however small a part of the sample they are."""
    _require_keys("overlap", argument, ("values", "share"))
    values, share = argument.get("values", 1), argument.get("share", 0)
    example = f"write `overlap: {_EXAMPLES['overlap']}`"
    if not isinstance(values, int) or isinstance(values, bool) or values < 1:
        raise ExpectError("`values` of `overlap` is a whole number, 1 or more", example)
    if not isinstance(share, int | float) or isinstance(share, bool) or not 0 <= share < 1:
        raise ExpectError("`share` of `overlap` is a number from 0 to less than 1", example)
    return Expectation("overlap", Family.CHECK, argument, between=overlap(values, share))


def _ratio(argument: Json) -> Expectation:
    _require_keys("ratio", argument, ("min", "max"))
    bounds = [argument.get(key) for key in ("min", "max")]
    if not all(bound is None or (isinstance(bound, int | float) and not isinstance(bound, bool)) for bound in bounds):
        raise ExpectError("`min` and `max` of `ratio` are numbers", f"write `ratio: {_EXAMPLES['ratio']}`")
    return Expectation("ratio", Family.COMPARE, argument, between=ratio(bounds[0], bounds[1]))


def _max_lag(argument: Json) -> Expectation:
    _require_keys("max_lag", argument, ("releases", "time", "side"))
    releases, time, side = argument.get("releases"), argument.get("time"), argument.get("side", "left")
    if releases is not None and (not isinstance(releases, int) or isinstance(releases, bool) or releases < 0):
        raise ExpectError("`releases` of `max_lag` is a whole number", f"write `max_lag: {_EXAMPLES['max_lag']}`")
    if side not in ("left", "right"):
        raise ExpectError("`side` of `max_lag` is left or right", "write `max_lag: {time: 7d, side: right}`")
    span = parse_duration(time) if time is not None else None
    return Expectation("max_lag", Family.COMPARE, argument, between=max_lag(releases, span, side))


def _no_reference_to(argument: Json) -> Expectation:
    _require(isinstance(argument, str) and bool(argument), "no_reference_to", "the name of an environment")
    return Expectation(
        "no_reference_to", Family.CHECK, argument, of=no_reference, concern=f"no_reference_to {argument}"
    )


def _cel(argument: Json) -> Expectation:
    _require(isinstance(argument, str), "cel", "an expression")
    try:
        condition = compile_condition(argument)
    except ValueError as error:
        raise ExpectError(f"the expression {error}", "mend the expression") from error
    return Expectation("cel", Family.BOTH, argument, between=holds(condition), uses=condition.uses)


def _spelled(value: Json) -> str:
    """A value as a policy spells it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _require(right: bool, name: str, what: str) -> None:
    if not right:
        raise ExpectError(f"`{name}` takes {what}", f"write `{name}: {_EXAMPLES[name]}`")


def _require_keys(name: str, argument: Json, keys: tuple[str, ...]) -> None:
    example = f"write `{name}: {_EXAMPLES[name]}`"
    if not isinstance(argument, dict) or not argument:
        raise ExpectError(f"`{name}` takes a mapping of {' and '.join(keys)}", example)
    for key in argument:
        if key not in keys:
            guess = nearest(str(key), keys)
            raise ExpectError(f"`{name}` knows no `{key}`", f"did you mean `{guess}`?" if guess else example)


WITH_ARGUMENT: Mapping[str, Callable[[Json], Expectation]] = {
    "equal": _equal,
    "differ": _differ,
    "one_of": _one_of,
    "matches": _matches,
    "at_least": _at_least,
    "at_most": _at_most,
    "ratio": _ratio,
    "max_age": _max_age,
    "max_lag": _max_lag,
    "overlap": _overlap,
    "no_reference_to": _no_reference_to,
    "cel": _cel,
}
_EXAMPLES: Mapping[str, str] = {
    "equal": "true",
    "differ": "debug",
    "one_of": "[info, warning]",
    "matches": "'^arn:aws:'",
    "at_least": "7",
    "at_most": "0.01",
    "ratio": "{min: 0.25, max: 1}",
    "max_age": "90d",
    "overlap": "{values: 3, share: 0.01}",
    "max_lag": "{releases: 1, time: 7d}",
    "no_reference_to": "prod",
    "cel": "left.value <= right.value",
}
