"""States as Terraform and OpenTofu write them, of a small company whose environments differ in names, ids and times only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

AWS = 'provider["registry.example.com/hashicorp/aws"]'
ACCOUNTS = {"staging": "111111111111", "prod": "222222222222"}
IDS = {"staging": "0aa11bb22cc33dd44", "prod": "0ff99ee88dd77cc66"}


def instance(kind: str, name: str, attributes: Mapping[str, Any], module: str = "", **more: Any) -> dict[str, Any]:
    """One resource block with one instance; `more` goes into the instance."""
    return {
        **({"module": module} if module else {}),
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider": AWS,
        "instances": [{"schema_version": 1, "attributes": dict(attributes), "sensitive_attributes": [], **more}],
    }


def state(resources: list[dict[str, Any]], **more: Any) -> bytes:
    """A whole state of version 4."""
    return json.dumps(
        {
            "version": 4,
            "terraform_version": "1.9.2",
            "serial": 7,
            "lineage": "6f3f1b9e-6f0a-4d5b-8f51-0d3f5a1c2b3d",
            "outputs": {},
            "resources": resources,
            "check_results": None,
            **more,
        }
    ).encode()


def arn(environment: str, service: str, rest: str) -> str:
    return f"arn:aws:{service}:eu-west-1:{ACCOUNTS[environment]}:{rest}"


def company(environment: str) -> list[dict[str, Any]]:
    """A database and its group in a module, a network, a queue per team, a role, a password and a cloud map."""
    mark, account = IDS[environment], ACCOUNTS[environment]
    vpc, group = f"vpc-{mark}", f"sg-{mark}"
    database = {
        "id": f"db-{mark.upper()}", "arn": arn(environment, "rds", f"db:orders-{environment}"),
        "identifier": f"orders-{environment}", "engine": "postgres", "engine_version": "16.3",
        "instance_class": "db.m7g.large", "allocated_storage": 100, "multi_az": True, "storage_encrypted": True,
        "address": f"orders-{environment}.c{mark[:11]}.eu-west-1.rds.amazonaws.com", "port": 5432,
        "password": f"hunter-{environment}", "vpc_security_group_ids": [group], "kms_key_id": None,
        "resource_id": f"db-{mark}", "latest_restorable_time": f"2026-11-2{len(environment)}T10:00:00Z",
        "tags": {"team": "orders", "env": environment}, "tags_all": {"team": "orders"}, "timeouts": None,
        "backup_retention_period": 14, "deletion_protection": True, "replicas": [],
    }  # fmt: skip
    queue = {
        "id": f"https://sqs.eu-west-1.amazonaws.com/{account}/{{team}}-{environment}",
        "arn": arn(environment, "sqs", f"{{team}}-{environment}"), "name": f"{{team}}-{environment}",
        "visibility_timeout_seconds": 30, "kms_master_key_id": "", "delay_seconds": 0,
    }  # fmt: skip
    queues = {
        **instance("aws_sqs_queue", "jobs", {}),
        "instances": [
            {"index_key": team, "attributes": {k: v.format(team=team) if isinstance(v, str) else v for k, v in queue.items()}}
            for team in (("mail", "bills") if environment == "prod" else ("bills", "mail"))
        ],
    }  # fmt: skip
    return [
        instance("aws_db_instance", "main", database, "module.orders",
                 sensitive_attributes=[[{"type": "get_attr", "value": "password"}]]),
        instance("aws_vpc", "main", {"id": vpc, "arn": arn(environment, "ec2", f"vpc/{vpc}"), "cidr_block": "10.0.0.0/16",
                                     "enable_dns_support": True, "owner_id": account, "main_route_table_id": f"rtb-{mark}"}),
        instance("aws_security_group", "db", {"id": group, "arn": arn(environment, "ec2", f"security-group/{group}"),
                                              "name": f"db-{environment}", "vpc_id": vpc, "description": "Databases",
                                              "ingress": [{"from_port": 5432, "to_port": 5432, "protocol": "tcp",
                                                           "cidr_blocks": ["10.0.0.0/16"], "description": ""}]}),
        queues,
        instance("aws_iam_role", "task", {"id": f"task-{environment}", "name": f"task-{environment}",
                                          "arn": f"arn:aws:iam::{account}:role/task-{environment}",
                                          "unique_id": f"AROA{mark.upper()[:16]}", "create_date": "2026-01-01T00:00:00Z",
                                          "max_session_duration": 3600,
                                          "assume_role_policy": json.dumps({"Statement": [{"Effect": "Allow"}]})}),
        instance("random_password", "api", {"id": "none", "result": f"s3cr3t-{environment}", "length": 24}),
        instance("aws_service_discovery_service", "api", {
            "id": f"srv-{mark}", "arn": arn(environment, "servicediscovery", f"service/srv-{mark}"), "name": "api",
            "dns_config": [{"routing_policy": "MULTIVALUE", "dns_records": [{"ttl": 10, "type": "A"}]}]}),
        {**instance("aws_caller_identity", "me", {"account_id": account, "secret": "LEAK"}), "mode": "data"},
    ]  # fmt: skip
