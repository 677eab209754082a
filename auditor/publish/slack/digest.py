"""The regular summary: a few lines per pair, the pair that needs most looked at first. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from auditor.digest import Digest, PairDigest
from auditor.model import Json, Severity
from auditor.publish.slack import blocks
from auditor.publish.slack.blocks import Message
from auditor.publish.slack.entries import (
    BLIND,
    CALM,
    SYMBOLS,
    Look,
    finding_line,
    gap_lines,
    name_line,
    pair_text,
)
from auditor.publish.spelling import brief, count, percent, span
from auditor.waivers import Waiver

_MOST_PAIRS = 12
_MOST_WAIVERS = 5
_MOST_GAPS = 3
_VALUE_ROOM = 60


def digest(digest: Digest, look: Look) -> Message:
    """The summary of every pair. Many pairs get a line each, the worst few of them their findings."""
    return blocks.fitted(lambda most: _message(digest, look, most), _MOST_PAIRS)


def _message(digest: Digest, look: Look, most: int) -> Message:
    pairs = sorted(digest.pairs, key=_need, reverse=True)
    period = f"{digest.since:%d %b} to {digest.at:%d %b %Y}"
    body: list[Json] = []
    for index, pair in enumerate(pairs[:most]):
        body += _pair(pair, digest.at, look, worst=3 if index < 3 else 0)
    if len(pairs) > most:
        body.append(blocks.line(blocks.text(f"and {len(pairs) - most} more pairs: {_total(pairs[most:])}")))
    if not pairs:
        body.append(blocks.line(blocks.text("No pairs are configured.")))
    body += _expiring(digest.expiring, digest.at, min(most, _MOST_WAIVERS))
    title = f"Parity, {period}"
    lines = [
        f"{_symbol(pair)} {pair_text(pair.left, pair.right)}: {_state(pair)}{' (INCOMPLETE)' if _blind(pair) else ''}"
        for pair in pairs[:_MOST_PAIRS]
    ]
    text = "\n".join([title, *lines])
    return Message(blocks.fallback(text), (blocks.header(title), blocks.rich(body)))


def _pair(pair: PairDigest, now: datetime, look: Look, worst: int) -> Iterator[Json]:
    yield blocks.line(
        blocks.text(f"{_symbol(pair)} "),
        blocks.bold(pair_text(pair.left, pair.right)),
        blocks.text(f"  {_state(pair)}{_trend(pair)}"),
    )
    details: list[Json] = []
    if _blind(pair):
        seen = "" if pair.coverage is None else f" Coverage {percent(pair.coverage)}."
        details.append(blocks.line(blocks.bold("INCOMPLETE."), blocks.text(f"{seen} The rest is unknown.")))
        details += gap_lines(pair.gaps, _MOST_GAPS) if worst else ()
    details += [finding_line(stored, look, _VALUE_ROOM) for stored in pair.worst[:worst]]
    shown = {stored.fingerprint for stored in pair.worst[:worst]}
    if worst and pair.oldest and pair.oldest.opened_at and pair.oldest.fingerprint not in shown:
        age = span(now - pair.oldest.opened_at)
        details.append(
            blocks.line(blocks.text(f"Open the longest, {age}: "), *name_line(pair.oldest, look)["elements"])
        )
    if worst and pair.flapping:
        others = f" and {len(pair.flapping) - 1} more" if len(pair.flapping) > 1 else ""
        first = name_line(pair.flapping[0], look)["elements"]
        details.append(blocks.line(blocks.text("Keeps coming back: "), *first, blocks.text(others)))
    if details:
        yield blocks.bullets(details)


def _expiring(waivers: Sequence[Waiver], now: datetime, most: int) -> Iterator[Json]:
    if not waivers:
        return
    yield blocks.line(blocks.bold("Waivers that end soon"), blocks.text(f"  {len(waivers)}"))
    shown = [
        blocks.line(
            blocks.text(
                f"{brief(waiver.owner, 80)}: {brief(waiver.reason, 160)}, ends in {span(waiver.expires_at - now)}"
            )
        )
        for waiver in waivers[:most]
    ]
    if shown:
        yield blocks.bullets(shown)
    if len(waivers) > len(shown):
        yield blocks.line(blocks.text(f"and {len(waivers) - len(shown)} more"))


def _blind(pair: PairDigest) -> bool:
    return pair.audited_at is not None and not pair.complete


def _state(pair: PairDigest) -> str:
    if pair.audited_at is None:
        return "never audited"
    score = "score n/a" if pair.score is None else f"score {percent(pair.score)}"
    aside = f", {pair.aside} set aside" if pair.aside else ""
    unseen = " in what was observed" if _blind(pair) else ""
    return f"{_open(pair.open or {})}{unseen}{aside}, {score}"


def _open(counts: Mapping[Severity, int]) -> str:
    found = ", ".join(f"{counts[severity]:,} {severity.value}" for severity in Severity if counts.get(severity))
    return f"{found} open" if found else "nothing open"


def _trend(pair: PairDigest) -> str:
    """What came and went, and how the score moved, in brackets; empty where nothing did."""
    numbers = ((pair.new, "new"), (pair.regressed, "came back"), (pair.resolved, "resolved"))
    parts = [f"{number} {word}" for number, word in numbers if number]
    if pair.score is not None and pair.score_before is not None and pair.score != pair.score_before:
        parts.append(f"score was {percent(pair.score_before)}")
    return f" ({', '.join(parts)})" if parts else ""


def _symbol(pair: PairDigest) -> str:
    worst = next((severity for severity in Severity if (pair.open or {}).get(severity)), None)
    if worst is not None:
        return SYMBOLS[worst]
    return CALM if pair.audited_at is not None and pair.complete and pair.score is not None else BLIND


def _need(pair: PairDigest) -> tuple[object, ...]:
    """How much a pair needs to be looked at."""
    return (*((pair.open or {}).get(severity, 0) for severity in Severity), _symbol(pair) == BLIND)


def _total(pairs: Sequence[PairDigest]) -> str:
    counts = {severity: sum((pair.open or {}).get(severity, 0) for pair in pairs) for severity in Severity}
    blind = sum(_symbol(pair) == BLIND or _blind(pair) for pair in pairs)
    unseen = f", {count(blind, 'pair')} not fully observed" if blind else ""
    return f"{_open(counts)}{unseen}"
