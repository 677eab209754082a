"""`audit waive`, `audit ack` and `audit waivers`: what people do about findings, and what is tolerated."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from auditor.cli import schema_commands, setup, write
from auditor.cli.options import choice_of_data, config_option, output_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime, timedelta
    from pathlib import Path

    from auditor.waivers import Waiver

_DEFAULT = "7d"
_MOST_NAMED = 3
_owner_option = click.option("--owner", help="Who answers for it.", show_default="$USER, or git's user.email")


@click.command()
@click.argument("findings", metavar="FINDING...", nargs=-1, required=True)
@config_option
@click.option("--reason", required=True, help="Why it is tolerated; shown with the finding.")
@click.option("--for", "lasts", help="How long, such as 12h or 7d.", show_default=_DEFAULT)
@click.option("--until", help="Until when: a date (its end, UTC), or a time such as 2026-12-31T18:00Z.")
@_owner_option
@click.option("--bind-values", is_flag=True, help="Only while the two values are what they are now.")
def waive(
    findings: tuple[str, ...],
    config_file: Path,
    reason: str,
    lasts: str | None,
    until: str | None,
    owner: str | None,
    bind_values: bool,
) -> None:
    """Tolerate FINDING... for a time: known, accepted, and of no more interest until then.

    FINDING is a fingerprint, or as much of it as is needed to tell it from others. Audits keep a waived finding waived,
    and open it again when the time is over. What is to be reviewed belongs in the waiver file instead.
    """
    from auditor import acts
    from auditor.notify import teller_of
    from auditor.waiver_file import waivers_of
    from auditor.waivers import moment

    if lasts and until:
        raise click.UsageError("--for and --until exclude each other.")
    end = _until(until) if until else _lasting(lasts or _DEFAULT)
    person = owner or _person()
    config, _ = setup.configured(config_file)
    longest = waivers_of(config, setup.now()).longest
    # Findings that are bound to their values are so each to its own.
    groups = [(finding,) for finding in findings] if bind_values else [findings]
    with setup.opened(config) as store, _refusals():
        for group in groups:
            teller = teller_of(config.publish)
            waiver = acts.waive(
                store, group, person, reason, setup.now(), end, "cli", bind_values, longest=longest, teller=teller
            )
            until_when = moment(waiver.expires_at)
            names = ", ".join(name[:8] for name in waiver.fingerprints)
            bound = ", while the values stay" if bind_values else ""
            write.data(f"Waived until {until_when}{bound}, in the name of {waiver.owner}: {names} (waiver {waiver.id})")


@click.command()
@click.argument("findings", metavar="FINDING...", nargs=-1, required=True)
@config_option
@click.option("--note", default="", help="What is done about it; kept in the finding's history.")
@_owner_option
def ack(findings: tuple[str, ...], config_file: Path, note: str, owner: str | None) -> None:
    """Acknowledge FINDING...: somebody looks after it, so it is silent until it is gone or gets worse.

    FINDING is a fingerprint, or as much of it as is needed to tell it from others.
    """
    from auditor import acts
    from auditor.notify import teller_of

    person = owner or _person()
    config, _ = setup.configured(config_file)
    with setup.opened(config) as store, _refusals():
        found = acts.acknowledge(store, findings, person, setup.now(), note, teller_of(config.publish))
    write.data(f"Acknowledged, in the name of {person}: {', '.join(stored.fingerprint[:8] for stored in found)}")


@click.group(invoke_without_command=True)
@config_option
@click.option("--expired", is_flag=True, help="Also those that people made and that are expired or revoked.")
@choice_of_data
@output_option
@click.pass_context
def waivers(context: click.Context, config_file: Path, expired: bool, format_: str, output: Path | None) -> None:
    """List what is tolerated: by whom, why, until when, and how many findings each waiver covers now.

    Lists what is in force, and what is expired but still stands in the waiver file.
    """
    if context.invoked_subcommand is not None:
        return
    from auditor.model import Status
    from auditor.waiver_file import waivers_of
    from auditor.waivers import in_force, matched

    config, _ = setup.configured(config_file)
    now = setup.now()
    written = waivers_of(config, now).waivers
    with setup.opened(config) as store:
        made = store.waivers()
        unresolved = [status for status in Status if status is not Status.RESOLVED]
        breaches = [stored.breach for stored in store.findings(status=unresolved)]
    listed = [*written, *(waiver for waiver in made if expired or in_force(waiver, now))]
    listed.sort(key=lambda waiver: (waiver.ended_at, waiver.id))
    found = matched(listed, breaches)
    if format_ == "json":
        from auditor.publish.lists import waiver_object

        write.as_json([waiver_object(waiver, found[waiver.id], now) for waiver in listed], output)
        return
    write.data(_table(listed, found, now), output)


waivers.add_command(schema_commands.waivers)


@waivers.command()
@click.argument("waiver")
@config_option
@_owner_option
@click.pass_context
def revoke(context: click.Context, waiver: str, config_file: Path, owner: str | None) -> None:
    """Take back WAIVER (its id, or the beginning of it): what nothing else covers is open again at once.

    Waivers of the waiver file are removed there.
    """
    from auditor import acts
    from auditor.notify import teller_of
    from auditor.waiver_file import waivers_of

    # `audit waivers --config FILE revoke ID` means that file, too.
    if context.get_parameter_source("config_file") is ParameterSource.DEFAULT and context.parent is not None:
        config_file = context.parent.params["config_file"]
    person = owner or _person()
    config, _ = setup.configured(config_file)
    written = waivers_of(config, setup.now()).waivers
    with setup.opened(config) as store, _refusals():
        given = acts.revoke(store, waiver, person, setup.now(), written, teller_of(config.publish))
    write.data(f"Revoked the waiver {given.id} of {given.owner}.")


@contextmanager
def _refusals() -> Iterator[None]:
    """What cannot be done is a mistake of the person who asked for it."""
    from auditor.acts import ActError

    try:
        yield
    except ActError as error:
        raise click.UsageError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error


def _lasting(text: str) -> timedelta:
    from auditor.durations import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}: write it such as 30m, 24h or 7d", param_hint="--for") from error


def _until(text: str) -> datetime:
    from auditor.waiver_file import last_instant

    try:
        return last_instant(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--until") from error


def _person() -> str:
    """Who is at the keyboard, as far as the machine knows."""
    name = os.environ.get("USER", "").strip()
    git = shutil.which("git")
    if not name and git:
        asked = subprocess.run([git, "config", "user.email"], capture_output=True, text=True, check=False)
        name = asked.stdout.strip()
    if not name:
        raise click.UsageError("Say who answers for it: --owner NAME.")
    return name


def _table(listed: list[Waiver], found: Mapping[str, int], now: datetime) -> str:
    from auditor.publish.spelling import brief, count
    from auditor.waivers import moment, state, states

    if not listed:
        return "No waivers."
    rows = [
        (
            waiver.id,
            state(waiver, now).value,
            moment(waiver.ended_at),
            brief(waiver.owner, 40),
            str(found[waiver.id] or "none"),
            brief(_covered(waiver), 100),
            f"{brief(waiver.reason)} ({waiver.origin})",
        )
        for waiver in listed
    ]
    numbers = [f"{number} {name.value}" for name, number in states(listed, now).items() if number]
    idle = sum(1 for waiver in listed if not found[waiver.id])
    numbers += [f"{idle} matching nothing"] if idle else []
    table = write.columns(("WAIVER", "STATE", "UNTIL", "OWNER", "FINDINGS", "COVERS", "REASON"), rows)
    return f"{table}\n\n{count(len(listed), 'waiver')}: {', '.join(numbers)}"


def _covered(waiver: Waiver) -> str:
    """What a waiver names, in words."""
    names = [name[:8] for name in waiver.fingerprints[:_MOST_NAMED]]
    more = len(waiver.fingerprints) - len(names)
    parts = [" ".join(names) + (f" and {more} more" if more else "")] if names else []
    named = {"rule": waiver.rule, "kind": waiver.kind, "resource": waiver.identity, "path": waiver.path}
    parts += [f"{what} {text}" for what, text in named.items() if text is not None]
    if waiver.left or waiver.right:
        parts.append(f"{waiver.left or 'any'} against {waiver.right or 'any'}")
    return ", ".join(parts) + (", while the values stay" if waiver.values else "")
