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
