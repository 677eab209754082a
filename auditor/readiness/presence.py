"""Is the environment there: does it answer, and was it looked at lately?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.model import GapReason
from auditor.readiness.facts import counted, of_gaps, of_snapshot, resources, several
from auditor.readiness.model import Ask, Evidence, Item

if TYPE_CHECKING:
    from datetime import timedelta

    from auditor.readiness.facts import Facts

_ENDPOINT = "http.version"
# Reasons that say that it was asked and gave no answer, as opposed to one that we could not read.
_SILENT = frozenset({GapReason.UNREACHABLE, GapReason.TIMEOUT})
_ON_TIME = 1


def reachable(facts: Facts) -> Item:
    """`yes` where every version endpoint that is configured answered; `no` where one did not."""
    name = facts.environment
    ask = Ask("reachable", f"Is {name} reachable?", "a version endpoint (http source) that answered; no gap among them")
    answered = resources(facts.asked, _ENDPOINT)
    gaps = [gap for gap in facts.gaps(lambda kind: kind.name == _ENDPOINT, name) if gap.source]
    silent = [gap for gap in gaps if gap.reason in _SILENT and gap.resource is not None]
    seen = []
    if answered:
        names = several(resource.identity for resource in answered)
        seen = [of_snapshot(facts.asked, f"{counted(len(answered), 'service')} answered: {names}", seen=answered)]
    if silent:
        missing = several(dict.fromkeys(str(gap.resource) for gap in silent))
        return ask.no(f"No answer from {missing}.", *of_gaps(silent), *seen, remedy="Bring it up, or mend its address")
    if gaps:
        return ask.not_observed(
            f"{counted(len(gaps), 'answer')} could not be read.",
            *of_gaps(gaps),
            *seen,
            remedy="Mend what the gap names",
        )
    if not answered:
        return ask.not_observed(
            f"No version endpoint of {name} is configured.", remedy=f"Add an `http` source to {name}"
        )
    return ask.yes(f"{counted(len(answered), 'service')} of {len(answered)} answered.", *seen)


def fresh(facts: Facts) -> Item:
    """`yes` where an audit that saw everything is as recent as `--fresh` asks, or as the schedule promises."""
    left, right, due = facts.left.environment, facts.right.environment, facts.due
    schedule = f" or the schedule ({due.schedule})" if due.schedule else ""
    needs = f"an audit that observed everything, within {_span(facts.fresh)}{schedule}"
    ask = Ask("fresh", f"Were {left} and {right} audited lately?", needs)
    if due.last_complete is None:
        return ask.not_observed(
            "No audit of the two ever observed everything.",
            *of_gaps((*facts.comparison.left.gaps, *facts.comparison.right.gaps)),
            remedy="Close the gaps that the report of `audit now` names",
        )
    age = facts.now - due.last_complete
    seen = Evidence(f"last complete audit, {_span(age)} ago", at=due.last_complete, source=due.audit)
    # The one that was just made for this checklist is as fresh as can be, however long it took.
    lately = age <= facts.fresh or due.audit == facts.audit.id
    if lately or (due.missed is not None and due.missed <= _ON_TIME):
        return ask.yes(f"The last audit that observed everything was {_span(age)} ago.", seen)
    missed = f"; due {due.missed} times since" if due.missed else ""
    again = "see why the schedule did not" if due.schedule else "give the pair a schedule"
    return ask.no(
        f"The last audit that observed everything was {_span(age)} ago{missed}.",
        seen,
        remedy=f"Run `audit now {left} {right}`, and {again}",
    )


def _span(duration: timedelta) -> str:
    seconds = max(int(duration.total_seconds()), 0)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
