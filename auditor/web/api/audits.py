"""Audits: lists, reports, what differs between two; and having one made now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field
from starlette.exceptions import HTTPException

from auditor.errors import ConfigError
from auditor.model import Severity
from auditor.publish.json_report import audit_object, finding_object
from auditor.publish.spelling import iso
from auditor.publish.view import verdict
from auditor.web.access.trail import note
from auditor.web.api import jobs
from auditor.web.api.answers import Answer, page
from auditor.web.api.bodies import Sent, body
from auditor.web.api.names import Id
from auditor.web.api.operations import Ground, does, gets, router
from auditor.web.api.paging import After, Limit, row_cursor, wrong
from auditor.web.api.shapes.audits import AuditDiff, AuditList, AuditReport, Job
from auditor.web.queries.audits import AuditChanges, Reports, changes, previous

if TYPE_CHECKING:
    from auditor.store.audits import AuditInfo
    from auditor.web.backend import Backend

FailOn: TypeAlias = Annotated[Severity, Query(description="Findings of this severity and above count against it.")]
AllowIncomplete: TypeAlias = Annotated[bool, Query(description="Whether it passes although not all was observed.")]
_HTML_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
_TEXT = {"type": "string"}
_MEDIA: dict[str, dict[str, Any]] = {
    "text/markdown": _TEXT,
    "text/plain": _TEXT,
    "text/html": _TEXT,
    "application/xml": _TEXT,
    "application/json": {"$ref": "#/components/schemas/AuditReport"},
    "application/sarif+json": {"type": "object"},
}


class AuditWanted(Sent):
    """Two environments, by name or alias."""

    left: str = Field(min_length=1, max_length=64, examples=["staging"])
    right: str = Field(min_length=1, max_length=64, examples=["prod"])


def audits_router() -> APIRouter:
    found = router("Audits")

    @found.post(
        "/audits",
        **does("requestAudit", "Audit a pair now", Job, status=202, headers={"Location": "The job to follow."}),
    )
    def ask(request: Request, ground: Ground, wanted: Annotated[AuditWanted, Depends(body(AuditWanted))]) -> Answer:
        """Has the pair audited soon, as if its schedule had come, and answers a job to follow: ask for it again, or read
        its events. What is read at that time anyway is shared."""
        try:
            run = ground.runs.ask(wanted.left, wanted.right)
        except ConfigError as error:
            raise HTTPException(422, "; ".join(problem.message for problem in error.problems)) from error
        if run is None:
            raise HTTPException(503, "the service stops, or too many audits wait already: ask again later")
        note(request, "audit", f"{run.left}/{run.right}")
        return Answer(jobs.job_object(run), 202, {"location": f"/api/v1/audits/jobs/{run.id}"})

    # Before the audits themselves, of which none has the id `jobs`.
    found.include_router(jobs.jobs_router())

    @found.get("/audits", **gets("listAudits", "List audits", AuditList))
    def audits(
        request: Request,
        ground: Ground,
        left: Annotated[str | None, Query(max_length=64, description="Only of this left environment.")] = None,
        right: Annotated[str | None, Query(max_length=64, description="Only of this right environment.")] = None,
        limit: Limit = 100,
        after: After = None,
    ) -> Answer:
        """The audits that are kept, those recorded last first."""
        names = [_named(ground, name) for name in (left, right)]
        listed = ground.store.audits(*names, before=row_cursor(after), limit=limit + 1)
        following = listed[limit - 1].id if len(listed) > limit else None
        return page(request, [line_object(info) for info in listed[:limit]], following)

    @found.get("/audits/{audit}", **gets("getAudit", "One audit with its findings", AuditReport, 404))
    def audit(
        ground: Ground, audit: Id, fail_on: FailOn = Severity.HIGH, allow_incomplete: AllowIncomplete = False
    ) -> Answer:
        """What the audit found, as `audit now --format json` prints it. `/findings` says how the findings stand now."""
        whole = ground.store.audit(audit)
        code, sentence = verdict(whole, fail_on, allow_incomplete)
        return Answer(audit_object(whole, code, sentence, fail_on))

    @found.get("/audits/{audit}/report", **gets("getAuditReport", "The report of an audit", str, 404, media=_MEDIA))
    def report(
        ground: Ground,
        audit: Id,
        format_: Annotated[Reports, Query(alias="format", description="Kind of report.")] = Reports.MARKDOWN,
        fail_on: FailOn = Severity.HIGH,
        allow_incomplete: AllowIncomplete = False,
    ) -> Response:
        """The same audit for people and other tools: text, Markdown, HTML, JUnit XML, SARIF."""
        whole = ground.store.audit(audit)
        text = format_.render(ground.config, whole, ground.clock(), fail_on, allow_incomplete)
        headers = {"content-security-policy": _HTML_POLICY} if format_ is Reports.HTML else None
        return Response(text, media_type=format_.media, headers=headers)

    @found.get("/audits/{audit}/diff", **gets("diffAudits", "What changed since an earlier audit", AuditDiff, 404))
    def diff(
        ground: Ground,
        audit: Id,
        against: Annotated[
            str | None, Query(max_length=120, description="The earlier one; by default the one before it.")
        ] = None,
    ) -> Answer:
        """What this audit saw that an earlier one of the same pair did not, and the other way round."""
        later = ground.store.audit(audit)
        earlier = previous(ground.store, later) if against is None else ground.store.audit(against)
        if earlier is None:
            raise HTTPException(404, "no earlier audit of the pair is kept: name one with `against`")
        if (earlier.left, earlier.right) != (later.left, later.right):
            raise wrong("against", f"that is an audit of {earlier.left} and {earlier.right}: name one of the same pair")
        return Answer(_changes_object(changes(earlier, later)))

    return found


def _named(ground: Backend, name: str | None) -> str | None:
    """The environment's own name; one that is configured no more stays as it was typed, since its audits are kept."""
    try:
        return name and ground.config.environment(name).name
    except ConfigError:
        return name


def line_object(info: AuditInfo) -> dict[str, object]:
    return {
        "id": info.id,
        "left": info.left,
        "right": info.right,
        "left_snapshot": info.left_snapshot,
        "right_snapshot": info.right_snapshot,
        "started_at": iso(info.started_at),
        "finished_at": iso(info.finished_at),
        "outcome": "complete" if info.complete else "incomplete",
        "score": info.score,
        "coverage": info.coverage,
    }


def _changes_object(found: AuditChanges) -> dict[str, object]:
    return {
        "before": found.before.id,
        "after": found.after.id,
        "left": found.after.left,
        "right": found.after.right,
        "appeared": [finding_object(finding) for finding in found.appeared],
        "disappeared": [finding_object(finding) for finding in found.disappeared],
        "changed": [
            {
                "fingerprint": before.breach.fingerprint,
                "changed": list(names),
                "before": finding_object(before),
                "after": finding_object(after),
            }
            for before, after, names in found.changed
        ],
        "unchanged": found.unchanged,
    }
