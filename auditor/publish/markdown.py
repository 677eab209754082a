"""The report as GitHub-flavoured Markdown, for a job summary or a comment. What comes from outside cannot form markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.publish.entries import Entry, counterpart, is_one_sided, needs_message, remarks, shown_identity, warnings
from auditor.publish.spelling import (
    brief,
    count,
    instant,
    middle,
    path_text,
    percent,
    side_by_side,
    span,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from auditor.model import Breach, Finding
    from auditor.publish.entries import Block
    from auditor.publish.gap_groups import GapGroup
    from auditor.publish.view import Report

_ROOM = 160
_MEMBERS = 20
_ENTITIES = {character: f"&#{ord(character)};" for character in "&<>|*_`[]\\~#$"}


def markdown(report: Report, *, now: datetime) -> str:
    """The whole report. Info findings and those set aside are folded away; gaps are not."""
    audit = report.audit
    lines = [
        f"## Parity of {escape(audit.left)} and {escape(audit.right)}",
        "",
        f"**{escape(report.sentence)}**",
        "",
        *([f"> [!WARNING]\n> **Incomplete:** {escape(report.gap_sentence)}", ""] if report.gap_sentence else []),
        *_table(("", ""), [(name, escape(text)) for name, text in report.facts]),
    ]
    for section in report.sections:
        score = f", score {percent(section.score)}" if section.score is not None else ""
        lines += [f"### {section.category.value.capitalize()}: {count(section.size, 'finding')}{score}", ""]
        for block in section.blocks:
            lines += _block(block, report, now)
    if report.one_sided:
        lines += ["### Without counterpart", ""]
        for block in report.one_sided:
            lines += _block(block, report, now)
    if report.info:
        infos = [finding for entry in report.info for finding in entry.findings]
        lines += _folded(f"For information: {count(len(infos), 'finding')}", infos, report)
    for status, findings in report.aside.items():
        lines += _folded(f"{status.value.capitalize()}: {count(len(findings), 'finding')}", findings, report)
    lines += _gaps(report)
    took = span(audit.finished_at - audit.started_at)
    lines += [f"<sub>Audit {code(audit.id)}, {instant(audit.started_at)}, took {took}.</sub>", ""]
    return "\n".join(lines)


def _block(block: Block, report: Report, now: datetime) -> list[str]:
    lines = [f"**{block.severity.value.upper()}** {escape(block.about)} ({code(block.rule.id)})", ""]
    rows: list[Sequence[str]] = []
    for entry in block.entries:
        if entry.cause is not None:
            rows.append((f"**{escape(entry.title)}**", "", "", ""))
        shown = entry.findings if entry.cause is None else entry.findings[:_MEMBERS]
        rows += [_row(finding) for finding in shown]
        if len(shown) < len(entry.findings):
            rows.append((f"and {len(entry.findings) - len(shown)} more (see `--format json`)", "", "", ""))
    lines += _table(_heads(report), rows)
    notes = [note for entry in block.entries for note in _notes(entry, report, now)]
    lines += [f"- {note}" for note in dict.fromkeys(notes)]
    return [*lines, ""] if notes else lines


def _notes(entry: Entry, report: Report, now: datetime) -> list[str]:
    """What is to be said of an entry below its table."""
    notes = []
    for finding in entry.findings[:_MEMBERS]:
        breach = finding.breach
        if needs_message(breach):
            notes.append(escape(middle(breach.message, 400)))
        probably = counterpart(breach)
        if probably:
            notes.append(f"{code(shown_identity(breach))}: {escape(probably)}")
        own = remarks(finding, report.audit.started_at, now) if entry.cause is None else warnings(finding)
        notes += [f"{code(shown_identity(breach))}: {escape('; '.join(own))}"] if own else []
    return notes + [f"Fix: {escape(middle(remedy, 400))}" for remedy in entry.remediations[:3]]


def _row(finding: Finding) -> tuple[str, str, str, str]:
    breach = finding.breach
    path = f" {code(path_text(breach.path))}" if breach.path else ""
    left, right = _values(breach)
    return f"{code(breach.kind)} {code(shown_identity(breach))}{path}", left, right, code(breach.fingerprint[:8])


def _values(breach: Breach) -> tuple[str, str]:
    if is_one_sided(breach):
        left, right = (
            "*absent*" if side.identity is None else code(side.identity) for side in (breach.left, breach.right)
        )
        return left, right
    left_shown, right_shown = side_by_side(breach.left.value, breach.right.value, _ROOM)
    return code(left_shown.text), code(right_shown.text)


def _folded(title: str, findings: Iterable[Finding], report: Report) -> list[str]:
    rows = [_row(finding) for finding in findings]
    return ["<details>", f"<summary>{title}</summary>", "", *_table(_heads(report), rows), "</details>", ""]


def _heads(report: Report) -> tuple[str, str, str, str]:
    return "What", escape(report.audit.left), escape(report.audit.right), "Finding"


def _gaps(report: Report) -> list[str]:
    if not report.gap_sentence:
        return []
    lines = ["### Not observed", "", f"**{escape(report.gap_sentence)}**", ""]
    if report.gaps:
        lines += _table(("Where", "Why", "Not compared", "Detail"), [_gap(group) for group in report.gaps])
    return lines


def _gap(group: GapGroup) -> tuple[str, str, str, str]:
    where = ", ".join(code(part) for part in (group.environment, group.source, group.region) if part)
    more = f" and {len(group.names) - _MEMBERS} more" if len(group.names) > _MEMBERS else ""
    names = ", ".join(code(name) for name in group.names[:_MEMBERS])
    hidden = f"{group.hidden}: {names}{more}" if names else group.hidden
    details = "<br>".join(escape(middle(detail, 400)) for detail in group.details[:3])
    why = f"**{group.reason.value.replace('_', ' ')}**: {group.meaning}"
    return where, why, hidden, f"{details}<br>{escape(group.remedy)}".removesuffix("<br>")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]


def escape(text: str) -> str:
    """Text that Markdown and HTML read as nothing but text, and that mentions nobody."""
    safe = "".join(_ENTITIES.get(character, character) for character in brief(text, 2000))
    return safe.replace("@", "@<!-- -->").replace("://", ":<!-- -->//")


def code(text: str) -> str:
    """Text in a code span, also within a table. What could end the span, the cell or the code needs the long way."""
    short = brief(text, _ROOM) or " "
    if short.isprintable() and not set("`|<&") & set(short) and short.strip() == short:
        return f"`{short}`"
    return f"<code>{escape(short)}</code>"
