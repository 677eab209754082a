"""Auto Scaling: groups with their capacity, template and scaling policies."""

from __future__ import annotations

from auditor.model import Category, Json
from collectors.aws.base import AwsKind, Detail


def _group(attributes: dict[str, Json]) -> dict[str, Json]:
    """Subnets as a list, template versions without their running number, processes and metrics by name."""
    attributes["subnets"] = sorted(filter(None, (attributes.pop("vpc_zone_identifier", None) or "").split(",")))
    for template in _templates(attributes):
        if str(template.get("version", "")).isdigit():
            template["version"] = "pinned"  # the count of versions ever made says nothing about parity
    attributes["suspended_processes"] = [each["process_name"] for each in attributes.get("suspended_processes", ())]
    attributes["enabled_metrics"] = [each["metric"] for each in attributes.get("enabled_metrics", ())]
    return attributes


def _templates(attributes: dict[str, Json]) -> list[dict[str, Json]]:
    mixed = (attributes.get("mixed_instances_policy") or {}).get("launch_template") or {}
    found = [attributes.get("launch_template"), mixed.get("launch_template_specification")]
    found += [override.get("launch_template_specification") for override in mixed.get("overrides") or ()]
    return [each for each in found if each]


KINDS = (
    AwsKind(
        name="aws.autoscaling.group",
        category=Category.COMPUTE,
        about="Auto Scaling groups: capacity, template, health checks, scaling policies",
        cloudformation="AWS::AutoScaling::AutoScalingGroup",
        service="autoscaling",
        operation="DescribeAutoScalingGroups",
        result="AutoScalingGroups",
        identity="AutoScalingGroupName",
        location="AutoScalingGroupARN",
        keyed={"policies": "policy_name", "policies.*.step_adjustments": "metric_interval_lower_bound"},
        ordered=("mixed_instances_policy.launch_template.overrides",),
        drop=(
            "auto_scaling_group_name",
            "auto_scaling_group_arn",
            "instances",
            "created_time",
            "status",
            "predicted_capacity",
            "traffic_sources",  # the same target groups and load balancers again
            "warm_pool_size",
            "launch_template.launch_template_id",
            "mixed_instances_policy.launch_template.launch_template_specification.launch_template_id",
            "mixed_instances_policy.launch_template.overrides.*.launch_template_specification.launch_template_id",
            "policies.*.policy_arn",
            "policies.*.auto_scaling_group_name",
            "policies.*.alarms",
        ),
        details=(
            Detail(
                attribute="policies",
                operation="DescribePolicies",
                arguments={"AutoScalingGroupName": "AutoScalingGroupName"},
                result="ScalingPolicies",
            ),
        ),
        transform=_group,
    ),
)
