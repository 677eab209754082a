"""Is non-production data free of real people's? As the data sources sampled it and the policies judge it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.readiness.facts import counted, of_findings, of_gaps, of_snapshot, resources, several
from auditor.readiness.model import Ask, Evidence, Item
from auditor.readiness.topics import Topic, about, is_data

if TYPE_CHECKING:
    from auditor.model import Resource
    from auditor.readiness.facts import Facts

_DATA = "data.*"


def anonymised(facts: Facts) -> Item:
    """`yes` where the data of both sides was sampled, a rule judged it, and none found anything."""
    left, right = facts.left.environment, facts.right.environment
    ask = Ask(
        "data-anonymised",
        f"Is the data of {left} free of real people's?",
        f"data of {left} sampled by a data source, and of {right} for overlaps; rules of `data-safety`; no gap among them",
    )
    belongs = about(Topic.DATA, facts)
    found = [finding for finding in facts.active() if belongs(finding)]
    sampled = resources(facts.sides[0], _DATA)
    gaps = facts.gaps(is_data)
    seen = [of_snapshot(facts.left, _counts(sampled, left), seen=sampled)] if sampled else []
    if found:
        places = several(dict.fromkeys(finding.breach.identity for finding in found))
        return ask.no(
            f"{counted(len(found), 'finding')} in its data: {places}.",
            *(
                of_findings(f"{finding.breach.severity.value}: {finding.breach.message}", [finding])
                for finding in found[:3]
            ),
            *seen,
            *of_gaps(gaps),
            remedy=f"Anonymise the data of {left}, or fill it with made-up data, and clear what is left of the copy",
        )
    if not sampled:
        return ask.not_observed(
            f"No source samples the data of {left}.",
            *of_gaps(gaps),
            remedy=f"Add a `data` source to {left} and {right}, and the pack `data-safety` to the pair's policies",
        )
    if not facts.data_rules:
        return ask.not_observed(
            "Data was sampled, but no rule of the pair's policies judges it.",
            *seen,
            remedy="Add the pack `data-safety` to the policies of the pair",
        )
    if gaps:
        return ask.not_observed(
            f"Nothing was found in what was sampled, but {counted(len(gaps), 'gap')} may hide something.",
            *of_gaps(gaps),
            *seen,
            remedy="Let the auditor read what it could not",
        )
    if not resources(facts.sides[1], _DATA):
        return ask.not_observed(
            f"Nothing was found, but the data of {right} was not sampled, so an overlap could not be seen.",
            *seen,
            remedy=f"Add a `data` source to {right}: only keyed fingerprints of values leave it",
        )
    also = facts.below(belongs)
    seen.append(Evidence(f"judged by {counted(len(facts.data_rules), 'rule')}: {several(facts.data_rules)}"))
    return ask.yes(f"Nothing was found in what was sampled{f' ({also})' if also else ''}.", *seen)


def _counts(sampled: list[Resource], environment: str) -> str:
    counts: dict[str, int] = {}
    for resource in sampled:
        noun = resource.kind.removeprefix("data.")
        counts[noun] = counts.get(noun, 0) + 1
    return f"sampled of {environment}: {', '.join(counted(number, noun) for noun, number in sorted(counts.items()))}"
