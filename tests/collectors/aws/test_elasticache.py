"""ElastiCache: replication groups with their members folded in, stand-alone clusters, parameter groups."""

from __future__ import annotations

from typing import Any

import pytest

from tests.collectors.aws.reading import client, declared, lost, moto, read
from tests.collectors.aws.recordings import DENIED, Recording, recordings, stand

GROUPS = recordings("elasticache.DescribeReplicationGroups")
CLUSTERS = recordings("elasticache.DescribeCacheClusters")
NOT_AT_HAND = "the recordings of AWS answers are not beside the repository"
ARN = "arn:aws:elasticache:eu-west-1:111122223333:replicationgroup:sessions"


def _member(name: str, **other: Any) -> dict[str, Any]:
    return {
        "CacheClusterId": name,
        "ReplicationGroupId": "sessions",
        "Engine": "redis",
        "EngineVersion": "7.1.0",
        "CacheNodeType": "cache.r7g.large",
        "SecurityGroups": [{"SecurityGroupId": "sg-1", "Status": "active"}],
        "CacheParameterGroup": {"CacheParameterGroupName": "sessions-redis7", "ParameterApplyStatus": "in-sync"},
        **other,
    }


GROUP = {
    "ReplicationGroupId": "sessions",
    "ARN": ARN,
    "Status": "available",
    "AutomaticFailover": "enabled",
    "MemberClusters": ["sessions-001", "sessions-002"],
    "NodeGroups": [
        {
            "NodeGroupId": "0001",
            "Status": "available",
            "PrimaryEndpoint": {"Address": "sessions.abc.ng.0001.euw1.cache.amazonaws.com", "Port": 6379},
            "NodeGroupMembers": [
                {"CacheClusterId": "sessions-001", "CurrentRole": "primary"},
                {"CacheClusterId": "sessions-002", "CurrentRole": "replica"},
            ],
        }
    ],
}
TAGS = {"TagList": [{"Key": "team", "Value": "web"}]}


def test_members_are_folded_into_their_replication_group() -> None:
    """Version, parameters and network come from the members; who of them leads is no attribute."""
    answers = {
        "elasticache.DescribeReplicationGroups": {"ReplicationGroups": [GROUP]},
        "elasticache.DescribeCacheClusters": {"CacheClusters": [_member("sessions-001"), _member("sessions-002")]},
        "elasticache.ListTagsForResource": TAGS,
    }
    with stand(answers) as server:
        seen = read("aws.elasticache.replication_group", server.endpoint_url)
    assert seen.gaps == ()
    assert seen.named("sessions").attributes == {
        "automatic_failover": "enabled",
        "engine": "redis",
        "engine_version": "7.1.0",
        "cache_node_type": "cache.r7g.large",
        "cache_parameter_group": "sessions-redis7",
        "security_groups": ["sg-1"],
        "node_groups": {"0001": {"slots": None, "nodes": 2}},
        "port": 6379,
    }
    assert "sessions.abc.ng.0001.euw1.cache.amazonaws.com" in seen.named("sessions").refs
    assert seen.named("sessions").tags == {"team": "web"}


def test_members_that_disagree_are_all_told() -> None:
    """Halfway through an upgrade the group runs two versions, and both are the answer."""
    members = [_member("sessions-001"), _member("sessions-002", EngineVersion="7.0.7")]
    answers = {
        "elasticache.DescribeReplicationGroups": {"ReplicationGroups": [GROUP]},
        "elasticache.DescribeCacheClusters": {"CacheClusters": members},
        "elasticache.ListTagsForResource": TAGS,
    }
    with stand(answers) as server:
        seen = read("aws.elasticache.replication_group", server.endpoint_url)
    assert seen.named("sessions").attributes["engine_version"] == ["7.0.7", "7.1.0"]


def test_without_its_members_a_group_keeps_what_its_own_answer_says() -> None:
    """Each attribute that only members tell is a gap; the rest is there."""
    answers = {
        "elasticache.DescribeReplicationGroups": {"ReplicationGroups": [{**GROUP, "CacheNodeType": "cache.r7g.large"}]},
        "elasticache.DescribeCacheClusters": DENIED,
        "elasticache.ListTagsForResource": TAGS,
    }
    with stand(answers) as server:
        seen = read("aws.elasticache.replication_group", server.endpoint_url)
    unknown = {gap.attribute for gap in seen.gaps}
    assert {"engine_version", "cache_parameter_group", "security_groups"} <= unknown
    assert "cache_node_type" not in unknown
    assert {gap.resource for gap in seen.gaps} == {"sessions"}
    assert seen.named("sessions").attributes["automatic_failover"] == "enabled"


def test_a_stand_alone_cluster_is_a_resource_and_a_member_is_not() -> None:
    """Nodes are a count and a port; their host names are handles."""
    memcached = {
        "CacheClusterId": "pages-staging",
        "ARN": "arn:aws:elasticache:eu-west-1:111122223333:cluster:pages-staging",
        "Engine": "memcached",
        "NumCacheNodes": 2,
        "CacheClusterStatus": "available",
        "ConfigurationEndpoint": {"Address": "pages-staging.abc.cfg.euw1.cache.amazonaws.com", "Port": 11211},
        "CacheNodes": [{"CacheNodeId": "0001", "Endpoint": {"Address": "n1.euw1.cache.amazonaws.com", "Port": 11211}}],
        "CacheParameterGroup": {"CacheParameterGroupName": "default.memcached1.6"},
        "SecurityGroups": [{"SecurityGroupId": "sg-1", "Status": "active"}],
    }
    answers = {
        "elasticache.DescribeCacheClusters": {"CacheClusters": [memcached, _member("sessions-001")]},
        "elasticache.ListTagsForResource": TAGS,
    }
    with stand(answers) as server:
        seen = read("aws.elasticache.cache_cluster", server.endpoint_url)
    assert seen.identities == ["pages-staging"]
    assert seen.resources[0].attributes == {
        "engine": "memcached",
        "num_cache_nodes": 2,
        "port": 11211,
        "cache_parameter_group": "default.memcached1.6",
        "security_groups": ["sg-1"],
        "cache_security_groups": [],
    }
    assert "n1.euw1.cache.amazonaws.com" in seen.resources[0].refs


def test_a_parameter_group_in_use_is_its_effective_values() -> None:
    """Only groups that people made are read, each with every page of its parameters."""
    pages = {
        None: {"Parameters": [{"ParameterName": "maxmemory-policy", "ParameterValue": "allkeys-lru"}], "Marker": "2"},
        "2": {"Parameters": [{"ParameterName": "timeout", "ParameterValue": "0"}, {"ParameterName": "unset"}]},
    }
    group = {"CacheParameterGroupName": "sessions-redis7", "CacheParameterGroupFamily": "redis7", "ARN": ARN}
    answers = {
        "elasticache.DescribeCacheClusters": {"CacheClusters": [_member("a"), _member("b")]},
        "elasticache.DescribeCacheParameterGroups": {"CacheParameterGroups": [group]},
        "elasticache.DescribeCacheParameters": lambda asked: pages[asked.get("Marker")],
        "elasticache.ListTagsForResource": TAGS,
    }
    with stand(answers) as server:
        seen = read("aws.elasticache.parameter_group", server.endpoint_url)
    assert seen.named("sessions-redis7").attributes == {
        "cache_parameter_group_family": "redis7",
        "parameters": {"maxmemory-policy": "allkeys-lru", "timeout": "0"},
    }


def test_moto_knows_enough_for_the_kinds_to_be_read_without_a_gap() -> None:
    """A replication group and a cluster made through the API come back through the collector."""
    with moto() as url:
        cache = client("elasticache", url)
        cache.create_replication_group(
            ReplicationGroupId="sessions-staging",
            ReplicationGroupDescription="sessions",
            Engine="redis",
            CacheNodeType="cache.r7g.large",
            NumCacheClusters=2,
        )
        cache.create_cache_cluster(
            CacheClusterId="pages-staging", Engine="memcached", CacheNodeType="cache.t4g.small", NumCacheNodes=2
        )
        groups = read("aws.elasticache.replication_group", url)
        clusters = read("aws.elasticache.cache_cluster", url)
        parameters = read("aws.elasticache.parameter_group", url)
    assert (groups.gaps, groups.failed) == ((), None)
    assert groups.named("sessions-staging").attributes["cache_node_type"] == "cache.r7g.large"
    assert (clusters.gaps, clusters.failed) == ((), None)
    assert clusters.named("pages-staging").attributes["num_cache_nodes"] == 2
    assert (parameters.resources, parameters.gaps, parameters.failed) == ((), (), None)


@pytest.mark.skipif(not GROUPS, reason=NOT_AT_HAND)
@pytest.mark.parametrize("recorded", GROUPS, ids=str)
def test_a_recorded_replication_group_loses_nothing_that_is_not_declared(recorded: Recording) -> None:
    """Every leaf of a real answer is an attribute, a handle, or named in the declaration as dropped."""
    members = [cluster for each in CLUSTERS for cluster in each.data["CacheClusters"]]
    answers = {
        recorded.operation: recorded.data,
        "elasticache.DescribeCacheClusters": {"CacheClusters": members},
        "elasticache.ListTagsForResource": TAGS,
    }
    with stand(answers) as server:
        seen = read("aws.elasticache.replication_group", server.endpoint_url)
    assert (seen.gaps, seen.failed) == ((), None)
    for item in recorded.data["ReplicationGroups"]:
        group = seen.named(item["ReplicationGroupId"])
        assert lost(declared("aws.elasticache.replication_group"), item, group) == []
        if any(member["ReplicationGroupId"] == group.identity for member in members):
            assert group.attributes["engine_version"]


@pytest.mark.skipif(not CLUSTERS, reason=NOT_AT_HAND)
@pytest.mark.parametrize("recorded", CLUSTERS, ids=str)
def test_a_recorded_cluster_read_as_stand_alone_loses_nothing_that_is_not_declared(recorded: Recording) -> None:
    """The recorded clusters are all members; taken out of their groups they are read whole."""
    alone = [{k: v for k, v in each.items() if k != "ReplicationGroupId"} for each in recorded.data["CacheClusters"]]
    answers = {recorded.operation: {"CacheClusters": alone}, "elasticache.ListTagsForResource": TAGS}
    with stand(answers) as server:
        seen = read("aws.elasticache.cache_cluster", server.endpoint_url)
    assert len(seen.resources) == len(alone)
    passing = (
        "security_groups.*.status",
        "cache_parameter_group.parameter_apply_status",
        "cache_parameter_group.cache_node_ids_to_reboot",
    )
    for item in alone:
        assert lost(declared("aws.elasticache.cache_cluster"), item, seen.named(item["CacheClusterId"]), passing) == []
