"""What each kind of resource says is deployed: which container images, functions, charts and revisions its attributes name.

Where a secret was taken out of a text, the text says nothing here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from auditor.model import Json
from auditor.registries import REGISTRIES
from auditor.versions import is_commit, is_mutable_tag

TASK_DEFINITION, SERVICE = "aws.ecs.task_definition", "aws.ecs.service"
PIPELINES = frozenset({"github.deployment", "gitlab.deployment"})
"""The kinds that say what was deployed, and how it went; any other says what is there."""
_SHORT = 12  # digits of a digest or commit that are shown, as `docker images` and `git log` do
_DIGEST = re.compile(r"[a-z0-9]+:[0-9a-fA-F]{32,128}\Z")
_UNRESOLVED = re.compile(r"\{secret:|\$\{|\$\(|\{\{")


@dataclass(frozen=True, slots=True)
class Image:
    """A container image reference: `registry/repository:tag@digest`. No tag and no digest means `latest`."""

    repository: str
    tag: str | None
    digest: str | None

    @property
    def name(self) -> str:
        return self.repository.rpartition("/")[2]

    @property
    def version(self) -> str:
        """The tag, unless it moves and the digest says more."""
        if self.digest is not None and (self.tag is None or is_mutable_tag(self.tag)):
            return short(self.digest)
        return self.tag or "latest"


def image(text: Json) -> Image | None:
    """The image that an attribute called `image` names; None where it names none, or only with variables left open."""
    if not isinstance(text, str) or not text.strip() or len(text) > 1000 or _UNRESOLVED.search(text):
        return None
    name, at, digest = text.strip().partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    if not last or (at and not _DIGEST.match(digest)):
        return None
    return Image(f"{head}{slash}{last}", tag or None, digest.lower() or None)


def short(digest: str) -> str:
    """The first digits of a digest (`sha256:0f3a…`) or of a commit, which is how people tell two apart."""
    return digest.rpartition(":")[2][:_SHORT]


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that a resource says is deployed. `part` is what of the resource, where that is not the whole."""

    version: str
    digest: str | None = None
    part: str = ""
    deployed_at: datetime | None = None
    by: str | None = None
    commit: str | None = None


def _endpoint(attributes: Mapping[str, Json]) -> Iterator[Found]:
    version, digest, commit = (_text(attributes.get(key)) for key in ("version", "digest", "commit"))
    said = version or commit
    if said is not None:
        shown = short(said) if is_commit(said) else said
        built_from = commit.lower() if commit is not None and is_commit(commit) else None
        yield Found(shown, digest, deployed_at=time_of(attributes.get("deployed")), commit=built_from)


def _pipeline(attributes: Mapping[str, Json]) -> Iterator[Found]:
    """What a pipeline deployed last with success."""
    version, commit, by = (_text(attributes.get(key)) for key in ("version", "commit", "by"))
    if version is not None:
        shown = short(version) if is_commit(version) else version
        yield Found(shown, deployed_at=time_of(attributes.get("deployed")), by=by, commit=commit)


def _task_definition(attributes: Mapping[str, Json]) -> Iterator[Found]:
    yield from _containers(_map(attributes.get("container_definitions")))


def _function(attributes: Mapping[str, Json]) -> Iterator[Found]:
    """What the aliases stand for, because they are what is called; the code uploaded last where there are none."""
    aliases = {name: alias for name, alias in _map(attributes.get("aliases")).items() if isinstance(alias, dict)}
    packed = image(attributes.get("image_uri"))
    for name, alias in sorted(aliases.items()):
        if (digest := _code(alias.get("code_sha256"))) is not None:
            yield Found(short(digest), digest, name)
    if aliases:
        return
    if packed is not None:
        yield Found(packed.version, packed.digest or _code(attributes.get("code_sha256")))
    elif (digest := _code(attributes.get("code_sha256"))) is not None:
        yield Found(short(digest), digest)


def _code(value: Json) -> str | None:
    """Lambda spells its digests in base64; of an image it is the image's, in hexadecimal."""
    text = _text(value)
    if text is None:
        return None
    try:
        decoded = bytes.fromhex(text) if len(text) == 64 else base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    return f"sha256:{decoded.hex()}" if len(decoded) == 32 else text


def _compose(attributes: Mapping[str, Json]) -> Iterator[Found]:
    if (found := image(attributes.get("image"))) is not None:
        yield Found(found.version, found.digest)


def _workload(attributes: Mapping[str, Json]) -> Iterator[Found]:
    """A Kubernetes object with pods: a pod has its containers in `spec`, a CronJob has its template in a template."""
    spec = _map(attributes.get("spec"))
    spec = _map(_map(spec.get("jobTemplate")).get("spec")) or spec
    pod = _map(_map(spec.get("template")).get("spec")) or spec
    listed = pod.get("containers")
    named = listed if isinstance(listed, list) else []
    yield from _containers({str(item.get("name")): item for item in named if isinstance(item, dict)})


def _containers(containers: Mapping[str, Json]) -> Iterator[Found]:
    for name, container in sorted(containers.items()):
        if (found := image(_map(container).get("image"))) is not None:
            yield Found(found.version, found.digest, name)


def _kustomization(attributes: Mapping[str, Json]) -> Iterator[Found]:
    """The tags and digests that a kustomization sets, by image: `images: [{name, newTag, digest}]`; live, what Flux applied."""
    applied = _text(_map(attributes.get("status")).get("lastAppliedRevision"))
    if applied is not None:
        revision = applied.rpartition(":")[2]
        yield Found(short(revision) if is_commit(revision) else applied)
    images = attributes.get("images")
    for item in images if isinstance(images, list) else ():
        name, tag, digest = (_text(_map(item).get(key)) for key in ("name", "newTag", "digest"))
        if name is not None and (tag or digest):
            found = Image(name, tag, digest)
            yield Found(found.version, found.digest, found.name)


def _helm_release(attributes: Mapping[str, Json]) -> Iterator[Found]:
    """The chart's version, live the one that Flux installed last, and the image's where the values set one."""
    spec = _map(attributes.get("spec"))
    chart = _map(_map(spec.get("chart")).get("spec")) or spec
    history = _map(attributes.get("status")).get("history")
    last = _map(history[0]) if isinstance(history, list) and history else {}
    if (version := _text(last.get("chartVersion")) or _text(chart.get("version"))) is not None:
        yield Found(version, part="chart", deployed_at=time_of(last.get("lastDeployed")))
    yield from _set_image(_map(spec.get("values")))


def _installed_release(attributes: Mapping[str, Json]) -> Iterator[Found]:
    """A release as Helm keeps it in the cluster."""
    at = time_of(attributes.get("deployed_at"))
    if (version := _text(attributes.get("chart_version"))) is not None:
        yield Found(version, part="chart", deployed_at=at)
    images = list(_set_image(_map(attributes.get("values"))))
    if not images and (version := _text(attributes.get("app_version"))) is not None:
        images = [Found(version, part="app")]
    yield from (replace(found, deployed_at=at) for found in images)


def _set_image(values: Mapping[str, Json]) -> Iterator[Found]:
    named = _map(values.get("image"))
    tag, digest = _text(named.get("tag")), _text(named.get("digest"))
    if tag or digest:
        yield Found(Image("", tag, digest).version, digest, part="app")


def _argo_application(attributes: Mapping[str, Json]) -> Iterator[Found]:
    """The images that run, else the revision synchronised last; of a manifest, the one that is to be."""
    status = _map(attributes.get("status"))
    wanted = _text(_map(_map(attributes.get("spec")).get("source")).get("targetRevision"))
    revision = _text(_map(status.get("sync")).get("revision")) or wanted
    at = time_of(_map(status.get("operationState")).get("finishedAt"))
    listed = _map(status.get("summary")).get("images")
    images = [found for one in (listed if isinstance(listed, list) else ()) if (found := image(one)) is not None]
    yield from (Found(found.version, found.digest, found.name, at) for found in images)
    if images:
        return
    if revision is not None:
        yield Found(short(revision) if is_commit(revision) else revision, deployed_at=at)


def _map(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _text(value: Json) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    return text if text and not _UNRESOLVED.search(text) else None


def time_of(value: Json) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None


READERS: Mapping[str, Callable[[Mapping[str, Json]], Iterator[Found]]] = {
    "http.version": _endpoint,
    **dict.fromkeys(sorted(PIPELINES), _pipeline),
    TASK_DEFINITION: _task_definition,
    "aws.lambda.function": _function,
    "aws.batch.job_definition": lambda attributes: _containers({"": attributes.get("container_properties")}),
    "compose.service": _compose,
    **{
        f"kubernetes.{name}": _workload
        for name in "deployment statefulset daemonset replicationcontroller pod job cronjob rollout".split()
    },
    "kubernetes.kustomization": _kustomization,
    "kubernetes.helmrelease": _helm_release,
    "kubernetes.helmchart": _helm_release,
    "kubernetes.application": _argo_application,
    "cluster.helm_release": _installed_release,
}
TELLING = frozenset({*READERS, SERVICE})
"""The kinds of resources that say what is deployed, and when: a release may be hidden behind a gap in them."""
KINDS = TELLING | REGISTRIES
"""The kinds of resources that say what is deployed, when and as which bytes; of any other nothing is read."""
