"""`audit diff`: what differs between two snapshots, bundled by cause, with when it came to differ. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.drift_causes import Beside, Bundle, InTime, Leaf, bundled
from auditor.model import ABSENT
from auditor.publish.console import not_observed
from auditor.publish.grid import DEFAULT_WIDTH, Grid, Page
from auditor.publish.json_report import SCHEMA, dump, gap_object, value_object
from auditor.publish.moves import between
from auditor.publish.spelling import brief, count, iso, path_text, sentence, side_by_side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.drift_causes import Words
    from auditor.model import Gap, Json, Moved
    from auditor.publish.view import Drift

_MEMBERS = 200


def diff_text(
    drifts: Sequence[Drift],
    *,
    left: str,
    right: str,
    width: int | None,
    color: bool,
    environments: tuple[str, str] | None = None,
    gaps: Sequence[Gap] = (),
) -> str:
    """What differs, resource by resource or cause by cause, then what could not be compared. `left` and `right` head the
    columns.

    `environments` are those of both snapshots, where they are told in words; equal ones: two times of one environment."""
    page = Page(width or DEFAULT_WIDTH, color)
    if gaps:
        number = len(dict.fromkeys(gaps))
        hidden = "what it hides" if number == 1 else "what they hide"
        page.line(f"INCOMPLETE: {count(number, 'gap')}; {hidden} was not compared.", style="bold yellow")
    if not drifts:
        seen = " in what both saw" if gaps else ""
        page.line(f"No difference{seen} between {brief(left)} and {brief(right)}.")
        not_observed(page, gaps)
        return page.text()
    grid = Grid(page, left, right)
    grid.head(count(len(drifts), "difference"))
    place = None
    for bundle in _bundles(drifts, environments or (left, right)):
        if bundle.title:
            page.line(sentence(bundle.title), indent=2, style="bold")
        for drift in bundle.members[:_MEMBERS]:
            if not bundle.title and place != (drift.kind, drift.identity):
                page.line(f"{brief(drift.identity)}  {brief(drift.kind)}", indent=2, style="bold")
            place = (drift.kind, drift.identity) if not bundle.title else None
            _row(grid, drift, named=bool(bundle.title))
        if len(bundle.members) > _MEMBERS:
            page.line(f"and {len(bundle.members) - _MEMBERS} more (see --format json)", indent=4, style="dim")
    not_observed(page, gaps)
    return page.text()


def _row(grid: Grid, drift: Drift, *, named: bool) -> None:
    label = path_text(drift.path) if drift.path else "the whole resource"
    if named:
        label = f"{brief(drift.identity)} {path_text(drift.path)}".rstrip()
    if drift.path:
        grid.row(label, *side_by_side(drift.left, drift.right, grid.room))
    else:
        grid.row(label, _there(drift.left), _there(drift.right))
    if drift.moved is not None:
        grid.page.line(moved_when(drift.moved), indent=4, style="dim")


def moved_when(moved: Moved) -> str:
    """`prod changed between Tue 2026-11-17 09:00 and 09:15 UTC`."""
    who = "both" if moved.side == "both" else brief(moved.environment)
    return f"{who} changed {between(moved.after, moved.by)}"


def diff_json(
    drifts: Sequence[Drift],
    *,
    left: str,
    right: str,
    environments: tuple[str, str] | None = None,
    gaps: Sequence[Gap] = (),
) -> str:
    """What differs between two snapshots, and what either did not see. An empty `path` means the whole resource."""
    differences = [
        {
            "kind": drift.kind,
            "resource": drift.identity,
            "path": list(drift.path),
            "left": value_object(drift.left),
            "right": value_object(drift.right),
            "cause": bundle.title or None,
            "moved": _moved(drift.moved) if drift.moved else None,
        }
        for bundle in _bundles(drifts, environments or (left, right))
        for drift in bundle.members
    ]
    return dump(
        {
            "schema": SCHEMA,
            "left": left,
            "right": right,
            "outcome": "incomplete" if gaps else "complete",
            "differences": differences,
            "gaps": [gap_object(gap) for gap in dict.fromkeys(gaps)],
        }
    )


def _moved(moved: Moved) -> dict[str, Json]:
    return {
        "side": moved.side,
        "environment": moved.environment,
        "after": iso(moved.after),
        "by": iso(moved.by),
        "old": value_object(moved.old),
        "new": value_object(moved.new),
        "snapshot": moved.snapshot,
        "agreed": moved.agreed,
    }


def _bundles(drifts: Sequence[Drift], environments: tuple[str, str]) -> tuple[Bundle[Drift], ...]:
    """By kind, identity and path."""
    words: Words = InTime() if environments[0] == environments[1] else Beside(*environments)
    ordered = sorted(drifts, key=lambda drift: (drift.kind, drift.identity, drift.path))
    return bundled(ordered, lambda one: Leaf(one.kind, one.identity, one.path, one.left, one.right), words)


def _there(value: object) -> str:
    return "(absent)" if value is ABSENT else "present"
