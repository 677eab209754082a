"""What every form of a gate's verdict shows, on one screen: what holds, what was looked at, what does not hold, what next.

Pure. Names and values are hostile input: every text that leaves here is on one line and without control characters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.gate import SET_ASIDE, Verdict
from auditor.model import Severity, Status
from auditor.ordering import order
from auditor.publish.entries import group
from auditor.publish.gap_groups import gap_groups
from auditor.publish.moves import moved_brief
from auditor.publish.spelling import brief, count, distinct, instant, percent, sentence, span
from auditor.publish.view import report

if TYPE_CHECKING:
    from datetime import datetime

    from auditor.gate import Gate
    from auditor.model import Finding
    from auditor.publish.entries import Entry
    from auditor.publish.gap_groups import GapGroup
    from auditor.publish.view import Report

MOST_REASONS = 5
_MOST_NAMES = 3
_MOST_NOTES = 5
_ROOM = 240
_FINGERPRINT = 8


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause that holds: what it is, what else is known of it, how it is mended."""

    severity: Severity
    title: str
    rule: str
    fingerprint: str
    remarks: tuple[str, ...]
    fixes: tuple[str, ...]
    finding: Finding


def report_of(gate: Gate) -> Report:
    """The gate as a report, for the formats that programs read: the verdict and its sentence are the gate's."""
    from dataclasses import replace

    made = report(gate.audit, gate.terms.fail_on, gate.terms.allow_incomplete)
    return replace(made, exit_code=gate.exit_code, sentence=gate.sentence)


def entries_of(gate: Gate) -> list[Entry]:
    """What holds, by cause, the worst first."""
    return group(sorted(gate.holding, key=order))


def reasons(gate: Gate) -> tuple[tuple[Reason, ...], str]:
    """The causes that fit on a screen, and the rest by number (empty where there is none)."""
    entries = entries_of(gate)
    shown, rest = entries[:MOST_REASONS], entries[MOST_REASONS:]
    return tuple(_reason(entry, gate) for entry in shown), _rest(rest)


def _rest(entries: Sequence[Entry]) -> str:
    if not entries:
        return ""
    numbers = Counter(finding.breach.severity for entry in entries for finding in entry.findings)
    severities = ", ".join(f"{numbers[severity]} {severity.value}" for severity in Severity if numbers[severity])
    causes = count(len(entries), "more cause")
    return f"and {causes} with {count(numbers.total(), 'finding')}: {severities}"


def _reason(entry: Entry, gate: Gate) -> Reason:
    breach, first = entry.worst, min(entry.findings, key=lambda finding: finding.first_seen)
    said = [text for text in dict.fromkeys(moved_brief(finding) for finding in entry.findings) if text]
    if any(finding.breach.fingerprint in gate.unseen for finding in entry.findings):
        said.append("found by an earlier audit; it could not be looked at again, so it counts as open")
    if any(finding.status is Status.REGRESSED for finding in entry.findings):
        said.append("came back after it was resolved")
    if first.first_seen < gate.audit.started_at:
        said.append(f"first seen {span(gate.at - first.first_seen)} ago")
    return Reason(
        severity=breach.severity,
        title=entry.title or brief(breach.message or f"{breach.identity}: {breach.about}", _ROOM),
        rule=brief(breach.rule.id),
        fingerprint=breach.fingerprint[:_FINGERPRINT],
        remarks=tuple(said[:_MOST_NAMES]),
        fixes=tuple(sentence(text) for text in entry.remediations[:1]),
        finding=entry.findings[0],
    )


def facts(gate: Gate) -> tuple[tuple[str, str], ...]:
    """What was looked at, as name and text."""
    found = (
        ("Observed", _observed(gate)),
        ("Coverage", _coverage(gate)),
        ("Scope", _scope(gate)),
        ("By name", _taken(gate)),
        ("Unknown", _unresolved(gate)),
        ("Moved", _moved(gate)),
        ("Not seen", _not_seen(gate)),
        ("Outside", _gaps_outside(gate)),
        *(("Note", text) for text in _notes(gate)),
    )
    return tuple((name, text) for name, text in found if text)


def _notes(gate: Gate) -> list[str]:
    """What the audit remarked of itself: what it could not judge, or judged otherwise than one may think."""
    told = [brief(sentence(note), _ROOM) for note in dict.fromkeys(gate.audit.notes)]
    rest = len(told) - _MOST_NOTES
    return [*told[:_MOST_NOTES], *([f"and {rest} more (see --format json)"] if rest > 0 else [])]


def _observed(gate: Gate) -> str:
    seen, audit = gate.observation, gate.audit
    sides = f"{brief(audit.left)} {instant(seen.left)}, {brief(audit.right)} {instant(seen.right)}"
    if seen.recorded:
        return f"{span(seen.age(gate.at))} ago, by the recorded audit {audit.id} ({sides}); `--fresh 0` looks again"
    return f"now, by audit {audit.id} ({sides})" + (f"; {sentence(seen.why)}" if seen.why else "")


def _coverage(gate: Gate) -> str:
    audit, seen = gate.audit, gate.audit.coverage
    left, right = f"{count(seen.left, 'resource')} in {brief(audit.left)}", f"{seen.right} in {brief(audit.right)}"
    return f"{percent(seen.ratio)}  ({left}, {right}; {seen.matched} compared)"


def _scope(gate: Gate) -> str:
    if gate.scope is None:
        return ""
    names = ", ".join(brief(name) for name in gate.scope.services)
    text = f"{names}: {gate.scope.left + gate.scope.right} of {count(gate.scope.of, 'resource')}"
    if not gate.outside:
        return f"{text}; no open finding outside"
    severe = sum(1 for one in gate.outside if one.breach.severity.rank >= gate.terms.fail_on.rank)
    which = f", {severe} of them at or above {gate.terms.fail_on.value}" if severe else ""
    return f"{text}; {count(len(gate.outside), 'open finding')} outside {'is' if len(gate.outside) == 1 else 'are'} not counted{which}"


def _taken(gate: Gate) -> str:
    taken = [
        f"{brief(one.text)} as {', '.join(brief(name) for name in one.taken_for)}"
        for _, one in (gate.scope.unresolved if gate.scope else ())
        if one.taken_for
    ]
    return f"followed without a source that says where it leads: {_few(taken)}" if taken else ""


def _unresolved(gate: Gate) -> str:
    """What the services depend on and no source describes; what every account has by default is not worth telling."""
    found = [one for _, one in (gate.scope.unresolved if gate.scope else ()) if not one.taken_for]
    hosts = distinct(one.text for one in found if one.what == "host")
    arns = distinct(one.text for one in found if one.what == "arn")
    names = distinct(
        f"{one.what.removeprefix('kubernetes.')} {one.text}" for one in found if one.what.startswith("kubernetes.")
    )
    parts = [
        f"{count(len(texts), noun)} ({_few(brief(text) for text in texts)})"
        for texts, noun in ((hosts, "host"), (arns, "ARN"), (names, "object"))
        if texts
    ]
    return f"depends on {' and '.join(parts)} that no source describes" if parts else ""


def _moved(gate: Gate) -> str:
    if not gate.holding:
        return ""
    sides = Counter(
        "" if finding.moved is None else "both" if finding.moved.side == "both" else finding.moved.environment
        for finding in gate.holding
    )
    unknown = sides.pop("", 0)
    told = [f"{brief(side)} {number}" for side, number in sorted(sides.items(), key=lambda item: (-item[1], item[0]))]
    if not told:
        return ""
    return f"which side changed last: {', '.join([*told, *([f'not known {unknown}'] if unknown else [])])}"


def _not_seen(gate: Gate) -> str:
    if gate.audit.complete:
        return ""
    groups = gap_groups(gate.audit.gaps)
    if not groups:
        return ""
    told = _few((_gap(one) for one in groups), "; ")
    return f"{count(len(gate.audit.gaps), 'gap')}: {told}. What was not observed is unknown: neither missing nor equal"


def _gap(one: GapGroup) -> str:
    where = ", ".join(brief(part) for part in (one.environment, one.source, one.region) if part)
    hidden = _few(one.names) if one.names else one.hidden
    why = f" ({brief(one.details[0])})" if len(one.details) == 1 else ""
    return f"{where}: {one.reason.value.replace('_', ' ')}, {hidden}{why}"


def _gaps_outside(gate: Gate) -> str:
    if not gate.gaps_outside:
        return ""
    kinds = _few(brief(kind) for kind in distinct(gap.kind for gap in gate.gaps_outside))
    number = len(gate.gaps_outside)
    verb = "does" if number == 1 else "do"
    return f"{count(number, 'gap')} {verb} not count ({kinds}): nothing in the scope points there"


def silenced(gate: Gate) -> tuple[tuple[str, str], ...]:
    """What was found and does not hold, as name and text: set aside by people or rules, or below the threshold."""
    rows = [(status.value.capitalize(), _silences(gate, status)) for status in reversed(SET_ASIDE)]
    numbers = Counter(finding.breach.severity for finding in gate.below)
    below = ", ".join(f"{numbers[severity]} {severity.value}" for severity in Severity if numbers[severity])
    return tuple((name, text) for name, text in (*rows, (f"Below {gate.terms.fail_on.value}", below)) if text)


def _silences(gate: Gate, status: Status) -> str:
    found = sorted(gate.aside(status), key=order)
    if not found:
        return ""
    told = Counter(_silence(gate, finding) for finding in found)
    texts = [text if number == 1 else f"{text} ({number} findings)" for text, number in told.items() if text]
    return f"{len(found)}: {_few(texts, '; ')}" if texts else str(len(found))


def _silence(gate: Gate, finding: Finding) -> str:
    why = gate.silences.get(finding.breach.fingerprint)
    if why is None:
        return ""
    until = f" until {_minute(why.until)}" if why.until else ""
    return f"{brief(why.by)}{until}" + (f", {brief(why.reason)}" if why.reason else "")


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def steps(gate: Gate) -> tuple[tuple[str, str], ...]:
    """What to do next: a command and what it is for; or a sentence alone."""
    audit = gate.audit
    pair = f"{brief(audit.left)} {brief(audit.right)}"
    shown, rest = reasons(gate)
    found: list[tuple[str, str]] = []
    if shown:
        first = shown[0].fingerprint
        found.append((f"audit show {first}", "both values, why it matters, what happened to it"))
        found.append((f"audit waive {first} --reason TEXT", "tolerate it for a time, in your name"))
    if rest:
        found.append((f"audit findings {pair} --severity {gate.terms.fail_on.value}", "all that is open"))
    if gate.holding and gate.observation.recorded:
        found.append((f"audit gate {pair} --fresh 0", "look again, if it was mended since"))
    if gate.verdict is Verdict.INCOMPLETE:
        remedies = distinct(one.remedy for one in gap_groups(audit.gaps))
        found += [("", remedy) for remedy in remedies[:_MOST_NAMES]]
        if audit.score is not None:
            found.append(("--allow-incomplete", "let gaps pass: what they hide stays unknown"))
    return tuple(found)


def title(gate: Gate) -> str:
    audit = gate.audit
    services = ", ".join(brief(name) for name in gate.terms.services)
    return f"Promotion gate: {brief(audit.left)} to {brief(audit.right)}" + (f", {services}" if services else "")


def _few(texts: Iterable[str], joint: str = ", ") -> str:
    listed = list(texts)
    more = f"{joint}and {len(listed) - _MOST_NAMES} more" if len(listed) > _MOST_NAMES else ""
    return joint.join(listed[:_MOST_NAMES]) + more
