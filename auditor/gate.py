"""May this promotion go ahead? The verdict of one audit for a pipeline, perhaps for some services only. Pure.

What holds is what fails `audit now`: findings that are open (or came back) at or above a severity. What somebody waived
or acknowledged, and what a rule still tolerates, does not. A finding that was open and could not be looked at again
holds, too, where a gap hides it: nothing says that it is gone. Gaps outside of what the services depend on say nothing about them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from auditor.model import Audit, Coverage, Finding, Gap, Severity, Status

if TYPE_CHECKING:
    from auditor.scope import Scope

ACTIVE = frozenset({Status.OPEN, Status.REGRESSED})
SET_ASIDE = (Status.PENDING, Status.ACKNOWLEDGED, Status.WAIVED)


class Verdict(StrEnum):
    PASS = "pass"
    HOLD = "hold"
    INCOMPLETE = "incomplete"

    @property
    def exit_code(self) -> int:
        return {"pass": 0, "hold": 1, "incomplete": 3}[self.value]


@dataclass(frozen=True, slots=True)
class Terms:
    """What the gate was asked. `fresh` is how old an observation may be; zero: none but its own counts."""

    fail_on: Severity = Severity.HIGH
    allow_incomplete: bool = False
    services: tuple[str, ...] = ()
    fresh: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Observation:
    """When each side was looked at, and whether an earlier run did so. `why` is why no earlier one was good enough."""

    left: datetime
    right: datetime
    recorded: bool
    why: str = ""

    def age(self, now: datetime) -> timedelta:
        """How old the older one of the two is."""
        return max(now - min(self.left, self.right), timedelta(0))


@dataclass(frozen=True, slots=True)
class Silence:
    """Why a finding does not hold, and until when: a waiver's end, or that of a rule's tolerance."""

    by: str
    reason: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How the findings of an audit stand at one time.

    findings  those of the audit, each with the status that it has now
    unseen    unresolved ones of earlier audits that this one could not look at again
    silences  by fingerprint, for those set aside
    """

    at: datetime
    findings: tuple[Finding, ...]
    unseen: tuple[Finding, ...] = ()
    silences: Mapping[str, Silence] | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """A verdict with its reasons.

    audit    what the verdict is about: the findings in scope as they stand, the gaps that may hide a part of it
    holding  what holds, the worst first as reports order it; those in `unseen` were not looked at again
    outside  open findings that are none of the services' business, and the gaps that are not
    """

    audit: Audit
    verdict: Verdict
    sentence: str
    terms: Terms
    at: datetime
    observation: Observation
    holding: tuple[Finding, ...]
    unseen: frozenset[str]
    silences: Mapping[str, Silence]
    scope: Scope | None = None
    outside: tuple[Finding, ...] = ()
    gaps_outside: tuple[Gap, ...] = ()

    @property
    def exit_code(self) -> int:
        return self.verdict.exit_code

    @property
    def below(self) -> tuple[Finding, ...]:
        """Open findings that are not severe enough to hold."""
        held = {finding.breach.fingerprint for finding in self.holding}
        return tuple(one for one in self.audit.findings if one.status in ACTIVE and one.breach.fingerprint not in held)

    def aside(self, status: Status) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.audit.findings if finding.status is status)


def decide(
    audit: Audit, standing: Standing, terms: Terms, observation: Observation, scope: Scope | None = None
) -> Gate:
    """The verdict of an audit whose findings stand as `standing` says. `scope` is what `terms.services` depend on."""
    known = {finding.breach.fingerprint for finding in standing.findings}
    missed = tuple(
        one for one in standing.unseen if one.breach.fingerprint not in known and _is_hidden(one, audit.gaps)
    )
    concerned = [one for one in (*standing.findings, *missed) if scope is None or scope.holds(one.breach)]
    outside = tuple(
        one for one in standing.findings if scope is not None and one.status in ACTIVE and not scope.holds(one.breach)
    )
    gaps = tuple(gap for gap in audit.gaps if scope is None or scope.may_lack(gap))
    about = _about(audit, concerned, gaps, scope)
    holding = tuple(one for one in concerned if _holds(one, terms.fail_on))
    verdict, sentence = _verdict(about, holding, terms)
    return Gate(
        audit=about,
        verdict=verdict,
        sentence=sentence,
        terms=terms,
        at=standing.at,
        observation=observation,
        holding=holding,
        unseen=frozenset(one.breach.fingerprint for one in missed if one in holding),
        silences=standing.silences or {},
        scope=scope,
        outside=outside,
        gaps_outside=tuple(gap for gap in audit.gaps if gap not in gaps),
    )


def _is_hidden(finding: Finding, gaps: Sequence[Gap]) -> bool:
    """Whether a gap hides it now. What no source reads any more is nobody's gap, and would hold for ever."""
    breach = finding.breach
    names = {breach.identity, breach.left.identity, breach.right.identity}
    return any(
        fnmatchcase(breach.kind, gap.kind) and (gap.resource is None or gap.resource in names or "*" in gap.kind)
        for gap in gaps
    )


def _holds(finding: Finding, fail_on: Severity) -> bool:
    return finding.status in ACTIVE and finding.breach.severity.rank >= fail_on.rank


def _about(audit: Audit, findings: Sequence[Finding], gaps: tuple[Gap, ...], scope: Scope | None) -> Audit:
    """The audit as if it had looked at the scope alone."""
    if scope is None:
        return replace(audit, findings=tuple(findings))
    seen = audit.coverage
    coverage = Coverage(
        ratio=0.0 if not scope.matched else min(seen.ratio, 0.9999) if gaps else 1.0,
        left=scope.left,
        right=scope.right,
        matched=scope.matched,
        unmatched_left=scope.left - scope.matched,
        unmatched_right=scope.right - scope.matched,
        sources=tuple(source for source in seen.sources if source.source in {name for _, name in scope.kinds}),
    )
    # Scores and tallies are of everything that was compared: of a part of it there are none.
    score = audit.score if scope.matched else None
    unknown = audit.unknown if gaps else 0
    narrowed = replace(audit, findings=tuple(findings), gaps=gaps, coverage=coverage, score=score, unknown=unknown)
    return replace(narrowed, tallies={})


def _verdict(audit: Audit, holding: Sequence[Finding], terms: Terms) -> tuple[Verdict, str]:
    at_or_above = f"at or above {terms.fail_on.value}"
    if holding:
        number, causes = len(holding), _causes(holding)
        which = "finding" if number == 1 else "findings"
        several = f", of {causes} {'cause' if causes == 1 else 'causes'}" if causes < number else ""
        return Verdict.HOLD, f"Hold: {number} {which} {at_or_above}{several}."
    if audit.score is None:
        return Verdict.INCOMPLETE, "Cannot tell: nothing was compared."
    if not audit.complete and not terms.allow_incomplete:
        return Verdict.INCOMPLETE, f"Cannot tell: nothing {at_or_above} was found, but not everything was observed."
    if not audit.complete:
        return Verdict.PASS, f"Pass, with gaps that were allowed: nothing {at_or_above} in what was observed."
    return Verdict.PASS, f"Pass: nothing {at_or_above}."


def _causes(findings: Iterable[Finding]) -> int:
    return len({one.breach.cause or one.breach.fingerprint for one in findings})
