"""RDS: instances, clusters, parameter groups by effective value, option groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.collectors.aws.reading import client, declared, lost, moto, read
from tests.collectors.aws.recordings import DENIED, Recording, Refusal, recordings, stand

INSTANCES = recordings("rds.DescribeDBInstances")
CLUSTERS = recordings("rds.DescribeDBClusters")
NOT_AT_HAND = "the recordings of AWS answers are not beside the repository"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A moto account with a database, an Aurora cluster of two and parameter groups."""
    with moto() as url:
        rds = client("rds", url)
        rds.create_db_parameter_group(
            DBParameterGroupName="orders-staging-pg16", DBParameterGroupFamily="postgres16", Description="orders"
        )
        rds.modify_db_parameter_group(
            DBParameterGroupName="orders-staging-pg16",
            Parameters=[
                {
                    "ParameterName": "max_connections",
                    "ParameterValue": "{DBInstanceClassMemory/9531392}",
                    "ApplyMethod": "pending-reboot",
                },
                {"ParameterName": "log_statement", "ParameterValue": "ddl", "ApplyMethod": "immediate"},
            ],
        )
        rds.create_db_instance(
            DBInstanceIdentifier="orders-staging",
            DBInstanceClass="db.r6g.large",
            Engine="postgres",
            EngineVersion="16.3",
            AllocatedStorage=100,
            MasterUsername="app",
            MasterUserPassword="canary-password",
            MultiAZ=True,
            DBParameterGroupName="orders-staging-pg16",
            Tags=[{"Key": "tier", "Value": "gold"}],
        )
        rds.create_db_cluster(
            DBClusterIdentifier="ledger-staging",
            Engine="aurora-postgresql",
            MasterUsername="app",
            MasterUserPassword="canary-password",
        )
        for name in ("ledger-staging-0", "ledger-staging-1"):
            rds.create_db_instance(
                DBInstanceIdentifier=name,
                DBClusterIdentifier="ledger-staging",
                DBInstanceClass="db.r6g.large",
                Engine="aurora-postgresql",
            )
        yield url


# The default groups of an engine version are all called `default`.
RESPELLED = (
    "db_parameter_groups.*.db_parameter_group_name",
    "option_group_memberships.*.option_group_name",
    "db_cluster_parameter_group",
)


def test_an_instance_is_read_with_what_matters_and_without_what_passes(server: str) -> None:
    """Size, version, groups and port are attributes; host name and ARN are handles; status and times are gone."""
    seen = read("aws.rds.instance", server)
    orders = seen.named("orders-staging")
    assert (seen.gaps, seen.failed) == ((), None)
    assert orders.attributes["db_instance_class"] == "db.r6g.large"
    assert orders.attributes["engine_version"] == "16.3"
    assert orders.attributes["multi_az"] is True
    assert orders.attributes["port"] == 5432
    assert orders.attributes["db_parameter_groups"] == ["orders-staging-pg16"]
    assert orders.tags == {"tier": "gold"}
    assert any(ref.startswith("orders-staging.") and ref.endswith(".rds.amazonaws.com") for ref in orders.refs)
    assert orders.location is not None
    assert orders.location.endswith(":db:orders-staging")
    gone = {"endpoint", "db_instance_status", "instance_create_time", "dbi_resource_id", "pending_modified_values"}
    assert not gone & orders.attributes.keys()
    assert "canary-password" not in repr(seen)


def test_a_clusters_members_are_counted_by_role_and_name_it_as_their_parent(server: str) -> None:
    """Which member writes changes with a failover; how many there are does not."""
    cluster = read("aws.rds.cluster", server).named("ledger-staging")
    assert sum(cluster.attributes["members"].values()) == 2
    assert set(cluster.attributes["members"]) == {"writers", "readers"}
    assert not {"db_cluster_members", "endpoint", "status", "cluster_create_time"} & cluster.attributes.keys()
    instances = read("aws.rds.instance", server)
    assert {each.identity: each.parent for each in instances.resources}["ledger-staging-1"] == "ledger-staging"


def test_a_parameter_group_is_its_effective_values(server: str) -> None:
    """Formulas stay text, apply methods are gone, and groups that AWS makes itself are not read."""
    seen = read("aws.rds.parameter_group", server)
    assert seen.identities == ["orders-staging-pg16"]
    parameters = seen.resources[0].attributes["parameters"]
    assert parameters["max_connections"] == "{DBInstanceClassMemory/9531392}"
    assert parameters["log_statement"] == "ddl"
    assert seen.resources[0].attributes["db_parameter_group_family"] == "postgres16"


def _parameter(name: str, value: str | None, source: str = "engine-default") -> dict[str, Any]:
    shown = {} if value is None else {"ParameterValue": value}
    return {"ParameterName": name, **shown, "Source": source, "ApplyType": "static", "IsModifiable": True}


GROUP_ARN = "arn:aws:rds:eu-west-1:111122223333:pg:a"
GROUPS = {
    "DBParameterGroups": [
        {"DBParameterGroupName": "a", "DBParameterGroupFamily": "mysql8.0", "DBParameterGroupArn": GROUP_ARN}
    ]
}


def test_engine_defaults_count_like_values_that_somebody_set() -> None:
    """Every page is read; a parameter without a value has no effective value."""
    pages = {
        None: {"Parameters": [_parameter("a", "1", "user"), _parameter("b", None)], "Marker": "next"},
        "next": {"Parameters": [_parameter("c", "{DBInstanceClassMemory*3/4}")]},
    }
    answers = {
        "rds.DescribeDBParameterGroups": GROUPS,
        "rds.DescribeDBParameters": lambda asked: pages[asked.get("Marker")],
        "rds.ListTagsForResource": {"TagList": [{"Key": "team", "Value": "x"}]},
    }
    with stand(answers) as server:
        seen = read("aws.rds.parameter_group", server.endpoint_url)
    assert seen.resources[0].attributes["parameters"] == {"a": "1", "c": "{DBInstanceClassMemory*3/4}"}
    assert seen.resources[0].tags == {"team": "x"}


def test_parameters_that_may_not_be_read_are_a_gap_of_that_group() -> None:
    """The group stays, without parameters, and the gap says exactly what is unknown."""
    answers = {
        "rds.DescribeDBParameterGroups": GROUPS,
        "rds.DescribeDBParameters": DENIED,
        "rds.ListTagsForResource": {"TagList": []},
    }
    with stand(answers) as server:
        seen = read("aws.rds.parameter_group", server.endpoint_url)
    assert seen.identities == ["a"]
    assert "parameters" not in seen.resources[0].attributes
    assert [(gap.resource, gap.attribute, gap.reason) for gap in seen.gaps] == [("a", "parameters", "access_denied")]
    assert "rds:DescribeDBParameters" in seen.gaps[0].detail


def test_cluster_parameter_groups_are_read_like_those_of_instances() -> None:
    """The names of operations and keys differ; the attributes do not."""
    answers = {
        "rds.DescribeDBClusterParameterGroups": {
            "DBClusterParameterGroups": [
                {"DBClusterParameterGroupName": "default.aurora-mysql8.0", "DBParameterGroupFamily": "aurora-mysql8.0"},
                {
                    "DBClusterParameterGroupName": "ledger",
                    "DBParameterGroupFamily": "aurora-mysql8.0",
                    "DBClusterParameterGroupArn": "arn:aws:rds:eu-west-1:111122223333:cluster-pg:ledger",
                },
            ]
        },
        "rds.DescribeDBClusterParameters": {"Parameters": [_parameter("binlog_format", "ROW", "user")]},
        "rds.ListTagsForResource": {"TagList": []},
    }
    with stand(answers) as server:
        seen = read("aws.rds.cluster_parameter_group", server.endpoint_url)
    assert seen.identities == ["ledger"]
    assert seen.resources[0].attributes == {
        "db_parameter_group_family": "aurora-mysql8.0",
        "parameters": {"binlog_format": "ROW"},
    }


OPTION_GROUP = {
    "OptionGroupName": "audit-staging",
    "OptionGroupArn": "arn:aws:rds:eu-west-1:111122223333:og:audit-staging",
    "EngineName": "mysql",
    "MajorEngineVersion": "8.0",
    "OptionGroupDescription": "audit",
    "VpcId": "vpc-1",
    "Options": [
        {
            "OptionName": "MARIADB_AUDIT_PLUGIN",
            "Permanent": False,
            "Persistent": False,
            "OptionSettings": [
                {"Name": "SERVER_AUDIT_EVENTS", "Value": "CONNECT,QUERY", "IsModifiable": True},
                {"Name": "SERVER_AUDIT_FILE_ROTATIONS", "DefaultValue": "9"},
            ],
            "VpcSecurityGroupMemberships": [{"VpcSecurityGroupId": "sg-1", "Status": "active"}],
        }
    ],
}


def _using(*groups: str) -> dict[str, Any]:
    memberships = [{"OptionGroupName": name, "Status": "in-sync"} for name in groups]
    return {"DBInstances": [{"DBInstanceIdentifier": "a", "OptionGroupMemberships": memberships}]}


def test_an_option_group_in_use_is_its_options_and_their_settings() -> None:
    """Options by name, settings as name and value, the default where nobody set one."""
    answers = {
        "rds.DescribeDBInstances": _using("audit-staging", "default:mysql-8-0"),
        "rds.DescribeOptionGroups": lambda asked: {"OptionGroupsList": [OPTION_GROUP]},
    }
    with stand(answers) as server:
        seen = read("aws.rds.option_group", server.endpoint_url)
        assert [asked["OptionGroupName"] for call, asked in server.asked if call == "rds.DescribeOptionGroups"] == [
            "audit-staging"
        ]
    options = seen.named("audit-staging").attributes["options"]
    assert options["MARIADB_AUDIT_PLUGIN"]["option_settings"] == {
        "SERVER_AUDIT_EVENTS": "CONNECT,QUERY",
        "SERVER_AUDIT_FILE_ROTATIONS": "9",
    }
    assert options["MARIADB_AUDIT_PLUGIN"]["vpc_security_group_memberships"] == ["sg-1"]


def test_without_an_option_group_of_ones_own_nothing_is_asked(server: str) -> None:
    """A stand-in that lacks the operation is no gap where no instance uses a group that people made."""
    seen = read("aws.rds.option_group", server)
    assert (seen.resources, seen.gaps, seen.failed) == ((), (), None)


def test_an_option_group_that_the_server_does_not_know_how_to_read_is_unsupported() -> None:
    """The gap names the group; the listing as such succeeded."""
    answers = {
        "rds.DescribeDBInstances": _using("audit-staging"),
        "rds.DescribeOptionGroups": Refusal("InvalidAction", 400),
    }
    with stand(answers) as server:
        seen = read("aws.rds.option_group", server.endpoint_url)
    assert [(gap.resource, gap.reason) for gap in seen.gaps] == [("audit-staging", "unsupported")]


def test_the_groups_that_aws_makes_for_an_engine_version_are_called_default() -> None:
    """Their names repeat the version; a group that people made keeps its name."""
    instance = {
        "DBInstanceIdentifier": "orders",
        "DBParameterGroups": [{"DBParameterGroupName": "default.postgres16", "ParameterApplyStatus": "in-sync"}],
        "OptionGroupMemberships": [{"OptionGroupName": "default:postgres-16", "Status": "in-sync"}],
    }
    cluster = {"DBClusterIdentifier": "ledger", "DBClusterParameterGroup": "default.aurora-mysql8.0"}
    own = {"DBClusterIdentifier": "own", "DBClusterParameterGroup": "ledger-params"}
    answers = {
        "rds.DescribeDBInstances": {"DBInstances": [instance]},
        "rds.DescribeDBClusters": {"DBClusters": [cluster, own]},
    }
    with stand(answers) as server:
        orders = read("aws.rds.instance", server.endpoint_url).named("orders").attributes
        clusters = read("aws.rds.cluster", server.endpoint_url)
    assert (orders["db_parameter_groups"], orders["option_group_memberships"]) == (["default"], ["default"])
    assert clusters.named("ledger").attributes["db_cluster_parameter_group"] == "default"
    assert clusters.named("own").attributes["db_cluster_parameter_group"] == "ledger-params"


@pytest.mark.skipif(not INSTANCES, reason=NOT_AT_HAND)
@pytest.mark.parametrize("recorded", INSTANCES, ids=str)
def test_a_recorded_instance_loses_nothing_that_is_not_declared(recorded: Recording) -> None:
    """Every leaf of a real answer is an attribute, a handle, or named in the declaration as dropped."""
    with stand({recorded.operation: recorded.data}) as server:
        seen = read("aws.rds.instance", server.endpoint_url)
    assert (seen.gaps, seen.failed) == ((), None)
    assert len(seen.resources) == len(recorded.data["DBInstances"])
    for item in recorded.data["DBInstances"]:
        assert lost(declared("aws.rds.instance"), item, seen.named(item["DBInstanceIdentifier"]), RESPELLED) == []


@pytest.mark.skipif(not CLUSTERS, reason=NOT_AT_HAND)
@pytest.mark.parametrize("recorded", CLUSTERS, ids=str)
def test_a_recorded_cluster_loses_nothing_that_is_not_declared(recorded: Recording) -> None:
    """Every leaf of a real answer is an attribute, a handle, or named in the declaration as dropped; and each cluster is
    in the listing of its own engine only."""
    with stand({recorded.operation: recorded.data}) as server:
        seen = {kind: read(kind, server.endpoint_url) for kind in ("aws.rds.cluster", "aws.neptune.cluster")}
    assert {(each.gaps, each.failed) for each in seen.values()} == {((), None)}
    assert sum(len(each.resources) for each in seen.values()) == len(recorded.data["DBClusters"])
    for item in recorded.data["DBClusters"]:
        kind = "aws.neptune.cluster" if item["Engine"] == "neptune" else "aws.rds.cluster"
        cluster = seen[kind].named(item["DBClusterIdentifier"])
        assert lost(declared(kind), item, cluster, RESPELLED) == []
        assert sum(cluster.attributes["members"].values()) == len(item["DBClusterMembers"])
