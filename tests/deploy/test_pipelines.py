"""The pipelines in deploy/pipelines are what their products read, and their shell lines do what they promise."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PIPELINES = ROOT / "deploy" / "pipelines"
CONFIG = """\
store: ${AUDITOR_STORE:-sqlite:///auditor.db}
environments:
  staging: {sources: [{collector: files, path: staging}]}
  prod: {sources: [{collector: files, path: prod}]}
pairs: [{left: staging, right: prod}]
"""
AGREES = "APP_DEBUG=false\nTIMEOUT=30\n"


def github() -> str:
    job = yaml.safe_load((PIPELINES / "github-actions.yaml").read_text())["jobs"]["parity"]
    return "\n".join(step["run"] for step in job["steps"] if "run" in step)


def gitlab() -> str:
    return "\n".join(yaml.safe_load((PIPELINES / "gitlab-ci.yml").read_text())["parity"]["script"])


def jenkins() -> str:
    (script,) = re.findall(r"sh '''\n(.*?)'''", (PIPELINES / "Jenkinsfile").read_text(), re.DOTALL)
    return str(script)


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """A checkout with two environments of one file each, which agree."""
    (tmp_path / "auditor.yaml").write_text(CONFIG)
    for name in ("staging", "prod"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "orders.env").write_text(AGREES)
    return tmp_path


def ran(script: str, company: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A pipeline's lines, as a runner starts them: one shell that stops at the first failure."""
    bin_ = company.parent / f"{company.name}-bin"
    bin_.mkdir(exist_ok=True)
    audit = bin_ / "audit"
    if not audit.exists():
        audit.write_text(f'#!/bin/sh\nexec {sys.executable} -m auditor "$@"\n')
        audit.chmod(0o755)
    kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    path = f"{bin_}{os.pathsep}{os.environ['PATH']}"
    environment = {**kept, "PATH": path, "PYTHONPATH": str(ROOT), "AUDITOR_KEY": "k" * 32, **variables}
    return subprocess.run(
        ["sh", "-e", "-c", script],
        cwd=company,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("file", "schema"), [("github-actions.yaml", "vendor.github-workflows"), ("gitlab-ci.yml", "vendor.gitlab-ci")]
)
def test_a_pipeline_is_valid_by_its_products_schema(file: str, schema: str) -> None:
    """The schemas that editors use for these files know every key."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(PIPELINES / file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_jenkinsfile_closes_what_it_opens() -> None:
    """Nothing reads it here but this: braces and quotes pair up, and the report that it publishes is the one it writes."""
    text = re.sub(r"(?<!:)//.*", "", (PIPELINES / "Jenkinsfile").read_text())
    assert (text.count("{"), text.count("'") % 2) == (text.count("}"), 0)
    (published,) = re.findall(r"testResults: '([^']+)'", text)
    assert f"--report {published}" in jenkins()


def test_the_github_job_holds_annotates_and_leaves_sarif_summary_and_outputs(company: Path) -> None:
    """What production's debug mode leaves behind: code 1, an annotation at its file and line, and three artefacts."""
    (company / "prod" / "orders.env").write_text("TIMEOUT=30\nAPP_DEBUG=true\n")
    files = {name: str(company / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    done = ran(github(), company, GITHUB_ACTIONS="true", SERVICE="", **files)
    assert done.returncode == 1, done.stderr
    (error,) = [line for line in done.stdout.splitlines() if line.startswith("::error ")]
    assert error.startswith("::error file=staging/orders.env,line=1,title=critical%3A ")
    assert (company / "GITHUB_OUTPUT").read_text() == "verdict=hold\nfindings=1\nexit-code=1\n"
    summary = (company / "GITHUB_STEP_SUMMARY").read_text()
    assert "⛔ **Hold: 1 finding at or above high.**" in summary
    assert "<summary>The whole report</summary>" in summary
    (run,) = json.loads((company / "parity.sarif").read_text())["runs"]
    assert [result["level"] for result in run["results"]] == ["error"]


def test_the_gitlab_job_holds_and_narrows_to_a_service_and_leaves_its_tests_either_way(company: Path) -> None:
    """Production debugs: code 1 and a failed test; for another service, which does not read that file, code 0 and none."""
    (company / "prod" / "orders.env").write_text(AGREES.replace("false", "true"))
    for folder in ("staging", "prod"):
        (company / folder / "compose.yaml").write_text("services: {web: {image: 'example.com/web:1.0'}}\n")
    variables = {"PARITY_LEFT": "staging", "PARITY_RIGHT": "prod", "PARITY_FAIL_ON": "high", "PARITY_SERVICE": ""}
    done = ran(gitlab(), company, **variables)
    assert (done.returncode, failures(company)) == (1, 1), done.stderr
    assert "Hold: 1 finding at or above high." in done.stdout
    done = ran(gitlab(), company, **{**variables, "PARITY_SERVICE": "web"})
    assert (done.returncode, failures(company)) == (0, 0), done.stderr
    assert "1 open finding outside is not counted, 1 of them at or above" in done.stdout


def test_the_jenkins_stage_passes_and_leaves_its_tests(company: Path) -> None:
    """Both sides agree: code 0, and parity.xml says that everything was observed."""
    done = ran(jenkins(), company, SERVICE="")
    assert (done.returncode, failures(company)) == (0, 0), done.stderr
    assert "Pass: nothing at or above high." in done.stdout
    assert "everything was observed" in (company / "parity.xml").read_text()


def failures(company: Path) -> int:
    return int(ET.parse(company / "parity.xml").getroot().get("failures", "-1"))
