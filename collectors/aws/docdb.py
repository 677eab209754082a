"""DocumentDB: clusters, their instances, and cluster parameter groups by effective value.

RDS's API lists them, tags included; what of its answers DocumentDB does not know is always the same there."""

from __future__ import annotations

from auditor.model import Category
from collectors.aws._databases import (
    CLUSTER_DROPS,
    CLUSTER_GROUP_DETAILS,
    CLUSTER_GROUP_DROPS,
    CLUSTER_KEYS,
    DOCUMENTDB,
    INSTANCE_DROPS,
    INSTANCE_KEYS,
    cluster,
    endpoints,
    groups_of,
    instance,
    of,
)
from collectors.aws.base import AwsKind

KINDS = (
    AwsKind(
        name="aws.docdb.cluster",
        category=Category.DATABASE,
        about="DocumentDB clusters: engine version, encryption, backups, members by role",
        cloudformation="AWS::DocDB::DBCluster",
        service="rds",
        operation="DescribeDBClusters",
        result="DBClusters",
        read=of(DOCUMENTDB),
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
        name="aws.docdb.instance",
        category=Category.DATABASE,
        about="Instances of DocumentDB clusters",
        cloudformation="AWS::DocDB::DBInstance",
        service="rds",
        operation="DescribeDBInstances",
        result="DBInstances",
        read=of(DOCUMENTDB),
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
        name="aws.docdb.cluster_parameter_group",
        category=Category.DATABASE,
        about="Parameters of DocumentDB clusters by effective value, engine defaults included",
        cloudformation="AWS::DocDB::DBClusterParameterGroup",
        service="rds",
        operation="DescribeDBClusterParameterGroups",
        result="DBClusterParameterGroups",
        read=groups_of(DOCUMENTDB),
        identity="DBClusterParameterGroupName",
        location="DBClusterParameterGroupArn",
        verbatim=("parameters",),
        drop=CLUSTER_GROUP_DROPS,
        details=CLUSTER_GROUP_DETAILS,
    ),
)
