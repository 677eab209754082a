"""EKS: clusters, node groups, add-ons, Fargate profiles."""

from __future__ import annotations

from typing import Any

import pytest

from auditor.model import GapReason
from tests.collectors.aws.canned import canned, told
from tests.collectors.aws.reading import declared, lost
from tests.collectors.aws.recordings import DENIED, Recording, Refusal, recordings

CLUSTERS = recordings("eks.DescribeCluster")
GROUPS = recordings("eks.DescribeNodegroup")
NOT_AT_HAND = "the recordings of AWS answers are not beside the repository"
ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/5D2F"
CLUSTER: dict[str, Any] = {
    "name": "shop-staging",
    "arn": "arn:aws:eks:eu-west-1:111111111111:cluster/shop-staging",
    "version": "1.30",
    "platformVersion": "eks.9",
    "endpoint": "https://5D2F.gr7.eu-west-1.eks.amazonaws.com",
    "identity": {"oidc": {"issuer": f"https://{ISSUER}"}},
    "logging": {
        "clusterLogging": [{"types": ["api", "audit"], "enabled": True}, {"types": ["scheduler"], "enabled": False}]
    },
    "encryptionConfig": [
        {"resources": ["secrets"], "provider": {"keyArn": "arn:aws:kms:eu-west-1:111111111111:key/k"}}
    ],
    "resourcesVpcConfig": {"subnetIds": ["subnet-1"], "clusterSecurityGroupId": "sg-1", "endpointPublicAccess": False},
    "tags": {"team": "web"},
}


def test_a_cluster_tells_its_logs_by_type_and_whether_its_secrets_are_wrapped() -> None:
    """What AWS makes up or rolls out by itself is left out; who trusts the cluster's tokens finds it by the issuer."""
    answers = {"ListClusters": {"clusters": ["shop-staging"]}, "DescribeCluster": {"cluster": CLUSTER}}
    assert told("aws.eks.cluster", answers) == {
        "version": "1.30",
        "resources_vpc_config": {"subnet_ids": ["subnet-1"], "endpoint_public_access": False},
        "control_plane_logs": {"api_enabled": True, "audit_enabled": True, "scheduler_enabled": False},
        "envelope_encryption": True,
        "kms_key_arn": "arn:aws:kms:eu-west-1:111111111111:key/k",
    }
    (cluster,) = canned("aws.eks.cluster", answers).resources
    assert ISSUER in cluster.refs
    assert cluster.tags == {"team": "web"}


def test_a_node_group_is_named_within_its_cluster_without_what_terraform_made_up() -> None:
    """Taints are texts; how many nodes run at this moment is no setting."""
    group = {
        "nodegroupName": "system-20240102030405067800000001",
        "clusterName": "shop",
        "version": "1.30",
        "scalingConfig": {"minSize": 1, "maxSize": 3, "desiredSize": 2},
        "taints": [{"key": "dedicated", "value": "gpu", "effect": "NO_SCHEDULE"}],
        "labels": {"Tier": "a"},
        "launchTemplate": {"name": "system", "version": "7", "id": "lt-1"},
    }
    listed = {"ListClusters": {"clusters": ["shop"]}, "ListNodegroups": {"nodegroups": [group["nodegroupName"]]}}
    (found,) = canned("aws.eks.node_group", {**listed, "DescribeNodegroup": {"nodegroup": group}}).resources
    assert (found.identity, found.parent) == ("shop/system", "shop")
    assert found.attributes == {
        "version": "1.30",
        "scaling_config": {"min_size": 1, "max_size": 3},
        "taints": ["dedicated=gpu:NO_SCHEDULE"],
        "labels": {"Tier": "a"},
        "launch_template": {"name": "system"},
    }
    seen = canned("aws.eks.node_group", {**listed, "DescribeNodegroup": DENIED})
    assert [(gap.resource, gap.reason) for gap in seen.gaps] == [("shop/system", GapReason.ACCESS_DENIED)]


def test_an_addon_that_is_gone_by_now_is_left_out_and_one_of_a_hidden_cluster_is_not_missing() -> None:
    """Deleted between listing and look is gone; a cluster that cannot be listed ends the listing."""
    addons = {"ListClusters": {"clusters": ["shop"]}, "ListAddons": {"addons": ["coredns", "vpc-cni"]}}
    addon = {"addonName": "vpc-cni", "clusterName": "shop", "addonVersion": "v1.18.1-eksbuild.3"}

    def describe(asked: Any) -> Any:
        return {"addon": addon} if asked["addonName"] == "vpc-cni" else Refusal("ResourceNotFoundException", 404)

    assert told("aws.eks.addon", {**addons, "DescribeAddon": describe}) == {"addon_version": "v1.18.1-eksbuild.3"}
    hidden = canned("aws.eks.addon", {**addons, "ListAddons": DENIED})
    assert hidden.failed is not None
    assert "eks:ListAddons" in hidden.failed.detail


def test_selectors_of_a_fargate_profile_are_texts() -> None:
    """There may be several of one namespace."""
    profile = {
        "fargateProfileName": "jobs",
        "clusterName": "shop",
        "selectors": [{"namespace": "jobs", "labels": {"tier": "batch"}}, {"namespace": "jobs"}],
    }
    answers = {
        "ListClusters": {"clusters": ["shop"]},
        "ListFargateProfiles": {"fargateProfileNames": ["jobs"]},
        "DescribeFargateProfile": {"fargateProfile": profile},
    }
    assert told("aws.eks.fargate_profile", answers) == {"selectors": ["jobs", "jobs{tier=batch}"]}


@pytest.mark.skipif(not CLUSTERS, reason=NOT_AT_HAND)
@pytest.mark.parametrize("recorded", [*CLUSTERS, *GROUPS], ids=str)
def test_a_recorded_answer_loses_nothing_that_is_not_declared(recorded: Recording) -> None:
    """Every leaf of a real answer is an attribute, a handle, or named in the declaration as dropped."""
    answers: dict[str, Any] = {"ListClusters": {"clusters": ["c"]}, "ListNodegroups": {"nodegroups": ["n"]}}
    ((result, item),) = recorded.data.items()
    kind = "aws.eks.cluster" if result == "cluster" else "aws.eks.node_group"
    answers |= {recorded.operation.partition(".")[2]: recorded.data}
    (resource,) = canned(kind, answers).resources
    passing = ("encryption_config", "logging", "taints.*.effect")
    assert lost(declared(kind), item, resource, passing) == []
