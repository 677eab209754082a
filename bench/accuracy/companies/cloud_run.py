"""What runs in AWS, and how it is reached: networks, load balancers, containers, functions, machines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bench.accuracy.companies.cloud_data import item
from bench.accuracy.companies.estate import Plan, Service, World
from bench.accuracy.companies.naming import Side
from bench.accuracy.companies.settings import plain, secrets, uuid
from bench.accuracy.companies.words import RUNTIMES

_TLS = (
    "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    "ELBSecurityPolicy-FS-1-2-Res-2020-10",
)
_MACHINES = ("m6i.large", "c6i.xlarge", "m7g.large", "t3.medium", "r6i.large")


def build(plan: Plan, side: Side, world: World, region: str) -> None:
    _network(side, world, region)
    contained = [service for service in plan.services if service.runs_on == "ecs"]
    if contained:
        _balancer(plan, side, world, region, contained)
        for module in sorted({plan.pick(plan.modules, "module", service.name) for service in contained}):
            name = side.name(module, f"cluster/{module}", region)
            doc = {
                "settings": [{"name": "containerInsights", "value": "enabled"}],
                "capacity_providers": ["FARGATE", "FARGATE_SPOT"],
            }
            world.add(
                item(
                    side,
                    region,
                    f"cluster/{module}",
                    "aws.ecs.cluster",
                    name,
                    doc,
                    side.arn("ecs", f"cluster/{name}", region),
                )
            )
        for service in contained:
            _service(plan, side, world, region, service)
    for what in plan.functions:
        _function(plan, side, world, region, what)
    for what in plan.fleets:
        _fleet(plan, side, world, region, what)


def cidr(side: Side) -> str:
    return f"10.{side.pick(20, 40) + side.naming.seed % 17}"


def _network(side: Side, world: World, region: str) -> None:
    block = cidr(side)
    web, data = side.id("sg", f"{region}/web"), side.id("sg", f"{region}/data")
    groups = {
        "web": [("tcp", "443", "0.0.0.0/0", "the world"), ("tcp", "80", "0.0.0.0/0", None)],
        "data": [
            ("tcp", "5432", web, None),
            ("tcp", "6379", web, None),
            ("tcp", "5432", f"{block}.0.0/16", "operations"),
        ],
        "services": [("tcp", "8080", web, None), ("tcp", "9100", f"{block}.0.0/16", "metrics")],
    }
    for what, rules in groups.items():
        name = side.name(what, f"sg/{what}", region)
        shown = [
            {"direction": "ingress", "protocol": protocol, "ports": ports, "source": source, "description": about}
            for protocol, ports, source, about in rules
        ]
        shown.append(
            {"direction": "egress", "protocol": "all", "ports": "all", "source": "0.0.0.0/0", "description": None}
        )
        own = {"web": web, "data": data}.get(what, side.id("sg", f"{region}/{what}"))
        doc = {"vpc_id": side.id("vpc", region), "description": what, "rules": shown}
        arn = side.arn("ec2", f"security-group/{own}", region)
        world.add(item(side, region, f"sg/{what}", "aws.ec2.security_group", name, doc, arn, own))


def _balancer(plan: Plan, side: Side, world: World, region: str, services: list[Service]) -> None:
    name = side.plain_name("public", "alb")
    subnets = [side.id("subnet", f"{region}/{n}") for n in (1, 2)]
    web = [service for service in services if service.web]
    default = web[0] if web else services[0]
    rules = [
        {
            "listener": "HTTPS:443",
            "conditions": f"path-pattern is /{service.name}/*",
            "priority": 10 * (number + 1),
            "actions": [{"type": "forward", "target_group": _target_arn(side, region, service)}],
        }
        for number, service in enumerate(web)
    ]
    doc = {
        "vpc_id": side.id("vpc", region),
        "type": "application",
        "scheme": "internet-facing",
        "security_groups": [side.id("sg", f"{region}/web")],
        "ip_address_type": "ipv4",
        "attributes": {
            "access_logs.s3.enabled": "true",
            "access_logs.s3.bucket": side.bucket("access-logs"),
            "access_logs.s3.prefix": "",
            "deletion_protection.enabled": "true",
            "idle_timeout.timeout_seconds": str(plan.pick((60, 120), "idle")),
            "routing.http.drop_invalid_header_fields.enabled": "true",
            "load_balancing.cross_zone.enabled": "true",
        },
        "listeners": [
            {
                "protocol": "HTTP", "port": 80,
                "default_actions": [{"type": "redirect", "redirect_config": {"protocol": "HTTPS", "port": "443", "status_code": "HTTP_301"}}],
            },
            {
                "protocol": "HTTPS", "port": 443, "certificates": 1, "ssl_policy": plan.pick(_TLS, "tls"),
                "default_actions": [{"type": "forward", "target_group": _target_arn(side, region, default)}],
            },
        ],
        "rules": rules[:: side.pick(1, -1)],
        "availability_zones": [f"{region}{zone}" for zone in side.pick("ab", "ba")],
        "subnets": subnets,
    }  # fmt: skip
    arn = side.arn("elasticloadbalancing", f"loadbalancer/app/{name}/{side.own('alb').getrandbits(64):016x}", region)
    host = f"{name}-{side.own('alb dns').randrange(10**8, 10**9)}.{region}.elb.amazonaws.com"
    world.add(item(side, region, "alb", "aws.elasticloadbalancingv2.load_balancer", name, doc, arn, host))
    for service in {service.name: service for service in (*web, default)}.values():
        _targets(plan, side, world, region, service)


def _target_arn(side: Side, region: str, service: Service) -> str:
    name = side.plain_name(service.name, f"tg/{service.name}")[:32].rstrip("-")
    return side.arn(
        "elasticloadbalancing",
        f"targetgroup/{name}/{side.own('tg', region, service.name).getrandbits(64):016x}",
        region,
    )


def _targets(plan: Plan, side: Side, world: World, region: str, service: Service) -> None:
    arn = _target_arn(side, region, service)
    doc = {
        "protocol": "HTTP",
        "port": 8080,
        "vpc_id": side.id("vpc", region),
        "health_check_protocol": "HTTP",
        "health_check_port": "traffic-port",
        "health_check_enabled": True,
        "health_check_interval_seconds": plan.pick((10, 30), "interval", service.name),
        "health_check_timeout_seconds": 5,
        "healthy_threshold_count": 3,
        "unhealthy_threshold_count": 2,
        "health_check_path": plan.pick(("/up", "/healthz", "/actuator/health"), "health", service.name),
        "matcher": {"http_code": "200"},
        "target_type": "ip",
        "protocol_version": "HTTP1",
        "ip_address_type": "ipv4",
        "attributes": {
            "deregistration_delay.timeout_seconds": plan.pick(("30", "120"), "drain", service.name),
            "stickiness.enabled": "false",
            "stickiness.type": "lb_cookie",
            "load_balancing.algorithm.type": "round_robin",
            "slow_start.duration_seconds": "0",
        },
    }
    world.add(
        item(side, region, f"tg/{service.name}", "aws.elasticloadbalancingv2.target_group", arn.split("/")[1], doc, arn)
    )


def deployed_at(side: Side, what: str) -> str:
    when = datetime(2026, 11, 20, 8, 0, tzinfo=UTC) + timedelta(minutes=side.own("deployed", what).randrange(3000))
    return when.isoformat()


def _service(plan: Plan, side: Side, world: World, region: str, service: Service) -> None:
    module = plan.pick(plan.modules, "module", service.name)
    cluster = side.name(module, f"cluster/{module}", region)
    name = side.name(service.name, f"service/{service.name}", region)
    family = side.name(service.name, f"service/{service.name}", region).replace(".", "-")
    balanced = service.web
    doc = {
        "load_balancers": [
            {"target_group_arn": _target_arn(side, region, service), "container_name": service.name, "container_port": 8080}
        ] if balanced else [],
        "service_registries": [],
        "desired_count": 2,
        "launch_type": "FARGATE",
        "platform_version": "1.4.0",
        "task_definition": family,
        "deployment_configuration": {
            "deployment_circuit_breaker": {"enable": True, "rollback": True},
            "maximum_percent": 200,
            "minimum_healthy_percent": 100,
        },
        "network_configuration": {
            "awsvpc_configuration": {
                "subnets": [side.id("subnet", f"{region}/{n}") for n in (1, 2)],
                "security_groups": [side.id("sg", f"{region}/services")],
                "assign_public_ip": "DISABLED",
            }
        },
        "health_check_grace_period_seconds": 60,
        "scheduling_strategy": "REPLICA",
        "deployment_controller": {"type": "ECS"},
        "propagate_tags": "SERVICE",
        "enable_execute_command": False,
        "deployed_at": deployed_at(side, service.name),
    }  # fmt: skip
    arn = side.arn("ecs", f"service/{cluster}/{name}", region)
    tags = {"team": plan.pick(("blue", "green", "core"), "team", service.name), "environment": side.token}
    world.add(
        item(side, region, f"service/{service.name}", "aws.ecs.service", f"{cluster}/{name}", doc, arn,
             parent=cluster, component=name, tags=tags)
    )  # fmt: skip
    task = _task(plan, side, region, service, family)
    arn = side.arn("ecs", f"task-definition/{family}:{side.own('revision', family).randrange(3, 400)}", region)
    world.add(
        item(side, region, f"task/{service.name}", "aws.ecs.task_definition", family, task, arn, component=family)
    )


def _task(plan: Plan, side: Side, region: str, service: Service, family: str) -> dict[str, Any]:
    references = {
        name: side.arn("ssm", f"parameter{side.path(service.name, name.lower().replace('_', '-'))}", region)
        for name in secrets(service, side)
    }
    kept = plain(plan, service, side)
    container = {
        "essential": True,
        "cpu": 0,
        "privileged": False,
        "readonly_root_filesystem": True,
        "image": f"{side.account}.dkr.ecr.{region}.amazonaws.com/{service.name}:{service.image}",
        "command": ["serve", "--port", "8080"],
        "environment": {name: value for name, value in kept.items() if "postgres://" not in value},
        "secrets": references,
        "log_configuration": {
            "log_driver": "awslogs",
            "options": {"awslogs-group": f"/ecs/{family}", "awslogs-region": region, "awslogs-stream-prefix": "ecs"},
        },
        "port_mappings": {"8080/tcp": {"protocol": "tcp", "container_port": 8080, "host_port": 8080}},
    }
    role = side.name(f"{service.name}-task", f"role/{service.name}", region)
    return {
        "execution_role_arn": f"arn:aws:iam::{side.account}:role/{side.name('ecs-execution', 'role/execution', region)}",
        "task_role_arn": f"arn:aws:iam::{side.account}:role/{role}",
        "network_mode": "awsvpc",
        "requires_compatibilities": ["FARGATE"],
        "runtime_platform": {
            "cpu_architecture": plan.pick(("X86_64", "ARM64"), "architecture"),
            "operating_system_family": "LINUX",
        },
        "cpu": 512,
        "memory": 1024,
        "enable_fault_injection": False,
        "container_definitions": {service.name: container},
    }


def _function(plan: Plan, side: Side, world: World, region: str, what: str) -> None:
    name = side.name(what, f"function/{what}", region).replace(".", "-")
    code = f"{plan.random('code', what).getrandbits(256):064x}"
    variables: dict[str, str] = {
        "LOG_LEVEL": "info",
        "BUCKET": side.bucket(what),
        "MAX_ITEMS": plan.pick(("100", "500"), "items", what),
        "OUTPUT_FORMAT": plan.pick(("parquet", "csv", "webp"), "format", what),
        "FEATURE_PARALLEL": plan.pick(("true", "false"), "parallel", what),
        "TARGET_URL": f"https://{side.host('hooks')}/{what}",
        "STAGE": side.token,
    }
    doc = {
        "runtime": plan.pick(RUNTIMES, "runtime", what),
        "role": f"arn:aws:iam::{side.account}:role/{name}",
        "handler": "app.handler",
        "description": f"{what} ({side.environment})",
        "timeout": plan.pick((15, 30, 60), "timeout", what),
        "memory_size": plan.pick((256, 512, 1024), "memory", what),
        "code_sha256": code,
        "tracing_config": {"mode": "Active"},
        "layers": {"otel": {"version": 7}},
        "package_type": "Zip",
        "architectures": ["arm64"],
        "ephemeral_storage": {"size": 512},
        "snap_start": {"apply_on": "None"},
        "aliases": {"live": {"version": str(side.own("version", what).randrange(3, 90)), "code_sha256": code}},
        "reserved_concurrent_executions": None,
        "environment": variables,
        "image_config": {},
        "vpc_config": {},
        "dead_letter_config": {"target_arn": side.arn("sqs", side.plain_name(f"{what}-dead"), region)},
    }
    arn = side.arn("lambda", f"function:{name}", region)
    world.add(item(side, region, f"function/{what}", "aws.lambda.function", name, doc, arn, component=name))


def _fleet(plan: Plan, side: Side, world: World, region: str, what: str) -> None:
    name = side.name(what, f"fleet/{what}", region)
    machine = plan.pick(_MACHINES, "machine", what)
    group = side.id("sg", f"{region}/services")
    image = f"{plan.naming.company}-{what}-{plan.pick(('2026.09', '2026.10', '7.2'), 'ami', what)}"
    template = {
        "data": {
            "block_device_mappings": [
                {"device_name": "/dev/xvda", "ebs": {"encrypted": True, "volume_size": 30, "volume_type": "gp3"}}
            ],
            "instance_type": machine,
            "user_data": f"#!/bin/sh\nexport STAGE={side.token}\nsystemctl start {what}\n",
            "security_group_ids": [group],
            "iam_instance_profile": {"name": side.name(f"{what}-node", f"role/{what}", region)},
            "metadata_options": {"http_tokens": "required", "http_endpoint": "enabled"},
            "monitoring": {"enabled": True},
        },
        "ami_name": image,
    }
    world.add(
        item(side, region, f"lt/{what}", "aws.ec2.launch_template", name, template, side.id("lt", f"{region}/{what}"))
    )
    scaling = {
        "launch_template": {"launch_template_name": name, "version": "$Latest"},
        "min_size": 2,
        "max_size": 6,
        "desired_capacity": 2,
        "default_cooldown": 300,
        "availability_zones": [f"{region}a", f"{region}b"],
        "load_balancer_names": [],
        "target_group_arns": [],
        "health_check_type": plan.pick(("EC2", "ELB"), "health type", what),
        "health_check_grace_period": 300,
        "suspended_processes": [],
        "enabled_metrics": [],
        "termination_policies": ["OldestInstance"],
        "new_instances_protected_from_scale_in": False,
        "service_linked_role_arn": f"arn:aws:iam::{side.account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
        "capacity_rebalance": False,
        "policies": [
            {
                "policy_name": "by-cpu", "policy_type": "TargetTrackingScaling", "step_adjustments": [],
                "target_tracking_configuration": {
                    "predefined_metric_specification": {"predefined_metric_type": "ASGAverageCPUUtilization"}, "target_value": 60.0,
                },
            }
        ],
        "subnets": [side.id("subnet", f"{region}/{n}") for n in (1, 2)],
    }  # fmt: skip
    arn = side.arn("autoscaling", f"autoScalingGroup:{uuid(side, what)}:autoScalingGroupName/{name}", region)
    world.add(item(side, region, f"asg/{what}", "aws.autoscaling.group", name, scaling, arn))
    fleet = {
        "count": 2,
        "instance_types": [machine],
        "architectures": ["arm64" if "g." in machine else "x86_64"],
        "platforms": ["Linux/UNIX"],
        "purchasing": ["on-demand"],
        "tenancy": "default",
        "metadata_options": {
            "http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1,
            "http_protocol_ipv6": "disabled", "instance_metadata_tags": "disabled",
        },
        "monitoring": "enabled",
        "ebs_optimized": True,
        "source_dest_check": True,
        "public_addresses": False,
        "security_groups": [group],
        "iam_instance_profile": side.name(f"{what}-node", f"role/{what}", region),
        "key_name": None,
        "ami_names": [image],
        "volumes": [{"device": "root", "types": ["gp3"], "sizes_gib": [30], "encrypted": True, "iops": [3000], "throughput_mib": [125]}],
    }  # fmt: skip
    world.add(
        item(
            side,
            region,
            f"fleet/{what}",
            "aws.ec2.fleet",
            name,
            fleet,
            side.id("i", f"{region}/{what}/1"),
            side.id("i", f"{region}/{what}/2"),
        )
    )
