"""Every route of pages and API, in one list: whoever serves them, the service or a test, serves the same."""

from __future__ import annotations

from fastapi import APIRouter

from auditor.web.audits import audits_router
from auditor.web.static import static_router
from auditor.web.views.access import access_router
from auditor.web.views.live import live_router
from auditor.web.views.login import login_router
from auditor.web.views.versions import versions_router


def routers() -> list[APIRouter]:
    return [
        static_router(),
        live_router(),
        login_router(),
        access_router(),
        versions_router(),
        audits_router(),
    ]
