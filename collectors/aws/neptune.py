"""Neptune: clusters, their instances, and cluster parameter groups by effective value.

RDS's API lists them, tags included; what of its answers Neptune does not know is always the same there."""

from __future__ import annotations

from auditor.model import Category
from collectors.aws._databases import (
    CLUSTER_DROPS,
    CLUSTER_GROUP_DETAILS,
    CLUSTER_GROUP_DROPS,
    CLUSTER_KEYS,
    INSTANCE_DROPS,
    INSTANCE_KEYS,
    NEPTUNE,
    cluster,
    endpoints,
    groups_of,
    instance,
    of,
)
from collectors.aws.base import AwsKind

KINDS = (
    AwsKind(
        name="aws.neptune.cluster",
        category=Category.DATABASE,
        about="Neptune clusters: engine version, encryption, backups, members by role",
        cloudformation="AWS::Neptune::DBCluster",
        service="rds",
        operation="DescribeDBClusters",
        result="DBClusters",
        read=of(NEPTUNE),
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
        name="aws.neptune.instance",
        category=Category.DATABASE,
        about="Instances of Neptune clusters",
        cloudformation="AWS::Neptune::DBInstance",
        service="rds",
        operation="DescribeDBInstances",
        result="DBInstances",
        read=of(NEPTUNE),
        identity="DBInstanceIdentifier",
        location="DBInstanceArn",
        refs=("Endpoint.Address", "DbiResourceId"),
        parent="DBClusterIdentifier",
        tags="TagList",
        references=("master_user_secret.**",),
        keyed=INSTANCE_KEYS,
        drop=INSTANCE_DROPS,
        transform=instance,
    ),
    AwsKind(
        name="aws.neptune.cluster_parameter_group",
        category=Category.DATABASE,
        about="Parameters of Neptune clusters by effective value, engine defaults included",
        cloudformation="AWS::Neptune::DBClusterParameterGroup",
        service="rds",
        operation="DescribeDBClusterParameterGroups",
        result="DBClusterParameterGroups",
        read=groups_of(NEPTUNE),
        identity="DBClusterParameterGroupName",
        location="DBClusterParameterGroupArn",
        verbatim=("parameters",),
        drop=CLUSTER_GROUP_DROPS,
        details=CLUSTER_GROUP_DETAILS,
    ),
)
