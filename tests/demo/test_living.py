"""The company goes on living: what drifts there is found, and found to be gone once the other side followed."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auditor.cli.exits import guarded
from auditor.cli.root import audit
from auditor.demo import _away_from_real_accounts, living, standin, versions, world
from auditor.demo.files import lay_out
from tests.collectors.aws.reading import emptied

FREE_FROM = ("aws.ssm.parameter", "/shop/{env}/shipping/free-from")


@pytest.fixture(scope="module")
def company() -> Iterator[tuple[str, versions.Versions]]:
    """The company, up and as it was built; gives the addresses of its AWS and of its services."""
    emptied()
    with _away_from_real_accounts(), standin.serving() as aws, versions.serving() as deployed:
        world.build(aws)
        yield aws, deployed


def open_findings(folder: Path) -> set[tuple[str, str]]:
    """Kind and identity of every finding that an audit of the company shows as open now."""
    target = folder / "report.json"
    told = ["--format", "json", "--output", str(target), "--config", str(folder / "auditor.yaml")]
    assert guarded(audit, ["now", "staging", "prod", *told]) in (0, 1)
    report: dict[str, Any] = json.loads(target.read_text())
    return {(f["kind"], f["resource"]) for f in report["findings"] if f["status"] in ("open", "regressed")}


def test_a_hotfix_is_a_finding_until_staging_followed(
    company: tuple[str, versions.Versions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release comes first; the hotfix in production shows up, and the same change in staging ends it."""
    aws, deployed = company
    monkeypatch.setenv("AUDITOR_DEMO_AWS_URL", aws)
    monkeypatch.setenv("AUDITOR_DEMO_VERSIONS_URL", deployed.url)
    lay_out(tmp_path)
    story = living.steps(aws, deployed)
    done = []
    for step in itertools.islice(story, 3):
        step.do()
        done.append((step.environment, step.what))
    assert done == [
        ("staging", "api 3.9.0 is deployed"),
        ("prod", "api 3.9.0 is deployed"),
        ("prod", "shipping/free-from is set to 85"),
    ]
    assert deployed.of("prod", "api") == "3.9.0"
    assert FREE_FROM in open_findings(tmp_path)
    next(story).do()
    assert FREE_FROM not in open_findings(tmp_path)


def test_a_stopped_company_takes_no_further_step(company: tuple[str, versions.Versions]) -> None:
    """Stopping does not wait for the next thing to happen."""
    aws, deployed = company
    stopped, told = threading.Event(), list[str]()

    def say(text: str) -> None:
        told.append(text)
        stopped.set()

    living.live(aws, deployed, 0.01, stopped, say)
    assert told == ["staging: api 3.9.0 is deployed"]
