"""What `explain` needs of the store: the snapshots that the pair's last audit judged, laid side by side again; and a
finding's place, judged under the policies as they are now."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from auditor.errors import AuditorError
from auditor.explain import Explanation, Scenery, explain
from auditor.held import held_since
from auditor.model import Status
from auditor.moves import Histories
from auditor.past import recall
from auditor.pipeline import lay
from auditor.policy import load_policy
from auditor.realms import realm_of
from auditor.store.errors import NotFoundError

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.config import Config, Pair
    from auditor.life import StoredFinding
    from auditor.model import Snapshot
    from auditor.pipeline import Tools
    from auditor.rules import Policy
    from auditor.store import Store


class NothingSeen(AuditorError):
    """Nothing of the pair is in the store, so there is nothing to explain."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The scenery, and the snapshots it is made of."""

    scenery: Scenery
    left: Snapshot
    right: Snapshot


def staged(config: Config, pair: Pair, tools: Tools, now: datetime, policy: Policy | None = None) -> Stage:
    """The pair as its last audit saw it, or else as it was last observed, under its policies as they are now.

    `policy` is another one to judge it by.

    Raises NothingSeen where one side was never observed, ConfigError for a wrong policy."""
    left, right = _snapshots(tools.store, pair.left, pair.right)
    rules = policy or load_policy(pair.policies, config.policies)
    laid = lay(config, left, right, tools)
    realms = (
        realm_of(config, left.environment, tools.registry.kind),
        realm_of(config, right.environment, tools.registry.kind),
    )
    held = partial(held_since, Histories(realms, tools.store.past, (left.id, right.id), now))
    history = recall(tools.store.deployments_since, laid.pair, laid.comparison, config.promotes_to, held)
    return Stage(Scenery(laid.comparison, rules, (laid.pair.left, laid.pair.right), now, history), left, right)


def explained_finding(
    config: Config, tools: Tools, stored: StoredFinding, now: datetime
) -> tuple[list[Explanation], list[str]]:
    """The finding's place as it is judged now, and what has to be known about that."""
    breach = stored.breach
    try:
        stage = staged(config, config.pair(breach.left.environment, breach.right.environment), tools, now)
    except AuditorError as error:
        return [], [f"the place cannot be judged again: {error}"]
    return explained_at(stage, stored)


def explained_at(stage: Stage, stored: StoredFinding) -> tuple[list[Explanation], list[str]]:
    """The same, where the pair is laid already."""
    breach = stored.breach
    named = {side.identity for side in (breach.left, breach.right) if side.identity is not None}
    found: dict[tuple[object, ...], Explanation] = {}
    for name in sorted(named):
        for one in explain(stage.scenery, name, breach.path, breach.kind):
            found[(one.identity, one.path, one.pairing)] = one
    notes = []
    rules = {link.rule.name for one in found.values() for link in (*one.comparing, *one.checking)}
    mine = f"{breach.rule.policy}/{breach.rule.id}"
    if stored.status is Status.RESOLVED:
        notes.append("it is resolved: what follows is how the place is judged now")
    elif mine not in rules and breach.rule.line:
        notes.append(f"{mine} does not match this place any more: the policy changed since, and the next audit says so")
    return [one for one in found.values() if one.path == breach.path or one.comparing or one.checking], notes


def _snapshots(store: Store, left: str, right: str) -> tuple[Snapshot, Snapshot]:
    last = next(iter(store.audits(left, right, limit=1)), None)
    if last is not None:
        try:
            return store.load_snapshot(last.left_snapshot), store.load_snapshot(last.right_snapshot)
        except NotFoundError:
            pass  # pruned: what was observed last is all there is
    found = store.latest_snapshot(left), store.latest_snapshot(right)
    if found[0] is None or found[1] is None:
        missing = left if found[0] is None else right
        raise NothingSeen(f"{missing} was not observed yet: run `audit now {left} {right}` first")
    return found[0], found[1]
