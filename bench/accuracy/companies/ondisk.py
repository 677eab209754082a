"""What a company keeps in files: dotenv, Terraform variables, YAML and JSON settings, Compose."""

from __future__ import annotations

from typing import Any

from bench.accuracy.companies.cloud_run import cidr
from bench.accuracy.companies.estate import Item, Plan, Service, World
from bench.accuracy.companies.naming import Side
from bench.accuracy.companies.settings import database_host, plain, secrets, uuid


def build(plan: Plan, side: Side, world: World) -> None:
    for service in plan.services:
        if "env" in plan.sources and plan.chance(0.5, "env file", service.name):
            _env_file(plan, side, world, service)
        if "yaml" in plan.sources and plan.chance(0.4, "yaml", service.name):
            document = _settings(plan, side, service)
            _file(plan, side, world, "yaml.file", "settings", service.name, ".yaml", document)
        if "json" in plan.sources and plan.chance(0.4, "json", service.name):
            document = _settings(plan, side, service)
            _file(plan, side, world, "json.file", "config", service.name, ".json", document)
        if service.runs_on == "compose":
            _compose(plan, side, world, service)
    if "terraform" in plan.sources:
        for module in plan.modules:
            document = _variables(plan, side, module)
            _file(plan, side, world, "terraform.variables", f"terraform/{module}", "main", ".tfvars", document)


def _file(
    plan: Plan, side: Side, world: World, kind: str, folder: str, stem: str, suffix: str, doc: dict[str, Any]
) -> None:
    """A file of its own folder, or one of two side by side that are told apart by the environment in their names."""
    name = f"{stem}{suffix}" if plan.layout == "folders" else f"{stem}.{side.token}{suffix}"
    path = f"{folder}/{name}"
    world.add(Item(f"file/{folder}/{stem}{suffix}", kind, path, doc, file=path, source="files"))


def _env_file(plan: Plan, side: Side, world: World, service: Service) -> None:
    values = plain(plan, service, side) | secrets(service, side)
    _file(plan, side, world, "env.file", "services", service.name, ".env", dict(values))


def _compose(plan: Plan, side: Side, world: World, service: Service) -> None:
    values = plain(plan, service, side) | secrets(service, side)
    doc = {
        "image": f"registry.{plan.naming.company}.example/{service.name}:{service.image}",
        "command": ["serve", "--port", "8080"],
        "restart": "unless-stopped",
        "environment": dict(values),
        "healthcheck": {"test": ["CMD", "curl", "-f", "http://localhost:8080/up"], "interval": "30s", "retries": 3},
        "deploy": {"replicas": 2, "resources": {"limits": {"cpus": "0.5", "memory": "512M"}}},
        "logging": {"driver": "json-file", "options": {"max-size": "10m"}},
    }
    folder = "" if plan.layout == "folders" else f"compose/{side.token}/"
    world.add(
        Item(f"compose/{service.name}", "compose.service", service.name, doc, f"{folder}docker-compose.yml", "files")
    )


def _settings(plan: Plan, side: Side, service: Service) -> dict[str, Any]:
    """The settings of a program, as a tree."""
    what = service.name
    other = plan.pick(plan.services, what, "client").name
    database = plan.pick(plan.databases or ("main",), what, "settings database")
    return {
        "application": {"name": what, "environment": side.token, "page_size": plan.pick((20, 50), what, "page")},
        "server": {"port": 8080, "shutdown_grace": "20s", "compression": True, "max_body_size": "10Mi"},
        "database": {
            "host": database_host(side, database),
            "name": side.table_name(database),
            "pool_size": 10,
            "ssl": True,
            "statement_timeout": plan.pick(("15s", "30s"), what, "statement"),
        },
        "features": {
            name: plan.chance(0.5, what, "feature", name)
            for name in ("express_checkout", "wishlist", "live_prices", "product_bundles", "stage_two_review")
        },
        "clients": {
            other: {
                "base_url": f"http://{side.inside(other)}:8080",
                "timeout_seconds": plan.pick((3, 5, 10), what, "client timeout"),
                "retries": plan.pick((2, 3), what, "retries"),
            },
            "tax-office": {"base_url": "https://api.tax-office.example/v3", "timeout_seconds": 20, "retries": 1},
        },
        "logging": {"level": "info", "format": "json", "retention_days": 30},
        "mail": {"from": f"no-reply@{side.host('mail')}", "provider": "ses"},
        "oauth": {"client_id": uuid(side, f"oauth/{what}"), "issuer": f"https://{side.host('login')}/realms/main"},
        "uploads": {
            "bucket": side.bucket(f"{what}-files"),
            "max_size_mb": 25,
        },
        "locales": ["en", "de", "sv"][:: side.pick(1, -1)],
        "cache": {"strategy": plan.pick(("shared", "memory"), what, "cache"), "ttl": "5m"},
    }


def _variables(plan: Plan, side: Side, module: str) -> dict[str, Any]:
    """The variables of a Terraform module."""
    region = side.regions[0] if plan.naming.regions[0] == plan.naming.regions[1] else plan.naming.regions[0][0]
    return {
        "environment": side.token,
        "region": region,
        "vpc_cidr": f"{cidr(side)}.0.0/16",
        "cluster_name": side.plain_name(module, f"cluster/{module}"),
        "cluster_version": plan.pick(("1.29", "1.30", "1.31"), module, "kubernetes"),
        "node_instance_type": plan.pick(("m6i.large", "m7g.large"), module, "nodes"),
        "node_min_size": 2,
        "node_max_size": 6,
        "db_engine_version": plan.pick(("15.7", "16.3"), module, "engine"),
        "db_instance_class": plan.pick(("db.r6g.large", "db.m6g.large"), module, "class"),
        "db_multi_az": True,
        "db_deletion_protection": True,
        "backup_retention_days": 14,
        "log_retention_days": 30,
        "enable_waf": True,
        "enable_new_router": plan.chance(0.5, module, "router"),
        "domain_name": side.host(module),
        "certificate_arn": side.arn("acm", f"certificate/{uuid(side, 'tf' + module)}", region),
        "alarm_email": f"oncall@{plan.naming.company}.example",
        "allowed_hosts": [side.host("app"), side.host("admin")][:: side.pick(1, -1)],
        "api_image_tag": plan.pick(("1.14.2", "2.0.1"), module, "tag"),
        "queue_names": [f"{module}-{what}" for what in ("jobs", "mail", "events")],
        "tags": {"environment": side.token, "owner": "platform", "module": module},
    }
