"""Local development held against the cloud: a Compose service and the managed thing that it stands for become one kind.

A laptop runs `postgres:15` where production runs RDS. Neither is missing on the other side: both are a database, of an engine
and a version. Where one environment is made of Compose services and the other is not, both are put into these terms before they
are paired: engines by name, workloads with their image and the names of their variables. What has no equivalent is set aside
and said. Pure: with Compose on both sides, or on none, nothing changes.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from auditor.deployed import image
from auditor.model import Category, Json, Kind, Listing, Resource, Snapshot

if TYPE_CHECKING:
    from auditor.deployed import Image

COMPOSE = "compose.service"
ENGINE, WORKLOAD = "equivalent.engine", "equivalent.workload"
KINDS = (
    Kind(ENGINE, Category.DATABASE, "Databases, caches, brokers and search engines, by engine, whatever provides them"),
    Kind(WORKLOAD, Category.DEPLOYMENT, "What is deployed, with the names of its variables, whatever runs it"),
)


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine. `images` are last parts of repositories that run it, `called` what managed services call it."""

    name: str
    images: tuple[str, ...] = ()
    called: tuple[str, ...] = ()


ENGINES = (
    Engine("postgres", ("postgres", "postgresql", "postgis", "timescaledb", "pgvector", "supabase-postgres"), ("aurora-postgresql",)),
    Engine("mysql", ("mysql", "mysql-server", "percona", "percona-server"), ("aurora", "aurora-mysql")),
    Engine("mariadb", ("mariadb",)),
    Engine("redis", ("redis", "redis-stack", "redis-stack-server")),
    Engine("valkey", ("valkey",)),
    Engine("memcached", ("memcached",)),
    Engine("opensearch", ("opensearch",)),
    Engine("elasticsearch", ("elasticsearch", "elasticsearch-oss")),
    Engine("rabbitmq", ("rabbitmq",)),
    Engine("activemq", ("activemq", "activemq-classic")),
    Engine("kafka", ("kafka", "cp-kafka", "kafka-native")),
    Engine("mongodb", ("mongo", "mongodb", "mongodb-community-server"), ("docdb",)),
    Engine("sqlserver", ("server",), ("sqlserver-se", "sqlserver-ee", "sqlserver-ex", "sqlserver-web")),
)  # fmt: skip
"""What ships. A configuration's `equivalents:` are looked at before these."""

# Kind that tells of an engine -> the attributes that name it and its version; a name without an attribute is said here.
_MANAGED: Mapping[str, tuple[str, str]] = {
    "aws.rds.instance": ("engine", "engine_version"),
    "aws.rds.cluster": ("engine", "engine_version"),
    "aws.docdb.cluster": ("=mongodb", "engine_version"),
    "aws.elasticache.cache_cluster": ("engine", "engine_version"),
    "aws.elasticache.replication_group": ("engine", "engine_version"),
    "aws.opensearch.domain": ("engine", "engine_version"),
    "aws.amazonmq.broker": ("engine_type", "engine_version"),
    "aws.msk.cluster": ("=kafka", "kafka_version"),
    "postgres.server": ("=postgres", "version"),
    "mysql.server": ("flavour", "version"),
    "redis.server": ("=redis", "version"),
}
_RUNNING = ("aws.ecs.task_definition", "kubernetes.deployment", "kubernetes.statefulset", "kubernetes.daemonset")
# They help where people work, and belong to no environment.
_TOOLS = frozenset(
    "adminer pgadmin4 phpmyadmin mailhog mailpit maildev mailcatcher localstack moto minio mc azurite jaeger all-in-one "
    "redis-commander redisinsight kafka-ui kafdrop zookeeper cp-zookeeper wait-for-it dockerize ngrok portainer traefik "
    "dynamodb-local elasticmq wiremock mockserver selenium standalone-chrome grafana prometheus".split()
)
# Containers that stand beside the one that a workload is about.
_SIDECARS = re.compile(
    r"(?:^|[-_/])(?:datadog|agent|envoy|istio|fluent|otel|opentelemetry|xray|log-?router|sidecar|proxy)"
)
_INSIDE = re.compile(r"(?:^|-)pg-?([0-9]+(?:\.[0-9]+)*)")
_EXTENSIONS = frozenset({"timescaledb", "pgvector"})
_MANIFESTS = "kubernetes."
_VERSION = re.compile(r"v?([0-9]+(?:\.[0-9]+){0,3})")


def is_local(left: Snapshot, right: Snapshot) -> bool:
    """Whether one of the two is made of Compose services and the other of what these stand for."""
    if _has_compose(left) == _has_compose(right):
        return False
    other = right if _has_compose(left) else left
    return any(resource.kind in _MANAGED or resource.kind in _RUNNING for resource in other.resources)


def put_into_terms(
    left: Snapshot, right: Snapshot, own: Sequence[Engine] = ()
) -> tuple[Snapshot, Snapshot, tuple[str, ...]]:
    """Both snapshots in the terms that they share, and what is said of it; as they are where they need none.

    `own` are engines of the user's, looked at before those that ship.
    """
    if not is_local(left, right):
        return left, right, ()
    engines = (*own, *ENGINES)
    shared = {kind for kind in _kinds_of(left) & _kinds_of(right) if not kind.startswith(_absent_from(left, right))}
    sides = [_Side(side, engines, shared) for side in (left, right)]
    ours, theirs = sides
    # An engine that only one side tells of in a shared kind is compared there.
    aside = sorted({*ours.aside, *theirs.aside})
    note = (
        "Compose services are compared with what they stand for: engines by version, workloads by image and variables. "
        f"Without an equivalent, so not compared: {_listed(aside)}."
    )
    return ours.snapshot, theirs.snapshot, (note,)


def _kinds_of(snapshot: Snapshot) -> set[str]:
    return {listing.kind for listing in snapshot.listings}


def _absent_from(left: Snapshot, right: Snapshot) -> tuple[str, ...]:
    """Beginnings of kinds that the side with Compose could hold, and never will: who runs Compose writes no manifests."""
    local = left if _has_compose(left) else right
    return () if any(one.kind.startswith(_MANIFESTS) for one in local.resources) else (_MANIFESTS,)


def _listed(kinds: Sequence[str]) -> str:
    most = 6
    rest = f" and {len(kinds) - most} more" if len(kinds) > most else ""
    return ", ".join(kinds[:most]) + rest if kinds else "nothing"


def _has_compose(snapshot: Snapshot) -> bool:
    return any(resource.kind == COMPOSE for resource in snapshot.resources)


class _Side:
    """One snapshot in shared terms. `aside` are the kinds that have none."""

    def __init__(self, snapshot: Snapshot, engines: Sequence[Engine], shared: set[str]) -> None:
        self._engines = engines
        self._local = _has_compose(snapshot)
        staying = {kind for kind in {one.kind for one in snapshot.resources} if self._stays(kind, shared)}
        kept = [one for one in snapshot.resources if one.kind in staying]
        found = [one for one in snapshot.resources if one.kind not in staying]
        told = [*self._engine_resources(found), *self._workloads(found)]
        self.aside = {one.kind for one in found if not self._speaks(one.kind)}
        gaps = [gap for gap in snapshot.gaps if self._stays(gap.kind, shared)]
        hidden = [gap for gap in snapshot.gaps if not self._stays(gap.kind, shared)]
        # What could not be read of a database hides an engine, not one whose name is known.
        gaps += [
            replace(gap, kind=kind, resource=None, attribute=None, listings=0)
            for gap in hidden
            for kind, sources in ((ENGINE, self._engine_kinds), (WORKLOAD, self._workload_kinds))
            if any(fnmatchcase(name, gap.kind) for name in sources)
        ]
        listings = [listing for listing in snapshot.listings if self._stays(listing.kind, shared)]
        listings += self._listings(snapshot)
        self.snapshot = replace(
            snapshot,
            resources=(*kept, *told),
            gaps=tuple(dict.fromkeys(gaps)),
            listings=tuple(dict.fromkeys(listings)),
        )

    @property
    def _engine_kinds(self) -> tuple[str, ...]:
        return (COMPOSE,) if self._local else (*_MANAGED, *_RUNNING)

    @property
    def _workload_kinds(self) -> tuple[str, ...]:
        return (COMPOSE,) if self._local else _RUNNING

    def _speaks(self, kind: str) -> bool:
        return kind in self._engine_kinds

    def _stays(self, kind: str, shared: set[str]) -> bool:
        """Whether a kind is compared as it is: both sides list it, and neither puts it into other terms."""
        if kind.startswith("compose.") or kind in _MANAGED or kind in _RUNNING:
            return False
        return any(fnmatchcase(kind, pattern) for pattern in shared)

    def _listings(self, snapshot: Snapshot) -> Iterator[Listing]:
        for listing in snapshot.listings:
            for term, kinds in ((ENGINE, self._engine_kinds), (WORKLOAD, self._workload_kinds)):
                if any(fnmatchcase(kind, listing.kind) for kind in kinds):
                    yield Listing(listing.source, term)

    def _engine_resources(self, resources: Sequence[Resource]) -> list[Resource]:
        """One resource per engine: two databases of one engine and version are one, of two versions a list."""
        found: dict[str, list[tuple[Resource, Json]]] = defaultdict(list)
        for resource in resources:
            for name, version in self._told(resource):
                found[name].append((resource, version))
        return [self._engine(name, told) for name, told in sorted(found.items())]

    def _engine(self, name: str, told: Sequence[tuple[Resource, Json]]) -> Resource:
        versions = sorted({str(version) for _, version in told if version is not None})
        attributes: dict[str, Json] = {"engine": name}
        if versions:
            attributes["engine_version"] = versions[0] if len(versions) == 1 else list(versions)
        first = min((resource for resource, _ in told), key=lambda resource: (resource.kind, resource.identity))
        names = sorted({f"{resource.kind}/{resource.identity}" for resource, _ in told})
        return Resource(ENGINE, name, attributes, source=first.source, location=", ".join(names)[:200], component=None)

    def _told(self, resource: Resource) -> Iterator[tuple[str, Json]]:
        """Engine and version that a resource tells of."""
        if resource.kind in _MANAGED:
            told, at = _MANAGED[resource.kind]
            called = told[1:] if told.startswith("=") else resource.attributes.get(told)
            engine = self._called(str(called or ""))
            if engine is not None:
                yield engine, resource.attributes.get(at)
            return
        for found in _images(resource):
            engine = self._of_image(found)
            if engine is not None:
                yield engine, _version(found)

    def _called(self, text: str) -> str | None:
        wanted = text.lower()
        return next((one.name for one in self._engines if wanted == one.name or wanted in one.called), None)

    def _of_image(self, found: Image) -> str | None:
        # `mcr.microsoft.com/mssql/server` is called so by its last part alone; every other engine by a telling one.
        for engine in self._engines:
            if found.name in engine.images and (found.name != "server" or "mssql" in found.repository):
                return engine.name
        return None

    def _workloads(self, resources: Sequence[Resource]) -> list[Resource]:
        seen: Counter[str] = Counter()
        told = []
        for resource in sorted(resources, key=lambda one: (one.kind, one.parent or "", one.identity)):
            if resource.kind not in self._workload_kinds:
                continue
            container = _principal(resource)
            found = image(container.get("image"))
            if found is not None and (self._of_image(found) is not None or found.name in _TOOLS):
                continue
            seen[resource.identity] += 1
            told.append(_workload(resource, container, found, seen[resource.identity]))
        return told


def _workload(resource: Resource, container: Mapping[str, Any], found: Image | None, number: int) -> Resource:
    attributes: dict[str, Json] = {"variables": dict.fromkeys(sorted(_variables(container)), True)}
    if found is not None:
        attributes["image"] = f"{found.name}:{found.version}"
    name = resource.identity if number == 1 else f"{resource.identity}#{number}"
    return Resource(
        WORKLOAD,
        name,
        attributes,
        source=resource.source,
        component=resource.component,
        location=resource.location,
        refs=resource.refs,
        tags=resource.tags,
    )


def _containers(resource: Resource) -> dict[str, Mapping[str, Any]]:
    """The containers of a workload by name, one that is a service of its own by its own name."""
    if resource.kind == COMPOSE:
        return {resource.identity: resource.attributes}
    if resource.kind == "aws.ecs.task_definition":
        found: Any = resource.attributes.get("container_definitions")
    else:
        spec: Any = resource.attributes.get("spec")
        pod = ((spec or {}).get("template") or {}).get("spec") or {}
        found = pod.get("containers")
    if isinstance(found, Mapping):
        return {str(name): one for name, one in found.items() if isinstance(one, Mapping)}
    listed = found if isinstance(found, list) else []
    return {str(one.get("name")): one for one in listed if isinstance(one, Mapping)}


def _principal(resource: Resource) -> Mapping[str, Any]:
    """The container that the workload is about: not one of those that stand beside others everywhere."""
    containers = _containers(resource)
    own = {name: one for name, one in containers.items() if not _SIDECARS.search(name.lower())} or containers
    named = [one for name, one in own.items() if name in (resource.component, resource.identity, "app", "main")]
    return named[0] if named else next((own[name] for name in sorted(own)), {})


def _images(resource: Resource) -> Iterator[Image]:
    if resource.kind in (COMPOSE, *_RUNNING):
        for container in _containers(resource).values():
            found = image(container.get("image"))
            if found is not None:
                yield found


def _version(found: Image) -> str | None:
    """`15.4` of `15.4-alpine`; the tag as it is where it is no version.

    An extension's image counts the extension's releases and names the engine's beside them: `2.14-pg16`."""
    inside = _INSIDE.search(found.tag or "")
    if inside or found.name in _EXTENSIONS:
        return inside[1] if inside else None
    number = _VERSION.match(found.tag or "")
    return number[1] if number else found.tag or "latest"


def _variables(container: Mapping[str, Any]) -> set[str]:
    names: set[str] = set()
    for key in ("environment", "env", "secrets"):
        value = container.get(key)
        if isinstance(value, Mapping):
            names |= {str(name) for name in value}
        elif isinstance(value, list):
            names |= set(_named(value))
    return names


def _named(items: Iterable[Any]) -> Iterator[str]:
    for item in items:
        if isinstance(item, Mapping) and isinstance(item.get("name"), str):
            yield item["name"]
        elif isinstance(item, str):
            yield item.partition("=")[0]
