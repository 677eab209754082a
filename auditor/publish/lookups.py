"""What the commands that look one thing up print: a finding and its life, a list of findings, a snapshot.

Width (columns; None: 100) and colour are given, as in `console.py`. Every text ends with a newline.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from auditor.ordering import order
from auditor.publish.console import not_observed
from auditor.publish.entries import Entry, counterpart, declared_text, group, is_one_sided, shown_identity, warnings
from auditor.publish.grid import DEFAULT_WIDTH, STYLES, Page
from auditor.publish.moves import moved_text
from auditor.publish.spelling import (
    brief,
    clean,
    count,
    instant,
    method_text,
    middle,
    path_text,
    percent,
    sentence,
    span,
    spell,
)
from auditor.waivers import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from auditor.model import Breach, Finding, Side, Snapshot
    from auditor.publish.view import Event
    from auditor.store import AuditInfo
    from auditor.waivers import Waiver

_LONG = 4_000
_STALE = timedelta(days=1)


def finding_text(
    finding: Finding,
    events: Sequence[Event],
    *,
    width: int | None,
    color: bool,
    now: datetime,
    waiver: Waiver | None = None,
    lapse: str = "",
    unmoved: str = "",
) -> str:
    """Everything that is known of one finding (`audit show`): both values in full, why it matters, its life.

    `waiver` is what covers it; `lapse` says why nothing does any more, where it is still waived. `unmoved` says why it is
    not known which side moved.
    """
    breach = finding.breach
    page = Page(width or DEFAULT_WIDTH, color)
    _title(page, finding)
    for side in (breach.left, breach.right):
        _side(page, side, breach)
    page.blank()
    page.fact("What", sentence(breach.message))
    page.fact("Why", sentence(breach.about))
    if breach.remediation:
        page.fact("Fix", sentence(breach.remediation))
    if breach.suggestion:
        page.fact("Perhaps", f"{counterpart(breach)}; `audit match` confirms it")
    if breach.cause:
        page.fact("Cause", sentence(breach.cause))
    if where := declared_text(breach):
        page.fact("Declared", f"in {where}")
    page.fact("Status", _status(finding))
    if waiver:
        until = f"by {brief(waiver.owner)} until {moment(waiver.expires_at)}"
        page.fact("Waived", f"{until}: {brief(waiver.reason, _LONG)} ({brief(waiver.origin)})")
    elif lapse:
        page.fact("Waived", sentence(f"{lapse}; the next audit opens it"))
    page.fact("First seen", f"{instant(finding.first_seen)}, {span(now - finding.first_seen)} ago")
    page.fact("Last seen", f"{instant(finding.last_seen)}, {span(now - finding.last_seen)} ago")
    if finding.moved or unmoved:
        page.fact("Moved", sentence(moved_text(finding) or unmoved))
    if events:
        page.blank()
        page.rule("HISTORY", style="bold")
    for event in sorted(events, key=lambda event: event.at):
        page.line(_event(event), lead=f"{instant(event.at)}  ")
    return page.text()


def explain_text(finding: Finding, *, width: int | None, color: bool, unmoved: str = "") -> str:
    """Why there is this finding (`audit explain`): the rule and those that it overrode, and how the two were paired."""
    breach = finding.breach
    page = Page(width or DEFAULT_WIDTH, color)
    _title(page, finding)
    page.line(sentence(breach.message))
    page.blank()
    page.fact("Rule", f"{brief(breach.rule.policy)}/{brief(breach.rule.id)}")
    page.place("From", f"{clean(breach.rule.file)}:{breach.rule.line}")
    page.fact("Why", sentence(breach.about))
    if breach.rule.overrode:
        page.fact("Overrode", "The last rule that matches decides. These matched too, the latest first:")
        for rule in breach.rule.overrode:
            page.line(brief(rule), indent=11)
    else:
        page.fact("Overrode", "no other rule matches here")
    page.fact("Paired", _pairing(breach))
    if where := declared_text(breach):
        page.fact("Declared", f"in {where}")
    if breach.tolerated_for.total_seconds() > 0:
        page.fact("Tolerated", f"for {span(breach.tolerated_for)} from when it is first seen")
    if breach.escalation:
        page.fact("Escalates", _escalation(breach))
    page.fact("Status", _status(finding))
    if finding.moved or unmoved:
        page.fact("Moved", sentence(moved_text(finding) or unmoved))
    page.fact("Name", f"{breach.fingerprint}, made from pair, kind, resource, rule and path; values do not change it")
    return page.text()


def findings_table(
    findings: Sequence[Finding],
    *,
    width: int | None,
    color: bool,
    now: datetime,
    unconfigured: Sequence[tuple[str, str]] = (),
    doubts: Sequence[str] = (),
) -> str:
    """Findings, worst first, a row each (`audit findings`), of one pair or of several.

    `unconfigured` are the pairs among them, left and right, that nothing audits any more: that is said below, as are
    `doubts`, why the list may not be all there is.
    """
    page = Page(width or DEFAULT_WIDTH, color)
    if not findings:
        page.line("No findings.")
        _reservations(page, doubts, ())
        return page.text()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name, fixed in (("Severity", 8), ("Status", 12), ("Pair", None), ("Resource and path", None), ("Age", None)):
        table.add_column(
            name, width=fixed, overflow="fold", justify="right" if name == "Age" else "left", no_wrap=name == "Age"
        )
    table.add_column("Finding", width=8, no_wrap=True)
    for entry, finding in _rows(findings):
        if finding is None:
            table.add_row("", "", "", Text(entry.title, "bold"), "", "")
            continue
        breach = finding.breach
        place = f"{brief(breach.kind)} {middle(shown_identity(breach), 120)} {middle(path_text(breach.path), 120)}"
        table.add_row(
            Text(breach.severity.value, STYLES[breach.severity]),
            f"{finding.status.value} (flaps)" if finding.flaps else finding.status.value,
            Text(middle(f"{brief(breach.left.environment)}, {brief(breach.right.environment)}", 40)),
            Text(place.rstrip()),
            span(now - finding.first_seen),
            Text(breach.fingerprint[:8], "dim"),
        )
    page.table(table)
    page.blank()
    page.line(count(len(findings), "finding"))
    _reservations(page, doubts, unconfigured)
    return page.text()


def _reservations(page: Page, doubts: Sequence[str], unconfigured: Sequence[tuple[str, str]]) -> None:
    for doubt in doubts:
        page.line(doubt, style="yellow")
    for left, right in unconfigured:
        pair = f"{brief(left)}/{brief(right)}"
        page.line(f"{pair} is no longer configured: its findings stand as they were last seen.", style="yellow")


def doubt(left: str, right: str, last: AuditInfo | None, now: datetime) -> str:
    """Why the findings of a pair may not be all there is: it was never audited, not lately, or not wholly. Empty otherwise."""
    pair = f"{brief(left)}/{brief(right)}"
    if last is None:
        return f"{pair} was never audited, so nothing is known of it."
    age = now - last.finished_at
    if not last.complete:
        seen = f"{percent(last.coverage)} of what should have been observed was observed"
        return f"{pair}: the last audit, {span(age)} ago, was INCOMPLETE: {seen}, the rest is unknown."
    return f"{pair}: the last audit was {span(age)} ago." if age > _STALE else ""


def _rows(findings: Sequence[Finding]) -> Iterator[tuple[Entry, Finding | None]]:
    """Findings in their order, those with one cause together, below a row that names it."""
    for entry in group(sorted(findings, key=order)):
        if entry.cause is not None:
            yield entry, None
        for finding in entry.findings:
            yield entry, finding


def snapshot_text(snapshot: Snapshot, *, width: int | None, color: bool) -> str:
    """What a snapshot holds (`audit snapshot`): resources by kind and, last and loud, what could not be seen."""
    page = Page(width or DEFAULT_WIDTH, color)
    page.line(f"Snapshot of {brief(snapshot.environment)}: {count(len(snapshot.resources), 'resource')}", style="bold")
    page.line(f"{brief(snapshot.id)}, {instant(snapshot.taken_at)}", style="dim")
    if snapshot.gaps:
        page.line(f"INCOMPLETE: {count(len(snapshot.gaps), 'gap')}.", style="bold yellow")
    page.blank()
    kinds = Counter(resource.kind for resource in snapshot.resources)
    room = max((len(brief(kind)) for kind in kinds), default=0)
    for kind, number in sorted(kinds.items()):
        page.line(f"{brief(kind):<{room}}  {number:>6}")
    if not kinds:
        page.line("No resources were seen.")
    not_observed(page, snapshot.gaps)
    return page.text()


def _title(page: Page, finding: Finding) -> None:
    breach = finding.breach
    page.line(f"{breach.severity.value.upper()}  {middle(shown_identity(breach), 200)}", style=STYLES[breach.severity])
    page.line(f"{brief(breach.kind)}  {path_text(breach.path)}".rstrip(), style="bold")
    page.line(f"{breach.category.value}, finding {breach.fingerprint}", style="dim")
    page.blank()


def _side(page: Page, side: Side, breach: Breach) -> None:
    page.line(brief(side.environment), style="bold")
    where = f", {brief(side.location)}" if side.location else ""
    page.line(
        f"{brief(side.identity)}{where}" if side.identity is not None else "no such resource", indent=2, style="dim"
    )
    if is_one_sided(breach):
        return
    if not isinstance(side.value, str) or "\n" not in side.value:
        page.line(middle(spell(side.value), _LONG), indent=2)
        return
    for line in middle(side.value, _LONG).splitlines():
        page.line(clean(line), indent=2, lead="| ")


def _event(event: Event) -> str:
    change = event.to_status.value
    if event.from_status is not None and event.from_status is not event.to_status:
        change = f"{event.from_status.value} -> {change}"
    audit = f" (audit {brief(event.audit_id)})" if event.audit_id else ""
    reason = f": {sentence(event.reason)}" if event.reason else ""
    return f"{change}, by {brief(event.actor)}{audit}{reason}"


def _status(finding: Finding) -> str:
    tolerated = finding.breach.tolerated_for
    still = f", tolerated for {span(tolerated)}" if finding.status.value == "pending" and tolerated else ""
    return "; ".join((f"{finding.status.value}{still}", *warnings(finding)))


def _escalation(breach: Breach) -> str:
    """`to high when open for 7 days, to critical when open for 30 days`."""
    return ", ".join(f"to {step.to.value} when open for {span(step.after)}" for step in breach.escalation)


def _pairing(breach: Breach) -> str:
    if is_one_sided(breach):
        probably = counterpart(breach)
        return f"with nothing. {probably}, which proves nothing" if probably else "with nothing"
    left, right = brief(breach.left.identity or "nothing"), brief(breach.right.identity or "nothing")
    how = method_text(breach.matched_by, breach.confidence) or "the same identity, once names are set aside"
    return f"{left} and {right}: {how}"
