"""What APIs answer of what keeps and carries data: databases, parameters, buckets, queues, logs."""

from __future__ import annotations

import json

from bench.speed.shapes import Answer, Service, Shape, Turn, answer


def rds_instance(service: Service, turn: Turn) -> Answer:
    attributes = {
        "allocated_storage": 500 + turn.number(0, 5) * 100,
        "associated_roles": [],
        "auto_minor_version_upgrade": False,
        "backup_retention_period": 30,
        "ca_certificate_identifier": "rds-ca-rsa2048-g1",
        "copy_tags_to_snapshot": True,
        "db_instance_class": "db.r6g.xlarge",
        "db_name": "orders",
        "db_parameter_groups": [f"{service.full}-pg16"],
        "db_security_groups": [],
        "db_subnet_group": {
            "db_subnet_group_description": f"Databases of {service.name}",
            "db_subnet_group_name": f"{service.full}-data",
            "subnets": service.subnets,
        },
        "deletion_protection": True,
        "domain_memberships": [],
        "enabled_cloudwatch_logs_exports": ["postgresql", "upgrade"],
        "endpoint": {
            "address": f"{service.full}.{service.ids[40:52]}.{service.region}.rds.amazonaws.com",
            "port": 5432,
        },
        "engine": "postgres",
        "engine_version": "15.7" if turn.drift else f"16.{3 + turn.release}",
        "iam_database_authentication_enabled": True,
        "kms_key_id": service.key,
        "license_model": "postgresql-license",
        "master_username": "shop",
        "monitoring_interval": 60,
        "monitoring_role_arn": service.arn("iam", "role/rds-monitoring", everywhere=True),
        "multi_az": True,
        "option_group_memberships": ["default:postgres-16"],
        "performance_insights_enabled": True,
        "performance_insights_retention_period": 7,
        "port": 5432,
        "preferred_backup_window": "03:14-03:44",
        "preferred_maintenance_window": "wed:06:38-wed:07:08",
        "publicly_accessible": False,
        "storage_encrypted": True,
        "storage_throughput": 125,
        "storage_type": "gp3",
        "vpc_security_groups": [service.group],
    }
    refs = [
        service.arn("rds", f"db:{service.full}"),
        f"{service.full}.{service.ids[40:52]}.{service.region}.rds.amazonaws.com",
        f"db-{service.ids[:26].upper()}",
    ]
    return answer(service, service.full, attributes, refs)


def rds_parameters(service: Service, turn: Turn) -> Answer:
    parameters = {f"rds.{word}_{at}": str(turn.number(at, 9000)) for at in range(20) for word in ("limit", "cost")}
    parameters["log_min_duration_statement"] = str(500 + turn.release + 9000 * bool(turn.drift) + turn.drift)
    attributes = {
        "db_parameter_group_family": "postgres16",
        "description": f"Parameters of {service.name}",
        "parameters": parameters,
    }
    identity = f"{service.full}-pg16"
    return answer(service, identity, attributes, [service.arn("rds", f"pg:{identity}")])


def cache(service: Service, turn: Turn) -> Answer:
    nodes = {f"000{at}": {"nodes": 2, "slots": f"{at * 4096}-{at * 4096 + 4095}"} for at in range(4)}
    attributes = {
        "at_rest_encryption_enabled": True,
        "auth_token_enabled": True,
        "automatic_failover": "enabled",
        "cache_node_type": "cache.r6g.2xlarge" if turn.drift else "cache.r6g.large",
        "cache_parameter_group": "default.redis7.cluster.on",
        "cluster_enabled": True,
        "cluster_mode": "enabled",
        "data_tiering": "disabled",
        "description": f"What {service.name} remembers for a while",
        "engine": "redis",
        "engine_version": f"7.{turn.release}.0",
        "ip_discovery": "ipv4",
        "kms_key_id": service.key,
        "log_delivery_configurations": [
            {"log_type": what, "destination": f"/elasticache/{service.full}/{what}", "log_format": "json"}
            for what in ("slow-log", "engine-log")
        ],
        "multi_az": "enabled",
        "network_type": "ipv4",
        "node_groups": nodes,
        "port": 6379,
        "security_groups": [service.group],
        "snapshot_retention_limit": 30,
        "snapshot_window": "05:00-06:00",
        "subnet_group": f"{service.full}-data",
        "subnets": service.subnets,
        "transit_encryption_enabled": True,
        "transit_encryption_mode": "required",
        "user_group_ids": [f"{service.full}-readers", f"{service.full}-writers"],
    }
    refs = [
        service.arn("elasticache", f"replicationgroup:{service.full}"),
        f"clustercfg.{service.full}.{service.ids[40:46]}.use1.cache.amazonaws.com",
    ]
    return answer(service, service.full, attributes, refs)


def table(service: Service, turn: Turn) -> Answer:
    indexes = [
        {
            "index_name": f"by-{word}",
            "key_schema": [{"attribute_name": word, "key_type": "HASH"}, {"attribute_name": "at", "key_type": "RANGE"}],
            "projection": {"projection_type": "ALL"},
            "provisioned_throughput": {"read_capacity_units": 10 + turn.number(at, 9), "write_capacity_units": 10},
        }
        for at, word in enumerate(("customer", "order", "region", "status"))
    ]
    attributes = {
        "attribute_definitions": [
            {"attribute_name": word, "attribute_type": "S"}
            for word in ("id", "customer", "order", "region", "status", "at")
        ],
        "billing_mode": "PROVISIONED" if turn.drift else "PAY_PER_REQUEST",
        "deletion_protection_enabled": True,
        "global_secondary_indexes": indexes,
        "key_schema": [{"attribute_name": "id", "key_type": "HASH"}],
        "point_in_time_recovery": "ENABLED",
        "sse_description": {"sse_type": "KMS", "kms_master_key_arn": service.key},
        "stream_specification": {"stream_enabled": True, "stream_view_type": "NEW_AND_OLD_IMAGES"},
        "table_class": "STANDARD_INFREQUENT_ACCESS" if turn.release % 2 else "STANDARD",
        "time_to_live": {"status": "ENABLED", "attribute_name": "gone_at"},
        "contributor_insights": "DISABLED",
        "replicas": [],
    }
    return answer(service, service.full, attributes, [service.arn("dynamodb", f"table/{service.full}")])


def parameter(service: Service, turn: Turn) -> Answer:
    value = {
        "database": {"host": f"db.{service.host}", "port": 5432, "pool": 10 + turn.number(0, 30)},
        "cache": {"host": f"cache.{service.host}", "port": 6379},
        "bucket": f"acme-{service.full}",
        "limits": {f"limit_{at:02}": turn.number(at, 5000) for at in range(40)},
        "features": {f"feature_{at:02}": bool(turn.number(at, 2)) for at in range(20)},
        "retries": 3 + turn.release + 90 * bool(turn.drift) + turn.drift,
    }
    attributes = {
        "data_type": "text",
        "policies": [],
        "tier": "Standard",
        "type": "String",
        "value": json.dumps(value, sort_keys=True),
    }
    identity = f"/{service.word}/{service.name}/settings"
    return answer(service, identity, attributes, [service.arn("ssm", f"parameter{identity}")])


def bucket(service: Service, turn: Turn) -> Answer:
    rules = [
        {
            "id": f"keep-{word}",
            "status": "Enabled",
            "filter": {"prefix": f"{word}/"},
            "expiration": {"days": 30 + turn.number(at, 300)},
            "noncurrent_version_expiration": {"noncurrent_days": 30},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
        }
        for at, word in enumerate(("exports", "imports", "reports", "uploads"))
    ]
    attributes = {
        "versioning": "Suspended" if turn.drift else "Enabled",
        "encryption": {"algorithm": "aws:kms", "kms_key_id": service.key, "bucket_key": True},
        "lifecycle": rules,
        "logging": {
            "target_bucket": f"acme-logs-{service.word}-{service.region}",
            "target_prefix": f"s3/{service.name}/",
        },
        "notifications": [
            {"target": service.arn("sqs", f"{service.full}-{at}"), "events": ["s3:ObjectCreated:*"]} for at in range(3)
        ],
        "ownership": "BucketOwnerEnforced",
        "public_access_block": {
            "block_public_acls": True,
            "block_public_policy": True,
            "ignore_public_acls": True,
            "restrict_public_buckets": True,
        },
        "cors": [],
        "transfer_acceleration": bool(turn.release),
    }
    identity = f"acme-{service.full}"
    return answer(service, identity, attributes, [f"arn:aws:s3:::{identity}"])


def queue(service: Service, turn: Turn) -> Answer:
    statements = [
        {
            "effect": "Allow",
            "principal": {"aws": [service.role]},
            "action": [f"sqs:{verb}"],
            "resource": [service.arn("sqs", service.full)],
        }
        for verb in ("SendMessage", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    ]
    attributes = {
        "attributes": {
            "delay_seconds": 0,
            "kms_master_key_id": service.key,
            "maximum_message_size": 262144,
            "message_retention_period": 345600 + turn.release,
            "policy": {"statements": statements},
            "receive_message_wait_time_seconds": 20,
            "redrive_policy": {
                "dead_letter_target_arn": service.arn("sqs", f"{service.full}-failed"),
                "max_receive_count": 5,
            },
            "visibility_timeout": 900 + turn.drift if turn.drift else 30 + turn.number(0, 90),
        }
    }
    refs = [
        service.arn("sqs", service.full),
        f"https://sqs.{service.region}.amazonaws.com/{service.account}/{service.full}",
    ]
    return answer(service, service.full, attributes, refs)


def topic(service: Service, turn: Turn) -> Answer:
    identity = f"{service.full}-alarms"
    arn = service.arn("sns", identity)
    subscriptions = {
        f"sqs/{service.full}-{at}": {
            "protocol": "sqs",
            "endpoint": service.arn("sqs", f"{service.full}-{at}"),
            "raw_message_delivery": "true" if turn.drift and at == 0 else "false",
            "filter_policy": {"kind": [f"order-{step}" for step in range(turn.number(at, 4) + 1)]},
        }
        for at in range(6)
    }
    attributes = {
        "attributes": {
            "display_name": f"Alarms of {service.name}" + "!" * turn.release,
            "kms_master_key_id": service.key,
            "policy": {
                "statements": [{"effect": "Allow", "principal": {"aws": [service.role]}, "action": ["sns:Publish"]}]
            },
        },
        "subscriptions": subscriptions,
    }
    return answer(service, identity, attributes, [arn])


def log_group(service: Service, turn: Turn) -> Answer:
    identity = f"/ecs/{service.full}"
    attributes = {
        "retention_in_days": 7 if turn.drift else 30,
        "kms_key_id": service.key,
        "log_group_class": "STANDARD",
        "metric_filters": [
            {
                "filter_name": f"{service.name}-{word}",
                "filter_pattern": f'{{ $.level = "{word}" && $.service = "{service.name}" && $.version != "{turn.release}" }}',
                "metric_namespace": f"acme/{service.name}",
            }
            for word in ("error", "fatal", "slow", "denied", "retry")
        ],
        "subscription_filters": [
            {"filter_name": "to-search", "destination_arn": service.arn("lambda", f"function:search-{service.word}")}
        ],
    }
    return answer(service, identity, attributes, [service.arn("logs", f"log-group:{identity}")])


SHAPES: dict[str, Shape] = {
    "aws.rds.instance": rds_instance,
    "aws.rds.parameter_group": rds_parameters,
    "aws.elasticache.replication_group": cache,
    "aws.dynamodb.table": table,
    "aws.ssm.parameter": parameter,
    "aws.s3.bucket": bucket,
    "aws.sqs.queue": queue,
    "aws.sns.topic": topic,
    "aws.logs.log_group": log_group,
}
