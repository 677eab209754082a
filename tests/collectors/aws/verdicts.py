"""What the default policy says of two environments that were read: the whole way from resources to findings."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from auditor.alike import Pair
from auditor.compare import compare
from auditor.comparison import Comparison
from auditor.judge import judge
from auditor.match import match
from auditor.model import Resource
from auditor.names import environment_names
from auditor.paths import dotted
from auditor.policy import load_policy
from auditor.redact import Redactor
from auditor.rules import Policy
from auditor.snapshot import normalise
from tests.collectors.aws.reading import declared
from tests.factories import NOW, snapshot

STAGING = environment_names("staging", (), {"prod": ()})
PROD = environment_names("prod", (), {"staging": ()})


def verdicts(left: Iterable[Resource], right: Iterable[Resource]) -> set[tuple[str, str, str]]:
    """(identity, path, severity) of every finding about staging on the left and prod on the right."""
    redactor, pair = Redactor(b"k" * 32), Pair(STAGING, PROD)
    forms = [
        normalise(
            [redactor.resource(each, declared(each.kind)) for each in resources],
            lambda name: declared(name).declared,
            names,
        )
        for resources, names in ((left, STAGING), (right, PROD))
    ]
    matches, alone = match(forms[0], forms[1], pair)
    found = Comparison(snapshot("staging"), snapshot("prod"), compare(matches, pair), alone)
    judged = judge(found, _policy(), STAGING, PROD, NOW)
    return {(each.identity, dotted(each.path), each.severity.value) for each in judged.breaches}


@cache
def _policy() -> Policy:
    return load_policy(["default"])
