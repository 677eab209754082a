"""What is planted in the company: each drift with the place where the audit has to find it, and why it is one.

Places are in normal form, as the JSON report gives them: `{env}` where a name carries its environment's.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drift:
    """One planted drift. `path` is empty where the resource itself is missing."""

    severity: str
    category: str
    kind: str
    identity: str
    path: tuple[str, ...]
    about: str


_TASK = "aws.ecs.task_definition"
_BALANCER = "aws.elasticloadbalancingv2.load_balancer"


def _environment(container: str, variable: str) -> tuple[str, ...]:
    return ("container_definitions", container, "environment", variable)


PLANTED: tuple[Drift, ...] = (
    Drift(
        "critical",
        "security",
        _TASK,
        "ordersworkerstg",
        _environment("orders-worker", "REPORTING_DB_HOST"),
        "the orders worker of staging reports into production's database",
    ),
    Drift("critical", "security", "env.file", "storefront.env", ("APP_DEBUG",), "debug mode is on in production"),
    Drift(
        "high",
        "security",
        "aws.secretsmanager.secret",
        "shop/{env}/payment-gateway",
        ("value", "api_key"),
        "staging charges cards with production's key",
    ),
    Drift(
        "high",
        "compute",
        "aws.lambda.function",
        "newsletter-sync-{env}",
        ("environment", "AUDIENCE"),
        "a placeholder was left in production",
    ),
    Drift(
        "high",
        "compute",
        "aws.lambda.function",
        "{env}-order-export",
        ("runtime",),
        "staging's export runs on an older Python",
    ),
    Drift(
        "high",
        "database",
        "aws.rds.instance",
        "shop-{env}-orders",
        ("engine_version",),
        "staging's PostgreSQL is behind",
    ),
    Drift(
        "high",
        "database",
        "aws.elasticache.replication_group",
        "{env}-sessions",
        ("at_rest_encryption_enabled",),
        "sessions are encrypted in staging, and not in production",
    ),
    Drift(
        "high",
        "network",
        _BALANCER,
        "shop-{env}-public",
        ("listeners", "HTTPS/443", "ssl_policy"),
        "production still accepts TLS 1.0",
    ),
    Drift(
        "high",
        "config",
        "terraform.variables",
        "shop.tfvars",
        ("access_log_retention_days",),
        "production forgets its access logs sooner than staging",
    ),
    Drift(
        "medium",
        "compute",
        "aws.rds.instance",
        "catalogue-{env}-1",
        ("db_instance_class",),
        "the catalogue runs on another family of machines",
    ),
    Drift(
        "medium",
        "compute",
        "kubernetes.horizontalpodautoscaler",
        "recommendations",
        (),
        "recommendations scale by themselves in production only",
    ),
    Drift(
        "medium",
        "database",
        "aws.rds.parameter_group",
        "orders-{env}-pg16",
        ("parameters", "random_page_cost"),
        "PostgreSQL plans its queries by other costs",
    ),
    Drift(
        "medium",
        "config",
        "aws.ssm.parameter",
        "/shop/{env}/features/express-checkout",
        ("value",),
        "a feature is on in staging and off in production",
    ),
    Drift(
        "medium",
        "config",
        "aws.ssm.parameter",
        "/shop/{env}/shipping/carrier-timeout",
        (),
        "nobody copied a new parameter to staging",
    ),
    Drift(
        "medium",
        "deployment",
        _TASK,
        "{env}-shop-api",
        _environment("api", "PRICE_CACHE_TTL"),
        "a variable is set in production only",
    ),
    Drift(
        "medium",
        "deployment",
        _TASK,
        "mailer-{env}",
        ("container_definitions", "mailer", "image"),
        "production's mailer runs whatever is `latest`",
    ),
    Drift(
        "high",
        "deployment",
        "compose.service",
        "search",
        ("image",),
        "search was upgraded in production only, by a major version",
    ),
    Drift(
        "medium",
        "deployment",
        "http.version",
        "storefront",
        ("version",),
        "production's storefront missed a deployment",
    ),
    Drift(
        "medium",
        "network",
        "aws.elasticloadbalancingv2.target_group",
        "{env}-shop-api",
        ("health_check_path",),
        "the API's health is asked at another path",
    ),
    Drift(
        "critical",
        "security",
        "aws.ec2.security_group",
        "{env}-render",
        ("rules", "ingress/tcp/22/0.0.0.0/0"),
        "SSH is open to the world in production",
    ),
    Drift(
        "high",
        "compute",
        "aws.ec2.launch_template",
        "media-render-{env}",
        ("data", "metadata_options", "http_tokens"),
        "production's machines give their credentials without a token",
    ),
    Drift(
        "low",
        "compute",
        "aws.rds.instance",
        "shop-{env}-orders",
        ("db_instance_class",),
        "the orders database of staging is one size smaller",
    ),
)
