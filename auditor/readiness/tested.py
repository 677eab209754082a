"""Does a successful run of a pipeline stand behind what runs? As GitHub and GitLab tell of their deployments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.deployed import PIPELINES, deployed, folded, without_names
from auditor.readiness.facts import SHOWN, counted, of_gaps, resources, several
from auditor.readiness.model import Ask, Evidence, Item
from auditor.value_types import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from auditor.gauges import Deployed
    from auditor.model import Json, Kind
    from auditor.readiness.facts import Facts


@dataclass(frozen=True, slots=True)
class _Run:
    """One deployment to the left environment, as the pipeline tells of it."""

    version: str
    commit: str
    outcome: str
    at: str

    def is_of(self, row: Deployed) -> bool:
        """Whether it is the version that a row names, by its name or by its commit."""
        if folded(self.version) == folded(row.version):
            return True
        named = [text.lower() for text in (row.commit, row.version) if text is not None and len(text) >= 7]
        return any(self.commit.startswith(text) for text in named)


def tested(facts: Facts) -> Item:
    """`yes` where a run to the left environment succeeded with each version that the right one runs; `no` where one failed."""
    left, right = facts.left.environment, facts.right.environment
    ask = Ask(
        "promotion-tested",
        f"Does a successful run of a pipeline stand behind what {right} runs?",
        f"of each component of {right}, a deployment of that version to {left} that GitHub or GitLab calls successful",
    )
    if not facts.promotes:
        return ask.not_applicable(f"Nothing is promoted from {left} to {right}.")
    runs = _runs(facts)
    gaps = facts.gaps(_tells_of_runs, left)
    rows = deployed(facts.right.resources, facts.pasts[1].names.tokens)
    if not rows or not runs:
        told = f"The runs of the pipeline could not be read: {gaps[0].detail}" if gaps else ""
        return ask.not_observed(
            f"{told}." if told else "No source tells of a pipeline's runs.",
            *of_gaps(gaps),
            remedy=f"Add a source github or gitlab to {left}",
        )
    behind = {_name(row): [run for run in runs.get(row.component, ()) if run.is_of(row)] for row in rows}
    good = [name for name, found in behind.items() if _outcomes(found) >= {"succeeded"}]
    bad = [name for name, found in behind.items() if "failed" in _outcomes(found) and name not in good]
    unknown = [name for name in behind if name not in good and name not in bad]
    seen = [_evidence(name, behind[name], left) for name in (*bad, *good)][:SHOWN]
    if bad:
        return ask.no(
            f"{counted(len(bad), 'version')} runs in {right} of which every finished run to {left} failed: {several(bad)}.",
            *seen,
            remedy=f"Mend the run to {left} and let it succeed, or take the version back",
        )
    if unknown or gaps:
        what = f"No run to {left} is told of {several(unknown)}" if unknown else "Not every run could be read"
        return ask.not_observed(
            f"{what}.",
            *of_gaps(gaps),
            *seen,
            remedy=f"Let {left} read the repositories of all components (history: how far back), or look it up in the pipeline",
        )
    return ask.yes(
        f"{counted(len(good), 'version')} of {right}: each was deployed to {left} by a run that succeeded. "
        "Which tests belong to such a run, the pipeline knows.",
        *seen,
    )


def _runs(facts: Facts) -> Mapping[str, Sequence[_Run]]:
    """What the pipelines tell of the left environment, by component."""
    found: dict[str, list[_Run]] = {}
    for resource in resources(facts.left, *sorted(PIPELINES)):
        name = without_names(resource.component or resource.identity, facts.pasts[0].names)
        found.setdefault(name, []).extend(_read(resource.attributes.get("recent")))
    return found


def _read(recent: Json) -> Iterator[_Run]:
    for item in recent if isinstance(recent, list) else ():
        if isinstance(item, dict):
            version, commit, outcome, at = (str(item.get(key, "")) for key in ("version", "commit", "outcome", "at"))
            yield _Run(version, commit.lower(), outcome, at)


def _outcomes(runs: Sequence[_Run]) -> set[str]:
    return {run.outcome for run in runs}


def _name(row: Deployed) -> str:
    return f"{row.component} {row.version}"


def _evidence(name: str, runs: Sequence[_Run], environment: str) -> Evidence:
    """The run that succeeded, else the last one."""
    told = next((run for run in runs if run.outcome == "succeeded"), runs[0])
    at = timestamp(told.at)
    when = f" at {at:%Y-%m-%d %H:%M} UTC" if at is not None else ""
    return Evidence(f"{name}: its deployment to {environment} {told.outcome}{when}", environment, at)


def _tells_of_runs(kind: Kind) -> bool:
    return kind.name in PIPELINES
