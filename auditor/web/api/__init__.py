"""The API: every noun of the product below /api/v1, for programs. The same answers as the pages', from `auditor.web.queries`."""

from __future__ import annotations

from fastapi import APIRouter

from auditor.web.api.acts import acts_router, waivers_router
from auditor.web.api.audits import audits_router
from auditor.web.api.changes import changes_router
from auditor.web.api.document import PREFIX, document_router
from auditor.web.api.environments import environments_router
from auditor.web.api.findings import findings_router
from auditor.web.api.gate import gate_router
from auditor.web.api.matching import matching_router
from auditor.web.api.overview import overview_router
from auditor.web.api.pairs import pairs_router
from auditor.web.api.policies import policies_router
from auditor.web.api.ready import ready_router
from auditor.web.api.service import access_router, service_router
from auditor.web.api.versions import versions_router

__all__ = ["api_router"]


def api_router() -> APIRouter:
    """All operations, and the document that describes them."""
    found = APIRouter(prefix=PREFIX)
    nouns = (
        overview_router(),
        pairs_router(),
        gate_router(),
        matching_router(),
        findings_router(),
        acts_router(),
        waivers_router(),
        audits_router(),
        environments_router(),
        changes_router(),
        versions_router(),
        ready_router(),
        policies_router(),
        service_router(),
        access_router(),
    )
    for noun in nouns:
        found.include_router(noun)
    found.include_router(document_router(found))
    return found
