"""What an expression of a rule may cost, what is wrong with one, and what becomes of one that has no answer."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from auditor.conditions import MAX_ITEMS, MAX_TOKENS, compile_condition
from tests.factories import ENV_FILE, judged, policy_of

RULE = """
rules:
  - id: any
    about: Something differs
    path: "**"
    expect: equal
  - id: asked
    about: Asked of a value
    path: "**"
    where: {where}
    expect: equal
    severity: high
"""


def heard(text: str, **variables: object) -> tuple[bool, list[str]]:
    """What an expression says of the variables, and what it tells."""
    told: list[str] = []
    return compile_condition(text).holds(variables, told.append), told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("+".join(["1"] * 600), f"has more than {MAX_TOKENS} words and signs"),
        ("! " * 30 + "true", "is nested more than 24 deep"),
        ('r"\\" == key || ' + "(" * 30 + "true" + ")" * 30, "is nested more than 24 deep"),
        ("key == 'a' // it's a comment\n || " + "(" * 30 + "true" + ")" * 30, "is nested more than 24 deep"),
        ("left.vlaue == 1", r"asks for `left.vlaue`, which does not exist; did you mean `value`\?"),
        ("resource.name == 'a'", "asks for `resource.name`, which does not exist; known: component, identity, kind"),
        ("left.raw.startswith('a')", r"calls `startswith`, which no value has; did you mean `startsWith`\?"),
        ("sme_family(left.raw, right.raw)", r"which is no function here; did you mean `same_family`\?"),
        (
            "has(left.value) && left.raw.matches('a(')",
            "looks for 'a\\(', which is no regular expression: unclosed group",
        ),
        ('matches(key, r"(?<!x)y")', "which is no regular expression: look-around, .* is not supported"),
        ("lft.raw == 'a'", r"names `lft`, which is no variable here; did you mean `left`\?"),
    ],
)
def test_a_wrong_or_too_large_expression_is_refused_in_words(text: str, message: str) -> None:
    """Also where a raw text or a comment would hide a bracket from somebody who counts them carelessly."""
    with pytest.raises(ValueError, match=message):
        compile_condition(text)


def test_what_a_loop_calls_its_items_is_no_variable_of_ours() -> None:
    """Its fields are the data's own."""
    assert heard("left.value.exists(item, item.name == 'a')", left={"value": [{"name": "a"}]}) == (True, [])


LARGEST = """
import sys, threading
sys.path.insert(0, {folder!r})
from auditor.conditions import MAX_TOKENS, compile_condition
names = MAX_TOKENS // 2
texts = ["+".join(["1"] * names), "==".join(["1"] * (names // 2)), "left" + ".value" + "[0]" * 300, "&&".join(["true"] * 330)]
texts += ["[" * 24 + "]" * 24 + " == []", "-1" * 400 + " > 0", "left.value" + ".size()" * 240]
def run():
    for text in texts:
        compile_condition(text).holds({{"left": {{"value": []}}}})
    print("all answered")
threading.stack_size(512 * 1024)
thread = threading.Thread(target=run)
thread.start()
thread.join()
"""


def test_the_largest_expressions_that_are_let_in_end_no_process() -> None:
    """On a thread with a sixteenth of the usual stack, where chains of ten times the length crash the library."""
    folder = str(Path(__file__).parent.parent)
    command = [sys.executable, "-c", LARGEST.format(folder=folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "all answered"), done.stderr


@pytest.mark.parametrize(
    ("text", "items", "allowed"),
    [
        ("left.value.all(x, x >= 0)", MAX_ITEMS - 1, True),
        ("left.value.all(x, x >= 0)", MAX_ITEMS + 1, False),
        ("left.value.all(x, left.value.all(y, x + y >= 0))", 60, True),
        ("left.value.all(x, left.value.all(y, y >= x || x >= y))", 500, True),
        ("left.value.all(x, left.value.all(y, y >= x || x >= y))", 501, False),
        ("left.value.map(x, x).all(x, x >= 0)", 501, False),
        ("left.value.filter(x, x > 0).map(y, y).size() >= 0", 500, True),
        ("size(left.value) > 0", MAX_ITEMS - 1, True),
    ],
)
def test_the_cost_of_loops_is_bounded_before_they_run(text: str, items: int, allowed: bool) -> None:
    """A loop in a loop walks fewer items, and so does one that builds a list; what is too much is false, and told."""
    started = time.process_time()
    holds, told = heard(text, left={"value": list(range(items))})
    assert holds is allowed
    assert bool(told) is not allowed
    assert time.process_time() - started < 2


def test_long_texts_count_where_they_are_searched_in_a_loop() -> None:
    """Ten thousand searches of a hundred thousand characters would take seconds."""
    text = "left.value.all(x, !left.raw.matches('(x+x+)+y'))"
    assert heard(text, left={"value": list(range(9000)), "raw": "x" * 100_000}) == (
        False,
        ["its loops would take more than 250,000 steps over 9,000 items"],
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("left.value < 5", "it compares or combines values of types that do not go together"),
        ("left.attributes.contains('a')", "`contains` cannot be asked of a value of this type"),
        ("left.raw.matches('(' + '(')", "`matches` failed: '((' not a valid regex:"),
        ("size(left.raw) / size(left.tags) > 1", "it divides by zero"),
        ("int(left.raw) == 1", "`int` failed: string parse error"),
    ],
)  # fmt: skip
def test_an_expression_without_an_answer_is_false_and_says_why(text: str, why: str) -> None:
    """Types that do not go together, a wrong pattern, a division by zero: none of them stops an audit."""
    holds, (told,) = heard(text, left={"value": "auto", "raw": "auto", "tags": {}, "attributes": {}})
    assert holds is False
    assert told.startswith(why)


@pytest.mark.parametrize(
    "text", ["left.tags.tier == 'a'", "left.value < 5", "order(left.raw, right.raw) < 0", "path[7] == 'a'"]
)
def test_what_is_missing_or_null_makes_it_false_without_a_word(text: str) -> None:
    """That is how rules are written; nobody made a mistake."""
    side = {"value": None, "raw": "one", "tags": {}}
    assert heard(text, left=side, right={"raw": "two"}, path=[]) == (False, [])


@pytest.mark.parametrize("text", ["left.value < 5", "size(left.value) == 1", "string(left.value) == '1'"])
def test_what_was_answered_before_is_answered_alike_and_told_anew(text: str) -> None:
    """Though some values are equal that are not the same, and though what had no answer is asked again."""
    asked = compile_condition(text)
    values: list[object] = [1, True, 1.0, "1", [1], [True], None, 7, 7.0, "a", {}, {"value": 1}]
    for value in (*values, *reversed(values), *values):
        told: list[str] = []
        side = {"value": value}
        assert (asked.holds({"left": side}, told.append), told) == heard(text, left=side)


def test_an_audit_notes_once_per_rule_what_had_no_answer(tmp_path: Path) -> None:
    """With file, line, how often, and the first place; the rule before it decides meanwhile."""
    policy = policy_of(tmp_path, RULE.format(where="left.value > right.value"))
    found = judged({"A": 1, "B": 2, "C": 9}, {"A": "x", "B": "y", "C": 3}, policy, kind=ENV_FILE)
    assert [(breach.path, breach.rule.id) for breach in found.breaches] == [
        (("C",), "asked"),
        (("A",), "any"),
        (("B",), "any"),
    ]
    (note,) = found.notes
    assert note == (
        f"`where` of test/asked ({tmp_path}/test.yaml:8) had no answer and counted as false, 2 times, first for env.file "
        "orders-staging A: it compares or combines values of types that do not go together"
    )


def test_an_expectation_without_an_answer_is_noted_too(tmp_path: Path) -> None:
    """It counts as not met, which is the finding, and the note says that nothing was compared."""
    text = RULE.format(where="'true'").replace(
        "expect: equal\n    severity: high", "expect: {cel: left.value / 0 == 1}"
    )
    found = judged({"A": 1}, {"A": 2}, policy_of(tmp_path, text), kind=ENV_FILE)
    assert [breach.rule.id for breach in found.breaches] == ["asked"]
    assert found.notes[0].startswith("`expect` of test/asked")
    assert found.notes[0].endswith("it divides by zero")


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("left.value == 'a'", True),
        ("left['value'] == 'a'", True),
        ("left['raw'] == right['raw']", False),
        ("'value' in left && !('nothing' in right)", True),
        ("'present' in right && right['present']", True),
        ("size(left) > 3", True),
        ("left == right", False),
        ("left != right", True),
        ("left.exists(name, name == 'identity')", True),
        ("left['tags'] == right.tags", True),
        ("(left).value == 'a'", True),
        ("[left, right].exists(side, side['environment'] == 'prod')", True),
        ("key == 'LEVEL' && path == ['LEVEL']", True),
        ("separate_accounts || now > timestamp('2020-01-01T00:00:00Z')", True),
    ],
)
def test_a_side_may_be_asked_for_anything_however_it_is_asked(tmp_path: Path, text: str, holds: bool) -> None:
    """By the name of a field, by its text, or as a whole; what is not named is not built, and nobody sees that."""
    policy = policy_of(tmp_path, RULE.format(where=json.dumps(text)))
    found = judged({"LEVEL": "a"}, {"LEVEL": "b"}, policy, kind=ENV_FILE)
    assert [breach.rule.id for breach in found.breaches] == (["asked"] if holds else ["any"])
    assert found.notes == ()
