"""MSK: provisioned and serverless clusters."""

from __future__ import annotations

from typing import Any

import pytest

from auditor.model import GapReason
from tests.collectors.aws.canned import canned
from tests.collectors.aws.reading import declared, lost
from tests.collectors.aws.recordings import DENIED, Recording, recordings

KIND = "aws.msk.cluster"
CLUSTERS = recordings("kafka.ListClustersV2")
PROVISIONED = {
    "ClusterName": "events-staging",
    "ClusterType": "PROVISIONED",
    "CurrentVersion": "K3JWKAKR8XB7XF",
    "Provisioned": {
        "NumberOfBrokerNodes": 3,
        "CurrentBrokerSoftwareInfo": {
            "KafkaVersion": "3.5.1",
            "ConfigurationArn": "arn:aws:kafka:eu-west-1:1:configuration/events/1",
            "ConfigurationRevision": 4,
        },
    },
}
SERVERLESS = {
    "ClusterName": "clicks",
    "ClusterType": "SERVERLESS",
    "Serverless": {"VpcConfigs": [{"SubnetIds": ["subnet-2", "subnet-1"], "SecurityGroupIds": ["sg-1"]}]},
}
ANSWERS: dict[str, Any] = {
    "ListClustersV2": {"ClusterInfoList": [PROVISIONED, SERVERLESS]},
    "DescribeConfigurationRevision": {
        "ServerProperties": b"# ours\nauto.create.topics.enable = false\n\nnum.partitions=3"
    },
}


def test_a_cluster_runs_the_properties_of_its_revision_and_a_serverless_one_none() -> None:
    """The token that MSK calls a current version is no version, and a revision is a counter."""
    seen = canned(KIND, ANSWERS)
    assert (seen.gaps, seen.failed) == ((), None)
    assert seen.named("events-staging").attributes == {
        "cluster_type": "PROVISIONED",
        "provisioned": {"number_of_broker_nodes": 3, "current_broker_software_info": {"kafka_version": "3.5.1"}},
        "configuration": {"auto.create.topics.enable": "false", "num.partitions": "3"},
    }
    assert seen.named("clicks").attributes == {
        "cluster_type": "SERVERLESS",
        "serverless": {"subnet_ids": ["subnet-1", "subnet-2"], "security_group_ids": ["sg-1"]},
        "configuration": {},
    }


def test_properties_that_may_not_be_read_are_unknown_and_not_none() -> None:
    """Only of the cluster that has some."""
    seen = canned(KIND, {**ANSWERS, "DescribeConfigurationRevision": DENIED})
    assert [(gap.resource, gap.attribute, gap.reason) for gap in seen.gaps] == [
        ("events-staging", "configuration", GapReason.ACCESS_DENIED)
    ]
    assert "configuration" not in seen.named("events-staging").attributes


@pytest.mark.skipif(not CLUSTERS, reason="the recordings of AWS answers are not beside the repository")
@pytest.mark.parametrize("recorded", CLUSTERS, ids=str)
def test_a_recorded_cluster_loses_nothing_that_is_not_declared(recorded: Recording) -> None:
    """Every leaf of a real answer is an attribute, a handle, or named in the declaration as dropped."""
    seen = canned(KIND, {**ANSWERS, "ListClustersV2": recorded.data})
    for item in recorded.data["ClusterInfoList"]:
        assert lost(declared(KIND), item, seen.named(item["ClusterName"])) == []
