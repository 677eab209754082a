"""The checklist of a design review, answered from what is stored."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException

from auditor.errors import ConfigError
from auditor.model import Severity
from auditor.publish.ready import checklist_object
from auditor.web.api.answers import Answer
from auditor.web.api.names import EnvironmentName
from auditor.web.api.operations import SECONDS, Found, Ground, gets, later, router
from auditor.web.api.paging import wrong
from auditor.web.api.shapes.ready import Checklist
from auditor.web.queries.readiness import DEFAULT, Unasked


def ready_router() -> APIRouter:
    found = router("Environments")

    @found.get(
        "/environments/{environment}/readiness",
        **gets("getReadiness", "Is an environment ready", Checklist, 404, 409),
    )
    def readiness(
        ground: Ground,
        kept: Found,
        environment: EnvironmentName,
        against: Annotated[
            str | None, Query(max_length=64, description="Held against this one, and not the one that it promotes to.")
        ] = None,
        fail_on: Annotated[
            Severity, Query(description="Findings of this severity and above turn an answer to no.")
        ] = DEFAULT,
        allow_incomplete: Annotated[bool, Query(description="Whether that not all could be seen is forgiven.")] = False,
    ) -> Answer:
        """Each question with its answer and what that rests on, as `audit ready --format json` prints it; of the audit
        that was recorded last."""
        name = ground.config.environment(environment).name
        try:
            against = against and ground.config.environment(against).name
        except ConfigError as error:
            raise wrong("against", "; ".join(problem.message for problem in error.problems)) from error
        asked = kept.readiness.asked(ground, name, against, fail_on)
        if isinstance(asked, Unasked):
            raise HTTPException(409, asked.problem)
        if asked.audited is None:
            raise HTTPException(409, f"{asked.pair.left}/{asked.pair.right} was never audited: have it audited first")
        answered = kept.readiness.answer(ground, asked, SECONDS)
        if answered is None:
            raise later()
        return Answer(checklist_object(answered.checklist, allow_incomplete))

    return found
