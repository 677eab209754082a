"""What one condition of a rule costs: a Python closure, and CEL with scalars, with a small map, with a whole document."""

from __future__ import annotations

from typing import Any

import orjson

from auditor.cel_engine import cel
from bench.speed.child import Stopwatch
from bench.speed.estate import STAGING, Estate

_ROUNDS = 20_000
FORMS = ("Python closure", "CEL, scalars", "CEL, a small map", "CEL, a whole document")


def condition(stopwatch: Stopwatch, form: str) -> None:
    """Ask one condition many times; `rounds` in the facts says how often."""
    answer = next(Estate(1).answers(STAGING, "aws.ec2.fleet", "eu-west-1"))
    document: dict[str, Any] = orjson.loads(answer)["attributes"]
    tier_of = "tier" if form == FORMS[1] else "left.tier"
    program = cel.compile(f"{tier_of} != 'scratch' && size > 1")
    names: dict[str, dict[str, Any]] = {
        FORMS[1]: {"tier": "one"},
        FORMS[2]: {"left": {"tier": "one", "team": "shop"}},
        FORMS[3]: {"left": {**document, "tier": "one"}},
    }
    rounds = _ROUNDS // 20 if form == FORMS[3] else _ROUNDS
    if form == FORMS[0]:
        tier = "one"

        def holds(size: int) -> bool:
            return tier != "scratch" and size > 1
    else:
        given = names[form]

        def holds(size: int) -> bool:
            return bool(program.execute(cel.Context(variables={**given, "size": size})))

    with stopwatch.running():
        for at in range(rounds):
            holds(at)
    stopwatch.facts["rounds"] = rounds
