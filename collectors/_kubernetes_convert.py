"""Kubernetes objects of an older API version in the shape of the current one: a server answers in whichever it is asked."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any


def converted(document: dict[str, Any]) -> dict[str, Any]:
    """The object in its kind's current shape. Its `apiVersion` stays what it was: that tells what it was written for."""
    convert = _CONVERTED.get(str(document.get("kind")))
    return convert(document) if convert else document


def _secret(document: dict[str, Any]) -> dict[str, Any]:
    """`stringData` is how a person writes what the server keeps in `data`, in base64. The written one wins."""
    written = document.pop("stringData", None)
    if isinstance(written, dict):
        data = document.get("data")
        encoded = {key: _encoded(value) for key, value in written.items() if value is not None}
        document["data"] = {**(data if isinstance(data, dict) else {}), **encoded}
    return document


def maps(value: Any) -> list[dict[str, Any]]:
    """The maps in a list; none where it is no list. A manifest in Git was never checked by a server."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _encoded(value: Any) -> Any:
    # A map or a number is refused by the server; it stays what it is.
    return base64.b64encode(value.encode("utf-8", "surrogatepass")).decode() if isinstance(value, str) else value


def _autoscaler(document: dict[str, Any]) -> dict[str, Any]:
    """autoscaling/v1 has one target, of the CPU; v2beta1 spells targets flat."""
    spec = document.get("spec")
    if not isinstance(spec, dict):
        return document
    percent = spec.pop("targetCPUUtilizationPercentage", None)
    if percent is not None and not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": percent}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    for metric in maps(spec.get("metrics")):
        body = metric.get("resource")
        if isinstance(body, dict) and "target" not in body:
            if (utilization := body.pop("targetAverageUtilization", None)) is not None:
                body["target"] = {"type": "Utilization", "averageUtilization": utilization}
            elif (average := body.pop("targetAverageValue", None)) is not None:
                body["target"] = {"type": "AverageValue", "averageValue": average}
    return document


def _ingress(document: dict[str, Any]) -> dict[str, Any]:
    """v1beta1 spells a backend `{serviceName, servicePort}`, and leaves out the type of a path."""
    spec = document.get("spec")
    if not isinstance(spec, dict):
        return document
    if isinstance(spec.get("backend"), dict):
        spec["defaultBackend"] = spec.pop("backend")
    spec.update({key: _backend(spec[key]) for key in ("defaultBackend",) if key in spec})
    for rule in maps(spec.get("rules")):
        http = rule.get("http")
        for path in maps(http.get("paths")) if isinstance(http, dict) else ():
            path.setdefault("pathType", "ImplementationSpecific")
            path["backend"] = _backend(path.get("backend"))
    return document


def _backend(backend: Any) -> Any:
    if not isinstance(backend, dict) or "serviceName" not in backend:
        return backend
    port = backend.get("servicePort")
    return {"service": {"name": backend["serviceName"], "port": {"number" if isinstance(port, int) else "name": port}}}


_CONVERTED: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "Secret": _secret,
    "HorizontalPodAutoscaler": _autoscaler,
    "Ingress": _ingress,
}
