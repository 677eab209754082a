"""Findings as a person reads them: what one cause explains together, a rule's reason once, a resource once. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import TypeVar

from auditor.model import ABSENT, Breach, Finding, Path, RuleRef, Severity, Status
from auditor.publish.moves import moved_text
from auditor.publish.spelling import (
    brief,
    count,
    distinct,
    instant,
    method_text,
    path_text,
    percent,
    sentence,
    span,
)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Entry:
    """All findings that one cause explains; or, without a cause, one resource's findings of one rule."""

    findings: tuple[Finding, ...]
    cause: str | None = None

    @property
    def worst(self) -> Breach:
        return self.findings[0].breach

    @property
    def title(self) -> str:
        """The cause with the number of findings that it explains, without the reason that their rule gives anyway."""
        if self.cause is None:
            return ""
        title = self.cause.removeprefix(f"{self.worst.about}: ")
        number = len(self.findings)
        return sentence(title if str(number) in title else f"{title}: {count(number, 'finding')}")

    @property
    def kind(self) -> str | None:
        """The kind of all of them, None where they are of several."""
        return _common(finding.breach.kind for finding in self.findings)

    @property
    def identity(self) -> str | None:
        """The resource that all of them are about, None where there are several."""
        several = _common((finding.breach.kind, finding.breach.identity) for finding in self.findings) is None
        return None if several else self.worst.identity

    @property
    def path(self) -> Path:
        """The leading steps that the paths of several findings share; all of them, where a cause has one path."""
        paths = [finding.breach.path for finding in self.findings]
        if len(paths) == 1:
            return ()
        shared = tuple(steps[0] for steps in takewhile(_all_equal, zip(*paths, strict=False)))
        return shared if self.identity is None else shared[: min(len(path) for path in paths) - 1]

    @property
    def one_sided(self) -> bool:
        return all(is_one_sided(finding.breach) for finding in self.findings)

    @property
    def size(self) -> int:
        return len(self.findings)

    @property
    def remediations(self) -> tuple[str, ...]:
        return distinct(finding.breach.remediation for finding in self.findings)

    def label(self, finding: Finding) -> str:
        """What tells one finding from the others of the entry: its resource, its path, or both."""
        breach = finding.breach
        parts = [brief(breach.identity)] if self.identity is None else []
        if self.kind is None:
            parts.append(f"({brief(breach.kind)})")
        if breach.path[len(self.path) :]:
            parts.append(path_text(breach.path[len(self.path) :]))
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Block:
    """Entries of one rule at one severity: its reason is told once."""

    severity: Severity
    rule: RuleRef
    about: str
    entries: tuple[Entry, ...]

    @property
    def size(self) -> int:
        return sum(len(entry.findings) for entry in self.entries)


def shown_identity(breach: Breach) -> str:
    """The resource's name: as both sides spell it, else its normal form."""
    both = breach.left.identity == breach.right.identity
    return brief(breach.left.identity if both and breach.left.identity is not None else breach.identity)


def needs_message(breach: Breach) -> bool:
    """Whether the two values beside each other do not say by themselves what is wrong.

    A sentence that only puts both values into words would say it twice; one that gives a reason would be missed.
    """
    message, left, right = breach.message, breach.left, breach.right
    if not message or is_one_sided(breach):
        return False
    if left.value == right.value or left.identity is None or right.identity is None or "; also, " in message:
        return True
    if ABSENT in (left.value, right.value):
        return " exists in " not in message
    if isinstance(left.value, list) and isinstance(right.value, list):
        return " differs" not in message
    return not message.endswith((f" in {left.environment}", f" in {right.environment}", " differs"))


def warnings(finding: Finding) -> tuple[str, ...]:
    """What is told of a finding even where it is one of many: that it flaps, and that it is as severe as it is by age."""
    found = []
    if finding.flaps:
        found.append(f"flaps: came back {finding.returns} times within 24 hours")
    breach = finding.breach
    if breach.escalated_from is not None:
        found.append(
            f"{breach.severity.value} because it has been open for long, {breach.escalated_from.value} by its rule"
        )
    return tuple(found)


def remarks(
    finding: Finding, started_at: datetime, now: datetime, moved: Callable[[Finding], str] = moved_text
) -> tuple[str, ...]:
    """What else is known of a finding: that it came back, since when it is there, which side moved, how it was paired.

    `moved` gives the words for which side moved."""
    breach = finding.breach
    found = [*warnings(finding)]
    if finding.status is Status.REGRESSED and not finding.flaps:
        found.append("came back after it was resolved")
    if finding.first_seen < started_at:
        found.append(f"first seen {instant(finding.first_seen)}, {span(now - finding.first_seen)} ago")
    if finding.moved:
        found.append(sentence(moved(finding)))
    if where := declared_text(breach):
        found.append(f"declared in {where}")
    method = method_text(breach.matched_by, breach.confidence)
    if method and breach.left.identity is not None and breach.right.identity is not None:
        found.append(f"{brief(breach.left.identity)} and {brief(breach.right.identity)} {method}")
    return tuple(found)


def declared_text(breach: Breach) -> str:
    """Where infrastructure as code declares the resource: one address for both sides, or each side's; empty for nowhere."""
    told = [side for side in (breach.left, breach.right) if side.declared is not None]
    if len({side.declared for side in told}) == 1:
        only = "" if len(told) == 2 or is_one_sided(breach) else f" ({brief(told[0].environment)} only)"
        return f"{brief(told[0].declared or '')}{only}"
    return " and ".join(f"{brief(side.declared or '')} ({brief(side.environment)})" for side in told)


def is_one_sided(breach: Breach) -> bool:
    """Whether the finding is that a whole resource has no counterpart, or only a probable one."""
    unpaired = breach.matched_by is None or breach.left.identity is None or breach.right.identity is None
    return not breach.path and unpaired


def counterpart(breach: Breach) -> str:
    """What is probably the counterpart of a resource that stayed alone, and how sure that is; empty where none is known."""
    if not breach.suggestion:
        return ""
    alike = f" ({percent(breach.confidence)} alike)" if breach.confidence > 0 else ""
    if breach.left.identity is not None and breach.right.identity is not None:
        return f"Probably each other's counterpart{alike}"
    return f"Probably the counterpart of {brief(breach.suggestion)}{alike}"


def group(findings: Sequence[Finding]) -> list[Entry]:
    """Findings in their order, those that one cause explains as one entry in the place of its worst."""
    by_cause: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.breach.cause is not None:
            by_cause[finding.breach.cause].append(finding)
    found: list[Entry] = []
    for finding in findings:
        cause = finding.breach.cause
        members = by_cause[cause] if cause is not None else []
        if len(members) < 2:
            found.append(Entry((finding,)))
        elif members[0] is finding:
            found.append(Entry(tuple(members), cause))
    return found


def blocks(entries: Sequence[Entry]) -> tuple[Block, ...]:
    """Entries by severity and rule, worst first, the resources of a rule together."""
    by_rule: dict[tuple[int, str, str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        worst = entry.worst
        by_rule[(-worst.severity.rank, worst.rule.policy, worst.rule.id, worst.about)].append(entry)
    # Rules keep the order of their first finding, so a category reads from its worst to its least.
    ordered = sorted(by_rule.items(), key=lambda item: item[0][0])
    return tuple(
        Block(members[0].worst.severity, members[0].worst.rule, members[0].worst.about, _by_resource(members))
        for _, members in ordered
    )


def _by_resource(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Findings without a cause, joined where they are about the same resource."""
    joined: dict[object, list[Entry]] = defaultdict(list)
    for entry in entries:
        joined[entry.cause or (entry.worst.kind, entry.worst.identity)].append(entry)
    return tuple(
        Entry(tuple(finding for entry in members for finding in entry.findings), members[0].cause)
        for members in joined.values()
    )


def _common(values: Iterable[_T]) -> _T | None:
    several = set(values)
    return several.pop() if len(several) == 1 else None


def _all_equal(values: Sequence[str]) -> bool:
    return len(set(values)) == 1
