"""The kinds that files yield, with what is known of their form."""

from __future__ import annotations

from collections.abc import Mapping

from auditor.model import Category, Kind
from collectors._ecs import TASK_DEFINITION

ENV, YAML, JSON, TOML = "env.file", "yaml.file", "json.file", "toml.file"
PROPERTIES, INI = "properties.file", "ini.file"
TERRAFORM_VARIABLES, TERRAFORM_CONFIGURATION = "terraform.variables", "terraform.configuration"
REPOSITORY = "files.repository"
KUBERNETES, COMPOSE = "kubernetes.*", "compose.*"

_ANY = ("**",)
# What a tool writes into a file for itself.
_TOOL_MADE = ("sops",)

_FILES = (
    Kind(ENV, Category.CONFIG, "Environment variables of a dotenv file", verbatim=_ANY, located=True),
    Kind(
        YAML,
        Category.CONFIG,
        "A YAML file, inherited values merged in",
        verbatim=_ANY,
        volatile=_TOOL_MADE,
        located=True,
    ),
    Kind(
        JSON,
        Category.CONFIG,
        "A JSON file, inherited values merged in",
        verbatim=_ANY,
        volatile=_TOOL_MADE,
        located=True,
    ),
    Kind(TOML, Category.CONFIG, "A TOML file, inherited values merged in", verbatim=_ANY, located=True),
    Kind(PROPERTIES, Category.CONFIG, "A Java properties file", verbatim=_ANY, located=True),
    Kind(INI, Category.CONFIG, "An INI file, by section", verbatim=_ANY, located=True),
    Kind(TERRAFORM_VARIABLES, Category.CONFIG, "Values of Terraform variables", verbatim=_ANY, located=True),
    Kind(
        TERRAFORM_CONFIGURATION,
        Category.CONFIG,
        "Terraform configuration: resources, modules, locals and providers by name",
        verbatim=_ANY,
        located=True,
    ),
)

_REPOSITORY = Kind(
    REPOSITORY,
    Category.CONFIG,
    "The git work tree that files were read from: its commit, and what is not as it was committed",
    volatile=("**",),
    references=("commit", "untracked", "modified"),
    compared=False,
)

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


_MANIFESTS = (
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
    *_kubernetes("*", Category.CONFIG, "A Kubernetes manifest of any other kind"),
)

_COMPOSE = (
    Kind(
        "compose.service",
        Category.DEPLOYMENT,
        "A Compose service with its files, inherited services and variables worked in",
        ordered=("command", "entrypoint", "healthcheck.test"),
        verbatim=("environment", "labels", "ports", "volumes", "build.args", "extra_hosts"),
    ),
    Kind("compose.volume", Category.STORAGE, "A named volume of a Compose file"),
    Kind("compose.network", Category.NETWORK, "A network of a Compose file"),
    Kind(
        "compose.secret", Category.CONFIG, "A secret of a Compose file, by where it is read from", secret=("content",)
    ),
    Kind("compose.config", Category.CONFIG, "A config of a Compose file, by where it is read from"),
)

KINDS: tuple[Kind, ...] = (*_FILES, _REPOSITORY, TASK_DEFINITION, *_COMPOSE, *_MANIFESTS)

# What one reading lists: whatever of these it did not find is not there.
LISTED = (*(kind.name for kind in _FILES), TASK_DEFINITION.name, COMPOSE, KUBERNETES)
