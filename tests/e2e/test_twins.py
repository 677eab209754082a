"""Names are not drift: two accounts that differ in them, and in all else that environments rightly differ in."""

from __future__ import annotations

from pathlib import Path

from tests.e2e import twins
from tests.e2e.conftest import Run


def test_two_accounts_that_differ_in_names_ids_regions_order_and_replicas_are_in_parity(
    company: str, tmp_path: Path, run: Run
) -> None:
    """No finding of any severity, score and coverage whole, exit 0."""
    outcome = run(
        "now", "staging", "prod", "--format", "json", "--fail-on", "info",
        "--config", twins.config(tmp_path, (company, company)),
    )  # fmt: skip
    report = outcome.report
    found = [(f["severity"], f["rule"], f["kind"], f["resource"], ".".join(f["path"])) for f in report["findings"]]
    assert found == []
    assert report["gaps"] == []
    assert (report["score"], report["coverage"]["ratio"], outcome.code) == (1, 1, 0)


def test_every_resource_of_the_twins_finds_its_counterpart(company: str, tmp_path: Path, run: Run) -> None:
    """Nothing is compared by not being there: as many on the left as on the right, each with the other."""
    outcome = run("now", "staging", "prod", "--format", "json", "--config", twins.config(tmp_path, (company, company)))
    resources = outcome.report["coverage"]["resources"]
    assert resources["matched"] == resources["left"] == resources["right"]
    assert resources["matched"] > 30
