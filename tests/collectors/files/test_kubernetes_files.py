"""Kubernetes manifests and ECS task definitions in files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from auditor.model import Category
from auditor.paths import matches
from collectors.files import COLLECTOR
from tests.collectors.files.reader import read

if TYPE_CHECKING:
    from pathlib import Path

APP = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: orders
  namespace: shop-staging
  labels: {app.kubernetes.io/name: orders, tier: web}
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: api
          image: registry/orders:1.4.2
          env: [{name: LOG_LEVEL, value: info}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: orders}
data:
  app.json: '{"pool": {"size": 4}}'
  app.yaml: |
    feature: true
    level: 3
  app.properties: |
    server.port=8080
  broken.json: "{not json"
  motd: hello
---
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Service
    metadata: {name: orders}
    spec: {ports: [{port: 80}]}
  - apiVersion: v1
    kind: Secret
    metadata: {name: orders}
    stringData: {password: hunter2}
"""


def test_every_document_is_a_resource_of_its_kind(tmp_path: Path) -> None:
    """Several documents in one file, one of them a list; each with name, namespace, component and line."""
    found = read(tmp_path, {"k8s/app.yaml": APP})
    assert found.gaps == []
    assert found.names() == [
        ("kubernetes.configmap", "orders"),
        ("kubernetes.deployment", "orders"),
        ("kubernetes.secret", "orders"),
        ("kubernetes.service", "orders"),
    ]
    deployment = found.resources[1]
    assert deployment.parent == "shop-staging"
    assert deployment.component == "orders"
    assert deployment.tags == {"app.kubernetes.io/name": "orders", "tier": "web"}
    assert deployment.location == "k8s/app.yaml:2"
    assert found.resources[0].location == "k8s/app.yaml:17"
    assert deployment.attributes["spec"]["template"]["spec"]["containers"][0]["env"] == [
        {"name": "LOG_LEVEL", "value": "info"}
    ]


def test_documents_inside_a_configmap_are_read_as_what_they_are(tmp_path: Path) -> None:
    """JSON, YAML and properties by the key's suffix; what is not what its name says stays text."""
    data = read(tmp_path, {"app.yaml": APP}).one("kubernetes.configmap", "orders")["data"]
    assert data == {
        "app.json": {"pool": {"size": 4}},
        "app.yaml": {"feature": True, "level": 3},
        "app.properties": {"server.port": "8080"},
        "broken.json": "{not json",
        "motd": "hello",
    }


def test_one_word_in_place_of_a_document_stays_that_word(tmp_path: Path) -> None:
    """A document that was never filled in is told as the placeholder that it is, not as a key of its own."""
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  app.properties: |\n    CHANGE_ME\n  b.env: TODO\n"
    data = read(tmp_path, {"a.yaml": text}).one("kubernetes.configmap", "a")["data"]
    assert data == {"app.properties": "CHANGE_ME\n", "b.env": "TODO"}


def test_rules_and_metrics_are_called_by_what_they_are_about(tmp_path: Path) -> None:
    """A role's rules and an autoscaler's metrics have no names; their order says nothing."""
    text = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: team}
rules:
  - {apiGroups: [extensions, apps], resources: [deployments], verbs: [get]}
  - {apiGroups: [""], resources: [pods], verbs: [list]}
  - {apiGroups: [""], resources: [pods], verbs: [watch]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  metrics:
    - {type: Resource, resource: {name: cpu, target: {averageUtilization: 70}}}
"""
    found = read(tmp_path, {"rbac.yaml": text})
    assert list(found.one("kubernetes.role", "team")["rules"]) == [
        "apps,extensions deployments",
        "core pods",
        "core pods 2",
    ]
    metrics = found.one("kubernetes.horizontalpodautoscaler", "web")["spec"]["metrics"]
    assert metrics["Resource cpu"]["resource"]["target"] == {"averageUtilization": 70}


def test_one_name_in_several_namespaces_or_files_stays_apart(tmp_path: Path) -> None:
    """Nothing is lost when names repeat: the namespace, then the file, tells them apart; the same twice counts once."""

    def policy(namespace: str, kind: str) -> str:
        metadata = f"metadata: {{name: default, namespace: {namespace}}}"
        return f"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n{metadata}\nspec: {{policyTypes: [{kind}]}}\n"

    files = {
        "a/p.yaml": policy("shop-staging", "Ingress"),
        "b/p.yaml": policy("blog-staging", "Ingress"),
        "b/again.yaml": policy("blog-staging", "Ingress"),
        "b/other.yaml": policy("blog-staging", "Egress"),
    }
    assert [identity for _, identity in read(tmp_path, files).names()] == [
        "blog-staging/default (b/again.yaml)",
        "blog-staging/default (b/other.yaml)",
        "shop-staging/default",
    ]


def test_a_kustomization_without_a_name_is_called_by_its_file(tmp_path: Path) -> None:
    """kustomize lets its file leave out what it is and how it is called."""
    found = read(tmp_path, {"overlays/staging/kustomization.yaml": "resources: [../../base]\nnamePrefix: stg-\n"})
    assert found.names() == [("kubernetes.kustomization", "overlays/staging/kustomization.yaml")]


def test_a_task_definition_is_known_by_its_content(tmp_path: Path) -> None:
    """Whatever the file is called, and in YAML too; the family is the identity."""
    body = {"family": "orders-staging", "containerDefinitions": [{"name": "api", "image": "orders:1"}]}
    found = read(tmp_path, {"ecs/whatever.json": json.dumps(body), "b.yml": "containerDefinitions: [{image: x}]\n"})
    (task,) = found.resources
    assert (task.kind, task.identity) == ("aws.ecs.task_definition", "orders-staging")
    assert task.attributes["container_definitions"]["api"]["image"] == "orders:1"
    (gap,) = found.gaps
    assert (gap.kind, gap.reason.value, gap.resource) == ("aws.ecs.task_definition", "malformed", "b.yml")


def test_declared_forms_fit_manifests() -> None:
    """Patterns reach what they are meant for: containers' ports by port, secrets' values, live fields."""
    kinds = {kind.name: kind for kind in COLLECTOR.kinds}
    pod, secret = kinds["kubernetes.deployment"], kinds["kubernetes.secret"]
    ports = ("spec", "template", "spec", "containers", "api", "ports")
    assert [by for pattern, by in pod.keyed.items() if matches(pattern, ports)] == ["containerPort"]
    assert any(matches(pattern, ("data", "tls.key")) for pattern in secret.secret)
    applied = ("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration")
    assert any(matches(pattern, applied) for pattern in pod.volatile)
    assert any(matches(pattern, ("spec", "template", "spec", "containers", "api", "args")) for pattern in pod.ordered)
    assert kinds["kubernetes.ingress"].category is Category.NETWORK
    assert kinds["kubernetes.*"].category is Category.CONFIG
    assert len(kinds) == len(COLLECTOR.kinds)
