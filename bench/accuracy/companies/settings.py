"""What a service is configured by: variables whose values carry the environment in every way that programs know."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from bench.accuracy.companies.estate import Plan, Service
from bench.accuracy.companies.naming import Side
from bench.accuracy.companies.words import DURATIONS, FLAGS, SECRETS, SETTINGS

# Variables that a service may have besides flags, settings, durations and secrets.
WIRED = (
    "APP_ENV LOG_LEVEL BASE_URL DATABASE_URL DB_HOST DB_NAME DB_USER DB_SSLMODE DB_POOL_SIZE REDIS_URL UPLOADS_BUCKET"
    " QUEUE_URL TOPIC_ARN OAUTH_CLIENT_ID CORS_ALLOWED_ORIGINS SENTRY_DSN SENTRY_ENVIRONMENT AWS_REGION MAIL_FROM"
    " SERVICE_NAME JAVA_OPTS UPSTREAM_URL KAFKA_BROKERS EXPORT_PATH CONSUMER_GROUP RAILS_ENV DEBUG METRICS_PREFIX"
    " SEARCH_INDEX WORKERS CERTIFICATE_ARN PAYMENT_MODE ADMIN_HOSTS TRACKING_ID STATSD_TAGS COOKIE_DOMAIN"
).split()


def draw_variables(random: Random, names: int) -> tuple[str, ...]:
    """The names of what one service is configured by."""
    pool = [*WIRED, *WIRED, *FLAGS, *SETTINGS, *DURATIONS, *SECRETS]
    return tuple(sorted({random.choice(pool) for _ in range(names)} | {"LOG_LEVEL", "APP_ENV"}))


def plain(plan: Plan, service: Service, side: Side) -> dict[str, str]:
    """The service's variables but for its secrets, in an order that is each side's own."""
    values = {name: value for name in service.variables if (value := _value(plan, service, side, name)) is not None}
    order = sorted(values)
    side.own("order", service.name).shuffle(order)
    return {name: values[name] for name in order}


def secrets(service: Service, side: Side) -> dict[str, str]:
    return {name: side.secret(f"{service.name}/{name}") for name in service.variables if name in SECRETS}


def _value(plan: Plan, service: Service, side: Side, name: str) -> str | None:
    if name in SECRETS:
        return None
    if name in FLAGS:
        return str(plan.pick(("true", "false"), service.name, name))
    for known in (SETTINGS, DURATIONS):
        if name in known:
            return str(plan.pick(known[name], service.name, name))
    return _wired(plan, service, side)[name]


def _wired(plan: Plan, service: Service, side: Side) -> Mapping[str, str]:
    what, region = service.name, side.regions[0]
    database = plan.pick(plan.databases or ("main",), what, "database")
    cache = plan.pick(plan.caches or ("cache",), what, "cache")
    other = plan.pick(plan.services, what, "upstream").name if plan.services else what
    endpoint = database_host(side, database)
    return {
        "APP_ENV": side.token,
        "LOG_LEVEL": "info",
        "BASE_URL": f"https://{side.host(what)}",
        "DATABASE_URL": f"postgres://app:{side.secret(f'db/{database}')}@{endpoint}:5432/{side.table_name(database)}",
        "DB_HOST": endpoint,
        "DB_NAME": side.table_name(database),
        "DB_USER": "app",
        "DB_SSLMODE": "require",
        "DB_POOL_SIZE": "10",
        "REDIS_URL": f"rediss://{cache_host(side, cache)}:6379/0",
        "UPLOADS_BUCKET": side.bucket("uploads"),
        "QUEUE_URL": f"https://sqs.{region}.amazonaws.com/{side.account}/{side.plain_name(what + '-jobs')}",
        "TOPIC_ARN": side.arn("sns", side.plain_name(what + "-events")),
        "OAUTH_CLIENT_ID": f"{side.own('client', what).getrandbits(80):020x}",
        "CORS_ALLOWED_ORIGINS": f"https://{side.host('app')},https://{side.host('admin')}",
        "SENTRY_DSN": f"https://{side.own('dsn', what).getrandbits(128):032x}@o4501.ingest.sentry.io/{side.own('project', what).randrange(10**6, 10**7)}",
        "SENTRY_ENVIRONMENT": side.token_of(f"sentry/{what}"),
        "AWS_REGION": region,
        "MAIL_FROM": f"no-reply@{side.host('mail')}",
        "SERVICE_NAME": what,
        "JAVA_OPTS": f"-Xmx512m -Dspring.profiles.active={side.token} -Dfile.encoding=UTF-8",
        "UPSTREAM_URL": f"http://{side.inside(other)}:8080/api",
        "KAFKA_BROKERS": ",".join(f"b-{n}.{side.inside('kafka')}:9094" for n in (1, 2, 3)),
        "EXPORT_PATH": f"s3://{side.bucket('exports')}/{what}/daily",
        "CONSUMER_GROUP": side.plain_name(f"{what}-consumers"),
        "RAILS_ENV": "production",
        "DEBUG": "false",
        "METRICS_PREFIX": f"{side.naming.company}.{side.token}.{what}",
        "SEARCH_INDEX": side.table_name(f"{what}-index"),
        "WORKERS": "4",
        "CERTIFICATE_ARN": side.arn("acm", f"certificate/{uuid(side, what)}"),
        "PAYMENT_MODE": "live",
        "ADMIN_HOSTS": f"{side.host('admin')},{side.inside('admin')}",
        "TRACKING_ID": f"G-{side.own('tracking', what).getrandbits(40):010X}",
        "STATSD_TAGS": f"env:{side.token},service:{what}",
        "COOKIE_DOMAIN": f".{side.host('app').split('.', 1)[1]}",
    }


def database_host(side: Side, what: str) -> str:
    """The endpoint of an RDS instance: its name, and a part that AWS made up for the account and region."""
    made_up = "".join(side.own("rds").choices("abcdefghijklmnopqrstuvwxyz0123456789", k=12))
    return f"{side.plain_name(what, f'rds/{what}')}.c{made_up[1:]}.{side.regions[0]}.rds.amazonaws.com"


def cache_host(side: Side, what: str) -> str:
    made_up = "".join(side.own("cache").choices("abcdefghijklmnopqrstuvwxyz0123456789", k=6))
    code = side.regions[0].replace("-", "")[:3] + "1"
    return f"master.{side.plain_name(what, f'cache/{what}')}.{made_up}.{code}.cache.amazonaws.com"


def uuid(side: Side, what: str) -> str:
    digits = f"{side.own('uuid', what).getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
