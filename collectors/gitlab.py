"""GitLab, hosted or one's own: what was deployed to an environment, by whom, how it went, and releases.

Permissions: a token with the scope `read_api` and the role Reporter in the projects; GET requests only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import ConfigDict, Field, SecretStr, field_validator

from auditor.collector import Context, Options, Task
from auditor.model import Category, Json, Kind
from collectors import _forge
from collectors._answers import listed, maybe, text
from collectors._forge import Attempt, ask, pages
from collectors._web import Reply, Site, trust

_OUTCOMES = {
    "success": _forge.SUCCEEDED,
    "failed": _forge.FAILED,
    "canceled": _forge.CANCELLED,
    "skipped": _forge.CANCELLED,
}
DEPLOYMENT = Kind(
    name="gitlab.deployment",
    category=Category.DEPLOYMENT,
    about="What was last deployed to a GitLab environment: version, commit, when, by whom, and how the last attempt ended",
    volatile=_forge.VOLATILE,
)
RELEASE = Kind(
    name="gitlab.release",
    category=Category.DEPLOYMENT,
    about="The releases of a project; kept, and not compared: they belong to no environment",
    compared=False,
)

KINDS = (DEPLOYMENT, RELEASE)


class GitLabOptions(Options):
    """The options of `collector: gitlab`."""

    model_config = ConfigDict(hide_input_in_errors=True)

    projects: tuple[str, ...] = Field(min_length=1, description="Projects to read: group/name")
    token: SecretStr | None = Field(
        default=None, description="Token with the scope read_api; without one public projects only"
    )
    environments: Mapping[str, str | None] = Field(
        default_factory=dict,
        description="Names of the GitLab environments that are this one -> the component deployed there (the project's name "
        "by default); by default those called as this environment or an alias",
    )
    base_url: str = Field(default="https://gitlab.com", description="Address of the instance")
    history: int = Field(default=20, ge=1, le=100, description="Deployments per environment that are read")
    releases: bool = Field(default=True, description="Read releases and tags, too")
    timeout: float = Field(default=20.0, gt=0, le=120, description="Seconds for one answer")
    ca_file: Path | None = Field(default=None, description="PEM file of the authority that signed the certificate")

    @field_validator("projects")
    @classmethod
    def _are_projects(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not re.fullmatch(r"[\w.-]+(?:/[\w.-]+)+", name):
                raise ValueError(f"{name} is no project: write group/name")
        return value

    @field_validator("environments", mode="before")
    @classmethod
    def _names_are_a_list(cls, value: Any) -> Any:
        return dict.fromkeys(value) if isinstance(value, list | tuple) else value

    @field_validator("base_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        if not re.match(r"https?://[^/\s]", value, re.IGNORECASE):
            raise ValueError("must begin with http:// or https:// and a host")
        return value.rstrip("/")

    def expected_listings(self) -> int:
        return len(self.projects) * (2 if self.releases else 1)


class GitLabCollector:
    name = "gitlab"
    by_name = True
    about = "GitLab deployments and releases"
    kinds = KINDS
    options = GitLabOptions
    permissions = ("read_api",)

    def label(self, options: GitLabOptions) -> str:
        return f"gitlab:{','.join(sorted(options.projects))}"

    def plan(self, options: GitLabOptions, context: Context) -> Iterable[Task]:
        """One task per project for its deployments, one for its releases."""
        headers = {}
        if options.token is not None:
            headers["private-token"] = options.token.get_secret_value()
        site = Site(
            api="gitlab",
            base=f"{options.base_url}/api/v4",
            headers=headers,
            timeout=options.timeout,
            trust=trust(options.ca_file, context),
        )
        label = self.label(options)
        for project in options.projects:
            far = _Project(site, context, project, options.history)
            yield from _forge.Reading(
                far=far,
                context=context,
                source=label,
                project=project,
                wanted=options.environments,
                history=options.history,
                tagged=options.releases,
                location=f"{options.base_url}/{project}",
                kinds=KINDS,
            ).tasks()


COLLECTOR = GitLabCollector()


class _Project:
    """One project, through the API."""

    def __init__(self, site: Site, context: Context, project: str, history: int) -> None:
        self._site, self._context, self._history = site, context, history
        self.path = f"/projects/{quote(project, safe='')}"

    def attempts(self, environment: str) -> list[Attempt]:
        return [_attempt(item) for item in self._listed(environment)]

    def _listed(self, environment: str) -> list[Mapping[str, Any]]:
        """The newest deployments, and the last that succeeded where those hold none: GitLab finds that by itself."""
        path, order = f"{self.path}/deployments", {"environment": environment, "order_by": "id", "sort": "desc"}

        def deployments(**more: str | int) -> list[dict[str, Any]]:
            answer = ask(self._site, self._context, path, **order, **more).json()
            return listed(answer, "the list of deployments", "a deployment")

        newest = deployments(per_page=self._history)
        if any(text(item, "status", "a deployment") == "success" for item in newest) or len(newest) < self._history:
            return list(newest)
        return [*newest, *deployments(status="success", per_page=1)]

    def environments(self) -> list[str]:
        return [text(item, "name", "an environment") for item in self._pages("/environments", "environments")]

    def tags(self) -> dict[str, str]:
        return _forge.tags(self._pages("/repository/tags", "tags", most=_forge.TAG_PAGES), "id")

    def released(self) -> dict[str, Json]:
        """The newest releases, by tag."""
        reply = ask(self._site, self._context, f"{self.path}/releases", per_page=_forge.RELEASES)
        return {
            text(item, "tag_name", "a release"): {
                "published": maybe(item, "released_at", str, "a release"),
                "prerelease": bool(item.get("upcoming_release")),
            }
            for item in listed(reply.json(), "the list of releases", "a release")
        }

    def _pages(self, path: str, what: str, most: int = _forge.MAX_PAGES) -> Iterator[Mapping[str, Any]]:
        return pages(self._site, self._context, f"{self.path}{path}", what, _following, _same, most)


def _attempt(item: Mapping[str, Any]) -> Attempt:
    of = "a deployment"
    job = maybe(item, "deployable", dict, of) or {}
    ended = maybe(job, "finished_at", str, "`deployable` of a deployment") or maybe(item, "updated_at", str, of)
    by = _forge.person(item, "user", "username", of) or _forge.person(job, "user", "username", of)
    return Attempt(
        ref=text(item, "ref", of),
        commit=text(item, "sha", of),
        at=ended or text(item, "created_at", of),
        by=by,
        outcome=_OUTCOMES.get(text(item, "status", of), _forge.RUNNING),
    )


def _same(answer: Any) -> Any:
    return answer


def _following(reply: Reply) -> int | None:
    page = reply.headers.get("x-next-page", "").strip()
    return int(page) if page.isdigit() else None
