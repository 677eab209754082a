"""GitHub and GitHub Enterprise: what was deployed to an environment, by whom, how it went, and releases.

Permissions: a token that may read metadata, contents and deployments of the repositories; GET requests only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, SecretStr, field_validator

from auditor.collector import Context, Options, Task
from auditor.model import Category, Json, Kind
from collectors import _forge
from collectors._answers import as_type, listed, maybe, text
from collectors._forge import Attempt, ask, pages
from collectors._web import Reply, Site, trust

_API_VERSION = "2022-11-28"
_NEXT = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')
_PAGE = re.compile(r"[?&]page=([0-9]+)")
_OUTCOMES = {
    "success": _forge.SUCCEEDED,
    "failure": _forge.FAILED,
    "error": _forge.FAILED,
    "inactive": _forge.CANCELLED,
}
DEPLOYMENT = Kind(
    name="github.deployment",
    category=Category.DEPLOYMENT,
    about="What was last deployed to a GitHub environment: version, commit, when, by whom, and how the last attempt ended",
    volatile=_forge.VOLATILE,
)
RELEASE = Kind(
    name="github.release",
    category=Category.DEPLOYMENT,
    about="The releases of a repository; kept, and not compared: they belong to no environment",
    compared=False,
)

KINDS = (DEPLOYMENT, RELEASE)


class GitHubOptions(Options):
    """The options of `collector: github`."""

    model_config = ConfigDict(hide_input_in_errors=True)

    repositories: tuple[str, ...] = Field(min_length=1, description="Repositories to read: owner/name")
    token: SecretStr | None = Field(
        default=None, description="Token; without one public repositories only, 60 requests an hour"
    )
    environments: Mapping[str, str | None] = Field(
        default_factory=dict,
        description="Names of the GitHub environments that are this one -> the component deployed there (the repository's "
        "name by default); by default those called as this environment or an alias",
    )
    base_url: str = Field(
        default="https://api.github.com", description="API address; of Enterprise https://HOST/api/v3"
    )
    history: int = Field(default=10, ge=1, le=100, description="Deployments per environment whose statuses are read")
    releases: bool = Field(default=True, description="Read releases and tags, too")
    timeout: float = Field(default=20.0, gt=0, le=120, description="Seconds for one answer")
    ca_file: Path | None = Field(default=None, description="PEM file of the authority that signed the certificate")

    @field_validator("repositories")
    @classmethod
    def _are_repositories(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
                raise ValueError(f"{name} is no repository: write owner/name")
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
        return len(self.repositories) * (2 if self.releases else 1)


class GitHubCollector:
    name = "github"
    by_name = True
    about = "GitHub deployments, their statuses, and releases"
    kinds = KINDS
    options = GitHubOptions
    permissions = ("deployments: read", "contents: read", "metadata: read")

    def label(self, options: GitHubOptions) -> str:
        return f"github:{','.join(sorted(options.repositories))}"

    def plan(self, options: GitHubOptions, context: Context) -> Iterable[Task]:
        """One task per repository for its deployments, one for its releases."""
        headers = {"accept": "application/vnd.github+json", "x-github-api-version": _API_VERSION}
        if options.token is not None:
            headers["authorization"] = f"Bearer {options.token.get_secret_value()}"
        site = Site(
            api="github",
            base=options.base_url,
            headers=headers,
            timeout=options.timeout,
            trust=trust(options.ca_file, context),
        )
        label = self.label(options)
        for repository in options.repositories:
            far = _Repository(site, context, repository, options.history)
            yield from _forge.Reading(
                far=far,
                context=context,
                source=label,
                project=repository,
                wanted=options.environments,
                history=options.history,
                tagged=options.releases,
                location=f"{options.base_url}{far.path}",
                kinds=KINDS,
            ).tasks()


COLLECTOR = GitHubCollector()


def _whole(answer: Any) -> Any:
    return answer


def _environments(answer: Any) -> Any:
    return as_type(answer, dict, "the list of environments").get("environments")


class _Repository:
    """One repository, through the API."""

    def __init__(self, site: Site, context: Context, repository: str, history: int) -> None:
        self._site, self._context, self._history = site, context, history
        self.path = f"/repos/{repository}"

    def environments(self) -> list[str]:
        found = self._pages("/environments", "environments", _environments)
        return [text(item, "name", "an environment") for item in found]

    def attempts(self, environment: str) -> list[Attempt]:
        """The newest deployments to one environment, as far as `history` goes."""
        reply = ask(
            self._site,
            self._context,
            f"{self.path}/deployments",
            environment=environment,
            per_page=min(self._history, _forge.PER_PAGE),
        )
        return [self._attempt(item) for item in listed(reply.json(), "the list of deployments", "a deployment")]

    def _attempt(self, item: Mapping[str, Any]) -> Attempt:
        """A deployment that succeeded once did, though a later one made it `inactive`."""
        path = f"{self.path}/deployments/{as_type(item.get('id'), int, '`id` of a deployment')}/statuses"
        answer = ask(self._site, self._context, path, per_page=_forge.PER_PAGE).json()
        said = [(text(one, "state", "a status"), one) for one in listed(answer, "the list of statuses", "a status")]
        statuses = [(state, one) for state, one in said if state in _OUTCOMES]
        good = next((status for status in statuses if status[0] == "success"), None)
        ended = good or next(iter(statuses), None)
        outcome = _OUTCOMES[ended[0]] if ended is not None else _forge.RUNNING
        at = text(ended[1], "created_at", "a status") if ended else text(item, "created_at", "a deployment")
        creator = _forge.person(item, "creator", "login", "a deployment")
        ref = text(item, "ref", "a deployment").removeprefix("refs/tags/").removeprefix("refs/heads/")
        return Attempt(ref, text(item, "sha", "a deployment"), at, creator, outcome)

    def tags(self) -> dict[str, str]:
        return _forge.tags(self._pages("/tags", "tags", most=_forge.TAG_PAGES), "sha")

    def released(self) -> dict[str, Json]:
        """The newest releases, by tag."""
        reply = ask(self._site, self._context, f"{self.path}/releases", per_page=_forge.RELEASES)
        return {
            text(item, "tag_name", "a release"): {
                "published": maybe(item, "published_at", str, "a release"),
                "prerelease": bool(item.get("prerelease")),
            }
            for item in listed(reply.json(), "the list of releases", "a release")
            if not item.get("draft")
        }

    def _pages(
        self, path: str, what: str, items: Callable[[Any], Any] = _whole, most: int = _forge.MAX_PAGES
    ) -> Iterator[Mapping[str, Any]]:
        return pages(self._site, self._context, f"{self.path}{path}", what, _following, items, most)


def _following(reply: Reply) -> int | None:
    """The number of the next page, as the Link header says; our own address is asked for it, wherever the link points."""
    link = _NEXT.search(reply.headers.get("link", ""))
    page = _PAGE.search(link[1]) if link else None
    return int(page[1]) if page else None
