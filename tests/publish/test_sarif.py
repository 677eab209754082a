"""SARIF that the standard's own schema takes, pointing at files where there are any."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from auditor.model import Audit, Gap, GapReason, RuleRef, Severity, Side, Status
from auditor.publish.sarif import sarif
from auditor.publish.sources import Places, line_in
from auditor.publish.view import report

from .audits import incomplete, nothing, parity, rich

SCHEMA = Path(__file__).with_name("schemas") / "sarif-2.1.0-rtm.5.json"
HOSTILE = "a\x1b[31m\n::error::x {0} [link](http://evil.example) \u202e</script>"


@cache
def validator() -> Draft4Validator:
    return Draft4Validator(json.loads(SCHEMA.read_text()))


def log(audit: Audit, places: Places | None = None) -> dict[str, Any]:
    """The run of a log that the schema takes."""
    document = json.loads(sarif(report(audit, Severity.HIGH), places))
    assert [error.message for error in validator().iter_errors(document)] == []
    run: dict[str, Any] = document["runs"][0]
    return run


def first(audit: Audit, **changes: Any) -> Audit:
    """The audit with its first finding alone, changed; `left`, `right` and `rule` are changed in its breach."""
    finding = audit.findings[0]
    return replace(audit, findings=(replace(finding, breach=replace(finding.breach, **changes)),))


@pytest.mark.parametrize("audit", [rich, parity, nothing, incomplete])
def test_every_audit_is_a_log_that_the_schema_takes(audit: Any) -> None:
    """A result per finding, a rule per result's rule, a notification per gap."""
    told = audit()
    run = log(told)
    rules = run["tool"]["driver"]["rules"]
    assert len(run["results"]) == len(told.findings)
    assert [rules[one["ruleIndex"]]["id"] for one in run["results"]] == [one["ruleId"] for one in run["results"]]
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == len(told.gaps)
    fingerprints = {one["partialFingerprints"]["parityFingerprint/v1"] for one in run["results"]}
    assert fingerprints == {finding.breach.fingerprint for finding in told.findings}


def test_severities_become_levels_and_numbers_that_code_scanning_sorts_by() -> None:
    """Critical and high are errors, medium a warning, the rest notes; what is pending is a note, too."""
    found = {(one["properties"]["severity"], one["level"], one["properties"]["security-severity"])
             for one in log(rich())["results"] if one["properties"]["status"] != "pending"}  # fmt: skip
    assert found == {
        ("critical", "error", "9.5"), ("high", "error", "8.0"), ("medium", "warning", "5.5"),
        ("low", "note", "2.5"), ("info", "note", "0.0"),
    }  # fmt: skip
    assert {one["level"] for one in log(rich())["results"] if one["properties"]["status"] == "pending"} == {"note"}


def test_what_is_waived_is_suppressed_and_what_is_acknowledged_under_review() -> None:
    """Nothing else has a suppression."""
    told = {one["properties"]["status"]: one["suppressions"][0]["status"]
            for one in log(rich())["results"] if "suppressions" in one}  # fmt: skip
    assert told == {"waived": "accepted", "acknowledged": "underReview"}


def test_a_result_points_at_its_file_and_line_and_at_the_other_sides(tmp_path: Path) -> None:
    """Relative to the repository, not to the configuration's folder; without a file at the rule's own line."""
    places = Places(tmp_path / "parity", tmp_path, lambda file, steps, start: 7 if file.suffix == ".env" else None)
    left = Side("staging", "web", "a", "../deploy/staging/web app.env")
    right = Side("prod", "web", "b", "deploy/prod/web.yaml:12")
    (result,) = log(first(rich(), left=left, right=right), places)["results"]
    own = result["locations"][0]["physicalLocation"]
    assert own == {
        "artifactLocation": {"uri": "deploy/staging/web%20app.env", "uriBaseId": "SRCROOT"},
        "region": {"startLine": 7},
    }
    other = result["relatedLocations"][0]["physicalLocation"]
    assert (other["artifactLocation"]["uri"], other["region"]["startLine"]) == ("parity/deploy/prod/web.yaml", 12)
    house = RuleRef("house", "r", str(tmp_path / "parity" / "rules" / "house.yaml"), 31)
    (result,) = log(first(rich(), rule=house), places)["results"]
    own = result["locations"][0]["physicalLocation"]
    assert own["artifactLocation"] == {"uri": "parity/rules/house.yaml", "uriBaseId": "SRCROOT"}
    assert own["region"] == {"startLine": 31}
    (result,) = log(first(rich()), places)["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uriBaseId"] == "AUDITOR"


def test_names_from_outside_form_no_link_no_placeholder_and_no_control_character() -> None:
    """What a viewer would render or fill in is broken up, in messages, rules and notifications."""
    audit = first(rich(), message=HOSTILE, about=HOSTILE, remediation=HOSTILE, kind=HOSTILE, identity=HOSTILE)
    gap = Gap("prod", HOSTILE, HOSTILE, GapReason.MALFORMED, HOSTILE, location=HOSTILE)
    text = sarif(report(replace(audit, gaps=(gap,), left=HOSTILE), Severity.HIGH))
    log(replace(audit, gaps=(gap,), left=HOSTILE))
    messages = re.findall(r'"(?:text|justification)": (".*")', text)
    assert len(messages) >= 8
    assert [message for message in messages if "](" in message or "{0}" in message] == []
    assert not set(json.dumps(json.loads(text), ensure_ascii=False)) & set("\x1b\u202e")


def test_what_was_resolved_is_no_result() -> None:
    """It is gone, so nothing points at it."""
    audit = rich()
    gone = replace(audit.findings[0], status=Status.RESOLVED)
    assert log(replace(audit, findings=(gone,)))["results"] == []


@pytest.mark.parametrize(
    ("text", "steps", "start", "line"),
    [
        ("A=1\nLOG_LEVEL=debug\n", ("LOG_LEVEL",), 1, 2),
        ("# LOG\nexport LOG='x'\n", ("web.env", "LOG"), 1, 2),
        ("services:\n  web:\n    image: a\n  cache:\n    image: b\n", ("cache", "image"), 1, 5),
        ('{"a": {"b": 1},\n "c": {"b": 2}}', ("c", "b"), 1, 2),
        ("kind: A\nspec: 1\n---\nkind: B\nspec:\n  x: 1\n---\nx: 2\n", ("spec", "x"), 4, 6),
        ("env:\n  - name: HOST\n    value: a\n", ("env", "HOST"), 1, 2),
        ("TIMEOUT_MS=3\nTIMEOUT=1\n", ("TIMEOUT",), 1, 2),
        ("A=1\n", ("B",), 1, None),
        ("", ("B",), 9, None),
    ],
)
def test_the_line_of_a_value_is_found_step_by_step(
    text: str, steps: tuple[str, ...], start: int, line: int | None
) -> None:
    """In dotenv, YAML and JSON; within the document that begins at the line; whole keys only."""
    assert line_in(text, steps, start) == line
