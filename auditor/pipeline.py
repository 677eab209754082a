"""The whole run on one page: collect -> snapshot -> match -> compare -> judge -> life -> tell -> store.

What a run needs and nothing here makes itself (registry, store, redactor, clock, progress) comes in as an argument.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from auditor.alike import Pair
from auditor.at_hand import seen_of
from auditor.collect import Environment, State, collect_all
from auditor.compare import compare
from auditor.comparison import Comparison
from auditor.coverage import coverage_of, one_sided_gaps
from auditor.declared import set_aside
from auditor.equivalents import put_into_terms
from auditor.forms import known_forms
from auditor.happenings import LOOKBACK, with_returns
from auditor.held import held_since
from auditor.itself import compared_with_others
from auditor.judge import judge
from auditor.kept import Keeping
from auditor.life import live
from auditor.match import Counterpart, match
from auditor.metering import count_audit, failures_counted
from auditor.meters import Meters, Unmetered
from auditor.model import Audit
from auditor.moves import Histories, Movement
from auditor.notices import Telling
from auditor.past import Gone, recall
from auditor.policy import load_policy
from auditor.realms import names_of, realm_of, source_names
from auditor.relaxed import relaxed
from auditor.sharing import Asking, Sharing
from auditor.snapshot import References
from auditor.store.errors import ConflictError
from auditor.tallies import with_hidden
from auditor.trace import auditing
from auditor.waivers import finder
from auditor.workers.handing import elsewhere
from auditor.workkeys import judging_key, reading_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from auditor.collect import Progress, Source
    from auditor.comparison import Normal
    from auditor.config import Config
    from auditor.config import Pair as ConfiguredPair
    from auditor.judge import Judgement
    from auditor.leases import Holder
    from auditor.life import LifeResult, StoredFinding
    from auditor.model import Author, Moved, Resource, Snapshot
    from auditor.names import EnvironmentNames
    from auditor.notify import Teller
    from auditor.redact import Redactor
    from auditor.registry import Registry
    from auditor.rules import Policy
    from auditor.sharing import Observed
    from auditor.store import Store
    from auditor.waivers import Waiver

_TRIES = 5
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tools:
    """What every stage is given. `clock` returns aware UTC times; without a `teller` nobody is told.

    `sharing` is one for all runs of a process, and so is `keeping`, which holds what was worked out before. `witness` is asked once for each finding whose `moved` is new: who made
    this change to this resource of this environment? None: nobody to ask."""

    registry: Registry
    store: Store
    redactor: Redactor
    clock: Callable[[], datetime]
    progress: Progress | None = None
    teller: Teller | None = None
    sharing: Sharing = field(default_factory=Sharing)
    keeping: Keeping = field(default_factory=Keeping)
    meters: Meters = field(default_factory=Unmetered)
    waivers: tuple[Waiver, ...] = ()
    witness: Callable[[str, Resource, Moved], Author | None] | None = None


@dataclass(frozen=True, slots=True)
class Laid:
    """Two snapshots laid side by side: the comparison, and the names and references it was made with."""

    comparison: Comparison
    pair: Pair
    references: tuple[References, References]
    notes: tuple[str, ...] = ()


def audit_now(
    config: Config,
    left: str,
    right: str,
    tools: Tools,
    *,
    policy: Policy | None = None,
    not_before: datetime | None = None,
    cancel: threading.Event | None = None,
) -> Audit:
    """Observe both environments, compare them under the pair's policies, remember what was found.

    `policy` is what these say where they were read before; by default they are read now. What other runs observe or
    audit at the same time is shared. `not_before` is since when that counts: by default from now on. Raises ConfigError
    for an unknown environment or a wrong policy, StoreError when nothing can be kept, CollectCancelled soon after
    `cancel` was set.
    """
    pair = config.pair(left, right)
    started_at = tools.clock()
    waiting = _Waiting(tools.progress)
    asking = Asking(tools.store, tools.clock, not_before or started_at, cancel or threading.Event(), waiting)
    with failures_counted(tools.meters, pair.left, pair.right, started_at, tools.clock):
        rules = policy or load_policy(pair.policies, config.policies)
        readings = _reading_keys(config, [pair.left, pair.right], tools)

        def look(asking: Asking) -> Mapping[str, Observed]:
            return tools.sharing.observe(readings, _collecting(config, tools, asking), asking)

        def conclude(observed: Mapping[str, Observed]) -> Audit:
            notes = tuple(one.note for one in observed.values() if one.note)
            sides = observed[pair.left].snapshot, observed[pair.right].snapshot
            return _audited(config, rules, *sides, started_at, tools, notes)

        digest = judging_key(config, rules, readings.values(), tools.redactor, tools.waivers)
        audit = tools.sharing.audit((pair.left, pair.right), digest, look, conclude, asking)
    waiting.ended({pair.left: audit.coverage.left, pair.right: audit.coverage.right})
    return audit


def observe_now(
    config: Config,
    environments: Sequence[str],
    tools: Tools,
    *,
    not_before: datetime | None = None,
    cancel: threading.Event | None = None,
) -> dict[str, Observed]:
    """Snapshots of the environments, shared with other runs as in `audit_now`. By name, as configured."""
    waiting = _Waiting(tools.progress)
    asking = Asking(tools.store, tools.clock, not_before or tools.clock(), cancel or threading.Event(), waiting)
    readings = _reading_keys(config, environments, tools)
    observed = tools.sharing.observe(readings, _collecting(config, tools, asking), asking)
    waiting.ended({name: len(one.snapshot.resources) for name, one in observed.items()})
    return observed


def run_digest(config: Config, pair: ConfiguredPair, policy: Policy, tools: Tools) -> str:
    """Equal for two runs that would read and judge the pair alike: what is remembered of its last audit."""
    readings = _reading_keys(config, [pair.left, pair.right], tools)
    return judging_key(config, policy, readings.values(), tools.redactor, tools.waivers)


def read_again(
    config: Config, environment: str, tools: Tools, chosen: Callable[[Source], bool]
) -> tuple[Snapshot, frozenset[str]] | None:
    """What the chosen sources of an environment say now, and their labels; None where none is chosen. Nothing is kept."""
    whole = _told_names(config, config.environment(environment))
    sources = tuple(source for source in whole.sources if chosen(source))
    if not sources:
        return None
    part = replace(whole, sources=sources)
    read = collect_all(
        [part], tools.registry, tools.redactor, tools.clock, workers=config.workers, timeout=config.timeout
    )
    return read[part.name], frozenset(source.collector.label(source.options) for source in sources)


def take_snapshots(
    config: Config, environments: Sequence[str], tools: Tools, cancel: threading.Event | None = None
) -> dict[str, Snapshot]:
    """Collect the environments side by side, whoever else does, and keep their snapshots. By name, as configured."""
    wanted = [_told_names(config, config.environment(name)) for name in environments]
    with relaxed(), elsewhere(config, tools.redactor) as others:
        snapshots = collect_all(
            wanted,
            tools.registry,
            tools.redactor,
            tools.clock,
            workers=config.workers,
            timeout=config.timeout,
            on_event=tools.progress,
            cancel=cancel,
            meters=tools.meters,
            elsewhere=others,
            keeping=tools.keeping,
            documents=tools.store,
        )
        for snapshot in snapshots.values():
            tools.store.save_snapshot(snapshot, names_of(config, snapshot.environment).tokens)
    return snapshots


def audit_snapshots(
    config: Config, policy: Policy, left: Snapshot, right: Snapshot, started_at: datetime, tools: Tools
) -> Audit:
    """Judge two snapshots and carry the pair's findings on by one audit."""
    with failures_counted(tools.meters, left.environment, right.environment, started_at, tools.clock):
        return _audited(config, policy, left, right, started_at, tools)


@relaxed()
def _audited(
    config: Config,
    policy: Policy,
    left: Snapshot,
    right: Snapshot,
    started_at: datetime,
    tools: Tools,
    notes: tuple[str, ...] = (),
) -> Audit:
    laid = lay(config, left, right, tools)
    now = tools.clock()
    realms = tuple(realm_of(config, side.environment, tools.registry.kind) for side in (left, right))
    seen = seen_of(left, right, laid.comparison, laid.pair, laid.references)
    histories = Histories((realms[0], realms[1]), tools.store.past, (left.id, right.id), now, seen)
    held = partial(held_since, histories)
    history = recall(tools.store.deployments_since, laid.pair, laid.comparison, config.promotes_to, held)
    judgement = judge(
        laid.comparison,
        policy,
        laid.pair.left,
        laid.pair.right,
        now,
        config.owner_tag,
        history,
        keeping=tools.keeping,
    )
    tools.keeping.flush()
    gone = Gone(laid.comparison, history)
    audit_id = _audit_id(left, right, policy.digest, now)
    with auditing(audit_id):
        movement = Movement(histories, tools.witness)
        for attempt in range(_TRIES):
            previous = tools.store.previous(left.environment, right.environment)
            # Read after `previous`: a waiver made in between is then seen, or its finding was written since, a conflict.
            waivers = [*tools.waivers, *tools.store.waivers()]
            tolerated = finder(waivers, left.environment, right.environment, now)
            life = live(
                previous,
                judgement.breaches,
                lambda stored: gone(stored.breach),
                now,
                audit_id,
                tolerated,
                tolerated.lapse,
            )
            life = movement.told(life, laid.comparison)
            told = (*notes, *laid.notes, *movement.notes)
            earlier = tools.store.last_changes(left.environment, right.environment, now - LOOKBACK)
            life = replace(life, findings=with_returns(life.findings, (*earlier, *life.events), now))
            audit = _audit(audit_id, laid.comparison, policy, judgement, life, started_at, tools, told)
            telling = _telling(audit, life, previous, now, tools)
            try:
                tools.store.record_audit(audit, (left.id, right.id), life, telling)
            except ConflictError:
                # Another audit of the pair was recorded in between: decide again on what is known now.
                if attempt == _TRIES - 1:
                    raise
                continue
            break
        count_audit(tools.meters, audit, life, previous, now)
        return audit


def _telling(
    audit: Audit, life: LifeResult, previous: Mapping[str, StoredFinding], now: datetime, tools: Tools
) -> Telling:
    """Whom to tell what of the audit, decided on what is known now."""
    if tools.teller is None:
        return Telling()
    store, pair = tools.store, (audit.left, audit.right)
    last = store.last_audit(*pair)
    history = store.last_changes(*pair, now - LOOKBACK)
    gaps = last.gaps if last else None
    telling = tools.teller.tell_audit(audit, life, previous, gaps, store.topics(*pair), now, history)
    for decision in telling.decisions:
        _log.debug("%s: %s", "told" if decision.told else "not told", decision.why, extra=asdict(decision))
    return telling


def lay(config: Config, left: Snapshot, right: Snapshot, tools: Tools) -> Laid:
    """Normal forms, matches and differences of two snapshots; a one-sided source becomes a gap of the other side,
    and one that both read alike a gap of both."""
    left, right, declarations = set_aside(*(_comparable(snapshot, tools) for snapshot in (left, right)))
    left, right, notes = put_into_terms(left, right, config.equivalents)
    readers = [config.environments.get(snapshot.environment) for snapshot in (left, right)]
    if readers[0] is not None and readers[1] is not None:
        left, right, told = compared_with_others(readers[0], readers[1], left, right)
        notes += told
    names = Pair(*(_names(config, snapshot) for snapshot in (left, right)))
    references = References.of(left.resources), References.of(right.resources)
    ours = _normals(config, left, names.left, references[0], tools)
    theirs = _normals(config, right, names.right, references[1], tools)
    declared = [Counterpart(c.kind, c.left, c.right) for c in config.counterparts]
    matches, unmatched = match(ours, theirs, names, declared, config.identity_tag)
    left, right = one_sided_gaps(left, right)
    comparison = Comparison(left, right, compare(matches, names, tools.keeping), unmatched, declarations)
    return Laid(comparison, names, references, notes)


def _comparable(snapshot: Snapshot, tools: Tools) -> Snapshot:
    """The snapshot without what tells only how it was read."""
    uncompared = {
        kind for kind in {found.kind for found in snapshot.resources} if not tools.registry.kind(kind).compared
    }
    if not uncompared:
        return snapshot
    return replace(snapshot, resources=tuple(found for found in snapshot.resources if found.kind not in uncompared))


class _Waiting:
    """Shows whoever watches what is waited for: as one listing, which ends when the other run's result is here."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._awaited: set[str] = set()

    def __call__(self, environments: Sequence[str], holder: Holder) -> None:
        _log.info("waiting for a run begun at %s to observe %s", f"{holder.began:%H:%M:%S}Z", ", ".join(environments))
        for name in environments:
            if name not in self._awaited:
                self._awaited.add(name)
                self._tell(name, State.PLANNED, 0)
                self._tell(name, State.STARTED, 0)

    def ended(self, resources: Mapping[str, int]) -> None:
        for name in sorted(self._awaited):
            self._tell(name, State.DONE, resources[name])

    def _tell(self, environment: str, state: State, count: int) -> None:
        if self._progress is not None:
            self._progress(environment, "another run", "shared", state, count)


def _reading_keys(config: Config, environments: Sequence[str], tools: Tools) -> dict[str, str]:
    wanted = [_told_names(config, config.environment(name)) for name in environments]
    return {environment.name: reading_key(config, environment, tools.redactor) for environment in wanted}


def _collecting(config: Config, tools: Tools, asking: Asking) -> Callable[[Sequence[str]], Mapping[str, Snapshot]]:
    return lambda names: take_snapshots(config, names, tools, asking.cancel)


def _told_names(config: Config, environment: Environment) -> Environment:
    """The environment with every word that means it, so that its collectors can tell its files from others'."""
    names = names_of(config, environment.name)
    return replace(environment, aliases=names.tokens, others=names.foreign)


def _names(config: Config, snapshot: Snapshot) -> EnvironmentNames:
    return names_of(config, snapshot.environment).at(snapshot.accounts, snapshot.regions)


def _normals(
    config: Config, snapshot: Snapshot, names: EnvironmentNames, references: References, tools: Tools
) -> tuple[Normal, ...]:
    by_source = source_names(config, snapshot.environment, names)
    return known_forms(snapshot.resources, tools.registry.kind, names, by_source, tools.keeping, references)


def _audit_id(left: Snapshot, right: Snapshot, policy: str, now: datetime) -> str:
    """Sortable by time, and the same for the same snapshots, policy and clock."""
    body = "\n".join((left.id, right.id, policy, now.isoformat()))
    return f"{now:%Y%m%dT%H%M%S}-{hashlib.sha256(body.encode()).hexdigest()[:10]}"


def _audit(
    audit_id: str,
    comparison: Comparison,
    policy: Policy,
    judgement: Judgement,
    life: LifeResult,
    started_at: datetime,
    tools: Tools,
    notes: tuple[str, ...],
) -> Audit:
    left, right = comparison.left, comparison.right
    gaps = (*left.gaps, *right.gaps)
    unseen = [stored.breach.category for stored in life.unseen]
    return Audit(
        id=audit_id,
        left=left.environment,
        right=right.environment,
        started_at=started_at,
        finished_at=tools.clock(),
        policies=policy.names,
        score=judgement.score,
        scores=judgement.scores,
        coverage=coverage_of(comparison),
        findings=life.findings,
        gaps=gaps,
        expected=judgement.expected,
        unknown=judgement.unknown + len(life.unseen),
        notes=(*notes, *judgement.notes),
        tallies=with_hidden(judgement.tallies, unseen, gaps, tools.registry),
    )
