"""A finding, a gap and the words around them in a message: worst first, short, and with both values in sight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from auditor.life import StoredFinding
from auditor.model import Breach, Gap, Json, Severity, Status
from auditor.notices import Happening, News
from auditor.ordering import order
from auditor.publish.entries import counterpart, is_one_sided, needs_message, shown_identity
from auditor.publish.gap_groups import gap_groups
from auditor.publish.moves import moved_text
from auditor.publish.slack import blocks
from auditor.publish.spelling import brief, clean, distinct, middle, path_text, percent, side_by_side

SYMBOLS = {
    Severity.CRITICAL: "🔴",
    Severity.HIGH: "🟠",
    Severity.MEDIUM: "🟡",
    Severity.LOW: "🔵",
    Severity.INFO: "⚪",
}
CALM, QUIET, BLIND = "✅", "⏸", "⚠"
ACTIVE = frozenset({Status.OPEN, Status.REGRESSED})
# What the auditor says of its own accord about a change that is worth reading: since when, why, what follows.
TURNS = frozenset({Happening.ESCALATED, Happening.REGRESSED, Happening.REOPENED})
_STATUS_WORDS = {
    Status.OPEN: "open",
    Status.REGRESSED: "came back",
    Status.PENDING: "still tolerated",
    Status.ACKNOWLEDGED: "acknowledged",
    Status.WAIVED: "waived",
    Status.RESOLVED: "resolved",
}
_SENTENCE = 300


@dataclass(frozen=True, slots=True)
class Look:
    """What the installation adds to a message.

    url       where people reach the service's pages; None: there are no links
    buttons   whether a click reaches anybody; without that Slack would show an error under every button
    """

    url: str | None = None
    buttons: bool = False


def finding_line(stored: StoredFinding, look: Look, room: int) -> Json:
    """`orders-{env}` engine_version: staging `14.7`, prod `15.4`, which of them moved when, and where to read more.

    Values in `room` characters."""
    moved = moved_text(stored.finding)
    told = [blocks.text(f". {brief(moved, _SENTENCE)}")] if moved else []
    return blocks.line(*_place(stored.breach), *_values(stored.breach, room), *told, *_link(stored, look))


def standing_line(stored: StoredFinding, look: Look, room: int) -> Json:
    """The same with how it stands, where that is not just open."""
    pieces = [*_place(stored.breach), *_values(stored.breach, room)]
    if stored.status is not Status.OPEN:
        pieces.append(blocks.italic(f" ({_STATUS_WORDS[stored.status]})"))
    return blocks.line(*pieces, *_link(stored, look))


def name_line(stored: StoredFinding, look: Look) -> Json:
    """Which finding it is, without its values."""
    return blocks.line(*_place(stored.breach), *_link(stored, look))


def _place(breach: Breach) -> Iterator[Json]:
    yield blocks.code(middle(shown_identity(breach), 90))
    yield blocks.text(
        f" {brief(breach.kind, 60)}" if is_one_sided(breach) else f" {middle(path_text(breach.path), 150)}"
    )


def _values(breach: Breach, room: int) -> Iterator[Json]:
    if is_one_sided(breach):
        there = [side.environment for side in (breach.left, breach.right) if side.identity is not None]
        only = f"only in {brief(there[0], 60)}" if len(there) == 1 else brief(breach.message, _SENTENCE)
        yield blocks.text(f": {only}" + (f". {counterpart(breach)}" if breach.suggestion else ""))
        return
    left, right = side_by_side(breach.left.value, breach.right.value, room)
    if left.text == right.text:
        yield blocks.text(": both ")
        yield blocks.code(left.text, room)
    else:
        yield blocks.text(f": {brief(breach.left.environment, 40)} ")
        yield blocks.code(left.text, room)
        yield blocks.text(f", {brief(breach.right.environment, 40)} ")
        yield blocks.code(right.text, room)
    if needs_message(breach):
        yield blocks.text(f". {brief(breach.message, _SENTENCE)}")


def _link(stored: StoredFinding, look: Look) -> Iterator[Json]:
    url = finding_url(look.url, stored.fingerprint)
    if url is not None:
        yield blocks.text("  ")
        yield blocks.link(url, "details")


def finding_url(base: str | None, fingerprint: str) -> str | None:
    """The finding's page, None where nobody can reach one."""
    return None if base is None else f"{base.rstrip('/')}/findings/{quote(fingerprint, safe='')}"


def advice(findings: Sequence[StoredFinding], most: int) -> tuple[Json, ...]:
    """Why these matter and what to do, each rule's reason once: for the first `most` rules. All on lines of one section."""
    by_rule: dict[tuple[str, str], list[Breach]] = {}
    for stored in findings:
        by_rule.setdefault((stored.breach.rule.policy, stored.breach.rule.id), []).append(stored.breach)
    pieces: list[Json] = []
    for (policy, rule), breaches in list(by_rule.items())[:most]:
        reason = brief(breaches[0].about, _SENTENCE)
        pieces += [
            *_next_line(pieces),
            blocks.bold("Why  "),
            blocks.text(f"{reason} ({brief(policy, 60)}/{brief(rule, 60)})"),
        ]
        fixes = distinct(brief(breach.remediation, _SENTENCE) for breach in breaches)
        if fixes:
            others = f" (and {len(fixes) - 1:,} more like it)" if len(fixes) > 1 else ""
            pieces += [blocks.text("\n"), blocks.bold("Fix  "), blocks.text(fixes[0] + others)]
    owners = distinct(brief(stored.breach.owner or "", 60) for stored in findings)
    if owners:
        names = ", ".join(owners[:3]) + (f" and {len(owners) - 3} more" if len(owners) > 3 else "")
        pieces += [*_next_line(pieces), blocks.bold("Owner  "), blocks.text(names)]
    return tuple(pieces)


def _next_line(pieces: Sequence[Json]) -> Iterator[Json]:
    if pieces:
        yield blocks.text("\n")


def worst_first(findings: Iterable[StoredFinding]) -> tuple[StoredFinding, ...]:
    """Those that want something done first, then what is set aside, then what is over; the most severe first in each."""
    return tuple(sorted(findings, key=lambda stored: (_rank(stored.status), order(stored.finding))))


def _rank(status: Status) -> int:
    if status in ACTIVE:
        return 0
    return 2 if status is Status.RESOLVED else 1


def statuses(findings: Iterable[StoredFinding]) -> str:
    """`3 open, 1 acknowledged`."""
    found = Counter(stored.status for stored in findings)
    return ", ".join(f"{found[status]:,} {word}" for status, word in _STATUS_WORDS.items() if found[status])


def severities(findings: Iterable[StoredFinding]) -> str:
    """`2 critical, 5 high`."""
    found = Counter(stored.breach.severity for stored in findings)
    return ", ".join(f"{found[severity]:,} {severity.value}" for severity in Severity if found[severity])


def pair_text(left: str, right: str) -> str:
    return f"{brief(left, 60)} against {brief(right, 60)}"


def incomplete(news: News) -> Iterator[Json]:
    """The line that no message about an incomplete audit lacks."""
    if news.complete or news.audit_id is None:
        return
    yield blocks.line(
        blocks.bold(f"{BLIND} INCOMPLETE. {_seen(news)} "),
        blocks.text("What was not observed is unknown: neither missing nor equal."),
    )


def incomplete_text(news: News) -> str:
    """The same for the fallback text, on a line of its own; empty where all was observed."""
    return "" if news.complete or news.audit_id is None else f"\n{BLIND} INCOMPLETE. {_seen(news)}"


def _seen(news: News) -> str:
    if news.coverage is None or news.coverage >= 1:
        return "Not everything was observed."
    return f"Only {percent(news.coverage)} of what should have been observed was."


def more(findings: Sequence[StoredFinding], shown: int) -> Iterator[Json]:
    """The line for those that are not listed."""
    rest = findings[shown:]
    if not rest:
        return
    several = f" ({severities(rest)})" if len({stored.breach.severity for stored in rest}) > 1 else ""
    yield blocks.line(blocks.text(f"{'and ' if shown else ''}{len(rest):,} more{several}"))


def turns(news: News) -> Iterator[Json]:
    """What is remarkable about how the findings of `news` became open: that they came back, say, and after how long."""
    reasons = distinct(brief(change.reason, 200) for change in news.changes if change.happening in TURNS)
    for reason in reasons[:2]:
        yield blocks.line(blocks.text(f"{reason[0].upper()}{reason[1:]}."))


def gap_lines(gaps: Iterable[Gap], most: int) -> Iterator[Json]:
    """What could not be observed and why, a line for each cause; the first `most` of them."""
    groups = gap_groups(gaps)
    for group in groups[:most]:
        where = " ".join(filter(None, (brief(group.source, 80), brief(group.region or "", 40))))
        names = ", ".join(group.names[:3]) + (f" and {len(group.names) - 3} more" if len(group.names) > 3 else "")
        yield blocks.line(
            blocks.code(brief(group.environment, 60)),
            blocks.text(f" {where}: {group.hidden}" + (f" ({clean(names)})" if names else "") + f": {group.meaning}."),
            blocks.text(f" {group.remedy}" if group.remedy else ""),
        )
    if len(groups) > most:
        yield blocks.line(blocks.text(f"and {len(groups) - most} more"))


def footer(news: News) -> Json | None:
    """What the audit amounts to, in small print."""
    if news.audit_id is None:
        return None
    facts = [f"Score {'n/a' if news.score is None else percent(news.score)}"]
    if news.coverage is not None:
        facts.append(f"coverage {percent(news.coverage)}")
    return blocks.context(", ".join([*facts, f"audit {brief(news.audit_id, 60)}"]))
