"""What an autoscaler scales: how many replicas it has is the autoscaler's to say, from one minute to the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from auditor.model import Json, Resource

Target: TypeAlias = tuple[str | None, str, str]
"""Namespace, kind and name of what is scaled, kind in lower case."""

_SCALERS = frozenset({"kubernetes.horizontalpodautoscaler", "kubernetes.scaledobject"})


def target_of(namespace: str | None, scaler: Mapping[str, Json]) -> Target | None:
    """What a HorizontalPodAutoscaler, or a ScaledObject of KEDA, scales."""
    spec = scaler.get("spec")
    found = spec.get("scaleTargetRef") if isinstance(spec, dict) else None
    if not isinstance(found, dict) or not isinstance(found.get("name"), str):
        return None
    return namespace, str(found.get("kind") or "Deployment").lower(), found["name"]


def without_scaled_replicas(resources: Iterable[Resource], targets: Iterable[Target] = ()) -> Iterator[Resource]:
    """The resources, those without `spec.replicas` that one of them, or one of `targets`, says is scaled."""
    listed = tuple(resources)
    found = {target_of(one.parent, one.attributes) for one in listed if one.kind in _SCALERS}
    scaled: dict[tuple[str, str], set[str | None]] = {}
    for target in (*found, *targets):
        if target is not None:
            scaled.setdefault(target[1:], set()).add(target[0])
    for one in listed:
        namespaces = scaled.get((one.kind.removeprefix("kubernetes."), one.identity))
        here = namespaces is not None and (one.parent is None or bool({one.parent, None} & namespaces))
        yield _without_replicas(one) if here else one


def _without_replicas(resource: Resource) -> Resource:
    spec: Any = resource.attributes.get("spec")
    if not isinstance(spec, dict) or "replicas" not in spec:
        return resource
    kept = {key: value for key, value in spec.items() if key != "replicas"}
    return replace(resource, attributes={**resource.attributes, "spec": kept})
