"""Recorded answers of real accounts through the compute and load balancer kinds, over HTTP: no loss, no crash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from auditor.model import Resource
from collectors.aws.base import pick
from tests.collectors.aws.reading import Seen, declared, lost, read
from tests.collectors.aws.recordings import RECORDINGS, Recording, recordings, stand

SCALING = "aws.autoscaling.group"
FLEET = "aws.ec2.fleet"
TEMPLATE = "aws.ec2.launch_template"
CLASSIC = "aws.elasticloadbalancing.load_balancer"
TARGETS = "aws.elasticloadbalancingv2.target_group"

pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recorded answers are not beside the repository")


def _given(operation: str) -> Any:
    return pytest.mark.parametrize("recording", recordings(operation), ids=str)


def _images(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    ids = [value for key, value in asked.items() if key.startswith("Filter.1.Value")]
    return {"Images": [{"ImageId": each, "Name": f"image of {each}"} for each in ids]}


def _volumes(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    ids = [value for key, value in asked.items() if key.startswith("Filter.1.Value")]
    return {"Volumes": [{"VolumeId": each, "VolumeType": "gp3", "Size": 8, "Encrypted": True} for each in ids]}


def _read(kind: str, answers: Mapping[str, Any]) -> Seen:
    with stand(answers) as running:
        seen = read(kind, running.endpoint_url)
    assert seen.failed is None
    assert seen.gaps == ()
    return seen


def _by_name(items: list[Mapping[str, Any]], seen: Seen, name: str) -> Iterator[tuple[Mapping[str, Any], Resource]]:
    assert len(seen.resources) == len(items) > 0
    for item in items:
        yield item, seen.named(item[name])


@_given("autoscaling.DescribeAutoScalingGroups")
def test_recorded_auto_scaling_groups(recording: Recording) -> None:
    """Every setting of every group is in its resource; subnets, processes and metrics are spelled as lists."""
    seen = _read(
        SCALING,
        {
            "autoscaling.DescribeAutoScalingGroups": recording.data,
            "autoscaling.DescribePolicies": {"ScalingPolicies": []},
        },
    )
    respelled = ("vpc_zone_identifier", "suspended_processes", "enabled_metrics", "launch_template.version")
    for group, resource in _by_name(recording.data["AutoScalingGroups"], seen, "AutoScalingGroupName"):
        assert lost(declared(SCALING), group, resource, respelled) == []
        assert resource.tags == {tag["Key"]: tag["Value"] for tag in group.get("Tags", [])}


@_given("ec2.DescribeInstances")
def test_recorded_instances(recording: Recording) -> None:
    """Every living instance is in exactly one fleet, with its type and groups."""
    living = [
        each
        for each in pick(recording.data, "Reservations[].Instances")
        if each["State"]["Name"] not in ("terminated", "shutting-down")
    ]
    seen = _read(
        FLEET,
        {"ec2.DescribeInstances": recording.data, "ec2.DescribeImages": _images, "ec2.DescribeVolumes": _volumes},
    )
    assert sum(fleet.attributes["count"] for fleet in seen.resources) == len(living)
    for instance in living:
        (fleet,) = [each for each in seen.resources if instance["InstanceId"] in each.refs]
        assert instance["InstanceType"] in fleet.attributes["instance_types"]
        assert f"image of {instance['ImageId']}" in fleet.attributes["ami_names"]
        assert {group["GroupId"] for group in instance["SecurityGroups"]} <= set(fleet.attributes["security_groups"])


@_given("ec2.DescribeLaunchTemplateVersions")
def test_recorded_launch_templates(recording: Recording) -> None:
    """The default version of every template is read."""
    versions = recording.data["LaunchTemplateVersions"]
    seen = _read(
        TEMPLATE,
        {
            "ec2.DescribeLaunchTemplates": {"LaunchTemplates": []},
            "ec2.DescribeLaunchTemplateVersions": recording.data,
            "ec2.DescribeImages": _images,
        },
    )
    assert sorted(seen.identities) == sorted({version["LaunchTemplateName"] for version in versions})
    for version in versions:
        if version["DefaultVersion"]:
            data = seen.named(version["LaunchTemplateName"]).attributes["data"]
            assert data.get("instance_type") == version["LaunchTemplateData"].get("InstanceType")


@_given("elasticloadbalancing.DescribeLoadBalancers")
def test_recorded_classic_load_balancers(recording: Recording) -> None:
    """Listeners, health checks and policies are all there."""
    seen = _read(
        CLASSIC,
        {
            "elb.DescribeLoadBalancers": recording.data,
            "elb.DescribeTags": {"TagDescriptions": []},
            "elb.DescribeLoadBalancerAttributes": {
                "LoadBalancerAttributes": {"CrossZoneLoadBalancing": {"Enabled": True}}
            },
        },
    )
    balancers = recording.data["LoadBalancerDescriptions"]
    for balancer, resource in _by_name(balancers, seen, "LoadBalancerName"):
        counted = ("listener_descriptions.*.listener.ssl_certificate_id",)
        assert lost(declared(CLASSIC), balancer, resource, counted) == []
        assert len(resource.attributes["listeners"]) == len(balancer["ListenerDescriptions"])


@_given("elasticloadbalancing.DescribeTargetGroups")
def test_recorded_target_groups(recording: Recording) -> None:
    """Health checks as the API tells them."""
    seen = _read(
        TARGETS,
        {
            "elbv2.DescribeTargetGroups": recording.data,
            "elbv2.DescribeTags": {"TagDescriptions": []},
            "elbv2.DescribeTargetGroupAttributes": {"Attributes": [{"Key": "stickiness.enabled", "Value": "false"}]},
        },
    )
    for group, resource in _by_name(recording.data["TargetGroups"], seen, "TargetGroupName"):
        assert lost(declared(TARGETS), group, resource) == []
        assert resource.attributes["attributes"] == {"stickiness.enabled": "false"}
