"""What is deployed, in one normal form: component, version, digest, deployed at - whatever kind of resource said so.

Pure: resources in, rows out, sorted and bounded. Where a secret was taken out of a text, the text says nothing here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from auditor.gauges import Deployed
from auditor.model import Json, Resource, Spot, spot
from auditor.names import EnvironmentNames
from auditor.registries import REGISTRIES, Digests, digests, pinned
from auditor.versions import is_commit, is_mutable_tag

MAX_ROWS = 1000
MAX_TEXT = 128
_SHORT = 12  # digits of a digest or commit that are shown, as `docker images` and `git log` do
_DIGEST = re.compile(r"[a-z0-9]+:[0-9a-fA-F]{32,128}\Z")
_UNRESOLVED = re.compile(r"\{secret:|\$\{|\$\(|\{\{")
_NUMBERED = re.compile(r"#[0-9]+\Z")
_TASK_DEFINITION = "aws.ecs.task_definition"
_DELIMITERS = "-_./: "
_SPELLED_V = re.compile(r"\A[vV](?=[0-9])")
PIPELINES = frozenset({"github.deployment", "gitlab.deployment"})
"""The kinds that say what was deployed, and how it went; any other says what is there."""
# What people call the one container that the workload is about.
_PRINCIPAL = frozenset({"app", "application", "main"})


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
class _Found:
    """One thing that a resource says is deployed. `part` is what of the resource, where that is not the whole."""

    version: str
    digest: str | None = None
    part: str = ""
    deployed_at: datetime | None = None
    by: str | None = None
    commit: str | None = None


def deployed(resources: Iterable[Resource], names: Iterable[str] = ()) -> tuple[Deployed, ...]:
    """What `resources`, all of one environment, say is deployed in it.

    The component is the resource's own `component`, else its identity; where several resources of one kind have the
    same, their identities tell them apart. `names` are the words that mean the environment (the tokens of
    `auditor.names.environment_names`): they are taken out of components, so that the rows of two environments join.

    A component that runs in several versions has a row per version, however many sources tell of it and however they
    spell it (`v1.4.2`, `1.4.2`, the commit): as what runs spells it, and only then as a pipeline does. Sorted, at most
    MAX_ROWS rows, texts at most MAX_TEXT characters long.
    """
    rows: dict[str, list[Deployed]] = {}
    told = sorted(_told(resources, names), key=_most_telling)
    for _, row in told:
        known = rows.setdefault(row.component, [])
        same = next((index for index, each in enumerate(known) if same_version(each, row)), None)
        if same is None:
            known.append(row)
        else:
            known[same] = _joined(known[same], row)
    found = [row for several in rows.values() for row in several]
    return tuple(sorted(found, key=lambda row: (row.component, row.version)))[:MAX_ROWS]


def deployed_by(resources: Iterable[Resource], names: Iterable[str] = ()) -> Mapping[Spot, tuple[Deployed, ...]]:
    """What each resource says is deployed, under the components that `deployed` gives them."""
    found: dict[Spot, tuple[Deployed, ...]] = {}
    for resource, row in _told(resources, names):
        found[spot(resource)] = (*found.get(spot(resource), ()), row)
    return found


def _told(resources: Iterable[Resource], names: Iterable[str]) -> Iterator[tuple[Resource, Deployed]]:
    known = tuple(resources)
    rolled_out = _rolled_out(known)
    behind = digests(known)
    told = [(resource, tuple(_found(resource, rolled_out, behind))) for resource in known]
    told = [(resource, found) for resource, found in told if found]
    tokens = tuple(dict.fromkeys(name.lower() for name in names if name))
    spelled = EnvironmentNames(tokens[0], tokens) if tokens else None
    claims: dict[tuple[str, str], set[str]] = {}
    for resource, _ in told:
        claims.setdefault((resource.kind, _own(resource)), set()).add(_identity(resource))
    for resource, found in told:
        shared = len(claims[resource.kind, _own(resource)]) > 1
        base = without_names(_identity(resource) if shared else _own(resource), spelled)
        for each in found:
            component = _clipped(_component(base, without_names(each.part, spelled), each, len(found)))
            digest = each.digest and _clipped(each.digest)
            yield (
                resource,
                Deployed(component, _clipped(each.version), digest, each.deployed_at, each.by, each.commit),
            )


def without_names(text: str, names: EnvironmentNames | None) -> str:
    """`text` without the environment's names and the delimiters around them; as it is where nothing would be left."""
    if names is None:
        return text
    rest = text
    for start, end in reversed(names.spans(text)):
        before, after = rest[:start].rstrip(_DELIMITERS), rest[end:]
        kept = after.lstrip(_DELIMITERS)
        # `orders-staging/api` keeps the delimiter that is followed by something: `orders/api`.
        joint = after[: len(after) - len(kept)][-1:] if before and kept else ""
        rest = f"{before}{joint}{kept}"
    return rest or text


def _own(resource: Resource) -> str:
    return resource.component or _identity(resource)


def _identity(resource: Resource) -> str:
    """`orders#2` is another revision of `orders` that runs beside it, not another component."""
    return _NUMBERED.sub("", resource.identity)


def _component(base: str, part: str, found: _Found, siblings: int) -> str:
    """`orders` for the workload or its principal container, `orders/log-router` for the others."""
    principal = not found.part or siblings == 1 or part == base or part.lower() in _PRINCIPAL
    return base if principal else f"{base}/{part}"


def _most_telling(told: tuple[Resource, Deployed]) -> tuple[bool, bool, str, str, str]:
    """What is seen running before what a pipeline says; names of versions before bare commits, so that these join them."""
    resource, row = told
    return resource.kind in PIPELINES, is_commit(row.version), row.version, row.component, row.commit or ""


def same_version(first: Deployed, second: Deployed) -> bool:
    """Whether two rows of one component tell one version, however each spells it."""
    if folded(first.version) == folded(second.version):
        return True
    ours, theirs = _commits(first), _commits(second)
    if any(one.startswith(other) or other.startswith(one) for one in ours for other in theirs):
        return True
    digests = (first.digest, second.digest)
    bare = any(row.digest is not None and short(row.digest) == row.version for row in (first, second))
    return bare and None not in digests and digests[0] == digests[1]


def _commits(row: Deployed) -> tuple[str, ...]:
    """The commits that a row names, as its own or in place of a version. A digest that is shown in short is none."""
    shown = row.version if is_commit(row.version) and not (row.digest and short(row.digest) == row.version) else None
    said = (row.commit, shown.lower().removeprefix("sha-").removeprefix("git-") if shown else None)
    return tuple(text for text in said if text is not None)


def folded(version: str) -> str:
    """A version without what only some people write before it: `v1.4.2` is `1.4.2`."""
    return _SPELLED_V.sub("", version)


def _joined(first: Deployed, second: Deployed) -> Deployed:
    times = [row.deployed_at for row in (first, second) if row.deployed_at is not None]
    digests = [row.digest for row in (first, second) if row.digest is not None]
    return replace(
        first,
        digest=min(digests, default=None),
        deployed_at=max(times, default=None),
        by=first.by or second.by,
        commit=max(first.commit or "", second.commit or "", key=len) or None,
    )


def _clipped(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def _found(resource: Resource, rolled_out: Mapping[str, datetime], behind: Digests) -> Iterator[_Found]:
    read = _READERS.get(resource.kind)
    for found in read(pinned(resource.attributes, behind)) if read is not None else ():
        at = rolled_out.get(resource.identity) if resource.kind == _TASK_DEFINITION else found.deployed_at
        yield replace(found, deployed_at=at)


def _rolled_out(resources: Iterable[Resource]) -> Mapping[str, datetime]:
    """When a service last began to run the newest revision of a family of ECS task definitions, by family."""
    times: dict[str, datetime] = {}
    for resource in resources:
        if resource.kind == "aws.ecs.service":
            family, at = (resource.attributes.get(key) for key in ("task_definition", "deployed_at"))
            found = _time(at)
            if isinstance(family, str) and found is not None:
                times[family] = max(found, times.get(family, found))
    return times


def _endpoint(attributes: Mapping[str, Json]) -> Iterator[_Found]:
    version, digest, commit = (_text(attributes.get(key)) for key in ("version", "digest", "commit"))
    said = version or commit
    if said is not None:
        shown = short(said) if is_commit(said) else said
        built_from = commit.lower() if commit is not None and is_commit(commit) else None
        yield _Found(shown, digest, deployed_at=_time(attributes.get("deployed")), commit=built_from)


def _pipeline(attributes: Mapping[str, Json]) -> Iterator[_Found]:
    """What a pipeline deployed last with success."""
    version, commit, by = (_text(attributes.get(key)) for key in ("version", "commit", "by"))
    if version is not None:
        shown = short(version) if is_commit(version) else version
        yield _Found(shown, deployed_at=_time(attributes.get("deployed")), by=by, commit=commit)


def _task_definition(attributes: Mapping[str, Json]) -> Iterator[_Found]:
    yield from _containers(_map(attributes.get("container_definitions")))


def _function(attributes: Mapping[str, Json]) -> Iterator[_Found]:
    """What the aliases stand for, because they are what is called; the code uploaded last where there are none."""
    aliases = {name: alias for name, alias in _map(attributes.get("aliases")).items() if isinstance(alias, dict)}
    packed = image(attributes.get("image_uri"))
    for name, alias in sorted(aliases.items()):
        if (digest := _code(alias.get("code_sha256"))) is not None:
            yield _Found(short(digest), digest, name)
    if aliases:
        return
    if packed is not None:
        yield _Found(packed.version, packed.digest or _code(attributes.get("code_sha256")))
    elif (digest := _code(attributes.get("code_sha256"))) is not None:
        yield _Found(short(digest), digest)


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


def _compose(attributes: Mapping[str, Json]) -> Iterator[_Found]:
    if (found := image(attributes.get("image"))) is not None:
        yield _Found(found.version, found.digest)


def _workload(attributes: Mapping[str, Json]) -> Iterator[_Found]:
    """A Kubernetes object with pods: a pod has its containers in `spec`, a CronJob has its template in a template."""
    spec = _map(attributes.get("spec"))
    spec = _map(_map(spec.get("jobTemplate")).get("spec")) or spec
    pod = _map(_map(spec.get("template")).get("spec")) or spec
    listed = pod.get("containers")
    named = listed if isinstance(listed, list) else []
    yield from _containers({str(item.get("name")): item for item in named if isinstance(item, dict)})


def _containers(containers: Mapping[str, Json]) -> Iterator[_Found]:
    for name, container in sorted(containers.items()):
        if (found := image(_map(container).get("image"))) is not None:
            yield _Found(found.version, found.digest, name)


def _kustomization(attributes: Mapping[str, Json]) -> Iterator[_Found]:
    """The tags and digests that a kustomization sets, by image: `images: [{name, newTag, digest}]`; live, what Flux applied."""
    applied = _text(_map(attributes.get("status")).get("lastAppliedRevision"))
    if applied is not None:
        revision = applied.rpartition(":")[2]
        yield _Found(short(revision) if is_commit(revision) else applied)
    images = attributes.get("images")
    for item in images if isinstance(images, list) else ():
        name, tag, digest = (_text(_map(item).get(key)) for key in ("name", "newTag", "digest"))
        if name is not None and (tag or digest):
            found = Image(name, tag, digest)
            yield _Found(found.version, found.digest, found.name)


def _helm_release(attributes: Mapping[str, Json]) -> Iterator[_Found]:
    """The chart's version, live the one that Flux installed last, and the image's where the values set one."""
    spec = _map(attributes.get("spec"))
    chart = _map(_map(spec.get("chart")).get("spec")) or spec
    history = _map(attributes.get("status")).get("history")
    last = _map(history[0]) if isinstance(history, list) and history else {}
    if (version := _text(last.get("chartVersion")) or _text(chart.get("version"))) is not None:
        yield _Found(version, part="chart", deployed_at=_time(last.get("lastDeployed")))
    yield from _set_image(_map(spec.get("values")))


def _installed_release(attributes: Mapping[str, Json]) -> Iterator[_Found]:
    """A release as Helm keeps it in the cluster."""
    at = _time(attributes.get("deployed_at"))
    if (version := _text(attributes.get("chart_version"))) is not None:
        yield _Found(version, part="chart", deployed_at=at)
    images = list(_set_image(_map(attributes.get("values"))))
    if not images and (version := _text(attributes.get("app_version"))) is not None:
        images = [_Found(version, part="app")]
    yield from (replace(found, deployed_at=at) for found in images)


def _set_image(values: Mapping[str, Json]) -> Iterator[_Found]:
    named = _map(values.get("image"))
    tag, digest = _text(named.get("tag")), _text(named.get("digest"))
    if tag or digest:
        yield _Found(Image("", tag, digest).version, digest, part="app")


def _argo_application(attributes: Mapping[str, Json]) -> Iterator[_Found]:
    """The images that run, else the revision synchronised last; of a manifest, the one that is to be."""
    status = _map(attributes.get("status"))
    wanted = _text(_map(_map(attributes.get("spec")).get("source")).get("targetRevision"))
    revision = _text(_map(status.get("sync")).get("revision")) or wanted
    at = _time(_map(status.get("operationState")).get("finishedAt"))
    listed = _map(status.get("summary")).get("images")
    images = [found for one in (listed if isinstance(listed, list) else ()) if (found := image(one)) is not None]
    yield from (_Found(found.version, found.digest, found.name, at) for found in images)
    if images:
        return
    if revision is not None:
        yield _Found(short(revision) if is_commit(revision) else revision, deployed_at=at)


def _map(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _text(value: Json) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    return text if text and not _UNRESOLVED.search(text) else None


def _time(value: Json) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None


_READERS: Mapping[str, Callable[[Mapping[str, Json]], Iterator[_Found]]] = {
    "http.version": _endpoint,
    **dict.fromkeys(sorted(PIPELINES), _pipeline),
    _TASK_DEFINITION: _task_definition,
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
TELLING = frozenset({*_READERS, "aws.ecs.service"})
"""The kinds of resources that say what is deployed, and when: a release may be hidden behind a gap in them."""
KINDS = TELLING | REGISTRIES
"""The kinds of resources that say what is deployed, when and as which bytes; of any other nothing is read."""
