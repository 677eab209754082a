"""The rules for Prometheus and the documents about metrics: right, complete, and about metrics that exist."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from auditor.publish.prometheus import render
from auditor.publish.prometheus.catalogue import METRICS, OF_THE_PROCESS, OF_THE_STORE, Type, table
from tests.prometheus import samples
from tests.prometheus.server import AMTOOL, PROMTOOL, needs

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy/prometheus/parity-rules.yaml"
ALERTS = ROOT / "deploy/prometheus/parity-alerts.yaml"
METRICS_PAGE = ROOT / "docs/metrics.md"
OPERATIONS = ROOT / "docs/operations.md"
CASES = ("rules_test.yaml", "slow_rules_test.yaml")
_NAME = re.compile(r"(?<![\w:])parity_[a-z0-9_]+(?![\w:*])")
_RECORDED = re.compile(r"\b[a-z_]+:parity_[a-z0-9_]+:[a-z0-9_]+")


def rules(file: Path) -> list[dict[str, Any]]:
    """Every rule of a file, in order."""
    return [rule for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def ran(*command: str) -> str:
    """What a program printed; it must not complain."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def exported() -> set[str]:
    """The names of all samples of a scrape."""
    body = render(samples.meters(), samples.gauges(), samples.waivers(), None, samples.NOON)[1].decode()
    return {re.split(r"[{ ]", line)[0] for line in body.splitlines() if line and not line.startswith("#")}


@needs(PROMTOOL)
@pytest.mark.parametrize("cases", CASES)
def test_rules_answer_and_alerts_fire_and_do_not_fire_as_the_cases_say(cases: str) -> None:
    """Evaluated by Prometheus' own engine, minute by minute."""
    assert "SUCCESS" in ran(PROMTOOL, "test", "rules", f"tests/prometheus/{cases}")


@needs(PROMTOOL, AMTOOL)
def test_every_file_that_prometheus_and_alertmanager_read_is_one_they_accept() -> None:
    """Rules by themselves, and the examples that name them."""
    ran(PROMTOOL, "check", "rules", str(RULES), str(ALERTS))
    ran(PROMTOOL, "check", "config", "deploy/prometheus/prometheus.yaml")
    ran(AMTOOL, "check-config", "deploy/alertmanager/alertmanager.yaml")


def _cases() -> Iterator[dict[str, Any]]:
    for name in CASES:
        yield from yaml.safe_load((Path(__file__).parent / name).read_text(encoding="utf-8"))["tests"]


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    """A new alert without them fails here."""
    told = [case for test in _cases() for case in test.get("alert_rule_test", ())]
    fires = {case["alertname"] for case in told if case["exp_alerts"]}
    silent = {case["alertname"] for case in told if not case["exp_alerts"]}
    alerts = {rule["alert"] for rule in rules(ALERTS)}
    assert fires == alerts
    assert silent == alerts


def test_every_recording_rule_has_a_case_with_its_value() -> None:
    """And is named level:metric:operation."""
    asked = " ".join(case["expr"] for test in _cases() for case in test.get("promql_expr_test", ()))
    for rule in rules(RULES):
        assert _RECORDED.fullmatch(rule["record"])
        assert rule["record"] in asked


def test_every_alert_says_who_is_wanted_what_is_wrong_and_where_to_read_on() -> None:
    """Severity, summary, a description, and a section of the runbook that is there."""
    headings = set(re.findall(r"^### (\w+)$", OPERATIONS.read_text(encoding="utf-8"), re.MULTILINE))
    alerts = rules(ALERTS)
    for rule in alerts:
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}, rule["alert"]
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}, rule["alert"]
        assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert len(rule["annotations"]["summary"]) < 120
    assert {rule["alert"] for rule in alerts} <= headings
    assert {heading for heading in headings if heading.startswith("Parity")} == {rule["alert"] for rule in alerts}


def test_every_metric_that_a_rule_or_a_document_names_exists() -> None:
    """A misspelt name is a series that never comes, and an alert that never fires."""
    known = exported() | {metric.name for metric in METRICS}
    recorded = {rule["record"] for rule in rules(RULES)}
    for file in (RULES, ALERTS, METRICS_PAGE, OPERATIONS, *(Path(__file__).parent / name for name in CASES)):
        text = file.read_text(encoding="utf-8")
        assert set(_NAME.findall(text)) <= known, file.name
        assert {name for name in _RECORDED.findall(text) if "level:" not in name} <= recorded, file.name


def test_every_metric_is_listed_as_it_is_exported() -> None:
    """`UPDATE_GOLDEN=1` writes the tables of docs/metrics.md anew from the catalogue."""
    text = METRICS_PAGE.read_text(encoding="utf-8")
    wanted = text
    for part, metrics in (("store", OF_THE_STORE), ("process", OF_THE_PROCESS)):
        start = f"<!-- metrics of the {part} -->\n"
        before, _, rest = wanted.partition(start)
        after = rest.partition("<!-- end -->")[2]
        wanted = f"{before}{start}\n{table(metrics)}\n<!-- end -->{after}"
    if os.environ.get("UPDATE_GOLDEN"):
        METRICS_PAGE.write_text(wanted, encoding="utf-8", newline="\n")
        return
    assert text == wanted, "docs/metrics.md is not what the catalogue says; run this test once with UPDATE_GOLDEN=1"


def test_every_metric_of_the_catalogue_is_exported() -> None:
    """By the sample company, so that the checks above are about what really comes out."""
    names = {f"{metric.name}_count" if metric.type is Type.HISTOGRAM else metric.name for metric in METRICS}
    assert names <= exported()


@needs(PROMTOOL)
def test_every_query_of_the_documents_can_be_parsed() -> None:
    """promtool reads each as the expression of a rule."""
    blocks = re.findall(r"```promql\n(.*?)```", METRICS_PAGE.read_text(encoding="utf-8"), re.DOTALL)
    queries = [query for block in blocks for query in _queries(block)]
    assert len(queries) >= 8
    recorded = [{"record": f"query_{number}", "expr": query} for number, query in enumerate(queries)]
    body = yaml.safe_dump({"groups": [{"name": "docs", "rules": recorded}]})
    done = subprocess.run(
        [PROMTOOL, "check", "rules", "/dev/stdin"], input=body, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _queries(block: str) -> Iterator[str]:
    """A block holds several: comments and blank lines stand between them, and indented lines go on."""
    lines: list[str] = []
    for line in block.splitlines():
        ends = not line.strip() or line.startswith("#")
        if lines and (ends or not line.startswith((" ", ")"))):
            yield "\n".join(lines)
            lines = []
        if not ends:
            lines.append(line)
    if lines:
        yield "\n".join(lines)
