"""May this promotion go ahead: asked of the audit that is recorded."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException

from auditor.durations import parse_duration
from auditor.gate import Terms
from auditor.gating import NotRecorded, gate_recorded
from auditor.model import Severity
from auditor.publish.gate_report import gate_object
from auditor.scope import UnknownService
from auditor.web.api.answers import Answer
from auditor.web.api.names import Left, Right
from auditor.web.api.operations import Ground, gets, router
from auditor.web.api.paging import wrong
from auditor.web.api.shapes.gate import Gate

_FRESH = r"^[1-9][0-9]{0,4}[smhdw]$"


def gate_router() -> APIRouter:
    found = router("Pairs")

    @found.get("/pairs/{left}/{right}/gate", **gets("getGate", "May this promotion go ahead", Gate, 404, 409))
    def gate(
        ground: Ground,
        left: Left,
        right: Right,
        service: Annotated[
            list[str], Query(max_length=50, description="Count only what this service depends on; may be repeated.")
        ] = [],  # noqa: B006 - nobody changes it
        fresh: Annotated[str, Query(pattern=_FRESH, description="How old what was seen may be.")] = "30m",
        fail_on: Annotated[Severity, Query(description="Hold at findings of this severity or above.")] = Severity.HIGH,
        allow_incomplete: Annotated[bool, Query(description="Pass although not everything could be observed.")] = False,
    ) -> Answer:
        """The verdict of the audit that was recorded last, as `audit gate --format json` prints it. Waivers that were made
        or ended since count. Nothing is looked at again for it: where no recorded audit is fresh enough and made under the
        configuration as it is, that is a 409; have the pair audited, and ask again."""
        loaded = ground.loaded()
        pair = loaded.config.pair(left, right)
        terms = Terms(fail_on, allow_incomplete, tuple(dict.fromkeys(service)), _span(fresh))
        try:
            decided = gate_recorded(loaded.config, pair.left, pair.right, ground.tools(), terms, loaded.policy(pair))
        except NotRecorded as error:
            raise HTTPException(409, str(error)) from error
        except UnknownService as error:
            raise wrong("service", f"{error}: {error.remedy}") from error
        return Answer(gate_object(decided))

    return found


def _span(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise wrong("fresh", str(error)) from error
