"""Databases, caches, parameters and secrets in AWS, in the form in which the collector yields them."""

from __future__ import annotations

from typing import Any

from bench.accuracy.companies.estate import Item, Plan, Service, World
from bench.accuracy.companies.naming import Side
from bench.accuracy.companies.settings import cache_host, database_host, plain, secrets, uuid

_POSTGRES = ("14.12", "15.7", "16.3", "16.4", "17.2")
_MYSQL = ("8.0.36", "8.0.39", "8.4.3")
_AURORA = ("15.4", "16.4")
_CLASSES = ("db.t4g.medium", "db.r6g.large", "db.r6i.xlarge", "db.m6g.large", "db.r7g.xlarge")
_NODES = ("cache.t4g.small", "cache.r6g.large", "cache.m7g.large")
_PARAMETERS = {
    "log_min_duration_statement": ("250", "500", "1000"),
    "random_page_cost": ("1.1", "4"),
    "idle_in_transaction_session_timeout": ("60000", "300000"),
    "rds.force_ssl": ("1",),
    "default_transaction_isolation": ("read committed",),
    "work_mem": ("8192", "16384"),
    "shared_buffers": ("{DBInstanceClassMemory/32768}",),
}


def build(plan: Plan, side: Side, world: World, region: str) -> None:
    for what in plan.databases:
        if plan.chance(0.25, "aurora", what):
            _cluster(plan, side, world, what, region)
        else:
            _instance(plan, side, world, what, region)
    for what in plan.caches:
        _cache(plan, side, world, what, region)
    for service in plan.services:
        if service.runs_on in ("ecs", "ec2"):
            _parameters(plan, side, world, service, region)


def item(side: Side, region: str, uid: str, kind: str, name: str, doc: dict[str, Any], *refs: str, **more: Any) -> Item:
    """An AWS resource of this environment. Its ARN comes first among its handles."""
    return Item(
        f"{region_slot(side, region)}/{uid}", kind, name, doc, region=region, account=side.account, refs=refs,
        location=refs[0] if refs else None, **more,
    )  # fmt: skip


def region_slot(side: Side, region: str) -> str:
    """The same for the first region of both sides, wherever those are."""
    return f"r{side.regions.index(region)}"


def group_name(side: Side, what: str, region: str) -> str:
    return side.name(f"{what}-pg", f"rds/{what}", region)


def _instance(plan: Plan, side: Side, world: World, what: str, region: str) -> None:
    engine = plan.pick(("postgres", "postgres", "mysql"), "engine", what)
    version = plan.pick(_POSTGRES if engine == "postgres" else _MYSQL, "version", what)
    own = plan.chance(0.6, "parameters", what)
    name = side.plain_name(what, f"rds/{what}")
    kms = side.arn("kms", f"key/{uuid(side, 'kms/' + what)}", region)
    doc = _database(plan, side, what, region) | {
        "engine": engine,
        "engine_version": version,
        "allocated_storage": plan.pick((20, 50, 100, 200), "storage", what),
        "storage_type": plan.pick(("gp3", "gp3", "io1"), "storage type", what),
        "kms_key_id": kms,
        "db_parameter_groups": [group_name(side, what, region) if own else "default"],
        "license_model": "postgresql-license" if engine == "postgres" else "general-public-license",
        "port": 5432 if engine == "postgres" else 3306,
        "performance_insights_enabled": True,
        "db_subnet_group": {
            "db_subnet_group_name": side.name("data", "subnets", region),
            "db_subnet_group_description": f"Databases of {side.environment}",
            "subnets": [side.id("subnet", f"{region}/{n}") for n in (1, 2)],
        },
    }
    arn = side.arn("rds", f"db:{name}", region)
    world.add(item(side, region, f"rds/{what}", "aws.rds.instance", name, doc, arn, database_host(side, what)))
    if own:
        _parameter_group(plan, side, world, what, region, f"{engine}{version.split('.')[0]}")


def _database(plan: Plan, side: Side, what: str, region: str) -> dict[str, Any]:
    window = plan.random("window", what)
    return {
        "db_instance_class": plan.pick(_CLASSES, "class", what),
        "master_username": "app",
        "preferred_backup_window": f"{window.randrange(10, 23)}:14-{window.randrange(10, 23)}:44",
        "preferred_maintenance_window": f"{window.choice(('mon', 'tue', 'sun'))}:02:38-{window.choice(('mon', 'tue', 'sun'))}:03:08",
        "backup_retention_period": 7,
        "db_security_groups": [],
        "vpc_security_groups": [side.id("sg", f"{region}/data")],
        "multi_az": True,
        "auto_minor_version_upgrade": False,
        "read_replica_db_instance_identifiers": [],
        "option_group_memberships": ["default"],
        "storage_encrypted": True,
        "ca_certificate_identifier": "rds-ca-rsa2048-g1",
        "domain_memberships": [],
        "copy_tags_to_snapshot": True,
        "monitoring_interval": 60,
        "monitoring_role_arn": f"arn:aws:iam::{side.account}:role/rds-monitoring",
        "iam_database_authentication_enabled": False,
        "enabled_cloudwatch_logs_exports": ["postgresql", "upgrade"][:: side.pick(1, -1)],
        "deletion_protection": True,
        "publicly_accessible": False,
        "associated_roles": [],
        "network_type": "IPV4",
    }


def _parameter_group(plan: Plan, side: Side, world: World, what: str, region: str, family: str) -> None:
    name = group_name(side, what, region)
    values = {key: plan.pick(choices, "parameter", what, key) for key, choices in _PARAMETERS.items()}
    doc = {"db_parameter_group_family": family, "description": f"Parameters of {what}", "parameters": values}
    arn = side.arn("rds", f"pg:{name}", region)
    world.add(item(side, region, f"pg/{what}", "aws.rds.parameter_group", name, doc, arn))


def _cluster(plan: Plan, side: Side, world: World, what: str, region: str) -> None:
    name = side.plain_name(what, f"rds/{what}")
    version = plan.pick(_AURORA, "version", what)
    kms = side.arn("kms", f"key/{uuid(side, 'kms/' + what)}", region)
    shared = _database(plan, side, what, region)
    doc = {
        "allocated_storage": 1,
        "db_cluster_parameter_group": "default",
        "db_subnet_group": side.name("data", "subnets", region),
        "engine": "aurora-postgresql",
        "engine_version": version,
        "engine_mode": "provisioned",
        "port": 5432,
        "kms_key_id": kms,
        "read_replica_identifiers": [],
        "scaling_configuration_info": {},
        "storage_type": "aurora-iopt1",
        "members": {"writers": 1, "readers": 1},
        **{key: shared[key] for key in (
            "backup_retention_period", "multi_az", "master_username", "preferred_backup_window",
            "preferred_maintenance_window", "vpc_security_groups", "storage_encrypted", "associated_roles",
            "iam_database_authentication_enabled", "enabled_cloudwatch_logs_exports", "deletion_protection",
            "copy_tags_to_snapshot", "domain_memberships", "auto_minor_version_upgrade",
        )},
    }  # fmt: skip
    host = database_host(side, what)
    arn = side.arn("rds", f"cluster:{name}", region)
    world.add(item(side, region, f"rds/{what}", "aws.rds.cluster", name, doc, arn, host))
    for number in (1, 2):
        member = f"{name}-{number}"
        document = shared | {
            "engine": "aurora-postgresql",
            "engine_version": version,
            "allocated_storage": 1,
            "storage_type": "aurora",
            "db_cluster_identifier": name,
            "promotion_tier": 1,
            "port": 5432,
            "kms_key_id": kms,
            "db_parameter_groups": ["default"],
            "license_model": "postgresql-license",
        }
        arn = side.arn("rds", f"db:{member}", region)
        world.add(item(side, region, f"rds/{what}-{number}", "aws.rds.instance", member, document, arn, parent=name))


def _cache(plan: Plan, side: Side, world: World, what: str, region: str) -> None:
    name = side.plain_name(what, f"cache/{what}")
    doc = {
        "description": what,
        "automatic_failover": "enabled",
        "multi_az": "enabled",
        "snapshot_retention_limit": 3,
        "snapshot_window": f"0{plan.random('snapshot', what).randrange(1, 9)}:00-09:30",
        "cluster_enabled": False,
        "cache_node_type": plan.pick(_NODES, "node", what),
        "auth_token_enabled": True,
        "transit_encryption_enabled": True,
        "transit_encryption_mode": "required",
        "at_rest_encryption_enabled": True,
        "user_group_ids": [],
        "log_delivery_configurations": [],
        "data_tiering": "disabled",
        "network_type": "ipv4",
        "ip_discovery": "ipv4",
        "cluster_mode": "disabled",
        "engine": plan.pick(("redis", "valkey"), "cache engine", what),
        "engine_version": plan.pick(("7.0.7", "7.1.0", "7.2.6"), "cache version", what),
        "auto_minor_version_upgrade": True,
        "cache_parameter_group": "default",
        "security_groups": [side.id("sg", f"{region}/data")],
        "node_groups": {"0001": {"slots": None, "nodes": 2}},
        "port": 6379,
    }
    arn = side.arn("elasticache", f"replicationgroup:{name}", region)
    world.add(
        item(side, region, f"cache/{what}", "aws.elasticache.replication_group", name, doc, arn, cache_host(side, what))
    )


def _parameters(plan: Plan, side: Side, world: World, service: Service, region: str) -> None:
    """What a service keeps in the parameter store and in Secrets Manager, in a tree with the environment in it."""
    values = plain(plan, service, side)
    for name in sorted(values):
        if not plan.chance(0.25, "ssm", service.name, name):
            continue
        key = side.path(service.name, name.lower().replace("_", "-"))
        doc = {"type": "String", "tier": "Standard", "data_type": "text", "value": values[name], "policies": []}
        world.add(item(side, region, f"ssm/{service.name}/{name}", "aws.ssm.parameter", key, doc))
    for name, value in secrets(service, side).items():
        key = side.path(service.name, name.lower().replace("_", "-"))
        if plan.chance(0.5, "secure", service.name, name):
            document = {
                "type": "SecureString", "key_id": "alias/aws/ssm", "tier": "Standard", "data_type": "text",
                "secure_value": value, "policies": [],
            }  # fmt: skip
            world.add(item(side, region, f"ssm/{service.name}/{name}", "aws.ssm.parameter", key, document))
        else:
            content = {"value": {"password": value, "username": service.name}, "rotation_enabled": False}
            arn = side.arn("secretsmanager", f"secret:{key[1:]}-{side.secret('arn' + key)[:6]}", region)
            world.add(
                item(side, region, f"secret/{service.name}/{name}", "aws.secretsmanager.secret", key[1:], content, arn)
            )
