"""`audit config`: is the configuration right, and what may stand in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from auditor.cli import write
from auditor.cli.exits import Exit, debug_option
from auditor.cli.options import config_option, output_option
from auditor.cli.setup import configured, now

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.config import Config


@click.group()
def config() -> None:
    """Check the configuration, or print its schema."""


@config.command()
@config_option
@click.option(
    "--online", is_flag=True, help="Ask every source, too: its credentials and permissions, as `audit doctor`."
)
def check(config_file: Path, online: bool) -> int:
    """Say whether the configuration, its policies and its waivers are right, or everything that is wrong with them.

    Without --online nothing is asked of any source: this proves the files, not the credentials.
    """
    loaded, registry = configured(config_file)
    _check_files(loaded)
    write.data("\n".join(_summary(loaded)))
    if not online:
        return Exit.PARITY
    from auditor.cli.doctor_command import examined
    from auditor.doctor import Sight
    from auditor.publish.doctor import table

    found = examined(loaded, registry)
    write.data("")
    write.data(table(found, width=write.width(None), color=write.colours(None)).rstrip())
    return Exit.PARITY if all(one.sight is Sight.WHOLE for one in found) else Exit.INCOMPLETE


@config.command()
@debug_option
@output_option
def schema(output: Path | None) -> None:
    """Print the JSON Schema of auditor.yaml, with the options of every collector, for editors."""
    from auditor.registry import Registry
    from auditor.settings import json_schema

    options = {collector.name: collector.options.model_json_schema() for collector in Registry.load().collectors}
    write.as_json(json_schema(options), output)


def _check_files(config: Config) -> None:
    """Read every rule that a pair is judged by, and every waiver. Raises ConfigError with all mistakes, each once."""
    from auditor.errors import ConfigError, Problem
    from auditor.policy import load_policy
    from auditor.waiver_file import waivers_of

    problems: dict[Problem, None] = {}
    for names in dict.fromkeys(pair.policies for pair in config.pairs):
        try:
            load_policy(names, config.policies)
        except ConfigError as error:
            problems.update(dict.fromkeys(error.problems))
    try:
        waivers_of(config, now())
    except ConfigError as error:
        problems.update(dict.fromkeys(error.problems))
    if problems:
        raise ConfigError(list(problems))


def _summary(config: Config) -> list[str]:
    from auditor.publish.spelling import brief, count
    from auditor.waiver_file import waivers_of
    from auditor.waivers import WaiverState, moment, state

    lines = [f"OK: {config.file}"]
    for name, environment in config.environments.items():
        following = config.promotes_to.get(name)
        lines.append(f"  environment {name}" + (f", promotes to {following}" if following else ""))
        lines += [f"    source {source.label}" for source in environment.sources]
    for pair in config.pairs:
        when = f", scheduled {pair.schedule}" if pair.schedule else ""
        lines.append(f"  pair {pair.left} against {pair.right} under {', '.join(pair.policies)}{when}")
    if config.waivers:
        written, at = waivers_of(config, now()).waivers, now()
        lines.append(f"  {count(len(written), 'waiver')} in {config.waivers.name}")
        words = {WaiverState.EXPIRED: "expired", WaiverState.EXPIRING: "expires"}
        lines += [
            f"    {waiver.origin}: that of {brief(waiver.owner)} {words[stands]} on {moment(waiver.expires_at)}"
            for waiver in written
            if (stands := state(waiver, at)) in words
        ]
    if len(config.environments) == 1:
        lines.append("  one environment only: add the one that it is to be compared with")
    elif not config.pairs:
        first, second = tuple(config.environments)[:2]
        lines.append(f"  no pairs: compare any two with `audit now {first} {second}`")
    return lines
