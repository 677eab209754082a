"""The network: a VPC with subnets, security groups, a load balancer with its target groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditor.demo.company import REGION, Site

_TLS = {"staging": "ELBSecurityPolicy-TLS13-1-2-2021-06", "prod": "ELBSecurityPolicy-2016-08"}
_HEALTH = {"staging": "/health", "prod": "/healthz"}


@dataclass(frozen=True, slots=True)
class Network:
    """What the other services are put into: ids by what they are."""

    subnets: Sequence[str]
    groups: Mapping[str, str]
    targets: Mapping[str, str]


def build(site: Site, client: Callable[[str], Any]) -> Network:
    """Production has a third zone; the rest is alike but for the planted drifts."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock=f"{site.network}.0.0/16", TagSpecifications=_named("vpc", site.name("vpc")))
    vpc_id = vpc["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc_id,
            CidrBlock=f"{site.network}.{number}.0/24",
            AvailabilityZone=f"{REGION}{zone}",
            TagSpecifications=_named("subnet", f"{site.name('vpc')}-{zone}"),
        )["Subnet"]["SubnetId"]
        for number, zone in enumerate("abc" if site.prod else "ab")
    ]
    groups = _groups(site, ec2, vpc_id)
    return Network(subnets, groups, _balancer(site, client, vpc_id, subnets, groups["balancer-sg"]))


def _groups(site: Site, ec2: Any, vpc_id: str) -> dict[str, str]:
    groups = {
        what: ec2.create_security_group(
            GroupName=site.name(what),
            Description=about,
            VpcId=vpc_id,
            TagSpecifications=_named("security-group", site.name(what)),
        )["GroupId"]
        for what, about in (
            ("balancer-sg", "What the internet reaches"),
            ("service-sg", "Services behind the load balancer"),
            ("data-sg", "Databases and caches"),
            ("render-sg", "Media renderers"),
        )
    }
    _allow(ec2, groups["balancer-sg"], 80, cidr="0.0.0.0/0")
    _allow(ec2, groups["balancer-sg"], 443, cidr="0.0.0.0/0")
    _allow(ec2, groups["service-sg"], 8080, group=groups["balancer-sg"])
    for port in (5432, 3306, 6379):
        _allow(ec2, groups["data-sg"], port, group=groups["service-sg"])
    _allow(ec2, groups["data-sg"], 5432, cidr=f"{site.network}.0.0/16")
    _allow(ec2, groups["render-sg"], 9000, group=groups["service-sg"])
    if site.prod:
        # Opened one night during an incident, and forgotten.
        _allow(ec2, groups["render-sg"], 22, cidr="0.0.0.0/0")
    return groups


def _allow(ec2: Any, group_id: str, port: int, *, cidr: str = "", group: str = "") -> None:
    source = {"IpRanges": [{"CidrIp": cidr}]} if cidr else {"UserIdGroupPairs": [{"GroupId": group}]}
    rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source}
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[rule])


def _balancer(
    site: Site, client: Callable[[str], Any], vpc_id: str, subnets: Sequence[str], group: str
) -> dict[str, str]:
    elbv2 = client("elbv2")
    certificate = client("acm").request_certificate(DomainName=site.domain)["CertificateArn"]
    balancer = elbv2.create_load_balancer(
        Name=site.name("balancer"), Subnets=list(subnets), SecurityGroups=[group], Scheme="internet-facing"
    )["LoadBalancers"][0]["LoadBalancerArn"]
    elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=balancer,
        Attributes=[
            {"Key": "deletion_protection.enabled", "Value": str(site.prod).lower()},
            {"Key": "idle_timeout.timeout_seconds", "Value": "60"},
        ],
    )
    targets = {
        what: elbv2.create_target_group(
            Name=site.name(what),
            Protocol="HTTP",
            Port=8080,
            VpcId=vpc_id,
            TargetType="ip",
            HealthCheckPath=_HEALTH[site.environment] if what == "api" else "/health",
        )["TargetGroups"][0]["TargetGroupArn"]
        for what in ("storefront", "api", "checkout")
    }
    elbv2.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[
            {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}
        ],
    )
    https = elbv2.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTPS",
        Port=443,
        SslPolicy=_TLS[site.environment],
        Certificates=[{"CertificateArn": certificate}],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": targets["storefront"]}],
    )["Listeners"][0]["ListenerArn"]
    for priority, (what, path) in enumerate((("api", "/api/*"), ("checkout", "/checkout/*")), start=10):
        elbv2.create_rule(
            ListenerArn=https,
            Priority=priority,
            Conditions=[{"Field": "path-pattern", "Values": [path]}],
            Actions=[{"Type": "forward", "TargetGroupArn": targets[what]}],
        )
    return targets


def _named(resource: str, name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": resource, "Tags": [{"Key": "Name", "Value": name}]}]
