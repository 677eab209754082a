"""The first message of a topic: how it stands now. It is written anew, in place, whenever something changes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auditor.life import StoredFinding
from auditor.model import Json, Status
from auditor.notices import GAPS, Conversation, News
from auditor.publish.slack import blocks
from auditor.publish.slack.blocks import Message
from auditor.publish.slack.controls import Aim, controls
from auditor.publish.slack.entries import (
    ACTIVE,
    BLIND,
    CALM,
    QUIET,
    SYMBOLS,
    Look,
    advice,
    footer,
    gap_lines,
    incomplete,
    incomplete_text,
    more,
    name_line,
    pair_text,
    standing_line,
    statuses,
    turns,
    worst_first,
)
from auditor.publish.spelling import brief, count, distinct

_MOST_FINDINGS = 5
_MOST_GAPS = 8
_VALUE_ROOM = 90


def parent(conversation: Conversation, news: News, look: Look) -> Message:
    """The message of `conversation` as it is now. `news` is the latest of it: its score and coverage are shown."""
    topic = conversation.topic
    if topic.cause_key == GAPS:
        return _gaps(conversation, news)
    # What was told as news stands in for findings that the store no longer has.
    findings = worst_first(conversation.findings or [change.finding for change in news.changes])
    if not findings or all(stored.status is Status.RESOLVED for stored in findings):
        return blocks.fitted(lambda most: _resolved(conversation, findings, news, look, most), _MOST_FINDINGS)
    return blocks.fitted(lambda most: _standing(conversation, findings, news, look, most), _MOST_FINDINGS)


def _standing(
    conversation: Conversation, findings: Sequence[StoredFinding], news: News, look: Look, most: int
) -> Message:
    topic = conversation.topic
    left = [stored for stored in findings if stored.status is not Status.RESOLVED]
    active = [stored for stored in left if stored.status in ACTIVE]
    worst = max((stored.breach.severity for stored in active or left), key=lambda severity: severity.rank)
    symbol = SYMBOLS[worst] if active else QUIET
    state = worst.value.capitalize() if active else "Set aside"
    title = brief(topic.title, 140)
    pair = pair_text(topic.left, topic.right)
    categories = ", ".join(distinct(stored.breach.category.value for stored in left)[:3])
    since = min(stored.opened_at or stored.since for stored in active or left)
    shown = left[:most]
    body = [
        *incomplete(news),
        blocks.line(blocks.bold(state), blocks.text(f"  {pair}, {categories}")),
        blocks.line(blocks.text(f"{statuses(findings)}, since "), blocks.moment(since)),
        *turns(news),
        *_list([standing_line(stored, look, _VALUE_ROOM) for stored in shown]),
        *more(left, len(shown)),
    ]
    reasons = advice(left, 1 if most else 0)
    if reasons:
        body.append(blocks.line(*reasons))
    text = f"{symbol} {state}: {title}\n{pair}: {statuses(findings)}"
    return _message(text, f"{symbol} {title}", body, controls(Aim(topic=topic.id), left, look), news)


def _resolved(
    conversation: Conversation, findings: Sequence[StoredFinding], news: News, look: Look, most: int
) -> Message:
    topic = conversation.topic
    title, pair = f"{CALM} Resolved: {brief(topic.title, 130)}", pair_text(topic.left, topic.right)
    number = count(len(findings), "finding") if findings else "nothing left"
    body = [
        *incomplete(news),
        blocks.line(blocks.bold("Resolved"), blocks.text(f"  {pair}, {number}")),
        *_list([name_line(stored, look) for stored in findings[:most]]),
        *more(findings, min(most, len(findings))),
    ]
    return _message(f"{title}\n{pair}: {number}", title, body, (), news)


def _gaps(conversation: Conversation, news: News) -> Message:
    topic = conversation.topic
    title, pair = brief(topic.title, 140), pair_text(topic.left, topic.right)
    gaps = conversation.gaps
    if not gaps:
        # The title says what was the matter, which is no longer true.
        said = "Everything can be observed again."
        body = [blocks.line(blocks.bold(said), blocks.text(f"  {pair}"))]
        return _message(f"{CALM} {pair}: {said}", f"{CALM} {brief(pair, 110)} can be observed again", body, (), news)

    def render(most: int) -> Message:
        body = [
            *incomplete(news),
            blocks.line(blocks.bold("Cannot be observed"), blocks.text(f"  {pair}")),
            *_list(list(gap_lines(gaps, most))),
        ]
        text = f"{BLIND} {title}\n{pair}: {count(len(gaps), 'gap')}"
        return _message(text, f"{BLIND} {title}", body, (), news)

    return blocks.fitted(render, _MOST_GAPS)


def _list(lines: Sequence[Json]) -> Iterator[Json]:
    if lines:
        yield blocks.bullets(lines)


def _message(text: str, title: str, body: Sequence[Json], buttons: Sequence[Json], news: News) -> Message:
    small = footer(news)
    footers = (small,) if small else ()
    return Message(
        blocks.fallback(text + incomplete_text(news)), (blocks.header(title), blocks.rich(body), *footers, *buttons)
    )
