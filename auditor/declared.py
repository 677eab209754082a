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

from auditor.comparison import Declarations
from auditor.model import Category, Kind, spot

if TYPE_CHECKING:
    from auditor.comparison import Comparison, Normal
    from auditor.model import (
        Breach,
        Json,
        Path,
        Resource,
        Snapshot,
        Spot,
    )
    from auditor.names import EnvironmentNames

PREFIX = "terraform.resource."
IN_STATE = ("in_state",)
"""Where rules find whether a live resource, of a kind that the environment's states declare, stands in one of them."""
EXISTS = ("exists",)
"""Where rules find whether what a state declares is there."""
_FOLDERS = "files:"
# Tags of what AWS, or a controller in a cluster, made on somebody's behalf: no state would declare it.
_MADE_BY = ("aws:", "eks:", "elbv2.k8s.aws/", "ingress.k8s.aws/", "service.k8s.aws/", "kubernetes.io/service-name")
_MADE = ("default", "AWSServiceRole", "AWSReservedSSO", "/aws/", "aws-", "cf-templates-", "cdk-")


@dataclass(frozen=True, slots=True)
class Live:
    """The kind that a Terraform type is when it is read live. `names` are attributes that hold the name it goes by there.

    `whole`: a listing holds every one there is, and nobody but people and code makes any; so what only the state knows, or
    only reality, is worth a word. Of the others a finding says no more than where they are declared."""

    kind: str
    names: tuple[str, ...] = ("name",)
    whole: bool = False


def _whole(**types: tuple[str, ...]) -> dict[str, Live]:
    """Types -> the kind and the attributes that name it, of what is listed whole."""
    return {f"aws_{name}": Live(f"aws.{kind}", tuple(names), whole=True) for name, (kind, *names) in types.items()}


def _told(**types: str) -> dict[str, Live]:
    return {f"aws_{name}": Live(f"aws.{kind}") for name, kind in types.items()}


def _in_cluster(*types: str) -> dict[str, Live]:
    """Objects of Kubernetes: `kubernetes_config_map` and `kubernetes_config_map_v1` are configmaps."""
    return {
        f"kubernetes_{name}{suffix}": Live(f"kubernetes.{name.replace('_', '')}", ())
        for name in types
        for suffix in ("", "_v1")
    }


TYPES: Mapping[str, Live] = {
    **_whole(
        alb=("elasticloadbalancingv2.load_balancer", "name"),
        alb_target_group=("elasticloadbalancingv2.target_group", "name"),
        autoscaling_group=("autoscaling.group", "name"),
        db_instance=("rds.instance", "identifier"),
        dynamodb_table=("dynamodb.table", "name"),
        ecs_cluster=("ecs.cluster", "name"),
        ecs_service=("ecs.service",),
        eks_cluster=("eks.cluster", "name"),
        elasticache_cluster=("elasticache.cache_cluster", "cluster_id"),
        elasticache_replication_group=("elasticache.replication_group", "replication_group_id"),
        elb=("elasticloadbalancing.load_balancer", "name"),
        iam_role=("iam.role", "name"),
        lambda_function=("lambda.function", "function_name"),
        lb=("elasticloadbalancingv2.load_balancer", "name"),
        lb_target_group=("elasticloadbalancingv2.target_group", "name"),
        rds_cluster=("rds.cluster", "cluster_identifier"),
        rds_cluster_instance=("rds.instance", "identifier"),
        s3_bucket=("s3.bucket", "bucket"),
        secretsmanager_secret=("secretsmanager.secret", "name"),
        security_group=("ec2.security_group",),
        sns_topic=("sns.topic", "name"),
        sqs_queue=("sqs.queue", "name"),
        ssm_parameter=("ssm.parameter", "name"),
    ),
    **_told(
        acm_certificate="acm.certificate",
        api_gateway_rest_api="apigateway.rest_api",
        apigatewayv2_api="apigatewayv2.api",
        backup_plan="backup.plan",
        backup_vault="backup.vault",
        batch_compute_environment="batch.compute_environment",
        batch_job_queue="batch.job_queue",
        cloudformation_stack="cloudformation.stack",
        cloudfront_distribution="cloudfront.distribution",
        cloudtrail="cloudtrail.trail",
        cloudwatch_event_bus="events.event_bus",
        cloudwatch_event_rule="events.rule",
        cloudwatch_log_group="logs.log_group",
        codebuild_project="codebuild.project",
        codepipeline="codepipeline.pipeline",
        cognito_user_pool="cognito.user_pool",
        db_option_group="rds.option_group",
        db_parameter_group="rds.parameter_group",
        ecr_repository="ecr.repository",
        efs_access_point="efs.access_point",
        efs_file_system="efs.file_system",
        eks_addon="eks.addon",
        eks_fargate_profile="eks.fargate_profile",
        eks_node_group="eks.node_group",
        elasticache_parameter_group="elasticache.parameter_group",
        iam_group="iam.group",
        iam_instance_profile="iam.instance_profile",
        iam_policy="iam.policy",
        kinesis_firehose_delivery_stream="kinesisfirehose.delivery_stream",
        kinesis_stream="kinesis.stream",
        kms_key="kms.key",
        launch_template="ec2.launch_template",
        nat_gateway="ec2.nat_gateway",
        network_acl="ec2.network_acl",
        rds_cluster_parameter_group="rds.cluster_parameter_group",
        route_table="ec2.route_table",
        sfn_state_machine="stepfunctions.state_machine",
        subnet="ec2.subnet",
        vpc="ec2.vpc",
        vpc_endpoint="ec2.vpc_endpoint",
        vpc_peering_connection="ec2.vpc_peering_connection",
    ),
    "aws_cloudwatch_metric_alarm": Live("aws.cloudwatch.alarm", ("alarm_name",)),
    "aws_docdb_cluster": Live("aws.docdb.cluster", ("cluster_identifier",)),
    "aws_docdb_cluster_instance": Live("aws.docdb.instance", ("identifier",)),
    "aws_ecs_task_definition": Live("aws.ecs.task_definition", ("family",)),
    "aws_mq_broker": Live("aws.amazonmq.broker", ("broker_name",)),
    "aws_msk_cluster": Live("aws.msk.cluster", ("cluster_name",)),
    "aws_neptune_cluster": Live("aws.neptune.cluster", ("cluster_identifier",)),
    "aws_neptune_cluster_instance": Live("aws.neptune.instance", ("identifier",)),
    "aws_opensearch_domain": Live("aws.opensearch.domain", ("domain_name",)),
    "aws_redshift_cluster": Live("aws.redshift.cluster", ("cluster_identifier",)),
    **_in_cluster(
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
    if not any(is_declaration(kind) for side in (left, right) for kind in {each.kind for each in side.resources}):
        return left, right, (_without_states(left), _without_states(right))
    found = _declarations(left), _declarations(right)
    return _without_copies(left, right), _without_copies(right, left), found


def _without_states(snapshot: Snapshot) -> Declarations:
    """A snapshot whose states hold nothing, or could not be read: in the second case nothing is known of them."""
    return Declarations(unknown=("*",) if _states_unread(snapshot) else ())


def _without_copies(snapshot: Snapshot, other: Snapshot) -> Snapshot:
    ours, theirs = _read_live(snapshot), _read_live(other)
    both = {kind for kind in {live.kind for live in TYPES.values()} if _reads(ours, kind) and _reads(theirs, kind)}
    aside = {f"{PREFIX}{name}" for name, live in TYPES.items() if live.kind in both}
    return replace(snapshot, resources=tuple(each for each in snapshot.resources if each.kind not in aside))


def _reads(patterns: Iterable[str], kind: str) -> bool:
    return any(fnmatchcase(kind, pattern) for pattern in patterns)


def _read_live(snapshot: Snapshot) -> set[str]:
    """The globs of all kinds that the sources read live, though they may have been denied this time."""
    listed = {listing.kind for listing in snapshot.listings if _is_live(listing.source)}
    whole = (gap for gap in snapshot.gaps if gap.resource is None and gap.attribute is None)
    return listed.union(gap.kind for gap in whole if _is_live(gap.source))


def _is_live(source: str) -> bool:
    """A folder would hold manifests of any kind, and shows what is declared, too."""
    return not source.startswith(_FOLDERS)


def _declarations(snapshot: Snapshot) -> Declarations:
    copies = [each for each in snapshot.resources if is_declaration(each.kind)]
    there = _by_handle(snapshot.resources)
    addresses: dict[Spot, str] = {}
    absent: list[Resource] = []
    unknown: set[str] = {"*"} if _states_unread(snapshot) else set()
    declared: set[str] = set()
    sight = _Sight(snapshot)
    for copy in copies:
        live = live_of(copy.kind)
        if live is None:
            continue
        declared |= {live.kind} if live.whole else set()
        found = _counterpart(copy, live, there)
        if found is not None:
            addresses[spot(found)] = copy.identity
        elif not live.whole:
            continue
        elif sight.would_show(copy, live.kind):
            absent.append(copy)
        else:
            unknown.add(copy.identity)
    strays = () if "*" in unknown else tuple(_strays(snapshot.resources, declared, addresses))
    return Declarations(addresses, strays, tuple(absent), tuple(sorted(unknown)))


def _strays(resources: Iterable[Resource], kinds: set[str], addresses: Mapping[Spot, str]) -> Iterator[Resource]:
    for each in resources:
        if each.kind not in kinds or spot(each) in addresses or each.identity.startswith(_MADE):
            continue
        if not any(key.startswith(_MADE_BY) for key in each.tags):
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


class _Sight:
    """Where one snapshot looked for resources of each kind, and where that failed: by region, None for all of them."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._listed: dict[str, frozenset[str | None]] = {}
        self._hidden: dict[str, frozenset[str | None]] = {}

    def would_show(self, copy: Resource, kind: str) -> bool:
        """Whether a complete listing of its live kind, in its region and account, would have held what a state has a copy of."""
        region, account = _place(copy)
        if account is not None and self._snapshot.accounts and account not in self._snapshot.accounts:
            return False
        if kind not in self._listed:
            self._listed[kind], self._hidden[kind] = self._listed_in(kind), self._hidden_in(kind)
        return not _is_among(region, self._hidden[kind]) and _is_among(region, self._listed[kind])

    def _listed_in(self, kind: str) -> frozenset[str | None]:
        live = (listing for listing in self._snapshot.listings if fnmatchcase(kind, listing.kind))
        return frozenset(listing.region for listing in live if _is_live(listing.source))

    def _hidden_in(self, kind: str) -> frozenset[str | None]:
        gaps = (gap for gap in self._snapshot.gaps if gap.attribute is None)
        return frozenset(gap.region for gap in gaps if fnmatchcase(kind, gap.kind))


def _is_among(region: str | None, regions: frozenset[str | None]) -> bool:
    return bool(regions) and (region is None or None in regions or region in regions)


def _place(copy: Resource) -> tuple[str | None, str | None]:
    """Region and account, as its ARN says them."""
    arn = next((ref for ref in copy.refs if ref.startswith("arn:") and ref.count(":") >= 5), "")
    _, _, _, region, account, *_ = (*arn.split(":"), "", "", "", "", "")
    said = copy.attributes.get("region")
    return region or (said if isinstance(said, str) and said else None), account or None


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
    normals = _normals(comparison)
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
    """What stands in no state, in normal form, by side and spot."""
    found: dict[tuple[str, Spot], Normal] = {}
    for side, declared in zip(("left", "right"), comparison.declarations, strict=True):
        wanted = {spot(each) for each in declared.undeclared}
        if not wanted:
            continue
        matches = (each.match for each in comparison.matches)
        own = [match.left if side == "left" else match.right for match in matches]
        own += [each.normal for each in comparison.unmatched if each.side == side]
        found |= {(side, at): normal for normal in own if (at := spot(normal.resource)) in wanted}
    return found


def _text(kind: Kind, path: Path, sides: Mapping[str, Resource], environments: Mapping[str, str]) -> str:
    thing = " / ".join(dict.fromkeys(resource.identity for resource in sides.values()))
    where = " and ".join(environments[side] for side in sorted(sides))
    if path == IN_STATE:
        return f"{kind.name} {thing} exists in {where} and stands in no state that is read there"
    states = " / ".join(dict.fromkeys(resource.parent or "a state" for resource in sides.values()))
    return f"{thing} is declared in {states} and does not exist in {where}"


class StillKnown:
    """Whether the sides of an earlier departure were seen well enough to say that it is gone."""

    def __init__(self, comparison: Comparison) -> None:
        self._unknown = [frozenset(found.unknown) for found in comparison.declarations]

    def __call__(self, breach: Breach) -> bool:
        sides = zip((breach.left, breach.right), self._unknown, strict=True)
        return not any(
            side.identity is not None and not unknown.isdisjoint(("*", side.identity)) for side, unknown in sides
        )
