"""`audit policy`: which policies there are, and whether their rules say what their authors meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from auditor.cli import schema_commands, setup, write
from auditor.cli.backtest_command import backtest
from auditor.cli.exits import Exit
from auditor.cli.lint_command import lint
from auditor.cli.options import choice_of_data, config_option

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.policy_examples import Outcome
    from auditor.rules import Policy, Rule


@click.group()
def policy() -> None:
    """List, check, test and try out policies."""


policy.add_command(backtest)
policy.add_command(lint)
policy.add_command(schema_commands.policy)


@policy.command("list")
@config_option
@choice_of_data
def list_(config_file: Path, format_: str) -> None:
    """List the policies that can be named, your own first.

    Without a configuration file: the policies that ship.
    """
    from auditor.policy import available

    packs = available(_places(config_file))
    if format_ == "json":
        from auditor.publish.lists import pack_object

        write.as_json([pack_object(pack) for pack in packs])
        return
    rows = [
        (pack.name, str(pack.rules), ", ".join(pack.extends) or "-", "ships" if pack.shipped else pack.file, pack.about)
        for pack in packs
    ]
    write.data(write.columns(("POLICY", "RULES", "EXTENDS", "FROM", "ABOUT"), rows))


@policy.command()
@click.argument("names", nargs=-1, metavar="[POLICY]...")
@config_option
@choice_of_data
def test(names: tuple[str, ...], config_file: Path, format_: str) -> int:
    """Run the examples that stand beside the rules of each POLICY; of all of them by default.

    Exits 1 when an example is judged otherwise than its author expected.
    """
    from auditor.policy import available, load_policy
    from auditor.policy_examples import run_examples

    places = _places(config_file)
    wanted = names or tuple(pack.name for pack in available(places))
    policies = {name: load_policy((name,), places) for name in wanted}
    found = {name: list(run_examples(policy, _own(name, policy))) for name, policy in policies.items()}
    failed = any(not outcome.passed for outcomes in found.values() for outcome in outcomes)
    if format_ == "json":
        write.as_json({name: [_outcome(outcome) for outcome in outcomes] for name, outcomes in found.items()})
        return Exit.FINDINGS if failed else Exit.PARITY
    for name, outcomes in found.items():
        wrong = [str(outcome) for outcome in outcomes if not outcome.passed]
        right = len(outcomes) - len(wrong)
        write.data("\n".join((f"{name}: {right} of {len(outcomes)} examples are judged as expected", *wrong)))
    return Exit.FINDINGS if failed else Exit.PARITY


def _places(config_file: Path) -> tuple[Path, ...]:
    return setup.configured(config_file)[0].policies if config_file.exists() else ()


def _own(name: str, policy: Policy) -> list[Rule]:
    """The rules of the pack itself: a pack that overrides another makes that one's examples untrue, and may."""
    return [rule for rule in policy.rules if rule.policy == name]


def _outcome(outcome: Outcome) -> dict[str, object]:
    return {
        "rule": outcome.rule.id,
        "file": outcome.rule.file,
        "line": outcome.example.line,
        "expected": outcome.example.verdict,
        "verdict": outcome.verdict,
        "decided_by": outcome.decided_by,
        "passed": outcome.passed,
    }
