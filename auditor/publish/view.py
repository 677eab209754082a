"""What every human report shows of an audit, before anyone chooses words, widths or colours. Pure.

`report(audit)` sorts and groups; the renderers beside this module only spell it out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from auditor.model import (
    Absent,
    Audit,
    Category,
    Finding,
    Json,
    Moved,
    Path,
    Severity,
    Status,
)
from auditor.ordering import order
from auditor.publish.entries import Block, Entry, blocks, group
from auditor.publish.gap_groups import GapGroup, gap_groups
from auditor.publish.spelling import brief, count, percent, sentence

_T = TypeVar("_T")
ACTIVE = frozenset({Status.OPEN, Status.REGRESSED})
ASIDE = (Status.PENDING, Status.ACKNOWLEDGED, Status.WAIVED)
PARITY, FINDINGS, INCOMPLETE = 0, 1, 3


@dataclass(frozen=True, slots=True)
class Drift:
    """One leaf that differs between two snapshots: what `audit diff` lists. An empty path means the whole resource.

    `moved` says which of the two changed last and when; None where the histories do not tell."""

    kind: str
    identity: str
    path: Path
    left: Json | Absent
    right: Json | Absent
    moved: Moved | None = None


class Event(Protocol):
    """One change in a finding's life, as the store keeps it."""

    @property
    def at(self) -> datetime: ...

    @property
    def from_status(self) -> Status | None: ...

    @property
    def to_status(self) -> Status: ...

    @property
    def actor(self) -> str: ...

    @property
    def audit_id(self) -> str | None: ...

    @property
    def reason(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Section:
    """A category with its findings. `score` is 0 to 1, None where nothing of the category was compared."""

    category: Category
    score: float | None
    blocks: tuple[Block, ...]

    @property
    def size(self) -> int:
        return sum(block.size for block in self.blocks)


@dataclass(frozen=True, slots=True)
class Report:
    """An audit as people read it: the verdict first, then what matters most, and what could not be seen last and loud.

    sections    active findings above info, by category and rule
    one_sided   active findings that a resource is there on one side only
    info        active findings at info
    aside       findings that are pending, acknowledged or waived, and those just resolved
    """

    audit: Audit
    exit_code: int
    sentence: str
    fail_on: Severity
    counts: Mapping[Severity, int]
    sections: tuple[Section, ...]
    one_sided: tuple[Block, ...]
    info: tuple[Entry, ...]
    aside: Mapping[Status, tuple[Finding, ...]]
    gaps: tuple[GapGroup, ...]

    @property
    def compared(self) -> bool:
        return self.audit.score is not None

    @property
    def score(self) -> str:
        return "n/a" if self.audit.score is None else percent(self.audit.score)

    @property
    def severities(self) -> str:
        """`2 critical, 5 high`, worst first; `none` where there are none."""
        return ", ".join(f"{number} {severity.value}" for severity, number in self.counts.items() if number) or "none"

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What was compared and found, as name and text, in the order in which it is read."""
        audit, seen = self.audit, self.audit.coverage
        scores = ", ".join(f"{category.value} {percent(audit.scores[category])}" for category in self.categories)
        left, right = f"{count(seen.left, 'resource')} in {brief(audit.left)}", f"{seen.right} in {brief(audit.right)}"
        alone = seen.unmatched_left + seen.unmatched_right
        aside = ", ".join(f"{len(found)} {status.value}" for status, found in self.aside.items())
        expected = f"{count(audit.expected, 'difference')} that a rule calls normal; names, ids and endpoints are set aside before"
        facts = (
            ("Score", f"{self.score}  ({scores})" if scores else self.score),
            (
                "Coverage",
                f"{percent(seen.ratio)}  ({left}, {right}; {seen.matched} compared, {alone} on one side only)",
            ),
            ("Findings", self.severities),
            ("Set aside", aside),
            ("Expected", expected),
            ("Policies", ", ".join(brief(policy) for policy in audit.policies) or "none"),
            *(("Note", sentence(note)) for note in audit.notes),
        )
        return tuple((name, text) for name, text in facts if text)

    @property
    def categories(self) -> tuple[Category, ...]:
        """The categories that have a score, in the order of the product."""
        return tuple(category for category in Category if category in self.audit.scores)

    @property
    def gap_sentence(self) -> str:
        """What could not be seen, and what that means. Empty for a complete audit."""
        audit = self.audit
        if audit.complete:
            return ""
        seen = f"{percent(audit.coverage.ratio)} of what should have been observed was observed"
        hidden = f"{count(len(audit.gaps), 'gap')}, {seen}" if audit.gaps else seen
        places = f"; {count(audit.unknown, 'place')} could not be judged" if audit.unknown else ""
        return f"{hidden}{places}. What was not observed is unknown: neither missing nor equal."


def verdict(audit: Audit, fail_on: Severity, allow_incomplete: bool = False) -> tuple[int, str]:
    """The exit code of an audit and the sentence that says it.

    0 parity; 1 findings at or above `fail_on`; 3 nothing at or above it, but not everything was observed.
    `allow_incomplete` forgives gaps. It does not forgive that nothing at all was compared: that shows no parity.
    """
    counts = Counter((finding.breach.severity, finding.status) for finding in audit.findings)
    return verdict_of(
        counts, fail_on, compared=audit.score is not None, complete=audit.complete, allow_incomplete=allow_incomplete
    )


def verdict_of(
    counts: Mapping[tuple[Severity, Status], int],
    fail_on: Severity,
    *,
    compared: bool,
    complete: bool,
    allow_incomplete: bool = False,
) -> tuple[int, str]:
    """The same of findings that are only counted, by severity and status."""
    active = {sort: number for sort, number in counts.items() if sort[1] in ACTIVE}
    failing = sum(number for (severity, _), number in active.items() if severity.rank >= fail_on.rank)
    if failing:
        return FINDINGS, f"Not in parity: {count(failing, 'finding')} at or above {fail_on.value}."
    if not compared:
        return INCOMPLETE, "Nothing was compared, so nothing can be said about parity."
    if not complete and not allow_incomplete:
        return INCOMPLETE, f"Undecided: nothing at or above {fail_on.value} was found, but not everything was observed."
    if not complete:
        return PARITY, f"Passed with gaps: nothing at or above {fail_on.value} in what was observed."
    below = sum(active.values())
    if below:
        return PARITY, f"Nothing at or above {fail_on.value}; {count(below, 'finding')} below it."
    aside = {status: sum(number for (_, its), number in counts.items() if its is status) for status in ASIDE}
    if any(aside.values()):
        told = ", ".join(f"{number} {status.value}" for status, number in aside.items() if number)
        return PARITY, f"Nothing at or above {fail_on.value}; {told}."
    return PARITY, "In parity."


def fails(finding: Finding, fail_on: Severity) -> bool:
    """Whether a finding counts against the audit: active, and at or above `fail_on`."""
    return finding.status in ACTIVE and finding.breach.severity.rank >= fail_on.rank


def report(audit: Audit, fail_on: Severity, allow_incomplete: bool = False) -> Report:
    """Sort and group an audit for people."""
    exit_code, sentence = verdict(audit, fail_on, allow_incomplete)
    active = sorted((finding for finding in audit.findings if finding.status in ACTIVE), key=order)
    entries = group(active)
    info = tuple(entry for entry in entries if entry.worst.severity is Severity.INFO)
    told = [entry for entry in entries if entry.worst.severity is not Severity.INFO]
    one_sided = [entry for entry in told if entry.one_sided]
    both = [entry for entry in told if not entry.one_sided]
    return Report(
        audit=audit,
        exit_code=exit_code,
        sentence=sentence,
        fail_on=fail_on,
        counts={severity: sum(1 for f in active if f.breach.severity is severity) for severity in Severity},
        sections=_sections(both, audit),
        one_sided=blocks(one_sided),
        info=info,
        aside=_aside(audit),
        gaps=gap_groups(audit.gaps),
    )


def _sections(entries: Sequence[Entry], audit: Audit) -> tuple[Section, ...]:
    by_category: dict[Category, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_category[entry.worst.category].append(entry)
    # The entries come worst first, so the categories do too.
    return tuple(
        Section(category, audit.scores.get(category), blocks(found)) for category, found in by_category.items()
    )


def _aside(audit: Audit) -> Mapping[Status, tuple[Finding, ...]]:
    found = {
        status: tuple(sorted((finding for finding in audit.findings if finding.status is status), key=order))
        for status in (*ASIDE, Status.RESOLVED)
    }
    return {status: findings for status, findings in found.items() if findings}
