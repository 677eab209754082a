"""The text of a new `auditor.yaml`, with comments that say what each part is for."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

_PLAIN = re.compile(r"[A-Za-z_./~][A-Za-z0-9_./:@~-]*")
_WORDS = ("true", "false", "null", "yes", "no", "on", "off", "~")


@dataclass(slots=True)
class Planned:
    """One environment as it was asked for. `postgres` is the name of a variable that holds the URL."""

    name: str
    promotes_to: str | None = None
    aliases: list[str] = field(default_factory=list)
    aws: bool = False
    profile: str | None = None
    regions: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    http: dict[str, str] = field(default_factory=dict)
    postgres: str | None = None

    @property
    def empty(self) -> bool:
        return not (self.aws or self.files or self.http or self.postgres)


def text(environments: list[Planned], pairs: list[tuple[str, str]]) -> str:
    """The whole file, which passes `audit config check` once the variables that it names are set."""
    lines = [
        "# What Parity Auditor reads and compares. Check it with `audit config check`; every key and what it may hold",
        "# is in `audit config schema`. Values may hold ${NAME} and ${NAME:-default} from the environment.",
        "",
        "# Where snapshots and findings are kept. A team shares a database: postgresql://user@host/database",
        "store: sqlite:///auditor.db",
        "",
        "environments:",
    ]
    for environment in environments:
        lines += _environment(environment)
    lines += ["", "# Environments that are meant to match: the left should mirror the right."]
    lines += ["pairs:"] if pairs else ["pairs: []"]
    for left, right in pairs:
        lines += [f"  - left: {scalar(left)}", f"    right: {scalar(right)}", "    policies: [default]"]
        lines += ["    # schedule: every 15m  # or cron's five fields, such as */15 * * * *"]
    lines += [
        "",
        "# Policy files or folders of your own; they are read before the packs that ship.",
        "# policies: [./policies]",
        "",
        "# When `audit serve` audits a pair is its `schedule`; cron's fields are read in this zone.",
        "# schedule: {timezone: Europe/Berlin}",
        "",
        "# Resources that no rule of names can pair; `audit match` shows candidates.",
        "# match:",
        "#   - {kind: aws.rds.instance, left: orders-new, right: orders}",
    ]
    return "\n".join(lines) + "\n"


def scalar(value: str) -> str:
    """The value as YAML, in quotes where it would be read as something else."""
    plain = _PLAIN.fullmatch(value) and ": " not in value and not value.endswith(":")
    return value if plain and value.lower() not in _WORDS else json.dumps(value, ensure_ascii=False)


def _environment(planned: Planned) -> list[str]:
    aliases = ", ".join(scalar(alias) for alias in planned.aliases)
    lines = [
        f"  {scalar(planned.name)}:",
        "    # Words in names that mean this environment, besides its own name.",
        f"    aliases: [{aliases}]",
    ]
    if planned.promotes_to:
        lines.append(f"    promotes_to: {scalar(planned.promotes_to)}")
    lines.append("    sources:")
    if planned.aws:
        lines.append("      - collector: aws  # `audit iam-policy` prints the permissions it needs, reads only")
        if planned.profile:
            lines.append(f"        profile: {scalar(planned.profile)}  # or role_arn and external_id")
        if planned.regions:
            lines.append(f"        regions: [{', '.join(scalar(region) for region in planned.regions)}]")
        lines.append("        # services: [ec2, rds, ecs]  # all by default")
    for folder in planned.files:
        lines += [
            "      - collector: files  # every supported file below this folder",
            f"        path: {scalar(folder)}",
        ]
    if planned.http:
        lines += ["      - collector: http  # what each endpoint says of its deployed version", "        services:"]
        lines += [f"          {scalar(name)}: {scalar(url)}" for name, url in planned.http.items()]
    if planned.postgres:
        lines += ["      - collector: postgres", f"        url: ${{{planned.postgres}}}"]
    return lines
