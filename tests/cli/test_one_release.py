"""A release that one environment lacks is one thing to mend, however many sources tell of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Outcome
from tests.standins.hostile import hostile

REPOSITORY = "/repos/acme/orders"
VERSIONS = {"staging": "1.4.1", "prod": "1.4.2"}
COMMITS = {"staging": "a" * 40, "prod": "b" * 40}


def _answers(path: str) -> Any:
    """GitHub, which knows both environments, and an endpoint of each that tells its version and commit."""
    bare, _, query = path.partition("?")
    environment = "prod" if "prod" in path else "staging"
    at = "2026-11-09T10:00:00Z"
    deployment = {"id": 9, "ref": "main", "sha": COMMITS[environment], "creator": {"login": "ada"}, "created_at": at}
    return {
        f"{REPOSITORY}/environments": {"total_count": 2, "environments": [{"name": "prod"}, {"name": "staging"}]},
        f"{REPOSITORY}/deployments": [deployment] if "environment=" in query else [],
        f"{REPOSITORY}/deployments/9/statuses": [{"state": "success", "created_at": at}],
        f"{REPOSITORY}/tags": [{"name": f"v{VERSIONS[each]}", "commit": {"sha": COMMITS[each]}} for each in VERSIONS],
        f"{REPOSITORY}/releases": [],
        f"/{environment}/version": {"version": VERSIONS[environment]},
    }.get(bare)


def _company(folder: Path, url: str) -> None:
    environments = {}
    for name, version in VERSIONS.items():
        (folder / name).mkdir()
        containers = [
            {"name": "app", "image": f"acme/orders:{version}", "memory": 512},
            {"name": "proxy", "image": "acme/proxy:7.1" if name == "prod" else "acme/proxy:7.0", "memory": 64},
        ]
        task = {"family": "orders", "containerDefinitions": containers}
        (folder / name / "orders.json").write_text(json.dumps(task))
        environments[name] = {
            "sources": [
                {"collector": "github", "repositories": ["acme/orders"], "token": "t", "base_url": url},
                {"collector": "http", "services": {"orders": f"{url}/{name}/version"}},
                {"collector": "files", "path": name},
            ]
        }
    pairs = [{"left": "staging", "right": "prod"}]
    (folder / "auditor.yaml").write_text(json.dumps({"environments": environments, "pairs": pairs}))


def test_one_release_told_by_three_sources_is_one_group(
    run: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipeline, an endpoint and the image of a task definition; the proxy beside it is a release of its own."""
    monkeypatch.chdir(tmp_path)
    with hostile(_answers) as server:
        _company(tmp_path, server.url)
        outcome = run("now", "staging", "prod", "--format", "json")
        console = run("now", "staging", "prod")
    findings = json.loads(outcome.out)["findings"]
    groups: dict[str | None, list[str]] = {}
    for finding in findings:
        groups.setdefault(finding["cause"], []).append(f"{finding['kind']} {finding['path'][-1]}")
    assert {cause: sorted(members) for cause, members in groups.items()} == {
        "orders runs 1.4.1 in staging and 1.4.2 in prod, as 3 sources tell": [
            "aws.ecs.task_definition image",
            "github.deployment version",
            "http.version version",
        ],
        None: ["aws.ecs.task_definition image"],
    }
    assert console.out.count("orders runs 1.4.1 in staging and 1.4.2 in prod") == 1
