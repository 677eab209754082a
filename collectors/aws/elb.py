"""Classic load balancers, where they still run."""

from __future__ import annotations

from auditor.model import Category, Json
from collectors.aws.base import AwsKind, Detail


def _flat(attributes: dict[str, Json]) -> dict[str, Json]:
    """A listener and its policies as one thing; how many certificates instead of which."""
    descriptions = attributes.pop("listener_descriptions", None) or ()
    attributes["listeners"] = [
        {
            **{key: value for key, value in each["listener"].items() if key != "ssl_certificate_id"},
            "certificates": 1 if each["listener"].get("ssl_certificate_id") else 0,
            "policy_names": each.get("policy_names") or [],
        }
        for each in descriptions
    ]
    return attributes


KINDS = (
    AwsKind(
        name="aws.elasticloadbalancing.load_balancer",
        category=Category.NETWORK,
        about="Classic load balancers: listeners, health check, attributes",
        cloudformation="AWS::ElasticLoadBalancing::LoadBalancer",
        service="elb",
        operation="DescribeLoadBalancers",
        result="LoadBalancerDescriptions",
        identity="LoadBalancerName",
        refs=("DNSName",),
        keyed={
            "listeners": "protocol+load_balancer_port",
            "backend_server_descriptions": "instance_port",
            "policies.app_cookie_stickiness_policies": "policy_name",
            "policies.lb_cookie_stickiness_policies": "policy_name",
        },
        drop=(
            "load_balancer_name",
            "dns_name",
            "canonical_hosted_zone_name",
            "canonical_hosted_zone_name_id",
            "created_time",
            "instances",
            "source_security_group",
        ),
        details=(
            Detail(
                attribute="tags",
                operation="DescribeTags",
                arguments={"LoadBalancerNames": "LoadBalancerName"},
                result="TagDescriptions[].Tags",
            ),
            Detail(
                attribute="attributes",
                operation="DescribeLoadBalancerAttributes",
                arguments={"LoadBalancerName": "LoadBalancerName"},
                result="LoadBalancerAttributes",
            ),
        ),
        transform=_flat,
    ),
)
