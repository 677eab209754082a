"""The group that all commands hang from."""

from __future__ import annotations

import click

from auditor import __version__
from auditor.cli.collectors_commands import collectors, iam_policy, kubernetes_rbac
from auditor.cli.config_commands import config
from auditor.cli.db_commands import db
from auditor.cli.demo_command import demo
from auditor.cli.doctor_command import doctor
from auditor.cli.drift_command import drift
from auditor.cli.explain_command import explain
from auditor.cli.findings_commands import findings, show
from auditor.cli.gate_command import gate
from auditor.cli.hosts_commands import hosts
from auditor.cli.init_command import init
from auditor.cli.match_command import match
from auditor.cli.notices_command import notices
from auditor.cli.options import debug_option
from auditor.cli.policy_commands import policy
from auditor.cli.ready_command import ready
from auditor.cli.run_commands import diff, now, snapshot
from auditor.cli.serve_command import serve
from auditor.cli.token_commands import token
from auditor.cli.versions_command import versions
from auditor.cli.waiver_commands import ack, waive, waivers


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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


for command in (
    now,
    snapshot,
    drift,
    diff,
    versions,
    ready,
    gate,
    findings,
    show,
    explain,
    notices,
    waive,
    ack,
    waivers,
    match,
    policy,
    config,
    init,
    demo,
    collectors,
    hosts,
    doctor,
    iam_policy,
    kubernetes_rbac,
    db,
    serve,
    token,
):
    audit.add_command(command)
