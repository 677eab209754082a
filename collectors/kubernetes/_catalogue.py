"""What is listed of a cluster, and where its API has it."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.model import Category, Kind
from collectors._kubernetes_kinds import KINDS as MANIFEST_KINDS

SERVER, NODE_POOL, HELM_RELEASE = "cluster.server", "cluster.node_pool", "cluster.helm_release"


@dataclass(frozen=True, slots=True)
class Listed:
    """One listing.

    name        how the options call it
    kind        the kind of its resources
    group       API group, empty for the core
    plural      the resource in URLs and in RBAC
    versions    API versions that it is read in, best first
    namespaced  whether its objects are in namespaces
    optional    whether a cluster may well not have it, because something has to be installed first
    in_secrets  whether it is kept in Secrets
    """

    name: str
    kind: str
    object_kind: str
    group: str
    plural: str
    versions: tuple[str, ...] = ("v1",)
    namespaced: bool = True
    optional: bool = False
    in_secrets: bool = False

    @property
    def field_selector(self) -> str | None:
        """What of Secrets is no secret of a person: releases of Helm, and tokens that the cluster makes."""
        return _NOT_SECRETS if self.name == "secret" else None


_NOT_SECRETS = ",".join(
    f"type!={one}"
    for one in ("helm.sh/release.v1", "kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token")
)


def _manifest(
    kind: str, group: str, plural: str, *versions: str, cluster: bool = False, optional: bool = False
) -> Listed:
    name = kind.lower()
    return Listed(
        name=name,
        kind=f"kubernetes.{name}",
        object_kind=kind,
        group=group,
        plural=plural,
        versions=versions or ("v1",),
        namespaced=not cluster,
        optional=optional,
        in_secrets=name == "secret",
    )


CATALOGUE: tuple[Listed, ...] = (
    Listed("server", SERVER, "", "", "", (), namespaced=False),
    Listed("node_pool", NODE_POOL, "Node", "", "nodes", namespaced=False),
    _manifest("Namespace", "", "namespaces", cluster=True),
    _manifest("Deployment", "apps", "deployments"),
    _manifest("StatefulSet", "apps", "statefulsets"),
    _manifest("DaemonSet", "apps", "daemonsets"),
    _manifest("CronJob", "batch", "cronjobs", "v1", "v1beta1"),
    _manifest("Service", "", "services"),
    _manifest("Ingress", "networking.k8s.io", "ingresses", "v1", "v1beta1"),
    _manifest("NetworkPolicy", "networking.k8s.io", "networkpolicies"),
    _manifest("HorizontalPodAutoscaler", "autoscaling", "horizontalpodautoscalers", "v2", "v2beta2", "v1"),
    _manifest("PodDisruptionBudget", "policy", "poddisruptionbudgets", "v1", "v1beta1"),
    _manifest("ResourceQuota", "", "resourcequotas"),
    _manifest("LimitRange", "", "limitranges"),
    _manifest("ConfigMap", "", "configmaps"),
    _manifest("Secret", "", "secrets"),
    _manifest("ServiceAccount", "", "serviceaccounts"),
    _manifest("Role", "rbac.authorization.k8s.io", "roles"),
    _manifest("RoleBinding", "rbac.authorization.k8s.io", "rolebindings"),
    _manifest("ClusterRole", "rbac.authorization.k8s.io", "clusterroles", cluster=True),
    _manifest("ClusterRoleBinding", "rbac.authorization.k8s.io", "clusterrolebindings", cluster=True),
    _manifest("PriorityClass", "scheduling.k8s.io", "priorityclasses", cluster=True),
    _manifest("StorageClass", "storage.k8s.io", "storageclasses", cluster=True),
    _manifest("IngressClass", "networking.k8s.io", "ingressclasses", "v1", "v1beta1", cluster=True),
    _manifest("CustomResourceDefinition", "apiextensions.k8s.io", "customresourcedefinitions", "v1", cluster=True),
    Listed("helm_release", HELM_RELEASE, "Secret", "", "secrets", in_secrets=True),
    _manifest("Application", "argoproj.io", "applications", "v1alpha1", optional=True),
    _manifest(
        "Kustomization", "kustomize.toolkit.fluxcd.io", "kustomizations", "v1", "v1beta2", "v1beta1", optional=True
    ),
    _manifest("HelmRelease", "helm.toolkit.fluxcd.io", "helmreleases", "v2", "v2beta2", "v2beta1", optional=True),
)

_OWN = (
    Kind(SERVER, Category.COMPUTE, "The version of a Kubernetes cluster's API server"),
    Kind(
        NODE_POOL,
        Category.COMPUTE,
        "Nodes that are alike, by pool: instance types, versions, capacity; never single nodes",
        keyed={"taints": "key"},
        verbatim=("labels",),
    ),
    Kind(
        HELM_RELEASE,
        Category.DEPLOYMENT,
        "The latest revision of a Helm release: chart, versions, and the values that were given to it",
        volatile=("revision", "deployed_at"),
        verbatim=("values",),
        empty_matters=True,
    ),
)
_READ = {one.kind for one in CATALOGUE}
KINDS: tuple[Kind, ...] = (
    *_OWN,
    *(kind for kind in MANIFEST_KINDS if kind.name in _READ or kind.name == "kubernetes.*"),
)
"""What the collector may yield. Custom resources are of whatever kind they are."""
