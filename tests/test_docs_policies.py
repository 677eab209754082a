"""docs/policies.md tells the truth: its snippets are loaded, its examples are run, its tables are held against the code."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from auditor.alike import Pair
from auditor.cli.exits import Exit, guarded
from auditor.cli.root import audit
from auditor.compare import compare_match
from auditor.comparison import Match, Normal
from auditor.condition_functions import FUNCTIONS
from auditor.conditions import _VARIABLES, MAX_DEPTH, MAX_ITEMS, MAX_LENGTH
from auditor.config import load_config
from auditor.expect import BARE, Family
from auditor.expect_spec import WITH_ARGUMENT, read_expectation
from auditor.judge import judge
from auditor.messages import TEMPLATE_FIELDS
from auditor.model import MatchMethod
from auditor.policy import PackModel, available, load_policy
from auditor.policy_examples import Outcome, run_examples
from auditor.policy_rule import ExampleModel, RuleModel
from auditor.registry import Registry
from auditor.rules import Policy
from auditor.value_types import TYPES
from tests.factories import ENV_FILE, NOW, PROD, STAGING, comparison, normal

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "policies.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
POLICIES = [block for block in BLOCKS if block.startswith(("policy:", "- id:"))]
CONFIGURATIONS = [block for block in BLOCKS if block not in POLICIES]
ENVIRONMENTS = "environments:\n" + "".join(
    f"  {name}: {{sources: [{{collector: files, path: {name}}}]}}\n" for name in ("staging", "prod")
)
# A value that each expectation is not met by, alone or on both sides, and one that it is met by.
BAD_AND_GOOD: dict[str, tuple[Any, Any]] = {
    "differ": ("acme", "acme"),
    "own_secrets": ("amqp://a:{secret:0123456789abcdef}@mq", "amqp://a@mq"),
    "qualified": ("orders-prod", "orders-prod"),
    "subset": (["a"], []),
    "superset": (["a"], []),
    "no_placeholder": ("changeme", "acme"),
    "immutable_tag": ("acme/api:latest", "acme/api:1.4.0"),
    "equal: true": (False, True),
    "differ: debug": ("debug", "info"),
    "one_of: [info, warning]": ("debug", "info"),
    'matches: "^arn:aws:"': ("orders", "arn:aws:sns:eu-west-1:111122223333:orders"),
    "at_least: 7": (3, 7),
    "at_most: 0.01": (3, 0),
    "max_age: 90d": ("2020-01-01T00:00:00+00:00", "2025-12-20T00:00:00+00:00"),
    "ratio: {min: 0.25, max: 1}": (8, 8),
    "no_reference_to: prod": ("db.prod.acme.example", "db.acme.example"),
    'cel: "left.value <= right.value"': (3, 3),
}


def policy(block: str, folder: Path) -> Policy:
    """A block as a policy: a whole file as it is, a list of rules in a file of its own."""
    file = folder / "snippet.yaml"
    file.write_text(block if block.startswith("policy:") else f"policy: snippet\nrules:\n{block}")
    return load_policy([str(yaml.safe_load(file.read_text())["policy"])], [file])


def written(block: str, folder: Path) -> list[Outcome]:
    """What came of the examples of a block."""
    rules = policy(block, folder)
    return list(run_examples(rules, [rule for rule in rules.rules if rule.file == str(folder / "snippet.yaml")]))


def first_words(block: str) -> str:
    """The id of a block's first rule."""
    return str(re.findall(r"- id: (\S+)", block)[0])


@pytest.mark.parametrize("block", POLICIES, ids=first_words)
def test_every_example_on_the_page_holds(block: str, tmp_path: Path) -> None:
    """Each snippet loads, and the policy says of each example what stands beside it."""
    outcomes = written(block, tmp_path)
    assert outcomes
    assert [str(outcome) for outcome in outcomes if not outcome.passed] == []


@pytest.mark.parametrize("block", CONFIGURATIONS)
def test_every_piece_of_configuration_on_the_page_is_valid(block: str, tmp_path: Path) -> None:
    """With environments added, it is an auditor.yaml without mistakes."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "acme.yaml").write_text(POLICIES[0])
    (tmp_path / "auditor.yaml").write_text(ENVIRONMENTS + block)
    config = load_config(tmp_path / "auditor.yaml", registry=Registry.load(), environ={})
    assert load_policy(config.pair("staging", "prod").policies, config.policies).names == ("acme",)


def test_every_expectation_is_shown_in_a_snippet(tmp_path: Path) -> None:
    """Whatever a rule can expect has a rule with an example on this page."""
    rules = [rule for block in POLICIES for rule in policy(block, tmp_path).rules if rule.policy == "snippet"]
    shown = {(rule.expect.name, rule.expect.argument is not None) for rule in rules if rule.examples}
    assert {name for name, argued in shown if not argued} == set(BARE)
    assert {name for name, argued in shown if argued} | {"equal"} == set(WITH_ARGUMENT)


def table(header: str) -> list[list[str]]:
    """The rows of the table whose first line begins with `header`, cell by cell."""
    (body,) = re.findall(rf"^{re.escape(header)}.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, flags=re.MULTILINE)
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in body.rstrip("\n").split("\n")]


def names(header: str) -> set[str]:
    """All that the first column of a table names in code."""
    return {word for row in table(header) for code in re.findall(r"`([^`]+)`", row[0]) for word in code.split("(")[:1]}


def test_every_key_of_a_file_a_rule_and_an_example_is_documented() -> None:
    """The keys are those of the models; a rule's stand in a table of their own."""
    assert names("| key | default") == {field.alias or name for name, field in RuleModel.model_fields.items()}
    for name in (*PackModel.model_fields, *ExampleModel.model_fields):
        assert f"`{name}`" in PAGE, name


def test_every_type_pack_and_field_of_a_template_is_documented() -> None:
    """What `values` takes, what ships, and what a remediation may hold."""
    (types,) = re.findall(r"told by how they look: (.*?)\. Every side", PAGE, flags=re.DOTALL)
    assert set(re.findall(r"`(\w+)`", types)) == set(TYPES)
    assert names("| pack |") == {pack.name for pack in available() if pack.shipped}
    (remediation,) = re.findall(r"## Remediations\n(.*?)\n## ", PAGE, flags=re.DOTALL)
    parts = {field.rpartition(".")[2] for field in TEMPLATE_FIELDS} | {"left", "right", "behind", "ahead"}
    assert set(re.findall(r"\b[a-z]+\b", " ".join(re.findall(r"`([^`]*)`", remediation)))) == parts


def test_every_variable_function_and_limit_of_conditions_is_documented() -> None:
    """What an expression may name, and how long it may be."""
    assert names("| variable |") == _VARIABLES
    assert names("| function |") == set(FUNCTIONS)
    assert f"{MAX_LENGTH} characters" in PAGE
    assert f"{MAX_DEPTH} deep" in PAGE
    assert f"{MAX_ITEMS:,} items" in " ".join(PAGE.split())


EXPECTATIONS = table("| `expect` |")


def test_the_table_of_expectations_is_complete() -> None:
    """Each word once, and each that takes an argument with one."""
    spelled = [yaml.safe_load(row[0].strip("`")) for row in EXPECTATIONS]
    assert sorted(word for word in spelled if isinstance(word, str)) == sorted(BARE)
    assert sorted(name for word in spelled if isinstance(word, dict) for name in word) == sorted(WITH_ARGUMENT)


def said(expect: str, left: Any, right: Any, folder: Path) -> str:
    """Which rule decides one place: `rule`, `next` (the one before it) or `nothing`."""
    sides = {side: value for side, value in (("left", left), ("right", right)) if value is not None}
    rule = {"id": "asked", "about": "It is asked", "path": "db_host", "expect": yaml.safe_load(expect)}
    example = {"kind": "env.file", "path": "db_host", "verdict": "ok", **sides}
    (outcome,) = written(yaml.safe_dump([{**rule, "examples": [example]}], sort_keys=False), folder)
    return {None: "nothing", "snippet/asked": "rule", "built-in/unclassified": "next"}[outcome.decided_by]


@pytest.mark.parametrize("row", EXPECTATIONS, ids=[row[0] for row in EXPECTATIONS])
def test_what_becomes_of_a_value_on_one_side_only(row: list[str], tmp_path: Path) -> None:
    """The last two columns, by asking: of a bad value and, where the value itself is asked, of a good one."""
    expect = row[0].strip("`")
    bad, good = BAD_AND_GOOD.get(expect, ("1.2.3", "1.2.3"))
    check = read_expectation(yaml.safe_load(expect)).family is Family.CHECK
    for place, claim in ((0, row[3]), (1, row[4])):
        found = [
            said(expect, None, value, tmp_path) if place == 0 else said(expect, value, None, tmp_path)
            for value in (bad, good)
        ]
        if claim == "asked":
            # A check that is met says nothing about the difference.
            assert found == ["rule", "next" if check else "nothing"], claim
        else:
            assert found[0] == {"finding": "rule", "met": "nothing", "next": "next"}[claim], claim


@pytest.mark.parametrize("row", [row for row in EXPECTATIONS if row[2]], ids=lambda row: str(row[0]))
def test_what_a_failed_check_says(row: list[str], tmp_path: Path) -> None:
    """The sentence about a value that is wrong on both sides ends as the table says."""
    expect = row[0].strip("`")
    left = right = BAD_AND_GOOD[expect][0]
    if expect == "qualified":
        left, right = "orders", "orders-prod"
    body = yaml.safe_dump(
        [{"id": "asked", "about": "It is asked", "path": "db_host", "expect": yaml.safe_load(expect)}]
    )
    told = [normal({"db_host": value}, kind=ENV_FILE) for value in (left, right)]
    ours, theirs = (
        Normal(one.resource, one.kind, one.identity, one.form, one.raw, digest)
        for one, digest in zip(told, "lr", strict=True)
    )
    found = compare_match(Match(ours, theirs, MatchMethod.IDENTITY, 1.0), Pair(STAGING, PROD))
    (breach,) = judge(comparison(found), policy(body, tmp_path), STAGING, PROD, NOW).breaches
    assert found.differences == ()
    assert breach.message.endswith(row[2])


def test_the_chain_on_the_page_is_what_explain_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two dotenv files under the first policy of the page, from the audit to the explanation."""
    monkeypatch.chdir(tmp_path)
    for folder, text in (("staging", "60"), ("prod", "300")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "app.env").write_text(f"CACHE_TTL={text}\n")
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "acme.yaml").write_text(POLICIES[0])
    (tmp_path / "auditor.yaml").write_text(ENVIRONMENTS + CONFIGURATIONS[0])
    assert guarded(audit, ["policy", "test", "acme"]) == Exit.PARITY
    tested = capsys.readouterr().out
    assert f"$ audit policy test acme\n{tested}" in PAGE
    assert guarded(audit, ["now", "staging", "prod"]) == Exit.FINDINGS
    capsys.readouterr()
    (printed,) = re.findall(r"^```\n(HIGH .*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    (finding,) = re.findall(r"finding ([0-9a-f]{32})", printed)
    assert guarded(audit, ["explain", finding]) == Exit.PARITY
    # A long path to the file is wrapped.
    explained = " ".join(capsys.readouterr().out.replace(f"{tmp_path}/", "").split())
    assert explained.startswith(" ".join(printed.split()))


def test_the_counter_of_blocks_sees_them_all() -> None:
    """Every fenced block that says it is YAML is taken: none is written in a way that escapes the tests."""
    numbered = count(1)
    marked = [next(numbered) for line in PAGE.splitlines() if line.strip() == "```yaml"]
    assert len(marked) == len(BLOCKS) == len(POLICIES) + len(CONFIGURATIONS)
