"""/findings/X: one finding, why it is one, and what may be done about it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from auditor.errors import AuditorError, StoreError
from auditor.explaining import explained_at
from auditor.model import Status
from auditor.moved_lookup import with_moved
from auditor.publish.gap_groups import gap_groups
from auditor.publish.moves import moved_text
from auditor.waivers import values_digest
from auditor.web.access import Identity, Scope, need
from auditor.web.backend import Backend, backend
from auditor.web.queries import explained
from auditor.web.queries.finding import Named, detail, escalation_text, named
from auditor.web.queries.finding_rows import rows
from auditor.web.queries.timeline import DAYS, timeline
from auditor.web.templating import page, url
from auditor.web.views.acting import offered, said
from auditor.web.views.live import pulsed

_MAY_READ = need(Scope.READ)
Reader = Annotated[Identity, Depends(_MAY_READ)]
Ground = Annotated[Backend, Depends(backend)]


def finding_router() -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[Depends(_MAY_READ), Depends(pulsed)])

    @router.get("/findings/{fingerprint}")
    def finding(
        request: Request,
        ground: Ground,
        who: Reader,
        fingerprint: str,
        did: Annotated[str, Query(max_length=20)] = "",
    ) -> Response:
        found = named(ground.store, fingerprint)
        if len(found.findings) != 1:
            return _several(request, fingerprint, found, ground.clock())
        whole = found.findings[0].fingerprint
        if whole != fingerprint:
            return RedirectResponse(url(f"/findings/{whole}", did=did), 303)
        now, files = ground.clock(), ground.loaded()
        shown = detail(ground.store, whole, files.waivers.waivers, now, files.config.policies)
        return page(
            request,
            "finding.html",
            shown=shown,
            moved=moved_text(shown.stored.finding),
            escalates=escalation_text(shown.breach),
            members=rows(shown.members, now),
            said=said(did, 1),
            may_act=who.scope.covers(Scope.ACT),
            unresolved=shown.stored.status is not Status.RESOLVED,
            configured=all(
                side.environment in files.config.environments for side in (shown.breach.left, shown.breach.right)
            ),
            **offered(now, files.waivers.longest),
        )

    @router.get("/findings/{fingerprint}/timeline")
    def past(request: Request, ground: Ground, fingerprint: str) -> Response:
        now, config = ground.clock(), ground.config
        kept = ground.store.finding(fingerprint)
        stored, unmoved = with_moved(config, ground.registry, ground.store, kept, now)
        found = timeline(ground.store, config, ground.registry.kind, stored.breach, now)
        return page(
            request,
            "finding_timeline.html",
            stored=stored,
            seen=values_digest(kept.breach),
            # What is kept stands on the finding's page already.
            moved="" if kept.moved else moved_text(stored.finding),
            unmoved=unmoved,
            timeline=found,
            days=DAYS,
        )

    @router.get("/findings/{fingerprint}/explain")
    def why(request: Request, ground: Ground, fingerprint: str) -> HTMLResponse:
        stored, loaded = ground.store.finding(fingerprint), ground.loaded()
        places: tuple[explained.Place, ...] = ()
        notes: list[str] = []
        try:
            pair = loaded.config.pair(stored.breach.left.environment, stored.breach.right.environment)
            stage = ground.stages.get(ground, loaded, pair)
            explanations, notes = explained_at(stage, stored)
            places = explained.told(ground.store, stage, explanations)
        except StoreError:
            raise
        except AuditorError as error:
            notes = [f"the place cannot be judged again: {error}"]
        return page(
            request,
            "finding_explain.html",
            stored=stored,
            seen=values_digest(stored.breach),
            places=places,
            notes=notes,
            gap_groups=gap_groups,
        )

    return router


def _several(request: Request, start: str, found: Named, now: datetime) -> Response:
    """No finding, or several whose fingerprints begin so."""
    return page(
        request, "finding_unknown.html", status=404, start=start, rows=rows(found.findings, now), more=found.more
    )
