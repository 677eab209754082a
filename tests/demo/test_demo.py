"""`audit demo`: the company it builds shows exactly the drifts that are planted in it, every time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from auditor.cli import setup
from auditor.cli.exits import guarded
from auditor.cli.root import audit
from auditor.demo.drifts import PLANTED
from auditor.demo.files import lay_out
from auditor.pipeline import lay
from auditor.scope import scope_of
from tests.collectors.aws.reading import emptied
from tests.web.browser.demo import snapshots as kept_snapshots

ROOT = Path(__file__).resolve().parents[2]
INFO = "info"


def demo(folder: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command, run in a process of its own from outside the repository."""
    command = [sys.executable, "-m", "auditor", "demo", "--folder", str(folder), *arguments]
    # Workers of a parallel test run are told a terminal's width; a pipe has none.
    inherited = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    inherited |= {"PYTHONPATH": str(ROOT), **(variables or {})}
    return subprocess.run(
        command, cwd=folder.parent, env=inherited, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The first run in an empty folder, as somebody meets it who has credentials of a real account."""
    folder = tmp_path_factory.mktemp("demo") / "company"
    return folder, demo(folder, variables={"AWS_PROFILE": "real-account", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})


@pytest.fixture(scope="module")
def second(
    first: tuple[Path, subprocess.CompletedProcess[str]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What a second run in the same folder reports as JSON. It runs here, where everything is imported already; what it
    starts writes to this process's output."""
    target = tmp_path_factory.mktemp("second") / "report.json"
    emptied()
    with target.open("wb") as file, _output_to(file.fileno()):
        code = guarded(audit, ["demo", "--folder", str(first[0]), "--format", "json"])
    assert code == 0
    report: dict[str, Any] = json.loads(target.read_text())
    return report


@contextmanager
def _output_to(descriptor: int) -> Iterator[None]:
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(descriptor, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def test_the_demo_prints_the_report_says_what_to_do_next_and_exits_0(
    first: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    """Findings are what it is for, so they are no failure."""
    folder, ran = first
    assert ran.returncode == 0, ran.stderr
    assert "Parity audit: staging against prod" in ran.stdout
    assert "reporting.prod.tarnholm.internal" in ran.stdout
    assert f"$ audit now staging prod --config {folder / 'auditor.yaml'}" in ran.stderr
    assert f"audit demo --folder {folder} --serve" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_what_the_demo_says_to_try_works_where_audit_is_not_on_the_path(
    first: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """As they are printed, from any folder, in a shell that does not find `audit`."""
    _, ran = first
    (name,) = re.findall(r"`audit explain ([0-9a-f]+)`", ran.stdout)
    steps = re.findall(r"^  (\S.*)$", ran.stderr.split("without the company:")[1], re.MULTILINE)
    script = "\n".join(["set -e", *steps]).replace("FINDING", name)
    variables = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    tried = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
    )
    assert tried.returncode == 0, tried.stderr
    assert f"finding {name}" in tried.stdout
    assert "Rule       default/" in tried.stdout


def test_the_readme_shows_a_part_of_what_the_demo_prints(
    first: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    """Every stretch of the excerpt, between the dots, stands in the report word for word and in that order."""
    (excerpt,) = re.findall(r"^```\n(Not in parity.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    report = first[1].stdout
    for part in excerpt.split("…\n"):
        _, found, report = report.partition(part)
        assert found, part


def test_the_folder_holds_a_configuration_to_read_and_change(
    first: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    """Configuration, policy, both environments' files and what to try next, beside what the audit made."""
    folder, _ = first
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    files = ("compose.yaml", "recommendations/deployment.yaml", "shop.tfvars", "storefront.env")
    expected = {f"environments/{name}/{file}" for name in ("staging", "prod") for file in files}
    assert expected | {"README.md", "auditor.yaml", "policies/shop.yaml", "auditor.db"} <= found
    assert not [name for name in found if name.endswith((".py", ".pyc"))]


def test_exactly_the_planted_drifts_are_found_each_once(second: dict[str, Any]) -> None:
    """Kind, identity, path and severity of everything above info; nothing is missing, doubled or made up."""
    found = sorted(
        (each["severity"], each["category"], each["kind"], each["resource"], tuple(each["path"]))
        for each in second["findings"]
        if each["severity"] != INFO
    )
    planted = sorted((each.severity, each.category, each.kind, each.identity, each.path) for each in PLANTED)
    assert found == planted


def test_everything_was_observed_and_each_resource_found_its_counterpart(second: dict[str, Any]) -> None:
    """Whatever the names look like: alone are only the two that are planted to be missing."""
    assert second["audit"]["outcome"] == "complete"
    assert second["gaps"] == []
    assert second["coverage"]["ratio"] == 1
    resources = second["coverage"]["resources"]
    assert (resources["unmatched_left"], resources["unmatched_right"]) == (0, 2)


def test_more_replicas_in_production_are_no_finding_at_all(second: dict[str, Any]) -> None:
    """Counts of tasks, machines, pods and nodes differ all over the company."""
    counts = {"desired_count", "desired_capacity", "min_size", "max_size", "count", "replicas", "nodes"}
    assert [each for each in second["findings"] if each["path"] and each["path"][-1] in counts] == []


def test_a_second_run_finds_the_same_again(
    first: tuple[Path, subprocess.CompletedProcess[str]], second: dict[str, Any]
) -> None:
    """Every id, address and generated name is another; each finding of the first run goes on, and none is new."""
    began = second["audit"]["started_at"]
    assert {each["status"] for each in second["findings"]} == {"open"}
    assert all(each["first_seen"] < began < each["last_seen"] for each in second["findings"])


def test_files_that_the_user_changed_are_kept(tmp_path: Path) -> None:
    """What is missing comes back, what is there stays."""
    assert not lay_out(tmp_path / "company")
    mended = tmp_path / "company" / "environments" / "prod" / "storefront.env"
    mended.write_text("APP_DEBUG=false\n")
    (tmp_path / "company" / "README.md").unlink()
    assert lay_out(tmp_path / "company")
    assert mended.read_text() == "APP_DEBUG=false\n"
    assert (tmp_path / "company" / "README.md").exists()


def test_without_the_stand_in_the_demo_says_what_to_install(tmp_path: Path) -> None:
    """moto is an extra: who does not have it gets one line, no traceback."""
    (tmp_path / "moto").mkdir()
    (tmp_path / "moto" / "__init__.py").write_text("raise ImportError('not installed')\n")
    ran = demo(tmp_path / "company", variables={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})
    assert ran.returncode == 4
    assert "pip install 'parity-auditor[demo]'" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_what_the_browsers_tests_keep_of_the_company_is_what_it_is(
    first: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    """Kind, name and source of every resource. Where it is not: `python -m tests.web.browser.demo` keeps it anew."""
    config, _ = setup.configured(first[0] / "auditor.yaml")
    with setup.opened(config) as store:
        for name, kept in kept_snapshots().items():
            built = store.latest_snapshot(name)
            assert built is not None
            found, expected = (
                sorted((one.kind, one.identity, one.source, sorted(one.attributes)) for one in side.resources)
                for side in (built, kept)
            )
            assert found == expected


def test_the_readme_lists_what_is_planted(first: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """The table that users compare the report with is the one that this test asserts."""
    text = (first[0] / "README.md").read_text()
    listed = re.findall(r"^\| (\w+) \| `([\w.]+)` .* \| (.+) \|$", text, re.MULTILINE)
    assert sorted(listed) == sorted((drift.severity, drift.kind, drift.about) for drift in PLANTED)


def test_a_service_of_the_company_is_followed_through_aws_files_and_version_endpoints(
    first: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    """The storefront: its tasks in ECS, the database and cache that its file names, its secrets, what fronts it."""
    config, registry = setup.configured(first[0] / "auditor.yaml")
    with setup.opened(config) as store:
        sides = [store.latest_snapshot(name) for name in ("staging", "prod")]
        assert sides[0] is not None
        assert sides[1] is not None
        laid = lay(config, sides[0], sides[1], setup.toolbox(config, registry, store))
        last = store.last_audit("staging", "prod")
    found = scope_of(laid.comparison, (laid.pair.left, laid.pair.right), ["storefront"])
    assert {
        (kind, identity) for kind, identity in found.members if "stg" not in identity and "staging" not in identity
    } >= {
        ("aws.ecs.service", "prod-shop/storefront"),
        ("aws.ecs.task_definition", "shop-prod-storefront"),
        ("aws.rds.instance", "shop-production-orders"),
        ("aws.rds.parameter_group", "orders-production-pg16"),
        ("aws.elasticache.replication_group", "prd-sessions"),
        ("aws.ec2.security_group", "shop-prod-services"),
        ("aws.elasticloadbalancingv2.load_balancer", "shop-prod-public"),
        ("aws.secretsmanager.secret", "shop/production/database"),
        ("aws.ssm.parameter", "/shop/prod/session/signing-key"),
        ("env.file", "storefront.env"),
        ("http.version", "storefront"),
    }
    assert ("prod", "sessions.prod.tarnholm.internal", ("prd-sessions",)) in {
        (side, one.text, one.taken_for) for side, one in found.unresolved
    }
    assert last is not None
    inside = {each.breach.kind for each in last.findings if each.breach.severity.rank >= 3 and found.holds(each.breach)}
    assert inside == {
        "env.file", "aws.rds.instance", "aws.elasticache.replication_group", "aws.elasticloadbalancingv2.load_balancer",
    }  # fmt: skip
