"""The options of `collector: kubernetes`."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ConfigDict, Field, field_validator, model_validator

from auditor.collector import Options
from collectors.kubernetes._catalogue import CATALOGUE, Listed

_CUSTOM = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?\.[a-z]+/[A-Za-z][A-Za-z0-9]*\Z")


class KubernetesOptions(Options):
    """One cluster, or the namespaces of it that are one environment."""

    model_config = ConfigDict(hide_input_in_errors=True)

    kubeconfig: Path | None = Field(
        default=None, description="kubeconfig file; $KUBECONFIG or ~/.kube/config by default"
    )
    context: str | None = Field(default=None, description="Context of the kubeconfig; its current one by default")
    in_cluster: bool = Field(default=False, description="Use the service account of the pod that the auditor runs in")
    namespaces: tuple[str, ...] = Field(
        default=(), description="Namespaces to read, names or globs (`shop-*`); all but the system's own by default"
    )
    exclude_namespaces: tuple[str, ...] = Field(default=(), description="Namespaces not to read, names or globs")
    namespace_selector: str | None = Field(default=None, description="Label selector of the namespaces to read")
    selector: str | None = Field(default=None, description="Label selector of the namespaced objects to read")
    kinds: tuple[str, ...] | None = Field(
        default=None, description="Kinds to read (`deployment`, `configmap`, `helm_release`, ...); all by default"
    )
    custom_resources: tuple[str, ...] = Field(
        default=(), description="Custom resources to read, as `group/Kind`: `cert-manager.io/Certificate`"
    )
    secrets: bool = Field(
        default=True,
        description="Read Secrets (only fingerprints of their values are kept) and the Helm releases in them",
    )
    page_size: int = Field(default=250, ge=1, le=1000, description="Objects per request of a listing")
    timeout: float = Field(default=30.0, gt=0, le=600, description="Seconds for the answer to one request")
    exec_timeout: float = Field(
        default=30.0, gt=0, le=300, description="Seconds that a kubeconfig's exec plug-in may take for its credentials"
    )
    max_attempts: int = Field(default=3, ge=1, le=10, description="Attempts per request, the first one included")
    max_bytes: int = Field(default=67_108_864, ge=1, description="Largest answer that is read")

    @field_validator("kinds")
    @classmethod
    def _are_known(cls, kinds: tuple[str, ...] | None) -> tuple[str, ...] | None:
        known = {one.name for one in CATALOGUE}
        for kind in kinds or ():
            if kind not in known:
                raise ValueError(f"{kind} is not read: known are {', '.join(sorted(known))}")
        return kinds

    @field_validator("custom_resources")
    @classmethod
    def _are_group_and_kind(cls, listed: tuple[str, ...]) -> tuple[str, ...]:
        for one in listed:
            if not _CUSTOM.match(one):
                raise ValueError(f"{one} is not of the form group/Kind, such as cert-manager.io/Certificate")
        return listed

    @model_validator(mode="after")
    def _one_way_in(self) -> KubernetesOptions:
        if self.in_cluster and (self.kubeconfig or self.context):
            raise ValueError("in_cluster takes no kubeconfig and no context")
        return self

    @property
    def named_namespaces(self) -> tuple[str, ...]:
        """The namespaces where each is named outright, so that nothing has to be asked of the whole cluster; else none."""
        plain = all(not re.search(r"[*?\[]", name) for name in self.namespaces)
        return self.namespaces if plain and self.namespace_selector is None else ()

    def enabled(self) -> tuple[Listed, ...]:
        """What is listed with these options, custom resources not included."""
        return tuple(
            one
            for one in CATALOGUE
            if (self.kinds is None or one.name in self.kinds) and (self.secrets or not one.in_secrets)
        )

    def expected_listings(self) -> int:
        return len(self.enabled()) + len(self.custom_resources)
