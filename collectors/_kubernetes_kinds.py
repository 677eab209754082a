"""The kinds of Kubernetes objects, the same whether they are read from manifests or from a running cluster."""

from __future__ import annotations

from collections.abc import Mapping

from auditor.model import Category, Kind

_PODS: Mapping[str, str] = {
    "**.{containers,initContainers,ephemeralContainers}": "name",
    "**.env": "name",
    "**.volumes": "name",
    "**.volumeMounts": "mountPath",
    "**.volumeDevices": "devicePath",
    "**.imagePullSecrets": "name",
    "**.hostAliases": "ip",
    "**.tolerations": "key",
    "**.topologySpreadConstraints": "topologyKey",
    "**.{containers,initContainers,ephemeralContainers}.*.ports": "containerPort",
    "**.items": "key",
}
_OTHERS: Mapping[str, str] = {
    "spec.ports": "port",
    "spec.rules": "host",
    "spec.rules.*.http.paths": "path",
    "subjects": "kind+name",
    "webhooks": "name",
    "secrets": "name",
    "spec.limits": "type",
    "spec.groups": "name",
    "spec.groups.*.rules": "alert",
    "spec.endpoints": "port",
    "spec.versions": "name",
    "spec.listeners": "name",
    "**.parentRefs": "name",
    "spec.dependsOn": "name",
    "spec.data": "secretKey",
    "**.matchExpressions": "key",
}
_LIVE = (
    "status",
    "metadata.{uid,resourceVersion,generation,creationTimestamp,deletionTimestamp,selfLink,managedFields}",
    "metadata.annotations.kubectl?kubernetes?io/last-applied-configuration",
    "metadata.annotations.deployment?kubernetes?io/revision",
    "spec.template.metadata.creationTimestamp",
    "spec.template.metadata.annotations.kubectl?kubernetes?io/restartedAt",
)
_LABELS = ("**.{labels,annotations,matchLabels,nodeSelector,limits,requests,hard}", "data", "stringData", "spec.values")


def _kubernetes(names: str, category: Category, about: str, secret: tuple[str, ...] = ()) -> tuple[Kind, ...]:
    return tuple(
        Kind(
            name=f"kubernetes.{name}",
            category=category,
            about=about,
            keyed={**_PODS, **_OTHERS},
            ordered=("**.{command,args}", "spec.http", "spec.rules.*.matches"),
            volatile=_LIVE,
            secret=secret,
            verbatim=_LABELS,
            empty_matters=True,
        )
        for name in names.split()
    )


KINDS: tuple[Kind, ...] = (
    *_kubernetes(
        "deployment statefulset daemonset replicaset replicationcontroller pod job cronjob rollout helmrelease "
        "helmchart kustomization application applicationset",
        Category.DEPLOYMENT,
        "What runs: images, sizes, replicas, environment",
    ),
    *_kubernetes("configmap", Category.CONFIG, "Configuration values; embedded documents are read as such"),
    *_kubernetes("secret", Category.CONFIG, "Secret values, by fingerprint", ("data.**", "stringData.**")),
    *_kubernetes("sealedsecret", Category.CONFIG, "Encrypted secret values", ("spec.encryptedData.**",)),
    *_kubernetes("externalsecret", Category.CONFIG, "Secrets by reference to a secret store"),
    *_kubernetes(
        "service ingress ingressclass networkpolicy gateway httproute grpcroute tcproute virtualservice "
        "destinationrule endpoints ingressroute",
        Category.NETWORK,
        "How traffic arrives and where it may go",
    ),
    *_kubernetes(
        "role clusterrole rolebinding clusterrolebinding serviceaccount podsecuritypolicy certificate issuer "
        "clusterissuer validatingwebhookconfiguration mutatingwebhookconfiguration authorizationpolicy "
        "peerauthentication",
        Category.SECURITY,
        "Who may do what, and what proves who one is",
    ),
    *_kubernetes(
        "horizontalpodautoscaler verticalpodautoscaler scaledobject poddisruptionbudget resourcequota limitrange "
        "priorityclass nodepool namespace",
        Category.COMPUTE,
        "Sizes and limits",
    ),
    *_kubernetes("persistentvolume persistentvolumeclaim storageclass volumesnapshot", Category.STORAGE, "Disks"),
    *_kubernetes(
        "prometheusrule servicemonitor podmonitor probe alertmanagerconfig grafanadashboard",
        Category.OPERATIONS,
        "What is watched and who is alerted",
    ),
    *_kubernetes(
        "customresourcedefinition", Category.CONFIG, "What an operator adds to the API: versions served and stored"
    ),
    *_kubernetes("*", Category.CONFIG, "A Kubernetes manifest of any other kind"),
)
