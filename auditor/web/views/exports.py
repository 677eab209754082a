"""Reports of audits as files, the audits of a pair, one of them as it was, and what differs between two."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response

from auditor.model import Severity
from auditor.store import NotFoundError
from auditor.web.access import Scope, need
from auditor.web.backend import Backend, backend
from auditor.web.queries import reports
from auditor.web.queries.audits import Reports
from auditor.web.templating import page
from auditor.web.views.live import pulsed

# The report brings its own style, and nothing else: in the sandbox it is nobody's page.
HTML_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
_PAGE = 50
FailOn = Annotated[Severity, Query()]
AuditId = Annotated[str, Query(max_length=120)]


def exports_router() -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[Depends(need(Scope.READ)), Depends(pulsed)])

    @router.get("/pairs/{left}/{right}/export.{ending}")
    def export(
        request: Request,
        ground: Annotated[Backend, Depends(backend)],
        left: str,
        right: str,
        ending: str,
        fail_on: FailOn = Severity.HIGH,
    ) -> Response:
        pair = reports.pair_names(ground.store, ground.config, left, right)
        last = next(iter(ground.store.audits(*pair, limit=1)), None)
        if last is None:
            raise HTTPException(404, f"{pair[0]}/{pair[1]} was never audited, so there is nothing to report yet")
        return _file(request, ground, last.id, ending, fail_on)

    @router.get("/audits/{audit_id}/export.{ending}")
    def export_old(
        request: Request,
        ground: Annotated[Backend, Depends(backend)],
        audit_id: str,
        ending: str,
        fail_on: FailOn = Severity.HIGH,
    ) -> Response:
        return _file(request, ground, audit_id, ending, fail_on)

    @router.get("/audits/{audit_id}/report")
    def report(
        ground: Annotated[Backend, Depends(backend)], audit_id: str, fail_on: FailOn = Severity.HIGH
    ) -> Response:
        """The HTML report, to be looked at where it is."""
        made = reports.file(ground.config, ground.store.audit(audit_id), "html", fail_on)
        return Response(made.text, media_type=made.media, headers={"content-security-policy": HTML_POLICY})

    @router.get("/audits/{audit_id}")
    def old(
        request: Request,
        ground: Annotated[Backend, Depends(backend)],
        audit_id: str,
        start: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    ) -> HTMLResponse:
        shown = reports.audit_page(ground.store, audit_id, start)
        return page(request, "audit.html", shown=shown, endings=list(reports.ENDINGS), step=reports.PAGE)

    @router.get("/pairs/{left}/{right}/audits")
    def audits(
        request: Request, ground: Annotated[Backend, Depends(backend)], left: str, right: str, before: AuditId = ""
    ) -> HTMLResponse:
        pair = reports.pair_names(ground.store, ground.config, left, right)
        if before:
            before = ground.store.audit(before).id
        found, following = reports.listed(ground.store, pair, before or None, _PAGE)
        return page(
            request,
            "audits.html",
            pair=pair,
            audits=found,
            following=following,
            first=not before,
            endings=list(reports.ENDINGS),
        )

    @router.get("/pairs/{left}/{right}/audits/diff")
    def diff(
        request: Request,
        ground: Annotated[Backend, Depends(backend)],
        left: str,
        right: str,
        from_: Annotated[str, Query(alias="from", max_length=120)] = "",
        to: AuditId = "",
    ) -> HTMLResponse:
        pair = reports.pair_names(ground.store, ground.config, left, right)
        found, problem, status = None, "", 200
        try:
            found = reports.between(ground.store, from_ or None, to or None, pair)
        except (ValueError, NotFoundError) as error:
            problem, status = str(error).removeprefix("store: "), 422
        choices, _ = reports.listed(ground.store, pair, None, _PAGE)
        asked = {"from": found.before.id if found else from_, "to": found.after.id if found else to}
        return page(
            request,
            "audit_diff.html",
            status=status,
            pair=pair,
            shown=found,
            problem=problem,
            choices=choices,
            asked=asked,
            most=reports.MOST,
        )

    return router


def _file(request: Request, ground: Backend, audit_id: str, ending: str, fail_on: Severity) -> Response:
    if ending not in reports.ENDINGS:
        raise HTTPException(
            404, f"there is no report that ends in .{ending[:20]}; use one of {', '.join(reports.ENDINGS)}"
        )
    etag = reports.tag(audit_id, ending, fail_on)
    headers = {"etag": etag, "cache-control": "private, no-cache"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    made = reports.file(ground.config, ground.store.audit(audit_id), ending, fail_on)
    headers["content-disposition"] = f'attachment; filename="{made.name}"'
    if reports.ENDINGS[ending] is Reports.HTML:
        headers["content-security-policy"] = HTML_POLICY
    return Response(made.text, media_type=made.media, headers=headers)
