"""What changed, in the thread of a topic or, without one, as a message of its own. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auditor.life import StoredFinding
from auditor.model import Json, Severity
from auditor.notices import Change, Happening, News
from auditor.publish.slack import blocks
from auditor.publish.slack.blocks import Message
from auditor.publish.slack.controls import Aim, controls
from auditor.publish.slack.entries import (
    BLIND,
    CALM,
    QUIET,
    SYMBOLS,
    TURNS,
    Look,
    advice,
    finding_line,
    footer,
    gap_lines,
    incomplete,
    incomplete_text,
    more,
    name_line,
    pair_text,
    severities,
    worst_first,
)
from auditor.publish.spelling import brief, count, distinct

# In the order in which they are read: what got worse first, what is over last.
_TITLES = {
    Happening.ESCALATED: "Got worse",
    Happening.REGRESSED: "Came back",
    Happening.NEW: "New",
    Happening.REOPENED: "Open again",
    Happening.ACKNOWLEDGED: "Acknowledged",
    Happening.WAIVED: "Waived",
    Happening.RESOLVED: "Resolved",
}
_LOUD = frozenset({Happening.ESCALATED, Happening.REGRESSED, Happening.NEW, Happening.REOPENED})
_PERSONAL = frozenset({Happening.ACKNOWLEDGED, Happening.WAIVED})
_MOST_FINDINGS = 9
_MOST_GAPS = 6
_VALUE_ROOM = 160


def reply(news: News, look: Look) -> Message:
    """The changes with their details, for a thread."""
    return blocks.fitted(lambda most: _message((), (), news, look, most), _MOST_FINDINGS)


def event(news: News, look: Look) -> Message:
    """The same as a message that stands alone: with a title, and with buttons for what it tells."""
    findings = [change.finding for change in news.changes]
    aim = Aim(fingerprints=distinct(stored.fingerprint for stored in findings))
    head = blocks.header(f"{_symbol(news)} {pair_text(news.left, news.right)}: {_counts(news)}")
    buttons = controls(aim, findings, look)
    return blocks.fitted(lambda most: _message((head,), buttons, news, look, most), _MOST_FINDINGS)


def broadcast(news: News) -> bool:
    """Whether it is bad enough to be shown in the channel as well: something critical that came back or got worse."""
    return any(
        change.happening in (Happening.REGRESSED, Happening.ESCALATED)
        and change.finding.breach.severity is Severity.CRITICAL
        for change in news.changes
    )


def _message(head: Sequence[Json], buttons: Sequence[Json], news: News, look: Look, most: int) -> Message:
    body = [*incomplete(news)]
    for happening in _TITLES:
        body += _group(happening, [change for change in news.changes if change.happening is happening], look, most)
    body += _observed(news, most)
    if not body:
        body = [blocks.line(blocks.text("Nothing changed."))]
    small = footer(news)
    footers = (small,) if small else ()
    text = f"{_symbol(news)} {pair_text(news.left, news.right)}: {_counts(news)}"
    return Message(blocks.fallback(text + _essence(news)), (*head, blocks.rich(body), *footers, *buttons))


def _group(happening: Happening, changes: Sequence[Change], look: Look, most: int) -> Iterator[Json]:
    if not changes:
        return
    findings = worst_first(change.finding for change in changes)
    shown = findings[:most]
    yield blocks.line(
        blocks.bold(_TITLES[happening]), blocks.text(f"  {severities(findings)}"), *_who(happening, changes)
    )
    if shown:
        loud = happening in _LOUD
        yield blocks.bullets(
            finding_line(stored, look, _VALUE_ROOM) if loud else name_line(stored, look) for stored in shown
        )
    yield from more(findings, len(shown))
    reasons = advice(findings, min(3, most)) if happening in _LOUD else ()
    if reasons:
        yield blocks.line(*reasons)


def _who(happening: Happening, changes: Sequence[Change]) -> Iterator[Json]:
    """The person behind an act and why, or why the auditor says so where that is worth a word."""
    # The line begins with what happened; the reason need not say it again.
    repeated = f"{_TITLES[happening].lower()}, "
    reasons = distinct(brief(change.reason.removeprefix(repeated), 200) for change in changes)
    if happening in _PERSONAL:
        actors = distinct(brief(change.actor, 80) for change in changes)
        yield blocks.text(f", by {' and '.join(actors[:3])}")
    if happening in _PERSONAL or happening in TURNS:
        yield blocks.text(f": {'; '.join(reasons[:2])}" if reasons else "")


def _observed(news: News, most: int) -> Iterator[Json]:
    if news.new_gaps:
        yield blocks.line(blocks.bold(f"{BLIND} Can no longer be observed"))
        yield blocks.bullets(gap_lines(news.new_gaps, min(most, _MOST_GAPS)))
    if news.closed_gaps:
        yield blocks.line(blocks.bold("Can be observed again"))
        yield blocks.bullets(gap_lines(news.closed_gaps, min(most, _MOST_GAPS)))


def _counts(news: News) -> str:
    """`2 new, 1 resolved`."""
    found = [(sum(change.happening is item for change in news.changes), item) for item in _TITLES]
    parts = [f"{number:,} {_TITLES[item].lower()}" for number, item in found if number]
    if news.new_gaps:
        parts.append(f"{count(len(news.new_gaps), 'new gap')}")
    if news.closed_gaps:
        parts.append(f"{count(len(news.closed_gaps), 'gap')} closed")
    return ", ".join(parts) or "nothing changed"


def _essence(news: News) -> str:
    """The worst change in a sentence, and whether all was seen, for those who see no blocks."""
    loud = [change.finding for change in news.changes if change.happening in _LOUD]
    worst = worst_first(loud)[:1]
    lines = [f"{stored.breach.severity.value.capitalize()}: {brief(stored.breach.message, 300)}" for stored in worst]
    return "".join(f"\n{item}" for item in lines) + incomplete_text(news)


def _symbol(news: News) -> str:
    loud: list[StoredFinding] = [change.finding for change in news.changes if change.happening in _LOUD]
    if loud:
        return SYMBOLS[max((stored.breach.severity for stored in loud), key=lambda severity: severity.rank)]
    if news.new_gaps:
        return BLIND
    over = all(change.happening is Happening.RESOLVED for change in news.changes)
    return CALM if over else QUIET
