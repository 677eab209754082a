"""What a service depends on, followed through the normal forms of both sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from auditor.alike import Pair
from auditor.compare import compare
from auditor.comparison import Comparison
from auditor.coverage import one_sided_gaps
from auditor.match import match
from auditor.model import Gap, GapReason, Resource
from auditor.promotion import COMPONENT
from auditor.registry import Registry
from auditor.scope import Scope, UnknownService, scope_of, service_names
from auditor.snapshot import normalise
from tests.factories import PROD, STAGING, snapshot
from tests.store.samples import breach

KINDS = Registry.load()


def world(*resources: tuple[Resource, Resource] | Resource, only: Sequence[Resource] = ()) -> Comparison:
    """A pair of environments: each resource on both sides; `only` on the left."""
    left = [*(one[0] if isinstance(one, tuple) else one for one in resources), *only]
    right = [one[1] if isinstance(one, tuple) else one for one in resources]
    sides = [normalise(side, KINDS.kind, names) for side, names in ((left, STAGING), (right, PROD))]
    pair = Pair(STAGING, PROD)
    matches, unmatched = match(sides[0], sides[1], pair, [], "parity:id")
    ours, theirs = one_sided_gaps(snapshot("staging", resources=tuple(left)), snapshot("prod", resources=tuple(right)))
    return Comparison(ours, theirs, compare(matches, pair), unmatched)


def scope(comparison: Comparison, *services: str) -> Scope:
    return scope_of(comparison, (STAGING, PROD), services)


def both(kind: str, identity: str, attributes: Any, **more: Any) -> tuple[Resource, Resource]:
    """The same on both sides; `{env}` and `{e}` are each side's name and short name."""

    def filled(value: Any, env: str) -> Any:
        if isinstance(value, str):
            return value.replace("{env}", env)
        if isinstance(value, dict):
            return {filled(key, env): filled(item, env) for key, item in value.items()}
        return type(value)(filled(item, env) for item in value) if isinstance(value, list | tuple) else value

    left, right = (
        Resource(kind, filled(identity, env), filled(attributes, env), source="aws:1", **filled(more, env))
        for env in ("staging", "prod")
    )
    return left, right


SERVICE = both(
    "aws.ecs.service",
    "shop-{env}/orders",
    {
        "task_definition": "orders-{env}",
        "security_groups": ["sg-0aa1bb22", "sg-99999999"],
        "load_balancers": [{"target_group_arn": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/orders-{env}/1"}],
    },
    component="orders",
    parent="shop-{env}",
)
TASKS = both(
    "aws.ecs.task_definition",
    "orders-{env}",
    {
        "container_definitions": {
            "orders": {
                "image": "example.com/orders:1",
                "environment": {
                    "DATABASE_URL": "postgres://app@orders-{env}.abc.eu-west-1.rds.amazonaws.com:5432/orders",
                    "CACHE_HOST": "sessions.{env}.acme.internal",
                    "PAYMENTS_URL": "https://payments.example.com/v1",
                    "MAIL_FROM": "shop@acme.example",
                },
                "secrets": {
                    "KEY": "arn:aws:ssm:eu-west-1:111122223333:parameter/orders-app/{env}/key",
                    "PASSWORD": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db/{env}-AbCdEf:password::",
                    "NAME": "/shop/{env}/name",
                },
                "task_role_arn": "arn:aws:iam::111122223333:role/orders",
            }
        }
    },
    component="orders-{env}",
)
DATABASE = both(
    "aws.rds.instance",
    "orders-{env}",
    {"engine_version": "16.1", "db_parameter_groups": ["orders-pg-{env}"]},
    refs=("orders-{env}.abc.eu-west-1.rds.amazonaws.com",),
)
CACHE = both("aws.elasticache.replication_group", "{env}-sessions", {"engine": "redis"})
OTHERS = (
    both("aws.rds.parameter_group", "orders-pg-{env}", {"parameters": {"a": "1"}}),
    both("aws.rds.instance", "catalogue-{env}", {"engine_version": "8"}),
    both("aws.ssm.parameter", "/orders-app/{env}/key", {"value": "{secret:0}"}),
    both("aws.ssm.parameter", "/shop/{env}/name", {"value": "x"}),
    both("aws.ssm.parameter", "/shop/{env}/mail/name", {"value": "x"}),
    both("aws.secretsmanager.secret", "db/{env}", {"rotation_enabled": False}),
    both("aws.secretsmanager.secret", "mail/{env}", {"rotation_enabled": False}),
    both("aws.ecs.cluster", "shop-{env}", {"settings": []}),
    both("aws.ecs.service", "shop-{env}/mailer", {"task_definition": "mailer-{env}"}, component="mailer", parent="shop-{env}"),
    both(
        "aws.elasticloadbalancingv2.target_group", "orders-{env}", {"port": 80},
        refs=("arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/orders-{env}/1",),
    ),
    both(
        "aws.elasticloadbalancingv2.target_group", "mailer-{env}", {"port": 80},
        refs=("arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/mailer-{env}/2",),
    ),
    both(
        "aws.elasticloadbalancingv2.load_balancer", "edge-{env}",
        {"rules": [{"target": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/orders-{env}/1", "priority": 1},
                   {"target": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/mailer-{env}/2", "priority": 2}]},
    ),
    both("aws.lambda.function", "thumbnails-{env}", {"runtime": "python3.12"}, component="thumbnails-{env}"),
    both("aws.ec2.security_group", "services-{env}", {"rules": [{"source": "sg-0cc3dd44", "ports": "80"}]}, refs=("sg-0aa1bb22",)),
    both("aws.ec2.security_group", "edge-{env}", {"rules": []}, refs=("sg-0cc3dd44",)),
)  # fmt: skip


def names(found: Scope, kind: str) -> set[str]:
    return {identity for member, identity in found.members if member == kind and "{env}" in identity}


def test_an_ecs_service_is_followed_to_everything_that_it_uses() -> None:
    """Its tasks, their database by endpoint and that one's parameters, secrets by ARN and by name, what fronts it."""
    found = scope(world(SERVICE, TASKS, DATABASE, CACHE, *OTHERS), "orders")
    assert {(kind, identity) for kind, identity in found.members if "{env}" in identity} == {
        ("aws.ecs.service", "shop-{env}/orders"),
        ("aws.ec2.security_group", "services-{env}"),
        ("aws.ecs.cluster", "shop-{env}"),
        ("aws.ecs.task_definition", "orders-{env}"),
        ("aws.rds.instance", "orders-{env}"),
        ("aws.rds.parameter_group", "orders-pg-{env}"),
        ("aws.elasticache.replication_group", "{env}-sessions"),
        ("aws.ssm.parameter", "/orders-app/{env}/key"),
        ("aws.ssm.parameter", "/shop/{env}/name"),
        ("aws.secretsmanager.secret", "db/{env}"),
        ("aws.elasticloadbalancingv2.target_group", "orders-{env}"),
        ("aws.elasticloadbalancingv2.load_balancer", "edge-{env}"),
    }
    assert (found.left, found.right, found.matched, found.of) == (12, 12, 12, 38)


def test_what_no_source_describes_is_told_and_a_host_may_be_followed_by_its_name() -> None:
    """A host of another company, a role; an alias in DNS leads to the one cache that bears its name. An address is no host."""
    found = scope(world(SERVICE, TASKS, DATABASE, CACHE, *OTHERS), "orders")
    told = {(side, one.what, one.text, one.taken_for) for side, one in found.unresolved if side == "prod"}
    assert told == {
        ("prod", "host", "payments.example.com", ()),
        ("prod", "host", "sessions.prod.acme.internal", ("prod-sessions",)),
        ("prod", "arn", "arn:aws:iam::111122223333:role/orders", ()),
        ("prod", "aws.ec2.security_group", "sg-99999999", ()),
    }


@pytest.mark.parametrize(
    ("kind", "inside"),
    [
        ("aws.rds.instance", True),
        ("aws.elasticache.cache_cluster", True),  # a host that nothing describes may be one
        ("aws.iam.role", True),  # an ARN of the service points there
        ("aws.lambda.function", False),
        ("compose.service", False),
    ],
)
def test_a_gap_counts_where_a_dependency_may_be_behind_it(kind: str, inside: bool) -> None:
    """What the scope holds, and what it points to without anybody knowing what that is."""
    found = scope(world(SERVICE, TASKS, DATABASE, CACHE, *OTHERS), "orders")
    assert found.may_lack(Gap("prod", "aws:1", kind, GapReason.ACCESS_DENIED, "")) is inside


@pytest.mark.parametrize("name", ["thumbnails", "Thumbnails-Staging", "thumbnails-prod"])
def test_a_service_is_called_with_or_without_its_environment(name: str) -> None:
    """In any case of letters, as either side spells it."""
    assert names(scope(world(*OTHERS), name), "aws.lambda.function") == {"thumbnails-{env}"}


def test_an_unknown_service_names_the_near_ones() -> None:
    """Raised before anything is judged."""
    comparison = world(SERVICE, *OTHERS)
    with pytest.raises(UnknownService, match="'oders'") as caught:
        scope(comparison, "orders", "oders")
    assert caught.value.remedy == "did you mean `orders`? (known: mailer, orders, thumbnails)"
    assert service_names(comparison, (STAGING, PROD)) == ("mailer", "orders", "thumbnails")


def test_what_one_side_depends_on_is_in_the_scope_of_both() -> None:
    """Only staging's tasks use the cache: that is a difference, and the cache's findings count."""
    left, right = both("aws.lambda.function", "resize-{env}", {"environment": {"A": "1"}}, component="resize")
    left = Resource(
        left.kind, left.identity, {"environment": {"HOST": "cache-1.abc.amazonaws.com"}}, component="resize"
    )
    cache = both(
        "aws.elasticache.replication_group", "c-{env}", {"engine": "redis"}, refs=("cache-1.abc.amazonaws.com",)
    )
    found = scope(world((left, right), cache), "resize")
    assert names(found, "aws.elasticache.replication_group") == {"c-{env}"}
    assert (found.left, found.right) == (2, 2)


def kubernetes(kind: str, name: str, spec: Any, namespace: str = "shop", **more: Any) -> Resource:
    body = {"kind": kind, "metadata": {"name": name}, "spec": spec, **more}
    return Resource(f"kubernetes.{kind.lower()}", name, body, source="files:deploy", parent=namespace)


def pods(labels: dict[str, str], **spec: Any) -> dict[str, Any]:
    return {"template": {"metadata": {"labels": labels}, "spec": spec}}


def test_a_kubernetes_workload_is_followed_within_its_namespace() -> None:
    """Its config maps, secrets and claims by name; what selects, scales and routes to it; what it calls, and what is
    behind that."""
    web = kubernetes(
        "Deployment", "web",
        pods({"app": "web"}, containers=[{"name": "web", "image": "a/web:1",
             "env": [{"name": "API", "value": "http://api.shop.svc.cluster.local:8080"},
                     {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "tokens", "key": "t"}}}],
             "envFrom": [{"configMapRef": {"name": "web"}}, {"configMapRef": {"name": "gone"}}]}],
             volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "disk"}}]),
    )  # fmt: skip
    others = [
        kubernetes("ConfigMap", "web", None, data={"A": "1"}),
        kubernetes("ConfigMap", "web", None, namespace="other", data={"A": "2"}),
        kubernetes("ConfigMap", "unused", None, data={"A": "1"}),
        kubernetes("Secret", "tokens", None),
        kubernetes("PersistentVolumeClaim", "disk", {"resources": {}}),
        kubernetes("Service", "web", {"selector": {"app": "web"}}),
        kubernetes("Service", "api", {"selector": {"app": "api"}}),
        kubernetes("Deployment", "api", pods({"app": "api"}, containers=[{"name": "api", "image": "a/api:1"}])),
        kubernetes("Deployment", "batch", pods({"app": "batch"}, containers=[{"name": "b", "image": "a/b:1"}])),
        kubernetes("HorizontalPodAutoscaler", "hpa", {"scaleTargetRef": {"kind": "Deployment", "name": "web"}}),
        kubernetes("Ingress", "edge", {"rules": [{"host": "x", "http": {"paths": [
            {"path": "/", "backend": {"service": {"name": "web"}}}, {"path": "/b", "backend": {"service": {"name": "b"}}}]}}]}),
    ]  # fmt: skip
    found = scope(world(web, *others), "web")
    assert set(found.members) == {
        ("kubernetes.deployment", "web"), ("kubernetes.configmap", "web"), ("kubernetes.secret", "tokens"),
        ("kubernetes.persistentvolumeclaim", "disk"), ("kubernetes.service", "web"), ("kubernetes.service", "api"),
        ("kubernetes.deployment", "api"), ("kubernetes.horizontalpodautoscaler", "hpa"), ("kubernetes.ingress", "edge"),
    }  # fmt: skip
    assert (found.left, found.right) == (9, 9)
    assert {(one.what, one.text) for _, one in found.unresolved} == {("kubernetes.configmap", "gone")}
    assert found.may_lack(Gap("prod", "files:deploy", "kubernetes.*", GapReason.MALFORMED, "", resource="x.yaml"))


def test_a_compose_service_is_followed_to_what_it_mounts_joins_and_calls() -> None:
    """By name, by the host in an address, and file by file: what is named after the service belongs to it."""
    found = scope(
        world(
            Resource("compose.service", "web", {"image": "a/web:1", "depends_on": {"db": {"condition": "healthy"}},
                     "environment": {"CACHE_URL": "redis://cache:6379/0"}, "networks": ["inner"],
                     "volumes": {"/data": {"source": "disk", "type": "volume"}}}, component="web"),
            Resource("compose.service", "db", {"image": "postgres:16"}, component="db"),
            Resource("compose.service", "cache", {"image": "redis:7"}, component="cache"),
            Resource("compose.service", "cron", {"image": "a/cron:1"}, component="cron"),
            Resource("compose.volume", "disk", {}),
            Resource("compose.volume", "other", {}),
            Resource("compose.network", "inner", {}),
            both("env.file", "config/web.env", {"A": "1"}),
            both("env.file", "config/cron.env", {"A": "1"}),
        ),
        "web",
    )  # fmt: skip
    assert set(found.members) == {
        ("compose.service", "web"), ("compose.service", "db"), ("compose.service", "cache"), ("compose.volume", "disk"),
        ("compose.network", "inner"), ("env.file", "config/web.env"),
    }  # fmt: skip


def test_what_is_said_of_a_deployed_component_belongs_to_its_service() -> None:
    """A version that was never rehearsed holds back the service that runs it, and no other one."""
    images = [both("compose.service", name, {"image": f"acme/{name}:1.0.0"}) for name in ("orders", "search")]
    found = scope(world(*images), "orders")
    about = {name: breach(kind=COMPONENT.name, identity=name) for name in ("orders", "search")}
    assert {name: found.holds(one) for name, one in about.items()} == {"orders": True, "search": False}
