"""One finding, with everything that is known of it without reading snapshots: values, rule, life, waiver, siblings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from auditor.happenings import with_returns
from auditor.model import ABSENT
from auditor.policy_text import rule_text
from auditor.publish.entries import counterpart, declared_text, is_one_sided, shown_identity, warnings
from auditor.publish.slack.entries import SYMBOLS, Look, advice, finding_line, pair_text
from auditor.publish.spelling import Shown, clean, method_text, middle, plain, side_by_side, span, spell
from auditor.store.query import FindingQuery
from auditor.waived import covering
from auditor.waivers import values_digest
from auditor.web.queries.finding_rows import only_in

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from auditor.life import Event, StoredFinding
    from auditor.model import Absent, Breach, Finding, Json, Side
    from auditor.store import Store
    from auditor.waivers import Waiver

MEMBERS = 20
"""How many of the findings that share a cause are listed."""
_ROOM = 300
_WHOLE = 60_000
# Longer texts are shown without marks: to tell which of their lines are the same could take seconds.
_MOST_LINES = 1_500
_SLACK_ROOM = 160
_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a whole value; `differs` where the other side has no such line there."""

    text: str
    differs: bool


@dataclass(frozen=True, slots=True)
class ShownSide:
    """One side of a finding. `whole` are the lines of its value where it does not fit; `url` is where it is, if that can
    be opened."""

    environment: str
    identity: str | None
    value: Shown | None
    whole: tuple[Line, ...]
    location: str | None
    url: str | None
    declared: str | None
    blamed: bool


@dataclass(frozen=True, slots=True)
class Detail:
    """A finding as its page shows it.

    returned   with how often it came back lately
    waiver     what covers it now, `revocable` unless it stands in the file; `lapse` says why nothing does any more, where
               it is still waived
    members    others that the same cause explains, the worst first, of `alike` altogether
    rule_text  the rule as it stands in its file now; None where that cannot be read
    told       what a message in Slack says of it, a line each
    seen       names the values that are shown, so that nobody acts on others
    """

    stored: StoredFinding
    returned: Finding
    title: str
    said: str
    same: bool
    sides: tuple[ShownSide, ShownSide]
    pairing: str
    guess: str
    declared: str
    warnings: tuple[str, ...]
    waiver: Waiver | None
    revocable: bool
    lapse: str
    events: tuple[Event, ...]
    members: tuple[StoredFinding, ...]
    alike: int
    rule_text: str | None
    told: tuple[str, ...]
    seen: str

    @property
    def breach(self) -> Breach:
        return self.stored.breach


@dataclass(frozen=True, slots=True)
class Named:
    """Whose fingerprints have one beginning; of many the first ones, and that there are `more`."""

    findings: tuple[StoredFinding, ...]
    more: bool


def detail(
    store: Store, fingerprint: str, written: Sequence[Waiver], now: datetime, policies: Sequence[Path]
) -> Detail:
    """Everything about the finding. `written` are the waivers of the file, `policies` where policies are searched.

    Raises NotFoundError."""
    stored = store.finding(fingerprint)
    breach = stored.breach
    events = store.events(stored.fingerprint)
    (returned,) = with_returns([stored.finding], events, now)
    waiver, lapse = covering(stored, written, store, now)
    members, alike = _members(store, stored)
    one_sided = is_one_sided(breach)
    return Detail(
        stored=stored,
        returned=returned,
        title=shown_identity(breach),
        said=only_in(breach) if one_sided else "",
        same=breach.left.value == breach.right.value and breach.left.value is not ABSENT,
        sides=_sides(breach),
        pairing=_pairing(breach),
        guess=counterpart(breach),
        declared=declared_text(breach),
        warnings=warnings(returned),
        waiver=waiver,
        revocable=waiver is not None and all(one.id != waiver.id for one in written),
        lapse=lapse,
        events=tuple(reversed(events)),
        members=members,
        alike=alike,
        rule_text=rule_text(breach.rule.file, breach.rule.line, policies) if breach.rule.line else None,
        told=slack_text(stored),
        seen=values_digest(breach),
    )


def named(store: Store, start: str) -> Named:
    """The findings whose fingerprints begin so."""
    found = store.beginning(start.lower(), _MOST_NAMED + 1)
    if found and found[0].fingerprint == start.lower():
        return Named(found[:1], more=False)
    return Named(found[:_MOST_NAMED], len(found) > _MOST_NAMED)


def slack_text(stored: StoredFinding) -> tuple[str, ...]:
    """What a message says of a new finding, line by line, without its formatting."""
    breach = stored.breach
    head = f"{SYMBOLS[breach.severity]} {pair_text(breach.left.environment, breach.right.environment)}"
    look = Look()
    lines = [f"{head}: {breach.severity.value}", _flat(finding_line(stored, look, _SLACK_ROOM))]
    lines += "".join(_flat(piece) for piece in advice([stored], 1)).split("\n")
    return tuple(line for line in lines if line)


def _flat(element: Json) -> str:
    if isinstance(element, dict) and "elements" in element:
        return "".join(_flat(piece) for piece in element["elements"])
    return str(element.get("text", "")) if isinstance(element, dict) else ""


def _members(store: Store, stored: StoredFinding) -> tuple[tuple[StoredFinding, ...], int]:
    """Other unresolved findings of the same cause, and how many findings it explains altogether."""
    breach = stored.breach
    if breach.cause_key is None:
        return (), 0
    query = FindingQuery(left=breach.left.environment, right=breach.right.environment, cause=breach.cause_key)
    page = store.search(query, limit=MEMBERS + 1)
    others = tuple(one for one in page.items if one.fingerprint != stored.fingerprint)
    return others[:MEMBERS], page.total or 0


def _sides(breach: Breach) -> tuple[ShownSide, ShownSide]:
    left, right = breach.left, breach.right
    if is_one_sided(breach):
        return _side(breach, "left", left, None, ()), _side(breach, "right", right, None, ())
    shown = side_by_side(left.value, right.value, _ROOM)
    cut = any(_is_cut(side.value) for side in (left, right))
    first, second = _marked(_whole(left.value), _whole(right.value)) if cut else ((), ())
    return _side(breach, "left", left, shown[0], first), _side(breach, "right", right, shown[1], second)


def _is_cut(value: Json | Absent) -> bool:
    """Whether a value beside another one may be shown in part only."""
    return len(spell(value)) > _ROOM or (isinstance(value, str) and "\n" in value)


def _side(breach: Breach, name: str, side: Side, value: Shown | None, whole: tuple[Line, ...]) -> ShownSide:
    return ShownSide(
        side.environment,
        side.identity,
        value,
        whole,
        side.location,
        _opened(side.location),
        side.declared,
        name in breach.sides,
    )


def _opened(location: str | None) -> str | None:
    """Where a location leads; None for what is no address of the web, or could be another one than it looks like."""
    if location is None or not location.isascii() or any(ord(character) <= 0x20 for character in location):
        return None
    try:
        parts = urlsplit(location)
    except ValueError:
        return None
    sound = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and "\\" not in location
    return location if sound else None


def _whole(value: Json | Absent) -> list[str]:
    """The lines of a value: text as it is, all else as JSON."""
    if value is ABSENT:
        return []
    spelled = (
        value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False, indent=2, sort_keys=True)
    )
    return [clean(line) for line in middle(spelled, _WHOLE).split("\n")]


def _marked(ours: Sequence[str], theirs: Sequence[str]) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    if max(len(ours), len(theirs)) > _MOST_LINES or not ours or not theirs:
        return tuple(Line(text, False) for text in ours), tuple(Line(text, False) for text in theirs)
    same: tuple[set[int], set[int]] = (set(), set())
    for block in SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks():
        same[0].update(range(block.a, block.a + block.size))
        same[1].update(range(block.b, block.b + block.size))
    return tuple(_lines(ours, same[0])), tuple(_lines(theirs, same[1]))


def _lines(texts: Sequence[str], same: set[int]) -> Iterator[Line]:
    return (Line(text, place not in same) for place, text in enumerate(texts))


def _pairing(breach: Breach) -> str:
    """How the two were paired, in a sentence; empty where there is nothing to pair."""
    if is_one_sided(breach):
        return "with nothing on the other side"
    if breach.left.identity is None or breach.right.identity is None:
        return ""
    return method_text(breach.matched_by, breach.confidence) or "the same identity, once names are set aside"


def escalation_text(breach: Breach) -> str:
    """`high once it has been open for 7 d, critical for 30 d`; empty where age changes nothing."""
    return ", ".join(f"{step.to.value} once it has been open for {span(step.after)}" for step in breach.escalation)
