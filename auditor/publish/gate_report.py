"""A gate's verdict as a table, as Markdown and as JSON; the other formats are those of reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.gate import Verdict
from auditor.ordering import order
from auditor.publish.gate_facts import facts, reasons, report_of, silenced, steps, title
from auditor.publish.grid import DEFAULT_WIDTH, STYLES, Page
from auditor.publish.json_report import SCHEMA, audit_object, dump, finding_object, gap_object
from auditor.publish.markdown import code, escape
from auditor.publish.spelling import iso

if TYPE_CHECKING:
    from auditor.gate import Gate, Silence
    from auditor.model import Json
    from auditor.publish.sources import Places

FORMATS = ("table", "json", "markdown", "junit", "sarif", "github")
_TAG = 10
_NAME = len("Below critical") + 2
_COLOURS = {Verdict.PASS: "bold green", Verdict.HOLD: "bold red", Verdict.INCOMPLETE: "bold yellow"}
_MARKS = {Verdict.PASS: "✅", Verdict.HOLD: "⛔", Verdict.INCOMPLETE: "⚠️"}


def render_gate(gate: Gate, format: str, *, width: int | None, color: bool, places: Places | None = None) -> str:  # noqa: A002
    """The verdict as text that ends with a newline. `format` is one of FORMATS, else ValueError.

    `width` (columns; None: 100) and `color` concern `table` only, `places` the files that `sarif` and `github` name.
    """
    match format:
        case "table":
            return gate_table(gate, width=width, color=color)
        case "json":
            return gate_json(gate)
        case "markdown":
            return gate_markdown(gate)
        case "junit":
            from auditor.publish.junit import junit

            return junit(report_of(gate))
        case "sarif":
            from auditor.publish.sarif import sarif

            return sarif(report_of(gate), places, gate.silences)
        case "github":
            from auditor.publish.github import workflow_commands

            return workflow_commands(gate, places)
    raise ValueError(f"unknown format of a gate {format!r}; known are {', '.join(FORMATS)}")


def gate_table(gate: Gate, *, width: int | None, color: bool) -> str:
    """One screen of plain text."""
    page = Page(width or DEFAULT_WIDTH, color)
    page.line(title(gate), style="bold")
    page.line(gate.sentence, style=_COLOURS[gate.verdict])
    shown, rest = reasons(gate)
    if shown:
        page.blank()
        page.rule("WHAT HOLDS IT")
    for reason in shown:
        page.line(
            f"{reason.title}  [{reason.rule}] {reason.fingerprint}",
            lead=f"{reason.severity.value.upper():<{_TAG}}",
            style=STYLES[reason.severity] if color else "",
        )
        if reason.remarks:
            page.line("; ".join(reason.remarks), indent=_TAG, style="dim")
        for fix in reason.fixes:
            page.line(fix, indent=_TAG, lead="Fix: ")
    if rest:
        page.line(rest, indent=_TAG)
    for head, rows in (("LOOKED AT", facts(gate)), ("DOES NOT HOLD", silenced(gate))):
        if rows:
            page.blank()
            page.rule(head)
            for name, text in rows:
                page.line(text, lead=f"{name:<{_NAME}}")
    if next_steps := steps(gate):
        page.blank()
        page.rule("NEXT")
        for command, purpose in next_steps:
            page.line(f"{command}  {purpose}" if command else purpose, indent=0)
    page.blank()
    page.line(f"{gate.sentence} Exit code {gate.exit_code}.", style=_COLOURS[gate.verdict])
    return page.text()


def gate_markdown(gate: Gate) -> str:
    """The same as GitHub-flavoured Markdown. What comes from outside cannot form markup."""
    lines = [f"## {escape(title(gate))}", "", f"{_MARKS[gate.verdict]} **{escape(gate.sentence)}**", ""]
    shown, rest = reasons(gate)
    if shown:
        lines += ["| Severity | What holds it | Rule | Finding |", "| --- | --- | --- | --- |"]
        for reason in shown:
            more = [*reason.remarks, *(f"Fix: {fix}" for fix in reason.fixes)]
            told = "<br>".join([escape(reason.title), *(f"<sub>{escape(text)}</sub>" for text in more)])
            lines.append(f"| **{reason.severity.value}** | {told} | {code(reason.rule)} | {code(reason.fingerprint)} |")
        lines += ["", *([escape(rest), ""] if rest else [])]
    for head, rows in (("Looked at", facts(gate)), ("Does not hold", silenced(gate))):
        if rows:
            lines += [f"| {head} | |", "| --- | --- |"]
            lines += [f"| {escape(name)} | {escape(text)} |" for name, text in rows]
            lines.append("")
    found = steps(gate)
    if found:
        lines += ["**Next**", ""]
        lines += [f"- {code(command)} {escape(text)}" if command else f"- {escape(text)}" for command, text in found]
        lines.append("")
    return "\n".join(lines) + f"\n<sub>Exit code {gate.exit_code}.</sub>\n"


def gate_json(gate: Gate) -> str:
    """`audit gate --format json`."""
    return dump(gate_object(gate))


def gate_object(gate: Gate) -> dict[str, Json]:
    """`gate` with the verdict and its reasons, beside the audit's own keys for what is in scope."""
    about = audit_object(gate.audit, gate.exit_code, gate.sentence, gate.terms.fail_on)
    return {"schema": SCHEMA, "gate": _object(gate), **{key: about[key] for key in about if key != "schema"}}


def _object(gate: Gate) -> dict[str, Json]:
    seen, scope = gate.observation, gate.scope
    return {
        "verdict": gate.verdict.value,
        "exit_code": gate.exit_code,
        "sentence": gate.sentence,
        "at": iso(gate.at),
        "fail_on": gate.terms.fail_on.value,
        "allow_incomplete": gate.terms.allow_incomplete,
        "fresh_seconds": int(gate.terms.fresh.total_seconds()),
        "observed": {
            "recorded": seen.recorded,
            "left": iso(seen.left),
            "right": iso(seen.right),
            "age_seconds": int(seen.age(gate.at).total_seconds()),
            "why": seen.why,
        },
        "holding": [finding.breach.fingerprint for finding in sorted(gate.holding, key=order)],
        "not_looked_at_again": sorted(gate.unseen),
        "silences": {fingerprint: _silence(gate.silences[fingerprint]) for fingerprint in sorted(gate.silences)},
        "scope": None
        if scope is None
        else {
            "services": list(scope.services),
            "resources": {"left": scope.left, "right": scope.right, "of": scope.of},
            "unresolved": [
                {"environment": environment, "what": one.what, "text": one.text, "taken_for": list(one.taken_for)}
                for environment, one in scope.unresolved
            ],
        },
        "outside": {
            "findings": [finding_object(finding) for finding in gate.outside],
            "gaps": [gap_object(gap) for gap in gate.gaps_outside],
        },
    }


def _silence(silence: Silence) -> dict[str, Json]:
    return {"by": silence.by, "reason": silence.reason, "until": iso(silence.until) if silence.until else None}
