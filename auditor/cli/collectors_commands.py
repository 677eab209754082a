"""What can be read, and what must be allowed for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from auditor.cli import write
from auditor.cli.options import choice_of_data, config_option, debug_option, output_option
from auditor.cli.setup import configured

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.collector import Collector
    from auditor.registry import Registry

_WIDTH = 24


@click.command()
@click.argument("name", required=False)
@choice_of_data
@debug_option
def collectors(name: str | None, format_: str) -> None:
    """List the collectors; with NAME, what that one reads, which options it takes and what it must be allowed."""
    from auditor.registry import Registry

    registry = Registry.load()
    chosen = [_named(registry, name)] if name else list(registry.collectors)
    if format_ == "json":
        write.as_json([_described(collector) for collector in chosen])
    elif name:
        write.data("\n".join(_detailed(chosen[0])))
    else:
        rows = [(collector.name, str(len(collector.kinds)), collector.about) for collector in chosen]
        write.data(write.columns(("COLLECTOR", "KINDS", "READS"), rows))


@click.command("iam-policy")
@click.argument("environment", required=False)
@config_option
@output_option
def iam_policy(environment: str | None, config_file: Path, output: Path | None) -> None:
    """Print the AWS IAM policy that the AWS sources need: reads only.

    With ENVIRONMENT for its sources; without, for all sources of the configuration. Where there is no configuration
    file yet, for every service that is supported.
    """
    from auditor.registry import Registry

    if environment is None and not config_file.exists():
        actions = set(Registry.load().get("aws").permissions)
    else:
        config, _ = configured(config_file)
        chosen = [config.environment(environment)] if environment else list(config.environments.values())
        sources = [source for each in chosen for source in each.sources if source.collector.name == "aws"]
        if not sources:
            where = f"The environment {environment}" if environment else "The configuration"
            raise click.UsageError(f"{where} reads nothing from AWS.")
        actions = {action for source in sources for action in _needed(source.collector, source.options)}
    statement = {"Sid": "ParityAuditorReads", "Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
    write.as_json({"Version": "2012-10-17", "Statement": [statement]}, output)


def _needed(collector: Collector, options: object) -> tuple[str, ...]:
    """What the source needs with the options that it has; a collector that cannot tell needs what it declares."""
    narrowed = getattr(collector, "permissions_for", None)
    return tuple(narrowed(options)) if narrowed else collector.permissions


def _named(registry: Registry, name: str) -> Collector:
    from auditor.registry import UnknownCollector

    try:
        return registry.get(name)
    except UnknownCollector as error:
        raise click.UsageError(str(error)) from error


def _described(collector: Collector) -> dict[str, object]:
    return {
        "name": collector.name,
        "about": collector.about,
        "kinds": [
            {"name": kind.name, "category": kind.category.value, "about": kind.about, "type": kind.cloudformation}
            for kind in sorted(collector.kinds, key=lambda kind: kind.name)
        ],
        "permissions": list(collector.permissions),
        "options": collector.options.model_json_schema(),
    }


def _detailed(collector: Collector) -> list[str]:
    lines = [f"{collector.name}: {collector.about}", "", "Options"]
    for name, field in collector.options.model_fields.items():
        required = " (required)" if field.is_required() else ""
        lines.append(f"  {name:<{_WIDTH}}  {field.description or ''}{required}".rstrip())
    lines += ["", "Kinds"]
    for kind in sorted(collector.kinds, key=lambda kind: kind.name):
        lines.append(f"  {kind.name:<{_WIDTH}}  {kind.category.value:<10}  {kind.about}".rstrip())
    if collector.permissions:
        lines += ["", "Must be allowed", *(f"  {permission}" for permission in collector.permissions)]
    return lines
