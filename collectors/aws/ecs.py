"""ECS: clusters, services, and the task definitions that run.

Of each family of task definitions one revision counts: the one that a service runs, or the latest active one where no
service runs any. Revisions are counters; what is in them is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Category, Gap, GapReason, Json, Kind
from collectors import _ecs
from collectors.aws.base import AwsKind, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

_GONE = "MISSING"  # deleted between the listing and the look at it


def _clusters(reader: Reader) -> Iterator[Document | Gap]:
    arns = list(reader.items("ListClusters", "clusterArns"))
    include = ["CONFIGURATIONS", "SETTINGS", "TAGS"]
    for cluster in _described(reader, "DescribeClusters", "clusters", arns, size=100, include=include):
        if isinstance(cluster, Gap) or cluster.get("status") != "INACTIVE":
            yield cluster


def _services(reader: Reader) -> Iterator[Document | Gap]:
    """Read once for the services themselves and for the task definitions that they run."""
    for service in reader.once("ecs:services", lambda: _read_services(reader)):
        yield replace(service, kind=reader.kind.name) if isinstance(service, Gap) else service


def _read_services(reader: Reader) -> Iterator[Document | Gap]:
    for cluster in reader.items("ListClusters", "clusterArns"):
        arns = list(reader.items("ListServices", "serviceArns", cluster=cluster))
        for service in _described(
            reader, "DescribeServices", "services", arns, size=10, cluster=cluster, include=["TAGS"]
        ):
            if isinstance(service, Gap) or service.get("status") != "INACTIVE":
                yield service


def _described(
    reader: Reader, operation: str, result: str, arns: Sequence[str], *, size: int, **arguments: Any
) -> Iterator[Document | Gap]:
    """What ListX named, as DescribeX tells it; what it fails to tell is a gap each, unless it is gone."""
    for start in range(0, len(arns), size):
        part: dict[str, Any] = {**arguments, result: list(arns[start : start + size])}
        answer = reader.call(operation, **part)
        if not isinstance(answer.get(result), list):
            raise CollectError(GapReason.MALFORMED, f"ecs:{operation} in {reader.region}: an answer without {result}")
        yield from answer[result]
        for failure in answer.get("failures") or ():
            if failure.get("reason") != _GONE:
                # arn:aws:ecs:eu-west-1:111122223333:service/orders/api
                named = failure.get("arn", "").partition("/")[2]
                yield reader.gap(_failed(reader, operation, failure), resource=named)


def _failed(reader: Reader, operation: str, failure: Document) -> CollectError:
    why = failure.get("reason", "no reason given")
    reason = GapReason.ACCESS_DENIED if "denied" in why.lower() else GapReason.UNREACHABLE
    return CollectError(reason, f"ecs:{operation} in {reader.region}: {failure.get('arn', '?')}: {why}")


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]


def _service_name(service: Document) -> str:
    """Services are named within their cluster: `orders/api`."""
    return f"{_last(service['clusterArn'])}/{service['serviceName']}"


def _running(service: Document) -> str | None:
    """The task definition that the service is meant to run; a service with an external controller says it per task set."""
    if service.get("taskDefinition"):
        return str(service["taskDefinition"])
    return next(
        (str(each["taskDefinition"]) for each in service.get("taskSets", ()) if each["status"] == "PRIMARY"), None
    )


def _family(task_definition: str) -> str:
    return _last(task_definition).partition(":")[0]


def _revision(task_definition: str) -> int:
    revision = task_definition.rpartition(":")[2]
    return int(revision) if revision.isdecimal() else 0


def _service(attributes: dict[str, Json]) -> dict[str, Json]:
    """The family of the task definition without its revision; what only the current deployment tells lifted out of it."""
    if attributes.get("task_definition"):
        attributes["task_definition"] = _family(attributes["task_definition"])
    deployments = attributes.pop("deployments", None) or []
    primary: dict[str, Json] = next((each for each in deployments if each.get("status") == "PRIMARY"), {})
    for attribute in ("service_connect_configuration", "volume_configurations", "vpc_lattice_configurations"):
        if primary.get(attribute):
            attributes[attribute] = primary[attribute]
    if primary.get("created_at"):
        attributes["deployed_at"] = primary["created_at"]
    attributes.setdefault("scheduling_strategy", "REPLICA")
    attributes.setdefault("deployment_controller", {"type": "ECS"})
    return attributes


def task_definitions(reader: Reader) -> Iterator[Document | Gap]:
    """The task definitions that run, and the latest of each family that none runs of; read once for all who ask."""
    return reader.once("ecs:task-definitions", lambda: _task_definitions(reader))


def _task_definitions(reader: Reader) -> Iterator[Document | Gap]:
    used: dict[str, set[str]] = {}
    for service in _services(reader):
        if isinstance(service, Gap):
            # Which family this service runs is unknown, so any of them may be missing.
            yield replace(service, resource=None)
        elif arn := _running(service):
            used.setdefault(_family(arn), set()).add(arn)
    for family in reader.items("ListTaskDefinitionFamilies", "families", status="ACTIVE"):
        used.setdefault(family, {family})
    wanted = [
        # Two services may run two revisions of a family: the newer one stands for it.
        (family if index == 0 else f"{family}#{index + 1}", arn)
        for family, arns in used.items()
        for index, arn in enumerate(sorted(arns, key=_revision, reverse=True))
    ]
    # A revision never changes, but its tags do, and no listing tells those: each is read every time.
    yield from reader.side_by_side(lambda each: _task_definition(reader, *each), wanted)


def _task_definition(reader: Reader, identity: str, which: str) -> Document | Gap:
    try:
        answer = reader.call("DescribeTaskDefinition", taskDefinition=which, include=["TAGS"])
        attributes = _ecs.task_definition(answer)
    except CollectError as error:
        return reader.gap(error, resource=identity)
    arn = answer["taskDefinition"].get("taskDefinitionArn")
    return {**attributes, "identity": identity, "family": _family(identity), "arn": arn, "tags": _ecs.tags(answer)}


_READ_SERVICES = ("ecs:ListClusters", "ecs:ListServices", "ecs:DescribeServices")
_TASK_DEFINITION: dict[str, Any] = {each.name: getattr(_ecs.TASK_DEFINITION, each.name) for each in fields(Kind)}

KINDS = (
    AwsKind(
        name="aws.ecs.cluster",
        category=Category.COMPUTE,
        about="Clusters: settings and capacity providers",
        cloudformation="AWS::ECS::Cluster",
        service="ecs",
        operation="DescribeClusters",
        result="clusters",
        read=_clusters,
        permissions=("ecs:ListClusters",),
        identity="clusterName",
        location="clusterArn",
        tags="tags",
        keyed={"settings": "name", "default_capacity_provider_strategy": "capacity_provider"},
        drop=(
            "cluster_name",
            "cluster_arn",
            "status",
            "registered_container_instances_count",
            "running_tasks_count",
            "pending_tasks_count",
            "active_services_count",
            "statistics",
            "attachments",
            "attachments_status",
        ),
    ),
    AwsKind(
        name="aws.ecs.service",
        category=Category.DEPLOYMENT,
        about="Services: how many tasks, where, behind which load balancer, rolled out how",
        cloudformation="AWS::ECS::Service",
        service="ecs",
        operation="DescribeServices",
        result="services",
        read=_services,
        permissions=_READ_SERVICES,
        identity=_service_name,
        location="serviceArn",
        parent=lambda service: _last(service["clusterArn"]),
        component="serviceName",
        tags="tags",
        keyed={
            "load_balancers": "container_name+container_port",
            "capacity_provider_strategy": "capacity_provider",
            "service_connect_configuration.services": "port_name",
            "volume_configurations": "name",
            "vpc_lattice_configurations": "port_name",
        },
        ordered=("placement_strategy",),
        volatile=("deployed_at",),
        drop=(
            "service_name",
            "service_arn",
            "cluster_arn",
            "status",
            "running_count",
            "pending_count",
            "deployments",
            "task_sets",
            "events",
            "created_at",
            "created_by",
            "current_service_deployment",
            "current_service_revisions",
            "service_registries.*.registry_arn",
        ),
        transform=_service,
    ),
    AwsKind(
        **_TASK_DEFINITION,
        service="ecs",
        operation="DescribeTaskDefinition",
        read=task_definitions,
        permissions=(*_READ_SERVICES, "ecs:ListTaskDefinitionFamilies"),
        identity="identity",
        location="arn",
        component="family",
        tags="tags",
        drop=("identity", "family", "arn"),
    ),
)
