"""`audit token`: API tokens for the page and the API of `audit serve`."""

from __future__ import annotations

import getpass
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from auditor.cli import setup, write
from auditor.cli.options import choice_of_data, config_option, output_option

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from auditor.credentials import Actor, ApiToken

_SCOPES = ("read", "act", "admin")
_NEVER = "never"


@click.group()
def token() -> None:
    """Give and take back access to the page and the API: see docs/access.md.

    Works on the store, so whoever may write to that may do this.
    """


@token.command()
@click.argument("name")
@config_option
@click.option(
    "--scope",
    type=click.Choice(_SCOPES),
    default="read",
    show_default=True,
    help="What it may do: see everything; also waive, acknowledge and ask for audits; also give access.",
)
@click.option("--expires", default="90d", show_default=True, metavar="DURATION", help="How long it lasts, or `never`.")
def create(name: str, config_file: Path, scope: str, expires: str) -> None:
    """Make a token for NAME, a person or a program, and print it. It is never shown again.

    A person enters it at /login; a program sends it as `Authorization: Bearer TOKEN`.
    """
    from auditor.credentials import CredentialError, Scope, issue
    from auditor.publish.spelling import instant

    lasts = _lasting(expires)
    config, _ = setup.configured(config_file)
    with setup.opened(config) as store:
        try:
            issued = issue(store, name, Scope(scope), lasts, setup.now(), _actor())
        except CredentialError as error:
            raise click.UsageError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
    until = f"until {instant(issued.token.expires_at)}" if issued.token.expires_at else "without an end"
    write.note(f"A token for {issued.token.name} with the scope {scope}, {until}. It is shown this once only:")
    write.data(issued.text)
    if not config.serve.auth.tokens:
        write.note("It lets nobody in yet: add `auth: {tokens: true}` to `serve` in the configuration.")


@token.command("list")
@config_option
@click.option("--all", "every", is_flag=True, help="Also those that are expired or revoked.")
@choice_of_data
@output_option
def list_(config_file: Path, every: bool, format_: str, output: Path | None) -> None:
    """List tokens: whose they are, what they may do, until when, and when each was used last."""
    config, _ = setup.configured(config_file)
    now = setup.now()
    with setup.opened(config) as store:
        listed = [one for one in store.tokens() if every or one.state(now) == "active"]
    if format_ == "json":
        from auditor.publish.lists import token_object

        write.as_json([token_object(one, now) for one in listed], output)
    else:
        write.data(_table(listed, now), output)


@token.command()
@click.argument("token_name", metavar="TOKEN")
@config_option
def revoke(token_name: str, config_file: Path) -> None:
    """Take back TOKEN (its id, or its name where only one has it), and end the sessions it opened, at once."""
    from auditor.credentials import revoke as take_back

    config, _ = setup.configured(config_file)
    now = setup.now()
    with setup.opened(config) as store:
        found = take_back(store, _named(store.tokens(), token_name, now), now, _actor())
    write.data(f"Revoked the token {found.name} ({found.id}).")


def _named(tokens: Sequence[ApiToken], text: str, now: datetime) -> ApiToken:
    exact = [one for one in tokens if one.id == text]
    found = exact or [one for one in tokens if one.name == text and one.state(now) == "active"]
    if not found:
        raise click.UsageError(f"There is no active token {text!r}: see `audit token list`.")
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        raise click.UsageError(f"Several tokens are called {text!r}: name one by its id ({ids}).")
    return found[0]


def _actor() -> Actor:
    from auditor.credentials import Actor

    try:
        return Actor(getpass.getuser(), "cli")
    except (KeyError, OSError):  # a container's user has no name
        return Actor("cli", "cli")


def _lasting(text: str) -> timedelta | None:
    from auditor.durations import parse_duration

    if text == _NEVER:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}: write it such as 12h, 90d, or never", param_hint="--expires") from error


def _table(listed: Sequence[ApiToken], now: datetime) -> str:
    from auditor.publish.spelling import instant

    if not listed:
        return "No tokens."
    rows = [
        (
            one.id,
            one.name,
            one.scope.value,
            one.state(now),
            instant(one.expires_at) if one.expires_at else "never",
            instant(one.used_at) if one.used_at else "never",
            f"{one.created_by}, {instant(one.created_at)}",
        )
        for one in listed
    ]
    return write.columns(("TOKEN", "NAME", "SCOPE", "STATE", "EXPIRES", "LAST USED", "CREATED"), rows)
