"""`audit init`: write a configuration by asking, or from flags."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

import click

from auditor.cli import write
from auditor.cli.init_text import Planned, text
from auditor.cli.options import config_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@click.command()
@config_option
@click.option("--environment", "names", multiple=True, metavar="NAME", help="An environment, from first to production.")
@click.option("--pair", "pairs", multiple=True, metavar="LEFT:RIGHT", help="Two environments that are meant to match.")
@click.option("--alias", "aliases", multiple=True, metavar="ENV=WORD", help="One more word that means it.")
@click.option("--aws-profile", "profiles", multiple=True, metavar="ENV=PROFILE", help="Read AWS with this profile.")
@click.option("--region", "regions", multiple=True, metavar="REGION", help="An AWS region to read, in all of them.")
@click.option("--files", "files", multiple=True, metavar="ENV=FOLDER", help="Read the files below this folder.")
@click.option("--http", "http", multiple=True, metavar="ENV=SERVICE=URL", help="Read a version endpoint.")
@click.option("--postgres", "postgres", multiple=True, metavar="ENV=VARIABLE", help="Read the database at $VARIABLE.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def init(
    config_file: Path,
    names: tuple[str, ...],
    pairs: tuple[str, ...],
    aliases: tuple[str, ...],
    profiles: tuple[str, ...],
    regions: tuple[str, ...],
    files: tuple[str, ...],
    http: tuple[str, ...],
    postgres: tuple[str, ...],
    yes: bool,
    force: bool,
) -> None:
    """Write a commented auditor.yaml by asking, or from flags.

    \b
    audit init --environment staging --environment prod \\
               --aws-profile staging=acme-staging --aws-profile prod=acme-prod --region eu-west-1
    """
    if config_file.exists() and not force:
        raise click.UsageError(f"{config_file} is there already. Use --force to replace it.")
    asking = not yes and sys.stdin.isatty()
    chosen = list(dict.fromkeys(names)) or (_ask_names() if asking else ["staging", "prod"])
    planned = {name: Planned(name, promotes_to=following) for name, following in _chain(chosen)}
    _fill(planned, "--alias", aliases, lambda environment, word: environment.aliases.append(word))
    _fill(planned, "--aws-profile", profiles, _use_profile)
    _fill(planned, "--files", files, lambda environment, folder: environment.files.append(folder))
    _fill(planned, "--http", http, _use_endpoint)
    _fill(planned, "--postgres", postgres, _use_database)
    for environment in planned.values():
        if asking and environment.empty:
            _ask_sources(environment, regions)
        environment.regions = list(regions) or environment.regions
    _refuse_empty(planned.values())
    _write(config_file, text(list(planned.values()), _pairs(pairs, chosen)), planned.values())


def _chain(names: list[str]) -> list[tuple[str, str | None]]:
    return list(zip(names, [*names[1:], None], strict=True))


def _pairs(given: tuple[str, ...], names: list[str]) -> list[tuple[str, str]]:
    """The pairs that were asked for; by default each environment against the one that it promotes to."""
    if not given:
        return [(left, right) for left, right in _chain(names) if right is not None]
    pairs = []
    for entry in given:
        left, _, right = entry.partition(":")
        if left not in names or right not in names or left == right:
            raise click.UsageError(f"--pair {entry}: write LEFT:RIGHT, two of {', '.join(names)}")
        pairs.append((left, right))
    return pairs


def _fill(planned: dict[str, Planned], flag: str, given: tuple[str, ...], use: Callable[[Planned, str], None]) -> None:
    for entry in given:
        name, _, value = entry.partition("=")
        if name not in planned or not value:
            raise click.UsageError(f"{flag} {entry}: write ENV=…, where ENV is one of {', '.join(planned)}")
        use(planned[name], value)


def _use_profile(environment: Planned, profile: str) -> None:
    environment.aws, environment.profile = True, profile


def _use_endpoint(environment: Planned, value: str) -> None:
    service, _, url = value.partition("=")
    if not service or not url.startswith(("http://", "https://")):
        raise click.UsageError(f"--http {environment.name}={value}: write ENV=SERVICE=URL, such as prod=api=https://…")
    environment.http[service] = url


def _use_database(environment: Planned, variable: str) -> None:
    if not _VARIABLE.fullmatch(variable):
        message = "write the name of an environment variable that holds the URL, so that no password is in the file"
        raise click.UsageError(f"--postgres for {environment.name}: {message}")
    environment.postgres = variable


def _ask(question: str, default: str = "") -> str:
    answer: str = click.prompt(question, default=default, show_default=bool(default), err=True)
    return answer.strip()


def _ask_names() -> list[str]:
    answer = _ask("Environments, from the first to production", "staging, prod")
    return list(dict.fromkeys(re.split(r"[\s,]+", answer.strip(" ,"))))


def _ask_sources(environment: Planned, regions: tuple[str, ...]) -> None:
    write.note(f"\nWhat is {environment.name} made of? Leave empty what it does not have.")
    words = _ask(f"  Other words for {environment.name} in names (stg, live, …)")
    environment.aliases = environment.aliases or re.findall(r"[^\s,]+", words)
    if click.confirm("  Read AWS?", default=False, err=True):
        environment.aws = True
        environment.profile = _ask("  AWS profile (empty: the default credentials)") or None
        if not regions:
            environment.regions = re.findall(r"[^\s,]+", _ask("  AWS regions (empty: the profile's own)"))
    folder = _ask("  Folder with its files (env files, manifests, tfvars, compose)")
    environment.files = [folder] if folder else []
    url = _ask("  URL that answers its deployed version")
    if url:
        _use_endpoint(environment, f"{_ask('  Name of that service', 'app')}={url}")
    variable = _ask("  Environment variable with its PostgreSQL URL")
    if variable:
        _use_database(environment, variable)


def _refuse_empty(environments: Iterable[Planned]) -> None:
    empty = [environment.name for environment in environments if environment.empty]
    if empty:
        flags = "--aws-profile, --files, --http or --postgres"
        raise click.UsageError(f"Nothing to read in {', '.join(empty)}. Give each environment {flags}.")


def _write(config_file: Path, content: str, environments: Iterable[Planned]) -> None:
    """Check the new file before it takes its place: what init writes is right, or is not written."""
    from auditor.config import load_config
    from auditor.registry import Registry

    variables = [environment.postgres for environment in environments if environment.postgres]
    unset = [name for name in variables if name not in os.environ]
    stand_ins = dict.fromkeys(unset, "postgresql://user@host/database")
    folder = config_file.absolute().parent
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{config_file.name}.{os.getpid()}"
    try:
        draft.write_text(content, encoding="utf-8")
        load_config(draft, registry=Registry.load(), environ={**os.environ, **stand_ins})
        draft.replace(config_file)
    finally:
        draft.unlink(missing_ok=True)
    write.note(f"Wrote {config_file}.")
    if unset:
        write.note(f"Set {', '.join(unset)} before you use it.")
    write.note("Next: read it, then run `audit config check`.")
