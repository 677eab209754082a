"""Which side moved, in words: one sentence, a short form for tables, and the object for machines. Pure."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from auditor.model import ABSENT
from auditor.publish.spelling import brief, clean, iso, middle, spell

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.model import Absent, Author, Finding, Json, Moved, Side

_ROOM = 80
_SHORT = 28


def moved_text(finding: Finding) -> str:
    """`prod went from 15.4 to 15.8 between Tue 2026-11-17 09:00 and 09:15 UTC; staging did not follow`, and who did it.

    Empty where it is not known which side moved."""
    moved = finding.moved
    if moved is None:
        return ""
    text = f"{_change(finding, moved)} {between(moved.after, moved.by)}{_other(finding, moved)}"
    return f"{text}; {author_text(moved.author)}" if moved.author else text


def moved_brief(finding: Finding) -> str:
    """`moved: prod 15.4 -> 15.8, 2026-11-17 09:00 to 09:15 UTC, deploy/ada`; empty where it is not known."""
    moved = finding.moved
    if moved is None:
        return ""
    who = "both" if moved.side == "both" else brief(moved.environment)
    if not finding.breach.path:
        what = "lost it" if moved.new is ABSENT else "got it"
    else:
        what = f"{_value(moved.old, _SHORT)} -> {_value(moved.new, _SHORT)}"
    author = moved.author.principal if moved.author else None
    name = f", {brief(author)}" if author else ""
    return f"moved: {who} {what}, {_times(moved.after, moved.by, ' to ', day='')}{name}"


def author_text(author: Author) -> str:
    """`by deploy/ada in the console (rds:ModifyDBInstance)`, or why that is not known."""
    if author.principal is None:
        return f"by whom is unknown: {clean(author.unknown)}" if author.unknown else "by whom is unknown"
    through = {None: "", "console": " in the console", "api": " through the API"}.get(author.through)
    if through is None:
        through = f" through {brief(author.through or '')}"
    event = f" ({brief(author.event)})" if author.event else ""
    return f"by {brief(author.principal)}{through}{event}"


def moved_object(finding: Finding) -> dict[str, Json] | None:
    """Which side moved as plain JSON values, with the sentence that people are shown."""
    moved = finding.moved
    if moved is None:
        return None
    return {
        "side": moved.side,
        "environment": moved.environment,
        "after": iso(moved.after),
        "by": iso(moved.by),
        "old": _object(moved.old),
        "new": _object(moved.new),
        "snapshot": moved.snapshot,
        "agreed": moved.agreed,
        "sentence": moved_text(finding),
        "author": _author_object(moved.author) if moved.author else None,
    }


def between(after: datetime, by: datetime) -> str:
    """`between Tue 2026-11-17 09:00 and 09:15 UTC`: when something happened, as far as two looks can tell."""
    return f"between {_times(after, by, ' and ', day='%a ')}"


def _times(after: datetime, by: datetime, joint: str, *, day: str) -> str:
    first, last = after.astimezone(UTC), by.astimezone(UTC)
    clock = "%H:%M" if last.replace(second=0, microsecond=0) > first.replace(second=0, microsecond=0) else "%H:%M:%S"
    until = clock if first.date() == last.date() else f"{day}%Y-%m-%d {clock}"
    return f"{first:{day}%Y-%m-%d {clock}}{joint}{last:{until}} UTC"


def _change(finding: Finding, moved: Moved) -> str:
    left, right = finding.breach.left, finding.breach.right
    if not finding.breach.path:
        if moved.side == "both":
            return f"it came or went in both {brief(left.environment)} and {brief(right.environment)}"
        return f"it {'vanished from' if moved.new is ABSENT else 'appeared in'} {brief(moved.environment)}"
    if moved.side == "both":
        from_, to = _value(moved.old), _value(moved.new)
        other = left if moved.environment == right.environment else right
        return (
            f"both changed, {brief(moved.environment)} from {from_} to {to} and"
            f" {brief(other.environment)} to {_value(other.value)},"
        )
    if moved.old is ABSENT:
        return f"{brief(moved.environment)} got {_value(moved.new)}, where it had none,"
    if moved.new is ABSENT:
        return f"{brief(moved.environment)} lost {_value(moved.old)}"
    return f"{brief(moved.environment)} went from {_value(moved.old)} to {_value(moved.new)}"


def _other(finding: Finding, moved: Moved) -> str:
    """What the other side did: nothing, in one way or another."""
    if moved.side == "both":
        return ""
    breach = finding.breach
    other: Side = breach.left if moved.side == "right" else breach.right
    name = brief(other.environment)
    if not finding.breach.path:
        return (
            f"; {name} {'has none' if other.value is ABSENT else 'still has it' if moved.new is ABSENT else 'has it'}"
        )
    if other.value == moved.new and (other.value is ABSENT) == (moved.new is ABSENT):
        return f"; {name} has the same"
    return f"; {name} did not follow" if moved.agreed else f"; {name} has {_value(other.value)}"


def _value(value: Json | Absent, room: int = _ROOM) -> str:
    return "none" if value is ABSENT else middle(spell(value), room)


def _object(value: Json | Absent) -> dict[str, Json]:
    return {"value": None if value is ABSENT else value, "absent": value is ABSENT}


def _author_object(author: Author) -> dict[str, Json]:
    return {
        "principal": author.principal,
        "event": author.event,
        "at": iso(author.at) if author.at else None,
        "through": author.through,
        "event_id": author.event_id,
        "unknown": author.unknown or None,
    }
