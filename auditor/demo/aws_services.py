"""The shop itself: services on ECS with their task definitions, and a few Lambda functions."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from auditor.demo.aws_network import Network
from auditor.demo.company import REGION, Site

_BY_LAMBDA = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


@dataclass(frozen=True, slots=True)
class Service:
    """One service. Images by tag; `environment` beyond what all services get; `behind` the load balancer or not."""

    tag: str
    cpu: int = 256
    memory: int = 512
    behind: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


def build(site: Site, client: Callable[[str], Any], network: Network) -> None:
    """Production has more tasks of more memory; the rest is alike but for the planted drifts."""
    _containers(site, client("ecs"), network)
    _functions(site, client("lambda"), client("iam"))


def _services(site: Site) -> dict[str, Service]:
    domain = site.domain
    api = {"RATE_LIMIT_PER_MINUTE": "120", "UPLOADS_BUCKET": site.name("uploads")}
    if site.prod:
        api["PRICE_CACHE_TTL"] = "300"
    return {
        "storefront": Service("5.2.0", behind=True, environment={"ASSET_HOST": f"https://assets.{domain}"}),
        "api": Service("3.8.1", cpu=512, memory=1024, behind=True, environment=api),
        # Staging tries the next release, as it should: ahead for less than a week is no drift.
        "checkout": Service(
            site.pick("2.14.0", "2.13.4"), behind=True, environment={"PAYMENT_MODE": site.pick("sandbox", "live")}
        ),
        "search": Service("1.19.2", environment={"SEARCH_INDEX": site.pick("products-staging", "products-production")}),
        "orders-worker": Service(
            "3.8.1",
            environment={
                "QUEUE_NAME": site.name("queue"),
                # The report job was tried out once against real data.
                "REPORTING_DB_HOST": "reporting.prod.tarnholm.internal",
            },
        ),
        "mailer": Service(site.pick("1.8.2", "latest"), environment={"MAIL_FROM": f"shop@{domain}"}),
    }


def _containers(site: Site, ecs: Any, network: Network) -> None:
    cluster = site.name("cluster")
    ecs.create_cluster(clusterName=cluster, settings=[{"name": "containerInsights", "value": "enabled"}])
    for what, service in _services(site).items():
        size = 2 if site.prod else 1
        definition = ecs.register_task_definition(
            family=site.name(what),
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu=str(service.cpu * size),
            memory=str(service.memory * size),
            executionRoleArn=f"arn:aws:iam::{site.account}:role/{site.name(what)}-execution",
            taskRoleArn=f"arn:aws:iam::{site.account}:role/{site.name(what)}-task",
            containerDefinitions=[_container(site, what, service)],
        )["taskDefinition"]["taskDefinitionArn"]
        behind = (
            [{"targetGroupArn": network.targets[what], "containerName": what, "containerPort": 8080}]
            if service.behind
            else []
        )
        ecs.create_service(
            cluster=cluster,
            serviceName=what,
            taskDefinition=definition,
            desiredCount=site.tasks,
            launchType="FARGATE",
            networkConfiguration={
                "awsvpcConfiguration": {
                    "subnets": list(network.subnets),
                    "securityGroups": [network.groups["service-sg"]],
                    "assignPublicIp": "DISABLED",
                }
            },
            loadBalancers=behind,
        )


def _container(site: Site, what: str, service: Service) -> dict[str, Any]:
    root = f"/shop/{site.pick('stg', 'prod')}"
    store = f"shop/{site.pick('staging', 'production')}"
    shared = {
        "APP_ENV": site.environment,
        "LOG_LEVEL": site.log_level,
        "BASE_URL": f"https://{site.domain}",
        "DATABASE_HOST": f"orders.{site.pick('staging', 'prod')}.tarnholm.internal",
    }
    variables = list({**shared, **service.environment}.items())
    return {
        "name": what,
        "image": site.image(what, service.tag),
        "essential": True,
        "portMappings": [{"containerPort": 8080, "protocol": "tcp"}],
        # Nobody keeps variables in one order.
        "environment": [{"name": name, "value": value} for name, value in variables[:: -1 if site.prod else 1]],
        "secrets": [
            {"name": "SESSION_SIGNING_KEY", "valueFrom": site.arn("ssm", f"parameter{root}/session/signing-key")},
            {"name": "DATABASE_PASSWORD", "valueFrom": site.arn("secretsmanager", f"secret:{store}/database")},
        ],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": f"/ecs/{site.name(what)}",
                "awslogs-region": REGION,
                "awslogs-stream-prefix": "ecs",
            },
        },
    }


def _functions(site: Site, lambda_: Any, iam: Any) -> None:
    functions: dict[str, tuple[str, int, dict[str, str]]] = {
        "resizer": ("python3.12", 1024, {"UPLOADS_BUCKET": site.name("uploads"), "MAX_PIXELS": "24000000"}),
        "export": (site.pick("python3.9", "python3.12"), 512, {"EXPORT_FORMAT": "parquet"}),
        "newsletter": ("nodejs20.x", 256, {"AUDIENCE": site.pick("tarnholm-beta-testers", "REPLACE_ME")}),
    }
    for what, (runtime, memory, variables) in functions.items():
        name = site.name(what)
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_BY_LAMBDA)["Role"]["Arn"]
        lambda_.create_function(
            FunctionName=name,
            Runtime=runtime,
            Role=role,
            Handler="app.handler",
            Code={"ZipFile": _code(what)},
            Timeout=30,
            MemorySize=memory,
            Environment={"Variables": {"LOG_LEVEL": site.log_level, **variables}},
            Publish=True,
        )
        lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")


def _code(what: str) -> bytes:
    """The same code on both sides: a zip of one file with a fixed time, so that its digest is the same, too."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(
            zipfile.ZipInfo("app.py", (2026, 1, 1, 0, 0, 0)),
            f"# {what}\ndef handler(event, context):\n    return {{}}\n",
        )
    return packed.getvalue()
