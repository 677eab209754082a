"""A Kubernetes cluster, live through its API: the objects that people declare, in the same form as their manifests.

Reads only (`get` and `list`); `audit kubernetes-rbac` prints the role that the options need. Each kind is a task of its
own, so that what is denied costs that kind and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from auditor.collector import Context, Grant, Task
from auditor.model import Gap, Resource
from collectors.kubernetes._catalogue import HELM_RELEASE, KINDS, NODE_POOL, SERVER
from collectors.kubernetes._options import KubernetesOptions
from collectors.kubernetes._rbac import permissions, roles
from collectors.kubernetes._reading import Reading

__all__ = ["COLLECTOR", "KubernetesCollector", "KubernetesOptions"]


class KubernetesCollector:
    """The collector called `kubernetes`."""

    name = "kubernetes"
    about = "A Kubernetes cluster, live: workloads, network, configuration, access, node pools, Helm, Argo CD and Flux"
    kinds = KINDS
    options = KubernetesOptions

    @property
    def permissions(self) -> tuple[str, ...]:
        return self.permissions_for(KubernetesOptions())

    def permissions_for(self, options: KubernetesOptions) -> tuple[str, ...]:
        """`verb resource.group` for everything that the options enable, sorted."""
        return permissions(options)

    def roles_for(
        self, sources: Sequence[KubernetesOptions], namespace: str, account: str
    ) -> Iterator[Mapping[str, Any]]:
        """The RBAC objects that allow a service account what these sources need."""
        return roles(sources, namespace, account)

    def grant(self, options: KubernetesOptions, gaps: Sequence[Gap]) -> Grant | None:
        """The rules that the role lacks, as YAML for its `rules:`."""
        from collectors.kubernetes._rbac import lacking

        return lacking(options, gaps)

    def label(self, options: KubernetesOptions) -> str:
        where = "in-cluster" if options.in_cluster else options.context or "current-context"
        return f"kubernetes:{where}"

    def plan(self, options: KubernetesOptions, context: Context) -> Iterable[Task]:
        """A task per kind. Raises CollectError when the cluster cannot be reached, or lets nobody in."""
        reading = Reading.of(options, context, self.label(options))
        own: Mapping[str, Callable[[], Iterator[Resource | Gap]]] = {
            SERVER: reading.server,
            NODE_POOL: reading.node_pools,
            HELM_RELEASE: reading.releases,
        }
        for listed in options.enabled():
            read = own.get(listed.kind) or partial(reading.objects, listed)
            yield Task(source=reading.source, kinds=(listed.kind,), run=read, label=listed.name)
        for name in options.custom_resources:
            kind = f"kubernetes.{name.partition('/')[2].lower()}"
            yield Task(source=reading.source, kinds=(kind,), run=partial(reading.custom, name), label=name)


COLLECTOR = KubernetesCollector()
