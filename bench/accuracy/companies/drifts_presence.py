"""Drifts in what there is: resources on one side only, and resources that somebody renamed on one side."""

from __future__ import annotations

from auditor.model import Severity
from bench.accuracy.companies.drifts import Label, Planter, Sites
from bench.accuracy.companies.estate import Item

# What may be missing without anything else being the wiser, and what it costs that it is: in staging, in production.
_ALONE: dict[str, tuple[str, Severity, Severity]] = {
    "aws.lambda.function": ("missing function", Severity.MEDIUM, Severity.LOW),
    "aws.secretsmanager.secret": ("missing secret", Severity.MEDIUM, Severity.LOW),
    "aws.ssm.parameter": ("missing parameter", Severity.MEDIUM, Severity.LOW),
    "aws.elasticache.replication_group": ("missing database", Severity.MEDIUM, Severity.LOW),
    "aws.rds.instance": ("missing database", Severity.MEDIUM, Severity.LOW),
    "aws.rds.parameter_group": ("missing parameter group", Severity.MEDIUM, Severity.LOW),
    "aws.ecs.service": ("missing service", Severity.MEDIUM, Severity.LOW),
    "kubernetes.horizontalpodautoscaler": ("missing autoscaler", Severity.MEDIUM, Severity.LOW),
    "kubernetes.poddisruptionbudget": ("missing disruption budget", Severity.LOW, Severity.LOW),
    "kubernetes.networkpolicy": ("missing network policy", Severity.MEDIUM, Severity.LOW),
    "kubernetes.queue": ("missing queue", Severity.MEDIUM, Severity.LOW),
    "kubernetes.cronjob": ("missing job", Severity.MEDIUM, Severity.LOW),
    # An alarm that only staging has means that nobody hears of production.
    "kubernetes.prometheusrule": ("missing alarm", Severity.LOW, Severity.MEDIUM),
    "kubernetes.servicemonitor": ("missing alarm", Severity.LOW, Severity.MEDIUM),
    "kubernetes.configmap": ("missing configuration", Severity.MEDIUM, Severity.LOW),
    "compose.service": ("missing service", Severity.MEDIUM, Severity.LOW),
    "env.file": ("missing file", Severity.MEDIUM, Severity.LOW),
    "yaml.file": ("missing file", Severity.MEDIUM, Severity.LOW),
    "json.file": ("missing file", Severity.MEDIUM, Severity.LOW),
    "http.version": ("missing service", Severity.MEDIUM, Severity.LOW),
}
_RENAMED = ("aws.lambda.function", "kubernetes.cronjob", "compose.service", "aws.elasticache.replication_group")


def _missing(kind: str) -> Planter:
    drift, in_staging, in_production = _ALONE[kind]

    def plant(sites: Sites) -> Label | None:
        pairs = [pair for pair in sites.both.pairs(kind) if _is_alone(pair[0], sites)]
        # A company that has one of a kind and loses it might as well not use the kind at all.
        found = next(sites.free(pairs), None) if len(pairs) > 1 else None
        if found is None:
            return None
        left, right = found
        sites.claim(left.uid, "")
        if sites.random.random() < 0.6:
            del sites.both.left.items[left.uid]
            return Label(drift, kind, None, right.name, "", in_staging, "staging does not have it")
        del sites.both.right.items[right.uid]
        return Label(drift, kind, left.name, None, "", in_production, "production does not have it")

    return plant


def _is_alone(item: Item, sites: Sites) -> bool:
    """Whether nothing else follows from its absence: no cluster has it as a member, in no second region it is called the same."""
    others = [other for other in sites.both.left.of(item.kind) if other.name == item.name and other.uid != item.uid]
    return item.parent is None and not others if item.kind.startswith("aws.rds") else not others


def _renamed(kind: str) -> Planter:
    """Somebody gave a thing a new name in production, and left staging as it was."""

    def plant(sites: Sites) -> Label | None:
        pairs = [pair for pair in sites.both.pairs(kind) if _is_alone(pair[0], sites)]
        found = next(sites.free(pairs), None) if len(pairs) > 2 else None
        if found is None:
            return None
        left, right = found
        sites.claim(left.uid, "")
        fresh = sites.random.choice(("conveyor", "pelican", "quicksilver", "watershed"))
        if any(fresh in other.name for other in sites.both.right.of(kind)):
            return None
        token = sites.both.right.side.token
        old, right.name = right.name, f"{fresh}-{token}" if kind.startswith("aws.") else fresh
        if kind.startswith("kubernetes."):
            right.doc["metadata"]["name"] = right.name
        right.refs = tuple(ref.replace(old, right.name) for ref in right.refs)
        right.location = right.location.replace(old, right.name) if right.location else None
        return Label(
            "renamed", kind, left.name, right.name, "", Severity.LOW, f"it is called {right.name} in production"
        )

    return plant


PLANTERS: tuple[Planter, ...] = (*(_missing(kind) for kind in _ALONE), *(_renamed(kind) for kind in _RENAMED))
