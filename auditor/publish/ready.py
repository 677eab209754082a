"""The answered checklist (`audit ready`): for a terminal, for programs, and for the document of a design review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.publish.grid import DEFAULT_WIDTH, Page
from auditor.publish.json_report import dump
from auditor.publish.markdown import code, escape
from auditor.publish.spelling import brief, clean, instant, iso, sentence, span
from auditor.readiness.model import Answer

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.model import Json
    from auditor.readiness.checklist import Checklist
    from auditor.readiness.model import Evidence, Item

SCHEMA = 1
FORMATS = ("table", "json", "markdown")
_MARKS = {Answer.YES: "yes", Answer.NO: "NO", Answer.NOT_OBSERVED: "?", Answer.NOT_APPLICABLE: "-"}
_STYLES = {
    Answer.YES: "bold green",
    Answer.NO: "bold red",
    Answer.NOT_OBSERVED: "bold yellow",
    Answer.NOT_APPLICABLE: "dim",
}
_MARK = 5
_LEADS = {Answer.NO: "Fix: ", Answer.NOT_OBSERVED: ""}
_SHOWN = {Answer.YES: 0, Answer.NO: 2, Answer.NOT_OBSERVED: 2, Answer.NOT_APPLICABLE: 0}
_PRINTS = 2


def render(
    checklist: Checklist,
    format: str,  # noqa: A002  the name of the option, as people type it
    *,
    width: int | None,
    color: bool,
    now: datetime,
    allow_incomplete: bool,
) -> str:
    """The checklist as text that ends with a newline. `format` is one of FORMATS, else ValueError.

    `width` (columns; None: 100) and `color` concern `table` only; `now` is the reader's time."""
    match format:
        case "table":
            return table(checklist, width=width, color=color, now=now, allow_incomplete=allow_incomplete)
        case "json":
            return dump(checklist_object(checklist, allow_incomplete))
        case "markdown":
            return markdown(checklist, now=now, allow_incomplete=allow_incomplete)
    raise ValueError(f"unknown format {format!r}; known are {', '.join(FORMATS)}")


def table(
    checklist: Checklist, *, width: int | None, color: bool, now: datetime, allow_incomplete: bool = False
) -> str:
    """A line for what is right, a few for what is not: the answer, why, what it rests on, what to do."""
    page = Page(width or DEFAULT_WIDTH, color)
    exit_code = checklist.exit_code(allow_incomplete)
    verdict = "bold green" if exit_code == 0 else "bold red" if checklist.counts[Answer.NO] else "bold yellow"
    page.line(f"Is {brief(checklist.environment)} ready?", style="bold")
    page.line(_basis(checklist, now), style="dim")
    page.blank()
    page.line(sentence(checklist.sentence), style=verdict)
    page.blank()
    for item in checklist.items:
        _item(page, item)
    page.rule()
    page.line(f"Exit code {exit_code}. Everything that the answers rest on: --format markdown, or json.", style="dim")
    return page.text()


def _item(page: Page, item: Item) -> None:
    page.line(item.question, lead=f"{_MARKS[item.answer]:<{_MARK}}", style=_STYLES[item.answer])
    advice = f" {_LEADS[item.answer]}{sentence(item.remedy)}." if item.remedy else ""
    page.line(sentence(item.sentence) + advice, indent=_MARK)
    for evidence in item.evidence[: _SHOWN[item.answer]]:
        _evidence_line(page, evidence)


def _evidence_line(page: Page, evidence: Evidence) -> None:
    """On one line, whatever has to be left out for it; the fingerprints stay."""
    prints = _prints(evidence)
    room = page.width - _MARK - 2 - len(prints)
    text = clean(evidence.text)
    text = text if len(text) <= room else f"{text[: room - 1].rstrip()}…"
    page.line(text + prints, indent=_MARK, lead="- ", style="dim")


def _prints(evidence: Evidence) -> str:
    shown = " ".join(fingerprint[:8] for fingerprint in evidence.findings[:_PRINTS])
    more = " …" if len(evidence.findings) > _PRINTS else ""
    return f" [{shown}{more}]" if shown else ""


def _basis(checklist: Checklist, now: datetime) -> str:
    whole = "" if checklist.complete else ", incomplete"
    return (
        f"{brief(checklist.left)} against {brief(checklist.right)}; audit {brief(checklist.audit)}, "
        f"{span(now - checklist.observed_at)} ago{whole}; counting from {checklist.threshold}"
    )


def markdown(checklist: Checklist, *, now: datetime, allow_incomplete: bool = False) -> str:
    """A table of answers, then each with all of its evidence: to be kept with a design review."""
    lines = [
        f"## Is {escape(checklist.environment)} ready?",
        "",
        f"**{escape(checklist.sentence)}** Exit code {checklist.exit_code(allow_incomplete)}.",
        "",
        "| Question | Answer | Why |",
        "|---|---|---|",
        *(
            f"| {escape(item.question)} | {_bold(item.answer)} | {escape(sentence(item.sentence))} |"
            for item in checklist.items
        ),
        "",
        "### Evidence",
        "",
    ]
    for item in checklist.items:
        lines += [f"**{escape(item.question)}** {item.answer.value}", "", f"- Needs: {_ours(item.needs)}"]
        lines += [f"- {_evidence(evidence)}" for evidence in item.evidence]
        lines += [f"- To do: {_ours(item.remedy)}"] if item.remedy else []
        lines.append("")
    sides = "; ".join(
        f"{escape(name)}: snapshot {code(snapshot)} of {instant(at)}"
        for name, (snapshot, at) in checklist.snapshots.items()
    )
    whole = "complete" if checklist.complete else "incomplete"
    basis = f"Audit {code(checklist.audit)} ({whole}) of {instant(checklist.observed_at)}"
    lines += [
        f"<sub>{basis}; {sides}; written {instant(now)}.</sub>",
        "",
    ]
    return "\n".join(lines)


def _ours(text: str) -> str:
    """Text of ours, in which nothing but names of environments comes from outside: what it quotes is code."""
    return "".join(code(part) if number % 2 else escape(part) for number, part in enumerate(text.split("`")))


def _bold(answer: Answer) -> str:
    return answer.value if answer is Answer.YES else f"**{answer.value}**"


def _evidence(evidence: Evidence) -> str:
    parts = [escape(sentence(evidence.text))]
    if evidence.resources:
        parts.append("such as " + ", ".join(code(name) for name in evidence.resources))
    if evidence.findings:
        shown = ", ".join(code(fingerprint[:8]) for fingerprint in evidence.findings[:10])
        more = f" and {len(evidence.findings) - 10} more" if len(evidence.findings) > 10 else ""
        parts.append(f"findings {shown}{more}")
    if evidence.source:
        parts.append(code(evidence.source))
    if evidence.at is not None:
        parts.append(instant(evidence.at))
    return "; ".join(parts)


def checklist_object(checklist: Checklist, allow_incomplete: bool = False) -> dict[str, Json]:
    """The checklist as plain JSON values; docs/ready.md explains every key."""
    return {
        "schema": SCHEMA,
        "environment": checklist.environment,
        "production": checklist.production,
        "verdict": {
            "exit_code": checklist.exit_code(allow_incomplete),
            "sentence": checklist.sentence,
            "threshold": checklist.threshold,
            "counts": {answer.value: checklist.counts[answer] for answer in Answer},
        },
        "audit": {
            "id": checklist.audit,
            "left": checklist.left,
            "right": checklist.right,
            "finished_at": iso(checklist.observed_at),
            "outcome": "complete" if checklist.complete else "incomplete",
        },
        "snapshots": [
            {"environment": name, "id": snapshot, "taken_at": iso(at)}
            for name, (snapshot, at) in checklist.snapshots.items()
        ],
        "items": [_item_object(item) for item in checklist.items],
    }


def _item_object(item: Item) -> dict[str, Json]:
    return {
        "id": item.id,
        "question": item.question,
        "answer": item.answer.value,
        "sentence": item.sentence,
        "needs": item.needs,
        "remedy": item.remedy,
        "evidence": [
            {
                "text": evidence.text,
                "environment": evidence.environment,
                "at": iso(evidence.at) if evidence.at else None,
                "source": evidence.source,
                "findings": list(evidence.findings),
                "resources": list(evidence.resources),
            }
            for evidence in item.evidence
        ],
    }
