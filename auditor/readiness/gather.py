"""From a configured environment to the facts that its checklist is answered from: the only part that reads anything."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from auditor.errors import ConfigError, Problem
from auditor.gating import judged_of, recorded_audit, standing_of
from auditor.past import promotes, recall
from auditor.pipeline import audit_now, lay
from auditor.policy import load_policy
from auditor.readiness.checklist import Checklist, answered
from auditor.readiness.facts import Due, Facts
from auditor.schedule import missed, parse_schedule

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from auditor.config import Config, Pair
    from auditor.gating import Judged
    from auditor.model import Severity
    from auditor.pipeline import Tools
    from auditor.registry import Registry
    from auditor.rules import Policy

_AUDITS = 1000


def checklist(
    config: Config, environment: str, tools: Tools, *, fresh: timedelta, threshold: Severity, against: str | None = None
) -> Checklist:
    """The answered checklist of `environment`, from an audit of its pair that is at most `fresh` old.

    Raises ConfigError where the environment, or which one it is to be held against, is not known, and what an audit
    raises.
    """
    name = config.environment(environment).name
    pair = pair_of(config, name, against)
    policy = load_policy(pair.policies, config.policies)
    recorded, _ = recorded_audit(config, pair, policy, tools, fresh)
    judged = recorded or judged_of(audit_now(config, pair.left, pair.right, tools, policy=policy), tools)
    return checklist_of(config, name, pair, policy, judged, tools, fresh=fresh, threshold=threshold)


def checklist_of(
    config: Config,
    name: str,
    pair: Pair,
    policy: Policy,
    judged: Judged,
    tools: Tools,
    *,
    fresh: timedelta,
    threshold: Severity,
) -> Checklist:
    """The answered checklist of the environment called `name`, from an audit of its pair. Nothing is observed for it."""
    standing = standing_of(judged.audit, tools)
    known = {finding.breach.fingerprint for finding in standing.findings}
    unseen = tuple(finding for finding in standing.unseen if finding.breach.fingerprint not in known)
    laid = lay(config, judged.left, judged.right, tools)
    history = recall(tools.store.deployments_since, laid.pair, laid.comparison, config.promotes_to)
    now = tools.clock()
    facts = Facts(
        environment=name,
        production=production_of(config, pair),
        audit=replace(judged.audit, findings=(*standing.findings, *unseen)),
        unseen=frozenset(finding.breach.fingerprint for finding in unseen),
        comparison=laid.comparison,
        left=judged.left,
        right=judged.right,
        kind=tools.registry.kind,
        kinds=_kinds(tools.registry, judged),
        rules={rule.name: rule.expect.name for rule in policy.rules},
        data_rules=_data_rules(policy),
        pasts=(history.pasts["left"], history.pasts["right"]),
        promotes=promotes(config.promotes_to, pair.left, pair.right),
        due=_due(config, pair, tools, now),
        now=now,
        threshold=threshold,
        fresh=fresh,
    )
    return answered(facts)


def pair_of(config: Config, environment: str, against: str | None) -> Pair:
    """The pair that says whether `environment` is ready: with the one it promotes to, else with the one it is paired with.

    An environment that nothing comes after (production) is held against the one that rehearses for it. Raises
    ConfigError where there is none or more than one."""
    if against is not None:
        other = config.environment(against).name
        backwards = any((pair.left, pair.right) == (other, environment) for pair in config.pairs)
        return config.pair(other, environment) if backwards else config.pair(environment, other)
    if environment in config.promotes_to:
        return config.pair(environment, config.promotes_to[environment])
    rehearsals = [(left, right) for left, right in config.promotes_to.items() if right == environment]
    for found in (
        [(pair.left, pair.right) for pair in config.pairs if pair.left == environment],
        rehearsals or [(pair.left, pair.right) for pair in config.pairs if pair.right == environment],
    ):
        if len(found) == 1:
            return config.pair(*found[0])
        if found:
            others = ", ".join(sorted({name for pair in found for name in pair} - {environment}))
            message = f"{environment} is paired with several environments: {others}"
            raise _problem(config, message, "name one of them with --against")
    message = f"nothing says what {environment} is to be held against"
    raise _problem(config, message, f"set `promotes_to` of {environment}, or add a pair, or name one with --against")


def production_of(config: Config, pair: Pair) -> str:
    """The end of the promotion chain that the pair belongs to; its right side where there is no chain."""
    name = pair.right
    while name in config.promotes_to:
        name = config.promotes_to[name]
    return name


def _problem(config: Config, message: str, remedy: str) -> ConfigError:
    return ConfigError([Problem(str(config.file), None, None, "pairs", message, remedy)])


def _kinds(registry: Registry, judged: Judged) -> tuple[str, ...]:
    declared = {kind.name for kind in registry.kinds() if "*" not in kind.name}
    seen = {resource.kind for side in (judged.left, judged.right) for resource in side.resources}
    return tuple(sorted(declared | seen))


def _data_rules(policy: Policy) -> tuple[str, ...]:
    """Rules that ask something of one environment's data. Those that only set samples aside judge nothing."""
    return tuple(
        rule.name
        for rule in policy.rules
        if rule.environment is not None and any(kind.startswith("data.") for kind in rule.kinds)
    )


def _due(config: Config, pair: Pair, tools: Tools, now: datetime) -> Due:
    """When the pair was last seen whole. Looks back over the last thousand audits."""
    infos = tools.store.audits(pair.left, pair.right, limit=_AUDITS)
    last = next((info for info in infos if info.complete), None)
    if last is None:
        return Due(schedule=pair.schedule)
    late = None
    if pair.schedule is not None:
        zone = ZoneInfo(config.scheduling.timezone)
        late = missed(parse_schedule(pair.schedule), last.started_at, now, zone)
    return Due(last.finished_at, last.id, pair.schedule, late)
