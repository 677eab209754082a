"""The collectors of GitHub and GitLab, against a server on loopback that speaks as they do, well and badly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from auditor.collector import Context
from auditor.model import Gap, GapReason, Resource
from collectors import github, gitlab
from tests.standins.hostile import CANARY, FAULTS, Answer, hostile

OLD, NEW, BAD = "a" * 40, "b" * 40, "c" * 40
REPO = "/repos/acme/orders"
PROJECT = "/api/v4/projects/acme%2Forders"
COLLECTORS: dict[str, Any] = {"github": github, "gitlab": gitlab}


def at(day: int) -> str:
    return f"2026-11-{day:02}T10:00:00Z"


def deployment(number: int, ref: str, sha: str, by: str = "ada") -> dict[str, Any]:
    return {"id": number, "ref": ref, "sha": sha, "creator": {"login": by}, "created_at": at(number)}


def statuses(*states: str, day: int) -> list[dict[str, Any]]:
    return [{"state": state, "created_at": at(day)} for state in states]


GITHUB: dict[str, Any] = {
    f"{REPO}/environments": {
        "total_count": 3,
        "environments": [{"name": "Production"}, {"name": "stg"}, {"name": "pr-7"}],
    },
    f"{REPO}/deployments": [
        deployment(12, "main", BAD, "bob"),
        deployment(11, "main", NEW),
        deployment(9, "v1.4.1", OLD),
    ],
    f"{REPO}/deployments/12/statuses": statuses("failure", "in_progress", day=12),
    f"{REPO}/deployments/11/statuses": statuses("inactive", "success", "in_progress", "queued", day=11),
    f"{REPO}/deployments/9/statuses": statuses("success", day=9),
    f"{REPO}/tags": [{"name": "v1.4.2", "commit": {"sha": NEW}}, {"name": "v1.4.1", "commit": {"sha": OLD}}],
    f"{REPO}/releases": [
        {"tag_name": "v1.5.0", "draft": True},
        {"tag_name": "v1.4.2", "published_at": at(10), "prerelease": False},
    ],
}
GITLAB: dict[str, Any] = {
    f"{PROJECT}/environments": [{"name": "production"}, {"name": "stg"}],
    f"{PROJECT}/deployments": [
        {"id": 12, "ref": "main", "sha": BAD, "status": "failed", "created_at": at(12), "user": {"username": "bob"}},
        {"id": 11, "ref": "main", "sha": NEW, "status": "success", "created_at": at(10), "user": {"username": "ada"},
         "deployable": {"finished_at": at(11)}},
        {"id": 9, "ref": "v1.4.1", "sha": OLD, "status": "success", "created_at": at(9), "user": None},
    ],
    f"{PROJECT}/repository/tags": [{"name": "v1.4.2", "commit": {"id": NEW}}, {"name": "v1.4.1", "commit": {"id": OLD}}],
    f"{PROJECT}/releases": [{"tag_name": "v1.4.2", "released_at": at(10), "upcoming_release": False}],
}  # fmt: skip
GOOD = {"github": GITHUB, "gitlab": GITLAB}


def read(name: str, url: str, **options: Any) -> list[Resource | Gap]:
    """What the collector makes of the server, every task of it."""
    module = COLLECTORS[name]
    listed = {"repositories" if name == "github" else "projects": ["acme/orders"], "token": CANARY, "base_url": url}
    chosen = module.COLLECTOR.options.model_validate({**listed, **options})
    context = Context(environment="staging", aliases=("staging", "stg"), folder=Path())
    return [item for task in module.COLLECTOR.plan(chosen, context) for item in task.run()]


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_the_latest_success_and_how_the_last_attempt_ended(name: str) -> None:
    """A deployment that a later one made inactive did succeed; the commit goes by its tag; times and people are told."""
    with hostile(GOOD[name]) as server:
        found, releases = read(name, server.url)
        assert isinstance(found, Resource)
        assert isinstance(releases, Resource)
        assert (found.kind, found.identity, found.component) == (f"{name}.deployment", "orders", "orders")
        assert dict(found.attributes) == {
            "version": "v1.4.2",
            "ref": "main",
            "commit": NEW,
            "deployed": at(11),
            "by": "ada",
            "last_attempt": {"outcome": "failed", "version": BAD, "at": at(12), "by": "bob"},
            "recent": [
                {"version": BAD, "commit": BAD, "outcome": "failed", "at": at(12)},
                {"version": "v1.4.2", "commit": NEW, "outcome": "succeeded", "at": at(11)},
                {"version": "v1.4.1", "commit": OLD, "outcome": "succeeded", "at": at(9)},
            ],
        }
        assert releases.attributes["releases"] == {"v1.4.2": {"published": at(10), "prerelease": False}}
        asked = [parse_qs(urlsplit(path).query).get("environment") for path, _ in server.asked]
        assert [each for each in asked if each] == [["stg"]]
        header = "authorization" if name == "github" else "private-token"
        assert all(CANARY in headers[header] for _, headers in server.asked)
        assert CANARY not in repr((found, releases))


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_every_fault_is_a_gap_of_what_it_hides_and_nothing_is_missing(name: str) -> None:
    """Whichever request it meets: the listing itself, a status behind it, or the tags; and no answer is repeated."""
    with hostile(GOOD[name]) as server:
        for fault, reason in FAULTS.items():
            server.fault = fault
            items = read(name, server.url, timeout=0.5 if fault == "silent" else 20)
            assert [(item.reason, item.resource) for item in items if isinstance(item, Gap)] == [
                (reason, "orders")
            ] * 2, fault
            assert CANARY not in repr(items)
        server.fault = None
        for path in GOOD[name]:
            if path.endswith("/releases"):
                continue
            server.faults = {path: "500"}
            first = read(name, server.url)[0]
            assert isinstance(first, Gap), path
            assert (first.kind, first.resource, first.reason) == (f"{name}.deployment", "orders", GapReason.UNREACHABLE)


@pytest.mark.parametrize(
    ("name", "status", "headers", "reason"),
    [
        ("github", 403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, GapReason.THROTTLED),
        ("github", 403, {"retry-after": "60"}, GapReason.THROTTLED),
        ("github", 403, {"x-ratelimit-remaining": "12"}, GapReason.ACCESS_DENIED),
        ("gitlab", 429, {"ratelimit-remaining": "0"}, GapReason.THROTTLED),
        ("gitlab", 403, {}, GapReason.ACCESS_DENIED),
    ],
)
def test_a_rate_limit_is_told_from_a_refusal(
    name: str, status: int, headers: dict[str, str], reason: GapReason
) -> None:
    """GitHub says both with 403; only the headers tell."""
    refused = Answer(b'{"message": "API rate limit"}', status, {"content-type": "application/json", **headers})
    with hostile(lambda _: refused) as server:
        assert {item.reason for item in read(name, server.url) if isinstance(item, Gap)} == {reason}


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_listings_are_read_to_their_last_page_and_one_without_an_end_is_truncated(name: str) -> None:
    """By the Link header of the one, by X-Next-Page of the other; never at another address than the configured one."""
    environments = f"{REPO if name == 'github' else PROJECT}/environments"

    def paged(last: int) -> Callable[[str], Any]:
        def route(path: str) -> Any:
            bare, query = path.partition("?")[0], parse_qs(urlsplit(path).query)
            if bare != environments:
                return GOOD[name].get(bare)
            page = int(query["page"][0])
            names = [{"name": "stg" if page == 3 else f"pr-{page}"}]
            body = {"environments": names} if name == "github" else names
            more = {"link": f'<https://evil.invalid/x?page={page + 1}>; rel="next"', "x-next-page": str(page + 1)}
            head = {"content-type": "application/json", **(more if page < last else {"x-next-page": ""})}
            return Answer(json.dumps(body).encode(), 200, head)

        return route

    with hostile(paged(3)) as server:
        assert isinstance(read(name, server.url)[0], Resource)
    with hostile(paged(1000)) as server:
        first = read(name, server.url)[0]
        assert isinstance(first, Gap)
        assert first.reason is GapReason.TRUNCATED
        assert len(server.asked) < 20


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_environments_go_by_configured_names_and_none_of_ours_is_a_gap_with_the_remedy(name: str) -> None:
    """A name of the far side may be a component's; a repository that keeps no environments has nothing deployed."""
    root = REPO if name == "github" else PROJECT
    nothing = {"environments": []} if name == "github" else []
    with hostile(GOOD[name]) as server:
        both = read(name, server.url, environments={"stg": "orders-api", "Production": "orders-web"}, releases=False)
        assert [item.identity for item in both if isinstance(item, Resource)] == ["orders-api", "orders-web"]
        server.routes = {**GOOD[name], f"{root}/environments": {"environments": [{"name": "live"}]}
                         if name == "github" else [{"name": "live"}]}  # fmt: skip
        gap = read(name, server.url, releases=False)[0]
        assert isinstance(gap, Gap)
        assert (gap.reason, gap.resource) == (GapReason.UNSUPPORTED, "orders")
        assert "no environment of acme/orders is called staging (it has live)" in gap.detail
        server.routes = {**GOOD[name], f"{root}/environments": nothing}
        assert read(name, server.url, releases=False) == []
        server.routes = {**GOOD[name], f"{root}/environments": {"message": "odd"}}
        odd = read(name, server.url, releases=False)[0]
        assert isinstance(odd, Gap)
        assert odd.reason is GapReason.MALFORMED


def test_what_runs_is_unknown_where_the_last_attempts_all_failed_and_there_are_older_ones() -> None:
    """The attribute is a gap, not absent; GitLab finds the last success by itself."""
    failed = {**GITHUB, f"{REPO}/deployments": [deployment(12, "main", BAD)]}
    with hostile(failed) as server:
        items = read("github", server.url, history=1, releases=False)
        gaps = [item for item in items if isinstance(item, Gap)]
        assert [(gap.attribute, gap.reason) for gap in gaps] == [
            ("version", GapReason.TRUNCATED),
            ("commit", GapReason.TRUNCATED),
        ]
        assert "raise history" in gaps[0].detail
        assert len(read("github", server.url, history=5, releases=False)) == 1

    def route(path: str) -> Any:
        if path.startswith(f"{PROJECT}/deployments"):
            rows = GITLAB[f"{PROJECT}/deployments"]
            return rows[1:2] if "status=success" in path else rows[:1]
        return GITLAB.get(path.partition("?")[0])

    with hostile(route) as server:
        (found,) = read("gitlab", server.url, history=1, releases=False)
        assert isinstance(found, Resource)
        assert (found.attributes["commit"], found.attributes["last_attempt"]["outcome"]) == (NEW, "failed")


def test_options_that_cannot_be_meant_are_refused() -> None:
    """A repository without an owner, an address without a scheme."""
    for wrong in ({"repositories": ["orders"]}, {"repositories": ["a/b"], "base_url": "git.acme.io"}):
        with pytest.raises(ValidationError):
            github.GitHubOptions.model_validate(wrong)
    for wrong in ({"projects": ["orders"]}, {"projects": ["a/b"], "base_url": "git.acme.io"}):
        with pytest.raises(ValidationError):
            gitlab.GitLabOptions.model_validate(wrong)
    listed = github.GitHubOptions.model_validate({"repositories": ["a/b"], "environments": ["prod"]})
    assert dict(listed.environments) == {"prod": None}
