"""Objects of a running cluster, as somebody would have written them: what the system keeps for itself is left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from auditor.model import Json, Resource
from collectors.files import kubernetes as manifests

# Where Kubernetes and the providers keep what runs the cluster itself.
SYSTEM_NAMESPACES = frozenset({"kube-system", "kube-public", "kube-node-lease"})
_SYSTEM = "system:"
_BOOTSTRAPPED = "kubernetes.io/bootstrapping"
_PUBLISHED = frozenset({"kube-root-ca.crt", "openshift-service-ca.crt", "istio-ca-root-cert"})
_LEADER = "control-plane.alpha.kubernetes.io/leader"
_TOKEN_TYPES = frozenset({
    "helm.sh/release.v1", "kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token",
})  # fmt: skip
_ACCOUNT = "kubernetes.io/service-account.name"
_CLASSES = frozenset({"system-cluster-critical", "system-node-critical"})
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_CONTROLLERS = frozenset({"kube-controller-manager", "cluster-autoscaler", "kube-scheduler", "kubelet"})
# Of these the status says what is deployed. It is never compared: a manifest has none.
_TELLING = frozenset({"Application", "Kustomization", "HelmRelease"})
_STATUS = (
    "sync", "health", "summary", "operationState", "lastAppliedRevision", "lastAttemptedRevision", "conditions", "history",
)  # fmt: skip


def is_read(namespace: str | None, namespaces: Iterable[str], excluded: Iterable[str]) -> bool:
    """Whether the options mean a namespace. Of the system's own, those that are named; what is in none, always."""
    if namespace is None:
        return True
    wanted = tuple(namespaces)
    if any(fnmatchcase(namespace, pattern) for pattern in excluded):
        return False
    if wanted:
        return any(fnmatchcase(namespace, pattern) for pattern in wanted)
    return namespace not in SYSTEM_NAMESPACES


def resource(kind: str, version: str, item: Mapping[str, Json], source: str, path: str) -> Resource | None:
    """A listed object as the same resource that its manifest is; None where it is not anybody's to declare.

    `version` is what it was asked in (`apps/v1`); `path` where the API has it.
    """
    metadata = mapped(item.get("metadata"))
    if metadata.get("ownerReferences") or _is_systems(kind, item, metadata):
        return None
    whole = {key: value for key, value in item.items() if key != "status"}
    whole |= {"apiVersion": _written(metadata, kind, version), "kind": kind}
    found = next(manifests.resources(whole, path, path, source), None)
    if found is None or kind not in _TELLING:
        return found
    # What is deployed is read from it (`auditor/deployed.py`).
    status = {key: value for key, value in mapped(item.get("status")).items() if key in _STATUS}
    return replace(found, attributes={**found.attributes, "status": status}) if status else found


def _is_systems(kind: str, item: Mapping[str, Json], metadata: Mapping[str, Json]) -> bool:
    check = _SYSTEMS.get(kind)
    name = str(metadata.get("name", ""))
    if name.startswith(_SYSTEM) or _BOOTSTRAPPED in mapped(metadata.get("labels")):
        return True
    return check is not None and check(name, item, mapped(metadata.get("annotations")))


_SYSTEMS: Mapping[str, Callable[[str, Mapping[str, Json], Mapping[str, Json]], bool]] = {
    "ServiceAccount": lambda name, _item, _notes: name == "default",
    "ConfigMap": lambda name, _item, notes: name in _PUBLISHED or _LEADER in notes,
    "Secret": lambda _name, item, notes: str(item.get("type")) in _TOKEN_TYPES or _ACCOUNT in notes,
    "Service": lambda name, item, _notes: (
        name == "kubernetes" and mapped(item.get("metadata")).get("namespace") == "default"
    ),
    "PriorityClass": lambda name, _item, _notes: name in _CLASSES,
    "Namespace": lambda name, _item, _notes: name == "default",
}


def _written(metadata: Mapping[str, Json], kind: str, asked: str) -> str:
    """The API version that an object was written in, which is another than the one it is asked in as long as both are served."""
    applied = mapped(metadata.get("annotations")).get(_APPLIED)
    if isinstance(applied, str):
        try:
            found = json.loads(applied)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and found.get("kind") == kind and isinstance(found.get("apiVersion"), str):
            return str(found["apiVersion"])
    managers = metadata.get("managedFields")
    written = [one for one in (managers if isinstance(managers, list) else ()) if isinstance(one, dict)]
    people = [one for one in written if not one.get("subresource") and str(one.get("manager")) not in _CONTROLLERS]
    return next((str(one["apiVersion"]) for one in people if isinstance(one.get("apiVersion"), str)), asked)


def told_apart(found: Iterable[Resource]) -> Iterator[Resource]:
    """As with manifests: one name in several namespaces is called with them."""
    listed = tuple(found)
    names: dict[str, set[str | None]] = {}
    for one in listed:
        names.setdefault(one.identity, set()).add(one.parent)
    for one in listed:
        shared = one.parent is not None and len(names[one.identity]) > 1
        yield replace(one, identity=f"{one.parent}/{one.identity}") if shared else one


def mapped(value: Any) -> Mapping[str, Any]:
    """A part that should be a map; an empty one where it is something else."""
    return value if isinstance(value, dict) else {}
