"""One resource in each pair of its environment: its counterpart, how the two were paired, and the findings about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.errors import AuditorError
from auditor.publish.spelling import method_text
from auditor.store.query import LONGEST_TEXT, FindingQuery
from auditor.web.queries.kept import FoundOut
from auditor.web.queries.staging import stage_key
from auditor.workkeys import judging_key

if TYPE_CHECKING:
    from auditor.config import Config, Pair
    from auditor.explaining import Stage
    from auditor.life import StoredFinding
    from auditor.model import Resource
    from auditor.store import LightResource, Store
    from auditor.web.backend import Backend

_FINDINGS = 50


@dataclass(frozen=True, slots=True)
class Counterpart:
    """What the pair's last audit paired the resource with; `resource` is None where it was paired with nothing.

    how          how the two were paired, where that is worth a word
    differences  leaves in which they differ, before any policy is asked
    probable     what it probably is, where it was paired with nothing
    declared     where code declares the resource itself, where a state tells
    said         why there is nothing to say
    """

    environment: str
    resource: Resource | None = None
    how: str = ""
    differences: int = 0
    probable: str | None = None
    declared: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class InPair:
    """The resource in one pair. `counterpart` is None while it is being found out."""

    left: str
    right: str
    other: str
    counterpart: Counterpart | None
    findings: tuple[StoredFinding, ...]


class Counterparts:
    """Finds counterparts out in the background, and keeps the last ones. Safe to share between threads."""

    def __init__(self) -> None:
        self._found: FoundOut[tuple[object, ...], Counterpart] = FoundOut(500)

    def of(self, ground: Backend, name: str, light: LightResource, seconds: float) -> tuple[InPair, ...]:
        """In every pair of the environment called `name`; waits `seconds` for each at most."""
        config = ground.config
        found = []
        for pair in pairs_of(config, name):
            other = pair.right if pair.left == name else pair.left
            counterpart = self._counterpart(ground, pair, name, light, seconds)
            findings = findings_about(ground.store, pair, name, light)
            found.append(InPair(pair.left, pair.right, other, counterpart, findings))
        return tuple(found)

    def _counterpart(
        self, ground: Backend, pair: Pair, name: str, light: LightResource, seconds: float
    ) -> Counterpart | None:
        loaded = ground.loaded()
        other = pair.right if pair.left == name else pair.left
        key = stage_key(ground, loaded, pair)
        if key is None:
            return Counterpart(other, said=f"{pair.left} and {pair.right} were not both observed yet")

        def make() -> Counterpart:
            return _paired(
                ground.stages.get(ground, loaded, pair), "left" if pair.left == name else "right", other, light
            )

        digest = judging_key(loaded.config, loaded.policy(pair), (), ground.redactor)
        spot = (light.kind, light.identity, light.source, light.region)
        try:
            return self._found.ask((key, digest, spot), make, seconds)
        except AuditorError as error:
            return Counterpart(other, said=f"it cannot be told: {error}")


def pairs_of(config: Config, name: str) -> tuple[Pair, ...]:
    """The pairs that the environment is in: as configured, and the steps of its promotion chain."""
    wanted = [(pair.left, pair.right) for pair in config.pairs if name in (pair.left, pair.right)]
    wanted += [step for step in config.promotes_to.items() if name in step]
    return tuple(config.pair(*pair) for pair in dict.fromkeys(wanted))


def findings_about(store: Store, pair: Pair, name: str, light: LightResource) -> tuple[StoredFinding, ...]:
    """Findings of the pair that are not resolved and about this very resource, the worst first."""
    page = store.search(
        FindingQuery(left=pair.left, right=pair.right, kinds=(light.kind,), text=light.identity[:LONGEST_TEXT]),
        limit=_FINDINGS,
    )
    side = "left" if pair.left == name else "right"
    return tuple(one for one in page.items if getattr(one.breach, side).identity == light.identity)


def _paired(stage: Stage, side: str, other: str, light: LightResource) -> Counterpart:
    comparison = stage.scenery.comparison
    addresses = comparison.declarations[0 if side == "left" else 1].addresses
    declared = addresses.get((light.kind, light.identity, light.source, light.region), "")
    for compared in comparison.matches:
        match = compared.match
        own, theirs = (match.left, match.right) if side == "left" else (match.right, match.left)
        if _is(own.resource, light):
            how = method_text(match.method, match.confidence)
            return Counterpart(other, theirs.resource, how, len(compared.differences), declared=declared)
    for unmatched in comparison.unmatched:
        if unmatched.side == side and _is(unmatched.normal.resource, light):
            suggestion = unmatched.suggestion
            probable = suggestion.resource.identity if suggestion is not None else None
            return Counterpart(other, probable=probable, declared=declared)
        if unmatched.side != side and unmatched.suggestion is not None and _is(unmatched.suggestion.resource, light):
            return Counterpart(other, probable=unmatched.normal.resource.identity, declared=declared)
    return Counterpart(other, said="it is not compared there, or the last audit did not see it")


def _is(resource: Resource, light: LightResource) -> bool:
    theirs = (resource.kind, resource.identity, resource.source, resource.region)
    return theirs == (light.kind, light.identity, light.source, light.region)


def waiting(found: Sequence[InPair]) -> bool:
    return any(one.counterpart is None for one in found)
