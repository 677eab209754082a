"""The answered checklist as it is printed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from auditor.model import GapReason, Resource
from auditor.publish.ready import render
from auditor.readiness.checklist import Checklist, answered
from tests.factories import NOW
from tests.publish.golden import same_as_golden
from tests.readiness.company import Company, finding, gap, ran, resources


def mixed() -> Checklist:
    """Something of every answer, and hostile text where text comes from outside."""
    findings = (
        *(finding("aws.rds.instance", (f"setting_{number}",), identity=f"db-{number}-{{env}}") for number in range(7)),
        finding("env.file", ("A|B\x1b[2J",), identity="<b>`x`</b>.env"),
    )
    written = Resource(
        "env.file", "x.env", {"KEY": f"{{secret:{'a' * 32}}}"}, source="files:deploy/prod", location="x.env"
    )
    company = replace(
        Company(),
        right=[*resources("prod"), written],
        findings=findings,
        gaps=(replace(gap("data.*", "prod"), reason=GapReason.TIMEOUT),),
        deployments=(ran("staging", "api", "2.3.1", 300), ran("prod", "api", "2.3.1", 300)),
    )
    return answered(company.facts())


@pytest.mark.parametrize("width", [100, 72])
def test_the_table_says_each_answer_why_and_what_to_do(width: int) -> None:
    """One line of evidence is one line of the screen, and nothing in it can steer the terminal."""
    text = render(mixed(), "table", width=width, color=False, now=NOW, allow_incomplete=False)
    same_as_golden(f"ready/mixed-{width}.txt", text)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "\x1b" not in text


def test_a_checklist_fits_on_one_screen() -> None:
    """In good order or not: at most fifty lines of a hundred columns."""
    for checklist in (answered(Company().facts()), mixed()):
        text = render(checklist, "table", width=100, color=False, now=NOW, allow_incomplete=False)
        assert len(text.splitlines()) <= 50


def test_colour_adds_nothing_but_colour() -> None:
    """The words are the same."""
    plain, coloured = (
        render(mixed(), "table", width=100, color=color, now=NOW, allow_incomplete=False) for color in (False, True)
    )
    assert "\x1b[" in coloured
    stripped = "".join(
        part.partition("m")[2] if number else part for number, part in enumerate(coloured.split("\x1b["))
    )
    assert stripped == plain


def test_markdown_holds_every_piece_of_evidence_and_no_markup_from_outside() -> None:
    """For the document of a review: a table of answers, then what each rests on, then which audit and snapshots."""
    text = render(mixed(), "markdown", width=None, color=False, now=NOW + timedelta(hours=1), allow_incomplete=False)
    same_as_golden("ready/mixed.md", text)
    assert "<b>" not in text
    assert text.count("\n| ") == len(mixed().items) + 1


def test_json_is_the_object_that_the_document_describes() -> None:
    """Every key, for programs; times in UTC, nothing left out for not applying."""
    text = render(mixed(), "json", width=None, color=False, now=NOW, allow_incomplete=False)
    same_as_golden("ready/mixed.json", text)
    found = json.loads(text)
    assert found["verdict"]["exit_code"] == 1
    assert sum(found["verdict"]["counts"].values()) == len(found["items"]) == 14
    keys = {frozenset(evidence) for item in found["items"] for evidence in item["evidence"]}
    assert keys == {frozenset({"text", "environment", "at", "source", "findings", "resources"})}
