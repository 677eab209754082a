"""`audit policy`: listing packs, and running the examples beside rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome

    Run = Callable[..., Outcome]

EXAMPLES = """
    examples:
      - {{kind: env.file, path: LOG_LEVEL, left: debug, right: info, verdict: {verdict}}}
"""


def test_own_policies_come_before_those_that_ship(company: Path, run: Run) -> None:
    """The list names the house's own file and the pack called default."""
    packs = json.loads(run("policy", "list", "--format", "json").out)
    assert (packs[0]["name"], packs[0]["rules"], packs[0]["ships"]) == ("house", 3, False)
    assert "default" in [pack["name"] for pack in packs if pack["ships"]]
    assert "What this house cares about" in run("policy", "list").out


def test_what_ships_is_listed_without_a_configuration(tmp_path: Path, run: Run) -> None:
    """Reading the packs needs no auditor.yaml."""
    packs = json.loads(run("policy", "list", "--config", str(tmp_path / "none.yaml"), "--format", "json").out)
    assert {pack["ships"] for pack in packs} == {True}


def test_an_example_that_holds_passes_and_one_that_does_not_is_told_with_its_line(company: Path, run: Run) -> None:
    """The verdict of the whole pack against the author's, code 1 when they differ."""
    rules = (company / "rules" / "house.yaml").read_text()
    broken = rules.replace("    severity: high\n", "    severity: high" + EXAMPLES.format(verdict="low"))
    fine = rules.replace("    severity: high\n", "    severity: high" + EXAMPLES.format(verdict="high"))
    (company / "rules" / "house.yaml").write_text(fine)
    outcome = run("policy", "test", "house")
    assert (outcome.code, outcome.out) == (0, "house: 1 of 1 examples are judged as expected\n")
    (company / "rules" / "house.yaml").write_text(broken)
    outcome = run("policy", "test", "house")
    assert outcome.code == 1
    assert "house: 0 of 1 examples are judged as expected" in outcome.out
    assert "house.yaml:11: log-level: expected low, got high" in outcome.out


def test_linting_tells_what_can_never_match_and_counts_hits(company: Path, run: Callable[..., Outcome]) -> None:
    """With file and line; without a store it says what it could not do; what is certain fails."""
    (company / "deploy/staging/app.env").write_text("LOG_LEVEL=debug\nSAMPLING=10\n")
    before = run("policy", "lint")
    assert before.code == 0
    assert "There is no store yet" in before.out
    assert not (company / "auditor.db").exists()
    run("now", "staging", "prod")
    clean = run("policy", "lint", "--format", "json")
    document = json.loads(clean.out)
    assert document["observed"][0]["rules"]["house/log-level"] == {
        "places": 1,
        "spoke_of": 1,
        "decided": 1,
        "met": 0,
        "breached": 1,
        "overridden": 0,
        "overridden_by": [],
    }
    assert [remark["code"] for remark in document["remarks"]] == ["path-never-seen"]
    rules = company / "rules" / "house.yaml"
    rules.write_text(rules.read_text() + "  - {id: typo, about: Nothing, kind: env.fil, path: a, expect: equal}\n")
    failed = run("policy", "lint")
    assert failed.code == 1
    assert "error house/typo: no collector yields a kind `env.fil` [unknown-kind]" in failed.out
    assert "house.yaml:22" in failed.out
    rules.write_text("policy: house\nrules:\n  - {id: a, about: x, path: x, expect: nothing}\n")
    (company / "auditor.yaml").write_text((company / "auditor.yaml").read_text() + "waivers: ./waivers.yaml\n")
    (company / "waivers.yaml").write_text("waivers:\n  - {owner: ana}\n")
    broken = run("policy", "lint")
    assert broken.code == 1
    assert "`nothing` is nothing that can be expected" in broken.out
    assert "waivers.yaml:2" in broken.out
