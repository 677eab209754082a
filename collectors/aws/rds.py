"""RDS and Aurora: instances, clusters, parameter groups by effective value, option groups.

Groups that AWS makes itself (`default.postgres16`, `default:mysql-8-0`) are not read: nobody can change them, and the
instance says that it uses them. Option groups are read where an instance uses them. DocumentDB and Neptune, which the
same API lists, are services of their own here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.errors import CollectError
from auditor.model import Category, Gap, Json
from collectors.aws._databases import (
    CLUSTER_DROPS,
    CLUSTER_GROUP_DETAILS,
    CLUSTER_GROUP_DROPS,
    CLUSTER_KEYS,
    INSTANCE_DROPS,
    INSTANCE_KEYS,
    RDS,
    cluster,
    effective,
    endpoints,
    groups_of,
    instance,
    names,
    of,
)
from collectors.aws.base import AwsKind, Detail, Document, pick

if TYPE_CHECKING:
    from collectors.aws._reader import Reader


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
        names(option, "vpc_security_group_memberships", "vpc_security_group_id")
        names(option, "db_security_group_memberships", "db_security_group_name")
        option["option_settings"] = {
            setting["name"]: setting.get("value", setting.get("default_value"))
            for setting in option.get("option_settings", ())
        }
    return attributes


KINDS = (
    AwsKind(
        name="aws.rds.instance",
        category=Category.DATABASE,
        about="RDS and Aurora database instances",
        cloudformation="AWS::RDS::DBInstance",
        service="rds",
        operation="DescribeDBInstances",
        result="DBInstances",
        read=of(RDS),
        identity="DBInstanceIdentifier",
        location="DBInstanceArn",
        refs=("Endpoint.Address", "ListenerEndpoint.Address", "DbiResourceId"),
        parent="DBClusterIdentifier",
        tags="TagList",
        references=("master_user_secret.**",),
        keyed=INSTANCE_KEYS,
        drop=INSTANCE_DROPS,
        transform=instance,
    ),
    AwsKind(
        name="aws.rds.cluster",
        category=Category.DATABASE,
        about="Aurora and Multi-AZ database clusters",
        cloudformation="AWS::RDS::DBCluster",
        service="rds",
        operation="DescribeDBClusters",
        result="DBClusters",
        read=of(RDS),
        identity="DBClusterIdentifier",
        location="DBClusterArn",
        refs=(endpoints, "DbClusterResourceId"),
        tags="TagList",
        references=("master_user_secret.**",),
        keyed=CLUSTER_KEYS,
        drop=CLUSTER_DROPS,
        transform=cluster,
    ),
    AwsKind(
        name="aws.rds.parameter_group",
        category=Category.DATABASE,
        about="Parameters of database instances by effective value, engine defaults included",
        cloudformation="AWS::RDS::DBParameterGroup",
        service="rds",
        operation="DescribeDBParameterGroups",
        result="DBParameterGroups",
        read=groups_of(RDS),
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
                transform=effective,
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
        read=groups_of(RDS),
        identity="DBClusterParameterGroupName",
        location="DBClusterParameterGroupArn",
        verbatim=("parameters",),
        drop=CLUSTER_GROUP_DROPS,
        details=CLUSTER_GROUP_DETAILS,
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
