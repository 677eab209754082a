"""ElastiCache: replication groups with what their nodes run, stand-alone clusters, parameter groups by effective value.

A replication group's own answer says nothing of engine version, parameters or network; its member clusters do, so they
are folded into it. Members are no resources of their own: their names are numbers, and failover swaps their roles.
Parameter groups are read where a cluster uses them, and only those that people made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Category, Gap, Json
from collectors.aws.base import AwsKind, Detail, Document, pick

if TYPE_CHECKING:
    from collectors.aws._reader import Reader

# Attribute of a replication group -> where its members' answers hold it.
_FOLDED = {
    "Engine": "Engine",
    "EngineVersion": "EngineVersion",
    "CacheNodeType": "CacheNodeType",
    "CacheParameterGroup": "CacheParameterGroup.CacheParameterGroupName",
    "CacheSubnetGroupName": "CacheSubnetGroupName",
    "SecurityGroups": "SecurityGroups[].SecurityGroupId",
    "PreferredMaintenanceWindow": "PreferredMaintenanceWindow",
    "NotificationConfiguration": "NotificationConfiguration.TopicArn",
}
_FOLDED_ATTRIBUTES = (
    "engine",
    "engine_version",
    "cache_node_type",
    "cache_parameter_group",
    "cache_subnet_group_name",
    "security_groups",
    "preferred_maintenance_window",
    "notification_configuration",
)


def _replication_groups(reader: Reader) -> Iterator[Document | Gap]:
    groups = list(reader.items("DescribeReplicationGroups", "ReplicationGroups"))
    if not groups:
        return
    try:
        clusters = list(reader.items("DescribeCacheClusters", "CacheClusters"))
    except CollectError as error:
        for group in groups:
            yield from _without_members(reader, group, error)
        return
    for group in groups:
        yield {**group, **_folded([each for each in clusters if each.get("ReplicationGroupId") == _id(group)])}


def _without_members(reader: Reader, group: Document, error: CollectError) -> Iterator[Document | Gap]:
    """The group as far as its own answer goes; what only its members say is unknown."""
    own = {key for key, attribute in zip(_FOLDED, _FOLDED_ATTRIBUTES, strict=True) if group.get(key) is None}
    for key, attribute in zip(_FOLDED, _FOLDED_ATTRIBUTES, strict=True):
        if key in own:
            yield reader.gap(error, resource=_id(group), attribute=attribute)
    yield group


def _folded(members: Sequence[Document]) -> dict[str, Any]:
    """What all members say; where they disagree (halfway through an upgrade), everything that any of them says."""
    folded: dict[str, Any] = {}
    for key, path in _FOLDED.items():
        found = [value for member in members if (value := pick(member, path)) not in (None, [])]
        if not found:
            continue
        if isinstance(found[0], list):
            folded[key] = sorted({each for value in found for each in value})
        else:
            distinct = sorted(set(found))
            folded[key] = distinct[0] if len(distinct) == 1 else distinct
    return folded


def _id(group: Document) -> str:
    return str(group.get("ReplicationGroupId"))


def _replication_group(attributes: dict[str, Json]) -> dict[str, Json]:
    """Shards by their number, with how many nodes each has; the port without the generated host name."""
    ports = [(attributes.pop("configuration_endpoint", None) or {}).get("port")]
    shards = {}
    for shard in attributes.pop("node_groups", ()):
        ports.append((shard.get("primary_endpoint") or {}).get("port"))
        nodes = len(shard.get("node_group_members", ()))
        shards[shard.get("node_group_id", "0001")] = {"slots": shard.get("slots"), "nodes": nodes}
    attributes["node_groups"] = shards
    attributes["port"] = next((port for port in ports if port is not None), None)
    return attributes


def _replication_group_endpoints(group: Document) -> list[Any]:
    shards = [
        [pick(group, f"NodeGroups[].{each}.Address") for each in ("PrimaryEndpoint", "ReaderEndpoint")],
        pick(group, "NodeGroups[].NodeGroupMembers[].ReadEndpoint.Address"),
    ]
    return [pick(group, "ConfigurationEndpoint.Address"), shards]


def _stand_alone(reader: Reader) -> Iterator[Document]:
    for cluster in reader.items("DescribeCacheClusters", "CacheClusters", ShowCacheNodeInfo=True):
        if not cluster.get("ReplicationGroupId"):
            yield cluster


def _cluster(attributes: dict[str, Json]) -> dict[str, Json]:
    """Memberships by name; of the nodes, their port."""
    nodes = attributes.pop("cache_nodes", None) or []
    endpoints = [attributes.pop("configuration_endpoint", None), *(node.get("endpoint") for node in nodes)]
    attributes["port"] = next((each["port"] for each in endpoints if each and "port" in each), None)
    attributes["cache_parameter_group"] = (attributes.pop("cache_parameter_group", None) or {}).get(
        "cache_parameter_group_name"
    )
    attributes["security_groups"] = sorted(
        group["security_group_id"] for group in attributes.pop("security_groups", None) or ()
    )
    attributes["cache_security_groups"] = sorted(
        group["cache_security_group_name"] for group in attributes.pop("cache_security_groups", None) or ()
    )
    return attributes


def _parameter_groups_in_use(reader: Reader) -> Iterator[Document | Gap]:
    clusters = reader.items("DescribeCacheClusters", "CacheClusters")
    used = {pick(each, "CacheParameterGroup.CacheParameterGroupName") for each in clusters} - {None}
    for name in sorted(name for name in used if not name.startswith("default.")):
        try:
            yield from reader.items(
                "DescribeCacheParameterGroups", "CacheParameterGroups", CacheParameterGroupName=name
            )
        except CollectError as error:
            yield reader.gap(error, resource=name)


def _effective(reader: Reader, group: Document) -> Json:
    """Name -> value, whoever set it; parameters that depend on the node type are set by AWS and left out."""
    name = group["CacheParameterGroupName"]
    parameters = reader.items("DescribeCacheParameters", "Parameters", CacheParameterGroupName=name)
    return {
        parameter["ParameterName"]: parameter["ParameterValue"]
        for parameter in parameters
        if parameter.get("ParameterValue") is not None
    }


_TAGS = Detail(
    attribute="tags",
    operation="ListTagsForResource",
    arguments={"ResourceName": "ARN"},
    result="TagList",
    when=lambda each: bool(each.get("ARN")),
)
_PASSING = (
    "arn",
    "pending_modified_values",
    "auth_token_last_modified_date",
    "log_delivery_configurations.*.status",
    "log_delivery_configurations.*.message",
)

KINDS = (
    AwsKind(
        name="aws.elasticache.replication_group",
        category=Category.DATABASE,
        about="Redis and Valkey replication groups, with what their nodes run",
        cloudformation="AWS::ElastiCache::ReplicationGroup",
        service="elasticache",
        operation="DescribeReplicationGroups",
        result="ReplicationGroups",
        read=_replication_groups,
        permissions=("elasticache:DescribeCacheClusters",),
        identity="ReplicationGroupId",
        location="ARN",
        refs=(_replication_group_endpoints, "MemberClusters"),
        keyed={"log_delivery_configurations": "log_type"},
        verbatim=("node_groups",),
        drop=(
            *_PASSING,
            "replication_group_id",
            "status",
            "member_clusters",
            "node_groups.*.status",
            "node_groups.*.node_group_members",  # how many is kept; which, where and in which role is not
            "member_clusters_outpost_arns",
            "snapshotting_cluster_id",
            "replication_group_create_time",
        ),
        details=(_TAGS,),
        transform=_replication_group,
    ),
    AwsKind(
        name="aws.elasticache.cache_cluster",
        category=Category.DATABASE,
        about="Cache clusters that belong to no replication group: Memcached, and single Redis nodes",
        cloudformation="AWS::ElastiCache::CacheCluster",
        service="elasticache",
        operation="DescribeCacheClusters",
        result="CacheClusters",
        read=_stand_alone,
        identity="CacheClusterId",
        location="ARN",
        refs=("ConfigurationEndpoint.Address", "CacheNodes[].Endpoint.Address"),
        keyed={"log_delivery_configurations": "log_type"},
        drop=(
            *_PASSING,
            "cache_cluster_id",
            "cache_cluster_status",
            "cache_cluster_create_time",
            "client_download_landing_page",
            "preferred_availability_zone",
            "preferred_outpost_arn",
            "notification_configuration.topic_status",
            "replication_group_log_delivery_enabled",
        ),
        details=(_TAGS,),
        transform=_cluster,
    ),
    AwsKind(
        name="aws.elasticache.parameter_group",
        category=Category.DATABASE,
        about="Parameters of cache engines by effective value, engine defaults included",
        cloudformation="AWS::ElastiCache::ParameterGroup",
        service="elasticache",
        operation="DescribeCacheParameterGroups",
        result="CacheParameterGroups",
        read=_parameter_groups_in_use,
        permissions=("elasticache:DescribeCacheClusters", "elasticache:DescribeCacheParameters"),
        identity="CacheParameterGroupName",
        location="ARN",
        verbatim=("parameters",),
        drop=("cache_parameter_group_name", "arn"),
        details=(Detail(attribute="parameters", read=_effective), _TAGS),
    ),
)
