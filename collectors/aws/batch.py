"""Batch: compute environments, job queues, and of each job definition the latest active revision.

Revisions are counters; what is in them is compared. How many vCPUs run at this moment is use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auditor.model import Category, Gap, Json
from collectors.aws._described import last
from collectors.aws.base import AwsKind, Document

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

# Lists that spell a map -> key, value, in our spelling. Wherever in a definition they stand.
_MAPS = {
    "environment": ("name", "value"),
    "env": ("name", "value"),
    "secrets": ("name", "value_from"),
    "secret_options": ("name", "value_from"),
}


def _job_definitions(reader: Reader) -> Iterator[Document | Gap]:
    latest: dict[str, Any] = {}
    for definition in reader.items("DescribeJobDefinitions", "jobDefinitions", status="ACTIVE"):
        name = str(definition.get("jobDefinitionName"))
        if name not in latest or latest[name].get("revision", 0) < definition.get("revision", 0):
            latest[name] = definition
    yield from latest.values()


def _without_revision(definition: Document) -> str:
    """Who submits a job without saying which revision gets the latest."""
    return str(definition.get("jobDefinitionArn", "")).rpartition(":")[0]


def _mapped(value: Any) -> Any:
    """Variables, secrets and the like as maps, wherever they stand."""
    if isinstance(value, list):
        return [_mapped(item) for item in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, below in value.items():
        pair = _MAPS.get(key)
        if pair and isinstance(below, list) and all(isinstance(item, dict) and pair[0] in item for item in below):
            found[key] = {item[pair[0]]: item.get(pair[1]) for item in below}
        else:
            found[key] = _mapped(below)
    if "resource_requirements" in value or "vcpus" in value:
        found["resource_requirements"] = _requirements(found)
    return found


def _requirements(container: dict[str, Any]) -> dict[str, Any]:
    """CPU, memory and GPU, whether they are told as Batch does now, or as it did before."""
    told = {"cpu": container.pop("vcpus", None), "memory": container.pop("memory", None)}
    for each in container.pop("resource_requirements", None) or ():
        if each.get("type"):
            told[str(each["type"]).lower().replace("vcpu", "cpu")] = each.get("value")
    return {name: str(value) for name, value in told.items() if value}


def _job_definition(attributes: dict[str, Json]) -> dict[str, Json]:
    return {key: _mapped(value) for key, value in attributes.items()}


def _queue(attributes: dict[str, Json]) -> dict[str, Json]:
    """Compute environments by name, under the place in which they are tried."""
    for attribute, named in (
        ("compute_environment_order", "compute_environment"),
        ("service_environment_order", "service_environment"),
    ):
        order = sorted(attributes.pop(attribute, None) or (), key=lambda each: each.get("order", 0))
        if order:
            places = enumerate((last(str(each[named])) for each in order), start=1)
            attributes[f"{named}s"] = {str(place): name for place, name in places}
    return attributes


KINDS = (
    AwsKind(
        name="aws.batch.compute_environment",
        category=Category.COMPUTE,
        about="Compute environments of Batch: instance types, limits, images, allocation",
        cloudformation="AWS::Batch::ComputeEnvironment",
        service="batch",
        operation="DescribeComputeEnvironments",
        result="computeEnvironments",
        identity="computeEnvironmentName",
        location="computeEnvironmentArn",
        refs=("ecsClusterArn",),
        tags="tags",
        keyed={"compute_resources.ec2_configuration": "image_type"},
        verbatim=("compute_resources.tags", "compute_resources.capacity_tags"),
        drop=(
            "compute_environment_name",
            "compute_environment_arn",
            "ecs_cluster_arn",
            "status",
            "status_reason",
            "uuid",
            "compute_resources.desiredv_cpus",
            "compute_resources.launch_template.launch_template_id",
            "compute_resources.launch_template.version",
            "compute_resources.launch_template.overrides.*.launch_template_id",
            "compute_resources.launch_template.overrides.*.version",
            "compute_resources.ec2_configuration.*.batch_image_status",
            "eks_configuration.access_entry.status",
        ),
    ),
    AwsKind(
        name="aws.batch.job_queue",
        category=Category.COMPUTE,
        about="Job queues of Batch: priority, and the compute environments that they use",
        cloudformation="AWS::Batch::JobQueue",
        service="batch",
        operation="DescribeJobQueues",
        result="jobQueues",
        identity="jobQueueName",
        location="jobQueueArn",
        tags="tags",
        keyed={"job_state_time_limit_actions": "reason"},
        verbatim=("compute_environments", "service_environments"),
        drop=("job_queue_name", "job_queue_arn", "status", "status_reason"),
        transform=_queue,
    ),
    AwsKind(
        name="aws.batch.job_definition",
        category=Category.DEPLOYMENT,
        about="Job definitions of Batch: images, commands, sizes, variables, secrets by reference",
        cloudformation="AWS::Batch::JobDefinition",
        service="batch",
        operation="DescribeJobDefinitions",
        result="jobDefinitions",
        read=_job_definitions,
        identity="jobDefinitionName",
        location="jobDefinitionArn",
        refs=(_without_revision,),
        component="jobDefinitionName",
        tags="tags",
        verbatim=("parameters", *(f"**.{name}" for name in _MAPS), "**.log_configuration.options"),
        references=("**.secrets.*", "**.secret_options.*", "**.repository_credentials.credentials_parameter"),
        keyed={
            "**.{containers,init_containers,volumes,ulimits}": "name",
            "**.mount_points": "container_path",
            "**.volume_mounts": "mount_path",
            "**.devices": "host_path",
            "**.tmpfs": "container_path",
            "**.depends_on": "container_name",
            "**.node_range_properties": "target_nodes",
            "**.consumable_resource_list": "consumable_resource",
        },
        ordered=("**.command", "**.args", "**.task_properties", "**.evaluate_on_exit"),
        drop=("job_definition_name", "job_definition_arn", "revision", "status"),
        transform=_job_definition,
    ),
)
