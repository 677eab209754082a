"""What a Kubernetes API server fills in by itself, as tables: https://kubernetes.io/docs/reference/kubernetes-api/.

Some of it is worth comparing and is filled in on both sides (FILLED); the rest is taken out where it has its default
(DROPPED, EMPTY). Paths are dotted; `[]` stands for every item of a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from auditor.model import Json

Defaults: TypeAlias = tuple[tuple[str, Json], ...]

_PROBES = "livenessProbe readinessProbe startupProbe".split()
_PROBE_DEFAULTS: Defaults = (
    ("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3),
    ("initialDelaySeconds", 0), ("httpGet.scheme", "HTTP"), ("httpGet.path", "/"), ("grpc.service", ""),
)  # fmt: skip
_CONTAINER_DEFAULTS: Defaults = (
    ("terminationMessagePath", "/dev/termination-log"),
    ("terminationMessagePolicy", "File"),
    ("ports[].protocol", "TCP"),
    ("env[].valueFrom.fieldRef.apiVersion", "v1"),
    ("env[].valueFrom.resourceFieldRef.divisor", "0"),
    ("volumeMounts[].readOnly", False),
    ("stdin", False),
    ("stdinOnce", False),
    ("tty", False),
    ("securityContext.procMount", "Default"),
    ("lifecycle.preStop.httpGet.scheme", "HTTP"),
    ("lifecycle.postStart.httpGet.scheme", "HTTP"),
    *((f"{probe}.{path}", value) for probe in _PROBES for path, value in _PROBE_DEFAULTS),
)
CONTAINERS = ("containers[]", "initContainers[]")
POD_DEFAULTS: Defaults = (
    ("dnsPolicy", "ClusterFirst"),
    ("schedulerName", "default-scheduler"),
    ("enableServiceLinks", True),
    ("hostNetwork", False),
    ("hostPID", False),
    ("hostIPC", False),
    ("shareProcessNamespace", False),
    ("preemptionPolicy", "PreemptLowerPriority"),
    ("serviceAccountName", "default"),
    ("tolerations[].operator", "Equal"),
    ("volumes[].configMap.defaultMode", 0o644),
    ("volumes[].configMap.optional", False),
    ("volumes[].secret.defaultMode", 0o644),
    ("volumes[].secret.optional", False),
    ("volumes[].projected.defaultMode", 0o644),
    ("volumes[].downwardAPI.defaultMode", 0o644),
    ("volumes[].hostPath.type", ""),
    ("volumes[].persistentVolumeClaim.readOnly", False),
    ("volumes[].csi.readOnly", False),
    ("volumes[].nfs.readOnly", False),
    ("volumes[].ephemeral.volumeClaimTemplate.spec.volumeMode", "Filesystem"),
    ("volumes[].projected.sources[].serviceAccountToken.expirationSeconds", 3600),
    ("volumes[].projected.sources[].downwardAPI.items[].fieldRef.apiVersion", "v1"),
    ("volumes[].downwardAPI.items[].fieldRef.apiVersion", "v1"),
    ("topologySpreadConstraints[].nodeAffinityPolicy", "Honor"),
    ("topologySpreadConstraints[].nodeTaintsPolicy", "Ignore"),
    *((f"{where}.{path}", value) for where in CONTAINERS for path, value in _CONTAINER_DEFAULTS),
)
POD_EMPTY = (
    "securityContext", "tolerations", "imagePullSecrets", "nodeSelector", "affinity", "hostAliases", "initContainers",
    "volumes", "readinessGates", "topologySpreadConstraints",
    *(f"{where}.{key}" for where in CONTAINERS for key in (
        "resources", "securityContext", "env", "envFrom", "ports", "volumeMounts", "lifecycle", "command", "args",
    )),
)  # fmt: skip
POD_FILLED: Defaults = (("restartPolicy", "Always"), ("terminationGracePeriodSeconds", 30))
TEMPLATES = {
    "Deployment": "spec.template",
    "StatefulSet": "spec.template",
    "DaemonSet": "spec.template",
    "ReplicaSet": "spec.template",
    "Job": "spec.template",
    "CronJob": "spec.jobTemplate.spec.template",
}

FILLED: Mapping[str, Defaults] = {
    "Deployment": (("spec.replicas", 1), ("spec.strategy.type", "RollingUpdate"), ("spec.revisionHistoryLimit", 10)),
    "StatefulSet": (
        ("spec.replicas", 1), ("spec.updateStrategy.type", "RollingUpdate"), ("spec.revisionHistoryLimit", 10),
        ("spec.podManagementPolicy", "OrderedReady"),
    ),
    "DaemonSet": (("spec.updateStrategy.type", "RollingUpdate"), ("spec.revisionHistoryLimit", 10)),
    "CronJob": (("spec.concurrencyPolicy", "Allow"), ("spec.suspend", False)),
    "Service": (("spec.type", "ClusterIP"),),
    "HorizontalPodAutoscaler": (("spec.minReplicas", 1),),
    "StorageClass": (("reclaimPolicy", "Delete"), ("volumeBindingMode", "Immediate")),
}  # fmt: skip
"""What is worth comparing though nobody said it: filled in where it is not said."""

DROPPED: Mapping[str, Defaults] = {
    "Deployment": (
        ("spec.progressDeadlineSeconds", 600),
        ("spec.paused", False),
        ("spec.minReadySeconds", 0),
        ("spec.strategy.rollingUpdate.maxSurge", "25%"),
        ("spec.strategy.rollingUpdate.maxUnavailable", "25%"),
    ),
    "StatefulSet": (
        ("spec.minReadySeconds", 0),
        ("spec.serviceName", ""),
        ("spec.updateStrategy.rollingUpdate.partition", 0),
        ("spec.persistentVolumeClaimRetentionPolicy.whenDeleted", "Retain"),
        ("spec.persistentVolumeClaimRetentionPolicy.whenScaled", "Retain"),
        ("spec.volumeClaimTemplates[].kind", "PersistentVolumeClaim"),
        ("spec.volumeClaimTemplates[].apiVersion", "v1"),
        ("spec.volumeClaimTemplates[].spec.volumeMode", "Filesystem"),
    ),
    "DaemonSet": (
        ("spec.minReadySeconds", 0),
        ("spec.updateStrategy.rollingUpdate.maxUnavailable", 1),
        ("spec.updateStrategy.rollingUpdate.maxSurge", 0),
    ),
    "CronJob": (
        ("spec.successfulJobsHistoryLimit", 3),
        ("spec.failedJobsHistoryLimit", 1),
        ("spec.jobTemplate.spec.backoffLimit", 6),
        ("spec.jobTemplate.spec.completions", 1),
        ("spec.jobTemplate.spec.parallelism", 1),
        ("spec.jobTemplate.spec.completionMode", "NonIndexed"),
        ("spec.jobTemplate.spec.suspend", False),
    ),
    "Service": (
        ("spec.sessionAffinity", "None"),
        ("spec.internalTrafficPolicy", "Cluster"),
        ("spec.externalTrafficPolicy", "Cluster"),
        ("spec.allocateLoadBalancerNodePorts", True),
        ("spec.ipFamilyPolicy", "SingleStack"),
        ("spec.publishNotReadyAddresses", False),
        ("spec.sessionAffinityConfig.clientIP.timeoutSeconds", 10_800),
        ("spec.ports[].protocol", "TCP"),
    ),
    "NetworkPolicy": (
        ("spec.ingress[].ports[].protocol", "TCP"),
        ("spec.egress[].ports[].protocol", "TCP"),
    ),
    "PodDisruptionBudget": (("spec.unhealthyPodEvictionPolicy", "IfHealthyBudget"),),
    "ServiceAccount": (),
    "ConfigMap": (("immutable", False),),
    "Secret": (("immutable", False), ("type", "Opaque")),
    "RoleBinding": (("roleRef.apiGroup", "rbac.authorization.k8s.io"),),
    "ClusterRoleBinding": (("roleRef.apiGroup", "rbac.authorization.k8s.io"),),
    "Namespace": (("spec.finalizers", ["kubernetes"]),),
    "StorageClass": (("allowVolumeExpansion", False),),
    "PriorityClass": (("preemptionPolicy", "PreemptLowerPriority"), ("globalDefault", False)),
    "HorizontalPodAutoscaler": tuple(
        (f"spec.behavior.{way}.{path}", value)
        for way, values in {
            "scaleUp": (("selectPolicy", "Max"), ("stabilizationWindowSeconds", 0), ("tolerance", "0.1")),
            "scaleDown": (("selectPolicy", "Max"), ("stabilizationWindowSeconds", 300), ("tolerance", "0.1")),
        }.items()
        for path, value in values
    ),
    "Ingress": (),
    "ResourceQuota": (),
    "LimitRange": (),
    "Role": (),
    "ClusterRole": (),
    "IngressClass": (),
}
"""Taken out where it stands at its default. Every kind in here is one that the server is known to complete."""

EMPTY: Mapping[str, tuple[str, ...]] = {
    "Deployment": ("spec.strategy.rollingUpdate",),
    "StatefulSet": ("spec.updateStrategy.rollingUpdate", "spec.persistentVolumeClaimRetentionPolicy"),
    "DaemonSet": ("spec.updateStrategy.rollingUpdate",),
    "Service": ("spec.sessionAffinityConfig.clientIP", "spec.sessionAffinityConfig", "spec.externalIPs"),
    "Namespace": ("spec",),
    "ServiceAccount": ("secrets", "imagePullSecrets"),
    "HorizontalPodAutoscaler": ("spec.behavior.scaleUp", "spec.behavior.scaleDown", "spec.behavior"),
    "ConfigMap": ("data", "binaryData"),
    "Secret": ("data", "stringData"),
    "ClusterRole": ("rules",),
}
"""Taken out where nothing is left of it."""

# Given out by the cluster, so that no two have the same.
GIVEN: Mapping[str, tuple[str, ...]] = {
    "Service": ("spec.clusterIPs", "spec.ipFamilies", "spec.ports[].nodePort", "spec.healthCheckNodePort"),
    "StatefulSet": ("spec.volumeClaimTemplates[].status", "spec.volumeClaimTemplates[].metadata.creationTimestamp"),
}
# Permissions of files, which YAML 1.1 spells `0644` and the server answers as a decimal number.
MODES = (
    *(f"volumes[].{kind}.defaultMode" for kind in ("configMap", "secret", "projected", "downwardAPI")),
    *(f"volumes[].{kind}.items[].mode" for kind in ("configMap", "secret", "downwardAPI")),
    *(f"volumes[].projected.sources[].{kind}.items[].mode" for kind in ("configMap", "secret", "downwardAPI")),
)
# What controllers and tools write into an object for themselves.
TOOLS = (
    "kubectl.kubernetes.io/", "deployment.kubernetes.io/", "deprecated.daemonset.template.generation",
    "autoscaling.alpha.kubernetes.io/", "control-plane.alpha.kubernetes.io/", "kustomize.toolkit.fluxcd.io/",
    "helm.toolkit.fluxcd.io/", "argocd.argoproj.io/tracking-id", "argocd.argoproj.io/installation-id", "meta.helm.sh/",
    "kubernetes.io/metadata.name", "field.cattle.io/", "pv.kubernetes.io/",
)  # fmt: skip
POLICIES = {
    "scaleUp": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
    "scaleDown": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}
"""How fast to scale where nobody says it."""
