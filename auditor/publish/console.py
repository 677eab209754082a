"""The report in a terminal or a pipe. Width and colour are given, never detected; without colour it is plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.model import Status
from auditor.publish.entries import Entry, counterpart, is_one_sided, needs_message, remarks, shown_identity, warnings
from auditor.publish.gap_groups import gap_groups
from auditor.publish.grid import DEFAULT_WIDTH, Grid, Page
from auditor.publish.moves import moved_brief
from auditor.publish.spelling import (
    brief,
    count,
    instant,
    middle,
    path_text,
    percent,
    sentence,
    side_by_side,
    span,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from auditor.model import Breach, Finding, Gap
    from auditor.publish.entries import Block
    from auditor.publish.gap_groups import GapGroup
    from auditor.publish.view import Report, Section

MEMBERS = 10
_REMEDIES = 3
_STATES = {Status.RESOLVED: "resolved since the audit before"}


def console(report: Report, *, width: int | None, color: bool, now: datetime) -> str:
    """The whole report as text that ends with a newline. `width` in columns; None means a pipe's default of 100."""
    page = Page(width or DEFAULT_WIDTH, color)
    grid = Grid(page, report.audit.left, report.audit.right)
    _headline(page, report)
    for section in report.sections:
        _section(grid, section, report, now)
    if report.one_sided:
        size = sum(block.size for block in report.one_sided)
        grid.head(f"WITHOUT COUNTERPART  {count(size, 'finding')}")
        for block in report.one_sided:
            _block(grid, block, report, now)
    _info(page, report)
    _aside(grid, report)
    _gaps(page, report)
    _close(page, report)
    return page.text()


def _headline(page: Page, report: Report) -> None:
    audit = report.audit
    took = span(audit.finished_at - audit.started_at)
    page.line(f"Parity audit: {brief(audit.left)} against {brief(audit.right)}", style="bold")
    page.line(f"{instant(audit.started_at)}, took {took}", style="dim")
    page.blank()
    page.line(report.sentence, style="bold green" if report.exit_code == 0 else "bold red")
    if report.gap_sentence:
        page.line(f"INCOMPLETE: {report.gap_sentence}", style="bold yellow")
    page.blank()
    for name, text in report.facts:
        page.fact(name, text)


def _section(grid: Grid, section: Section, report: Report, now: datetime) -> None:
    score = f", score {percent(section.score)}" if section.score is not None else ""
    grid.head(f"{section.category.value.upper()}  {count(section.size, 'finding')}{score}")
    for block in section.blocks:
        _block(grid, block, report, now)


def _block(grid: Grid, block: Block, report: Report, now: datetime) -> None:
    grid.page.blank()
    grid.reason(block.severity, sentence(block.about), brief(block.rule.id))
    for entry in block.entries:
        _entry(grid, entry, report, now)


def _entry(grid: Grid, entry: Entry, report: Report, now: datetime) -> None:
    page = grid.page
    if entry.cause is not None:
        page.line(entry.title, indent=2, style="bold")
    if not entry.one_sided:
        _place(page, entry)
    shown = entry.findings if entry.cause is None else entry.findings[:MEMBERS]
    told = [_own_remarks(entry, finding, report, now) for finding in shown]
    common = tuple(remark for remark in told[0] if all(remark in others for others in told))
    for finding, own in zip(shown, told, strict=True):
        _row(grid, entry, finding)
        _remarks(page, tuple(remark for remark in own if remark not in common))
    if len(shown) < len(entry.findings):
        page.line(f"and {len(entry.findings) - len(shown)} more (see --format json)", indent=4, style="dim")
    _remarks(page, common)
    for message in dict.fromkeys(sentence(f.breach.message) for f in shown if needs_message(f.breach)):
        page.line(message, indent=4)
    for remedy in entry.remediations[:_REMEDIES]:
        page.line(sentence(remedy), indent=4, lead="Fix: ")
    if len(entry.remediations) > _REMEDIES:
        page.line(f"and {len(entry.remediations) - _REMEDIES} more of the kind", indent=9, style="dim")


def _place(page: Page, entry: Entry) -> None:
    """The line that names what all rows of the entry share: the resource, its kind, the path."""
    parts = []
    if entry.identity is not None:
        parts.append(middle(shown_identity(entry.worst), 160))
    if entry.kind is not None:
        parts.append(brief(entry.kind))
    if entry.path:
        parts.append(middle(path_text(entry.path), 200))
    if parts:
        page.line("  ".join(parts), indent=2, style="bold" if entry.cause is None else "")


def _row(grid: Grid, entry: Entry, finding: Finding) -> None:
    breach = finding.breach
    if entry.one_sided:
        grid.row(brief(breach.kind), _presence(breach, left=True), _presence(breach, left=False), breach.fingerprint)
        probably = counterpart(breach)
        if probably:
            grid.page.line(f"{probably}: `audit match` confirms it.", indent=4)
        return
    left, right = side_by_side(breach.left.value, breach.right.value, grid.room)
    grid.row(middle(entry.label(finding), 200), left, right, breach.fingerprint)


def _presence(breach: Breach, *, left: bool) -> str:
    side = breach.left if left else breach.right
    return "(absent)" if side.identity is None else brief(side.identity, 160)


def _own_remarks(entry: Entry, finding: Finding, report: Report, now: datetime) -> tuple[str, ...]:
    """What is to be said of one row besides its values; the members of a cause stay one line each."""
    return warnings(finding) if entry.cause is not None else remarks(finding, report.audit.started_at, now, moved_brief)


def _remarks(page: Page, found: tuple[str, ...]) -> None:
    if found:
        page.line("; ".join(found), indent=4, style="dim")


def _info(page: Page, report: Report) -> None:
    """What is worth knowing and no reason to act: a line per rule, so that it buries nothing."""
    if not report.info:
        return
    by_rule: dict[str, list[Finding]] = {}
    for entry in report.info:
        for finding in entry.findings:
            by_rule.setdefault(finding.breach.rule.id, []).append(finding)
    page.blank()
    page.rule(f"FOR INFORMATION  {count(sum(map(len, by_rule.values())), 'finding')}")
    for rule, findings in sorted(by_rule.items(), key=lambda item: (-len(item[1]), item[0])):
        page.line(f"{len(findings):>4}  {sentence(findings[0].breach.about)}  [{brief(rule)}]", indent=2)
    page.line("Each of them: `audit findings`, or another --format.", indent=2, style="dim")


def _aside(grid: Grid, report: Report) -> None:
    """Findings that do not count: waiting, silenced or gone. One line each."""
    for status, findings in report.aside.items():
        title = _STATES.get(status, status.value).upper()
        grid.head(f"{title}  {count(len(findings), 'finding')}")
        for finding in findings:
            breach = finding.breach
            lead = f"{breach.severity.value}: "
            grid.single(lead, shown_identity(breach), path_text(breach.path), breach, one_sided=is_one_sided(breach))


def _gaps(page: Page, report: Report) -> None:
    if not report.gap_sentence:
        return
    page.blank()
    page.rule("NOT OBSERVED", style="bold yellow")
    page.line(report.gap_sentence, style="bold yellow")
    for group in report.gaps:
        gap_lines(page, group)
    for source in report.audit.coverage.sources:
        if source.observed < source.expected:
            seen = f"{source.observed:.4g} of {count(source.expected, 'listing')} observed"
            page.line(f"{brief(source.environment)}, {brief(source.source)}: {seen}", indent=2, style="dim")


def not_observed(page: Page, gaps: Iterable[Gap]) -> None:
    """Below what was seen: what was not, where there is any."""
    groups = gap_groups(gaps)
    if groups:
        page.blank()
        page.rule("NOT OBSERVED", style="bold yellow")
    for group in groups:
        gap_lines(page, group)


def gap_lines(page: Page, group: GapGroup) -> None:
    """What one reason hides in one place, and what it means."""
    where = ", ".join(brief(part) for part in (group.environment, group.source, group.region) if part)
    page.blank()
    page.line(f"{where}: {group.reason.value.replace('_', ' ').upper()}, {group.meaning}", indent=2, style="bold")
    page.line(f"Not compared: {group.hidden}", indent=4)
    kinds = ", ".join(brief(kind) for kind in group.kinds if kind != "*")
    if kinds:
        page.line(kinds, indent=6)
    parts = group.resources + group.attributes
    for part in parts[:MEMBERS]:
        page.line(middle(part, 200), indent=6)
    if len(parts) > MEMBERS:
        page.line(f"and {len(parts) - MEMBERS} more (see --format json)", indent=6, style="dim")
    for detail in group.details[:_REMEDIES]:
        for line in detail.splitlines():
            page.line(sentence(line), indent=4, style="dim")
    if len(group.details) > _REMEDIES:
        page.line(f"and {len(group.details) - _REMEDIES} more (see --format json)", indent=4, style="dim")
    if group.remedy:
        page.line(group.remedy, indent=4)


def _close(page: Page, report: Report) -> None:
    page.blank()
    page.rule()
    style = "bold green" if report.exit_code == 0 else "bold red"
    page.line(f"{report.sentence} Exit code {report.exit_code}.", style=style)
    first = next((f for section in report.sections for b in section.blocks for f in b.entries[0].findings), None)
    if first is not None:
        page.line(f"`audit explain {first.breach.fingerprint[:8]}` tells which rule decided and why.", style="dim")
