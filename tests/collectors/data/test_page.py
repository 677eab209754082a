"""docs/data-safety.md keeps its word."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from auditor.config import load_config
from auditor.policy import load_policy
from auditor.policy_examples import run_examples
from auditor.registry import Registry
from collectors.data import meanings
from collectors.data.sampling import How

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "data-safety.md").read_text()
CONFIGURATION, POLICY = re.findall(r"^```yaml\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def first_column(header: str) -> set[str]:
    """What a table names in code in its first column."""
    (body,) = re.findall(rf"^\| {re.escape(header)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, flags=re.MULTILINE)
    return {name for row in body.splitlines() for name in re.findall(r"`([^`]+)`", row.split("|")[1])}


def test_the_configuration_on_the_page_is_valid(tmp_path: Path) -> None:
    """As it is printed, with its variables set."""
    file = tmp_path / "auditor.yaml"
    file.write_text(CONFIGURATION)
    urls = dict.fromkeys(re.findall(r"\$\{(\w+)\}", CONFIGURATION), "postgresql://auditor@db/shop")
    config = load_config(file, registry=Registry.load(), environ=urls)
    assert config.pair("staging", "prod").policies == ("default", "data-safety")


def test_the_policy_on_the_page_asks_what_its_examples_say(tmp_path: Path) -> None:
    """Both more and less than the one that ships."""
    (tmp_path / "acme-data.yaml").write_text(POLICY)
    outcomes = list(run_examples(load_policy(["acme-data"], [tmp_path])))
    own = [outcome for outcome in outcomes if outcome.rule.policy == "acme-data"]
    assert [str(outcome) for outcome in own if not outcome.passed] == []
    assert len(own) == 2


def test_every_rule_meaning_and_way_of_sampling_is_on_the_page() -> None:
    """And nothing that is not."""
    rules = {rule.id for rule in load_policy(["data-safety"]).rules if rule.environment is not None}
    assert first_column("rule") == rules - {"emails-few"}
    assert "`emails-few`" in PAGE
    told = {
        meanings.EMAIL,
        meanings.PHONE,
        meanings.CARD,
        meanings.IBAN,
        meanings.NATIONAL_ID,
        meanings.IP,
        meanings.NAME,
    }
    told |= {meanings.BIRTH_DATE, meanings.ADDRESS, meanings.LOGIN, meanings.CREDENTIAL, meanings.TEXT}
    assert first_column("`holds`") - {"holds"} == told
    assert {str(how) for how in How} <= set(re.findall(r"^\| ([a-z ]+) \|", PAGE, flags=re.MULTILINE))


def test_the_severities_and_numbers_on_the_page_are_the_packs() -> None:
    """Of each rule that the table names."""
    rules = {rule.id: rule for rule in load_policy(["data-safety"]).rules}
    rows = [row.split("|") for row in PAGE.splitlines() if row.count("|") == 4]
    told = {name: row[3].strip() for row in rows for name in re.findall(r"`([^`]+)`", row[1]) if name in rules}
    assert told == {name: rules[name].severity.value for name in told}
    assert yaml.safe_load(POLICY)["extends"] == ["default", "data-safety"]
