"""The buttons under a message, and what a click on one of them says: both ends of the same few words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from auditor.life import StoredFinding
from auditor.model import Json, Status
from auditor.publish.slack import blocks
from auditor.publish.slack.entries import ACTIVE, Look
from auditor.publish.spelling import count

SNOOZES = (1, 7, 30)
# https://docs.slack.dev/reference/block-kit/composition-objects/option-object
_OPTION_ROOM = 150
_BUTTON_ROOM = 2_000


class Action(StrEnum):
    """What may be clicked, by `action_id`."""

    ACKNOWLEDGE = "parity_acknowledge"
    SNOOZE = "parity_snooze"
    EXPLAIN = "parity_explain"


@dataclass(frozen=True, slots=True)
class Aim:
    """What a click is about: all findings of a topic, whatever they are by then, or these findings."""

    topic: str | None = None
    fingerprints: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"topic:{self.topic}" if self.topic is not None else f"findings:{','.join(self.fingerprints)}"


@dataclass(frozen=True, slots=True)
class Click:
    """`days` is given for a snooze."""

    action: Action
    aim: Aim
    days: int | None = None


def controls(aim: Aim, findings: Sequence[StoredFinding], look: Look) -> tuple[Json, ...]:
    """The buttons that still make sense for these findings: none where all are resolved or no click would arrive."""
    left = [stored for stored in findings if stored.status is not Status.RESOLVED]
    room = min(_BUTTON_ROOM, _OPTION_ROOM - len("30 "))
    if not look.buttons or not left or len(str(aim)) > room:
        return ()
    elements = []
    active = sum(stored.status in ACTIVE for stored in left)
    if active:
        elements.append(_acknowledge(aim, active))
    unwaived = sum(stored.status is not Status.WAIVED for stored in left)
    if unwaived:
        elements.append(_snooze(aim, unwaived))
    elements.append(_button(Action.EXPLAIN, "Explain", aim))
    return ({"type": "actions", "elements": elements},)


def read_click(action: Json) -> Click | None:
    """The click that an element of a payload's `actions` stands for; None where it is none of ours."""
    if not isinstance(action, dict) or action.get("action_id") not in {item.value for item in Action}:
        return None
    kind = Action(action["action_id"])
    option = action.get("selected_option")
    value = option.get("value") if isinstance(option, dict) else action.get("value")
    if not isinstance(value, str):
        return None
    days = None
    if kind is Action.SNOOZE:
        chosen, _, value = value.partition(" ")
        if chosen not in map(str, SNOOZES):
            return None
        days = int(chosen)
    aim = _read_aim(value)
    return None if aim is None else Click(kind, aim, days)


def _read_aim(value: str) -> Aim | None:
    kind, _, rest = value.partition(":")
    if kind == "topic" and rest:
        return Aim(topic=rest)
    if kind == "findings" and rest:
        return Aim(fingerprints=tuple(part for part in rest.split(",") if part))
    return None


def _acknowledge(aim: Aim, number: int) -> Json:
    button = {**_button(Action.ACKNOWLEDGE, "Acknowledge", aim), "style": "primary"}
    if number == 1:
        return button
    return {**button, "confirm": _confirm(f"Acknowledge {count(number, 'finding')}?", "Acknowledge")}


def _snooze(aim: Aim, number: int) -> Json:
    options = [
        {"text": blocks.plain(count(days, "day"), blocks.LABEL_ROOM), "value": f"{days} {aim}"} for days in SNOOZES
    ]
    select = {
        "type": "static_select",
        "action_id": Action.SNOOZE.value,
        "placeholder": blocks.plain("Snooze", blocks.LABEL_ROOM),
        "options": options,
    }
    return select if number == 1 else {**select, "confirm": _confirm(f"Snooze {count(number, 'finding')}?", "Snooze")}


def _button(action: Action, label: str, aim: Aim) -> Json:
    return {
        "type": "button",
        "action_id": action.value,
        "text": blocks.plain(label, blocks.LABEL_ROOM),
        "value": str(aim),
    }


def _confirm(question: str, yes: str) -> Json:
    return {
        "title": blocks.plain(question, 100),
        "text": blocks.plain("It holds for all findings of this message, also for those that it does not list."),
        "confirm": blocks.plain(yes, 30),
        "deny": blocks.plain("Cancel", 30),
    }
