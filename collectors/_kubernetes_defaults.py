"""What a Kubernetes API server adds to an object, the same for manifests and for live objects, so that both compare.

A manifest says what somebody wanted to say; the server answers the whole object. Both are brought to one form by the
tables in `_kubernetes_tables`. A part of an object, as Kustomize's patches are, is left alone: what it does not say
stands elsewhere.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from auditor.model import Json
from collectors._kubernetes_convert import converted, maps
from collectors._kubernetes_tables import (
    CONTAINERS,
    DROPPED,
    EMPTY,
    FILLED,
    GIVEN,
    MODES,
    POD_DEFAULTS,
    POD_EMPTY,
    POD_FILLED,
    POLICIES,
    TEMPLATES,
    TOOLS,
)

Document: TypeAlias = dict[str, Any]


def completed(manifest: Mapping[str, Json]) -> Mapping[str, Json]:
    """The object as it compares: current shape, filled in, without what the server or a controller added.

    Another kind's, or a part of an object, only loses what tools wrote into its metadata."""
    document: Document = copy.deepcopy(dict(manifest))
    _tidied(document)
    kind = str(document.get("kind"))
    if kind not in DROPPED or not _is_whole(document, kind):
        return document
    document = _said(converted(document))
    pod = TEMPLATES.get(kind)
    if pod:
        _template(document, pod)
    for path in GIVEN.get(kind, ()):
        _drop(document, path, lambda _: True)
    for path, value in FILLED.get(kind, ()):
        _fill(document, path, value)
    for path, value in DROPPED[kind]:
        _drop(document, path, lambda found, value=value: _equal(found, value))  # type: ignore[misc]
    _COMPUTED.get(kind, _nothing)(document)
    for path in EMPTY.get(kind, ()):
        _drop(document, path, _is_empty)
    return document


def _is_whole(document: Document, kind: str) -> bool:
    """Whether all is there that the server insists on: a patch has less."""
    spec = document.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    if kind in TEMPLATES:
        required = {"Job": (), "CronJob": ("schedule",)}.get(kind, ("selector",))
        pods = [pod for pod in _at(document, f"{TEMPLATES[kind]}.spec") if isinstance(pod, dict)]
        containers = [container for pod in pods for container in maps(pod.get("containers"))]
        return all(key in spec for key in required) and bool(containers) and all("image" in one for one in containers)
    needed = {"Service": ("ports",), "HorizontalPodAutoscaler": ("scaleTargetRef", "maxReplicas")}.get(kind, ())
    named = kind == "Service" and spec.get("type") == "ExternalName"
    return named or all(key in spec for key in needed)


def _tidied(document: Document) -> None:
    """Metadata without what the server and tools keep there."""
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        return
    for key in ("creationTimestamp", "managedFields", "finalizers", "ownerReferences", "generation", "selfLink"):
        metadata.pop(key, None)
    for key in ("uid", "resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds"):
        metadata.pop(key, None)
    _without_tools(metadata)
    if metadata.get("namespace") == "default":
        del metadata["namespace"]


def _without_tools(metadata: Document) -> None:
    for key in ("annotations", "labels"):
        if isinstance(metadata.get(key), dict):
            metadata[key] = {name: value for name, value in metadata[key].items() if not name.startswith(TOOLS)}
        if key in metadata and not metadata[key]:
            del metadata[key]


def _template(document: Document, path: str) -> None:
    for job in _at(document, "spec.jobTemplate"):
        _named(job)
    for template in _at(document, path):
        _named(template)
        pod = template.get("spec")
        if not isinstance(pod, dict):
            continue
        # A deprecated name of `serviceAccountName`, which the server keeps equal to it.
        account = pod.pop("serviceAccount", None)
        pod.setdefault("serviceAccountName", account or "default")
        for key in MODES:
            _replace(pod, key, _octal)
        for key, value in POD_FILLED:
            pod.setdefault(key, value)
        for where in CONTAINERS:
            for container in _at(pod, where):
                container.setdefault("imagePullPolicy", _pull_policy(str(container.get("image", ""))))
        for key, value in POD_DEFAULTS:
            _drop(pod, key, lambda found, value=value: _equal(found, value))  # type: ignore[misc]
        for key in POD_EMPTY:
            _drop(pod, key, _is_empty)


def _named(template: Document) -> None:
    """The metadata of a template, which nothing but its labels and annotations is read of."""
    metadata = template.get("metadata")
    if isinstance(metadata, dict):
        metadata.pop("creationTimestamp", None)
        _without_tools(metadata)
    _drop(template, "metadata", _is_empty)


def _octal(mode: Any) -> Any:
    return int(mode, 8) if isinstance(mode, str) and re.fullmatch(r"0o?[0-7]{1,5}", mode) else mode


def _pull_policy(image: str) -> str:
    """https://kubernetes.io/docs/concepts/containers/images/#imagepullpolicy-defaulting"""
    name, at, _ = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return "IfNotPresent" if at or tag not in ("", "latest") else "Always"


def _service(document: Document) -> None:
    spec = document["spec"]
    for port in maps(spec.get("ports")):
        if _equal(port.get("targetPort"), port.get("port")):
            port.pop("targetPort", None)
    # `None` is a choice (no load balancing); an address is given out.
    if spec.get("clusterIP") != "None":
        spec.pop("clusterIP", None)


def _network_policy(document: Document) -> None:
    spec = document.get("spec")
    if isinstance(spec, dict):
        spec.setdefault("policyTypes", ["Ingress", *(["Egress"] if spec.get("egress") else [])])


def _subjects(document: Document) -> None:
    for subject in maps(document.get("subjects")):
        group = "" if subject.get("kind") == "ServiceAccount" else "rbac.authorization.k8s.io"
        if subject.get("apiGroup") == group:
            del subject["apiGroup"]


def _aggregated(document: Document) -> None:
    """A role that is aggregated has the rules of others: a controller writes them."""
    if document.get("aggregationRule"):
        document.pop("rules", None)


def _account(document: Document) -> None:
    """Tokens that the cluster made for an account are called after it."""
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    for key, made in (("secrets", ("token", "dockercfg")), ("imagePullSecrets", ("dockercfg",))):
        listed = document.get(key)
        if isinstance(listed, list):
            prefixes = tuple(f"{name}-{word}-" for word in made)
            document[key] = [
                one for one in listed if not isinstance(one, dict) or not str(one.get("name")).startswith(prefixes)
            ]


def _limits(document: Document) -> None:
    """A container's default limit is its maximum, and its default request its default limit, else the minimum."""
    for limit in _at(document, "spec.limits[]"):
        if limit.get("type") != "Container":
            continue
        for key, sources in (("default", ("max",)), ("defaultRequest", ("default", "min"))):
            given = [one for source in (*reversed(sources), key) if isinstance(one := limit.get(source), dict)]
            merged = {name: value for one in given for name, value in one.items()}
            if merged and isinstance(limit.get(key, merged), dict):
                limit[key] = merged


def _scaling(document: Document) -> None:
    """What a target of 80 % of the CPU was before anybody said so; how fast to scale, by what the server assumes."""
    spec = document["spec"]
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    behavior = spec.get("behavior")
    if not isinstance(behavior, dict):
        return
    for way, policies in POLICIES.items():
        rules = behavior.get(way)
        if isinstance(rules, dict) and rules.get("policies") in (None, policies):
            rules.pop("policies", None)
            _drop(behavior, way, _is_empty)
    _drop(spec, "behavior", _is_empty)


def _nothing(_document: Document) -> None:
    """Of most kinds nothing is computed."""


_COMPUTED: Mapping[str, Callable[[Document], None]] = {
    "Service": _service,
    "NetworkPolicy": _network_policy,
    "RoleBinding": _subjects,
    "ClusterRoleBinding": _subjects,
    "ClusterRole": _aggregated,
    "ServiceAccount": _account,
    "LimitRange": _limits,
    "HorizontalPodAutoscaler": _scaling,
}


def _said(value: Any, key: str = "") -> Any:
    """Without nulls: to the server they say nothing. What is data stays."""
    if isinstance(value, dict):
        if key in ("data", "stringData", "binaryData"):
            return value
        return {name: _said(below, name) for name, below in value.items() if below is not None}
    return [_said(item) for item in value] if isinstance(value, list) else value


def _at(document: Any, path: str) -> Iterator[Document]:
    """Every map at a path."""
    if not path:
        if isinstance(document, dict):
            yield document
        return
    step, _, rest = path.partition(".")
    if not isinstance(document, dict):
        return
    if step.endswith("[]"):
        for item in maps(document.get(step[:-2])):
            yield from _at(item, rest)
    else:
        yield from _at(document.get(step), rest)


def _drop(document: Document, path: str, when: Callable[[Any], bool]) -> None:
    parent, _, key = path.rpartition(".")
    for holder in _at(document, parent):
        if key in holder and when(holder[key]):
            del holder[key]


def _replace(document: Document, path: str, function: Callable[[Any], Any]) -> None:
    parent, _, key = path.rpartition(".")
    for holder in _at(document, parent):
        if key in holder:
            holder[key] = function(holder[key])


def _fill(document: Document, path: str, value: Json) -> None:
    *parents, key = path.split(".")
    holder: Any = document
    for step in parents:
        holder = holder.setdefault(step, {}) if isinstance(holder, dict) else None
    if isinstance(holder, dict):
        holder.setdefault(key, value)


def _equal(found: Any, value: Any) -> bool:
    """Whether both say the same; 1 is not true, and `"1"` is 1 where a number is meant."""
    if isinstance(found, bool) or isinstance(value, bool):
        return found is value
    return found == value or (not isinstance(value, list | dict) and str(found) == str(value) != "")


def _is_empty(value: Any) -> bool:
    return value in ({}, [], "", None)
