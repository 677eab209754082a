"""Drifts in manifests, settings, Terraform variables, databases and version endpoints."""

from __future__ import annotations

from typing import Any

from auditor.model import Severity
from bench.accuracy.companies.drifts import Label, Planter, Sites
from bench.accuracy.companies.drifts_cloud import label, pair_of, setter
from bench.accuracy.companies.estate import Item

_POD = "spec.template.spec"


def _container(sites: Sites, path: str) -> tuple[tuple[Item, Item], dict[str, Any], dict[str, Any], str] | None:
    """The container of a deployment of which nothing was touched at `path`, on both sides, and its path."""
    for pair in sites.free(sites.both.pairs("kubernetes.deployment")):
        name, ours = next(iter(pair[0].doc["spec"]["template"]["spec"]["containers"].items()))
        theirs = next(iter(pair[1].doc["spec"]["template"]["spec"]["containers"].values()))
        place = f"{_POD}.containers.{name}"
        if not sites.is_taken(pair[0].uid, f"{place}.{path}"):
            sites.claim(pair[0].uid, f"{place}.{path}")
            return pair, ours, theirs, place
    return None


def _image(sites: Sites) -> Label | None:
    found = _container(sites, "image")
    if found is None:
        return None
    pair, ours, theirs, place = found
    tag = sites.random.choice(("3.0.0", "1.14.3", "0c1d2e3", "latest"))
    changed = sites.random.choice((ours, theirs))
    changed["image"] = changed["image"].rsplit(":", 1)[0] + f":{tag}"
    drift = "moving tag" if tag == "latest" else "image version"
    return label(drift, pair, f"{place}.image", Severity.MEDIUM, "another image runs than was tested")


def _probe(sites: Sites) -> Label | None:
    which = sites.random.choice(("livenessProbe", "readinessProbe"))
    found = _container(sites, which)
    if found is None:
        return None
    pair, ours, theirs, place = found
    del sites.random.choice((ours, theirs))[which]
    return label("health check", pair, f"{place}.{which}", Severity.LOW, "one side is not asked how it is")


def _privileged(sites: Sites) -> Label | None:
    found = _container(sites, "securityContext")
    if found is None:
        return None
    pair, _, theirs, place = found
    what, value = sites.random.choice((("privileged", True), ("allowPrivilegeEscalation", True)))
    theirs["securityContext"] = {**theirs["securityContext"], what: value}
    return label(
        "exposed",
        pair,
        f"{place}.securityContext.{what}",
        Severity.HIGH,
        "production's containers may do more than staging's",
    )


def _limits(sites: Sites) -> Label | None:
    found = _container(sites, "resources")
    if found is None:
        return None
    pair, ours, theirs, place = found
    ours["resources"] = {"requests": {"cpu": "2", "memory": "8Gi"}, "limits": {"cpu": "4", "memory": "8Gi"}}
    theirs["resources"] = {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
    return label(
        "staging larger",
        pair,
        f"{place}.resources.limits.memory",
        Severity.MEDIUM,
        "staging has more memory",
        f"{place}.resources.*",
    )


def _no_limits(sites: Sites) -> Label | None:
    found = _container(sites, "resources")
    if found is None:
        return None
    pair, ours, _, place = found
    del ours["resources"]["limits"]
    return label(
        "one-sided part",
        pair,
        f"{place}.resources.limits",
        Severity.LOW,
        "staging is never throttled or killed",
        f"{place}.resources.limits.*",
    )


def _sidecar(sites: Sites) -> Label | None:
    found = _container(sites, "sidecar")
    if found is None:
        return None
    pair, _, _, place = found
    above = place.rsplit(".", 1)[0]
    changed = sites.random.choice(pair).doc["spec"]["template"]["spec"]["containers"]
    changed["cache-proxy"] = {"image": "registry.example/cache-proxy:1.2.0", "ports": [{"containerPort": 6379}]}
    return label("one-sided part", pair, f"{above}.cache-proxy", Severity.MEDIUM, "a container runs on one side only")


def _annotation(sites: Sites) -> Label | None:
    pair = pair_of(sites, "metadata.annotations", "kubernetes.ingress")
    if pair is None:
        return None
    key = "nginx.ingress.kubernetes.io/ssl-redirect"
    pair[1].doc["metadata"]["annotations"][key] = "false"
    return label(
        "TLS off", pair, "metadata.annotations.*ssl-redirect", Severity.MEDIUM, "production answers over plain HTTP"
    )


def _alarm(sites: Sites) -> Label | None:
    pair = pair_of(sites, "spec.groups", "kubernetes.prometheusrule")
    if pair is None:
        return None
    rule = pair[0].doc["spec"]["groups"][0]["rules"][0]
    rule["expr"] = rule["expr"].replace("> 1", "> 50")
    return label("alarm", pair, "spec.groups.*", Severity.LOW, "the alarm of staging goes off at another rate")


def _feature(sites: Sites) -> Label | None:
    kind = sites.random.choice(("yaml.file", "json.file"))
    name = sites.random.choice(("express_checkout", "wishlist", "live_prices", "product_bundles", "stage_two_review"))
    pair = pair_of(sites, f"features.{name}", kind)
    if pair is None:
        return None
    pair[0].doc["features"][name] = not pair[1].doc["features"][name]
    return label("feature flag", pair, f"features.{name}", Severity.MEDIUM, f"{name} is reversed")


def _new_feature(sites: Sites) -> Label | None:
    kind = sites.random.choice(("yaml.file", "json.file"))
    pair = pair_of(sites, "features", kind)
    if pair is None:
        return None
    sites.random.choice(pair).doc["features"]["instant_refunds"] = True
    return label("feature flag", pair, "features.instant_refunds", Severity.MEDIUM, "only one side knows a feature")


def _client_timeout(sites: Sites) -> Label | None:
    pair = pair_of(sites, "clients.tax-office.timeout_seconds", sites.random.choice(("yaml.file", "json.file")))
    if pair is None:
        return None
    sites.random.choice(pair).doc["clients"]["tax-office"]["timeout_seconds"] = 2
    return label("timeout", pair, "clients.tax-office.timeout_seconds", Severity.LOW, "one side gives up sooner")


def _client(sites: Sites) -> Label | None:
    pair = pair_of(sites, "clients", sites.random.choice(("yaml.file", "json.file")))
    if pair is None:
        return None
    del sites.random.choice(pair).doc["clients"]["tax-office"]
    return label(
        "one-sided part",
        pair,
        "clients.tax-office",
        Severity.LOW,
        "one side does not know a service",
        "clients.tax-office.*",
    )


def _endpoint_path(sites: Sites) -> Label | None:
    pair = pair_of(sites, "clients.tax-office.base_url", sites.random.choice(("yaml.file", "json.file")))
    if pair is None:
        return None
    pair[0].doc["clients"]["tax-office"]["base_url"] = "https://api.tax-office.example/v2"
    return label("setting", pair, "clients.tax-office.base_url", Severity.LOW, "staging speaks an older interface")


def _shared_bucket(sites: Sites) -> Label | None:
    pair = pair_of(sites, "uploads.bucket", sites.random.choice(("yaml.file", "json.file")))
    if pair is None or pair[0].doc["uploads"]["bucket"] == pair[1].doc["uploads"]["bucket"]:
        return None
    pair[0].doc["uploads"]["bucket"] = pair[1].doc["uploads"]["bucket"]
    named = any(token in pair[1].doc["uploads"]["bucket"].lower() for token in sites.both.plan.naming.tokens[1])
    least = Severity.HIGH if named else Severity.MEDIUM
    return label("reference to production", pair, "uploads.bucket", least, "staging writes into production's bucket")


def _shared_oauth(sites: Sites) -> Label | None:
    pair = pair_of(sites, "oauth.client_id", sites.random.choice(("yaml.file", "json.file")))
    if pair is None:
        return None
    pair[0].doc["oauth"]["client_id"] = pair[1].doc["oauth"]["client_id"]
    return label("shared client", pair, "oauth.client_id", Severity.MEDIUM, "one OAuth client serves both")


def _queues(sites: Sites) -> Label | None:
    pair = pair_of(sites, "queue_names", "terraform.variables")
    if pair is None:
        return None
    changed = sites.random.choice(pair)
    changed.doc["queue_names"] = sorted(changed.doc["queue_names"])[:-1]
    return label("missing queue", pair, "queue_names", Severity.LOW, "a queue is made on one side only")


def _extension(sites: Sites) -> Label | None:
    pair = pair_of(sites, "extensions", "postgres.server")
    if pair is None:
        return None
    sites.random.choice(pair).doc["extensions"]["postgis"] = "3.4.2"
    return label(
        "database extension", pair, "extensions.postgis", Severity.MEDIUM, "an extension is installed on one side only"
    )


def _server(sites: Sites) -> Label | None:
    pair = pair_of(sites, "version", "postgres.server")
    if pair is None:
        return None
    pair[0].doc["version"] = "13.14"
    return label("engine version", pair, "version", Severity.HIGH, "staging's server is older")


def _secret(sites: Sites) -> Label | None:
    pair = pair_of(sites, "stringData", "kubernetes.secret")
    if pair is None:
        return None
    name = min(pair[0].doc["stringData"])
    pair[0].doc["stringData"][name] = pair[1].doc["stringData"][name]
    # As the API keeps it, whichever of the two the manifest writes.
    return label("shared secret", pair, f"data.{name}", Severity.HIGH, f"one {name} opens both")


def _replicas(sites: Sites) -> Label | None:
    scalers = sites.both.pairs("kubernetes.horizontalpodautoscaler")
    scaled = {scaler.doc["spec"]["scaleTargetRef"]["name"] for scaler, _ in scalers}
    # Where an autoscaler sets the number, what the manifest says of it never holds.
    free = lambda item: item.doc["metadata"]["name"] not in scaled  # noqa: E731
    pair = pair_of(sites, "spec.replicas", "kubernetes.deployment", where=free)
    if pair is None:
        return None
    pair[0].doc["spec"]["replicas"], pair[1].doc["spec"]["replicas"] = 6, 1
    return label("staging larger", pair, "spec.replicas", Severity.MEDIUM, "staging runs more copies")


def _reported(sites: Sites) -> Label | None:
    pair = pair_of(sites, "version", "http.version")
    if pair is None:
        return None
    pair[1].doc["version"] = sites.random.choice(("1.9.9", "0.1.0", "7d6c5b4"))
    return label("image version", pair, "version", Severity.MEDIUM, "another version answers than was tested")


_TF = "terraform.variables"
_FORMS: tuple[Planter, ...] = (
    _image, _image, _probe, _privileged, _limits, _no_limits, _sidecar, _annotation, _alarm, _feature, _feature, _new_feature,
    _client_timeout, _client, _endpoint_path, _shared_bucket, _shared_oauth, _queues, _extension, _server, _secret, _reported,
    _replicas,
)  # fmt: skip
_VALUES: tuple[Planter, ...] = (
    setter("feature flag", _TF, "enable_new_router", True, False, Severity.MEDIUM, "the router of staging is not production's"),
    setter("engine version", _TF, "db_engine_version", "14.9", "16.3", Severity.HIGH, "staging asks for an older engine"),
    setter("engine version", _TF, "cluster_version", "1.31", "1.28", Severity.MEDIUM, "production's cluster is older"),
    setter("machine family", _TF, "node_instance_type", "t3.large", "m6i.large", Severity.MEDIUM, "staging's nodes are of another family"),
    setter("protection inverted", _TF, "enable_waf", True, False, Severity.MEDIUM, "production has no firewall"),
    setter("protection inverted", _TF, "db_multi_az", True, False, Severity.HIGH, "production's database stands in one zone"),
    setter("protection inverted", _TF, "backup_retention_days", 30, 3, Severity.HIGH, "production's backups go sooner"),
    setter("protection inverted", _TF, "log_retention_days", 90, 14, Severity.HIGH, "production's logs go sooner"),
    setter("staging larger", _TF, "node_min_size", 9, 3, Severity.MEDIUM, "staging has more nodes"),
    setter("image version", _TF, "api_image_tag", "3.1.0", "3.0.4", Severity.MEDIUM, "another image is deployed than was tested"),
    setter("placeholder", _TF, "certificate_arn", "TODO", "TBD", Severity.HIGH, "the certificate was never filled in"),
    setter("database parameter", "postgres.server", "settings.default_transaction_isolation", "serializable", "read committed", Severity.MEDIUM, "transactions are isolated in another way"),
    setter("database parameter", "postgres.server", "settings.jit", True, False, Severity.MEDIUM, "queries are compiled on one side"),
    setter("database parameter", "postgres.server", "settings.wal_level", "replica", "logical", Severity.MEDIUM, "staging cannot replicate logically"),
    setter("database parameter", "postgres.server", "encoding", "SQL_ASCII", "UTF8", Severity.LOW, "text is stored in another encoding"),
    setter("schedule", "kubernetes.cronjob", "spec.schedule", "0 4 * * 0", "*/5 * * * *", Severity.LOW, "the job runs at other times"),
    setter("deployment", "kubernetes.deployment", "spec.strategy.rollingUpdate.maxUnavailable", 0, "50%", Severity.LOW, "production may lose half of its pods in a rollout"),
    setter("exposed", "kubernetes.service", "spec.type", "ClusterIP", "LoadBalancer", Severity.LOW, "production's service is reachable from outside"),
    setter("setting", "yaml.file json.file", "cache.strategy", "none", "shared", Severity.LOW, "staging does not cache"),
    setter("TLS off", "yaml.file json.file", "database.ssl", True, False, Severity.HIGH, "production talks to its database in the clear"),
    setter("debugging in production", "yaml.file json.file", "logging.level", "info", "debug", Severity.MEDIUM, "production logs everything"),
    setter("protection inverted", "yaml.file json.file", "logging.retention_days", 90, 7, Severity.HIGH, "production's logs go sooner"),
    setter("timeout", "yaml.file json.file", "database.statement_timeout", "5s", "120s", Severity.LOW, "statements may take longer in production"),
    setter("setting", "compose.service", "command", ["serve"], ["serve", "--port", "8080"], Severity.LOW, "the program is started in another way"),
    setter("image version", "compose.service", "image", "registry.example/app:1.0.0", "registry.example/app:1.2.0", Severity.MEDIUM, "another image runs than was tested"),
    setter("staging larger", "compose.service", "deploy.replicas", 5, 1, Severity.MEDIUM, "staging runs more copies"),
)  # fmt: skip
PLANTERS = (*_FORMS, *_VALUES)
