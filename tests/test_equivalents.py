"""Local development held against a cloud: what stands for what, what is set aside, and what is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auditor.collector import Context
from auditor.config import load_config
from auditor.equivalents import ENGINE, WORKLOAD, Engine, put_into_terms
from auditor.judge import judge
from auditor.model import Gap, GapReason, Json, Listing, Resource, Snapshot
from auditor.pipeline import Tools, lay
from auditor.policy import load_policy
from auditor.redact import Redactor
from auditor.registry import Registry
from collectors.files import COLLECTOR
from collectors.files.collector import FilesOptions
from tests.factories import NOW, snapshot

COMPOSE_FILE = """\
services:
  db:
    image: postgres:14-alpine
    environment: {POSTGRES_PASSWORD: local}
  cache:
    image: redis:7
  mail:
    image: axllent/mailpit:v1.20
  orders:
    build: .
    environment: [DATABASE_URL=postgres://db/orders, CACHE_URL=redis://cache, DEBUG_SQL=1]
  catalog:
    image: ghcr.io/acme/catalog:1.4.2
    environment: {DATABASE_URL: postgres://db/catalog}
volumes: {data: {}}
"""
CLOUD = "aws:111122223333/ParityAuditor"


def local(folder: Path, text: str = COMPOSE_FILE) -> Snapshot:
    """What the collector of files reads of a Compose file."""
    (folder / "docker-compose.yml").write_text(text)
    (task,) = COLLECTOR.plan(FilesOptions(path=str(folder)), Context("local", folder))
    found = tuple(task.run())
    resources = tuple(replace(one, source=task.source) for one in found if isinstance(one, Resource))
    listings = tuple(Listing(task.source, kind) for kind in task.kinds)
    return replace(snapshot("local"), resources=resources, listings=listings)


def container(image: str, *variables: str, **secrets: str) -> Json:
    return {"image": image, "environment": dict.fromkeys(variables, "x"), "secrets": dict(secrets)}


def cloud(*, engine: str = "postgres", version: str = "16.3", **more: Any) -> Snapshot:
    """An account with a database, a cache, two services, and much that no laptop has."""
    tasks = {
        "orders-prod": {
            "orders": container("111122223333.dkr.ecr.eu-west-1.amazonaws.com/orders:2.0.1", "DATABASE_URL", TOKEN="arn"),
            "datadog-agent": container("public.ecr.aws/datadog/agent:7", "DD_SITE"),
        },
        "catalog-prod": {"catalog": container("111122223333.dkr.ecr.eu-west-1.amazonaws.com/catalog:1.5.0", "DATABASE_URL")},
    }  # fmt: skip
    resources = (
        Resource("aws.rds.instance", "shop-prod", {"engine": engine, "engine_version": version}, CLOUD, "eu-west-1"),
        Resource("aws.elasticache.replication_group", "c", {"engine": "redis", "engine_version": "7.1"}, CLOUD, "eu-west-1"),
        Resource("aws.ec2.security_group", "web", {"ingress": []}, CLOUD, "eu-west-1"),
        *(
            Resource("aws.ecs.task_definition", name, {"container_definitions": containers}, CLOUD, "eu-west-1")
            for name, containers in tasks.items()
        ),
    )  # fmt: skip
    kinds = sorted({one.kind for one in resources})
    listings = tuple(Listing(CLOUD, kind, "eu-west-1") for kind in kinds)
    return replace(snapshot("prod"), resources=resources, listings=listings, **more)


def found(left: Snapshot, right: Snapshot, folder: Path, text: str = "") -> list[tuple[str, str, str, str]]:
    """Rule, severity, identity and path of all that an audit of the two says."""
    registry = Registry.load()
    file = folder / "auditor.yaml"
    sources = "{sources: [{collector: files, path: .}]}"
    file.write_text(f"environments: {{local: {sources}, prod: {sources}}}\n{text}")
    config = load_config(file, registry=registry, environ={})
    tools = Tools(registry, _Forgetful(), Redactor(b"0123456789abcdef"), lambda: NOW)  # type: ignore[arg-type]
    laid = lay(config, left, right, tools)
    judged = judge(laid.comparison, load_policy(["default"]), laid.pair.left, laid.pair.right, NOW)
    return sorted((one.rule.id, one.severity.value, one.identity, ".".join(one.path)) for one in judged.breaches)


class _Forgetful:
    """A store that keeps nothing."""

    def cached(self, *_: object) -> dict[str, bytes]:
        return {}

    def cache_put(self, *_: object) -> None:
        return None


def test_a_laptop_is_compared_with_production_by_what_its_services_stand_for(tmp_path: Path) -> None:
    """A database a major release behind, an older neighbour, and variables that one side lacks; nothing else."""
    assert found(local(tmp_path), cloud(), tmp_path) == [
        ("local-engine-version", "medium", "postgres", "engine_version"),
        ("local-image", "low", "catalog", "image"),
        ("local-image-built", "info", "orders", "image"),
        ("local-variable", "low", "orders", "variables.CACHE_URL"),
        ("local-variable", "low", "orders", "variables.DEBUG_SQL"),
        ("local-variable", "low", "orders", "variables.TOKEN"),
    ]


def test_the_same_engine_by_any_name_and_precision_is_the_same(tmp_path: Path) -> None:
    """`postgres:14-alpine` is Aurora's PostgreSQL 14.9."""
    rules = {
        rule for rule, _, _, _ in found(local(tmp_path), cloud(engine="aurora-postgresql", version="14.9"), tmp_path)
    }
    assert not rules & {"local-engine-version", "local-engine-missing"}


def test_an_engine_of_the_users_own_is_known_by_its_image_and_its_service(tmp_path: Path) -> None:
    """`equivalents:` of the configuration come before what ships."""
    text = "services: {db: {image: 'acme/pg-plus:14.1'}}"
    own = "equivalents: [{engine: postgres-plus, images: [pg-plus], called: [custom-postgres]}]\n"
    at_both = cloud(engine="custom-postgres", version="14.2")
    assert ("local-engine-missing", "medium", "postgres-plus", "") not in found(
        local(tmp_path, text), at_both, tmp_path, own
    )
    without = found(local(tmp_path, text), at_both, tmp_path)
    assert [identity for rule, _, identity, _ in without if rule == "resource-extra"] == ["db"]


def test_what_was_not_read_is_unknown_and_not_missing(tmp_path: Path) -> None:
    """A database listing that was denied hides engines: the laptop's own is then no extra."""
    gap = Gap("prod", CLOUD, "aws.rds.instance", GapReason.ACCESS_DENIED, "denied", region="eu-west-1")
    whole = cloud()
    denied = replace(
        whole,
        resources=tuple(one for one in whole.resources if one.kind != "aws.rds.instance"),
        listings=tuple(one for one in whole.listings if one.kind != "aws.rds.instance"),
        gaps=(gap,),
    )
    left, right, _ = put_into_terms(local(tmp_path), denied)
    assert [(one.kind, one.reason, one.resource) for one in right.gaps] == [(ENGINE, GapReason.ACCESS_DENIED, None)]
    assert {one.identity for one in left.resources if one.kind == ENGINE} == {"postgres", "redis"}
    assert "postgres" not in {identity for _, _, identity, _ in found(local(tmp_path), denied, tmp_path)}


def test_it_is_said_what_was_not_compared(tmp_path: Path) -> None:
    """By kind; and both sides' own names of a database are kept as its place."""
    left, right, notes = put_into_terms(local(tmp_path), cloud())
    assert len(notes) == 1
    assert "so not compared: aws.ec2.security_group, compose.volume." in notes[0]
    assert {(one.kind, one.identity) for one in right.resources} == {
        (ENGINE, "postgres"), (ENGINE, "redis"), (WORKLOAD, "orders-prod"), (WORKLOAD, "catalog-prod"),
    }  # fmt: skip
    (engine,) = (one for one in right.resources if one.identity == "postgres")
    assert engine.location == "aws.rds.instance/shop-prod"
    assert {one.identity for one in left.resources if one.kind == WORKLOAD} == {"orders", "catalog"}


def test_manifests_of_production_are_nothing_that_a_laptop_lacks(tmp_path: Path) -> None:
    """A folder with a Compose file could hold manifests, so it lists them; one that holds some is compared with them."""
    running = {"spec": {"template": {"spec": {"containers": [{"name": "api", "image": "acme/api:1.0"}]}}}}
    service = Resource("kubernetes.service", "api", {"spec": {"ports": []}}, "files:k8s")
    manifests = (Resource("kubernetes.deployment", "api", running, "files:k8s"), service)
    kinds = local(tmp_path).listings
    there = replace(snapshot("prod"), resources=manifests, listings=kinds)
    assert "kubernetes.service" not in str(put_into_terms(local(tmp_path), there)[:2])
    here = local(tmp_path)
    both = replace(here, resources=(*here.resources, service))
    assert service in put_into_terms(both, there)[1].resources


def test_with_compose_on_both_sides_or_nothing_that_it_stands_for_nothing_changes(tmp_path: Path) -> None:
    """Two Compose files are compared as what they are, and so are two accounts, or a Compose file and a folder."""
    here, there = local(tmp_path), cloud()
    assert put_into_terms(here, here) == (here, here, ())
    assert put_into_terms(there, there) == (there, there, ())
    files = replace(there, resources=(Resource("env.file", "app.env", {"A": "1"}, "files:prod"),))
    assert put_into_terms(here, files) == (here, files, ())


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("timescale/timescaledb:2.14.2-pg16", [("postgres", "16")]),
        ("timescale/timescaledb:latest", [("postgres", None)]),
        ("postgis/postgis:15-3.4-alpine", [("postgres", "15")]),
        ("mcr.microsoft.com/mssql/server:2022-latest", [("sqlserver", "2022")]),
        ("acme/server:1.0", []),
        ("bitnami/kafka:3.7", [("kafka", "3.7")]),
        ("valkey/valkey:8", [("valkey", "8")]),
    ],
)
def test_engines_are_known_by_the_last_part_of_their_repository(
    tmp_path: Path, image: str, told: list[tuple[str, str | None]]
) -> None:
    """Whoever publishes it, and by the engine's own version where an extension's stands before it."""
    left, _, _ = put_into_terms(local(tmp_path, f"services: {{it: {{image: '{image}'}}}}"), cloud(), (Engine("none"),))
    engines = [(one.identity, one.attributes.get("engine_version")) for one in left.resources if one.kind == ENGINE]
    assert engines == told
