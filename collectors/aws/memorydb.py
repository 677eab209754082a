"""MemoryDB clusters: engine and its version, nodes, shards, encryption, snapshots, access."""

from __future__ import annotations

from auditor.model import Category, Json
from collectors.aws.base import AwsKind, Detail


def _groups(attributes: dict[str, Json]) -> dict[str, Json]:
    """The ids of the security groups: whether a change of them is under way says nothing about parity."""
    groups = attributes.get("security_groups")
    attributes["security_groups"] = [each["security_group_id"] for each in groups] if isinstance(groups, list) else []
    return attributes


KINDS = (
    AwsKind(
        name="aws.memorydb.cluster",
        category=Category.DATABASE,
        about="MemoryDB clusters: engine version, nodes, shards, encryption, snapshots, access list",
        cloudformation="AWS::MemoryDB::Cluster",
        service="memorydb",
        operation="DescribeClusters",
        result="Clusters",
        identity="Name",
        location="ARN",
        refs=("ClusterEndpoint.Address",),
        drop=("name", "arn", "status", "pending_updates", "cluster_endpoint", "shards", "parameter_group_status"),
        details=(Detail(attribute="tags", operation="ListTags", arguments={"ResourceArn": "ARN"}, result="TagList"),),
        transform=_groups,
    ),
)
