"""Every format of every typical audit, byte for byte, and what must hold in each of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from rich.cells import cell_len

from auditor.model import ABSENT, Audit, Author, Category, Moved, Severity, Status
from auditor.publish.render import FORMATS, render

from .audits import NOW, STARTED, finding, incomplete, nothing, parity, rich
from .golden import same_as_golden

AUDITS: dict[str, Callable[[], Audit]] = {
    "rich": rich,
    "parity": parity,
    "nothing": nothing,
    "incomplete": incomplete,
}
EXTENSIONS = {"table": "txt", "json": "json", "markdown": "md", "junit": "xml", "html": "html", "sarif": "sarif"}
VOID = frozenset({"meta", "col", "wbr", "br"})


def shown(audit: Audit, wanted: str, *, width: int | None = None, color: bool = False, **more: bool) -> str:
    return render(audit, wanted, fail_on=Severity.HIGH, width=width, color=color, now=NOW, **more)


class Page(HTMLParser):
    """Reads a page strictly: every element is closed in turn. Keeps its text and its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.elements: list[str] = []
        self.attributes: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.mark.parametrize("width", [80, 100, 200])
def test_the_table_of_a_drifted_staging_is_as_it_was_at_every_width(width: int) -> None:
    """The golden file of each width is what the report prints without colour."""
    same_as_golden(f"report/rich-{width}.txt", shown(rich(), "table", width=width))


def test_the_table_of_a_drifted_staging_is_as_it_was_in_colour() -> None:
    """Colour adds escape codes and changes no text."""
    text = shown(rich(), "table", width=100, color=True)
    same_as_golden("report/rich-100-colour.txt", text)
    assert "\x1b[" in text


@pytest.mark.parametrize("wanted", FORMATS)
@pytest.mark.parametrize("name", AUDITS)
def test_each_format_of_each_audit_is_as_it_was(name: str, wanted: str) -> None:
    """The golden file of each format is what the report prints, and printing it again gives the same bytes."""
    text = shown(AUDITS[name](), wanted)
    same_as_golden(f"report/{name}.{EXTENSIONS[wanted]}", text)
    assert text == shown(AUDITS[name](), wanted)
    assert text.endswith("\n")


@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_line_of_the_table_is_wider_than_asked_or_ends_in_spaces(width: int) -> None:
    """A terminal of exactly that width wraps nothing, and a pipe gets no padding and no escape codes."""
    lines = shown(rich(), "table", width=width).splitlines()
    assert max(cell_len(line) for line in lines) <= width
    assert [line for line in lines if line != line.rstrip() or "\x1b" in line] == []


def test_the_table_takes_a_hundred_columns_where_no_width_is_given() -> None:
    """A pipe has no width; its report is the one for 100 columns."""
    assert shown(rich(), "table") == shown(rich(), "table", width=100)


def test_the_environments_stay_under_each_other_through_the_whole_table() -> None:
    """Both values of a row start in the columns that the environments' names head."""
    lines = shown(rich(), "table", width=100).splitlines()
    heads = [line for line in lines if line.endswith(("  prod",)) and "  staging  " in line]
    columns = {(line.index("staging"), line.index("prod", line.index("staging"))) for line in heads}
    assert len(columns) == 1
    left, right = columns.pop()
    row = next(line for line in lines if line.startswith("    instance_class"))
    assert (row[left:right].strip(), row[right:].split()[0]) == ("db.r6g.large", "db.r6g.2xlarge")


def test_a_group_is_told_once_and_says_how_many_members_it_keeps_back() -> None:
    """Forty-one alarms with one cause take one title, one reason and ten rows."""
    text = shown(rich(), "table", width=100)
    assert text.count("treat_missing_data is missing in staging and notBreaching in prod (41 resources)") == 1
    assert text.count("-errors ") == 10
    assert "and 31 more (see --format json)" in text


def test_a_reason_is_told_once_for_all_findings_of_its_rule() -> None:
    """Two engines behind share one line that says why it matters."""
    text = shown(rich(), "table", width=200)
    assert text.count("Staging must rehearse on the engine version that production runs") == 1
    assert text.count("engine_version  ") == 2


def test_null_absent_and_secrets_are_told_apart() -> None:
    """Absent, null, a secret and a placeholder each have a spelling of their own."""
    text = shown(rich(), "table", width=200)
    assert "(absent)" in text
    assert " null " in text
    assert "secret 4e074085" in text
    assert "secret (placeholder)" in text
    assert "{secret:" not in text


def test_what_nobody_could_see_is_said_in_words_in_every_format() -> None:
    """An incomplete audit never looks like a complete one, with colours or without."""
    for wanted in FORMATS:
        text = shown(incomplete(), wanted)
        assert "incomplete" in text.lower() or "<error" in text
        assert "AccessDenied" in text


def test_an_audit_that_compared_nothing_never_claims_parity() -> None:
    """No format says `In parity` or gives a score where nothing was compared."""
    for wanted in FORMATS:
        text = shown(nothing(), wanted, allow_incomplete=True)
        assert "in parity" not in text.lower()
        assert "100 %" not in text
    assert json.loads(shown(nothing(), "json"))["score"] is None
    assert "n/a" in shown(nothing(), "table")


def test_the_json_object_has_its_fixed_keys_and_tells_absent_from_null() -> None:
    """Consumers rely on the keys; `absent` is what tells a missing value from a null one."""
    report = json.loads(shown(rich(), "json"))
    assert {"schema", "audit", "score", "coverage", "findings", "gaps"} <= report.keys()
    assert report["audit"]["outcome"] == "incomplete"
    assert report["audit"]["started_at"] == "2026-11-22T09:30:00Z"
    fixed = (
        "fingerprint rule severity category status kind resource path left right message about remediation "
        "matched_by confidence first_seen last_seen moved"
    )
    assert all(set(fixed.split()) <= item.keys() for item in report["findings"])
    assert all({"environment", "source", "kind", "reason", "detail"} <= gap.keys() for gap in report["gaps"])
    traced = next(item for item in report["findings"] if item["path"][-1:] == ["SENTRY_TRACE"])
    assert (traced["left"]["value"], traced["left"]["absent"]) == (None, True)
    assert (traced["right"]["value"], traced["right"]["absent"]) == (None, False)


def test_junit_fails_what_fails_skips_the_rest_and_errs_on_gaps() -> None:
    """The counts on every suite are those of its cases, and add up to what the audit holds."""
    audit = rich()
    root = ET.fromstring(shown(audit, "junit"))
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.attrib["tests"]) == len(cases)
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[name]) == sum(case.find(tag) is not None for case in cases)
    suites = {suite.attrib["name"] for suite in root}
    assert suites == {item.breach.category.value for item in audit.findings} | {"storage", "coverage"}
    failing = [f for f in audit.findings if f.breach.severity.rank >= 3 and f.status in (Status.OPEN, Status.REGRESSED)]
    assert int(root.attrib["failures"]) == len(failing) == 8
    assert int(root.attrib["errors"]) == len(audit.gaps) == 6
    assert int(root.attrib["tests"]) == len(audit.findings) + len(audit.gaps) + 1


def test_junit_skips_gaps_that_were_allowed() -> None:
    """With --allow-incomplete the exit code is 0, and the test report agrees with it."""
    root = ET.fromstring(shown(incomplete(), "junit", allow_incomplete=True))
    assert (root.attrib["errors"], root.attrib["skipped"]) == ("0", "4")


def test_the_page_is_whole_and_fetches_and_runs_nothing() -> None:
    """One self-contained file: no script, no image, no link, no address, every element closed."""
    text = shown(rich(), "html")
    page = Page(text)
    assert {"script", "img", "link", "iframe"}.isdisjoint(page.elements)
    assert {"src", "href", "style", "onclick"}.isdisjoint(page.attributes)
    assert "url(" not in text
    assert "@import" not in text


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "\u202egnp.exe",
        "x" * 10_000,
        "👩‍💻🏳️‍🌈",
        "\x1b[31mred\x07",
        "a|b`c``d",
        "@team #12 [link](https://example.com) ![i](x)",
        "]]>&amp;\x00\ufffe\ud800",
        "",
        "</style><style>*{display:none}",
        "[bold]not markup[/bold] :smile:",
    ],
)
def test_hostile_names_and_values_stay_text_in_every_format(hostile: str) -> None:
    """Markup, control characters, reordering and great lengths neither break a format nor act in it."""
    bad = finding(
        "unclassified",
        Severity.HIGH,
        Category.CONFIG,
        hostile,
        hostile,
        ("key", hostile),
        hostile,
        ABSENT,
        names=(hostile, hostile),
        message=hostile,
        remediation=hostile,
        moved=Moved(
            "left", hostile, STARTED, STARTED, hostile, hostile, hostile, author=Author(hostile, hostile, None, hostile)
        ),
        suggestion=hostile,
    )
    audit = replace(rich(), findings=(bad,), left=hostile, notes=(hostile,), policies=(hostile,))
    texts = {wanted: shown(audit, wanted, width=100) for wanted in FORMATS}
    for wanted, text in texts.items():
        text.encode("utf-8")
        if wanted != "json":
            assert not set(text) & set("\x00\x07\x1b\u202e\ufffe\u200d")
            assert len(text) < 60_000
    page = Page(texts["html"])
    assert "script" not in page.elements
    assert page.elements.count("style") == 1
    ET.fromstring(texts["junit"])
    assert json.loads(texts["json"])["findings"][0]["left"]["value"] == hostile
    assert "<script" not in texts["markdown"]
    assert max(cell_len(line) for line in texts["table"].splitlines()) <= 100
