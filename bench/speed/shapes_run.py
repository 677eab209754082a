"""What APIs answer of what runs: fleets, groups, templates, tasks, functions, and what watches them."""

from __future__ import annotations

from bench.speed.shapes import Answer, Service, Shape, Turn, answer


def _environment(service: Service, turn: Turn, count: int) -> dict[str, str]:
    plain = {
        "APP_ENV": service.word,
        "DATABASE_HOST": f"db.{service.host}",
        "CACHE_HOST": f"cache.{service.host}",
        "QUEUE_URL": f"https://sqs.{service.region}.amazonaws.com/{service.account}/{service.full}",
        "BUCKET": f"acme-{service.full}",
        "LOG_LEVEL": "info",
        "WORKERS": str(4 + turn.number(0, 8) + 40 * bool(turn.drift) + turn.drift),
    }
    return plain | {f"FEATURE_{at:02}_LIMIT": str(100 * at + turn.number(at, 90)) for at in range(count)}


def fleet(service: Service, turn: Turn) -> Answer:
    attributes = {
        "ami_names": [f"acme-base-2026.{3 + turn.release:02}.1"],
        "architectures": ["x86_64"],
        "count": 3,
        "ebs_optimized": True,
        "iam_instance_profile": service.arn("iam", f"instance-profile/{service.full}", everywhere=True),
        "instance_types": ["m6i.2xlarge" if turn.drift else "m6i.large"],
        "key_name": None,
        "metadata_options": {
            "http_endpoint": "enabled",
            "http_protocol_ipv6": "disabled",
            "http_put_response_hop_limit": 1,
            "http_tokens": "required",
            "instance_metadata_tags": "disabled",
        },
        "monitoring": "enabled",
        "platforms": ["Linux/UNIX"],
        "public_addresses": False,
        "purchasing": ["on-demand"],
        "security_groups": [service.group],
        "subnets": service.subnets,
        "source_dest_check": True,
        "tenancy": "default",
        "volumes": [
            {
                "device": device,
                "encrypted": True,
                "iops": [3000],
                "sizes_gib": [40 + turn.number(at, 60)],
                "throughput_mib": [125],
                "types": ["gp3"],
                "kms_key_id": service.key,
            }
            for at, device in enumerate(("root", "/dev/sdf", "/dev/sdg", "/dev/sdh"))
        ],
    }
    return answer(service, service.full, attributes, [f"i-{service.ids[at : at + 17]}" for at in (3, 20, 37)])


def launch_template(service: Service, turn: Turn) -> Answer:
    data = {
        "ami_name": f"acme-base-2026.{3 + turn.release:02}.1",
        "instance_type": "m6i.2xlarge" if turn.drift else "m6i.large",
        "ebs_optimized": True,
        "iam_instance_profile": service.arn("iam", f"instance-profile/{service.full}", everywhere=True),
        "metadata_options": {"http_endpoint": "enabled", "http_tokens": "required"},
        "security_group_ids": [service.group],
        "block_device_mappings": [
            {
                "device_name": device,
                "ebs": {"encrypted": True, "volume_size": 40, "volume_type": "gp3", "kms_key_id": service.key},
            }
            for device in ("/dev/xvda", "/dev/sdf", "/dev/sdg")
        ],
        "tag_specifications": [
            {
                "resource_type": what,
                "tags": {
                    "environment": service.word,
                    "service": service.name,
                    "team": "platform",
                    "repository": f"acme/{service.name}",
                },
            }
            for what in ("instance", "volume", "network-interface")
        ],
    }
    attributes = {"default_version": "latest", "data": data}
    return answer(service, service.full, attributes, [f"lt-{service.ids[54:71]}"])


def scaling_group(service: Service, turn: Turn) -> Answer:
    attributes = {
        "availability_zones": [f"{service.region}{zone}" for zone in "abc"],
        "capacity_rebalance": False,
        "default_cooldown": 300 + turn.release,
        "desired_capacity": 3,
        "enabled_metrics": ["GroupDesiredCapacity", "GroupInServiceInstances", "GroupTotalInstances"],
        "health_check_grace_period": 900 + turn.drift if turn.drift else 300,
        "health_check_type": "ELB",
        "launch_template": {"launch_template_name": service.full, "version": "$Latest"},
        "load_balancer_names": [],
        "max_size": 9,
        "min_size": 3,
        "new_instances_protected_from_scale_in": False,
        "policies": [
            {
                "policy_name": f"by-{metric}",
                "policy_type": "TargetTrackingScaling",
                "target_tracking_configuration": {
                    "predefined_metric_specification": {"predefined_metric_type": f"ASGAverage{metric}"},
                    "target_value": 50.0 + turn.number(at, 20),
                    "disable_scale_in": False,
                },
            }
            for at, metric in enumerate(("CPUUtilization", "NetworkIn", "NetworkOut"))
        ],
        "service_linked_role_arn": service.arn(
            "iam",
            "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
            everywhere=True,
        ),
        "subnets": service.subnets,
        "suspended_processes": [],
        "target_group_arns": [service.targets],
        "termination_policies": ["OldestLaunchTemplate", "Default"],
    }
    ids = service.ids
    unique = f"{ids[:8]}-{ids[8:12]}-4{ids[13:16]}-a{ids[17:20]}-{ids[20:32]}"
    arn = service.arn("autoscaling", f"autoScalingGroup:{unique}:autoScalingGroupName/{service.full}")
    return answer(service, service.full, attributes, [arn])


def ecs_service(service: Service, turn: Turn) -> Answer:
    attributes = {
        "deployed_at": f"2026-05-{1 + turn.number(0, 27):02}T08:{turn.number(1, 60):02}:00+00:00",
        "deployment_configuration": {
            "deployment_circuit_breaker": {"enable": True, "rollback": True},
            "maximum_percent": 200,
            "minimum_healthy_percent": 50 if turn.drift else 100,
            "strategy": "ROLLING",
        },
        "deployment_controller": {"type": "ECS"},
        "desired_count": 3 + turn.release,
        "enable_ecs_managed_tags": True,
        "enable_execute_command": False,
        "health_check_grace_period_seconds": 60,
        "launch_type": "FARGATE",
        "platform_version": "1.4.0",
        "load_balancers": [
            {"container_name": service.name, "container_port": 8080 + at, "target_group_arn": service.targets}
            for at in range(2)
        ],
        "network_configuration": {
            "awsvpc_configuration": {
                "assign_public_ip": "DISABLED",
                "security_groups": [service.group],
                "subnets": service.subnets,
            }
        },
        "propagate_tags": "SERVICE",
        "role_arn": service.role,
        "scheduling_strategy": "REPLICA",
        "service_registries": [],
        "task_definition": service.full,
        "log_groups": [f"/ecs/{service.full}/{part}" for part in ("app", "proxy", "agent", "audit", "access")],
        "dependencies": [f"https://{word}.{service.host}/v2" for word in ("users", "stock", "rates", "mail", "search")],
    }
    arn = service.arn("ecs", f"service/{service.full}/{service.name}")
    return answer(service, f"{service.full}/{service.name}", attributes, [arn], component=service.name)


def task_definition(service: Service, turn: Turn) -> Answer:
    container = {
        "cpu": 0,
        "environment": _environment(service, turn, 18),
        "essential": True,
        "image": f"{service.account}.dkr.ecr.{service.region}.amazonaws.com/acme/{service.name}:3.8.{turn.release}",
        "log_configuration": {
            "log_driver": "awslogs",
            "options": {
                "awslogs-group": f"/ecs/{service.full}",
                "awslogs-region": service.region,
                "awslogs-stream-prefix": "ecs",
            },
        },
        "port_mappings": {"8080/tcp": {"container_port": 8080, "host_port": 8080, "protocol": "tcp"}},
        "privileged": False,
        "readonly_root_filesystem": True,
        "secrets": {
            "DATABASE_PASSWORD": service.arn("secretsmanager", f"secret:{service.word}/{service.name}/database"),
            "SIGNING_KEY": service.arn("ssm", f"parameter/{service.word}/{service.name}/signing-key"),
        },
    }
    attributes = {
        "container_definitions": {service.name: container},
        "cpu": 512,
        "memory": 1024,
        "execution_role_arn": service.role,
        "task_role_arn": service.role,
        "network_mode": "awsvpc",
        "requires_compatibilities": ["FARGATE"],
        "volumes": {},
    }
    arn = service.arn("ecs", f"task-definition/{service.full}:{12 + turn.release}")
    return answer(service, service.full, attributes, [arn], component=service.name)


def function(service: Service, turn: Turn) -> Answer:
    code = f"{turn.digits[64:104]}{turn.release:02x}"
    attributes = {
        "aliases": {"live": {"code_sha256": code, "version": str(7 + turn.release)}},
        "architectures": ["arm64"],
        "code_sha256": code,
        "dead_letter_config": {"target_arn": service.arn("sqs", f"{service.full}-failed")},
        "description": f"What {service.name} does on demand",
        "environment": _environment(service, turn, 16),
        "ephemeral_storage": {"size": 512},
        "handler": "app.handler",
        "image_config": {},
        "kms_key_arn": service.key,
        "layers": {},
        "memory_size": 1024,
        "package_type": "Zip",
        "reserved_concurrent_executions": None,
        "role": service.role,
        "runtime": "python3.12",
        "snap_start": {"apply_on": "None"},
        "timeout": 30,
        "tracing_config": {"mode": "Active"},
        "vpc_config": {"security_group_ids": [service.group], "subnet_ids": service.subnets},
    }
    return answer(
        service,
        service.full,
        attributes,
        [service.arn("lambda", f"function:{service.full}")],
        component=service.name,
    )


def alarm(service: Service, turn: Turn) -> Answer:
    topic = service.arn("sns", f"{service.full}-alarms")
    attributes = {
        "actions_enabled": True,
        "alarm_actions": [topic],
        "ok_actions": [topic],
        "insufficient_data_actions": [],
        "alarm_description": f"{service.name} answers with errors. Look at https://runbooks.acme.example/{service.name}/errors",
        "comparison_operator": "GreaterThanThreshold",
        "datapoints_to_alarm": 3,
        "evaluation_periods": 5,
        "metrics": [
            {
                "id": f"m{at}",
                "return_data": at == 0,
                "metric_stat": {
                    "metric": {
                        "namespace": "AWS/ApplicationELB",
                        "metric_name": f"HTTPCode_Target_{at}XX_Count",
                        "dimensions": [
                            {"name": "LoadBalancer", "value": f"app/{service.full}"},
                            {"name": "TargetGroup", "value": f"targetgroup/{service.full}"},
                        ],
                    },
                    "period": 60,
                    "stat": "Sum",
                },
            }
            for at in range(4)
        ],
        "threshold": 5.0 + turn.number(0, 50) + 1000 * bool(turn.drift) + turn.drift + turn.release,
        "treat_missing_data": "notBreaching",
    }
    identity = f"{service.full}-errors"
    return answer(service, identity, attributes, [service.arn("cloudwatch", f"alarm:{identity}")])


SHAPES: dict[str, Shape] = {
    "aws.ec2.fleet": fleet,
    "aws.ec2.launch_template": launch_template,
    "aws.autoscaling.group": scaling_group,
    "aws.ecs.service": ecs_service,
    "aws.ecs.task_definition": task_definition,
    "aws.lambda.function": function,
    "aws.cloudwatch.alarm": alarm,
}
