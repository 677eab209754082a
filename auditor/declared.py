"""What infrastructure as code declares, held against what is there: which of the two is compared, and what only one knows.

A state holds a copy of what a live source reads as well. Where both environments read the live resource, that one is
compared and the copy only says where it is declared; else the copy is compared. Pure: without a state nothing changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from auditor.model import Category, Declarations, Kind, spot

if TYPE_CHECKING:
    from auditor.model import Breach, Comparison, Json, Normal, Path, Resource, Snapshot, Spot
    from auditor.names import EnvironmentNames

PREFIX = "terraform.resource."
IN_STATE = ("in_state",)
"""Where rules find whether a live resource, of a kind that the environment's states declare, stands in one of them."""
EXISTS = ("exists",)
"""Where rules find whether what a state declares is there."""
# Tags of what AWS, or a controller in a cluster, made on somebody's behalf: no state would declare it.
_MADE_BY = ("aws:", "elbv2.k8s.aws/", "ingress.k8s.aws/", "service.k8s.aws/", "kubernetes.io/service-name")


@dataclass(frozen=True, slots=True)
class Live:
    """The kind that a Terraform type is when it is read live. `names` are attributes that hold the name it goes by there.

    `strays`: whether one that no state declares is worth a word. What services make by themselves is not."""

    kind: str
    names: tuple[str, ...] = ()
    strays: bool = True


def _named(*types: str) -> dict[str, Live]:
    """Workloads and settings of Kubernetes: `kubernetes_config_map` and `kubernetes_config_map_v1` are configmaps."""
    found = {}
    for name in types:
        for suffix in ("", "_v1"):
            found[f"kubernetes_{name}{suffix}"] = Live(f"kubernetes.{name.replace('_', '')}", strays=False)
    return found


TYPES: Mapping[str, Live] = {
    "aws_autoscaling_group": Live("aws.autoscaling.group", ("name",)),
    "aws_launch_template": Live("aws.ec2.launch_template", ("name",)),
    "aws_security_group": Live("aws.ec2.security_group"),
    "aws_ecs_cluster": Live("aws.ecs.cluster", ("name",)),
    "aws_ecs_service": Live("aws.ecs.service"),
    "aws_ecs_task_definition": Live("aws.ecs.task_definition", ("family",), strays=False),
    "aws_elasticache_cluster": Live("aws.elasticache.cache_cluster", ("cluster_id",)),
    "aws_elasticache_parameter_group": Live("aws.elasticache.parameter_group", ("name",), strays=False),
    "aws_elasticache_replication_group": Live("aws.elasticache.replication_group", ("replication_group_id",)),
    "aws_elb": Live("aws.elasticloadbalancing.load_balancer", ("name",)),
    "aws_lb": Live("aws.elasticloadbalancingv2.load_balancer", ("name",)),
    "aws_alb": Live("aws.elasticloadbalancingv2.load_balancer", ("name",)),
    "aws_lb_target_group": Live("aws.elasticloadbalancingv2.target_group", ("name",)),
    "aws_alb_target_group": Live("aws.elasticloadbalancingv2.target_group", ("name",)),
    "aws_lambda_function": Live("aws.lambda.function", ("function_name",)),
    "aws_db_instance": Live("aws.rds.instance", ("identifier",)),
    "aws_rds_cluster_instance": Live("aws.rds.instance", ("identifier",)),
    "aws_rds_cluster": Live("aws.rds.cluster", ("cluster_identifier",)),
    "aws_db_parameter_group": Live("aws.rds.parameter_group", ("name",), strays=False),
    "aws_rds_cluster_parameter_group": Live("aws.rds.cluster_parameter_group", ("name",), strays=False),
    "aws_db_option_group": Live("aws.rds.option_group", ("name",), strays=False),
    "aws_secretsmanager_secret": Live("aws.secretsmanager.secret", ("name",)),
    "aws_ssm_parameter": Live("aws.ssm.parameter", ("name",)),
    **_named(
        "config_map", "cron_job", "daemonset", "deployment", "horizontal_pod_autoscaler", "ingress", "job",
        "limit_range", "namespace", "network_policy", "persistent_volume_claim", "pod_disruption_budget",
        "priority_class", "resource_quota", "role", "role_binding", "cluster_role", "cluster_role_binding", "secret",
        "service", "service_account", "stateful_set", "storage_class",
    ),
}  # fmt: skip
"""Terraform type -> what a live source calls it. A type that is not here is compared as its states have it."""


def is_declaration(kind: str) -> bool:
    """Whether resources of the kind are copies in a state, which no live resource refers to."""
    return kind.startswith(PREFIX)


def live_of(kind: str) -> Live | None:
    """The live kind of a state's copy; None for a type without one, and for any other kind."""
    return TYPES.get(kind.removeprefix(PREFIX)) if is_declaration(kind) else None


def set_aside(left: Snapshot, right: Snapshot) -> tuple[Snapshot, Snapshot, tuple[Declarations, Declarations]]:
    """Both snapshots without the copies of what both of them read live, and what each one's states declare."""
    if not any(is_declaration(each.kind) for side in (left, right) for each in side.resources):
        return left, right, (_without_states(left), _without_states(right))
    found = _declarations(left), _declarations(right)
    return _without_copies(left, right), _without_copies(right, left), found


def _without_states(snapshot: Snapshot) -> Declarations:
    """A snapshot whose states hold nothing, or could not be read: in the second case nothing is known of them."""
    return Declarations(unknown=("*",) if _states_unread(snapshot) else ())


def _without_copies(snapshot: Snapshot, other: Snapshot) -> Snapshot:
    both = {live.kind for live in TYPES.values() if _reads(snapshot, live.kind) and _reads(other, live.kind)}
    aside = {f"{PREFIX}{name}" for name, live in TYPES.items() if live.kind in both}
    return replace(snapshot, resources=tuple(each for each in snapshot.resources if each.kind not in aside))


def _reads(snapshot: Snapshot, kind: str) -> bool:
    """Whether a source reads the kind live, though it may have been denied this time."""
    denied = (gap.resource is None and gap.attribute is None and fnmatchcase(kind, gap.kind) for gap in snapshot.gaps)
    return _lists(snapshot, kind, None) or any(denied)


def _declarations(snapshot: Snapshot) -> Declarations:
    copies = [each for each in snapshot.resources if is_declaration(each.kind)]
    there = _by_handle(snapshot.resources)
    addresses: dict[Spot, str] = {}
    absent: list[Resource] = []
    unknown: set[str] = {"*"} if _states_unread(snapshot) else set()
    declared: set[str] = set()
    for copy in copies:
        live = live_of(copy.kind)
        if live is None:
            continue
        declared |= {live.kind} if live.strays else set()
        found = _counterpart(copy, live, there)
        if found is not None:
            addresses[spot(found)] = copy.identity
        elif _would_be_seen(copy, live, snapshot):
            absent.append(copy)
        else:
            unknown.add(copy.identity)
    strays = () if "*" in unknown else tuple(_strays(snapshot.resources, declared, addresses))
    return Declarations(addresses, strays, tuple(absent), tuple(sorted(unknown)))


def _strays(resources: Iterable[Resource], kinds: set[str], addresses: Mapping[Spot, str]) -> Iterator[Resource]:
    for each in resources:
        made = any(key.startswith(_MADE_BY) for key in each.tags) or each.identity.startswith("default")
        if each.kind in kinds and spot(each) not in addresses and not made:
            yield each


def _by_handle(resources: Iterable[Resource]) -> Mapping[tuple[str, str], list[Resource]]:
    """Live resources by kind and every handle that a state may know them by."""
    kinds = {live.kind for live in TYPES.values()}
    found: dict[tuple[str, str], list[Resource]] = defaultdict(list)
    for each in resources:
        if each.kind not in kinds:
            continue
        named = (
            f"{each.parent}/{each.identity}" if each.parent and each.kind.startswith("kubernetes.") else each.identity
        )
        for handle in {named, each.location or named, *each.refs}:
            found[each.kind, handle].append(each)
    return found


def _counterpart(copy: Resource, live: Live, there: Mapping[tuple[str, str], list[Resource]]) -> Resource | None:
    region, _ = _place(copy)
    names = (copy.attributes.get(name) for name in live.names)
    for handle in (*copy.refs, *_kubernetes_name(copy), *names):
        for found in there.get((live.kind, str(handle)), ()):
            if region is None or found.region in (None, region):
                return found
    return None


def _kubernetes_name(copy: Resource) -> Iterator[str]:
    metadata: Json = copy.attributes.get("metadata")
    if isinstance(metadata, dict) and metadata.get("name"):
        yield "/".join(str(part) for part in (metadata.get("namespace"), metadata["name"]) if part)


def _would_be_seen(copy: Resource, live: Live, snapshot: Snapshot) -> bool:
    """Whether a complete listing of its kind, in its region and account, would have held it."""
    region, account = _place(copy)
    if account is not None and snapshot.accounts and account not in snapshot.accounts:
        return False
    hidden = any(
        gap.attribute is None and fnmatchcase(live.kind, gap.kind) and (region is None or gap.region in (None, region))
        for gap in snapshot.gaps
    )
    return not hidden and _lists(snapshot, live.kind, region)


def _place(copy: Resource) -> tuple[str | None, str | None]:
    """Region and account, as its ARN says them."""
    arn = next((ref for ref in copy.refs if ref.startswith("arn:") and ref.count(":") >= 5), "")
    _, _, _, region, account, *_ = (*arn.split(":"), "", "", "", "", "")
    return region or None, account or None


def _lists(snapshot: Snapshot, kind: str, region: str | None) -> bool:
    return any(
        fnmatchcase(kind, listing.kind) and (region is None or listing.region in (None, region))
        for listing in snapshot.listings
    )


def _states_unread(snapshot: Snapshot) -> bool:
    return any(gap.attribute is None and fnmatchcase(f"{PREFIX}x", gap.kind) for gap in snapshot.gaps)


@dataclass(frozen=True, slots=True)
class Departure:
    """Something that is there and in no state, or declared and not there: on one side, or on both. `text` says it."""

    kind: Kind
    identity: str
    path: Path
    sides: Mapping[str, Resource]
    text: str


def departures(comparison: Comparison, names: tuple[EnvironmentNames, EnvironmentNames]) -> tuple[Departure, ...]:
    """What states and reality do not agree on, ordered by kind and name; one and the same thing of both sides is one."""
    found: dict[tuple[Path, str, str], tuple[Kind, dict[str, Resource]]] = {}
    normals = _normals(comparison) if any(each.undeclared for each in comparison.declarations) else {}
    for index, (side, declared) in enumerate(zip(("left", "right"), comparison.declarations, strict=True)):
        for resource in declared.undeclared:
            normal = normals.get((side, spot(resource)))
            if normal is not None:
                place = (IN_STATE, normal.kind.name, normal.identity)
                found.setdefault(place, (normal.kind, {}))[1].setdefault(side, resource)
        for resource in declared.absent:
            kind = Kind(resource.kind, Category.CONFIG, "A resource that a state declares")
            place = (EXISTS, kind.name, names[index].neutral(resource.identity))
            found.setdefault(place, (kind, {}))[1].setdefault(side, resource)
    environments = {"left": comparison.left.environment, "right": comparison.right.environment}
    return tuple(
        Departure(kind, identity, path, sides, _text(kind, path, sides, environments))
        for (path, _, identity), (kind, sides) in sorted(found.items(), key=lambda item: item[0])
    )


def _normals(comparison: Comparison) -> Mapping[tuple[str, Spot], Normal]:
    found = {("left", spot(each.match.left.resource)): each.match.left for each in comparison.matches}
    found |= {("right", spot(each.match.right.resource)): each.match.right for each in comparison.matches}
    return found | {(each.side, spot(each.normal.resource)): each.normal for each in comparison.unmatched}


def _text(kind: Kind, path: Path, sides: Mapping[str, Resource], environments: Mapping[str, str]) -> str:
    thing = " / ".join(dict.fromkeys(resource.identity for resource in sides.values()))
    where = " and ".join(environments[side] for side in sorted(sides))
    if path == IN_STATE:
        return f"{kind.name} {thing} exists in {where} and stands in no state that is read there"
    states = " / ".join(dict.fromkeys(resource.parent or "a state" for resource in sides.values()))
    return f"{thing} is declared in {states} and does not exist in {where}"


def still_known(comparison: Comparison, breach: Breach) -> bool:
    """Whether the sides of an earlier departure were seen well enough to say that it is gone."""
    sides = zip((breach.left, breach.right), comparison.declarations, strict=True)
    return not any(side.identity is not None and {"*", side.identity} & set(found.unknown) for side, found in sides)
