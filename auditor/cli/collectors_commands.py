"""What can be read, and what must be allowed for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from auditor.cli import write
from auditor.cli.exits import debug_option
from auditor.cli.options import config_option, output_option
from auditor.cli.setup import configured

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from auditor.collect import Source
    from auditor.collector import Collector
    from auditor.registry import Registry


@click.command()
@click.argument("name", required=False)
@click.option(
    "--format",
    "format_",
    type=click.Choice(("table", "json", "markdown")),
    default="table",
    show_default=True,
    help="How to list.",
)
@debug_option
def collectors(name: str | None, format_: str) -> None:
    """List the collectors; with NAME, what that one reads, which options it takes and what it must be allowed."""
    from auditor.registry import Registry

    registry = Registry.load()
    chosen = [_named(registry, name)] if name else list(registry.collectors)
    if format_ == "json":
        from auditor.publish.lists import collector_object

        write.as_json([collector_object(collector) for collector in chosen])
    elif format_ == "markdown":
        write.data(_page(chosen))
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
    """Print the AWS IAM policy that the AWS sources, and states in S3, need: reads only.

    With ENVIRONMENT for its sources; without, for all sources of the configuration. Where there is no configuration
    file yet, for every service that is supported. What is too large for one managed policy comes as a list of several.
    """
    from auditor.cli.iam_policies import note, policies
    from auditor.registry import Registry

    others: list[dict[str, object]] = []
    if environment is None and not config_file.exists():
        actions = set(Registry.load().get("aws").permissions)
    else:
        config, _ = configured(config_file)
        chosen = [config.environment(environment)] if environment else list(config.environments.values())
        sources = [source for each in chosen for source in each.sources]
        reading = [source for source in sources if source.collector.name in _AWS]
        actions = {action for source in reading for action in _needed(source.collector, source.options)}
        others = _more_statements(sources)
        if not actions and not others:
            where = f"The environment {environment}" if environment else "The configuration"
            raise click.UsageError(f"{where} reads nothing from AWS.")
    made = policies(actions, others)
    write.as_json(made[0] if len(made) == 1 else made, output)
    if told := note(made):
        write.note(told)


_AWS = ("aws", "aws_config")


def _more_statements(sources: Sequence[Source]) -> list[dict[str, object]]:
    """What sources need besides reading accounts: to find them, to assume the roles that read, one object of S3. Each once."""
    found: list[dict[str, object]] = []
    for source in sources:
        asked = getattr(source.collector, "statements", None)
        found += [each for each in (asked(source.options) if asked else ()) if each not in found]
    return found


@click.command("kubernetes-rbac")
@click.argument("environment", required=False)
@click.option(
    "--service-account",
    default="parity-auditor/parity-auditor",
    show_default=True,
    help="Who reads: NAMESPACE/NAME.",
)
@config_option
@output_option
def kubernetes_rbac(environment: str | None, service_account: str, config_file: Path, output: Path | None) -> None:
    """Print the Kubernetes roles and bindings that the Kubernetes sources need: get and list only.

    With ENVIRONMENT for its sources; without, for all sources of the configuration. Where there is no configuration
    file yet, for every kind that is supported. Apply it in each cluster that is read.
    """
    from auditor.registry import Registry

    namespace, slash, account = service_account.partition("/")
    if not (namespace and slash and account):
        raise click.BadParameter("must be NAMESPACE/NAME, as parity-auditor/reader", param_hint="'--service-account'")
    collector: Any = Registry.load().get("kubernetes")
    if environment is None and not config_file.exists():
        chosen = [collector.options()]
    else:
        config, _ = configured(config_file)
        environments = [config.environment(environment)] if environment else list(config.environments.values())
        sources = [source for each in environments for source in each.sources]
        chosen = [source.options for source in sources if source.collector.name == collector.name]
        if not chosen:
            where = f"The environment {environment}" if environment else "The configuration"
            raise click.UsageError(f"{where} reads no Kubernetes cluster.")
    import yaml

    documents = collector.roles_for(chosen, namespace, account)
    write.data(yaml.safe_dump_all(documents, sort_keys=False, default_flow_style=None, width=100), output)


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


def _detailed(collector: Collector) -> list[str]:
    options = [
        (name, f"{field.description or ''}{' (required)' if field.is_required() else ''}")
        for name, field in collector.options.model_fields.items()
    ]
    kinds = [
        (kind.name, kind.category.value, kind.about) for kind in sorted(collector.kinds, key=lambda kind: kind.name)
    ]
    lines = [f"{collector.name}: {collector.about}", "", write.columns(("OPTION", "MEANING"), options)]
    lines += ["", write.columns(("KIND", "CATEGORY", "ABOUT"), kinds)]
    if collector.permissions:
        lines += ["", "MUST BE ALLOWED", *collector.permissions]
    return lines


def _page(collectors: Sequence[Collector]) -> str:
    """docs/collectors.md: a line per collector, kind and option."""
    lines = ["# Collectors", "", "Made by `make docs` from what the collectors declare.", ""]
    lines += ["| collector | reads |", "|---|---|"]
    lines += [f"| [`{one.name}`](#{one.name}) | {_cell(one.about)} |" for one in collectors]
    for one in collectors:
        lines += ["", f"## {one.name}", "", "| option | meaning |", "|---|---|"]
        lines += [
            f"| `{name}` | {_cell(field.description or '')} |" for name, field in one.options.model_fields.items()
        ]
        lines += ["", "| kind | category | what it is | CloudFormation |", "|---|---|---|---|"]
        for kind in sorted(one.kinds, key=lambda kind: kind.name):
            formation = f"`{kind.cloudformation}`" if kind.cloudformation else ""
            lines.append(f"| `{kind.name}` | {kind.category.value} | {_cell(kind.about)} | {formation} |")
        lines += ["", "Must be allowed: " + (", ".join(f"`{one}`" for one in one.permissions) or "nothing") + "."]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
