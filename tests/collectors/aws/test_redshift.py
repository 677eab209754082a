"""Redshift: clusters."""

from __future__ import annotations

from typing import Any

import pytest

from auditor.model import GapReason
from tests.collectors.aws.canned import canned, told
from tests.collectors.aws.reading import declared, lost
from tests.collectors.aws.recordings import DENIED, Recording, recordings

KIND = "aws.redshift.cluster"
CLUSTERS = recordings("redshift.DescribeClusters")
PAGES: dict[str | None, dict[str, Any]] = {
    None: {"Parameters": [{"ParameterName": "require_ssl", "ParameterValue": "true"}], "Marker": "2"},
    "2": {"Parameters": [{"ParameterName": "datestyle", "ParameterValue": "ISO, MDY"}, {"ParameterName": "unset"}]},
}
CLUSTER = {
    "ClusterIdentifier": "reports-staging",
    "NodeType": "ra3.xlplus",
    "Endpoint": {"Address": "reports-staging.abc.eu-west-1.redshift.amazonaws.com", "Port": 5439},
    "ClusterParameterGroups": [{"ParameterGroupName": "reports", "ParameterApplyStatus": "in-sync"}],
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1", "Status": "active"}],
    "MultiAZ": "Enabled",
    "ClusterRevisionNumber": "53000",
}
ANSWERS = {
    "DescribeClusters": {"Clusters": [CLUSTER]},
    "DescribeClusterParameters": lambda asked: PAGES[asked.get("Marker")],
    "DescribeLoggingStatus": {"LoggingEnabled": False},
}


def test_a_cluster_tells_its_parameters_by_effective_value() -> None:
    """Every page of them; memberships by name, and the port without the generated host name."""
    assert told(KIND, ANSWERS) == {
        "node_type": "ra3.xlplus",
        "port": 5439,
        "cluster_parameter_groups": ["reports"],
        "vpc_security_groups": ["sg-1"],
        "multi_az": True,
        "parameters": {"require_ssl": "true", "datestyle": "ISO, MDY"},
        "logging": {"logging_enabled": False},
    }


def test_parameters_that_may_not_be_read_are_a_gap_of_that_attribute() -> None:
    """The cluster is there all the same."""
    seen = canned(KIND, {**ANSWERS, "DescribeClusterParameters": DENIED})
    assert [(gap.resource, gap.attribute, gap.reason) for gap in seen.gaps] == [
        ("reports-staging", "parameters", GapReason.ACCESS_DENIED)
    ]
    assert seen.identities == ["reports-staging"]


@pytest.mark.skipif(not CLUSTERS, reason="the recordings of AWS answers are not beside the repository")
@pytest.mark.parametrize("recorded", CLUSTERS, ids=str)
def test_a_recorded_cluster_loses_nothing_that_is_not_declared(recorded: Recording) -> None:
    """Every leaf of a real answer is an attribute, a handle, or named in the declaration as dropped."""
    seen = canned(KIND, {**ANSWERS, "DescribeClusters": recorded.data})
    assert (seen.gaps, seen.failed) == ((), None)
    passing = (
        "vpc_security_groups.*.status",
        "cluster_parameter_groups.*.parameter_apply_status",
        "iam_roles.*.apply_status",
        "cluster_security_groups.*.status",
        "endpoint.vpc_endpoints",
        "availability_zone_relocation_status",
        "multi_az",
    )
    for item in recorded.data["Clusters"]:
        assert lost(declared(KIND), item, seen.named(item["ClusterIdentifier"]), passing) == []
