"""What is deployed, in one normal form, from every kind of resource that says so."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.deployed import MAX_ROWS, MAX_TEXT, deployed, image
from auditor.gauges import Deployed
from auditor.model import Resource
from auditor.names import environment_names
from collectors.files import kubernetes

DIGEST = "sha256:" + "0f3a" * 16
STAGING = environment_names("staging", ["stg"], {"prod": ["production"]}).tokens
PROD = environment_names("prod", ["production"], {"staging": ["stg"]}).tokens


def rows(*resources: Resource, names: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Component and version of each row."""
    return [(row.component, row.version) for row in deployed(resources, names)]


def task_definition(identity: str, **images: str) -> Resource:
    """An ECS task definition whose containers run these images."""
    containers = {name.replace("_", "-"): {"image": each} for name, each in images.items()}
    return Resource("aws.ecs.task_definition", identity, {"container_definitions": containers}, component=identity)


def manifest(kind: str, name: str, spec: dict[str, Any], labels: dict[str, str] | None = None) -> Resource:
    """A Kubernetes object as the files collector reads it."""
    document = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "labels": labels or {}}, "spec": spec}
    (found,) = kubernetes.resources(document, "x.yaml", "x.yaml:1", "files:x")
    return found


def pods(**images: str) -> dict[str, Any]:
    """The `spec` of a workload whose pods run these images."""
    return {"template": {"spec": {"containers": [{"name": name, "image": each} for name, each in images.items()]}}}


@pytest.mark.parametrize(
    ("reference", "repository", "tag", "digest", "version"),
    [
        ("nginx", "nginx", None, None, "latest"),
        ("nginx:1.27", "nginx", "1.27", None, "1.27"),
        ("localhost:5000/shop/web", "localhost:5000/shop/web", None, None, "latest"),
        ("localhost:5000/shop/web:2.0", "localhost:5000/shop/web", "2.0", None, "2.0"),
        (f"ghcr.io/acme/api:1.4.2@{DIGEST}", "ghcr.io/acme/api", "1.4.2", DIGEST, "1.4.2"),
        (f"ghcr.io/acme/api:stable@{DIGEST}", "ghcr.io/acme/api", "stable", DIGEST, "0f3a0f3a0f3a"),
        (f"ghcr.io/acme/api@{DIGEST}", "ghcr.io/acme/api", None, DIGEST, "0f3a0f3a0f3a"),
        (
            "111122223333.dkr.ecr.eu-west-1.amazonaws.com/orders:2024.11.3-rc.1",
            "111122223333.dkr.ecr.eu-west-1.amazonaws.com/orders",
            "2024.11.3-rc.1",
            None,
            "2024.11.3-rc.1",
        ),
    ],
)
def test_an_image_is_read_by_its_parts(
    reference: str, repository: str, tag: str | None, digest: str | None, version: str
) -> None:
    """A port is no tag, and a digest says more than a tag that moves."""
    found = image(reference)
    assert found is not None
    assert (found.repository, found.tag, found.digest, found.version) == (repository, tag, digest, version)


@pytest.mark.parametrize(
    "text",
    ["", "  ", None, 3, ["nginx"], "acme/api:${TAG}", "api:{{ .Values.tag }}", "{secret:" + "0" * 32 + "}",
     "acme/api@sha256:short", "acme/", "x" * 2000],
)  # fmt: skip
def test_what_names_no_image_is_none(text: object) -> None:
    """A variable left open, a secret taken out, a broken digest: no version is better than a wrong one."""
    assert image(text) is None


def test_a_service_is_its_principal_container_and_the_others_stand_beside_it() -> None:
    """The container that is called as its task definition is the component."""
    found = rows(task_definition("orders", orders="acme/orders:1.2", log_router="fluent-bit:3.0"))
    assert found == [("orders", "1.2"), ("orders/log-router", "3.0")]
    assert rows(task_definition("mailer", worker="acme/mailer:9")) == [("mailer", "9")]


def test_two_environments_have_their_components_under_the_same_names() -> None:
    """So that the rows of a table join, whatever the environments call themselves."""
    left = rows(
        task_definition("orders-stg", orders_stg="a/orders:1.3", proxy="envoy:1.30"),
        Resource("http.version", "api.staging", {"version": "7"}, component="api.staging"),
        names=STAGING,
    )
    right = rows(
        task_definition("production-orders", orders="a/orders:1.2", proxy="envoy:1.30"),
        Resource("http.version", "api.prod", {"version": "6"}, component="api.prod"),
        names=PROD,
    )
    assert left == [("api", "7"), ("orders", "1.3"), ("orders/proxy", "1.30")]
    assert right == [("api", "6"), ("orders", "1.2"), ("orders/proxy", "1.30")]


@pytest.mark.parametrize(
    ("name", "neutral"),
    [
        ("orders-staging", "orders"),
        ("staging-orders", "orders"),
        ("orders-staging-api", "orders-api"),
        ("shop/staging/api", "shop/api"),
        ("orders-staging/api", "orders/api"),
        ("ordersStaging", "orders"),
        ("staging", "staging"),
        ("backstage", "backstage"),
    ],
)
def test_only_whole_words_of_an_environment_are_taken_out(name: str, neutral: str) -> None:
    """And something always stays."""
    assert rows(Resource("http.version", name, {"version": "1"}), names=STAGING) == [(neutral, "1")]


def test_a_function_is_the_code_that_its_aliases_stand_for() -> None:
    """What was uploaded since is not what is called; Lambda's base64 becomes the usual spelling of a digest."""
    old, new = (base64.b64encode(letter * 32).decode() for letter in (b"o", b"n"))
    plain = Resource("aws.lambda.function", "resize-staging", {"code_sha256": new, "aliases": {}})
    (row,) = deployed([plain], STAGING)
    assert row == Deployed("resize", "6e" * 6, "sha256:" + "6e" * 32)
    called = Resource(
        "aws.lambda.function",
        "resize",
        {"code_sha256": new, "aliases": {"live": {"version": "4", "code_sha256": old}}},
    )
    assert rows(called) == [("resize", "6f" * 6)]
    two = {"live": {"code_sha256": old}, "canary": {"code_sha256": new}}
    assert rows(Resource("aws.lambda.function", "resize", {"aliases": two})) == [
        ("resize/canary", "6e" * 6),
        ("resize/live", "6f" * 6),
    ]
    packed = {"code_sha256": new, "image_uri": "1.dkr.ecr.x.amazonaws.com/resize:5.1", "aliases": {}}
    assert rows(Resource("aws.lambda.function", "resize", packed)) == [("resize", "5.1")]


def test_a_version_endpoint_tells_its_version_or_its_commit() -> None:
    """A commit is shown as short as people write it; a time of deployment where it says one."""
    told = {"version": "1.4.2", "digest": DIGEST, "deployed": "2026-11-22T10:00:00+01:00"}
    (row,) = deployed([Resource("http.version", "api", told, component="api")])
    assert row == Deployed("api", "1.4.2", DIGEST, datetime(2026, 11, 22, 9, 0, tzinfo=UTC))
    commit = "3f786850e387550fdab836ed7e6dc881de23001b"
    assert rows(Resource("http.version", "api", {"version": commit})) == [("api", "3f786850e387")]
    assert rows(Resource("http.version", "api", {"version": "{secret:" + "a" * 32 + "}"})) == []


def test_kubernetes_workloads_are_read_wherever_their_pods_are_described() -> None:
    """In a template, in a template's template, or at once."""
    assert rows(
        manifest("Deployment", "web", pods(web="acme/web:2.1", metrics="exporter:1.0")),
        manifest("StatefulSet", "queue", pods(queue="rabbitmq:4.0.2")),
        manifest("CronJob", "clean", {"jobTemplate": {"spec": pods(clean="acme/clean:7")}}),
        manifest("Pod", "probe", {"containers": [{"name": "probe", "image": "busybox:1.36"}]}),
        manifest("Service", "web", {"ports": []}),
    ) == [("clean", "7"), ("probe", "1.36"), ("queue", "4.0.2"), ("web", "2.1"), ("web/metrics", "1.0")]


def test_workloads_that_share_an_app_label_are_told_apart_by_their_names() -> None:
    """Else the web server and the worker of a shop would look like two versions of one thing."""
    label = {"app.kubernetes.io/name": "shop"}
    assert rows(
        manifest("Deployment", "shop-web", pods(web="acme/web:2"), label),
        manifest("Deployment", "shop-worker", pods(worker="acme/worker:3"), label),
    ) == [("shop-web", "2"), ("shop-worker", "3")]
    assert rows(manifest("Deployment", "shop-web", pods(web="acme/web:2"), label)) == [("shop", "2")]


def test_charts_kustomizations_and_applications_say_versions_too() -> None:
    """What a repository deploys by reference."""
    release = {"chart": {"spec": {"version": "4.11.2"}}, "values": {"image": {"tag": "1.8.0"}}}
    kustomization = {"images": [{"name": "ghcr.io/acme/api", "newTag": "1.4.2"}, {"name": "web", "digest": DIGEST}, 3]}
    assert rows(
        manifest("HelmRelease", "ingress", release),
        Resource("kubernetes.kustomization", "overlay", kustomization),
        manifest("Application", "shop", {"source": {"targetRevision": "v2.0.1"}}),
        Resource("compose.service", "search", {"image": "elasticsearch:8.13.4"}, component="search"),
    ) == [
        ("ingress", "1.8.0"),
        ("ingress/chart", "4.11.2"),
        ("overlay/api", "1.4.2"),
        ("overlay/web", "0f3a0f3a0f3a"),
        ("search", "8.13.4"),
        ("shop", "v2.0.1"),
    ]


def test_two_versions_of_a_component_are_two_rows_and_two_sources_of_one_are_one() -> None:
    """A roll-out half done shows as such; the digest of one source completes what another says."""
    running = [task_definition("orders", orders="a/orders:1.3"), task_definition("orders#2", orders="a/orders:1.2")]
    running[1] = Resource(running[1].kind, "orders#2", running[1].attributes, component="orders")
    told = Resource("http.version", "orders", {"version": "1.3", "digest": DIGEST}, component="orders")
    assert deployed([*running, told]) == (Deployed("orders", "1.2"), Deployed("orders", "1.3", DIGEST))


def test_an_ecs_service_says_since_when_its_newest_revision_is_rolled_out() -> None:
    """The service knows the time, the task definition the images; an older revision beside it has no time."""
    service = {"task_definition": "orders", "deployed_at": "2026-11-22T08:00:00+00:00"}
    sister = {"task_definition": "orders", "deployed_at": "2026-11-21T08:00:00Z"}
    older = Resource("aws.ecs.task_definition", "orders#2", {"container_definitions": {"orders": {"image": "o:1"}}})
    assert deployed(
        [
            Resource("aws.ecs.service", "shop/orders", service),
            Resource("aws.ecs.service", "shop/orders-eu", sister),
            Resource("aws.ecs.service", "shop/odd", {"task_definition": "orders", "deployed_at": "lately"}),
            task_definition("orders", orders="o:2"),
            older,
        ]
    ) == (Deployed("orders", "1"), Deployed("orders", "2", deployed_at=datetime(2026, 11, 22, 8, 0, tzinfo=UTC)))


def test_what_comes_out_is_bounded() -> None:
    """A thousand rows, texts of 128 characters."""
    many = [Resource("http.version", f"s{n:05}" + "x" * 500, {"version": "v" * 150}) for n in range(MAX_ROWS + 10)]
    found = deployed(many)
    assert len(found) == MAX_ROWS
    assert {len(row.component) for row in found} == {len(row.version) for row in found} == {MAX_TEXT}


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "spec template jobTemplate containers image images name newTag values chart tag version aliases code_sha256 "
                "container_definitions image_uri source targetRevision".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
kinds = st.sampled_from(
    "http.version aws.ecs.task_definition aws.lambda.function compose.service kubernetes.deployment kubernetes.cronjob "
    "kubernetes.pod kubernetes.kustomization kubernetes.helmrelease kubernetes.application yaml.file".split()
)


@given(st.lists(st.tuples(kinds, json), max_size=4), st.randoms())
def test_no_document_breaks_it_and_order_does_not_matter(documents: list[tuple[str, Any]], random: Any) -> None:
    """Sources say what they like."""
    resources = [
        Resource(kind, f"r{number}", document if isinstance(document, dict) else {"spec": document})
        for number, (kind, document) in enumerate(documents)
    ]
    shuffled = list(resources)
    random.shuffle(shuffled)
    found = deployed(resources, STAGING)
    assert found == deployed(shuffled, STAGING)
    assert list(found) == sorted(found, key=lambda row: (row.component, row.version))
