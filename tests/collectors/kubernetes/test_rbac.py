"""The role that `audit kubernetes-rbac` prints: what the options enable, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner

from auditor.cli.root import audit
from collectors.kubernetes import COLLECTOR, KubernetesOptions

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
store: "sqlite:///auditor.db"
environments:
  staging:
    sources: [{collector: kubernetes, context: staging, namespaces: [shop-staging], kinds: [deployment, namespace]}]
  prod:
    sources: [{collector: kubernetes, context: prod, kinds: [service, helm_release], secrets: true}]
  files:
    sources: [{collector: files, path: deploy}]
pairs: [{left: staging, right: prod}]
"""


def printed(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> list[dict[str, Any]]:
    monkeypatch.chdir(folder)
    outcome = CliRunner().invoke(audit, ["kubernetes-rbac", *arguments], catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return list(yaml.safe_load_all(outcome.stdout))


def granted(role: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule.get("apiGroups", ())
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_namespaces_that_are_named_are_granted_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And of the cluster nothing but what is in none; autoscalers say whose replicas are their own."""
    (tmp_path / "auditor.yaml").write_text(CONFIG)
    wide, binding, narrow, inner = printed(tmp_path, monkeypatch, "staging", "--service-account", "tools/reader")
    assert granted(wide) == set()
    assert granted(narrow) == {
        ("apps", "deployments", "list"), ("autoscaling", "horizontalpodautoscalers", "list"), ("", "namespaces", "get"),
    }  # fmt: skip
    assert (binding["kind"], inner["kind"], inner["metadata"]["namespace"]) == (
        "ClusterRoleBinding", "RoleBinding", "shop-staging",
    )  # fmt: skip
    assert inner["subjects"] == [{"kind": "ServiceAccount", "name": "reader", "namespace": "tools"}]
    assert inner["roleRef"]["name"] == narrow["metadata"]["name"]


def test_secrets_are_fetched_for_helm_only_and_nothing_is_ever_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a configuration, everything that is supported; with one, what it enables."""
    (everything, _) = printed(tmp_path, monkeypatch)
    assert {verb for _, _, verb in granted(everything)} == {"get", "list"}
    assert {resource for _, resource, verb in granted(everything) if verb == "get"} == {"secrets"}
    assert len(granted(everything)) == 28
    (tmp_path / "auditor.yaml").write_text(CONFIG)
    (prod, _) = printed(tmp_path, monkeypatch, "prod")
    assert granted(prod) == {("", "services", "list"), ("", "secrets", "list"), ("", "secrets", "get")}
    without = KubernetesOptions.model_validate({"secrets": False, "custom_resources": ["cert-manager.io/Certificate"]})
    permissions = COLLECTOR.permissions_for(without)
    assert not any("secrets" in one for one in permissions)
    assert "list certificates.cert-manager.io" in permissions


def test_an_environment_without_a_cluster_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As is an account that is not NAMESPACE/NAME."""
    (tmp_path / "auditor.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    outcome = CliRunner().invoke(audit, ["kubernetes-rbac", "files"])
    assert (outcome.exit_code, "reads no Kubernetes cluster" in outcome.output) == (2, True)
    outcome = CliRunner().invoke(audit, ["kubernetes-rbac", "--service-account", "reader"])
    assert (outcome.exit_code, "must be NAMESPACE/NAME" in outcome.output) == (2, True)
