"""A company in good order, whose checklist says yes wherever anything can; tests take things away from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

from auditor.alike import Pair
from auditor.compare import compare
from auditor.comparison import Comparison
from auditor.coverage import coverage_of, one_sided_gaps
from auditor.match import match
from auditor.model import (
    Audit,
    Breach,
    Category,
    Finding,
    Gap,
    GapReason,
    Listing,
    Resource,
    RuleRef,
    Severity,
    Side,
    Snapshot,
    Status,
)
from auditor.promotion import Deployment, past
from auditor.readiness.checklist import answered
from auditor.readiness.facts import Due, Facts
from auditor.readiness.model import Item
from auditor.registry import Registry
from auditor.snapshot import normalise
from tests.factories import NOW, PROD, STAGING

REGISTRY = Registry.load()
LISTED = (
    "aws.rds.instance",
    "aws.rds.cluster",
    "aws.ec2.fleet",
    "aws.elasticloadbalancingv2.load_balancer",
    "aws.secretsmanager.secret",
    "aws.ecs.task_definition",
    "env.file",
    "kubernetes.*",
    "http.version",
    "data.*",
)
RULES = {
    "default/value-differs": "equal",
    "default/secret-shared": "differ",
    "default/image-tag-moves": "immutable_tag",
}


def resources(environment: str) -> list[Resource]:
    """What one environment of the company holds: something for every question."""
    mark = "0123456789abcdef0123456789abcdef" if environment == "staging" else "fedcba9876543210fedcba9876543210"
    other = mark[::-1]
    account, files = f"aws:{environment}", f"files:deploy/{environment}"
    name = f"orders-{environment}"
    return [
        Resource(
            "aws.rds.instance",
            name,
            {"engine_version": "16.3", "backup_retention_period": 14, "deletion_protection": True},
            source=account,
        ),
        Resource("aws.ec2.fleet", f"web-{environment}", {"instance_types": ["m7g.large"]}, source=account),
        Resource("aws.elasticloadbalancingv2.load_balancer", f"public-{environment}", {"type": "x"}, source=account),
        Resource("aws.secretsmanager.secret", f"{environment}/db", {"value": f"{{secret:{mark}}}"}, source=account),
        Resource("aws.secretsmanager.secret", f"{environment}/pay", {"value": f"{{secret:{other}}}"}, source=account),
        Resource(
            "env.file", "orders.env", {"TIMEOUT": "30"}, source=files, location=f"deploy/{environment}/orders.env"
        ),
        Resource("kubernetes.servicemonitor", "orders", {"spec": {"interval": "30s"}}, source=files),
        Resource("kubernetes.prometheusrule", "orders", {"spec": {"groups": []}}, source=files),
        Resource("http.version", "api", {"version": "2.3.1"}, source="http:api", component="api"),
        Resource("data.column", "shop.public.users.email", {"personal": {"email": {"share": 0}}}, source="data:shop"),
        Resource(
            "files.repository",
            f"deploy/{environment}",
            {"commit": "a" * 40, "files": 3, "untracked": [], "modified": []},
            source=files,
        ),
    ]


def gap(kind: str, environment: str = "staging", **more: Any) -> Gap:
    """A listing that was denied."""
    return Gap(
        environment, more.pop("source", f"aws:{environment}"), kind, GapReason.ACCESS_DENIED, "not allowed", **more
    )


def ran(
    environment: str,
    component: str,
    version: str,
    first: float,
    *,
    after: float | None = None,
    until: float | None = None,
    digest: str | None = None,
) -> Deployment:
    """A version over one stretch; times are in hours before NOW, `until` None: it still runs."""

    def ago(hours: float) -> Any:
        return NOW - timedelta(hours=hours)

    return Deployment(
        environment=environment,
        component=component,
        version=version,
        digest=digest,
        after=None if after is None else ago(after),
        first_seen=ago(first),
        last_seen=NOW if until is None else ago(until),
        running=until is None,
    )


PROMOTED = (
    ran("staging", "api", "2.3.0", 300, until=72),
    ran("staging", "api", "2.3.1", 71, after=72),
    ran("prod", "api", "2.3.0", 300, until=25),
    ran("prod", "api", "2.3.1", 24, after=25),
)


def finding(
    kind: str,
    path: tuple[str, ...] = (),
    *,
    severity: Severity = Severity.HIGH,
    rule: str = "value-differs",
    left: Any = "a",
    right: Any = "b",
    status: Status = Status.OPEN,
    identity: str = "orders-{env}",
    category: Category | None = None,
) -> Finding:
    """A finding of the default pack."""
    print_ = sha256(repr((kind, path, rule, identity)).encode()).hexdigest()[:32]
    breach = Breach(
        fingerprint=print_,
        rule=RuleRef("default", rule, "policies/default.yaml", 1),
        severity=severity,
        category=category or REGISTRY.kind(kind).category,
        kind=kind,
        identity=identity,
        path=path,
        left=Side("staging", "orders-staging", left),
        right=Side("prod", "orders-prod", right),
        message="They differ",
        about="They should not",
        remediation="Mend it",
        matched_by=None,
        confidence=1.0,
    )
    return Finding(breach, status, NOW - timedelta(days=2), NOW)


@dataclass(frozen=True)
class Company:
    """Its two environments as they were seen. Change a field, then ask. `unlisted`: (environment, kind) nobody listed."""

    left: Sequence[Resource] = field(default_factory=lambda: resources("staging"))
    right: Sequence[Resource] = field(default_factory=lambda: resources("prod"))
    gaps: tuple[Gap, ...] = ()
    listed: tuple[str, ...] = LISTED
    unlisted: tuple[tuple[str, str], ...] = ()
    findings: tuple[Finding, ...] = ()
    deployments: tuple[Deployment, ...] = PROMOTED
    more: tuple[tuple[str, Any], ...] = ()

    def having(self, **facts: Any) -> Company:
        """The same company with other facts about it."""
        return replace(self, more=(*self.more, *facts.items()))

    def without(self, kept: Callable[[Resource], bool]) -> Company:
        """The same company with only those resources."""
        return replace(
            self, left=[one for one in self.left if kept(one)], right=[one for one in self.right if kept(one)]
        )

    def changed(self, kind: str, side: str = "right", **attributes: Any) -> Company:
        """The same company with other attributes of all resources of a kind on one side."""
        own = [
            replace(one, attributes={**one.attributes, **attributes}) if one.kind == kind else one
            for one in getattr(self, side)
        ]
        return replace(self, **{side: own})  # type: ignore[arg-type]

    def facts(self) -> Facts:
        """What `gather` would make of it: normalised, matched and compared by the real stages."""
        taken = [
            Snapshot(
                f"{name}-1",
                name,
                NOW - timedelta(minutes=5),
                tuple(found),
                tuple(gap for gap in self.gaps if gap.environment == name),
                tuple(
                    Listing(source, kind)
                    for source in sorted({one.source for one in found} | {f"files:deploy/{name}"})
                    for kind in self.listed
                    if (name, kind) not in self.unlisted
                ),
            )
            for name, found in (("staging", self.left), ("prod", self.right))
        ]
        pair = Pair(STAGING, PROD)
        compared = [replace(one, resources=_compared(one.resources)) for one in taken]
        ours, theirs = (
            normalise(one.resources, REGISTRY.kind, names) for one, names in zip(compared, (STAGING, PROD), strict=True)
        )
        matches, unmatched = match(ours, theirs, pair)
        left, right = one_sided_gaps(*compared)
        comparison = Comparison(left, right, compare(matches, pair), unmatched)
        audit = Audit(
            id="20261122T120000-abcdef0123",
            left="staging",
            right="prod",
            started_at=NOW - timedelta(minutes=5),
            finished_at=NOW - timedelta(minutes=4),
            policies=("default", "data-safety"),
            score=1.0,
            scores={},
            coverage=coverage_of(comparison),
            findings=self.findings,
            gaps=(*left.gaps, *right.gaps),
        )
        pasts = tuple(
            past(names, [one for one in self.deployments if one.environment == names.name], NOW)
            for names in (STAGING, PROD)
        )
        kinds = {one.kind for side in taken for one in side.resources}
        kinds |= {kind.name for kind in REGISTRY.kinds() if "*" not in kind.name}
        known = Facts(
            environment="staging",
            production="prod",
            audit=audit,
            comparison=comparison,
            left=taken[0],
            right=taken[1],
            kind=REGISTRY.kind,
            kinds=tuple(sorted(kinds)),
            rules=RULES,
            data_rules=("data-safety/emails",),
            unseen=frozenset(),
            pasts=(pasts[0], pasts[1]),
            promotes=True,
            due=Due(NOW - timedelta(minutes=4), audit.id),
            now=NOW,
        )
        return replace(known, **dict(self.more))

    def items(self) -> dict[str, Item]:
        """The answered questions by their ids."""
        return {item.id: item for item in answered(self.facts()).items}

    def answers(self) -> dict[str, str]:
        return {name: item.answer.value for name, item in self.items().items()}


def _compared(found: Iterable[Resource]) -> tuple[Resource, ...]:
    return tuple(one for one in found if REGISTRY.kind(one.kind).compared)
