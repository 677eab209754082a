"""`audit drift` as a table, as Markdown and as JSON. Pure; every text ends with a newline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.model import ABSENT
from auditor.publish.console import gap_lines
from auditor.publish.drift_view import away, when
from auditor.publish.grid import DEFAULT_WIDTH, Grid, Page
from auditor.publish.json_report import SCHEMA, dump, gap_object, value_object
from auditor.publish.markdown import code, escape
from auditor.publish.moves import between
from auditor.publish.spelling import brief, count, instant, iso, path_text, sentence, side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from auditor.drift import Changed, Step
    from auditor.drift_causes import Bundle
    from auditor.model import Json
    from auditor.publish.drift_view import DriftView, Hidden, Released

_MEMBERS = 20
_ROOM = 160
_CHANGED, _BACK = "Changed", "Changed and changed back"


def drift_table(view: DriftView, *, width: int | None, color: bool) -> str:
    """What changed, bundled by cause, then what ran from when on, then what could not be observed."""
    page = Page(width or DEFAULT_WIDTH, color)
    page.line(view.headline, style="bold")
    for remark in view.remarks:
        page.line(remark, style="yellow")
    for title, after, bundles in _sections(view):
        grid = Grid(page, "before", after)
        grid.head(title)
        place: tuple[str, ...] = ()
        for bundle in bundles:
            place = _bundle(grid, bundle, place)
    if view.released:
        page.blank()
        page.rule("Deployed", style="bold")
    for release in view.released:
        page.line(_released(release), indent=2)
    if view.hidden:
        page.blank()
        page.rule("NOT OBSERVED", style="bold yellow")
    for hidden in view.hidden:
        gap_lines(page, hidden.group)
        page.line(_hidden(hidden, view), indent=4)
    return page.text()


def _sections(view: DriftView) -> list[tuple[str, str, Sequence[Bundle[Changed]]]]:
    """Title, head of the second column and bundles, where there are any."""
    sections = [(_CHANGED, "after", view.changed), (_BACK, "in between", view.back)]
    return [section for section in sections if section[2]]


def _bundle(grid: Grid, bundle: Bundle[Changed], place: tuple[str, ...]) -> tuple[str, ...]:
    """The changes of one cause, or one change below its resource, unless that is the one of the change before it."""
    page, times = grid.page, {when(change) for change in bundle.members}
    if bundle.title:
        page.line(sentence(bundle.title), indent=2, style="bold")
    for change in bundle.members[:_MEMBERS]:
        before, place = place, (bundle.title, change.kind, change.identity, change.region or "")
        if not bundle.title and place != before:
            page.line(f"{brief(change.identity)}  {brief(change.kind)}{_region(change)}", indent=2, style="bold")
        old, new = away(change)
        label = path_text(change.path) if change.path else "the whole resource"
        if bundle.title:
            label = f"{brief(change.identity)}{_region(change)} {path_text(change.path)}".rstrip()
        sides = side_by_side(old, new, grid.room) if change.path else (_there(old), _there(new))
        grid.row(label, *sides)
        if len(times) > 1:
            page.line(when(change), indent=4, style="dim")
    if len(bundle.members) > _MEMBERS:
        page.line(f"and {len(bundle.members) - _MEMBERS} more (see --format json)", indent=4, style="dim")
    if len(times) == 1:
        page.line(times.pop(), indent=4, style="dim")
    return place


def drift_markdown(view: DriftView) -> str:
    """The same as GitHub-flavoured Markdown. What comes from outside cannot form markup."""
    drifted = view.drifted
    lines = [f"## Drift of {escape(drifted.environment)}", "", f"**{escape(view.headline)}**", ""]
    lines += [f"> [!WARNING]\n> {escape(remark)}\n" for remark in view.remarks]
    for title, after, bundles in _sections(view):
        rows = [row for bundle in bundles for row in _rows(bundle)]
        lines += [f"### {title}", "", *_table(("What", "Before", after.capitalize(), "When"), rows)]
    if view.released:
        lines += ["### Deployed", "", *(f"- {escape(_released(release))}" for release in view.released), ""]
    if view.hidden:
        lines += ["### Not observed", ""]
        for hidden in view.hidden:
            group = hidden.group
            where = ", ".join(code(part) for part in (group.source, group.region) if part)
            what = ", ".join(code(name) for name in group.names[:_MEMBERS]) or group.hidden
            lines.append(f"- {where}: {group.reason.value.replace('_', ' ')}: {what}. {escape(_hidden(hidden, view))}")
        lines.append("")
    return "\n".join(lines)


def _rows(bundle: Bundle[Changed]) -> Iterable[Sequence[str]]:
    if bundle.title:
        yield f"**{escape(bundle.title)}**", "", "", ""
    for change in bundle.members[:_MEMBERS]:
        old, new = away(change)
        path = f" {code(path_text(change.path))}" if change.path else ""
        if change.path:
            shown = [code(side.text) for side in side_by_side(old, new, _ROOM)]
        else:
            shown = [_there(value) for value in (old, new)]
        yield (
            f"{code(change.kind)} {code(change.identity)}{escape(_region(change))}{path}",
            *shown,
            escape(when(change)),
        )
    if len(bundle.members) > _MEMBERS:
        yield f"and {len(bundle.members) - _MEMBERS} more (see `--format json`)", "", "", ""


def drift_object(view: DriftView) -> str:
    """The same for machines, as one JSON object. Keys are added, never renamed or removed."""
    drifted = view.drifted
    return dump(
        {
            "schema": SCHEMA,
            "environment": drifted.environment,
            "since": iso(drifted.since),
            "from": iso(drifted.base),
            "to": iso(drifted.last),
            "snapshots": drifted.looks,
            "outcome": "incomplete" if view.incomplete else "complete",
            "verdict": {"exit_code": view.exit_code, "sentence": view.headline},
            "notes": list(view.remarks),
            "changes": [
                _change(change, bundle)
                for bundles in (view.changed, view.back)
                for bundle in bundles
                for change in bundle.members
            ],
            "deployments": [_release(release) for release in view.released],
            "not_observed": [
                {
                    **gap_object(unseen.gap),
                    "snapshots": unseen.looks,
                    "first": iso(unseen.first),
                    "last": iso(unseen.last),
                    "still": unseen.still,
                }
                for unseen in drifted.unseen
            ],
        }
    )


def _change(change: Changed, bundle: Bundle[Changed]) -> dict[str, Json]:
    return {
        "kind": change.kind,
        "resource": change.identity,
        "region": change.region,
        "path": list(change.path),
        "old": value_object(change.old),
        "new": value_object(change.new),
        "course": change.course.value,
        "after": iso(change.after),
        "by": iso(change.by),
        "steps": [_step(step) for step in change.steps],
        "cause": bundle.title or None,
    }


def _step(step: Step) -> dict[str, Json]:
    values = {"old": value_object(step.old), "new": value_object(step.new)}
    return {**values, "after": iso(step.after), "by": iso(step.by)}


def _release(release: Released) -> dict[str, Json]:
    deployment = release.deployment
    return {
        "component": deployment.component,
        "version": deployment.version,
        "digest": deployment.digest,
        "was": release.was,
        "after": iso(deployment.after) if deployment.after else None,
        "by": iso(deployment.first_seen),
        "deployed_at": iso(deployment.deployed_at) if deployment.deployed_at else None,
        "running": None if release.ended is None else not release.ended,
    }


def _released(release: Released) -> str:
    deployment = release.deployment
    seen = (
        between(deployment.after, deployment.first_seen) if deployment.after else f"by {instant(deployment.first_seen)}"
    )
    told = f", at {instant(deployment.deployed_at)} as it says itself" if deployment.deployed_at else ""
    was = f", after {brief(release.was)}" if release.was else ""
    still = {None: f", last seen {instant(deployment.last_seen)}", True: ", not running any more"}.get(
        release.ended, ""
    )
    return f"{brief(deployment.component)} {brief(deployment.version)}{was}: first seen {seen}{told}{still}"


def _hidden(hidden: Hidden, view: DriftView) -> str:
    often = f"In {hidden.looks} of {count(view.drifted.looks, 'snapshot')}"
    span = (
        f"of {instant(hidden.first)}"
        if hidden.looks == 1
        else f"from {instant(hidden.first)} to {instant(hidden.last)}"
    )
    return f"{often}, {span}{'; still so in the last one' if hidden.still else ''}."


def _there(value: object) -> str:
    return "(absent)" if value is ABSENT else "present"


def _region(change: Changed) -> str:
    return f" ({brief(change.region)})" if change.region else ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]
