"""Drifts in databases, machines, networks, containers and functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from auditor.model import Severity
from bench.accuracy.companies.drifts import Label, Planter, Sites
from bench.accuracy.companies.estate import Item, at, put
from bench.accuracy.companies.words import OLD_RUNTIMES

_OTHER_CLASS = {"t": "m6i", "r": "m6i", "m": "c6i", "c": "r6i"}


def pair_of(
    sites: Sites, path: str, *kinds: str, where: Callable[[Item], bool] | None = None
) -> tuple[Item, Item] | None:
    """A pair that has something at `path`, which is claimed."""
    pairs = [
        pair
        for pair in sites.both.pairs(*kinds)
        if (where is None or where(pair[0])) and at(pair[0].doc, path) is not None
    ]
    found = next(sites.free(pairs, path), None)
    if found is not None:
        sites.claim(found[0].uid, path)
    return found


def label(drift: str, pair: tuple[Item, Item], path: str, least: Severity, about: str, *also: str) -> Label:
    left, right = pair
    return Label(drift, left.kind, left.name, right.name, path, least, about, also)


def _engine(sites: Sites) -> Label | None:
    """The engine of one side was upgraded; an Aurora cluster's instances follow it."""
    pair = pair_of(sites, "engine_version", "aws.rds.instance", where=lambda item: item.parent is None)
    if pair is None:
        return None
    left, right = pair
    older = {"14": "13.16", "15": "14.12", "16": "15.7", "17": "16.3", "8": "5.7.44"}
    behind, least = sites.random.choice(((left, Severity.HIGH), (right, Severity.MEDIUM)))
    behind.doc["engine_version"] = older[behind.doc["engine_version"].split(".")[0]]
    return label("engine version", pair, "engine_version", least, "one side's database is of an older major version")


def _minor(sites: Sites) -> Label | None:
    pair = pair_of(sites, "engine_version", "aws.rds.instance", where=lambda item: item.parent is None)
    if pair is None:
        return None
    major, _, minor = pair[1].doc["engine_version"].partition(".")
    first, dot, last = minor.rpartition(".")
    pair[1].doc["engine_version"] = f"{major}.{first}{dot}{int(last) + 3}"
    return label("engine version", pair, "engine_version", Severity.MEDIUM, "production was patched, staging was not")


def _cache_version(sites: Sites) -> Label | None:
    pair = pair_of(sites, "engine_version", "aws.elasticache.replication_group")
    if pair is None:
        return None
    pair[0].doc["engine_version"] = "6.2.6"
    return label("engine version", pair, "engine_version", Severity.HIGH, "staging's cache is a major version behind")


def _family(sites: Sites) -> Label | None:
    """Another family of machines, of the same or another processor."""
    attribute, kind = sites.random.choice(
        (("db_instance_class", "aws.rds.instance"), ("cache_node_type", "aws.elasticache.replication_group"))
    )
    pair = pair_of(sites, attribute, kind)
    if pair is None:
        return None
    prefix, family, size = pair[1].doc[attribute].split(".")
    pair[0].doc[attribute] = f"{prefix}.{_OTHER_CLASS[family[0]]}.{size}"
    return label("machine family", pair, attribute, Severity.MEDIUM, "staging runs on another family of machines")


def _generation(sites: Sites) -> Label | None:
    pair = pair_of(sites, "instance_types", "aws.ec2.fleet")
    if pair is None:
        return None
    family, size = pair[1].doc["instance_types"][0].split(".")
    old = family[0] + str(int(family[1]) - 1) + family[2:].replace("i", "")
    pair[0].doc["instance_types"] = [f"{old}.{size}"]
    return label("machine family", pair, "instance_types", Severity.MEDIUM, "staging's machines are a generation older")


def _template(sites: Sites) -> Label | None:
    pair = pair_of(sites, "data.instance_type", "aws.ec2.launch_template")
    if pair is None:
        return None
    pair[0].doc["data"]["instance_type"] = "c5.4xlarge"
    return label(
        "machine family", pair, "data.instance_type", Severity.MEDIUM, "staging's template starts other machines"
    )


def _bigger_staging(sites: Sites) -> Label | None:
    pair = pair_of(sites, "db_instance_class", "aws.rds.instance")
    if pair is None:
        return None
    prefix, family, _ = pair[1].doc["db_instance_class"].split(".")
    pair[0].doc["db_instance_class"], pair[1].doc["db_instance_class"] = (
        f"{prefix}.{family}.8xlarge",
        f"{prefix}.{family}.large",
    )
    return label(
        "staging larger", pair, "db_instance_class", Severity.MEDIUM, "staging's database is larger than production's"
    )


def _parameter(sites: Sites) -> Label | None:
    name = sites.random.choice(
        (
            "log_min_duration_statement",
            "random_page_cost",
            "idle_in_transaction_session_timeout",
            "default_transaction_isolation",
        )
    )
    pair = pair_of(sites, f"parameters.{name}", "aws.rds.parameter_group")
    if pair is None:
        return None
    pair[0].doc["parameters"][name] = {"default_transaction_isolation": "serializable", "random_page_cost": "2.5"}.get(
        name, "12345"
    )
    return label("database parameter", pair, f"parameters.{name}", Severity.MEDIUM, f"{name} differs")


def _unencrypted_connections(sites: Sites) -> Label | None:
    pair = next(sites.free(sites.both.pairs("aws.rds.parameter_group"), "parameters.rds.force_ssl"), None)
    if pair is None:
        return None
    sites.claim(pair[0].uid, "parameters.rds.force_ssl")
    pair[1].doc["parameters"]["rds.force_ssl"] = "0"
    return label(
        "TLS off", pair, "parameters.rds*force_ssl", Severity.MEDIUM, "production takes connections in the clear"
    )


def setter(
    drift: str,
    kind: str,
    path: str,
    ours: Any,
    theirs: Any,
    least: Severity,
    about: str,
    *,
    spelled: str = "",
    also: tuple[str, ...] = (),
) -> Planter:
    """A planter that gives one attribute two values."""

    def plant(sites: Sites) -> Label | None:
        pair = pair_of(sites, path, *kind.split())
        if pair is None:
            return None
        put(pair[0].doc, path, ours)
        put(pair[1].doc, path, theirs)
        return label(drift, pair, spelled or path, least, about, *also)

    return plant


def _balancer_attribute(name: str, ours: str, theirs: str, least: Severity, drift: str, about: str) -> Planter:
    def plant(sites: Sites) -> Label | None:
        path = f"attributes.{name}"
        pair = next(sites.free(sites.both.pairs("aws.elasticloadbalancingv2.load_balancer"), path), None)
        if pair is None:
            return None
        sites.claim(pair[0].uid, path)
        pair[0].doc["attributes"][name], pair[1].doc["attributes"][name] = ours, theirs
        return label(drift, pair, path.replace(".", "*"), least, about)

    return plant


def _tls_policy(sites: Sites) -> Label | None:
    pair = pair_of(sites, "listeners", "aws.elasticloadbalancingv2.load_balancer")
    if pair is None:
        return None
    sites.random.choice(pair).doc["listeners"][1]["ssl_policy"] = "ELBSecurityPolicy-2016-08"
    return label("TLS policy", pair, "listeners.*443*.ssl_policy", Severity.MEDIUM, "one side still takes TLS 1.0")


def _no_redirect(sites: Sites) -> Label | None:
    pair = pair_of(sites, "listeners", "aws.elasticloadbalancingv2.load_balancer")
    if pair is None:
        return None
    secure = pair[1].doc["listeners"][1]["default_actions"]
    pair[1].doc["listeners"][0]["default_actions"] = secure
    return label(
        "TLS off", pair, "listeners.*80*", Severity.MEDIUM, "production answers over plain HTTP", "listeners.*"
    )


def _missing_rule(sites: Sites) -> Label | None:
    pair = pair_of(
        sites, "rules", "aws.elasticloadbalancingv2.load_balancer", where=lambda item: len(item.doc["rules"]) > 1
    )
    if pair is None:
        return None
    sites.random.choice(pair).doc["rules"].pop()
    return label("one-sided part", pair, "rules.*", Severity.MEDIUM, "a path is routed on one side only")


def _opened(sites: Sites) -> Label | None:
    pair = pair_of(sites, "rules", "aws.ec2.security_group")
    if pair is None:
        return None
    port = sites.random.choice(("22", "3389", "5432", "9200"))
    rule = {"direction": "ingress", "protocol": "tcp", "ports": port, "source": "0.0.0.0/0", "description": "temporary"}
    sites.random.choice((pair[0], pair[1], pair[1])).doc["rules"].append(rule)
    return label(
        "opened port", pair, f"rules.*{port}*", Severity.MEDIUM, f"port {port} is open to the world on one side"
    )


def _closed(sites: Sites) -> Label | None:
    pair = pair_of(sites, "rules", "aws.ec2.security_group", where=lambda item: "/sg/services" in item.uid)
    if pair is None:
        return None
    pair[0].doc["rules"] = [rule for rule in pair[0].doc["rules"] if rule["ports"] != "8080"]
    return label("opened port", pair, "rules.*8080*", Severity.MEDIUM, "what production lets in is closed in staging")


def _image(sites: Sites) -> Label | None:
    pair = pair_of(sites, "container_definitions", "aws.ecs.task_definition")
    if pair is None:
        return None
    (name, ours), theirs = (
        next(iter(pair[0].doc["container_definitions"].items())),
        next(iter(pair[1].doc["container_definitions"].values())),
    )
    tag = sites.random.choice(("2.4.1", "9f8e7d6", "latest", "stable"))
    changed = sites.random.choice((ours, theirs))
    changed["image"] = changed["image"].rsplit(":", 1)[0] + f":{tag}"
    drift = "moving tag" if tag in ("latest", "stable") else "image version"
    return label(
        drift, pair, f"container_definitions.{name}.image", Severity.MEDIUM, "another image runs than was tested"
    )


def _moving(sites: Sites) -> Label | None:
    pair = pair_of(sites, "container_definitions", "aws.ecs.task_definition")
    if pair is None:
        return None
    for item in pair:
        container = next(iter(item.doc["container_definitions"].values()))
        container["image"] = container["image"].rsplit(":", 1)[0] + ":latest"
    name = next(iter(pair[0].doc["container_definitions"]))
    return label(
        "moving tag", pair, f"container_definitions.{name}.image", Severity.LOW, "both sides run whatever is latest"
    )


def _task_secret(sites: Sites) -> Label | None:
    """A task of one side is not given a secret, or staging's is given production's."""
    pairs = [
        pair
        for pair in sites.both.pairs("aws.ecs.task_definition")
        if next(iter(pair[0].doc["container_definitions"].values()))["secrets"]
    ]
    pair = next(sites.free(pairs, "container_definitions"), None)
    if pair is None:
        return None
    sites.claim(pair[0].uid, "container_definitions")
    (name, ours), theirs = (
        next(iter(pair[0].doc["container_definitions"].items())),
        next(iter(pair[1].doc["container_definitions"].values())),
    )
    secret = min(ours["secrets"])
    path = f"container_definitions.{name}.secrets.{secret}"
    if sites.random.random() < 0.5:
        del sites.random.choice((ours, theirs))["secrets"][secret]
        return label(
            "missing secret",
            pair,
            path,
            Severity.MEDIUM,
            f"one side's task is not given {secret}",
            f"container_definitions.{name}.secrets",
        )
    ours["secrets"][secret] = theirs["secrets"][secret]
    return label("reference to production", pair, path, Severity.MEDIUM, f"staging's task reads production's {secret}")


def _shared_value(sites: Sites) -> Label | None:
    pair = pair_of(sites, "value.password", "aws.secretsmanager.secret")
    if pair is None:
        return None
    pair[0].doc["value"]["password"] = pair[1].doc["value"]["password"]
    return label("shared secret", pair, "value.password", Severity.HIGH, "one password opens both")


def _shared_parameter(sites: Sites) -> Label | None:
    pair = pair_of(sites, "secure_value", "aws.ssm.parameter")
    if pair is None:
        return None
    pair[0].doc["secure_value"] = pair[1].doc["secure_value"]
    return label("shared secret", pair, "secure_value", Severity.HIGH, "one secure parameter opens both")


def _shared_key(sites: Sites) -> Label | None:
    pair = pair_of(sites, "kms_key_id", "aws.rds.instance aws.rds.cluster".split()[sites.random.randrange(2)])
    if pair is None:
        return None
    pair[0].doc["kms_key_id"] = pair[1].doc["kms_key_id"]
    return label("shared key", pair, "kms_key_id", Severity.MEDIUM, "staging encrypts with production's key")


def _runtime(sites: Sites) -> Label | None:
    pair = pair_of(sites, "runtime", "aws.lambda.function")
    if pair is None:
        return None
    pair[0].doc["runtime"] = OLD_RUNTIMES[pair[0].doc["runtime"]]
    return label("runtime", pair, "runtime", Severity.MEDIUM, "staging's function runs on an older runtime")


def _code(sites: Sites) -> Label | None:
    pair = pair_of(sites, "code_sha256", "aws.lambda.function")
    if pair is None:
        return None
    digest = f"{sites.random.getrandbits(256):064x}"
    pair[1].doc["code_sha256"] = pair[1].doc["aliases"]["live"]["code_sha256"] = digest
    return label("image version", pair, "code_sha256", Severity.MEDIUM, "other code runs than was tested", "aliases.*")


def _parameter_value(sites: Sites) -> Label | None:
    known = (
        "true",
        "false",
        "json",
        "avro",
        "protobuf",
        "shared",
        "memory",
        "tiered",
        "lax",
        "strict",
        "rolling",
        "blue-green",
    )
    pairs = [
        pair
        for pair in sites.both.pairs("aws.ssm.parameter")
        if pair[0].doc.get("value") in known and not pair[0].uid.endswith("/DEBUG")
    ]
    pair = next(sites.free(pairs, "value"), None)
    if pair is None:
        return None
    sites.claim(pair[0].uid, "value")
    flag = pair[0].doc["value"] in ("true", "false")
    pair[0].doc["value"] = {"true": "false", "false": "true"}.get(pair[0].doc["value"], "other")
    drift, least = ("feature flag", Severity.MEDIUM) if flag else ("setting", Severity.LOW)
    return label(drift, pair, "value", least, "a parameter says something else in production")


_ALB = "aws.elasticloadbalancingv2.load_balancer"
_DB = "aws.rds.instance aws.rds.cluster"
_CACHE = "aws.elasticache.replication_group"
_INVERTED = "production is less protected than staging"
PLANTERS: tuple[Planter, ...] = (
    _engine, _engine, _minor, _cache_version, _family, _family, _generation, _template, _bigger_staging, _parameter, _parameter,
    _unencrypted_connections, _tls_policy, _no_redirect, _missing_rule, _opened, _opened, _closed, _image, _image, _moving,
    _task_secret, _task_secret, _shared_value, _shared_parameter, _shared_key, _runtime, _code, _parameter_value, _parameter_value,
    setter("protection inverted", _DB, "deletion_protection", True, False, Severity.HIGH, _INVERTED),
    setter("protection inverted", "aws.rds.instance", "multi_az", True, False, Severity.HIGH, _INVERTED),
    setter("protection inverted", _DB, "storage_encrypted", True, False, Severity.HIGH, _INVERTED),
    setter("protection inverted", _DB, "backup_retention_period", 14, 1, Severity.HIGH, _INVERTED),
    setter("protection inverted", _CACHE, "at_rest_encryption_enabled", True, False, Severity.HIGH, _INVERTED),
    setter("protection inverted", _CACHE, "automatic_failover", "enabled", "disabled", Severity.HIGH, _INVERTED),
    setter("TLS off", _CACHE, "transit_encryption_enabled", True, False, Severity.HIGH, "production's cache is read in the clear"),
    setter("exposed", "aws.rds.instance", "publicly_accessible", False, True, Severity.HIGH, "production's database is reachable from the internet"),
    setter("exposed", "aws.ec2.fleet", "public_addresses", False, True, Severity.MEDIUM, "production's machines have public addresses"),
    setter("exposed", "aws.ec2.launch_template", "data.metadata_options.http_tokens", "required", "optional", Severity.LOW, "production's machines give credentials without a token"),
    setter("storage type", "aws.rds.instance", "storage_type", "gp2", "io2", Severity.MEDIUM, "another kind of disk is under the database"),
    setter("staging larger", "aws.ecs.service", "desired_count", 8, 2, Severity.MEDIUM, "staging runs more tasks than production"),
    setter("staging larger", "aws.ecs.task_definition", "memory", 8192, 1024, Severity.MEDIUM, "staging's tasks have more memory"),
    setter("staging larger", "aws.lambda.function", "memory_size", 3008, 256, Severity.MEDIUM, "staging's function has more memory"),
    setter("timeout", "aws.lambda.function", "timeout", 10, 120, Severity.LOW, "the function may take longer in production"),
    setter("health check", "aws.elasticloadbalancingv2.target_group", "health_check_path", "/", "/deep-check", Severity.MEDIUM, "health is asked at another path"),
    setter("health check", "aws.autoscaling.group", "health_check_type", "EC2", "ELB", Severity.LOW, "machines are judged by another check"),
    setter("processor", "aws.ecs.task_definition", "runtime_platform.cpu_architecture", "ARM64", "X86_64", Severity.LOW, "another processor runs the same code"),
    setter("launch type", "aws.ecs.service", "launch_type", "EC2", "FARGATE", Severity.MEDIUM, "tasks run on machines of their own in staging"),
    setter("deployment", "aws.ecs.service", "deployment_configuration.deployment_circuit_breaker.enable", True, False, Severity.MEDIUM, "a failed deployment is not rolled back in production"),
    setter("engine version", "aws.ecs.service", "platform_version", "1.3.0", "1.4.0", Severity.MEDIUM, "staging's platform is older"),
    _balancer_attribute("deletion_protection.enabled", "true", "false", Severity.HIGH, "protection inverted", _INVERTED),
    _balancer_attribute("idle_timeout.timeout_seconds", "60", "4000", Severity.LOW, "timeout", "connections live longer in production"),
    _balancer_attribute("routing.http.drop_invalid_header_fields.enabled", "true", "false", Severity.MEDIUM, "exposed", "production takes malformed headers"),
)  # fmt: skip
