"""One reading of a cluster: each method is the run of a task."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Resource
from collectors._kubernetes_scaled import Target, target_of, without_scaled_replicas
from collectors.kubernetes import _helm, _live, _nodes
from collectors.kubernetes._access import site_of
from collectors.kubernetes._api import Api, Custom
from collectors.kubernetes._catalogue import CATALOGUE, HELM_RELEASE, SERVER, Listed

if TYPE_CHECKING:
    from auditor.collector import Context
    from collectors.kubernetes._options import KubernetesOptions

_SCALED = frozenset({"deployment", "statefulset"})
_AUTOSCALER = next(one for one in CATALOGUE if one.name == "horizontalpodautoscaler")
_GRANT = "grant it with the role that audit kubernetes-rbac prints"


@dataclass
class Reading:
    """`chosen` holds the namespaces that the selector means; None where there is none."""

    options: KubernetesOptions
    context: Context
    source: str
    api: Api
    chosen: frozenset[str] | None = None
    _targets: list[Target] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, options: KubernetesOptions, context: Context, source: str) -> Reading:
        """Raises CollectError when the cluster cannot be reached, or lets nobody in."""
        api = Api.of(site_of(options, context), context, options.page_size)
        chosen = None
        if options.namespace_selector is not None:
            with _told("namespaces", "list"):
                found = list(
                    api.items("/api/v1/namespaces", metadata_only=True, labelSelector=options.namespace_selector)
                )
            chosen = frozenset(str(one["metadata"]["name"]) for one in found if isinstance(one.get("metadata"), dict))
        return cls(options, context, source, api, chosen)

    def server(self) -> Iterator[Resource | Gap]:
        """What the API server says it is."""
        answer = self.api.version()
        version = answer.get("gitVersion")
        if not isinstance(version, str):
            raise CollectError(GapReason.MALFORMED, "the cluster does not say which version it is")
        attributes = {"version": version, "platform": answer.get("platform")}
        yield Resource(SERVER, "kubernetes", {key: value for key, value in attributes.items() if value})

    def node_pools(self) -> Iterator[Resource | Gap]:
        with _told("nodes", "list"):
            nodes = list(self.api.items("/api/v1/nodes"))
        yield from _nodes.pools(nodes)

    def objects(self, listed: Listed) -> Iterator[Resource | Gap]:
        """The objects of one kind, but for what the system keeps for itself."""
        version = self.api.served(listed)
        if version is None:
            if listed.optional:
                return
            wanted = ", ".join(listed.versions)
            raise CollectError(GapReason.UNSUPPORTED, f"the cluster serves {listed.plural} in none of {wanted}")
        place = Custom(listed.group, version, listed.object_kind, listed.plural, listed.namespaced)
        yield from self._read(place, listed.kind, field_selector=listed.field_selector, scaled=listed.name in _SCALED)

    def custom(self, name: str) -> Iterator[Resource | Gap]:
        """The custom resources `group/Kind`; none where the cluster does not know them."""
        place = self.api.custom(name)
        if place is not None:
            yield from self._read(place, f"kubernetes.{place.kind.lower()}")

    def releases(self) -> Iterator[Resource | Gap]:
        """The latest revision of each Helm release."""
        secrets = Custom("", "v1", "Secret", "secrets", namespaced=True)
        gaps, found = self._listed(secrets, HELM_RELEASE, metadata_only=True, labelSelector=_helm.SELECTOR)
        yield from gaps
        resources: list[Resource] = []
        for namespace, release, secret in _helm.latest(found):
            path = f"{self.api.path('', 'v1', 'secrets', namespace)}/{secret}"
            try:
                with _told("secrets", "get"):
                    answer = self.api.site.json(self.context, path)
                resources.append(_helm.release(namespace, answer if isinstance(answer, dict) else {}, self.source))
            except CollectError as error:
                detail = f"namespace {namespace}: {error.detail}"
                yield self._gap(HELM_RELEASE, error.reason, detail, resource=release)
        yield from _live.told_apart(resources)

    def _read(
        self, place: Custom, kind: str, *, field_selector: str | None = None, scaled: bool = False
    ) -> Iterator[Resource | Gap]:
        gaps, items = self._listed(place, kind, labelSelector=self.options.selector if place.namespaced else None,
                                   fieldSelector=field_selector)  # fmt: skip
        yield from gaps
        version = f"{place.group}/{place.version}" if place.group else place.version
        found: list[Resource] = []
        for item in items:
            metadata = _live.mapped(item.get("metadata"))
            if not isinstance(metadata.get("name"), str):
                raise CollectError(GapReason.MALFORMED, "the listing holds an object without a name")
            where = self.api.path(place.group, place.version, place.plural, metadata.get("namespace"))
            made = _live.resource(place.kind, version, item, self.source, f"{where}/{metadata['name']}")
            if made is not None:
                found.append(made)
        targets = self._scaled() if scaled else ()
        yield from _live.told_apart(without_scaled_replicas(found, targets))

    def _listed(
        self, place: Custom, kind: str, *, metadata_only: bool = False, **selectors: str | None
    ) -> tuple[list[Gap], list[dict[str, Any]]]:
        """The objects at a place in the namespaces that are read. Where these are named outright, one that cannot be
        read is a gap of its own, and the others are listed all the same."""
        resource = f"{place.plural}.{place.group}" if place.group else place.plural
        ask: Callable[[str], list[dict[str, Any]]] = lambda path: list(  # noqa: E731 - one question, asked in several places
            self.api.items(path, metadata_only=metadata_only, **selectors)
        )
        named = self.options.named_namespaces
        if place.kind == "Namespace" and named:
            return self._namespaces(named, kind)
        if not (place.namespaced and named):
            with _told(resource, "list"):
                found = ask(self.api.path(place.group, place.version, place.plural))
            return [], [item for item in found if self._is_read(item, place)]
        gaps: list[Gap] = []
        items: list[dict[str, Any]] = []
        failure: CollectError | None = None
        for namespace in self._without_excluded(named):
            try:
                with _told(resource, "list"):
                    items += ask(self.api.path(place.group, place.version, place.plural, namespace))
            except CollectError as error:
                failure = error
                gaps.append(self._gap(kind, error.reason, error.detail, namespace=namespace))
        if failure is not None and len(gaps) == len(self._without_excluded(named)):
            raise failure
        return gaps, items

    def _namespaces(self, named: tuple[str, ...], kind: str) -> tuple[list[Gap], list[dict[str, Any]]]:
        """Namespaces one by one: to list them all is more than a reader of a few may do."""
        gaps: list[Gap] = []
        items: list[dict[str, Any]] = []
        for namespace in self._without_excluded(named):
            try:
                with _told("namespaces", "get"):
                    answer = self.api.site.json(self.context, f"/api/v1/namespaces/{namespace}", absent=(404,))
            except CollectError as error:
                gaps.append(self._gap(kind, error.reason, error.detail, resource=namespace))
            else:
                items += [answer] if isinstance(answer, dict) else []
        return gaps, items

    def _without_excluded(self, named: Iterable[str]) -> list[str]:
        return [one for one in named if _live.is_read(one, named, self.options.exclude_namespaces)]

    def _is_read(self, item: dict[str, Any], place: Custom) -> bool:
        metadata = _live.mapped(item.get("metadata"))
        namespace = metadata.get("name") if place.kind == "Namespace" else metadata.get("namespace")
        if namespace is None:
            return True
        if not isinstance(namespace, str):
            raise CollectError(GapReason.MALFORMED, "the listing holds an object whose namespace is no text")
        if self.chosen is not None and namespace not in self.chosen:
            return False
        return _live.is_read(namespace, self.options.namespaces, self.options.exclude_namespaces)

    def _scaled(self) -> list[Target]:
        """What autoscalers scale, asked once. Where they cannot be read, a number of replicas is what it is."""
        with self._lock:
            if self._targets is None:
                version = self.api.served(_AUTOSCALER)
                place = Custom(
                    _AUTOSCALER.group, version or "", _AUTOSCALER.object_kind, _AUTOSCALER.plural, namespaced=True
                )
                try:
                    _, found = self._listed(place, _AUTOSCALER.kind) if version else ([], [])
                except CollectError:
                    found = []
                told = (target_of(_live.mapped(one.get("metadata")).get("namespace"), one) for one in found)
                self._targets = [target for target in told if target is not None]
            return self._targets

    def _gap(
        self, kind: str, reason: GapReason, detail: str, *, namespace: str | None = None, resource: str | None = None
    ) -> Gap:
        """A gap; of a namespace in its own name, so that the rest of the listing counts as read."""
        source = f"{self.source}/{namespace}" if namespace else self.source
        return Gap(self.context.environment, source, kind, reason, detail, resource=resource)


class _told:  # noqa: N801 - reads as a statement: `with _told("secrets", "list"):`
    """Says what was asked, and what would allow it, of a refusal."""

    def __init__(self, resource: str, verb: str) -> None:
        self._resource = resource
        self._verb = verb

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, CollectError):
            detail = f"{self._verb} {self._resource}: {error.detail}"
            if error.reason is GapReason.ACCESS_DENIED:
                detail = f"{detail}; {_GRANT}"
            raise CollectError(error.reason, detail) from error
