"""What a gate says to GitHub Actions: annotations on the run, a summary of the job, outputs for later steps. Pure.

A line that the runner takes for a command could be forged by whoever names a resource: control characters are spelled
out, what commands are made of is escaped, and printed reports are defused.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

from auditor.gate import Verdict
from auditor.publish.gap_groups import gap_groups
from auditor.publish.gate_facts import entries_of, silenced, title
from auditor.publish.gate_report import gate_markdown
from auditor.publish.sources import Source, rule_source, sources_of
from auditor.publish.spelling import brief, clean, count, middle, sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.gate import Gate
    from auditor.publish.entries import Entry
    from auditor.publish.sources import Places

MOST = 10
"""How many annotations of one type GitHub shows for a step."""
SUMMARY_BYTES = 1024 * 1024
_CUT = "\n\n*The rest did not fit into the summary; `audit gate --format markdown` prints all of it.*\n"
_ROOM = 900


def workflow_commands(gate: Gate, places: Places | None = None) -> str:
    """Workflow commands, one a line: errors for what holds, warnings for what was not seen, a notice for the verdict.

    At most MOST of a type; where there are more, the last one counts the rest."""
    errors = [_held(entry, places) for entry in entries_of(gate)]
    lines = _limited("error", errors, "more causes that hold")
    if not gate.audit.complete:
        warnings = [_unseen(gate, number) for number in range(len(gap_groups(gate.audit.gaps)))]
        lines += _limited("warning", warnings, "more places that were not observed")
    aside = "; ".join(f"{name} {text}" for name, text in silenced(gate))
    said = f"{gate.sentence} Does not hold: {aside}." if aside else gate.sentence
    level = {Verdict.PASS: "notice", Verdict.HOLD: "notice", Verdict.INCOMPLETE: "warning"}[gate.verdict]
    if level == "warning" and sum(line.startswith("::warning") for line in lines) >= MOST:
        level = "notice"
    return "\n".join([*lines, command(level, said, title(gate))]) + "\n"


def command(kind: str, message: str, title: str, source: Source | None = None) -> str:
    """One workflow command. Whatever stands in the texts, the runner reads one command, and only this one."""
    properties = []
    if source is not None and not source.shipped and not PurePath(source.path).is_absolute():
        properties += [f"file={_property(source.path)}", f"line={source.line or 1}"]
    properties.append(f"title={_property(brief(title, 120))}")
    return f"::{kind} {','.join(properties)}::{_data(message)}"


def summary(text: str, there: int = 0) -> str:
    """Markdown for the job's summary, which already holds `there` bytes: cut between two lines where it is too long.

    Empty where not even a part fits. What was folded open is closed again."""
    room = SUMMARY_BYTES - there
    if len(text.encode()) <= room:
        return text
    room -= len(_CUT.encode()) + len("\n</details>\n") * 4
    if room <= 0:
        return ""
    kept: list[str] = []
    for line in text.splitlines(keepends=True):
        room -= len(line.encode())
        if room < 0:
            break
        kept.append(line)
    head = "".join(kept)
    return f"{head}{'</details>' * (head.count('<details>') - head.count('</details>'))}{_CUT}"


def job_summary(gate: Gate) -> str:
    """The verdict on one screen, and everything behind it folded away."""
    from auditor.publish.gate_facts import report_of
    from auditor.publish.markdown import markdown

    whole = markdown(report_of(gate), now=gate.at)
    return f"{gate_markdown(gate)}\n<details>\n<summary>The whole report</summary>\n\n{whole}\n</details>\n\n"


def outputs(gate: Gate) -> str:
    """Lines for the step's outputs: nothing in them comes from an environment."""
    return f"verdict={gate.verdict.value}\nfindings={len(gate.holding)}\nexit-code={gate.exit_code}\n"


def defused(text: str, *, json: bool = False) -> str:
    """A report as it may be printed where a runner reads along: no line of it is a command.

    The runner looks for `::` at the beginning of a line, after blanks, and for `##[` anywhere."""
    if json:
        return text.replace("##[", "\\u0023#[")
    return re.sub(r"(?m)^(\s*):(?=:)", r"\1: ", text).replace("##[", "# #[")


def _held(entry: Entry, places: Places | None) -> tuple[str, str, Source]:
    breach = entry.worst
    found = sources_of(entry.findings[0], places)
    fix = f" Fix: {sentence(entry.remediations[0])}" if entry.remediations else ""
    text = entry.title or sentence(breach.message or f"{breach.identity}: {breach.about}")
    own = f"{breach.severity.value}: {brief(breach.rule.id)}"
    said = f"{text.rstrip('.')}. {sentence(breach.about)}.{fix} (audit show {breach.fingerprint[:8]})"
    return said, own, found[0] if found else rule_source(entry.findings[0], places)


def _unseen(gate: Gate, number: int) -> tuple[str, str, None]:
    group = gap_groups(gate.audit.gaps)[number]
    where = ", ".join(brief(part) for part in (group.environment, group.source, group.region) if part)
    said = f"{where}: {group.meaning}. Not compared: {group.hidden}. {group.remedy}".rstrip()
    return said, f"not observed: {group.reason.value}", None


def _limited(kind: str, found: Sequence[tuple[str, str, Source | None]], more: str) -> list[str]:
    shown = found if len(found) <= MOST else found[: MOST - 1]
    lines = [command(kind, message, title, source) for message, title, source in shown]
    if len(shown) < len(found):
        lines.append(command(kind, f"and {len(found) - len(shown)} {more}", count(len(found), "annotation")))
    return lines


def _data(text: str) -> str:
    short = middle(clean(text), _ROOM * 4).replace("##[", "# #[")
    return short.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
