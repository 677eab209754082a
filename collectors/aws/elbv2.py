"""Application, network and gateway load balancers with listeners and rules; target groups with health checks."""

from __future__ import annotations

from auditor.model import Category, Json
from collectors.aws import _listeners
from collectors.aws.base import AwsKind, Detail


def _zones(attributes: dict[str, Json]) -> dict[str, Json]:
    """Zones and subnets as two lists: addresses in them are generated."""
    zones = attributes.pop("availability_zones", None) or ()
    attributes["availability_zones"] = sorted(zone["zone_name"] for zone in zones)
    attributes["subnets"] = sorted(zone["subnet_id"] for zone in zones if zone.get("subnet_id"))
    return attributes


def _tags(arn: str) -> Detail:
    return Detail(
        attribute="tags", operation="DescribeTags", arguments={"ResourceArns": arn}, result="TagDescriptions[].Tags"
    )


KINDS = (
    AwsKind(
        name="aws.elasticloadbalancingv2.load_balancer",
        category=Category.NETWORK,
        about="Application, network and gateway load balancers: listeners, TLS policies, rules, attributes",
        cloudformation="AWS::ElasticLoadBalancingV2::LoadBalancer",
        service="elbv2",
        operation="DescribeLoadBalancers",
        result="LoadBalancers",
        identity="LoadBalancerName",
        location="LoadBalancerArn",
        refs=("DNSName",),
        keyed={
            "listeners": "protocol+port",
            "listeners.*.default_actions": "type",
            "rules": "listener+conditions",
            "rules.*.actions": "type",
        },
        verbatim=("attributes",),
        drop=(
            "load_balancer_name",
            "load_balancer_arn",
            "dns_name",
            "canonical_hosted_zone_id",
            "created_time",
            "state",
        ),
        details=(
            _tags("LoadBalancerArn"),
            Detail(
                attribute="attributes",
                operation="DescribeLoadBalancerAttributes",
                arguments={"LoadBalancerArn": "LoadBalancerArn"},
                result="Attributes",
                transform=_listeners.as_map,
            ),
            Detail(attribute="listeners", read=_listeners.listeners),
            Detail(attribute="rules", when=_listeners.has_rules, read=_listeners.rules),
        ),
        transform=_zones,
        permissions=(
            "elasticloadbalancing:DescribeListenerCertificates",
            "elasticloadbalancing:DescribeListeners",
            "elasticloadbalancing:DescribeRules",
        ),
    ),
    AwsKind(
        name="aws.elasticloadbalancingv2.target_group",
        category=Category.NETWORK,
        about="Target groups: protocol, health check, attributes",
        cloudformation="AWS::ElasticLoadBalancingV2::TargetGroup",
        service="elbv2",
        operation="DescribeTargetGroups",
        result="TargetGroups",
        identity="TargetGroupName",
        location="TargetGroupArn",
        verbatim=("attributes",),
        drop=("target_group_name", "target_group_arn", "load_balancer_arns"),
        details=(
            _tags("TargetGroupArn"),
            Detail(
                attribute="attributes",
                operation="DescribeTargetGroupAttributes",
                arguments={"TargetGroupArn": "TargetGroupArn"},
                result="Attributes",
                transform=_listeners.as_map,
            ),
        ),
    ),
)
