"""What APIs answer of twenty kinds, about 2 kB each: this file has the words they share, and network and security.

An answer holds what a collector needs to make a resource of it, already under the names that the product uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

Answer: TypeAlias = dict[str, Any]
NEWCOMERS = "aws.ec2.security_group"
"""Others refer to one of these by its id."""


@dataclass(frozen=True, slots=True)
class Service:
    """What one service's resources have in common in one environment. `ids` are 128 hex digits to make ids of."""

    name: str
    number: int
    word: str
    account: str
    region: str
    ids: str

    @property
    def full(self) -> str:
        return f"{self.name}-{self.word}"

    @property
    def group(self) -> str:
        return f"sg-{self.ids[:17]}"

    @property
    def vpc(self) -> str:
        return f"vpc-{self.ids[17:34]}"

    @property
    def subnets(self) -> list[str]:
        return [f"subnet-{self.ids[at : at + 17]}" for at in (34, 51, 68)]

    @property
    def host(self) -> str:
        return f"{self.name}.{self.word}.acme.internal"

    def arn(self, service: str, rest: str, *, everywhere: bool = False) -> str:
        return f"arn:aws:{service}:{'' if everywhere else self.region}:{self.account}:{rest}"

    @property
    def role(self) -> str:
        return self.arn("iam", f"role/{self.full}", everywhere=True)

    @property
    def targets(self) -> str:
        return self.arn("elasticloadbalancing", f"targetgroup/{self.full}/{self.ids[85:101]}")

    @property
    def key(self) -> str:
        ids = self.ids
        return self.arn("kms", f"key/{ids[:8]}-{ids[8:12]}-4{ids[13:16]}-8{ids[17:20]}-{ids[20:32]}")


@dataclass(frozen=True, slots=True)
class Turn:
    """One resource's own: `digits` are 128 hex digits, the same on both sides; `drift` and `release` say in which edition
    it was changed, 0 for never."""

    digits: str
    drift: int = 0
    release: int = 0

    def number(self, at: int, below: int) -> int:
        """0 to `below` - 1, another for every `at`."""
        return int(self.digits[at : at + 4], 16) % below


Shape: TypeAlias = Callable[[Service, Turn], Answer]


def answer(service: Service, identity: str, attributes: Answer, refs: list[str], **more: Any) -> Answer:
    tags = {
        "environment": service.word,
        "service": service.name,
        "team": ("orders", "shop", "media", "data")[service.number % 4],
        "cost-centre": f"cc-{1000 + service.number % 90}",
        "managed-by": "terraform",
        "terraform-workspace": f"{service.word}-{service.region}",
        "repository": f"acme/{service.name}",
        "data-class": ("internal", "confidential")[service.number % 2],
        "on-call": f"https://oncall.acme.example/{service.name}",
        "tier": ("one", "two", "three")[service.number % 3],
    }
    return {"identity": identity, "attributes": attributes, "refs": refs, "tags": tags, **more}


def security_group(service: Service, turn: Turn) -> Answer:
    rules = [
        {
            "description": f"From {service.name} number {at}",
            "direction": "ingress",
            "protocol": "tcp",
            "ports": str(8000 + 7 * at + turn.number(at, 5)),
            "source": f"10.{40 + at}.{turn.number(at + 4, 250)}.0/24" if at % 3 else service.group,
        }
        for at in range(11)
    ]
    if turn.drift:
        rules[0] = {**rules[0], "ports": str(9500 + turn.drift)}
    if turn.release:
        rules.append({**rules[1], "ports": str(9700 + turn.release)})
    rules.append({"description": None, "direction": "egress", "protocol": "all", "ports": "all", "source": "0.0.0.0/0"})
    attributes = {"description": f"What reaches {service.name}", "rules": rules, "vpc_id": service.vpc}
    refs = [service.group, service.arn("ec2", f"security-group/{service.group}")]
    return answer(service, service.full, attributes, refs)


def load_balancer(service: Service, turn: Turn) -> Answer:
    forward = {"type": "forward", "target_group": service.targets}
    attributes = {
        "attributes": {
            "access_logs.s3.enabled": "true",
            "access_logs.s3.bucket": f"acme-logs-{service.word}-{service.region}",
            "access_logs.s3.prefix": service.name,
            "deletion_protection.enabled": "true",
            "idle_timeout.timeout_seconds": str(60 + turn.release + 900 * bool(turn.drift) + turn.drift),
            "load_balancing.cross_zone.enabled": "true",
            "routing.http.drop_invalid_header_fields.enabled": "true",
            "routing.http.desync_mitigation_mode": "defensive",
            "routing.http2.enabled": "true",
            "waf.fail_open.enabled": "false",
        },
        "availability_zones": [f"{service.region}{zone}" for zone in "abc"],
        "ip_address_type": "ipv4",
        "scheme": "internal",
        "type": "application",
        "security_groups": [service.group],
        "subnets": service.subnets,
        "vpc_id": service.vpc,
        "listeners": [
            {
                "protocol": "HTTPS",
                "port": 443,
                "ssl_policy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
                "certificates": 1,
                "default_actions": [forward],
            }
        ],
        "rules": [
            {
                "listener": "HTTPS:443",
                "conditions": f"path-pattern is /{service.name}/v{at}/*",
                "priority": 10 + at,
                "actions": [forward],
            }
            for at in range(3)
        ],
    }
    suffix = service.ids[101:117]
    refs = [
        service.arn("elasticloadbalancing", f"loadbalancer/app/{service.full}/{suffix}"),
        f"internal-{service.full}-{turn.number(0, 10**6)}.{service.region}.elb.amazonaws.com",
    ]
    return answer(service, service.full, attributes, refs)


def target_group(service: Service, turn: Turn) -> Answer:
    attributes = {
        "attributes": {
            "deregistration_delay.timeout_seconds": str(300 + turn.drift + turn.release),
            "load_balancing.algorithm.type": "round_robin",
            "load_balancing.algorithm.anomaly_mitigation": "off",
            "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
            "slow_start.duration_seconds": "0",
            "stickiness.enabled": "false",
            "stickiness.type": "lb_cookie",
            "stickiness.lb_cookie.duration_seconds": "86400",
            "stickiness.app_cookie.duration_seconds": "86400",
            "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
            "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
            "waf.fail_open.enabled": "false",
        },
        "health_check_enabled": True,
        "health_check_interval_seconds": 30,
        "health_check_path": f"/{service.name}/healthz",
        "health_check_port": "traffic-port",
        "health_check_protocol": "HTTP",
        "health_check_timeout_seconds": 5,
        "healthy_threshold_count": 5,
        "unhealthy_threshold_count": 2,
        "ip_address_type": "ipv4",
        "matcher": {"http_code": "200"},
        "port": 8080 + turn.number(0, 20),
        "protocol": "HTTP",
        "protocol_version": "HTTP1",
        "target_type": "ip",
        "load_balancers": [
            service.arn("elasticloadbalancing", f"loadbalancer/app/{service.full}/{service.ids[101:117]}")
        ],
        "vpc_id": service.vpc,
    }
    return answer(service, service.full, attributes, [service.targets])


def subnet(service: Service, turn: Turn) -> Answer:
    attributes = {
        "availability_zone": f"{service.region}a",
        "available_addresses": "most",
        "cidr_size": 24 + bool(turn.drift),
        "map_public_ip_on_launch": False,
        "assign_ipv6_address_on_creation": bool(turn.release),
        "enable_dns64": False,
        "private_dns_name_options_on_launch": {"hostname_type": "ip-name", "enable_resource_name_dns_a_record": False},
        "vpc_id": service.vpc,
        "routes": [
            {
                "destination": f"10.{at}.0.0/16",
                "target": service.arn("networkmanager", f"attachment/{service.full}-{at}"),
            }
            for at in range(8)
        ],
        "notes": [
            f"{service.name} reaches {word} through the transit gateway" for word in ("billing", "search", "mail")
        ],
    }
    return answer(service, f"{service.full}-a", attributes, [service.subnets[0]])


def role(service: Service, turn: Turn) -> Answer:
    actions = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"] + ["sqs:PurgeQueue"] * bool(turn.drift)
    more = [f"s3:GetObjectVersion{turn.release}"] if turn.release else []
    statements = [
        {"effect": "Allow", "action": actions, "resource": [service.arn("sqs", service.full)]},
        {
            "effect": "Allow",
            "action": ["s3:GetObject", "s3:PutObject", *more],
            "resource": [f"arn:aws:s3:::acme-{service.full}/*"],
        },
        {
            "effect": "Allow",
            "action": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"],
            "resource": [service.arn("dynamodb", f"table/{service.full}")],
        },
        {"effect": "Allow", "action": ["kms:Decrypt", "kms:GenerateDataKey"], "resource": [service.key]},
        {
            "effect": "Allow",
            "action": ["secretsmanager:GetSecretValue"],
            "resource": [service.arn("secretsmanager", f"secret:{service.word}/{service.name}/*")],
        },
        {
            "effect": "Allow",
            "action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "resource": [service.arn("logs", f"log-group:/ecs/{service.full}:*")],
        },
    ]
    trust = [{"effect": "Allow", "principal": {"service": ["ecs-tasks.amazonaws.com"]}, "action": ["sts:AssumeRole"]}]
    attributes = {
        "path": "/",
        "description": f"What {service.name} may do",
        "max_session_duration": 3600,
        "trust": {"statements": trust},
        "attached_policies": ["arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"],
        "inline_policies": {service.name: {"statements": statements}},
    }
    return answer(service, service.full, attributes, [service.role])


SHAPES: dict[str, Shape] = {
    "aws.ec2.security_group": security_group,
    "aws.elasticloadbalancingv2.load_balancer": load_balancer,
    "aws.elasticloadbalancingv2.target_group": target_group,
    "aws.ec2.subnet": subnet,
    "aws.iam.role": role,
}
