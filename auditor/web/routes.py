"""Every route of pages and API, in one list: whoever serves them, the service or a test, serves the same."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter

from auditor.web.api import api_router
from auditor.web.api.reference import reference_router
from auditor.web.static import static_router
from auditor.web.views.access import access_router
from auditor.web.views.acting import acting_router
from auditor.web.views.badge import badge_router
from auditor.web.views.environment import environment_router
from auditor.web.views.exports import exports_router
from auditor.web.views.finding import finding_router
from auditor.web.views.findings import findings_router
from auditor.web.views.live import live_router
from auditor.web.views.login import login_router
from auditor.web.views.matching import matching_router
from auditor.web.views.overview import overview_router
from auditor.web.views.pair import pair_router
from auditor.web.views.policies import policies_router
from auditor.web.views.readiness import readiness_router
from auditor.web.views.resource import resource_router
from auditor.web.views.unseen import unseen_router
from auditor.web.views.versions import versions_router
from auditor.web.views.waivers import waivers_router


@cache
def routers() -> tuple[APIRouter, ...]:
    """Made once in a process, which takes half a second: what an application keeps, it keeps itself (`auditor.web.keeps`)."""
    api = api_router()
    return (
        static_router(),
        live_router(),
        overview_router(),
        pair_router(),
        findings_router(),
        acting_router(),
        finding_router(),
        waivers_router(),
        login_router(),
        access_router(),
        versions_router(),
        environment_router(),
        resource_router(),
        readiness_router(),
        policies_router(),
        exports_router(),
        badge_router(),
        matching_router(),
        unseen_router(),
        api,
        reference_router(api),
    )
