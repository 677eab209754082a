"""Does the environment mirror production: what it is built of, and what it is told?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.model import Category
from auditor.readiness.facts import SHOWN, counted, of_findings, of_gaps, several
from auditor.readiness.model import Ask, Evidence, Item
from auditor.readiness.topics import Topic, about, is_configuration, is_infrastructure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from auditor.comparison import Compared
    from auditor.model import Finding, Kind
    from auditor.readiness.facts import Facts

# What a rehearsal stands on: machines, databases, and how traffic arrives.
_FOUNDATIONS = (Category.COMPUTE, Category.DATABASE, Category.NETWORK)


def infrastructure(facts: Facts) -> Item:
    """`yes` where machines, databases and network were compared, or read completely on both sides and not there."""
    ask = Ask(
        "infrastructure",
        f"Does the infrastructure of {facts.left.environment} mirror {facts.right.environment}'s?",
        "resources of the categories compute, database and network compared, or listed completely on both sides; no gap",
    )
    compared = facts.matched(is_infrastructure)
    unread = [category.value for category in _FOUNDATIONS if not _is_known(facts, compared, category)]
    return _mirrors(facts, ask, Topic.INFRASTRUCTURE, is_infrastructure, compared, unread)


def configuration(facts: Facts) -> Item:
    """`yes` where settings were compared and what differs is meant to."""
    ask = Ask(
        "configuration",
        f"Does the configuration of {facts.left.environment} mirror {facts.right.environment}'s, "
        "but for what is meant to differ?",
        "at least one resource of the categories config or deployment compared; no gap among them",
    )
    return _mirrors(facts, ask, Topic.CONFIGURATION, is_configuration, facts.matched(is_configuration), [])


def _is_known(facts: Facts, compared: list[Compared], category: Category) -> bool:
    """Whether something of the category was compared, or both sides were asked for a kind of it by name."""
    if any(found.match.left.kind.category is category for found in compared):
        return True
    asked = [
        {
            listing.kind
            for listing in side.listings
            if "*" not in listing.kind and facts.category(listing.kind) is category
        }
        for side in facts.sides
    ]
    return bool(asked[0] & asked[1])


def _mirrors(
    facts: Facts,
    ask: Ask,
    topic: Topic,
    wanted: Callable[[Kind], bool],
    compared: list[Compared],
    unread: list[str],
) -> Item:
    belongs = about(topic, facts)
    found = [finding for finding in facts.active() if belongs(finding)]
    gaps = facts.gaps(wanted)
    seen = _seen(facts, compared)
    if found:
        again = sum(1 for finding in found if finding.breach.fingerprint in facts.unseen)
        also = f", {again} of them could not be looked at again" if again else ""
        return ask.no(
            f"{counted(len(found), 'difference')} at {facts.threshold.value} or above{also}.",
            *_worst(found),
            *seen,
            *of_gaps(gaps),
            remedy=f"See `audit now {facts.left.environment} {facts.right.environment}`; mend each, or waive it",
        )
    rest = facts.below(belongs)
    if topic is Topic.CONFIGURATION and facts.audit.expected:
        meant = f"{counted(facts.audit.expected, 'difference')} in all are meant to be: a rule calls them normal"
        seen.append(Evidence(meant, at=facts.audit.finished_at, source=facts.audit.id))
    if not compared:
        return ask.not_observed(
            "Nothing of the kind was compared.",
            *of_gaps(gaps),
            remedy="Add sources that read it on both sides: `audit collectors` lists what can be read",
        )
    if gaps:
        return ask.not_observed(
            f"Nothing differs in what was seen, but {counted(len(gaps), 'gap')} may hide something.",
            *of_gaps(gaps),
            *seen,
            remedy="Let the auditor read what it could not; `audit config check --online` and the report name each",
        )
    if unread:
        return ask.not_observed(
            f"Nothing differs in what was compared, but no {' and no '.join(unread)} was read on both sides.",
            *seen,
            remedy="Add sources that read it on both sides: `audit collectors` lists what can be read",
        )
    also = f" ({rest})" if rest else ""
    return ask.yes(f"Nothing at {facts.threshold.value} or above differs{also}.", *seen)


def _worst(found: Iterable[Finding]) -> list[Evidence]:
    """A sentence per severity, with the rules that speak most."""
    by_severity: dict[str, list[Finding]] = {}
    for finding in found:
        by_severity.setdefault(finding.breach.severity.value, []).append(finding)
    evidence = []
    for severity, those in by_severity.items():
        places = [_place(finding) for finding in those]
        evidence.append(of_findings(f"{len(those)} {severity}: {several(dict.fromkeys(places))}", those))
    return evidence


def _place(finding: Finding) -> str:
    breach = finding.breach
    step = f" {breach.path[-1]}" if breach.path else " (on one side only)"
    return f"{breach.kind} {breach.identity}{step}"


def _seen(facts: Facts, compared: list[Compared]) -> list[Evidence]:
    if not compared:
        return []
    categories: dict[str, int] = {}
    for found in compared:
        name = found.match.left.kind.category.value
        categories[name] = categories.get(name, 0) + 1
    counts = ", ".join(f"{number} {name}" for name, number in sorted(categories.items()))
    text = f"{counted(len(compared), 'resource')} compared ({counts})"
    names = tuple(f"{found.match.left.kind.name} {found.match.left.identity}" for found in compared[:SHOWN])
    return [Evidence(text, at=facts.audit.finished_at, source=facts.audit.id, resources=names)]
