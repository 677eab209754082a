"""What a click does. One function for both ways in, Socket Mode and HTTP; who may do it and what it does is decided here.

A click that comes twice, from Slack's own repetition or over two copies of the service, does the same thing once: an act
is dated by the click, not by its arrival.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from auditor.errors import AuditorError
from auditor.model import Status
from auditor.publish.slack import blocks
from auditor.publish.slack.blocks import Message
from auditor.publish.slack.controls import Action, Aim, Click, read_click
from auditor.publish.slack.entries import ACTIVE, Look
from auditor.publish.slack.explanation import explain
from auditor.publish.spelling import brief, count, instant

if TYPE_CHECKING:
    from auditor.life import StoredFinding
    from auditor.model import Json
    from auditor.waivers import Waiver

ORIGIN = "slack"
_USER = re.compile(r"[UW][A-Z0-9]{2,30}")
_STAMP = re.compile(r"[0-9]{9,11}\.[0-9]{1,6}")
# A click is dated by Slack's clock as long as that is about right.
_CLOCKS_APART = timedelta(minutes=10)


class Acts(Protocol):
    """What clicks do to the findings. Every method may raise AuditorError with a sentence for the person."""

    def aimed(self, topic: str | None, fingerprints: Sequence[str]) -> Sequence[StoredFinding]:
        """The findings of a topic, or these findings, as they are now."""
        ...

    def acknowledge(self, fingerprints: Sequence[str], actor: str, now: datetime) -> Sequence[StoredFinding]: ...

    def waive(
        self, fingerprints: Sequence[str], owner: str, reason: str, now: datetime, lasts: timedelta, origin: str
    ) -> Waiver:
        """The waiver; the same one where it was asked for before by the same person at the same time."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What the person who clicked is told, and nobody else. `url` is the payload's response_url, not yet trusted."""

    url: str
    message: Message


def handle(payload: Json, acts: Acts, actors: Sequence[str], look: Look, now: datetime) -> Answer | None:
    """Do what a click asks for. None where the payload is no click on one of our buttons.

    `actors` are the ids of those who may; empty: everybody who sees the button."""
    read = _read(payload)
    if read is None:
        return None
    click, user, url = read
    if actors and user.id not in actors:
        said = "You may not do this here: publish.slack.actors names those who may."
        return Answer(url, _said(said))
    try:
        return Answer(url, _done(click, user.actor, acts, look, _dated(payload, now)))
    except AuditorError as error:
        return Answer(url, _said(f"That did not work: {brief(str(error), 500)}"))


@dataclass(frozen=True, slots=True)
class _User:
    id: str
    name: str

    @property
    def actor(self) -> str:
        return f"slack:@{self.name} ({self.id})" if self.name else f"slack:{self.id}"


def _read(payload: Json) -> tuple[Click, _User, str] | None:
    if not isinstance(payload, dict) or payload.get("type") != "block_actions":
        return None
    user, actions, url = payload.get("user"), payload.get("actions"), payload.get("response_url")
    if not isinstance(user, dict) or not isinstance(actions, list):
        return None
    user_id, name = user.get("id"), user.get("username") or user.get("name") or ""
    if not isinstance(user_id, str) or not _USER.fullmatch(user_id) or not isinstance(name, str):
        return None
    clicks = [click for click in map(read_click, actions) if click is not None]
    return (clicks[0], _User(user_id, brief(name, 80)), url if isinstance(url, str) else "") if clicks else None


def _dated(payload: Json, now: datetime) -> datetime:
    """When the click was made: what tells it from another one like it."""
    stamps = [action.get("action_ts") for action in payload["actions"] if isinstance(action, dict)]
    stamp = next((stamp for stamp in stamps if isinstance(stamp, str) and _STAMP.fullmatch(stamp)), None)
    if stamp is None:
        return now
    seconds, _, fraction = stamp.partition(".")
    made = datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int(fraction.ljust(6, "0")))
    return made if abs(made - now) <= _CLOCKS_APART else now


def _done(click: Click, actor: str, acts: Acts, look: Look, now: datetime) -> Message:
    findings = _aimed(click.aim, acts)
    if click.action is Action.EXPLAIN:
        return explain(findings, look)
    if click.action is Action.ACKNOWLEDGE:
        return _acknowledge(findings, actor, acts, now)
    return _snooze(findings, actor, acts, now, click.days or 1)


def _aimed(aim: Aim, acts: Acts) -> Sequence[StoredFinding]:
    return acts.aimed(aim.topic, aim.fingerprints)


def _acknowledge(findings: Sequence[StoredFinding], actor: str, acts: Acts, now: datetime) -> Message:
    chosen = [stored for stored in findings if stored.status in ACTIVE or stored.status is Status.PENDING]
    if not chosen:
        return _said("Nothing is left to acknowledge here.")
    acts.acknowledge([stored.fingerprint for stored in chosen], actor, now)
    if len(chosen) == 1:
        return _said("You acknowledged 1 finding. It is silent until it is gone, or gets worse.")
    return _said(
        f"You acknowledged {count(len(chosen), 'finding')}. They are silent until they are gone, or get worse."
    )


def _snooze(findings: Sequence[StoredFinding], actor: str, acts: Acts, now: datetime, days: int) -> Message:
    chosen = [stored.fingerprint for stored in findings if stored.status is not Status.RESOLVED]
    if not chosen:
        return _said("Nothing is left to snooze here.")
    length = count(days, "day")
    reason = f"snoozed in Slack for {length}"
    waiver = acts.waive(chosen, actor, reason, now, timedelta(days=days), ORIGIN)
    said = f"You snoozed {count(len(chosen), 'finding')} for {length}, until {instant(waiver.expires_at)}."
    return _said(f"{said} Take it back with: audit waivers revoke {waiver.id}")


def _said(text: str) -> Message:
    return Message(blocks.fallback(text), (blocks.rich([blocks.line(blocks.text(text))]),))
