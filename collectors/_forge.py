"""What the collectors of GitHub and GitLab share: paging, rate limits, and one form for what was deployed.

An attempt to deploy is `succeeded`, `failed`, `running` or `cancelled`, whatever the far side calls it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from auditor.collector import Task
from auditor.errors import CollectError
from auditor.model import Gap, GapReason, Json, Resource
from collectors._answers import as_type, listed, maybe, text
from collectors._web import status_reason

if TYPE_CHECKING:
    from auditor.collector import Context
    from auditor.model import Kind
    from collectors._web import Reply, Site

PER_PAGE = 100
MAX_PAGES = 10
TAG_PAGES = 3
RELEASES = 30
SUCCEEDED, FAILED, RUNNING, CANCELLED = "succeeded", "failed", "running", "cancelled"
VOLATILE = ("deployed", "by", "ref", "recent", "last_attempt.at", "last_attempt.version", "last_attempt.by")
"""What tells of one deployment when and by whom: nothing in which two environments would have to agree."""
_VERSION = re.compile(r"[vV]?[0-9]+(?:\.[0-9]+)+[-+.\w]*")
# What a rate limit says of itself, on either far side.
_LEFT = ("x-ratelimit-remaining", "ratelimit-remaining")
_REFUSED = (403, 429)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One deployment to one environment. `at` is ISO 8601, when it ended or, while it runs, began."""

    ref: str
    commit: str
    at: str
    by: str | None
    outcome: str

    def version(self, tags: Mapping[str, str]) -> str:
        """Its ref where that is a tag, else the tag of its commit, else the commit: a branch says nothing that lasts."""
        if self.ref in tags.values() or _VERSION.fullmatch(self.ref):
            return self.ref
        return tags.get(self.commit) or self.commit or self.ref


def attributes(deployed: Iterable[Attempt], tags: Mapping[str, str]) -> dict[str, Json]:
    """What a component's deployments to one environment say of it; at least one of them there is."""
    attempts = sorted(deployed, key=lambda each: each.at, reverse=True)
    last = attempts[0]
    good = next((each for each in attempts if each.outcome == SUCCEEDED), None)
    found: dict[str, Json] = {
        "last_attempt": {"outcome": last.outcome, "version": last.version(tags), "at": last.at, "by": last.by},
        "recent": [
            {"version": each.version(tags), "commit": each.commit, "outcome": each.outcome, "at": each.at}
            for each in attempts
        ],
    }
    if good is not None:
        found |= {"version": good.version(tags), "ref": good.ref, "commit": good.commit, "deployed": good.at}
        found |= {"by": good.by} if good.by is not None else {}
    return found


def ask(site: Site, context: Context, path: str, /, **parameters: str | int) -> Reply:
    """One answer. A refusal that is a rate limit says so. Raises CollectError."""
    reply = site.get(context, path, accept=(200, *_REFUSED), **parameters)
    if reply.status == 200:
        return reply
    limited = reply.status == 429 or "retry-after" in reply.headers
    if limited or any(reply.headers.get(name) == "0" for name in _LEFT):
        raise CollectError(
            GapReason.THROTTLED, "the rate limit of the token is used up: read less often, or with another token"
        )
    detail = f"answered {reply.status}: the token may not read this"
    raise CollectError(status_reason(reply.status), detail)


def pages(
    site: Site,
    context: Context,
    path: str,
    what: str,
    following: Callable[[Reply], int | None],
    items: Callable[[Any], Any] = lambda answer: answer,
    most: int = MAX_PAGES,
    **parameters: str | int,
) -> Iterator[Mapping[str, Any]]:
    """Every item of a listing, page by page. Raises CollectError where it breaks off, or has more than `most` pages."""
    page: int | None = 1
    for _ in range(most):
        reply = ask(site, context, path, per_page=PER_PAGE, page=page or 1, **parameters)
        yield from listed(items(reply.json()), f"the list of {what}", f"one of the {what}")
        page = following(reply)
        if page is None:
            return
        if context.cancelled.is_set():
            raise CollectError(GapReason.TIMEOUT, "the run was stopped")
    raise CollectError(GapReason.TRUNCATED, f"more than {most * PER_PAGE} items: name the environments to read less")


def person(item: Mapping[str, Any], key: str, name: str, of: str) -> str | None:
    """Who is named under a key, where anybody is. Raises CollectError."""
    who = maybe(item, key, dict, of)
    return maybe(who, name, str, f"`{key}` of {of}") if who else None


def tags(found_tags: Iterator[Mapping[str, Any]], name: str) -> dict[str, str]:
    """Commit (its id is called `name`) -> tag; of several the one that is listed first. Where there are too many, those that were read."""
    found: dict[str, str] = {}
    try:
        for item in found_tags:
            commit = as_type(item.get("commit"), dict, "`commit` of a tag")
            found.setdefault(text(commit, name, "a tag's commit"), text(item, "name", "a tag"))
    except CollectError as error:
        if error.reason is not GapReason.TRUNCATED:
            raise
    return found


class Far(Protocol):
    """One repository on the far side. Each method raises CollectError, for an answer of another shape, too."""

    def environments(self) -> list[str]: ...

    def attempts(self, environment: str) -> list[Attempt]: ...

    def tags(self) -> dict[str, str]: ...

    def released(self) -> dict[str, Json]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How one repository is read into resources and gaps.

    project    its whole name (`acme/orders`); the last part of it is the component, unless `wanted` says another
    wanted     names of the far side's environments that are this one -> component; empty: those called like it
    history    how many deployments of an environment are read
    tagged     whether tags are read, which give commits their versions
    kinds      the kinds of deployments and of releases
    """

    far: Far
    context: Context
    source: str
    project: str
    wanted: Mapping[str, str | None]
    history: int
    tagged: bool
    location: str
    kinds: tuple[Kind, Kind]

    @property
    def name(self) -> str:
        return self.project.rpartition("/")[2]

    def tasks(self) -> Iterator[Task]:
        """One for the deployments, one for the releases where they are wanted."""
        yield Task(self.source, (self.kinds[0].name,), self.deployments, label=self.project)
        if self.tagged:
            yield Task(self.source, (self.kinds[1].name,), self.releases, label=f"{self.project} releases")

    def deployments(self) -> Iterator[Resource | Gap]:
        """A resource per component; what could not be read is a gap of that component, never a missing one."""
        try:
            known = [] if self.wanted else self.far.environments()
            found = self._components(self._chosen(known))
            names = self.far.tags() if found and self.tagged else {}
        except CollectError as error:
            detail = f"{self.project}: {error.detail}"
            for component in sorted({component or self.name for component in self.wanted.values()} or {self.name}):
                yield self._gap(error.reason, detail, component)
            return
        if known and found is None:
            yield self._none_of_ours(known)
        for component, attempts in sorted((found or {}).items()):
            said = attributes(attempts, names)
            if "version" not in said and len(attempts) >= self.history:
                yield from self._older(component, len(attempts))
            yield Resource(self.kinds[0].name, component, said, component=component, location=self.location)

    def releases(self) -> Iterator[Resource | Gap]:
        """One resource: the newest releases by tag."""
        try:
            released = self.far.released()
        except CollectError as error:
            yield replace(
                self._gap(error.reason, f"{self.project}: {error.detail}", self.name), kind=self.kinds[1].name
            )
            return
        yield Resource(self.kinds[1].name, self.name, {"releases": released}, component=self.name)

    def _chosen(self, known: Sequence[str]) -> Mapping[str, str]:
        if self.wanted:
            return {name: component or self.name for name, component in self.wanted.items()}
        ours = {word.casefold() for word in (*self.context.aliases, self.context.environment)}
        return {name: self.name for name in known if name.casefold() in ours}

    def _components(self, environments: Mapping[str, str]) -> dict[str, list[Attempt]] | None:
        """The newest deployments of each component that has any; None where none of the environments is ours."""
        if not environments:
            return None
        found: dict[str, list[Attempt]] = {}
        for name, component in environments.items():
            found.setdefault(component, []).extend(self.far.attempts(name))
        return {component: attempts for component, attempts in found.items() if attempts}

    def _none_of_ours(self, known: Sequence[str]) -> Gap:
        """Deployments are kept, and none of them goes by a name of this environment."""
        names = ", ".join(sorted(known)[:5])
        ours = self.context.environment
        detail = f"no environment of {self.project} is called {ours} (it has {names}): list its name under environments"
        return self._gap(GapReason.UNSUPPORTED, detail, self.name)

    def _older(self, component: str, read: int) -> Iterator[Gap]:
        """What runs is not known where none of the deployments that were read succeeded, and there are older ones."""
        detail = f"none of the last {read} deployments of {component} succeeded: raise history to look further back"
        for attribute in ("version", "commit"):
            yield replace(self._gap(GapReason.TRUNCATED, detail, component), attribute=attribute)

    def _gap(self, reason: GapReason, detail: str, component: str) -> Gap:
        return Gap(self.context.environment, self.source, self.kinds[0].name, reason, detail, resource=component)
