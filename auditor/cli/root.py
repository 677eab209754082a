"""The group that all commands hang from. A command's module is imported when the command runs, not to list it."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

import click

from auditor import __version__
from auditor.cli.exits import debug_option


class _Place(NamedTuple):
    """Where a command is defined, and what the list of commands says of it: the first sentence of its help."""

    module: str
    attribute: str
    line: str


_COMMANDS = {
    "now": _Place("run_commands", "now", "Compare LEFT with RIGHT as they are at this moment."),
    "snapshot": _Place("run_commands", "snapshot", "Observe ENVIRONMENT now, keep what was seen, and say what it was."),
    "drift": _Place(
        "drift_command",
        "drift",
        "Say what changed in ENVIRONMENT: from what to what, between which two snapshots, and what was changed back.",
    ),
    "diff": _Place(
        "run_commands",
        "diff",
        "Compare two snapshots that were kept: everything that differs, whatever the policies say of it.",
    ),
    "versions": _Place(
        "versions_command",
        "versions",
        "Say which version of what runs in ENVIRONMENTS (by default all), since when and by whom.",
    ),
    "ready": _Place(
        "ready_command",
        "ready",
        "Say whether ENVIRONMENT is ready: the checklist of a design review, each answer with what it rests on.",
    ),
    "gate": _Place("gate_command", "gate", "Say whether LEFT may be promoted to RIGHT."),
    "findings": _Place(
        "findings_commands",
        "findings",
        "List what the audits so far have found, of all pairs or of LEFT against RIGHT.",
    ),
    "show": _Place(
        "findings_commands",
        "show",
        "Show everything that is known of FINDING: both values, why it matters, what happened to it.",
    ),
    "explain": _Place(
        "explain_command", "explain", "Say why FINDING is one, or why a place of LEFT and RIGHT is reported or is not."
    ),
    "notices": _Place(
        "notices_command",
        "notices",
        "List what people and machines are told: messages, events, digests, and how far each of them got.",
    ),
    "waive": _Place(
        "waiver_commands",
        "waive",
        "Tolerate FINDING... for a time: known, accepted, and of no more interest until then.",
    ),
    "ack": _Place(
        "waiver_commands",
        "ack",
        "Acknowledge FINDING...: somebody looks after it, so it is silent until it is gone or gets worse.",
    ),
    "waivers": _Place(
        "waiver_commands",
        "waivers",
        "List what is tolerated: by whom, why, until when, and how many findings each waiver covers now.",
    ),
    "match": _Place(
        "match_command",
        "match",
        "Show what has no counterpart among the latest snapshots of LEFT and RIGHT, and what it probably belongs to.",
    ),
    "policy": _Place("policy_commands", "policy", "List, check, test and try out policies."),
    "config": _Place("config_commands", "config", "Check the configuration, or print its schema."),
    "init": _Place("init_command", "init", "Write a commented auditor.yaml by asking, or from flags."),
    "demo": _Place("demo_command", "demo", "Audit a believable company against an embedded AWS stand-in."),
    "collectors": _Place(
        "collectors_commands",
        "collectors",
        "List the collectors; with NAME, what that one reads, which options it takes and what it must be allowed.",
    ),
    "hosts": _Place("hosts_commands", "hosts", "What machines outside any API tell of themselves."),
    "doctor": _Place(
        "doctor_command",
        "doctor",
        "Say of every source of each ENVIRONMENT (all by default) what can be read, what cannot, and what to grant.",
    ),
    "iam-policy": _Place(
        "collectors_commands",
        "iam_policy",
        "Print the AWS IAM policy that the AWS sources, and states in S3, need: reads only.",
    ),
    "kubernetes-rbac": _Place(
        "collectors_commands",
        "kubernetes_rbac",
        "Print the Kubernetes roles and bindings that the Kubernetes sources need: get and list only.",
    ),
    "db": _Place("db_commands", "db", "Look after the store."),
    "serve": _Place(
        "serve_command",
        "serve",
        "Audit by the schedules of the configuration, all day: metrics for Prometheus, messages to those who are to know.",
    ),
    "worker": _Place(
        "worker_command",
        "worker",
        "Read sources for the audits of others: one of as many workers as wanted, on as many hosts.",
    ),
    "token": _Place(
        "token_commands", "token", "Give and take back access to the page and the API: see docs/access.md."
    ),
}


class _Group(click.Group):
    """Finds its commands by the table."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        place = _COMMANDS.get(name)
        if place is None:
            return None
        found: click.Command = getattr(import_module(f"auditor.cli.{place.module}"), place.attribute)
        return found

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """As click lists them, from the table."""
        limit = formatter.width - 6 - max(map(len, _COMMANDS))
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, click.Command(name, help=place.line).get_short_help_str(limit))
                    for name, place in sorted(_COMMANDS.items())
                ]
            )


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="audit", message="%(prog)s %(version)s")
@debug_option
def audit() -> None:
    """Does staging still mirror production - and where not, does it matter?

    \b
    Start with:  audit init                  write auditor.yaml by answering a few questions
                 audit config check          see whether it is right
                 audit now staging prod      compare the two

    Exit codes: 0 parity, 1 findings, 2 usage or configuration error, 3 incomplete, 4 the auditor failed.
    """
