"""What a reader of a cluster must be allowed: `list` on what the options enable, `get` where one object is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from auditor.collector import Grant as Lacking
from collectors._grants import denied
from collectors.kubernetes._catalogue import CATALOGUE

if TYPE_CHECKING:
    from auditor.model import Gap
    from collectors.kubernetes._options import KubernetesOptions

Grant: TypeAlias = tuple[str, str, str]
"""API group, resource and verb."""

# How a refusal in the details of a gap begins: `list deployments.apps: `.
_ASKED = re.compile(r"(list|get) ([a-z]+)[.:]")
_GROUP = "rbac.authorization.k8s.io"
_SCALED = frozenset({"deployment", "statefulset"})
_AUTOSCALERS = next((one.group, one.plural, "list") for one in CATALOGUE if one.name == "horizontalpodautoscaler")
# What any client asks first. Most clusters allow it to everybody who is somebody.
_DISCOVERY = {"nonResourceURLs": ["/apis", "/apis/*", "/version"], "verbs": ["get"]}


def permissions(options: KubernetesOptions) -> tuple[str, ...]:
    """`verb resource.group`, sorted."""
    grants = {*_namespaced(options), *_of_the_cluster(options)}
    return tuple(sorted(f"{verb} {plural}.{group}".rstrip(".") for group, plural, verb in grants))


def roles(sources: Sequence[KubernetesOptions], namespace: str, account: str) -> Iterator[Mapping[str, Any]]:
    """RBAC objects that allow the service account what the sources need, which are all of one cluster or alike.

    Where the namespaces are named outright, what is in them is granted in each of them, else for the whole cluster.
    """
    subject = [{"kind": "ServiceAccount", "name": account, "namespace": namespace}]
    wide = {grant for one in sources for grant in _of_the_cluster(one)}
    wide |= {grant for one in sources if not one.named_namespaces for grant in _namespaced(one)}
    yield _role(account, [_DISCOVERY, *_rules(wide)])
    yield _binding("ClusterRoleBinding", account, None, subject)
    narrow = {grant for one in sources if one.named_namespaces for grant in _namespaced(one)}
    if narrow:
        inner = f"{account}-namespaced"
        yield _role(inner, _rules(narrow))
        for each in sorted({name for one in sources for name in one.named_namespaces}):
            yield _binding("RoleBinding", inner, each, subject)


def lacking(options: KubernetesOptions, gaps: Sequence[Gap]) -> Lacking | None:
    """The rules without which these gaps were refused, as YAML for the `rules:` of the reader's role; None for none."""
    asked = {found.groups() for detail in denied(gaps) if (found := _ASKED.match(detail))}
    needed = {*_namespaced(options), *_of_the_cluster(options)}
    missing = sorted(grant for grant in needed if (grant[2], grant[1]) in asked)
    if not missing:
        return None
    told = tuple(f"{verb} {plural}.{group}" if group else f"{verb} {plural}" for group, plural, verb in missing)
    change = yaml.safe_dump(_rules(missing), sort_keys=False, default_flow_style=None).rstrip()
    return Lacking(told, "the role of the service account that reads", change)


def _namespaced(options: KubernetesOptions) -> Iterator[Grant]:
    for one in options.enabled():
        if one.namespaced:
            yield one.group, one.plural, "list"
            if one.name == "helm_release":
                yield one.group, one.plural, "get"
            if one.name in _SCALED:
                yield _AUTOSCALERS
        elif one.name == "namespace" and options.named_namespaces:
            yield one.group, one.plural, "get"
    for name in options.custom_resources:
        group, _, kind = name.partition("/")
        yield group, _plural(kind.lower()), "list"


def _of_the_cluster(options: KubernetesOptions) -> Iterator[Grant]:
    for one in options.enabled():
        if not one.namespaced and one.plural and not (one.name == "namespace" and options.named_namespaces):
            yield one.group, one.plural, "list"
    if options.namespace_selector is not None:
        yield "", "namespaces", "list"


def _plural(kind: str) -> str:
    """As the usual generators of custom resources spell it."""
    if kind.endswith("y") and kind[-2:-1] not in "aeiou":
        return f"{kind[:-1]}ies"
    return f"{kind}es" if kind.endswith(("s", "x", "z", "ch", "sh")) else f"{kind}s"


def _rules(grants: Iterable[Grant]) -> list[Mapping[str, Any]]:
    """One rule per group and verbs, so that a person can read them."""
    verbs: dict[tuple[str, str], set[str]] = {}
    for group, plural, verb in grants:
        verbs.setdefault((group, plural), set()).add(verb)
    rules: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (group, plural), allowed in sorted(verbs.items()):
        rules.setdefault((group, tuple(sorted(allowed))), []).append(plural)
    return [
        {"apiGroups": [group], "resources": plurals, "verbs": list(allowed)}
        for (group, allowed), plurals in sorted(rules.items())
    ]


def _role(name: str, rules: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    return {"apiVersion": f"{_GROUP}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}


def _binding(kind: str, name: str, namespace: str | None, subjects: list[dict[str, str]]) -> Mapping[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    reference = {"apiGroup": _GROUP, "kind": "ClusterRole", "name": name}
    return {
        "apiVersion": f"{_GROUP}/v1", "kind": kind, "metadata": metadata, "roleRef": reference, "subjects": subjects,
    }  # fmt: skip
