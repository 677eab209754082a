"""How single values, paths and shares are spelled, and that no value at all breaks a report."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auditor.model import ABSENT, Category, Severity
from auditor.publish.render import render
from auditor.publish.spelling import clean, middle, path_text, percent, side_by_side, span, spell

from .audits import NOW, finding, parity


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (ABSENT, "(absent)"),
        ("(absent)", '"(absent)"'),
        (None, "null"),
        ("null", '"null"'),
        (True, "true"),
        ("true", '"true"'),
        ("", '""'),
        (" x", '" x"'),
        ("14.7", "14.7"),
        (14.0, "14.0"),
        (float("nan"), '"NaN"'),
        ({"b": 1, "a": [None]}, '{"a": [null], "b": 1}'),
        ("a\tb\u202e", "a\\tb\\u202e"),
        ("non\u00a0breaking", "non\\xa0breaking"),
        ("{secret:0123456789abcdef0123456789abcdef}", "secret 01234567"),
        ("{secret:0123456789abcdef0123456789abcdef:placeholder}", "secret (placeholder)"),
        ("redis://:{secret:0123456789abcdef}@cache:6379", "redis://:secret 01234567@cache:6379"),
        (["{secret:0123456789abcdef}"], '["secret 01234567"]'),
    ],
)
def test_a_value_has_one_spelling_that_is_mistaken_for_no_other(value: Any, text: str) -> None:
    """Absent, null, strings that look like them, and what cannot be seen are told apart."""
    assert spell(value) == text


@pytest.mark.parametrize(
    ("left", "right", "shown"),
    [
        (14, "14", ("14", '"14"')),
        ("true", "false", ("true", "false")),
        ("true", True, ('"true"', "true")),
        ("a\u200bb", "a\\u200bb", ('"a\\u200bb"', '"a\\\\u200bb"')),
        ("one\ntwo\nthree", "one\n2\nthree\nfour", ("3 lines, line 2: two", "4 lines, line 2: 2")),
        ("one\ntwo", "one\ntwo\nthree", ("2 lines, no line 3", "3 lines, line 3: three")),
        ("one\ntwo", ABSENT, ("2 lines, line 1: one", "(absent)")),
        ([*range(60)], [*range(59), 99], ("60 items, only here: 59", "60 items, only here: 99")),
        ([*range(60)], [*range(59)], ("60 items, only here: 59", "59 items, none only here")),
    ],
)
def test_two_values_beside_each_other_show_in_what_they_differ(left: Any, right: Any, shown: tuple[str, str]) -> None:
    """Types, lines and items that make the difference are named."""
    assert tuple(side.text for side in side_by_side(left, right, 60)) == shown


def test_a_long_value_keeps_the_part_that_differs_and_says_what_it_left_out() -> None:
    """The middle is cut, not the difference."""
    left, right = side_by_side("x" * 300 + "/one/" + "y" * 300, "x" * 300 + "/two/" + "y" * 300, 40)
    assert (left.changed, right.changed) == ("one", "two")
    assert len(left.text) <= 40
    assert left.text.startswith("xxx")
    assert left.text.endswith("yyy")
    assert "…" in left.before


def test_what_differs_is_marked_by_whole_words() -> None:
    """`14.7` and `15.4` share a digit, not a part."""
    left, right = side_by_side("db.r6g.large", "db.r6g.2xlarge", 40)
    assert (left.before, left.changed, right.changed) == ("db.r6g.", "large", "2xlarge")
    assert side_by_side("14.7", "15.4", 40)[0].changed == "14.7"


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100 %"), (0.99999, "99.9 %"), (1 - 1e-13, "99.9 %"), (0.5, "50 %"), (0.0, "0 %"), (2 / 3, "66.6 %")],
)
def test_a_share_is_rounded_down(share: float, text: str) -> None:
    """What is not whole never reads as 100 %."""
    assert percent(share) == text


def test_steps_of_a_path_that_hold_dots_or_quotes_are_quoted() -> None:
    """The dots between steps cannot be mistaken for dots within one."""
    assert path_text(("tags", "a.b", 'c"d', "", "e")) == 'tags."a.b"."c\\"d"."".e'


def test_a_duration_is_told_in_its_largest_unit() -> None:
    """Days, hours, minutes, seconds; never negative."""
    spans = [timedelta(days=3, hours=4), timedelta(hours=2), timedelta(seconds=90), timedelta(0), timedelta(seconds=-5)]
    assert [span(item) for item in spans] == ["3 d", "2 h", "1 min", "0 s", "0 s"]


TEXTS = st.text(st.characters(), max_size=120)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(TEXTS)
def test_clean_text_is_printable_stays_so_and_can_be_encoded(text: str) -> None:
    """Whatever goes in, one visible line comes out."""
    cleaned = clean(text)
    assert cleaned.isprintable()
    assert clean(cleaned) == cleaned
    cleaned.encode("utf-8")


@given(VALUES | st.just(ABSENT), VALUES | st.just(ABSENT), st.integers(20, 200))
def test_any_two_values_fit_beside_each_other(left: Any, right: Any, room: int) -> None:
    """The room is kept, but for a lead that counts lines or items."""
    one, other = side_by_side(left, right, room)
    assert max(len(one.text), len(other.text)) <= room + 40
    assert (one.text + other.text).isprintable()


@given(VALUES | st.just(ABSENT), VALUES | st.just(ABSENT))
@example("a\nb", "a\n b")
@example("a\nb", "a\r\nb")
@example("\x7f", "\\x7f")
@example(float("nan"), '"NaN"')
def test_any_two_values_that_differ_look_different(left: Any, right: Any) -> None:
    """With room enough, whatever differs in JSON differs in the report."""
    exact = [item if item is ABSENT else json.dumps(item, sort_keys=True) for item in (left, right)]
    one, other = side_by_side(left, right, 100_000)
    assert (one.text != other.text) == (exact[0] != exact[1])


@given(TEXTS, st.integers(0, 50))
def test_a_text_cut_in_the_middle_keeps_its_ends(text: str, room: int) -> None:
    """Never longer than asked."""
    short = middle(text, room)
    assert len(short) <= room or short == text
    assert short[: room // 2 - 1] == text[: len(short[: room // 2 - 1])]


@settings(max_examples=40, deadline=None)
@given(VALUES | st.just(ABSENT), VALUES, TEXTS, st.tuples(TEXTS) | st.just(()))
def test_any_value_renders_in_every_format_and_leaves_it_readable(
    left: Any, right: Any, name: str, path: tuple[str, ...]
) -> None:
    """No error, JSON and XML that parse, a page without elements of the value's making, lines within the width."""
    found = finding(
        "unclassified", Severity.HIGH, Category.CONFIG, "env.file", name, path, left, right, message=name, cause=name
    )
    audit = replace(parity(), findings=(found,))

    def shown(wanted: str) -> str:
        return render(audit, wanted, fail_on=Severity.HIGH, width=80, color=False, now=NOW)

    resource = json.loads(shown("json"))["findings"][0]["resource"]
    assert resource.encode("utf-16", "surrogatepass") == name.encode("utf-16", "surrogatepass")
    assert ET.fromstring(shown("junit")).attrib["failures"] == "1"
    tags: set[str] = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.add(tag)  # type: ignore[method-assign]
    parser.feed(shown("html"))
    assert tags <= set(
        "html head meta title style body main header p h1 span ul li b div table thead tr th tbody td dl dt dd section "
        "h2 article h3 colgroup col code mark details summary pre wbr footer".split()
    )
    assert "# Parity" in shown("markdown")
    assert "Exit code 1" in shown("table")
