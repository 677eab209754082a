"""DocumentDB and Neptune: RDS's API lists them beside RDS's own, and each kind takes its own."""

from __future__ import annotations

import pytest

from tests.collectors.aws.canned import canned, told

CLUSTERS = [
    {
        "DBClusterIdentifier": f"{engine}-staging",
        "Engine": engine,
        "EngineVersion": "1",
        "DBClusterMembers": [{"IsClusterWriter": True}, {"IsClusterWriter": False}],
        "TagList": [{"Key": "team", "Value": engine}],
    }
    for engine in ("docdb", "neptune", "aurora-mysql")
]
INSTANCES = [
    {"DBInstanceIdentifier": f"{engine}-1", "Engine": engine, "DBClusterIdentifier": f"{engine}-staging"}
    for engine in ("docdb", "neptune", "postgres")
]
GROUPS = [
    {
        "DBClusterParameterGroupName": name,
        "DBParameterGroupFamily": family,
        "DBClusterParameterGroupArn": f"arn:aws:rds:eu-west-1:111111111111:cluster-pg:{name}",
    }
    for name, family in (
        ("documents", "docdb5.0"),
        ("graph", "neptune1.3"),
        ("orders", "aurora-mysql8.0"),
        ("default.docdb5.0", "docdb5.0"),
    )
]
ANSWERS = {
    "DescribeDBClusters": {"DBClusters": CLUSTERS},
    "DescribeDBInstances": {"DBInstances": INSTANCES},
    "DescribeDBClusterParameterGroups": {"DBClusterParameterGroups": GROUPS},
    "DescribeDBClusterParameters": {"Parameters": [{"ParameterName": "tls", "ParameterValue": "enabled"}]},
    "ListTagsForResource": {"TagList": []},
}


@pytest.mark.parametrize(
    ("kind", "identity"),
    [
        ("aws.docdb.cluster", "docdb-staging"),
        ("aws.neptune.cluster", "neptune-staging"),
        ("aws.rds.cluster", "aurora-mysql-staging"),
        ("aws.docdb.instance", "docdb-1"),
        ("aws.neptune.instance", "neptune-1"),
        ("aws.rds.instance", "postgres-1"),
        ("aws.docdb.cluster_parameter_group", "documents"),
        ("aws.neptune.cluster_parameter_group", "graph"),
        ("aws.rds.cluster_parameter_group", "orders"),
    ],
)
def test_each_kind_takes_what_is_of_its_engine(kind: str, identity: str) -> None:
    """Even where the far side does not filter."""
    seen = canned(kind, ANSWERS)
    assert (seen.identities, seen.gaps, seen.failed) == ([identity], (), None)


def test_members_count_by_role_and_parameters_by_effective_value() -> None:
    """As for RDS, whose answers they are."""
    assert told("aws.docdb.cluster", ANSWERS) == {
        "engine": "docdb",
        "engine_version": "1",
        "members": {"writers": 1, "readers": 1},
    }
    assert told("aws.docdb.cluster_parameter_group", ANSWERS)["parameters"] == {"tls": "enabled"}
