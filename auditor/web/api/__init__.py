"""The API: every noun of the product below /api/v1, for programs."""

from __future__ import annotations

from fastapi import APIRouter

from auditor.web.api.acts import acts_router, waivers_router
from auditor.web.api.audits import audits_router
from auditor.web.api.document import PREFIX, document_router
from auditor.web.api.environments import environments_router
from auditor.web.api.findings import findings_router
from auditor.web.api.pairs import pairs_router
from auditor.web.api.service import access_router, service_router

__all__ = ["api_router"]


def api_router() -> APIRouter:
    """All operations, and the document that describes them."""
    found = APIRouter(prefix=PREFIX)
    nouns = (
        pairs_router(),
        findings_router(),
        acts_router(),
        waivers_router(),
        audits_router(),
        environments_router(),
        service_router(),
        access_router(),
    )
    for noun in nouns:
        found.include_router(noun)
    found.include_router(document_router(found))
    return found
