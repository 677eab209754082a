"""What RDS, DocumentDB and Neptune share: one API lists the instances, clusters and parameter groups of all three, so
each kind takes its own engine's only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from auditor.model import Gap, Json
from collectors.aws.base import Detail, Document, pick

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

# Engine (of a parameter group: how its family begins) -> the service that its kinds belong to; all others are RDS's own.
DOCUMENTDB, NEPTUNE, RDS = "docdb", "neptune", ""
_ELSEWHERE = (DOCUMENTDB, NEPTUNE)

# What tells how an instance or a cluster is doing, or when, rather than how it is set up.
PASSING = (
    "status_infos",
    "percent_progress",
    "latest_restorable_time",
    "pending_modified_values",
    "automatic_restart_time",
    "resume_full_automation_mode_time",
    "certificate_details.valid_till",
    "aws_backup_recovery_point_arn",
    "master_user_secret.secret_status",
    # Its name is made up by RDS (`rds!db-<uuid>`); that there is one, and its key, is what counts.
    "master_user_secret.secret_arn",
    "domain_memberships.*.status",
    "associated_roles.*.status",
    "db_system_id",
)
INSTANCE_DROPS = (
    *PASSING,
    "db_instance_identifier",
    "db_instance_arn",
    "dbi_resource_id",
    "db_instance_status",
    "db_instance_port",  # always 0; the real one is the endpoint's
    "instance_create_time",
    "availability_zone",
    "secondary_availability_zone",
    "endpoint.hosted_zone_id",
    "vpc_security_groups.*.status",
    "db_security_groups.*.status",
    "db_parameter_groups.*.parameter_apply_status",
    "option_group_memberships.*.status",
    "db_subnet_group.subnets.*.subnet_status",
    "db_subnet_group.subnets.*.subnet_availability_zone",
    "db_subnet_group.vpc_id",
    "db_subnet_group.db_subnet_group_arn",
    "db_subnet_group.subnet_group_status",
    "storage_volume_status",
    "storage_operation_status",
    "storage_operation_percent_progress",
    "additional_storage_volumes.*.storage_volume_status",
    "additional_storage_volumes.*.storage_operation_status",
    "additional_storage_volumes.*.storage_operation_percent_progress",
    "is_storage_config_upgrade_available",
    "enhanced_monitoring_resource_arn",  # a log stream named after the instance's generated id
    "db_instance_automated_backups_replications.*.db_instance_automated_backups_arn",
)
CLUSTER_DROPS = (
    *PASSING,
    "db_cluster_identifier",
    "db_cluster_arn",
    "db_cluster_resource_id",
    "status",
    "availability_zones",
    "endpoint",
    "reader_endpoint",
    "custom_endpoints",
    "hosted_zone_id",
    "cluster_create_time",
    "db_cluster_members",  # by role in `members`
    "vpc_security_groups.*.status",
    "db_cluster_option_group_memberships.*.status",
    "earliest_restorable_time",
    "earliest_backtrack_time",
    "backtrack_consumed_change_records",
    "capacity",  # of this moment; the limits are in the scaling configuration
    "clone_group_id",
    "io_optimized_next_allowed_modification_time",
)
INSTANCE_KEYS = {
    "processor_features": "name",
    "associated_roles": "feature_name",
    "domain_memberships": "domain",
    "additional_storage_volumes": "volume_name",
}
CLUSTER_KEYS = {"associated_roles": "feature_name+role_arn", "domain_memberships": "domain"}
CLUSTER_GROUP_DROPS = ("db_cluster_parameter_group_name", "db_cluster_parameter_group_arn")


def of(engine: str) -> Callable[[Reader], Iterator[Document | Gap]]:
    """Lists the instances or clusters of one engine; of RDS's own engines with `RDS`."""

    def read(reader: Reader) -> Iterator[Document | Gap]:
        chosen: dict[str, Any] = {"Filters": [{"Name": "engine", "Values": [engine]}]} if engine else {}
        for each in reader.items(reader.kind.operation, reader.kind.result, **chosen):
            if _owner(str(each.get("Engine", ""))) == engine:
                yield each

    return read


def groups_of(engine: str) -> Callable[[Reader], Iterator[Document | Gap]]:
    """Lists the parameter groups of one engine that people made: nobody can change AWS's own (`default.docdb5.0`)."""

    def read(reader: Reader) -> Iterator[Document | Gap]:
        for group in reader.items(reader.kind.operation, reader.kind.result):
            family = str(group.get("DBParameterGroupFamily", ""))
            if not str(pick(group, str(reader.kind.identity))).startswith("default.") and _owner(family) == engine:
                yield group

    return read


def _owner(engine: str) -> str:
    return next((each for each in _ELSEWHERE if engine.startswith(each)), RDS)


def names(attributes: dict[str, Json], attribute: str, key: str) -> None:
    """A list of memberships with their status -> the names in it."""
    if attribute in attributes:
        attributes[attribute] = sorted(member[key] for member in attributes[attribute])


def _unless_default(group: str) -> str:
    """AWS's own group of an engine version is `default`: that the version differs is said by the version."""
    return "default" if re.match(r"default[.:]", group) else group


def instance(attributes: dict[str, Json]) -> dict[str, Json]:
    """Memberships by name, the port without the generated host name, the subnet group by name and its subnets."""
    names(attributes, "db_parameter_groups", "db_parameter_group_name")
    names(attributes, "option_group_memberships", "option_group_name")
    for groups in ("db_parameter_groups", "option_group_memberships"):
        if groups in attributes:
            attributes[groups] = [_unless_default(name) for name in attributes[groups]]
    names(attributes, "vpc_security_groups", "vpc_security_group_id")
    names(attributes, "db_security_groups", "db_security_group_name")
    for endpoint, port in (("endpoint", "port"), ("listener_endpoint", "listener_port")):
        if found := attributes.pop(endpoint, None):
            attributes[port] = found.get("port")
    if group := attributes.get("db_subnet_group"):
        group["subnets"] = [subnet["subnet_identifier"] for subnet in group.get("subnets", ())]
    return attributes


def cluster(attributes: dict[str, Json]) -> dict[str, Json]:
    """Members by role, because which of them writes changes with every failover."""
    names(attributes, "vpc_security_groups", "vpc_security_group_id")
    names(attributes, "db_cluster_option_group_memberships", "db_cluster_option_group_name")
    if isinstance(attributes.get("db_cluster_parameter_group"), str):
        attributes["db_cluster_parameter_group"] = _unless_default(attributes["db_cluster_parameter_group"])
    members = attributes.pop("db_cluster_members", [])
    writers = sum(1 for member in members if member.get("is_cluster_writer"))
    attributes["members"] = {"writers": writers, "readers": len(members) - writers}
    return attributes


def effective(parameters: list[dict[str, Json]]) -> dict[str, Json]:
    """Name -> value, whoever set it; formulas (`{DBInstanceClassMemory/9531392}`) as text."""
    return {
        parameter["parameter_name"]: parameter["parameter_value"]
        for parameter in parameters
        if parameter.get("parameter_value") is not None
    }


def endpoints(cluster: Document) -> list[Any]:
    """The host names that a cluster answers to."""
    return [cluster.get("Endpoint"), cluster.get("ReaderEndpoint"), *cluster.get("CustomEndpoints", ())]


CLUSTER_GROUP_DETAILS = (
    Detail(
        attribute="parameters",
        operation="DescribeDBClusterParameters",
        arguments={"DBClusterParameterGroupName": "DBClusterParameterGroupName"},
        result="Parameters",
        transform=effective,
    ),
    Detail(
        attribute="tags",
        operation="ListTagsForResource",
        arguments={"ResourceName": "DBClusterParameterGroupArn"},
        result="TagList",
    ),
)
