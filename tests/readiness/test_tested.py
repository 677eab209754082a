"""Whether a successful run stands behind what production runs, as GitHub and GitLab tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from auditor.model import Gap, GapReason, Resource
from tests.readiness.company import Company

SUCCEEDED = (
    "each was deployed to staging by a run that succeeded. Which tests belong to such a run, the pipeline knows."
)
COMMIT = "4f3a9c1d2e5b6a7f8091a2b3c4d5e6f708192a3b"


def run(version: str, outcome: str = "succeeded", commit: str = COMMIT) -> dict[str, Any]:
    return {"version": version, "commit": commit, "outcome": outcome, "at": "2026-11-21T10:00:00Z"}


def told(*runs: dict[str, Any], kind: str = "github.deployment", component: str = "api") -> Resource:
    """What a pipeline tells of its runs to staging, newest first."""
    return Resource(kind, component, {"version": "2.4.0", "recent": list(runs)}, component=component, source="github:a")


def answer(*more: Resource, right: tuple[Resource, ...] = (), **changes: Any) -> tuple[str, str, list[str]]:
    """Answer, sentence and evidence of the company, whose production runs api 2.3.1, with more seen on the left."""
    company = Company()
    asked = replace(company, left=[*company.left, *more], right=[*company.right, *right], **changes)
    item = asked.items()["promotion-tested"]
    return item.answer.value, item.sentence, [evidence.text for evidence in item.evidence]


def test_a_version_whose_run_to_staging_succeeded_was_tested_however_it_is_spelled() -> None:
    """Staging may have moved on since; a failed try before the one that succeeded does not matter."""
    for kind in ("github.deployment", "gitlab.deployment"):
        found = answer(told(run("v2.4.0", commit="ff" * 20), run("v2.3.1"), run("v2.3.1", "failed"), kind=kind))
        assert found == (
            "yes",
            f"1 version of prod: {SUCCEEDED}",
            ["api 2.3.1: its deployment to staging succeeded at 2026-11-21 10:00 UTC"],
        )


def test_a_commit_joins_what_runs_with_the_run_that_brought_it() -> None:
    """Production says which commit it runs, the pipeline which one it deployed."""
    company = Company().changed("http.version", version="build-77", commit=COMMIT[:12])
    item = replace(company, left=[*company.left, told(run("release-9"))]).items()["promotion-tested"]
    assert item.answer.value == "yes"


def test_a_version_that_never_got_through_to_staging_is_a_no() -> None:
    """Whatever else succeeded there."""
    found = answer(told(run("2.4.0", commit="ff" * 20), run("2.3.1", "failed"), run("2.3.1", "cancelled")))
    assert found[0] == "no"
    assert found[1] == "1 version runs in prod of which every finished run to staging failed: api 2.3.1."
    assert found[2] == ["api 2.3.1: its deployment to staging failed at 2026-11-21 10:00 UTC"]


def test_what_no_run_is_told_of_is_not_observed() -> None:
    """Another version, another component, a run that is still under way, no pipeline at all, or one that was denied."""
    assert answer()[:2] == ("not observed", "No source tells of a pipeline's runs.")
    for runs in ([run("2.4.0", commit="ff" * 20)], [run("2.3.1", "running")]):
        assert answer(told(*runs))[:2] == ("not observed", "No run to staging is told of api 2.3.1.")
    assert answer(told(run("2.3.1"), component="web"))[0] == "not observed"
    denied = Gap(
        "staging", "github:a", "github.deployment", GapReason.ACCESS_DENIED, "acme/api: not allowed", resource="api"
    )
    assert answer(gaps=(denied,))[1] == "The runs of the pipeline could not be read: acme/api: not allowed."
    assert answer(told(run("2.3.1")), gaps=(denied,))[0] == "not observed"
    unpromoted = Company().having(promotes=False).answers()
    assert unpromoted["promotion-tested"] == "not applicable"
