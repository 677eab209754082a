"""What one resource of a snapshot points to, by what its normal form says. Pure.

Normal forms already name what an id, an ARN or an endpoint stands for (`aws.rds.instance/orders-staging`). Here are
added: names under keys that hold names of one kind (a task definition, a config map), ARNs that no listing told in full,
and bare hosts of Compose and Kubernetes services. Some links are followed backwards: what fronts, scales or guards a
workload belongs to it, and not the other way round.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from auditor.alike import hosts
from auditor.comparison import Normal
from auditor.deployed import without_names
from auditor.model import Json, Path
from auditor.values import words
from auditor.versions import parse_image

if TYPE_CHECKING:
    from auditor.names import EnvironmentNames

_KIND = re.compile(r"(?<![a-z0-9_.])([a-z0-9_]+(?:\.[a-z0-9_]+)+)/")
_ARN = re.compile(r"arn:aws[\w-]*:([a-z0-9-]+):[a-z0-9-]*:[0-9]*:([^\s\"',;]+)")
_ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:[^/@\s]*@)?([A-Za-z0-9][A-Za-z0-9.-]*)|\A([A-Za-z0-9][A-Za-z0-9.-]*)(?::[0-9]+)?\Z"
)
_GROUP_ID = re.compile(r"(?<![a-z0-9-])sg-[0-9a-f]{8,17}(?![0-9a-z])")
_SECURITY_GROUP = "aws.ec2.security_group"
_SERVICE = "kubernetes.service"
_TARGET_GROUP = "aws.elasticloadbalancingv2.target_group"
# What a host may lead to.
REACHED_BY_HOST = (
    "aws.rds.instance", "aws.rds.cluster", "aws.elasticache.cache_cluster", "aws.elasticache.replication_group",
    "aws.elasticache.serverless_cache", "aws.elasticloadbalancing.load_balancer",
    "aws.elasticloadbalancingv2.load_balancer", "aws.opensearch.domain", "aws.docdb.cluster", "aws.redshift.cluster",
    "postgres.server", "mysql.server", "redis.server",
)  # fmt: skip
# The last step of a path -> the kinds whose names stand there.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "task_definition": ("aws.ecs.task_definition",),
    "launch_template_name": ("aws.ec2.launch_template",),
    "instance_type": ("aws.ec2.instance_type",),
    "instance_types": ("aws.ec2.instance_type",),
    "db_parameter_groups": ("aws.rds.parameter_group",),
    "db_cluster_parameter_group": ("aws.rds.cluster_parameter_group",),
    "option_group_memberships": ("aws.rds.option_group",),
    "cache_parameter_group": ("aws.elasticache.parameter_group",),
    "cache_parameter_group_name": ("aws.elasticache.parameter_group",),
    "serviceAccountName": ("kubernetes.serviceaccount",),
    "claimName": ("kubernetes.persistentvolumeclaim",),
    "secretName": ("kubernetes.secret", "kubernetes.sealedsecret", "kubernetes.externalsecret"),
    "priorityClassName": ("kubernetes.priorityclass",),
}
# The last but one step of a path that ends in `name`.
_NAMED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("configMapRef", "configMapKeyRef", "configMap"), ("kubernetes.configmap",)),
    **dict.fromkeys(("secretRef", "secretKeyRef"), _NAMES["secretName"]),
}
# The parts of a Compose service whose items are names.
_COMPOSE: Mapping[str, str] = {
    "depends_on": "compose.service",
    "links": "compose.service",
    "networks": "compose.network",
    "secrets": "compose.secret",
    "configs": "compose.config",
}
# What carries the children along: a cluster without its instances is none.
_WHOLES = frozenset({"aws.rds.cluster", "aws.elasticache.replication_group"})
_SELECTING = ("service", "poddisruptionbudget", "networkpolicy", "servicemonitor", "podmonitor")
_SCALING = ("horizontalpodautoscaler", "verticalpodautoscaler", "scaledobject")
_ROUTING = ("ingress", "httproute", "grpcroute", "virtualservice", "ingressroute")
_SETTINGS = frozenset({"environment", "env", "data", "variables", "value", "stringdata", "args", "command"})
_ADDRESSING = frozenset("host hosts hostname server servers addr address endpoint broker brokers upstream".split())


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Something that a resource points to and no source describes. `what` is `host`, `arn` or the kind of a name.

    `service` is that of an ARN; `taken_for` what a host was taken for, by its name alone."""

    what: str
    text: str
    service: str = ""
    taken_for: tuple[str, ...] = ()


@dataclass
class Links:
    """The links among `normals`, all of one snapshot, by their positions."""

    normals: Sequence[Normal]
    names: EnvironmentNames
    _by_name: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    _kinds: set[str] = field(default_factory=set)
    _labelled: list[tuple[int, Mapping[str, Json]]] = field(default_factory=list)
    _reached: list[tuple[int, frozenset[str]]] = field(default_factory=list)
    _children: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _pointing: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    _unresolved: dict[int, set[Unresolved]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        for index, normal in enumerate(self.normals):
            self._by_name[normal.kind.name, normal.resource.identity].append(index)
            self._kinds.add(normal.kind.name)
            if labels := _pod_labels(normal):
                self._labelled.append((index, labels))
            if normal.kind.name in REACHED_BY_HOST:
                self._reached.append((index, frozenset(words(without_names(normal.resource.identity, self.names)))))
            if normal.resource.parent:
                self._children[normal.resource.parent].append(index)
        for index, normal in enumerate(self.normals):
            for target in self._found(index, normal):
                source, other = (target, index) if _is_backward(normal, self.normals[target]) else (index, target)
                if source != other:
                    self._pointing[source].add(other)
                    if normal.kind.name == _SERVICE and other == index:  # whoever calls it calls what is behind it
                        self._pointing[other].add(source)

    def of(self, index: int) -> Sequence[int]:
        """What the resource depends on directly."""
        return sorted(self._pointing.get(index, ()))

    def unresolved(self, index: int) -> Sequence[Unresolved]:
        """What it points to and nothing here describes."""
        return sorted(self._unresolved.get(index, ()), key=lambda one: (one.what, one.text))

    def _found(self, index: int, normal: Normal) -> Iterator[int]:
        kind, resource = normal.kind.name, normal.resource
        if kind == _SECURITY_GROUP:  # the rules of a group it lets in change nothing here
            return
        if resource.parent:
            if kind == "aws.ecs.service":
                yield from self._by_name.get(("aws.ecs.cluster", resource.parent), ())
            for whole in _WHOLES:
                for cluster in self._by_name.get((whole, resource.parent), ()):
                    yield cluster
                    self._pointing[cluster].add(index)
        if kind == "compose.service":
            yield from self._composed(normal)
        if kind.startswith("kubernetes."):
            yield from self._about_workloads(normal)
        for path, text in _texts(normal.raw, ()):
            yield from self._in_text(index, normal, path, text)

    def _in_text(self, index: int, normal: Normal, path: Path, text: str) -> Iterator[int]:
        known, rest = self._references(text)
        yield from known
        kinds = () if known else _kinds_named(path, text)
        named = [other for kind in kinds for other in self._named(kind, text, normal)]
        yield from named
        missed = self._unresolved[index]
        if kinds and not named:
            missed.add(Unresolved(kinds[0], text))
        for arn in _ARN.finditer(rest) if "arn:" in rest else ():
            targets = list(self._by_arn(arn[1], arn[2]))
            yield from targets
            if not targets:
                missed.add(Unresolved("arn", arn[0], arn[1]))
        if "sg-" in rest:
            missed |= {Unresolved(_SECURITY_GROUP, group) for group in _GROUP_ID.findall(rest)}
        if _is_setting(normal, path):
            yield from self._hosts(index, normal, path, rest)

    def _references(self, text: str) -> tuple[list[int], str]:
        """What every `kind/identity` in a text stands for, and the rest of the text.

        An identity may hold anything, so the longest known one counts."""
        if "/" not in text:
            return [], text
        found: list[int] = []
        spans: list[tuple[int, int]] = []
        for start in _KIND.finditer(text):
            if start[1] not in self._kinds:
                continue
            for end in range(len(text), start.end(), -1):
                if end < len(text) and (text[end].isalnum() or text[end] in "-_"):
                    continue
                if (indexes := self._by_name.get((start[1], text[start.end() : end]))) is not None:
                    found += indexes
                    spans.append((start.start(), end))
                    break
        for begin, end in reversed(spans):
            text = f"{text[:begin]} {text[end:]}"
        return found, text

    def _by_arn(self, service: str, rest: str) -> Iterator[int]:
        """An ARN that is no handle of its own: a parameter by its name, a secret with a key behind it."""
        if service == "ssm" and rest.startswith("parameter/"):
            name = rest.removeprefix("parameter/")
            for spelled in (f"/{name}", name):
                yield from self._by_name.get(("aws.ssm.parameter", spelled), ())
        elif service == "secretsmanager" and rest.startswith("secret:"):
            name = rest.split(":")[1]
            for spelled in dict.fromkeys((name, re.sub(r"-[A-Za-z0-9]{6}\Z", "", name))):
                yield from self._by_name.get(("aws.secretsmanager.secret", spelled), ())

    def _named(self, kind: str, name: str, near: Normal) -> list[int]:
        """Resources by name; of several in several namespaces or folders those beside the one that names them."""
        found = self._by_name.get((kind, name), [])
        if near.resource.parent:
            found = [*found, *self._by_name.get((kind, f"{near.resource.parent}/{name}"), [])]
        beside = [index for index in found if self.normals[index].resource.parent == near.resource.parent]
        return beside or found

    def _hosts(self, index: int, normal: Normal, path: Path, text: str) -> Iterator[int]:
        bare = bool(path) and bool(frozenset(words(path[-1])) & _ADDRESSING)
        for match in _ADDRESS.finditer(text):
            host = match[1] or (match[2] if bare else None)
            if host is not None:
                first, _, domain = host.partition(".")
                yield from self._named("compose.service", host, normal)
                if not domain or domain.split(".")[1:2] == ["svc"] or domain == (normal.resource.parent or ""):
                    yield from self._named(_SERVICE, first, normal)
        if "@" in text and "://" not in text:  # an address in e-mail is nobody's host
            return
        if parse_image(text) is not None and not bare and "://" not in text:
            return
        for host in hosts(text):
            if not host.endswith((".svc", ".svc.cluster.local")):
                meant = self._meant_by(host)
                yield from meant
                names = tuple(self.normals[other].resource.identity for other in meant)
                self._unresolved[index].add(Unresolved("host", host.lower(), taken_for=names))

    def _meant_by(self, host: str) -> list[int]:
        """The databases, caches and load balancers that bear a host's first name: an alias in DNS is nowhere described."""
        wanted = frozenset(words(without_names(host.partition(".")[0], self.names)))
        if not wanted or self.names.is_name(host.partition(".")[0]):
            return []
        return [index for index, called in self._reached if wanted <= called]

    def _composed(self, normal: Normal) -> Iterator[int]:
        for part, kind in _COMPOSE.items():
            value = normal.raw.get(part)
            for name in value if isinstance(value, Mapping | list) else ():
                if isinstance(name, str):
                    yield from self._named(kind, name.partition(":")[0], normal)
        volumes = normal.raw.get("volumes")
        for volume in volumes.values() if isinstance(volumes, Mapping) else ():
            source = volume.get("source") if isinstance(volume, Mapping) else None
            if isinstance(source, str):
                yield from self._named("compose.volume", source, normal)

    def _about_workloads(self, normal: Normal) -> Iterator[int]:
        """The workloads that a Kubernetes object selects, scales or sends traffic to."""
        noun = normal.kind.name.partition(".")[2]
        spec = _map(normal.raw.get("spec"))
        if noun in _SCALING:
            target = _map(spec.get("scaleTargetRef")) or _map(spec.get("targetRef"))
            kind = str(target.get("kind", "deployment")).lower()
            if isinstance(target.get("name"), str):
                yield from self._named(f"kubernetes.{kind}", target["name"], normal)
        elif noun in _SELECTING:
            selector = _map(spec.get("podSelector")) or _map(spec.get("selector"))
            wanted = _map(selector.get("matchLabels")) or selector
            if wanted and "matchExpressions" not in wanted:
                yield from self._selected(wanted, normal)
        elif noun in _ROUTING:
            for path, text in _texts(spec, ()):
                if path[-2:] == ("service", "name") or path[-1:] == ("serviceName",):
                    yield from self._named(_SERVICE, text, normal)
            for refs in _under(spec, "backendRefs"):
                for name in refs:
                    yield from self._named(_SERVICE, name, normal)

    def _selected(self, wanted: Mapping[str, Json], near: Normal) -> Iterator[int]:
        for index, labels in self._labelled:
            beside = self.normals[index].resource.parent == near.resource.parent
            if beside and all(labels.get(key) == value for key, value in wanted.items()):
                yield index


def _is_backward(source: Normal, target: Normal) -> bool:
    """Whether what `source` points to depends on `source`: a load balancer fronts its targets."""
    kind = source.kind.name
    if kind.startswith("aws.elasticloadbalancing"):
        return target.kind.name == _TARGET_GROUP
    noun = kind.partition(".")[2] if kind.startswith("kubernetes.") else ""
    about = noun in (*_SELECTING, *_SCALING, *_ROUTING)
    return about and (target.kind.name == _SERVICE or bool(_pod_labels(target)))


def _kinds_named(path: Path, text: str) -> tuple[str, ...]:
    """The kinds of what a text at `path` is the name of."""
    if len(path) < 2:
        return _NAMES.get(path[0], ()) if path else ()
    if path[-2] == "secrets" and text.startswith("/"):
        return ("aws.ssm.parameter",)
    return _NAMED.get(path[-2], ()) if path[-1] == "name" else _NAMES.get(path[-1], ())


def _is_setting(normal: Normal, path: Path) -> bool:
    """Whether a place holds configuration that people set, where hosts are what the service talks to."""
    return normal.kind.located or any(step.lower() in _SETTINGS for step in path)


def _pod_labels(normal: Normal) -> Mapping[str, Json]:
    spec = _map(normal.raw.get("spec"))
    spec = _map(_map(spec.get("jobTemplate")).get("spec")) or spec
    if normal.kind.name == "kubernetes.pod":
        return _map(_map(normal.raw.get("metadata")).get("labels"))
    return _map(_map(_map(spec.get("template")).get("metadata")).get("labels"))


def _texts(value: Json, path: Path) -> Iterator[tuple[Path, str]]:
    """Every text of a document with its path; the keys that hold a reference, too."""
    if isinstance(value, str):
        if len(value) <= 20_000:
            yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if "/" in key:
                yield path, key
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, path)


def _under(value: Json, key: str) -> Iterator[Mapping[str, Json]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name == key:
                yield _map(item)
            else:
                yield from _under(item, key)


def _map(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
