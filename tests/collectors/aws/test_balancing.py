"""Load balancers, target groups and Auto Scaling groups against a stand-in server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from auditor.model import GapReason
from collectors.aws._listeners import _action, _condition
from tests.collectors.aws.faulty import Fault, denied, faulty
from tests.collectors.aws.reading import client, moto, read

BALANCER = "aws.elasticloadbalancingv2.load_balancer"
TARGETS = "aws.elasticloadbalancingv2.target_group"
SCALING = "aws.autoscaling.group"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """One application load balancer with a redirect, a TLS listener and a rule; one group with a policy."""
    with moto() as address:
        ec2, elbv2 = client("ec2", address), client("elbv2", address)
        vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]][:2]
        tags = [{"Key": "team", "Value": "shop"}]
        balancer = elbv2.create_load_balancer(Name="web", Subnets=subnets, Scheme="internal", Tags=tags)[
            "LoadBalancers"
        ][0]
        targets = elbv2.create_target_group(
            Name="web-tg", Protocol="HTTP", Port=8080, VpcId=vpc, HealthCheckPath="/health", Tags=tags
        )["TargetGroups"][0]["TargetGroupArn"]
        certificate = client("acm", address).request_certificate(DomainName="web.example.com")["CertificateArn"]
        _listen(elbv2, balancer["LoadBalancerArn"], targets, certificate)
        _scale(client("autoscaling", address), subnets, targets)
        yield address


def _listen(elbv2: Any, balancer: str, targets: str, certificate: str) -> None:
    redirect = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    elbv2.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "redirect", "RedirectConfig": redirect}],
    )
    secure = elbv2.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTPS",
        Port=443,
        SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
        Certificates=[{"CertificateArn": certificate}],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": targets}],
    )["Listeners"][0]["ListenerArn"]
    elbv2.create_rule(
        ListenerArn=secure,
        Priority=10,
        Conditions=[{"Field": "path-pattern", "Values": ["/api/*"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": targets}],
    )


def _scale(scaling: Any, subnets: list[str], targets: str) -> None:
    scaling.create_launch_configuration(LaunchConfigurationName="web", ImageId="ami-12345678", InstanceType="t3.micro")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="web",
        LaunchConfigurationName="web",
        MinSize=1,
        MaxSize=4,
        DesiredCapacity=2,
        VPCZoneIdentifier=",".join(subnets),
        TargetGroupARNs=[targets],
        HealthCheckType="ELB",
        HealthCheckGracePeriod=60,
    )
    scaling.put_scaling_policy(
        AutoScalingGroupName="web", PolicyName="up", AdjustmentType="ChangeInCapacity", ScalingAdjustment=1
    )
    scaling.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["Launch"])


def test_a_load_balancer_shows_listeners_policies_rules_and_attributes(url: str) -> None:
    """What a request meets, in the balancer's own terms, without the ids that it is made of."""
    seen = read(BALANCER, url)
    assert seen.failed is None
    assert seen.gaps == ()
    web = seen.named("web")
    (targets,) = read(TARGETS, url).resources
    redirect = {"protocol": "HTTPS", "port": "443", "status_code": "HTTP_301"}
    assert web.attributes["listeners"] == [
        {
            "protocol": "HTTP",
            "port": 80,
            "default_actions": [{"type": "redirect", "redirect_config": redirect}],
        },
        {
            "protocol": "HTTPS",
            "port": 443,
            "ssl_policy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
            "certificates": 1,
            "default_actions": [{"type": "forward", "target_group": targets.location}],
        },
    ]
    assert web.attributes["rules"] == [
        {
            "listener": "HTTPS:443",
            "conditions": "path-pattern is /api/*",
            "priority": 10,
            "actions": [{"type": "forward", "target_group": targets.location}],
        }
    ]
    assert web.attributes["attributes"]["deletion_protection.enabled"] == "false"
    assert web.attributes["scheme"] == "internal"
    assert len(web.attributes["availability_zones"]) == len(web.attributes["subnets"]) == 2
    assert web.tags == {"team": "shop"}
    assert not {"dns_name", "created_time", "state", "load_balancer_arn"} & set(web.attributes)
    assert any(ref.endswith("elb.amazonaws.com") for ref in web.refs)


def test_a_target_group_shows_its_health_check_and_attributes(url: str) -> None:
    """Its ARN is a handle, not an attribute."""
    (group,) = read(TARGETS, url).resources
    assert (group.identity, group.tags) == ("web-tg", {"team": "shop"})
    assert group.attributes["port"] == 8080
    assert group.attributes["health_check_path"] == "/health"
    assert group.attributes["attributes"]["deregistration_delay.timeout_seconds"] == "300"
    assert "target_group_arn" not in group.attributes
    assert group.location is not None
    assert group.location in group.refs


def test_denied_rules_leave_the_listeners(url: str) -> None:
    """Rules and listeners are asked for apart, so they fail apart."""
    with faulty(url, Fault(denied(), operation="DescribeRules")) as proxy:
        seen = read(BALANCER, proxy.endpoint_url)
    (gap,) = seen.gaps
    assert (gap.resource, gap.attribute, gap.reason) == ("web", "rules", GapReason.ACCESS_DENIED)
    assert len(seen.named("web").attributes["listeners"]) == 2
    assert "rules" not in seen.named("web").attributes


def test_denied_tags_are_a_gap_of_the_tags(url: str) -> None:
    """Without its tags the balancer is still a balancer."""
    with faulty(url, Fault(denied(), operation="DescribeTags", service="elasticloadbalancing")) as proxy:
        seen = read(BALANCER, proxy.endpoint_url)
    assert [(gap.resource, gap.attribute) for gap in seen.gaps] == [("web", "tags")]
    assert seen.named("web").tags == {}


def test_an_auto_scaling_group_shows_capacity_and_policies_and_no_instances(url: str) -> None:
    """Sizes stay (a policy may call them normal); who is in service right now does not."""
    seen = read(SCALING, url)
    group = seen.named("web").attributes
    assert (group["min_size"], group["max_size"], group["desired_capacity"]) == (1, 4, 2)
    assert group["health_check_type"] == "ELB"
    assert group["suspended_processes"] == ["Launch"]
    assert len(group["subnets"]) == 2
    assert [policy["policy_name"] for policy in group["policies"]] == ["up"]
    assert not {"policy_arn", "alarms", "auto_scaling_group_name"} & set(group["policies"][0])
    assert not {"instances", "created_time", "auto_scaling_group_arn"} & set(group)


def test_conditions_read_like_a_sentence_whatever_their_shape() -> None:
    """They tell rules apart, so values are in a fixed order."""
    assert _condition({"Field": "host-header", "HostHeaderConfig": {"Values": ["b.example", "a.example"]}}) == (
        "host-header is a.example or b.example"
    )
    header = {"HttpHeaderName": "X-Beta", "Values": ["1"]}
    assert _condition({"Field": "http-header", "HttpHeaderConfig": header}) == "http-header:X-Beta is 1"
    query = {"Values": [{"Key": "v", "Value": "2"}, {"Value": "x"}]}
    assert _condition({"Field": "query-string", "QueryStringConfig": query}) == "query-string is =x or v=2"


def test_several_target_groups_keep_their_weights() -> None:
    """A split of the traffic is a setting; the weight of a lone group is none."""
    two = [{"target_group_arn": "a", "weight": 90}, {"target_group_arn": "b", "weight": 10}]
    sticky = {"enabled": True, "duration_seconds": 60}
    action = {"type": "forward", "order": 1, "forward_config": {"target_groups": two}}
    assert _action(action) == {"type": "forward", "target_groups": two}
    one = {"target_groups": two[:1], "target_group_stickiness_config": sticky}
    assert _action({"type": "forward", "forward_config": one}) == {
        "type": "forward",
        "target_group": "a",
        "stickiness": sticky,
    }
