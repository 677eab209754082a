"""What the answers are made from, and how it is asked. Pure: nothing here reads a store, a file or a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from auditor.model import Category, Severity, Status
from auditor.readiness.model import Evidence

if TYPE_CHECKING:
    from auditor.comparison import Compared, Comparison
    from auditor.model import (
        Audit,
        Finding,
        Gap,
        Json,
        Kind,
        Path,
        Resource,
        Snapshot,
    )
    from auditor.promotion import Past

_ACTIVE = frozenset({Status.OPEN, Status.REGRESSED})
_SILENCED = (Status.PENDING, Status.ACKNOWLEDGED, Status.WAIVED)
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Due:
    """When the pair was last audited completely, and how that compares with its schedule.

    missed  how many times it was due since and was not; 0 or 1 is on time. None without a schedule
    """

    last_complete: datetime | None = None
    audit: str | None = None
    schedule: str | None = None
    missed: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is known when the checklist is answered.

    environment  which one is asked about: the left one of the pair, or production itself, rehearsed in the left one
    production   the end of the promotion chain; where it is not the right side, questions about it do not apply
    comparison   the snapshots that the audit judged laid side by side, with one-sided sources as gaps
    left, right  the snapshots as they were taken, with what tells how they were read
    kind         what is declared of a kind; `kinds` are all that are declared or seen, for gaps that name a glob
    rules        by `policy/id`, what each rule of the pair's policies asks
    data_rules   those of these that ask something of an environment's data (`data.*`)
    unseen       fingerprints of findings of earlier audits that this one could not look at again: they still count
    pasts        what the left and the right environment were seen to run, and when
    promotes     whether what runs in the right one came through the left one
    threshold    findings below this severity do not turn an answer
    fresh        how old what was observed may be
    """

    environment: str
    production: str
    audit: Audit
    comparison: Comparison
    left: Snapshot
    right: Snapshot
    kind: Callable[[str], Kind]
    kinds: tuple[str, ...]
    rules: Mapping[str, str]
    data_rules: tuple[str, ...]
    unseen: frozenset[str]
    pasts: tuple[Past, Past]
    promotes: bool
    due: Due
    now: datetime
    threshold: Severity = Severity.MEDIUM
    fresh: timedelta = field(default=timedelta(minutes=30))

    @property
    def sides(self) -> tuple[Snapshot, Snapshot]:
        """The left and the right snapshot as they were compared."""
        return self.comparison.left, self.comparison.right

    @property
    def asked(self) -> Snapshot:
        """The snapshot of the environment that is asked about."""
        return self.sides[self.environment == self.right.environment]

    def category(self, kind: str) -> Category:
        return self.kind(kind).category

    def active(self) -> Iterator[Finding]:
        """Findings that count: open, and at the threshold or above; worst first."""
        found = (finding for finding in self.audit.findings if finding.status in _ACTIVE)
        yield from sorted(
            (finding for finding in found if finding.breach.severity.rank >= self.threshold.rank),
            key=lambda finding: (-finding.breach.severity.rank, finding.breach.fingerprint),
        )

    def below(self, wanted: Callable[[Finding], bool]) -> str:
        """What is known and does not count, as the end of a sentence: `2 below medium, 1 waived`; empty for nothing."""
        low = [
            finding
            for finding in self.audit.findings
            if finding.status in _ACTIVE
            and Severity.INFO.rank < finding.breach.severity.rank < self.threshold.rank
            and wanted(finding)
        ]
        parts = [f"{len(low)} below {self.threshold.value}"] if low else []
        for status in _SILENCED:
            number = sum(1 for finding in self.audit.findings if finding.status is status and wanted(finding))
            parts += [f"{number} {status.value}"] if number else []
        return ", ".join(parts)

    def matched(self, wanted: Callable[[Kind], bool]) -> list[Compared]:
        """The pairs of resources that were compared, of the kinds wanted."""
        return [found for found in self.comparison.matches if wanted(found.match.left.kind)]

    def gaps(self, wanted: Callable[[Kind], bool], *environments: str) -> list[Gap]:
        """What was not observed and may be of the kinds wanted; everywhere, or in these environments."""
        return [
            gap
            for side in (self.comparison.left, self.comparison.right)
            for gap in dict.fromkeys(side.gaps)
            if (not environments or gap.environment in environments) and self._may_hide(side, gap, wanted)
        ]

    def _may_hide(self, side: Snapshot, gap: Gap, wanted: Callable[[Kind], bool]) -> bool:
        """Whether something of the kinds wanted may be behind the gap. An unreadable folder hides no database of AWS."""
        if "*" not in gap.kind:
            return wanted(self.kind(gap.kind))
        read = [listing.kind for listing in side.listings if listing.source == gap.source]
        return any(
            fnmatchcase(name, gap.kind)
            and wanted(self.kind(name))
            and (not read or any(fnmatchcase(name, listed) for listed in read))
            for name in self.kinds
        )


def resources(side: Snapshot, *globs: str) -> list[Resource]:
    """The resources of these kinds, in the order of their identities."""
    found = [found for found in side.resources if any(fnmatchcase(found.kind, glob) for glob in globs)]
    return sorted(found, key=lambda resource: (resource.kind, resource.identity))


def named(resource: Resource) -> str:
    return f"{resource.kind} {resource.identity}"


def leaves(value: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Every value that is no container, with its path. A list's items share one step."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item, (*path, "*"))
    else:
        yield path, value


def of_findings(text: str, found: Iterable[Finding]) -> Evidence:
    """Evidence that stands on findings. They come worst first, so the first ones are those to look at."""
    findings = tuple(found)
    prints = tuple(finding.breach.fingerprint for finding in findings)
    since = min((finding.first_seen for finding in findings), default=None)
    return Evidence(text, at=since, findings=prints)


def of_gaps(gaps: Iterable[Gap]) -> tuple[Evidence, ...]:
    """A sentence per place and reason: a denied account is one fact, however many kinds it hides."""
    places: dict[tuple[str, str, str, str], list[Gap]] = {}
    for gap in gaps:
        places.setdefault((gap.environment, gap.source, gap.reason.value, gap.detail), []).append(gap)
    found = []
    for (environment, source, reason, detail), hidden in list(places.items())[:SHOWN]:
        kinds = sorted({gap.resource or gap.kind for gap in hidden})
        names = ", ".join(kinds[:3]) + (f" and {len(kinds) - 3} more" if len(kinds) > 3 else "")
        text = f"{names} of {environment}: {reason.replace('_', ' ')}, {detail}"
        found.append(Evidence(text, environment=environment, source=source or None))
    if len(places) > SHOWN:
        found.append(Evidence(f"{len(places) - SHOWN} more places were not observed"))
    return tuple(found)


def of_snapshot(side: Snapshot, text: str, *, seen: Iterable[Resource] = ()) -> Evidence:
    """Evidence that stands on what one snapshot holds."""
    shown = tuple(named(resource) for resource in list(seen)[:SHOWN])
    return Evidence(text, side.environment, side.taken_at, side.id, resources=shown)


def counted(number: int, noun: str, plural: str | None = None) -> str:
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def several(names: Iterable[str], room: int = 3) -> str:
    """`a, b, c and 4 more`."""
    known = list(names)
    more = f" and {len(known) - room} more" if len(known) > room else ""
    return ", ".join(known[:room]) + more
