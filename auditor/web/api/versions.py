"""Which version of what runs where."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from auditor.publish.spelling import iso
from auditor.publish.versions import versions_object
from auditor.rollout import Column, Table
from auditor.store.cursors import to_cursor
from auditor.web.api.answers import Answer, linked
from auditor.web.api.operations import Found, Ground, gets, router
from auditor.web.api.paging import After, Limit, position
from auditor.web.api.shapes.changes import Versions
from auditor.web.queries.versions import Promoted, Step

_LIST = "versions"


def versions_router() -> APIRouter:
    found = router("Environments")

    @found.get("/versions", **gets("listVersions", "Which version of what runs where", Versions, 404))
    def versions(
        request: Request,
        ground: Ground,
        kept: Found,
        environment: Annotated[
            list[str], Query(max_length=50, description="Only these environments; may be repeated.")
        ] = [],  # noqa: B006 - nobody changes it
        text: Annotated[str, Query(max_length=200, description="Only components with this in their names.")] = "",
        differing: Annotated[bool, Query(description="Only what is not in one version everywhere.")] = False,
        limit: Limit = 100,
        after: After = None,
    ) -> Answer:
        """By component, as the last snapshots tell, since when and by whom; and what each promotion would bring."""
        table = kept.versions.versions(
            ground.store,
            ground.config,
            ground.clock(),
            text=text,
            differing=differing,
            environments=environment,
            after=position(after, _LIST) if after is not None else "",
            limit=limit,
        )
        shown = {row.component for row in table.rows}
        columns = tuple(_only(column, shown) for column in table.columns)
        following = to_cursor(_LIST, (table.after,)) if table.after else None
        told = {
            **versions_object(Table(columns)),
            "next": following,
            "total": table.differing if differing else table.total,
            "promotions": [_step_object(step) for step in table.steps],
        }
        return linked(request, Answer(told), following)

    return found


def _only(column: Column, components: set[str]) -> Column:
    cells = {component: cells for component, cells in column.cells.items() if component in components}
    return Column(column.environment, column.snapshot, column.taken_at, column.hidden, cells)


def _step_object(step: Step) -> dict[str, object]:
    return {
        "left": step.left,
        "right": step.right,
        "known": step.known,
        "ahead": [_promoted_object(one) for one in step.ahead],
        "behind": list(step.behind),
        "same": step.same,
    }


def _promoted_object(one: Promoted) -> dict[str, object]:
    return {
        "component": one.component,
        "before": list(one.before),
        "after": list(one.after),
        "since": iso(one.since) if one.since else None,
        "at_least": one.at_least,
        "same_tag": one.same_tag,
    }
