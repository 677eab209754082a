"""Nodes by pool: what a pool is made of. Single nodes come and go, and have no name that anybody chose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from auditor.model import Json, Resource
from collectors.kubernetes._catalogue import NODE_POOL

# Where the providers and tools say which pool a node is of.
_POOLS = (
    "eks.amazonaws.com/nodegroup", "alpha.eksctl.io/nodegroup-name", "karpenter.sh/nodepool",
    "karpenter.sh/provisioner-name", "cloud.google.com/gke-nodepool", "kubernetes.azure.com/agentpool", "agentpool",
    "doks.digitalocean.com/node-pool", "kops.k8s.io/instancegroup", "node-pool", "nodepool",
)  # fmt: skip
_TYPES = ("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type")
_ROLE = "node-role.kubernetes.io/"
_LIFECYCLES = (
    "eks.amazonaws.com/capacityType", "karpenter.sh/capacity-type", "cloud.google.com/gke-spot",
    "kubernetes.azure.com/scalesetpriority",
)  # fmt: skip
_ZONE = "topology.kubernetes.io/zone"
# What the cluster sets on a node while something happens to it.
_PASSING = (
    "node.kubernetes.io/",
    "node.cloudprovider.kubernetes.io/",
    "ToBeDeletedByClusterAutoscaler",
    "DeletionCandidate",
)
_SIZE = re.compile(r"([0-9]+)(Ki|Mi|Gi)?\Z")
_UNITS = {None: 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def pools(nodes: Iterable[Mapping[str, Json]]) -> Iterator[Resource]:
    """A resource for each pool; where all of a pool have one value it stands alone, else as a sorted list."""
    grouped: dict[str, list[Mapping[str, Json]]] = {}
    for node in nodes:
        grouped.setdefault(_pool(_labels(node)), []).append(node)
    for name, members in sorted(grouped.items()):
        yield Resource(NODE_POOL, name, _described(members))


def _pool(labels: Mapping[str, str]) -> str:
    named = next((labels[key] for key in _POOLS if labels.get(key)), None)
    role = next((key.removeprefix(_ROLE) for key in sorted(labels) if key.startswith(_ROLE)), None)
    kind = next((labels[key] for key in _TYPES if labels.get(key)), None)
    return named or role or kind or "nodes"


def _described(members: list[Mapping[str, Json]]) -> dict[str, Json]:
    info = [_map(_map(node.get("status")).get("nodeInfo")) for node in members]
    capacity = [_map(_map(node.get("status")).get("capacity")) for node in members]
    labels = [_labels(node) for node in members]
    found: dict[str, Json] = {
        "nodes": len(members),
        "instance_type": _one(next((each[key] for key in _TYPES if key in each), None) for each in labels),
        "capacity_type": _one(next((each[key] for key in _LIFECYCLES if key in each), None) for each in labels),
        "zones": len({each[_ZONE] for each in labels if _ZONE in each}) or None,
        "kubelet_version": _one(each.get("kubeletVersion") for each in info),
        "container_runtime": _one(str(each.get("containerRuntimeVersion", "")).partition("://")[0] for each in info),
        "container_runtime_version": _one(
            str(each.get("containerRuntimeVersion", "")).partition("://")[2] for each in info
        ),
        "os_image": _one(each.get("osImage") for each in info),
        "operating_system": _one(each.get("operatingSystem") for each in info),
        "architecture": _one(each.get("architecture") for each in info),
        "ephemeral_storage": _one(_rounded(each.get("ephemeral-storage")) for each in capacity),
        "taints": _taints(members),
    }
    if found["instance_type"] is None:  # which says it all, where there is one
        found["cpu"] = _one(each.get("cpu") for each in capacity)
        found["memory"] = _one(_rounded(each.get("memory")) for each in capacity)
    return {key: value for key, value in found.items() if value not in (None, [])}


def _taints(members: list[Mapping[str, Json]]) -> list[Json]:
    """Those that every node of the pool has: others are about one node, for a while."""
    listed = [
        {
            (str(taint.get("key")), str(taint.get("value", "")), str(taint.get("effect")))
            for taint in _map(node.get("spec")).get("taints") or ()
            if isinstance(taint, dict) and not str(taint.get("key")).startswith(_PASSING)
        }
        for node in members
    ]
    return [{"key": key, "value": value, "effect": effect} for key, value, effect in sorted(set.intersection(*listed))]


def _rounded(size: Json) -> str | None:
    """To whole GiB: what firmware keeps of the memory differs from machine to machine of one type."""
    found = _SIZE.match(size) if isinstance(size, str) else None
    return f"{max(1, round(int(found[1]) * _UNITS[found[2]] / 2**30))}Gi" if found else None


def _one(values: Iterable[Json]) -> Json:
    found = sorted({value for value in values if isinstance(value, str) and value})
    return found[0] if len(found) == 1 else found or None


def _labels(node: Mapping[str, Json]) -> Mapping[str, str]:
    found = _map(_map(node.get("metadata")).get("labels"))
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
