"""The service itself: who asks, tokens, the trail, what is told to whom, what can be read, and what happens now."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ConfigDict, Field
from starlette.exceptions import HTTPException

from auditor.credentials import CredentialError, Deed, Scope, issue, revoke
from auditor.durations import parse_duration
from auditor.notices import Delivery
from auditor.policy_schema import policy_schema, waivers_schema
from auditor.publish.lists import collector_object, notice_object, token_object
from auditor.publish.spelling import iso
from auditor.settings import json_schema
from auditor.store.cursors import from_cursor, to_cursor
from auditor.store.errors import ConflictError
from auditor.web.access.trail import actor_of, note
from auditor.web.api.answers import Answer, page
from auditor.web.api.bodies import Sent, body
from auditor.web.api.jobs import STREAM, STREAM_HEADERS, STREAM_MEDIA
from auditor.web.api.names import Id
from auditor.web.api.operations import Asker, Found, Ground, does, gets, router
from auditor.web.api.paging import After, Limit, part, wrong
from auditor.web.api.shapes.service import (
    CollectorList,
    NewToken,
    NoticeList,
    Token,
    TokenList,
    Trail,
    Whoami,
)
from auditor.web.views.live import changes

_NEVER = "never"
_GREATEST_ID = 2**31 - 1


class TokenWanted(Sent):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "deploy pipeline", "scope": "read"}]})

    name: str = Field(
        pattern="^[A-Za-z0-9][A-Za-z0-9 @._/-]{0,63}$", description="Who or what will use it: a person, a pipeline."
    )
    scope: Scope = Field(Scope.READ, description="What it may do; each includes the ones before it.")
    lasts: str = Field("90d", pattern=f"^({_NEVER}|[1-9][0-9]{{0,3}}[smhdw])$", description="How long, or `never`.")


def service_router() -> APIRouter:
    found = router("Service")

    @found.get("/whoami", **gets("getWhoami", "Who asks", Whoami))
    def whoami(asker: Asker) -> Answer:
        """Who the service takes you for, and what you may do."""
        return Answer({"name": asker.name, "scope": asker.scope.value, "via": asker.via})

    @found.get("/events", **gets("followChanges", "Be told when anything changed", str, media=STREAM_MEDIA))
    async def events(request: Request, ground: Ground, kept: Found) -> StreamingResponse:
        """Server-sent events called `pulse`, whenever an audit, a snapshot, a waiver or an act on a finding was recorded:
        ask again for what you show. `/happened` says what it was. The stream does not end by itself."""
        return StreamingResponse(changes(request, ground, kept.pulses), media_type=STREAM, headers=STREAM_HEADERS)

    @found.get("/collectors", **gets("listCollectors", "List the collectors", CollectorList))
    def collectors(request: Request, ground: Ground, kept: Found, limit: Limit = 100, after: After = None) -> Answer:
        """What can be read, by which options, and what must be allowed for it."""
        shown, following = part(ground.registry.collectors, lambda one: one.name, "collectors", limit, after)
        items = [kept.described.get_or_make(one.name, partial(collector_object, one)) for one in shown]
        return page(request, items, following)

    @found.get("/schemas/config", **gets("getConfigSchema", "The JSON Schema of the configuration", dict[str, Any]))
    def config_schema(ground: Ground, kept: Found) -> Answer:
        """What may stand in `auditor.yaml`, as `audit config schema` prints it."""
        collectors = ground.registry.collectors
        objects = [kept.described.get_or_make(one.name, partial(collector_object, one)) for one in collectors]
        return Answer(json_schema({one["name"]: one["options"] for one in objects}))

    @found.get("/schemas/policy", **gets("getPolicySchema", "The JSON Schema of policies", dict[str, Any]))
    def schema_of_policies() -> Answer:
        """What may stand in a policy, as `audit policy schema` prints it."""
        return Answer(policy_schema())

    @found.get("/schemas/waivers", **gets("getWaiversSchema", "The JSON Schema of the waiver file", dict[str, Any]))
    def schema_of_waivers() -> Answer:
        """What may stand in the waiver file, as `audit waivers schema` prints it."""
        return Answer(waivers_schema())

    @found.get("/notices", **gets("listNotices", "List what people and machines are told", NoticeList))
    def notices(
        ground: Ground,
        state: Annotated[Delivery | None, Query(description="Only these.")] = None,
        limit: Limit = 100,
    ) -> Answer:
        """Messages, events and digests, and how far each got; the newest first, at most `limit`."""
        return Answer({"items": [notice_object(queued) for queued in ground.store.notices(state, limit)]})

    @found.post(
        "/notices/{notice}/requeue",
        **does("requeueNotice", "Have a notice sent again", None, 404, 409, scope=Scope.ADMIN, status=204),
    )
    def requeue(request: Request, ground: Ground, notice: Id) -> Response:
        """Lets one that was given up be sent again, as if it never had been tried. One that is pending stays so."""
        try:
            ground.store.requeue_notice(notice, ground.clock())
        except ConflictError as error:
            raise HTTPException(409, str(error).removeprefix("store: ")) from error
        ground.recorded()
        note(request, "notice.requeue", notice)
        return Response(status_code=204)

    return found


def access_router() -> APIRouter:
    """Tokens and the trail: for whoever may give access."""
    found = router("Service")

    @found.get("/tokens", **gets("listTokens", "List the tokens", TokenList, scope=Scope.ADMIN))
    def tokens(request: Request, ground: Ground, limit: Limit = 100, after: After = None) -> Answer:
        """Every token ever made, expired and revoked ones too, the oldest first; never their secrets."""
        now = ground.clock()
        shown, following = part(
            ground.store.tokens(), lambda one: f"{one.created_at.isoformat()} {one.id}", "tokens", limit, after
        )
        return page(request, [token_object(one, now) for one in shown], following)

    @found.post("/tokens", **does("createToken", "Make a token", NewToken, 409, scope=Scope.ADMIN, status=201))
    def create(request: Request, ground: Ground, wanted: Annotated[TokenWanted, Depends(body(TokenWanted))]) -> Answer:
        """Its text is in this answer and nowhere else: it is kept as a hash."""
        now = ground.clock()
        lasts = None if wanted.lasts == _NEVER else parse_duration(wanted.lasts)
        try:
            issued = issue(ground.store, wanted.name, wanted.scope, lasts, now, actor_of(request))
        except CredentialError as error:
            raise HTTPException(409, str(error)) from error
        return Answer({**token_object(issued.token, now), "token": issued.text}, 201)

    @found.post("/tokens/{token}/revoke", **does("revokeToken", "Revoke a token", Token, 404, scope=Scope.ADMIN))
    def take_back(request: Request, ground: Ground, token: Id) -> Answer:
        """It lets nobody in any more, and the sessions that it opened end. To revoke it again changes nothing."""
        known = ground.store.token(token)
        if known is None:
            raise HTTPException(404, "there is no token of this id")
        now = ground.clock()
        return Answer(token_object(revoke(ground.store, known[0], now, actor_of(request)), now))

    @found.get("/trail", **gets("listTrail", "Who did what", Trail, scope=Scope.ADMIN))
    def trail(request: Request, ground: Ground, limit: Limit = 100, after: After = None) -> Answer:
        """Every act through pages, API and command line, and every refusal, the newest first. None is ever removed."""
        deeds = ground.store.trail(before=_before(after), limit=limit + 1)
        following = to_cursor("trail", (deeds[limit - 1].id,)) if len(deeds) > limit else None
        return page(request, [_deed_object(deed) for deed in deeds[:limit]], following)

    return found


def _before(after: str | None) -> int | None:
    if after is None:
        return None
    try:
        (last,) = from_cursor(after, "trail", (int,))
    except ValueError as error:
        raise wrong("after", str(error)) from error
    assert isinstance(last, int)
    return min(last, _GREATEST_ID)


def _deed_object(deed: Deed) -> dict[str, Any]:
    return {
        "id": deed.id,
        "at": iso(deed.at),
        "actor": deed.actor,
        "via": deed.via,
        "action": deed.action,
        "subject": deed.subject,
        "outcome": deed.outcome,
        "address": deed.address,
        "detail": deed.detail,
    }
