"""RDS and Aurora: instances, clusters, parameter groups by effective value, option groups.

Groups that AWS makes itself (`default.postgres16`, `default:mysql-8-0`) are not read: nobody can change them, and the
instance says that it uses them. Option groups are read where an instance uses them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Category, Gap, Json
from collectors.aws.base import AwsKind, Detail, Document, pick

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

# What tells how an instance or a cluster is doing, or when, rather than how it is set up.
_PASSING = (
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


def _names(attributes: dict[str, Json], attribute: str, key: str) -> None:
    """A list of memberships with their status -> the names in it."""
    if attribute in attributes:
        attributes[attribute] = sorted(member[key] for member in attributes[attribute])


def _unless_default(group: str) -> str:
    """AWS's own group of an engine version is `default`: that the version differs is said by the version."""
    return "default" if re.match(r"default[.:]", group) else group


def _instance(attributes: dict[str, Json]) -> dict[str, Json]:
    """Memberships by name, the port without the generated host name, the subnet group by name and its subnets."""
    _names(attributes, "db_parameter_groups", "db_parameter_group_name")
    _names(attributes, "option_group_memberships", "option_group_name")
    for groups in ("db_parameter_groups", "option_group_memberships"):
        if groups in attributes:
            attributes[groups] = [_unless_default(name) for name in attributes[groups]]
    _names(attributes, "vpc_security_groups", "vpc_security_group_id")
    _names(attributes, "db_security_groups", "db_security_group_name")
    for endpoint, port in (("endpoint", "port"), ("listener_endpoint", "listener_port")):
        if found := attributes.pop(endpoint, None):
            attributes[port] = found.get("port")
    if group := attributes.get("db_subnet_group"):
        group["subnets"] = [subnet["subnet_identifier"] for subnet in group.get("subnets", ())]
    return attributes


def _cluster(attributes: dict[str, Json]) -> dict[str, Json]:
    """Members by role, because which of them writes changes with every failover."""
    _names(attributes, "vpc_security_groups", "vpc_security_group_id")
    _names(attributes, "db_cluster_option_group_memberships", "db_cluster_option_group_name")
    if isinstance(attributes.get("db_cluster_parameter_group"), str):
        attributes["db_cluster_parameter_group"] = _unless_default(attributes["db_cluster_parameter_group"])
    members = attributes.pop("db_cluster_members", [])
    writers = sum(1 for member in members if member.get("is_cluster_writer"))
    attributes["members"] = {"writers": writers, "readers": len(members) - writers}
    return attributes


def _effective(parameters: list[dict[str, Json]]) -> dict[str, Json]:
    """Name -> value, whoever set it; formulas (`{DBInstanceClassMemory/9531392}`) as text."""
    return {
        parameter["parameter_name"]: parameter["parameter_value"]
        for parameter in parameters
        if parameter.get("parameter_value") is not None
    }


def _own_groups(reader: Reader) -> Iterator[Document]:
    named = reader.kind.identity
    for group in reader.items(reader.kind.operation, reader.kind.result):
        if not str(pick(group, str(named))).startswith("default."):
            yield group


def _option_groups_in_use(reader: Reader) -> Iterator[Document | Gap]:
    instances = reader.items("DescribeDBInstances", "DBInstances")
    used = {name for each in instances for name in pick(each, "OptionGroupMemberships[].OptionGroupName")}
    for name in sorted(name for name in used if not name.startswith("default:")):
        try:
            yield from reader.items("DescribeOptionGroups", "OptionGroupsList", OptionGroupName=name)
        except CollectError as error:
            yield reader.gap(error, resource=name)


def _option_group(attributes: dict[str, Json]) -> dict[str, Json]:
    """Options by name, their settings as name -> value."""
    attributes["options"] = {option.pop("option_name"): option for option in attributes.get("options", ())}
    for option in attributes["options"].values():
        _names(option, "vpc_security_group_memberships", "vpc_security_group_id")
        _names(option, "db_security_group_memberships", "db_security_group_name")
        option["option_settings"] = {
            setting["name"]: setting.get("value", setting.get("default_value"))
            for setting in option.get("option_settings", ())
        }
    return attributes


def _endpoints(cluster: Document) -> list[Any]:
    return [cluster.get("Endpoint"), cluster.get("ReaderEndpoint"), *cluster.get("CustomEndpoints", ())]


KINDS = (
    AwsKind(
        name="aws.rds.instance",
        category=Category.DATABASE,
        about="RDS and Aurora database instances",
        cloudformation="AWS::RDS::DBInstance",
        service="rds",
        operation="DescribeDBInstances",
        result="DBInstances",
        identity="DBInstanceIdentifier",
        location="DBInstanceArn",
        refs=("Endpoint.Address", "ListenerEndpoint.Address", "DbiResourceId"),
        parent="DBClusterIdentifier",
        tags="TagList",
        references=("master_user_secret.**",),
        keyed={
            "processor_features": "name",
            "associated_roles": "feature_name",
            "domain_memberships": "domain",
            "additional_storage_volumes": "volume_name",
        },
        drop=(
            *_PASSING,
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
        ),
        transform=_instance,
    ),
    AwsKind(
        name="aws.rds.cluster",
        category=Category.DATABASE,
        about="Aurora and Multi-AZ database clusters",
        cloudformation="AWS::RDS::DBCluster",
        service="rds",
        operation="DescribeDBClusters",
        result="DBClusters",
        identity="DBClusterIdentifier",
        location="DBClusterArn",
        refs=(_endpoints, "DbClusterResourceId"),
        tags="TagList",
        references=("master_user_secret.**",),
        keyed={"associated_roles": "feature_name+role_arn", "domain_memberships": "domain"},
        drop=(
            *_PASSING,
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
        ),
        transform=_cluster,
    ),
    AwsKind(
        name="aws.rds.parameter_group",
        category=Category.DATABASE,
        about="Parameters of database instances by effective value, engine defaults included",
        cloudformation="AWS::RDS::DBParameterGroup",
        service="rds",
        operation="DescribeDBParameterGroups",
        result="DBParameterGroups",
        read=_own_groups,
        identity="DBParameterGroupName",
        location="DBParameterGroupArn",
        verbatim=("parameters",),
        drop=("db_parameter_group_name", "db_parameter_group_arn"),
        details=(
            Detail(
                attribute="parameters",
                operation="DescribeDBParameters",
                arguments={"DBParameterGroupName": "DBParameterGroupName"},
                result="Parameters",
                transform=_effective,
            ),
            Detail(
                attribute="tags",
                operation="ListTagsForResource",
                arguments={"ResourceName": "DBParameterGroupArn"},
                result="TagList",
            ),
        ),
    ),
    AwsKind(
        name="aws.rds.cluster_parameter_group",
        category=Category.DATABASE,
        about="Parameters of database clusters by effective value, engine defaults included",
        cloudformation="AWS::RDS::DBClusterParameterGroup",
        service="rds",
        operation="DescribeDBClusterParameterGroups",
        result="DBClusterParameterGroups",
        read=_own_groups,
        identity="DBClusterParameterGroupName",
        location="DBClusterParameterGroupArn",
        verbatim=("parameters",),
        drop=("db_cluster_parameter_group_name", "db_cluster_parameter_group_arn"),
        details=(
            Detail(
                attribute="parameters",
                operation="DescribeDBClusterParameters",
                arguments={"DBClusterParameterGroupName": "DBClusterParameterGroupName"},
                result="Parameters",
                transform=_effective,
            ),
            Detail(
                attribute="tags",
                operation="ListTagsForResource",
                arguments={"ResourceName": "DBClusterParameterGroupArn"},
                result="TagList",
            ),
        ),
    ),
    AwsKind(
        name="aws.rds.option_group",
        category=Category.DATABASE,
        about="Options of the database engine (auditing, encryption, native backup) and their settings",
        cloudformation="AWS::RDS::OptionGroup",
        service="rds",
        operation="DescribeOptionGroups",
        result="OptionGroupsList",
        read=_option_groups_in_use,
        permissions=("rds:DescribeDBInstances",),
        identity="OptionGroupName",
        location="OptionGroupArn",
        verbatim=("options", "options.*.option_settings"),
        drop=(
            "option_group_name",
            "option_group_arn",
            "vpc_id",
            "source_option_group",
            "source_account_id",
            "source_region",
            "copy_timestamp",
            "options.*.option_description",
        ),
        transform=_option_group,
    ),
)
