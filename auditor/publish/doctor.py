"""What can be read, source by source (`audit doctor`): for a terminal, and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.doctor import Sight
from auditor.publish.gap_groups import gap_groups
from auditor.publish.grid import DEFAULT_WIDTH, Page
from auditor.publish.json_report import dump
from auditor.publish.spelling import brief, clean, count, sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.collector import Grant
    from auditor.doctor import Diagnosis
    from auditor.model import Json
    from auditor.publish.gap_groups import GapGroup

SCHEMA = 1
FORMATS = ("table", "json")
_STYLES = {Sight.WHOLE: "green", Sight.PART: "yellow", Sight.NONE: "bold red"}
_WORDS = {Sight.WHOLE: "reads all", Sight.PART: "reads in part", Sight.NONE: "reads nothing"}
_MOST_DETAILS = 20


def render(found: Sequence[Diagnosis], format: str, *, width: int | None, color: bool) -> str:  # noqa: A002
    """The diagnoses as text that ends with a newline. `format` is one of FORMATS, else ValueError."""
    match format:
        case "table":
            return table(found, width=width, color=color)
        case "json":
            return dump(_object(found))
    raise ValueError(f"unknown format {format!r}; known are {', '.join(FORMATS)}")


def verdict(found: Sequence[Diagnosis]) -> str:
    """One sentence over all sources."""
    unwell = [diagnosis for diagnosis in found if diagnosis.sight is not Sight.WHOLE]
    if not unwell:
        return f"All is well: {count(len(found), 'source')} can be read whole."
    return f"{count(len(unwell), 'source')} of {len(found)} cannot be read whole. What is not read is unknown, never equal."


def table(found: Sequence[Diagnosis], *, width: int | None, color: bool) -> str:
    """Each source with how much of it can be read, what cannot and why, and what to grant."""
    page = Page(width or DEFAULT_WIDTH, color)
    whole = all(diagnosis.sight is Sight.WHOLE for diagnosis in found)
    page.line(verdict(found), style="bold green" if whole else "bold yellow")
    environment = None
    for diagnosis in found:
        if diagnosis.environment != environment:
            environment = diagnosis.environment
            page.blank()
            page.rule(brief(environment), style="bold")
        _source(page, diagnosis)
    page.blank()
    page.line(f"Nothing was compared or kept. Exit code {0 if whole else 3}.", style="dim")
    return page.text()


def _source(page: Page, diagnosis: Diagnosis) -> None:
    read = diagnosis.count(Sight.WHOLE)
    every = sum(diagnosis.count(sight) for sight in Sight)
    page.blank()
    listings = f"{read} of {count(every, 'listing')} read whole" if every else "nothing in it to list"
    page.line(f"{brief(diagnosis.source)}: {_WORDS[diagnosis.sight]}, {listings}", style=_STYLES[diagnosis.sight])
    held = [f"{brief(kind)} {number}" for kind, number in diagnosis.held.items()]
    empty = sum(part.sight is Sight.WHOLE and not part.held for part in diagnosis.parts)
    nothing = [f"nothing in {count(empty, 'listing')}"] if empty else []
    if held or nothing:
        page.line(", ".join((*held, *nothing)), indent=2, lead="Holds   ", style="dim")
    for group in gap_groups(diagnosis.gaps):
        _gap(page, group)
    if diagnosis.grant is not None:
        # What has to be applied often spells what is missing; then once is enough.
        named = (
            "" if diagnosis.grant.missing[0] in diagnosis.grant.change.splitlines()[0] else _missing(diagnosis.grant)
        )
        page.line(f"Grant{named} to {clean(diagnosis.grant.to)}:", indent=2)
        for line in diagnosis.grant.change.splitlines():
            page.place("", f"    {clean(line)}")
    if diagnosis.takes:
        page.line(f"{', '.join(map(clean, diagnosis.takes))}", indent=2, lead="Takes   ")


def _missing(grant: Grant) -> str:
    return f" {', '.join(map(clean, grant.missing))}"


def _gap(page: Page, group: GapGroup) -> None:
    where = f" in {group.region}" if group.region else ""
    reason = group.reason.value.replace("_", " ")
    page.line(f"{reason}{where}, {group.meaning}", indent=2, lead="Cannot  ", style="yellow")
    page.line(", ".join(group.names) or "everything in it", indent=10)
    for detail in group.details[:_MOST_DETAILS]:
        page.line(sentence(detail), indent=10, style="dim")
    if len(group.details) > _MOST_DETAILS:
        page.line(f"and {len(group.details) - _MOST_DETAILS} more: --format json", indent=10, style="dim")


def _object(found: Sequence[Diagnosis]) -> dict[str, Json]:
    environments: dict[str, list[Json]] = {}
    for diagnosis in found:
        environments.setdefault(diagnosis.environment, []).append(_source_object(diagnosis))
    return {
        "schema": SCHEMA,
        "readable": all(diagnosis.sight is Sight.WHOLE for diagnosis in found),
        "environments": [{"name": name, "sources": sources} for name, sources in environments.items()],
    }


def _source_object(diagnosis: Diagnosis) -> dict[str, Json]:
    grant = diagnosis.grant
    return {
        "source": diagnosis.source,
        "collector": diagnosis.collector,
        "sight": diagnosis.sight.value,
        "listings": {sight.value: diagnosis.count(sight) for sight in Sight},
        "resources": dict(diagnosis.held),
        "parts": [
            {"kind": part.kind, "region": part.region, "sight": part.sight.value, "resources": dict(part.held)}
            for part in diagnosis.parts
        ],
        "gaps": [
            {
                "kind": gap.kind,
                "region": gap.region,
                "reason": gap.reason.value,
                "detail": gap.detail,
                "resource": gap.resource,
                "attribute": gap.attribute,
            }
            for gap in diagnosis.gaps
        ],
        "grant": None if grant is None else {"missing": list(grant.missing), "to": grant.to, "change": grant.change},
        "takes": list(diagnosis.takes),
    }
