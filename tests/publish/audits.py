"""Audits as a team would meet them, for every renderer's tests: a rich one, and the ones in which little was seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from auditor.model import (
    ABSENT,
    Audit,
    Author,
    Breach,
    Category,
    Coverage,
    Finding,
    Gap,
    GapReason,
    MatchMethod,
    Moved,
    RuleRef,
    Severity,
    Side,
    SourceCoverage,
    Status,
    Tally,
)

STARTED = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
NOW = STARTED + timedelta(minutes=5)
UPGRADED = Moved(
    "right",
    "prod",
    datetime(2026, 11, 19, 5, 0, tzinfo=UTC),
    datetime(2026, 11, 19, 5, 15, tzinfo=UTC),
    "14.7",
    "15.4",
    "20261119T051500-prod",
    author=Author("deploy/ada", "rds:ModifyDBInstance", datetime(2026, 11, 19, 5, 12, tzinfo=UTC), "console"),
)
RULES: Mapping[str, tuple[str, int, str]] = {
    "database-engine-version": ("default", 12, "Staging must rehearse on the engine version that production runs"),
    "instance-family": ("default", 31, "Another family or architecture performs differently, so load tests mislead"),
    "instance-size": ("default", 40, "A smaller size of the same family is how staging is paid for"),
    "reference-to-production": ("secrets", 8, "What staging does must never reach production's data"),
    "secret-must-differ": ("secrets", 21, "A secret shared by both environments leaks with the weaker of them"),
    "placeholder": ("secrets", 34, "A placeholder left in place means that nobody has set the value"),
    "deployed-version": ("versions", 9, "What was tested is what is promoted"),
    "configuration-key": ("default", 77, "A setting that one side lacks falls back to a default that nobody tested"),
    "configuration-value": ("default", 85, "Both environments must run the same code paths"),
    "missing-resource": ("default", 110, "What is not in staging has never been tried before production"),
    "listener-policy": ("default", 130, "Clients that an old TLS policy accepts fail on a newer one"),
    "qualified-reference": (
        "default",
        150,
        "A reference without the environment's name points to the same thing from everywhere",
    ),
    "mutable-image-tag": ("versions", 44, "A mutable tag may mean another image tomorrow"),
    "replica-count": ("default", 60, "Production runs more replicas"),
    "retention": ("default", 66, "Production keeps its data longer"),
    "unclassified": ("default", 200, "No rule covers this difference; look at it once and write one"),
}


def finding(
    rule: str,
    severity: Severity,
    category: Category,
    kind: str,
    identity: str,
    path: tuple[str, ...],
    left: Any,
    right: Any,
    *,
    status: Status = Status.OPEN,
    names: tuple[str | None, str | None] | None = None,
    message: str = "",
    remediation: str = "",
    matched_by: MatchMethod | None = MatchMethod.IDENTITY,
    confidence: float = 1.0,
    cause: str | None = None,
    suggestion: str | None = None,
    first_seen: datetime = STARTED,
    moved: Moved | None = None,
) -> Finding:
    """A finding between staging and prod. `names` are the two identities; by default `{env}` is filled in."""
    policy, line, about = RULES[rule]
    named = names or (identity.replace("{env}", "staging"), identity.replace("{env}", "prod"))
    breach = Breach(
        fingerprint=sha256("|".join((rule, kind, identity, *path)).encode("utf-8", "surrogatepass")).hexdigest()[:32],
        rule=RuleRef(policy, rule, f"policies/{policy}.yaml", line, ("default/unclassified",)),
        severity=severity,
        category=category,
        kind=kind,
        identity=identity,
        path=path,
        left=Side("staging", named[0], left, None if named[0] is None else f"aws:111122223333/{named[0]}"),
        right=Side("prod", named[1], right, None if named[1] is None else f"aws:444455556666/{named[1]}"),
        message=message or _sentence(".".join(path), identity, left, right),
        about=about,
        remediation=remediation,
        matched_by=matched_by,
        confidence=confidence,
        tolerated_for=timedelta(hours=24) if status is Status.PENDING else timedelta(0),
        cause=cause,
        suggestion=suggestion,
    )
    return Finding(breach, status, first_seen, STARTED, moved)


def _sentence(path: str, identity: str, left: Any, right: Any) -> str:
    """What an audit says of two values that only differ."""
    if left is ABSENT:
        return f"{path} of {identity} exists in prod only, not in staging: {right}"
    if isinstance(left, list) and isinstance(right, list):
        return (
            f"{path} of {identity} differs: only prod has {', '.join(str(item) for item in right if item not in left)}"
        )
    return f"{path} of {identity} is {left} in staging and {right} in prod"


def _missing(severity: Severity, category: Category, kind: str, identity: str, side: str, **more: Any) -> Finding:
    name = identity.replace("{env}", side)
    left, right = ((name, True), (None, ABSENT)) if side == "staging" else ((None, ABSENT), (name, True))
    other = "prod" if side == "staging" else "staging"
    return finding(
        "missing-resource", severity, category, kind, identity, (), left[1], right[1],
        names=(left[0], right[0]), message=f"{name} is in {side} only", matched_by=None,
        remediation=f"Create it in {other}, or declare that it is meant for {side} only", **more,
    )  # fmt: skip


NGINX_LEFT = "server {\n  listen 8080;\n  client_max_body_size 1m;\n  gzip on;\n}\n"
NGINX_RIGHT = "server {\n  listen 8080;\n  client_max_body_size 25m;\n  gzip on;\n  keepalive_timeout 65;\n}\n"
EGRESS_LEFT = [f"10.{n}.0.0/16" for n in range(36)]
EGRESS_RIGHT = [*EGRESS_LEFT[:30], "10.99.0.0/16", *EGRESS_LEFT[31:]]
QUEUES = ("orders", "refunds", "invoices", "shipments", "returns", "emails", "exports", "audit-log", "payments")


def rich() -> Audit:
    """A staging that has drifted in every way the reports know: all severities, groups, secrets, gaps, waivers."""
    days_ago = STARTED - timedelta(days=3, hours=4)
    task = "aws.ecs.task_definition"
    findings = [
        finding("database-engine-version", Severity.HIGH, Category.DATABASE, "aws.rds.instance", "orders-{env}", ("engine_version",), "14.7", "15.4",
                remediation="Upgrade orders-staging in staging to 15.4", first_seen=days_ago, moved=UPGRADED),
        finding("database-engine-version", Severity.HIGH, Category.DATABASE, "aws.elasticache.replication_group", "sessions-{env}", ("engine_version",), "6.2", "7.1",
                remediation="Upgrade sessions-staging in staging to 7.1", status=Status.REGRESSED, first_seen=days_ago),
        finding("configuration-value", Severity.MEDIUM, Category.DATABASE, "aws.rds.parameter_group", "orders-pg-{env}", ("parameters", "rds.force_ssl"), "0", "1"),
        finding("configuration-value", Severity.MEDIUM, Category.DATABASE, "aws.rds.parameter_group", "orders-pg-{env}", ("parameters", "max_connections"), "200", "LEAST({DBInstanceClassMemory/9531392},5000)"),
        finding("unclassified", Severity.LOW, Category.DATABASE, "aws.rds.instance", "orders-{env}", ("ca_certificate_identifier",), "rds-ca-rsa2048-g1", "rds-ca-2019"),
        finding("instance-family", Severity.MEDIUM, Category.COMPUTE, "aws.ec2.fleet", "web-{env}", ("instance_types", "0"), "t3.large", "m6i.large",
                matched_by=MatchMethod.TAG, confidence=0.95, names=("web-staging", "web-fleet-blue-prod")),
        finding("instance-size", Severity.LOW, Category.COMPUTE, "aws.rds.instance", "orders-{env}", ("instance_class",), "db.r6g.large", "db.r6g.2xlarge"),
        finding("reference-to-production", Severity.CRITICAL, Category.CONFIG, task, "checkout-{env}", ("container_definitions", "api", "environment", "DATABASE_URL"),
                "postgres://checkout:{secret:9f86d081884c7d65}@orders-prod.cluster-cxq2.eu-west-1.rds.amazonaws.com:5432/checkout?sslmode=require",
                "postgres://checkout:{secret:60303ae22b998861}@orders-prod.cluster-cxq2.eu-west-1.rds.amazonaws.com:5432/checkout?sslmode=require",
                message="checkout-staging refers to prod's database orders-prod", remediation="Point DATABASE_URL in staging to orders-staging"),
        finding("secret-must-differ", Severity.CRITICAL, Category.CONFIG, "aws.ssm.parameter", "/checkout/{env}/stripe-key", ("value",),
                "{secret:4e07408562bedb8b}", "{secret:4e07408562bedb8b}", message="The same secret is used in staging and in prod", remediation="Give staging a key of its own"),
        finding("placeholder", Severity.HIGH, Category.CONFIG, "aws.ssm.parameter", "/checkout/{env}/webhook-secret", ("value",),
                f"{{secret:{'0a' * 16}:placeholder}}", "{secret:d4735e3a265e16ee}", message="value of /checkout/staging/webhook-secret is a secret in staging: it is a placeholder", remediation="Set the value in staging"),
        finding("configuration-key", Severity.MEDIUM, Category.CONFIG, task, "checkout-{env}", ("container_definitions", "api", "environment", "FEATURE_REFUNDS"), ABSENT, "true"),
        finding("configuration-key", Severity.MEDIUM, Category.CONFIG, task, "checkout-{env}", ("container_definitions", "api", "environment", "SENTRY_TRACE"), ABSENT, None),
        finding("configuration-value", Severity.MEDIUM, Category.CONFIG, "kubernetes.config_map", "default/nginx", ("data", "nginx.conf"), NGINX_LEFT, NGINX_RIGHT),
        finding("configuration-value", Severity.MEDIUM, Category.CONFIG, "env.file", "web/.env", ("GREETING",), "Grüße aus München 👋", "Grüße aus Zürich\u00a0👋"),
        finding("deployed-version", Severity.HIGH, Category.DEPLOYMENT, "aws.ecs.service", "checkout-{env}", ("containers", "api", "image"),
                "111122223333.dkr.ecr.eu-west-1.amazonaws.com/checkout:2.31.0@sha256:0d5c", "444455556666.dkr.ecr.eu-west-1.amazonaws.com/checkout:2.28.4@sha256:77aa",
                matched_by=MatchMethod.ONLY_CANDIDATE, confidence=0.8, remediation="Promote checkout 2.31.0, or roll staging back"),
        finding("mutable-image-tag", Severity.MEDIUM, Category.DEPLOYMENT, task, "mailer-{env}", ("container_definitions", "mailer", "image"), "mailer:latest", "mailer:latest",
                message="mailer:latest is a mutable tag, on both sides"),
        finding("listener-policy", Severity.MEDIUM, Category.NETWORK, "aws.elbv2.load_balancer", "edge-{env}", ("listeners", "HTTPS:443", "ssl_policy"), "ELBSecurityPolicy-2016-08", "ELBSecurityPolicy-TLS13-1-2-2021-06"),
        finding("unclassified", Severity.LOW, Category.SECURITY, "aws.ec2.security_group", "workers-{env}", ("egress_cidrs",), EGRESS_LEFT, EGRESS_RIGHT),
        *(finding("qualified-reference", Severity.MEDIUM, Category.CONFIG, task, "worker-{env}", ("container_definitions", "worker", "environment", f"{queue.upper().replace('-', '_')}_QUEUE"),
                  queue, f"{queue}-prod", cause=RULES["qualified-reference"][2] + ": 9 times below container_definitions.worker.environment of worker-staging", remediation="Qualify the name with the environment") for queue in QUEUES),
        *(finding("unclassified", Severity.LOW, Category.OPERATIONS, "aws.cloudwatch.alarm", f"{{env}}-service-{n:02d}-errors", ("treat_missing_data",), "missing", "notBreaching",
                  cause="treat_missing_data is missing in staging and notBreaching in prod (41 resources)") for n in range(41)),
        _missing(Severity.HIGH, Category.MESSAGING, "aws.sqs.queue", "refunds-dlq-{env}", "prod", suggestion="refund-dead-letters-staging", confidence=0.82),
        finding("missing-resource", Severity.HIGH, Category.MESSAGING, "aws.sns.topic", "order-events-{env}", (), True, True, names=("order-events-v2-staging", "order-events-prod"),
                message="aws.sns.topic order-events-v2-staging in staging is probably the counterpart of order-events-prod in prod, but nothing proves it",
                remediation="If they are one another's counterpart, say so: `audit match`", matched_by=None, confidence=0.91, suggestion="order-events-prod"),
        _missing(Severity.MEDIUM, Category.OPERATIONS, "aws.cloudwatch.alarm", "{env}-checkout-latency", "prod"),
        _missing(Severity.MEDIUM, Category.NETWORK, "aws.elbv2.load_balancer", "legacy-{env}", "staging"),
        finding("replica-count", Severity.INFO, Category.COMPUTE, "aws.ecs.service", "checkout-{env}", ("desired_count",), 1, 6),
        finding("replica-count", Severity.INFO, Category.COMPUTE, "aws.ecs.service", "mailer-{env}", ("desired_count",), 1, 3),
        finding("retention", Severity.INFO, Category.DATABASE, "aws.rds.instance", "orders-{env}", ("backup_retention_period",), 1, 35),
        finding("deployed-version", Severity.HIGH, Category.DEPLOYMENT, "http.version", "search", ("version",), "8.2.0", "8.1.9", status=Status.PENDING),
        finding("instance-family", Severity.HIGH, Category.COMPUTE, "aws.lambda.function", "thumbnails-{env}", ("architectures",), ["arm64"], ["x86_64"], status=Status.WAIVED),
        finding("configuration-value", Severity.MEDIUM, Category.CONFIG, "env.file", "web/.env", ("LOG_LEVEL",), "debug", "info", status=Status.ACKNOWLEDGED),
    ]  # fmt: skip
    denied = "AccessDenied: arn:aws:sts::444455556666:assumed-role/parity/audit is not authorized to perform "
    gaps = [
        *(Gap("prod", "aws:444455556666", kind, GapReason.ACCESS_DENIED, denied + action, "eu-west-1")
          for kind, action in (("aws.secretsmanager.secret", "secretsmanager:ListSecrets"), ("aws.lambda.function", "lambda:ListFunctions"), ("aws.dynamodb.table", "dynamodb:ListTables"))),
        Gap("prod", "aws:444455556666", "aws.ssm.parameter", GapReason.THROTTLED, "ThrottlingException after 10 attempts", "eu-west-1"),
        Gap("staging", "files:deploy/staging", "*", GapReason.MALFORMED, "line 14: found a tab where indentation was expected\nReplace the tab by spaces.", resource="values.yaml", location="values.yaml:14"),
        Gap("staging", "aws:111122223333", "aws.sqs.queue", GapReason.ACCESS_DENIED, "AccessDenied: kms:Decrypt", "eu-west-1", resource="refunds-staging", attribute="policy"),
    ]  # fmt: skip
    return Audit(
        id="01JDCQ7Z3V",
        left="staging",
        right="prod",
        started_at=STARTED,
        finished_at=STARTED + timedelta(seconds=42),
        policies=("default", "secrets", "versions"),
        score=0.8619,
        scores={Category.COMPUTE: 0.94, Category.DATABASE: 0.7142857142857143, Category.CONFIG: 0.66, Category.DEPLOYMENT: 0.5, Category.STORAGE: 1.0},
        coverage=Coverage(0.9999, 212, 215, 208, 1, 2, (
            SourceCoverage("staging", "aws:111122223333", 33, 32.98), SourceCoverage("staging", "files:deploy/staging", 1, 0.9),
            SourceCoverage("prod", "aws:444455556666", 33, 29), SourceCoverage("prod", "files:deploy/prod", 1, 1))),
        findings=tuple(findings),
        gaps=tuple(gaps),
        expected=143,
        unknown=17,
        notes=("2 waivers expire within 7 days",),
        tallies={
            Category.DATABASE: Tally(12, 31, 4),
            Category.CONFIG: Tally(40, 112, 0),
            Category.STORAGE: Tally(0, 0, 13),
        },
    )  # fmt: skip


def parity() -> Audit:
    """Everything was observed and nothing was found."""
    covered = (
        SourceCoverage("staging", "aws:111122223333", 33, 33),
        SourceCoverage("prod", "aws:444455556666", 33, 33),
    )
    return replace(
        rich(), score=1.0, scores=dict.fromkeys((Category.COMPUTE, Category.DATABASE, Category.CONFIG), 1.0),
        coverage=Coverage(1.0, 208, 208, 208, 0, 0, covered), findings=(), gaps=(), unknown=0, notes=(),
        tallies={Category.CONFIG: Tally(208, 143)},
    )  # fmt: skip


def nothing() -> Audit:
    """Nothing was compared: one source could not be reached at all and the other held nothing."""
    gap = Gap("prod", "aws:444455556666", "*", GapReason.UNREACHABLE, "Could not connect to the endpoint URL")
    covered = (SourceCoverage("staging", "aws:111122223333", 33, 33), SourceCoverage("prod", "aws:444455556666", 33, 0))
    return replace(
        parity(), score=None, scores={}, coverage=Coverage(0.0, 0, 0, 0, 0, 0, covered), gaps=(gap,), expected=0, tallies={},
    )  # fmt: skip


def incomplete() -> Audit:
    """Nothing was found in what was observed, but not everything was observed."""
    return replace(parity(), score=1.0, coverage=replace(rich().coverage, ratio=0.94), gaps=rich().gaps[:4], unknown=9)
