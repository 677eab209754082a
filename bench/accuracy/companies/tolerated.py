"""What rightly differs between an environment that rehearses and production: nobody wants to hear of it.

Production is larger, more redundant, better protected and longer kept; staging is more talkative; each has addresses,
contacts, clients and windows of its own. Applied before drifts are planted, which then may undo some of it.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from bench.accuracy.companies.estate import Both, Item, Variables, at, put, variables

_LARGER = {
    "db.t4g.medium": "db.t4g.large",
    "db.r6g.large": "db.r6g.2xlarge",
    "db.r6i.xlarge": "db.r6i.4xlarge",
    "db.m6g.large": "db.m6g.xlarge",
    "db.r7g.xlarge": "db.r7g.2xlarge",
    "cache.t4g.small": "cache.t4g.medium",
    "cache.r6g.large": "cache.r6g.xlarge",
    "cache.m7g.large": "cache.m7g.xlarge",
    "m6i.large": "m6i.2xlarge",
    "c6i.xlarge": "c6i.4xlarge",
    "m7g.large": "m7g.xlarge",
    "t3.medium": "t3.large",
    "r6i.large": "r6i.xlarge",
}
# kind -> path -> what each side has of it, drawn as a whole.
_VALUES: dict[str, dict[str, list[tuple[Any, Any]]]] = {
    "aws.rds.instance": {
        "multi_az": [(False, True)],
        "deletion_protection": [(False, True)],
        "backup_retention_period": [(1, 30), (7, 35)],
        "allocated_storage": [(20, 200), (50, 1000)],
        "monitoring_interval": [(0, 60)],
        "performance_insights_enabled": [(False, True)],
    },
    "aws.rds.cluster": {
        "deletion_protection": [(False, True)],
        "backup_retention_period": [(3, 35)],
        "members.readers": [(0, 2)],
    },
    "aws.elasticache.replication_group": {
        "automatic_failover": [("disabled", "enabled")],
        "multi_az": [("disabled", "enabled")],
        "snapshot_retention_limit": [(0, 7)],
        "node_groups.0001.nodes": [(1, 3)],
    },
    "aws.ecs.service": {"desired_count": [(1, 4), (2, 12)]},
    "aws.ecs.task_definition": {"cpu": [(256, 1024)], "memory": [(512, 4096)]},
    "aws.lambda.function": {
        "memory_size": [(256, 1024)],
        "reserved_concurrent_executions": [(5, 100)],
        "ephemeral_storage.size": [(512, 2048)],
    },
    "aws.autoscaling.group": {"min_size": [(1, 3)], "max_size": [(2, 20)], "desired_capacity": [(1, 4)]},
    "aws.ec2.fleet": {"count": [(1, 4)]},
    "aws.elasticloadbalancingv2.load_balancer": {
        "attributes.deletion_protection.enabled": [("false", "true")],
        "attributes.access_logs.s3.enabled": [("false", "true")],
    },
    "aws.secretsmanager.secret": {"rotation_enabled": [(False, True)]},
    "kubernetes.deployment": {"spec.replicas": [(1, 4)]},
    "kubernetes.horizontalpodautoscaler": {"spec.minReplicas": [(1, 3)], "spec.maxReplicas": [(3, 30)]},
    "compose.service": {
        "deploy.replicas": [(1, 3)],
        "deploy.resources.limits.memory": [("512M", "2G")],
        "deploy.resources.limits.cpus": [("0.5", "2")],
    },
    "terraform.variables": {
        "node_min_size": [(1, 3)],
        "node_max_size": [(3, 30)],
        "db_deletion_protection": [(False, True)],
        "backup_retention_days": [(1, 35)],
        "log_retention_days": [(7, 365)],
        "enable_waf": [(False, True)],
        "alarm_email": [("dev-null@example.org", "oncall@example.org")],
        "vpc_cidr": [("10.8.0.0/16", "172.20.0.0/16")],
    },
    "yaml.file": {
        "logging.level": [("debug", "info"), ("DEBUG", "warn")],
        "logging.retention_days": [(7, 90)],
        "database.pool_size": [(5, 50)],
        "mail.provider": [],
    },
    "json.file": {
        "logging.level": [("debug", "info")],
        "logging.retention_days": [(7, 90)],
        "database.pool_size": [(5, 50)],
    },
    "postgres.server": {
        "settings.max_connections": [(100, 1000)],
        "settings.shared_buffers": [("256MB", "16GB")],
        "settings.work_mem": [("4MB", "64MB")],
    },
}  # fmt: skip
_VARIABLES: dict[str, list[tuple[str, str]]] = {
    "LOG_LEVEL": [("debug", "info"), ("debug", "warn"), ("DEBUG", "INFO")],
    "DB_POOL_SIZE": [("5", "50")],
    "WORKERS": [("1", "8")],
    "DEBUG": [("true", "false")],
}
# Variables that each side may have with a value of its own.
_OWN: dict[str, tuple[str, str]] = {
    "SLACK_CHANNEL": ("#alerts-quiet", "#alerts"),
    "SUPPORT_EMAIL": ("support-test@example.org", "support@example.org"),
    "TRACES_SAMPLE_RATE": ("1.0", "0.1"),
    "PAYPAL_MODE": ("sandbox", "live"),
    "SALESFORCE_DOMAIN": ("test", "login"),
    "CONTACT_PHONE": ("+46 8 5550 0100", "+46 8 5550 0199"),
    "TEMPLATE_ID": ("5f2b9c1e-8a34-4c5e-9d11-0b2f7e6a1c01", "c7d8e9f0-1234-4abc-8def-5566778899aa"),
    "MAX_CONNECTIONS": ("50", "400"),
    "GUNICORN_WORKERS": ("2", "16"),
    "REPORTS_BASE_URL": ("https://reports.sandbox-partner.example", "https://reports.partner.example"),
}


def apply(both: Both, random: Random) -> None:
    """Let the two sides differ as two sides do."""
    for kind, paths in _VALUES.items():
        for left, right in both.pairs(kind):
            for path, choices in paths.items():
                if (
                    choices
                    and random.random() < 0.3
                    and _reads(left, path) is not None
                    and _reads(right, path) is not None
                ):
                    ours, theirs = random.choice(choices)
                    _write(left, path, ours)
                    _write(right, path, theirs)
    for place in variables(both):
        _talk(place, random)
    for name, change in _CHANGES.items():
        for left, right in both.pairs(*name.split()):
            if random.random() < 0.3:
                change(left, right, random)


def _reads(item: Item, path: str) -> Any:
    """As `at`, for attributes of load balancers, too, whose names hold dots."""
    if path.startswith("attributes."):
        return item.doc["attributes"].get(path.partition(".")[2])
    return at(item.doc, path)


def _write(item: Item, path: str, value: Any) -> None:
    if path.startswith("attributes."):
        item.doc["attributes"][path.partition(".")[2]] = value
    else:
        put(item.doc, path, value)


def _talk(place: Variables, random: Random) -> None:
    for name, choices in _VARIABLES.items():
        if name in place.ours and name in place.theirs and random.random() < 0.4:
            place.ours[name], place.theirs[name] = random.choice(choices)
    for name, (ours, theirs) in _OWN.items():
        if random.random() < 0.06:
            place.ours[name], place.theirs[name] = ours, theirs


def _zones(_left: Item, right: Item, random: Random) -> None:
    """Production spans one zone, and so one subnet, more."""
    region = str(right.region)
    right.doc["availability_zones"] = [f"{region}c", f"{region}a", f"{region}b"]
    right.doc["subnets"] = [*right.doc["subnets"], f"subnet-0{random.getrandbits(64):016x}"]


def _tags(left: Item, right: Item, _random: Random) -> None:
    left.tags["cost-centre"], right.tags["cost-centre"] = "R&D", "operations"
    right.tags["criticality"] = "high"


def _labels(left: Item, right: Item, _random: Random) -> None:
    right.doc["metadata"]["labels"]["tier"] = "gold"
    left.doc["metadata"]["labels"]["tier"] = "bronze"


def _larger_limits(_left: Item, right: Item, _random: Random) -> None:
    for container in right.doc["spec"]["template"]["spec"]["containers"].values():
        container["resources"] = {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"cpu": "2", "memory": "4Gi"}}


def _respelled(left: Item, _right: Item, _random: Random) -> None:
    """The same sizes in other words."""
    for container in left.doc["spec"]["template"]["spec"]["containers"].values():
        if container["resources"]["limits"] == {"cpu": "1", "memory": "1Gi"}:
            container["resources"]["limits"] = {"cpu": "1000m", "memory": "1024Mi"}


def _larger_database(_left: Item, right: Item, _random: Random) -> None:
    right.doc["db_instance_class"] = _LARGER[right.doc["db_instance_class"]]


def _larger_node(_left: Item, right: Item, _random: Random) -> None:
    right.doc["cache_node_type"] = _LARGER[right.doc["cache_node_type"]]


def _deployed_later(_left: Item, right: Item, random: Random) -> None:
    """Promoted a while after it was deployed to staging."""
    right.doc["deployed_at"] = f"2026-11-22T{random.randrange(10, 23)}:15:00+00:00"


def _described(left: Item, right: Item, _random: Random) -> None:
    left.doc["description"], right.doc["description"] = "Playground, rebuilt every night", "Handle with care"


def _shuffled(_left: Item, right: Item, random: Random) -> None:
    for key in ("locales", "allowed_hosts", "queue_names"):
        if key in right.doc:
            random.shuffle(right.doc[key])


def _durations(left: Item, right: Item, _random: Random) -> None:
    left.doc["cache"]["ttl"], right.doc["cache"]["ttl"] = "300s", "5m"
    left.doc["server"]["max_body_size"], right.doc["server"]["max_body_size"] = "10Mi", "10240Ki"


def _named_alike(left: Item, right: Item, _random: Random) -> None:
    """Somebody wrote the name of the environment out in one place, and its short form in another."""
    left.doc["tags"]["stage"], right.doc["tags"]["stage"] = (
        left.doc["environment"].upper(),
        right.doc["environment"].upper(),
    )


_CHANGES: dict[str, Callable[[Item, Item, Random], None]] = {
    "aws.elasticloadbalancingv2.load_balancer": _zones,
    "aws.ecs.service": _tags,
    "aws.ecs.service ": _deployed_later,
    "aws.rds.instance": _larger_database,
    "aws.elasticache.replication_group": _larger_node,
    "aws.lambda.function aws.rds.parameter_group": _described,
    "kubernetes.deployment kubernetes.service": _labels,
    "kubernetes.deployment": _larger_limits,
    "kubernetes.deployment ": _respelled,
    "yaml.file json.file terraform.variables": _shuffled,
    "yaml.file json.file": _durations,
    "terraform.variables": _named_alike,
}
