"""Kubernetes manifests as resources: any kind, lists unrolled, documents inside ConfigMaps read as what they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath

from auditor.model import Json, Resource
from collectors._kubernetes_defaults import completed
from collectors.files import dotenv, structured, yaml
from collectors.files.text import Malformed

_KUSTOMIZATIONS = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
_COMPONENT_LABELS = ("app.kubernetes.io/name", "app", "k8s-app")


def is_manifest(value: Json) -> bool:
    """Whether a document says that it is a Kubernetes object."""
    if not isinstance(value, dict):
        return False
    return all(isinstance(value.get(key), str) and value[key] for key in ("apiVersion", "kind"))


def as_manifest(name: str, value: Json) -> Mapping[str, Json] | None:
    """A document as a Kubernetes object; None where it is none. A kustomization may leave out saying what it is."""
    if is_manifest(value):
        found: Mapping[str, Json] = value
        return found
    if isinstance(value, dict) and PurePosixPath(name).name in _KUSTOMIZATIONS and "kind" not in value:
        return {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", **value}
    return None


def resources(manifest: Mapping[str, Json], path: str, location: str, source: str) -> Iterator[Resource]:
    """The objects of one manifest. `path` names an object that has no name of its own (a kustomization, say)."""
    if manifest["kind"].endswith("List") and isinstance(manifest.get("items"), list):
        kind = manifest["kind"].removesuffix("List")
        for item in manifest["items"]:
            if isinstance(item, dict):
                whole = {"apiVersion": manifest["apiVersion"], **({"kind": kind} if kind else {}), **item}
                if is_manifest(whole):
                    yield from resources(whole, path, location, source)
        return
    found = manifest.get("metadata")
    metadata: Mapping[str, Json] = found if isinstance(found, dict) else {}
    name = metadata.get("name") or metadata.get("generateName") or path
    namespace = metadata.get("namespace")
    labels = {key: str(value) for key, value in _map(metadata.get("labels")).items() if value is not None}
    yield Resource(
        kind=f"kubernetes.{manifest['kind'].lower()}",
        identity=str(name),
        attributes=_SHAPES.get(manifest["kind"], _as_it_is)(completed(manifest)),
        source=source,
        parent=str(namespace) if namespace else None,
        tags=labels,
        component=next((labels[label] for label in _COMPONENT_LABELS if label in labels), None),
        location=location,
    )


def _map(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _as_it_is(manifest: Mapping[str, Json]) -> Mapping[str, Json]:
    return manifest


def _with_rules(manifest: Mapping[str, Json]) -> Mapping[str, Json]:
    """A role's rules by what they are about: they have no names of their own."""
    rules = manifest.get("rules")
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        return manifest
    return {**manifest, "rules": _keyed([(_subject(rule), rule) for rule in rules])}


def _subject(rule: dict[str, Json]) -> str:
    parts = []
    for key in ("apiGroups", "resources", "resourceNames", "nonResourceURLs"):
        found = rule.get(key)
        names = sorted(str(name) or "core" for name in found) if isinstance(found, list) else []
        parts += [",".join(names)] if names else []
    return " ".join(parts)


def _with_metrics(manifest: Mapping[str, Json]) -> Mapping[str, Json]:
    """An autoscaler's metrics by type and name (`Resource cpu`)."""
    spec = _map(manifest.get("spec"))
    metrics = spec.get("metrics")
    if not isinstance(metrics, list) or not all(isinstance(metric, dict) for metric in metrics):
        return manifest
    named = [(_metric(metric), metric) for metric in metrics]
    return {**manifest, "spec": {**spec, "metrics": _keyed(named)}}


def _metric(metric: dict[str, Json]) -> str:
    kind = str(metric.get("type", ""))
    body = _map(metric.get(kind[:1].lower() + kind[1:]))
    name = body.get("name") or _map(body.get("metric")).get("name") or ""
    return f"{kind} {name}".strip()


def _with_versions(manifest: Mapping[str, Json]) -> Mapping[str, Json]:
    """What a CustomResourceDefinition offers: which versions are served and stored. Its schemas are the operator's own."""
    spec = _map(manifest.get("spec"))
    listed = spec.get("versions")
    versions = {
        str(version.get("name")): {key: bool(version.get(key, False)) for key in ("served", "storage", "deprecated")}
        for version in (listed if isinstance(listed, list) else [])
        if isinstance(version, dict)
    }
    names = _map(spec.get("names"))
    shape = {"group": spec.get("group"), "kind": names.get("kind"), "scope": spec.get("scope"), "versions": versions}
    return {**{key: value for key, value in manifest.items() if key in ("apiVersion", "kind")}, "spec": shape}


def _keyed(items: list[tuple[str, dict[str, Json]]]) -> dict[str, Json]:
    """Items by key; of several with one key the later ones are numbered."""
    found: dict[str, Json] = {}
    for key, item in items:
        unique, count = key, 2
        while unique in found:
            unique, count = f"{key} {count}", count + 1
        found[unique] = item
    return found


def _with_documents(manifest: Mapping[str, Json]) -> Mapping[str, Json]:
    data = manifest.get("data")
    if not isinstance(data, dict):
        return manifest
    return {**manifest, "data": {key: _document(key, value) for key, value in data.items()}}


def _document(name: str, value: Json) -> Json:
    """What a value of a ConfigMap holds, where its key is a file name that says so; else the value."""
    if not isinstance(value, str) or not value.strip():
        return value
    if not _SEPARATED.search(
        value.strip()
    ):  # one word is no document: `CHANGE_ME` was never filled in, and is told as it is
        return value
    try:
        found = _parsed(PurePosixPath(name), value)
    except Malformed:  # not what its name says: a text like any other
        return value
    return found if isinstance(found, dict | list) and found else value


def _parsed(name: PurePosixPath, text: str) -> Json:
    match name.suffix.lower():
        case ".json":
            return structured.json_document(text)
        case ".yaml" | ".yml":
            found = yaml.documents(text)
            return found[0].value if len(found) == 1 else text
        case ".toml":
            return structured.toml_document(text)
        case ".properties":
            return structured.properties_document(text)
        case ".ini" | ".cfg":
            return structured.ini_document(text)
        case ".env":
            return dotenv.parse(text)
    return dotenv.parse(text) if name.name == ".env" else text


# What every document of several values has somewhere between two of them.
_SEPARATED = re.compile(r"[=:\s{\[]", re.ASCII)
_SHAPES: Mapping[str, Callable[[Mapping[str, Json]], Mapping[str, Json]]] = {
    "ConfigMap": _with_documents,
    "CustomResourceDefinition": _with_versions,
    "Role": _with_rules,
    "ClusterRole": _with_rules,
    "HorizontalPodAutoscaler": _with_metrics,
}
