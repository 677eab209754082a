"""docs/how-it-compares.md tells the truth: its examples are asked, its numbers are held against the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from auditor import causes, match
from auditor.alike import Pair
from auditor.model import Json, MatchMethod, Status
from auditor.names import environment_names
from auditor.score import WEIGHTS

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "how-it-compares.md").read_text()
PAIR = Pair(environment_names("staging", (), {"prod": ()}), environment_names("prod", (), {"staging": ()}))


def table(header: str) -> list[list[str]]:
    """The rows of the table whose first line begins with `header`, cell by cell."""
    (body,) = re.findall(rf"^{re.escape(header)}.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, flags=re.MULTILINE)
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in str(body).splitlines()]


def value(cell: str) -> Json:
    """A list, null, true or false as such; anything else is text."""
    return json.loads(cell) if cell.startswith("[") or cell in ("null", "true", "false") else cell


EXAMPLES = table("| left | right |")


@pytest.mark.parametrize(("left", "right", "key", "alike", "why"), EXAMPLES, ids=[row[4] for row in EXAMPLES])
def test_each_example_on_the_page_is_alike_or_not(left: str, right: str, key: str, alike: str, why: str) -> None:
    """Both values, under their key, are asked as the comparison asks them."""
    a, b = value(left), value(right)
    found = PAIR.alike_lists(a, b, key) if isinstance(a, list) else PAIR.alike(a, b, key)
    assert alike == ("yes" if found else "no"), why


def test_the_page_shows_both_what_is_alike_and_what_is_not() -> None:
    """The table cannot go empty, or one-sided, without anybody noticing."""
    answers = [row[3] for row in EXAMPLES]
    assert min(answers.count("yes"), answers.count("no")) >= 15
    assert len(answers) == answers.count("yes") + answers.count("no")


def test_the_order_and_confidence_of_matching_are_those_of_the_code() -> None:
    """Every method that pairs, in order, and the similarity that only suggests."""
    rows = [(MatchMethod(row[0]), float(row[2])) for row in table("| `matched_by` |")]
    assert rows == list(match._CONFIDENCE.items())
    assert f"From {match._SUGGEST_FROM} on" in PAGE


def test_the_weights_of_the_score_are_those_of_the_code() -> None:
    """Severity by severity, worst first."""
    assert [(row[0], float(row[1])) for row in table("| worst finding |")] == [
        (severity.value, weight) for severity, weight in WEIGHTS.items()
    ]


def test_every_status_of_a_finding_is_explained() -> None:
    """Nobody meets a status in a report that the page does not know."""
    named = {word for row in table("| status |") for word in re.findall(r"\w+", row[0])}
    assert named == {status.value for status in Status}


def test_the_sizes_of_groups_are_those_of_the_code() -> None:
    """Three alike have one cause, and five keys."""
    (sentence,) = re.findall(r"the widest first: (.*?)\n\n", PAGE, flags=re.DOTALL)
    counted = [{"three": 3, "five": 5}[word] for word in re.findall(r"\b(three|five)\s+or\s+more", sentence)]
    assert counted == [fewest for _, _, fewest, _ in causes._GROUPINGS]
