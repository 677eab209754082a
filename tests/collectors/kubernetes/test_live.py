"""The collector of Kubernetes clusters, on what a real API server answered."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from auditor.alike import Pair
from auditor.collect import Environment, Source, collect_all
from auditor.compare import compare
from auditor.coverage import one_sided_gaps
from auditor.deployed import deployed
from auditor.errors import CollectError
from auditor.match import match
from auditor.model import Gap, GapReason, Resource
from auditor.registry import Registry
from auditor.snapshot import normalise
from collectors.files import COLLECTOR as FILES
from collectors.kubernetes import COLLECTOR
from collectors.kubernetes._catalogue import CATALOGUE as KINDS
from tests.collectors import whole
from tests.collectors.kubernetes.stand import RECORDED, Cluster, answers, served, twin
from tests.standins.hostile import CANARY, FAULTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from auditor.model import Json

COUPONS = ("shop.example.com/Coupon",)
FILES_AND_LIVE = Registry([FILES, COLLECTOR])
DEPLOYMENTS = "/apis/apps/v1/deployments"


def read(folder: Path, cluster: Cluster | None = None, **options: Any) -> list[Resource | Gap]:
    """Everything that the tasks yield; a task's failure as the gap that it becomes."""
    with served(cluster or Cluster(), folder) as (_, reachable):
        return list(_tasks({**reachable, **options}))


def _tasks(options: dict[str, Any]) -> Iterator[Resource | Gap]:
    for task in COLLECTOR.plan(COLLECTOR.options.model_validate(options), whole.context()):
        try:
            yield from task.run()
        except CollectError as error:
            yield Gap("staging", task.source, task.kinds[0], error.reason, error.detail)


def names(found: list[Resource | Gap], kind: str) -> list[str]:
    return sorted(one.identity for one in found if isinstance(one, Resource) and one.kind == kind)


def one(found: list[Resource | Gap], kind: str, identity: str) -> Resource:
    (resource,) = [
        each for each in found if isinstance(each, Resource) and (each.kind, each.identity) == (kind, identity)
    ]
    return resource


def test_a_manifest_and_the_object_that_a_server_made_of_it_do_not_differ(tmp_path: Path) -> None:
    """Of 32 manifests of all kinds, applied to a real server: every one has its object, and no leaf differs."""
    (tmp_path / "declared").mkdir()
    (tmp_path / "declared" / "all.yaml").write_text((RECORDED / "manifests.yaml").read_text())
    with served(Cluster(), tmp_path) as (_, options):
        live = {**options, "custom_resources": COUPONS, "exclude_namespaces": ["argocd", "flux-system"]}
        kinds = [each.name for each in COLLECTOR.options.model_validate(options).enabled()]
        live["kinds"] = [kind for kind in kinds if kind not in ("helm_release", "helmrelease", "node_pool", "server")]
        environments = [
            Environment(name, (name,), (), tmp_path, (Source(collector, collector.options.model_validate(chosen)),))
            for name, collector, chosen in (("staging", FILES, {"path": "declared"}), ("prod", COLLECTOR, live))
        ]
        found = collect_all(environments, FILES_AND_LIVE, whole.REDACTOR, lambda: whole.NOW)
    declared, running = found["staging"], found["prod"]
    assert (declared.gaps, running.gaps) == ((), ())
    assert len(declared.resources) == 32
    assert {(each.kind, each.identity) for each in declared.resources} == {
        (each.kind, each.identity) for each in running.resources
    }
    left, right = (normalise(side.resources, FILES_AND_LIVE.kind, whole.PROD) for side in (declared, running))
    pair = Pair(whole.PROD, whole.PROD)
    matches, alone = match(left, right, pair)
    assert alone == ()
    assert [(each.match.left.identity, each.differences) for each in compare(matches, pair) if each.differences] == []
    assert one_sided_gaps(declared, running)[0].gaps == ()


def test_what_the_system_keeps_for_itself_is_left_out(tmp_path: Path) -> None:
    """Its namespaces and roles, what it made, what is owned by something, and what Helm and accounts keep in Secrets."""
    cluster = answers()
    owned = copy.deepcopy(cluster[DEPLOYMENTS]["items"][0])
    owned["metadata"] |= {"name": "made", "uid": "1", "ownerReferences": [{"kind": "Shop", "name": "shop"}]}
    cluster[DEPLOYMENTS]["items"].append(owned)
    metadata = {"namespace": "shop-prod", "uid": "2"}
    cluster["/api/v1/configmaps"]["items"] += [
        {"metadata": {**metadata, "name": "kube-root-ca.crt"}, "data": {"ca.crt": "x"}},
        {"metadata": {**metadata, "uid": "3", "name": "lock", "annotations": {
            "control-plane.alpha.kubernetes.io/leader": "{}"}}},
    ]  # fmt: skip
    cluster["/api/v1/serviceaccounts"]["items"].append({"metadata": {**metadata, "name": "default"}})
    cluster["/api/v1/secrets"]["items"].append(
        {"metadata": {**metadata, "name": "orders-token-abcde"}, "type": "kubernetes.io/service-account-token"}
    )
    found = read(tmp_path, Cluster(cluster))
    assert [each for each in found if isinstance(each, Gap)] == []
    assert names(found, "kubernetes.deployment") == ["orders", "web"]
    assert names(found, "kubernetes.namespace") == ["argocd", "shop-prod"]
    assert names(found, "kubernetes.clusterrole") == ["shop-all", "shop-reader"]
    assert names(found, "kubernetes.clusterrolebinding") == ["shop-readers"]
    assert names(found, "kubernetes.role") == ["orders"]
    assert names(found, "kubernetes.configmap") == ["orders"]
    assert names(found, "kubernetes.serviceaccount") == ["orders"]
    assert names(found, "kubernetes.secret") == ["orders"]
    assert names(found, "kubernetes.service") == ["mail", "orders", "search", "web"]
    assert names(found, "kubernetes.priorityclass") == ["shop-first"]


def test_nodes_are_told_by_pool_and_releases_by_their_latest_revision(tmp_path: Path) -> None:
    """No single node; the values that are not the chart's own; what is deployed, and since when."""
    found = read(tmp_path)
    assert one(found, "cluster.server", "kubernetes").attributes["version"] == "v1.20.2"
    web, batch = (one(found, "cluster.node_pool", name).attributes for name in ("web", "batch"))
    assert (web["nodes"], web["instance_type"], web["ephemeral_storage"], web["zones"]) == (2, "m5.large", "20Gi", 2)
    assert (batch["kubelet_version"], batch["taints"]) == (
        "v1.20.2", [{"key": "batch", "value": "true", "effect": "NoSchedule"}],
    )  # fmt: skip
    release = one(found, "cluster.helm_release", "cache")
    assert release.attributes == {
        "chart": "redis",
        "chart_version": "17.3.1",
        "app_version": "7.0.5",
        "status": "deployed",
        "revision": 2,
        "deployed_at": "2026-01-02T00:00:00.5Z",
        "values": {"replicas": 3, "auth": {"enabled": True, "password": "CaNaRy-helm"}, "image": {"tag": "7.0.6"}},
    }
    told = {(row.component, row.version, str(row.deployed_at)[:10]) for row in deployed(
        [each for each in found if isinstance(each, Resource)]
    )}  # fmt: skip
    assert {
        ("cache", "7.0.6", "2026-01-02"),
        ("cache/chart", "17.3.1", "2026-01-02"),
        ("orders", "1.4.2", "2026-01-02"),
        ("orders/proxy", "2.1", "2026-01-02"),
        ("mail", "1.7.0", "2026-01-02"),
        ("shop", "111111112222", "None"),
    } <= told


def test_secret_values_leave_the_collector_as_fingerprints_only(tmp_path: Path) -> None:
    """Of Secrets and of a release's values, in what is kept."""
    with served(Cluster(), tmp_path) as (_, options):
        left, right = whole.snapshots(COLLECTOR, options, options)
    kept = repr(left) + repr(right)
    assert CANARY not in kept
    assert "Q2FOYVJ5" not in kept
    password = one(list(left.resources), "kubernetes.secret", "orders").attributes["data"]["password"]
    assert password.startswith("{secret:")


def test_pages_make_one_listing_and_one_that_is_forgotten_is_begun_again_once(tmp_path: Path) -> None:
    """A 410 half-way costs a second beginning; two of them cost that kind, as truncated."""
    kinds: dict[str, Any] = {"kinds": ["deployment", "service", "cronjob"]}
    at_once = read(tmp_path, **kinds)
    with served(Cluster(), tmp_path) as (server, options):
        assert list(_tasks({**options, **kinds, "page_size": 1})) == at_once
        assert sum(DEPLOYMENTS in path for path, _ in server.asked) == 2
    services: dict[str, Any] = {"kinds": ["service"], "page_size": 2}
    assert read(tmp_path, Cluster(gone=1), **services) == [
        each for each in at_once if isinstance(each, Resource) and each.kind == "kubernetes.service"
    ]
    (gap,) = read(tmp_path, Cluster(gone=2), **services)
    assert isinstance(gap, Gap)
    assert (gap.kind, gap.reason) == ("kubernetes.service", GapReason.TRUNCATED)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_fails_of_one_kind_costs_that_kind_only(tmp_path: Path, fault: str) -> None:
    """With the reason by which it failed, nothing of what was answered, and never as an empty listing."""
    with served(Cluster(), tmp_path) as (server, options):
        server.faults[DEPLOYMENTS] = fault
        options |= {"timeout": whole.patience(fault), "max_bytes": 1_000_000, "kinds": ["deployment", "service"]}
        found = list(_tasks(options))
    gap, *rest = found
    assert isinstance(gap, Gap)
    assert (gap.kind, gap.reason) == ("kubernetes.deployment", FAULTS[fault])
    assert CANARY not in gap.detail
    assert "list deployments.apps" in gap.detail
    assert names(rest, "kubernetes.service") == ["mail", "orders", "search", "web"]
    if fault in ("401", "403"):
        assert "audit kubernetes-rbac" in gap.detail


@pytest.mark.parametrize("fault", FAULTS)
def test_a_cluster_that_answers_nothing_sensible_is_one_gap_over_all_its_listings(tmp_path: Path, fault: str) -> None:
    """Planned or not, nothing of it counts as read."""
    with served(Cluster(), tmp_path) as (server, options):
        server.fault = fault
        options |= {"timeout": whole.patience(fault), "max_bytes": 1_000_000}
        with pytest.raises(CollectError) as raised:
            list(COLLECTOR.plan(COLLECTOR.options.model_validate(options), whole.context()))
    assert raised.value.reason == FAULTS[fault]
    assert COLLECTOR.options.model_validate(options).expected_listings() == 29


def test_a_namespace_that_may_not_be_read_costs_its_part_only(tmp_path: Path) -> None:
    """Namespaces that are named are asked one by one; the gap says which, and what is in the others is read."""
    cluster = Cluster(denied=("/api/v1/namespaces/argocd/", "/apis/apps/v1/namespaces/argocd/", "/api/v1/nodes"))
    options = {"namespaces": ["shop-prod", "argocd"], "kinds": ["deployment", "configmap", "namespace", "helm_release"]}
    found = read(tmp_path, cluster, **options)
    gaps = [each for each in found if isinstance(each, Gap)]
    assert [(gap.kind, gap.source, gap.reason) for gap in gaps] == [
        (kind, "kubernetes:current-context/argocd", GapReason.ACCESS_DENIED)
        for kind in ("kubernetes.deployment", "kubernetes.configmap", "cluster.helm_release")
    ]
    grant = COLLECTOR.grant(COLLECTOR.options.model_validate(options), gaps)
    assert grant is not None
    assert grant.missing == ("list configmaps", "list secrets", "list deployments.apps")
    assert yaml.safe_load(grant.change) == [
        {"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": ["list"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list"]},
    ]
    assert names(found, "kubernetes.deployment") == ["orders", "web"]
    assert names(found, "cluster.helm_release") == ["cache"]
    assert names(found, "kubernetes.namespace") == ["argocd", "shop-prod"]
    all_denied = read(
        tmp_path, Cluster(denied=("/apis/apps/v1/namespaces",)), namespaces=["shop-prod"], kinds=["deployment"]
    )
    assert [getattr(gap, "source", "") for gap in all_denied] == ["kubernetes:current-context"]


def test_namespaces_are_chosen_by_name_by_glob_and_by_exclusion(tmp_path: Path) -> None:
    """A glob is looked for in the whole cluster; what is excluded is not read whatever else is said."""
    by_glob = read(
        tmp_path, namespaces=["shop-*", "argo*"], exclude_namespaces=["*cd"], kinds=["application", "deployment"]
    )
    assert names(by_glob, "kubernetes.deployment") == ["orders", "web"]
    assert names(by_glob, "kubernetes.application") == []
    assert names(read(tmp_path, namespaces=["kube-system"], kinds=["role"]), "kubernetes.role") == []
    assert names(read(tmp_path, kinds=["application"]), "kubernetes.application") == ["orders"]


def test_a_kind_that_the_cluster_does_not_serve_is_told_unless_something_has_to_be_installed_for_it(
    tmp_path: Path,
) -> None:
    """No CronJobs in any known version is strange; no Argo CD is not."""
    cluster = answers()
    cluster["/apis"]["groups"] = [
        group
        for group in cluster["/apis"]["groups"]
        if group["name"] not in ("batch", "argoproj.io", "shop.example.com")
    ]
    found = read(tmp_path, Cluster(cluster), kinds=["cronjob", "application"], custom_resources=COUPONS)
    assert [(gap.kind, gap.reason) for gap in found if isinstance(gap, Gap)] == [
        ("kubernetes.cronjob", GapReason.UNSUPPORTED)
    ]
    assert len(found) == 1


def test_two_clusters_that_differ_in_names_ids_addresses_times_and_order_are_in_parity(tmp_path: Path) -> None:
    """Namespaces named by environment pair up, and nothing is found."""
    assert between(tmp_path, twin("staging", 4), twin("prod", 7)) == []


def between(folder: Path, left: dict[str, Any], right: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    with served(Cluster(left), folder) as (_, ours), served(Cluster(right), folder) as (_, theirs):
        more = {"custom_resources": COUPONS}
        return whole.compared(COLLECTOR, {**ours, **more}, {**theirs, **more})


def at(document: Any, *steps: str | int) -> Any:
    for step in steps:
        document = document[step]
    return document


POD = ("spec", "template", "spec", "containers", 0)
NODE = ("status", "nodeInfo", "kubeletVersion")
CHANGES: dict[str, tuple[str, str, tuple[str | int, ...], Json, tuple[str, ...]]] = {
    "less memory": (DEPLOYMENTS, "orders", (*POD, "resources", "limits", "memory"), "1Gi",
                    ("spec.template.spec.containers.api.resources.limits.memory", "medium", "capacity-inverted")),
    "another rollout": (DEPLOYMENTS, "orders", ("spec", "strategy"), {"type": "Recreate"},
                        ("spec.strategy.type", "medium", "kubernetes-rollout-differs")),
    "no probe": (DEPLOYMENTS, "orders", (*POD, "readinessProbe"), None,
                 ("spec.template.spec.containers.api.readinessProbe", "medium", "kubernetes-unprobed-in-production")),
    "privileged": (DEPLOYMENTS, "orders", (*POD, "securityContext"), {"privileged": True},
                   ("spec.template.spec.containers.api.securityContext", "high", "kubernetes-privileged-in-production-alone")),
    "another role": ("/apis/rbac.authorization.k8s.io/v1/rolebindings", "orders", ("roleRef", "name"), "admin",
                     ("roleRef.name", "high", "kubernetes-bound-to-another-role")),
    "less storage": ("/apis/apps/v1/statefulsets", "search",
                     ("spec", "volumeClaimTemplates", 0, "spec", "resources", "requests", "storage"), "5Gi",
                     ("spec.volumeClaimTemplates.*.spec.resources.requests.storage", "medium", "capacity-inverted")),
    "plain HTTP": ("/apis/networking.k8s.io/v1/ingresses", "web", ("spec", "tls"), None,
                   ("spec.tls", "high", "kubernetes-ingress-without-tls")),
    "another port": ("/api/v1/services", "web", ("spec", "ports", 0, "targetPort"), 9999,
                     ("spec.ports.443.targetPort", "medium", "kubernetes-service-differs")),
    "kubelets ahead": ("/api/v1/nodes", "ip-10-0-0-2", NODE, "v1.21.4",
                       ("kubelet_version", "high", "cluster-version-behind")),
    "a lost key": ("/api/v1/secrets", "orders", ("data", "token"), None,
                   ("data.token", "medium", "variable-one-sided")),
    "scaled up": (DEPLOYMENTS, "orders", ("spec", "replicas"), 9, ()),
    "a new address": ("/api/v1/services", "web", ("spec", "clusterIP"), "10.9.9.9", ()),
    "patched nodes": ("/api/v1/nodes", "ip-10-0-0-2", NODE, "v1.20.9", ()),
}  # fmt: skip


def test_each_change_in_production_is_one_finding_and_what_a_cluster_does_by_itself_is_none(tmp_path: Path) -> None:
    """Judged by the default policy: a severity that says what the change does to production."""
    with served(Cluster(twin("staging", 4)), tmp_path) as (_, ours):
        for name, (listing, called, path, value, expected) in CHANGES.items():
            right = twin("prod", 7)
            (item,) = [each for each in right[listing]["items"] if each["metadata"]["name"] == called]
            *parents, last = path
            holder = at(item, *parents)
            if value is None:
                del holder[last]
            else:
                holder[last] = value
            kinds = {"kinds": [each.name for each in KINDS if each.plural == listing.rpartition("/")[2]]}
            kinds["kinds"] = [kind for kind in kinds["kinds"] if kind != "helm_release"]
            with served(Cluster(right), tmp_path) as (_, theirs):
                found = whole.compared(COLLECTOR, {**ours, **kinds}, {**theirs, **kinds})
            assert [each[1:] for each in found] == ([expected] if expected else []), name
