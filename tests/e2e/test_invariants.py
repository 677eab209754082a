"""What must always hold, tried by someone who does not believe it: real files, the real command, a real store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Outcome, Run

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec: {replicas: 1, template: {spec: {containers: [{name: api, image: "api:1.0"}]}}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with a configuration of two environments, each a folder of files."""
    monkeypatch.chdir(tmp_path)
    configure({"staging": [], "prod": []})
    return tmp_path


def configure(environments: dict[str, list[str]], **paths: str) -> None:
    """Environments by name, each with its aliases and, unless `paths` says otherwise, a folder of its name."""
    configured = {
        name: {"aliases": aliases, "sources": [{"collector": "files", "path": paths.get(name, name)}]}
        for name, aliases in environments.items()
    }
    Path("auditor.yaml").write_text(json.dumps({"environments": configured}))
    for name in environments:
        Path(name).mkdir(exist_ok=True)


def files(**contents: str | bytes) -> None:
    """Files by `environment__name_ending`: `prod__app_env` is prod/app.env."""
    for name, content in contents.items():
        environment, file = name.split("__", 1)
        path = Path(environment, ".".join(file.rsplit("_", 1)))
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def audited(run: Run, *options: str, left: str = "staging", right: str = "prod") -> tuple[Outcome, dict[str, Any]]:
    """The audit of the two as JSON."""
    outcome = run("now", left, right, "--format", "json", *options)
    assert outcome.out, outcome.err
    return outcome, outcome.report


class TestNoFalseCalm:
    """Unread is not absent, and nothing compared is no parity."""

    @pytest.mark.parametrize("options", [(), ("--allow-incomplete",)])
    def test_a_side_that_holds_nothing_is_not_passed(self, run: Run, options: tuple[str, ...]) -> None:
        """An empty folder against a full one: what is missing is told, no score, no coverage, never exit 0."""
        files(prod__app_env="A=1\n")
        outcome, report = audited(run, *options)
        assert (outcome.code, report["score"], report["coverage"]["ratio"]) == (3, None, 0.0)
        assert [finding["rule"] for finding in report["findings"]] == ["resource-missing"]

    def test_a_path_that_is_not_there_is_a_gap_and_no_finding(self, run: Run) -> None:
        """A typing error in the configuration does not make everything missing."""
        configure({"staging": [], "prod": []}, staging="stagin")
        files(prod__app_env="A=1\n")
        outcome, report = audited(run)
        assert (outcome.code, report["score"], report["coverage"]["ratio"], report["findings"]) == (3, None, 0.0, [])

    def test_a_manifest_that_is_broken_on_one_side_hides_what_may_be_in_it(self, run: Run) -> None:
        """The deployment that prod's broken file may hold is unknown; the drift elsewhere is found all the same."""
        files(staging__k_yaml=DEPLOYMENT, prod__k_yaml=DEPLOYMENT + "  bad: [\n")
        files(staging__app_env="A=1\nB=1\n", prod__app_env="A=2\nB=1\n")
        outcome, report = audited(run, "--fail-on", "info")
        assert [finding["path"] for finding in report["findings"]] == [["A"]]
        assert (outcome.code, report["audit"]["outcome"], report["unknown"]) == (1, "incomplete", 1)
        assert report["coverage"]["ratio"] == 0.75
