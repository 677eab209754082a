"""What a backtest prints, for the reviewer of a change to a policy: what would have been said, beside what was said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from auditor.backtest_told import Outcome, Said, Shift, ShiftKind
from auditor.model import Severity
from auditor.publish.grid import DEFAULT_WIDTH, STYLES, Page
from auditor.publish.markdown import code, escape
from auditor.publish.spelling import brief, count, instant, iso, middle, path_text, sentence, span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auditor.backtesting import Backtest

SCHEMA = 1
_TITLES = {
    ShiftKind.NEW: "Would be new",
    ShiftKind.GONE: "Would be gone",
    ShiftKind.SEVERITY: "Would be of another severity",
    ShiftKind.TIME: "Would be open at another time",
}
_MOST_ROWS = 100


def summary(found: Backtest) -> str:
    """One sentence: `staging/prod: 2 would be new, 1 gone; 14 the same`."""
    pair = f"{brief(found.left)}/{brief(found.right)}"
    if found.outcome is None:
        return f"{pair}: no audit since {instant(found.since)} to replay."
    parts = []
    for kind, words in (("new", "new"), ("gone", "gone"), ("severity", "of another severity"), ("time", "at another time")):  # fmt: skip
        number = sum(1 for shift in found.outcome.shifts if shift.kind.value == kind)
        parts += [f"{number} {words}"] if number else []
    if not parts:
        return f"{pair}: nothing would change ({count(found.outcome.same, 'finding')} the same)."
    return f"{pair}: {', '.join(parts)}; {found.outcome.same} the same."


def table(results: Sequence[Backtest], *, width: int | None, color: bool) -> str:
    """For a person at a terminal."""
    page = Page(width or DEFAULT_WIDTH, color)
    for number, found in enumerate(results):
        if number:
            page.blank()
        page.line(summary(found), style="bold")
        _facts(page, found)
        if found.outcome is not None:
            for kind in ShiftKind:
                _section(page, kind, [shift for shift in found.outcome.shifts if shift.kind is kind])
    return page.text()


def markdown(results: Sequence[Backtest]) -> str:
    """For a comment of a merge request."""
    lines = ["## What this policy would have said", ""]
    for found in results:
        lines += [f"**{escape(summary(found))}**", ""]
        if found.outcome is None:
            continue
        lines += [f"{escape(_replayed(found))}", ""]
        lines += [*[f"- {escape(text)}" for text in (*_numbers(found.outcome), *map(_capital, found.notes))], ""]
        for kind in ShiftKind:
            shifts = [shift for shift in found.outcome.shifts if shift.kind is kind]
            if shifts:
                lines += [f"### {_TITLES[kind]} ({len(shifts)})", "", *_rows(kind, shifts), ""]
    return "\n".join(lines).rstrip() + "\n"


def as_json(results: Sequence[Backtest]) -> str:
    """For machines: one object per pair."""
    return json.dumps({"schema": SCHEMA, "pairs": [_object(found) for found in results]}, indent=2, ensure_ascii=False)


def _facts(page: Page, found: Backtest) -> None:
    page.fact("Policies", ", ".join(map(brief, found.policies)))
    if found.outcome is not None:
        page.fact("Replayed", _replayed(found))
        for text in _numbers(found.outcome):
            page.fact("", text)
    for note in found.notes:
        page.fact("Note", sentence(_capital(note)))


def _replayed(found: Backtest) -> str:
    if found.first is None or found.last is None:
        return ""
    states = f"{count(found.contents, 'state')}, {found.judged} of them judged" if found.contents else ""
    if found.judged >= found.contents:
        states = f"{count(found.contents, 'different state')} in a row"
    return f"{count(found.audits, 'audit')} from {instant(found.first)} to {instant(found.last)}: {states}"


def _numbers(outcome: Outcome) -> list[str]:
    found = [f"open at the end: {_severities(outcome.now_open)} (was: {_severities(outcome.then_open)})"]
    if outcome.now_sent is None or outcome.then_sent is None:
        found.append(f"news to tell: {outcome.now_news} (was: {outcome.then_news}); no publisher is configured")
        return found
    for target in sorted({*outcome.now_sent, *outcome.then_sent}):
        now, then = outcome.now_sent.get(target, 0), outcome.then_sent.get(target, 0)
        found.append(f"notices to {brief(target)}: {now} (was: {then})")
    if not outcome.now_sent and not outcome.then_sent:
        found.append("no notice would have been sent, and none was")
    return found


def _severities(numbers: Mapping[Severity, int]) -> str:
    return ", ".join(f"{numbers[severity]} {severity.value}" for severity in Severity if numbers[severity]) or "nothing"


def _section(page: Page, kind: ShiftKind, shifts: Sequence[Shift]) -> None:
    if not shifts:
        return
    page.blank()
    page.rule(f"{_TITLES[kind]}: {len(shifts)}", style="bold")
    for shift in shifts[:_MOST_ROWS]:
        page.line(f"{_severity(shift):<20} {_place(shift)}", style=STYLES[shift.severity])
        for name, said in (("then", shift.then), ("now", shift.now)):
            if said:
                page.line(_told(said), indent=2, lead=f"{name:<6}")
        said = shift.now or shift.then
        if said and kind is not ShiftKind.TIME:
            page.line(sentence(said.message), indent=8, style="dim")
    if len(shifts) > _MOST_ROWS:
        page.line(f"and {len(shifts) - _MOST_ROWS} more: --format json lists all", style="dim")


def _rows(kind: ShiftKind, shifts: Sequence[Shift]) -> list[str]:
    rows = ["| severity | place | rule | open since | open for | what |", "|---|---|---|---|---|---|"]
    for shift in shifts[:_MOST_ROWS]:
        said = shift.now or shift.then
        if said is None:
            continue
        before = shift.then if shift.then and shift.now else None
        opened, lasted = instant(said.opened), span(said.open_for)
        if before and kind is ShiftKind.TIME:
            opened, lasted = f"{instant(before.opened)} → {opened}", f"{span(before.open_for)} → {lasted}"
        place = code(middle(_place(shift), 160))
        rule = f"{code(_rule(said))} <sub>{escape(f'{said.rule.file}:{said.rule.line}')}</sub>"
        what = escape(middle(said.message, 200))
        rows.append(f"| {_severity(shift)} | {place} | {rule} | {opened} | {lasted} | {what} |")
    if len(shifts) > _MOST_ROWS:
        rows.append(f"\n… and {len(shifts) - _MOST_ROWS} more.")
    return rows


def _severity(shift: Shift) -> str:
    if shift.then and shift.now and shift.then.severity is not shift.now.severity:
        return f"{shift.then.severity.value} -> {shift.now.severity.value}"
    return shift.severity.value


def _place(shift: Shift) -> str:
    kind, identity, path = shift.place
    return f"{brief(kind)} {middle(brief(identity), 120)} {middle(path_text(path), 120)}".rstrip()


def _rule(said: Said) -> str:
    return f"{brief(said.rule.policy)}/{brief(said.rule.id)}"


def _told(said: Said) -> str:
    still = "and still is" if said.still else "in all"
    news = f", {count(said.news, 'piece')} of news" if said.news else ", no news"
    return (
        f"{said.severity.value} by {_rule(said)} ({said.rule.file}:{said.rule.line}), "
        f"open from {instant(said.opened)} for {span(said.open_for)} {still}{news}"
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _object(found: Backtest) -> dict[str, Any]:
    result: dict[str, Any] = {
        "left": found.left,
        "right": found.right,
        "policies": list(found.policies),
        "since": iso(found.since),
        "first_audit": iso(found.first) if found.first else None,
        "last_audit": iso(found.last) if found.last else None,
        "audits": found.audits,
        "states": found.contents,
        "judged": found.judged,
        "left_out": found.left_out,
        "notes": list(found.notes),
        "summary": summary(found),
    }
    outcome = found.outcome
    if outcome is None:
        return {**result, "same": 0, "changes": []}
    sides = (("then", outcome.then_open, outcome.then_news, outcome.then_sent), ("now", outcome.now_open, outcome.now_news, outcome.now_sent))  # fmt: skip
    for name, open_, news, sent in sides:
        open_at_end = {severity.value: open_[severity] for severity in Severity}
        result[name] = {"open": open_at_end, "news": news, "notices": None if sent is None else dict(sorted(sent.items()))}  # fmt: skip
    return {**result, "same": outcome.same, "changes": [_change(shift) for shift in outcome.shifts]}


def _change(shift: Shift) -> dict[str, Any]:
    kind, identity, path = shift.place
    sides = {"then": _side(shift.then), "now": _side(shift.now)}
    return {"change": shift.kind.value, "kind": kind, "resource": identity, "path": list(path), **sides}


def _side(said: Said | None) -> dict[str, Any] | None:
    if said is None:
        return None
    return {
        "rule": f"{said.rule.policy}/{said.rule.id}",
        "file": said.rule.file,
        "line": said.rule.line,
        "severity": said.severity.value,
        "open_since": iso(said.opened),
        "open_seconds": int(said.open_for.total_seconds()),
        "news": said.news,
        "still_open": said.still,
        "message": said.message,
    }
