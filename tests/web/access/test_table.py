"""The authorisation table: every route of the whole application against every kind of visitor."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fastapi import FastAPI, HTTPException
from fastapi.routing import APIRoute, iter_route_contexts
from structlog.testing import capture_logs

from auditor.credentials import Scope, revoke
from auditor.daemon.serve import Service
from auditor.store import Store
from auditor.web.access.identity import Identity
from auditor.web.access.oidc import CALLBACK
from tests.web.access.doors import ADMIN, FAR, NOW, Answer, Clock, door, sent, session, token

# For everybody, each for a reason: a new one is named here, or it names a scope.
PUBLIC = {
    ("GET", "/healthz"): "says whether the process lives",
    ("GET", "/readyz"): "says whether it can work",
    ("GET", "/metrics"): "serve.auth.metrics says",
    ("GET", "/static/{name:path}"): "what the login page is dressed with",
    ("POST", "/slack/interactions"): "Slack's signature says",
    ("GET", "/login"): "where people log in",
    ("POST", "/login"): "where people log in",
    ("GET", "/login/oidc"): "where people log in",
    ("GET", CALLBACK): "where people log in",
}
LOOPBACK = "127.0.0.1"
PROXY = "10.20.0.7"
# No more than a form or a body has; what the route makes of it is not asked here.
FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Route:
    """One method of one route, and the scope that it declares; None where it declares none."""

    method: str
    path: str
    scope: Scope | None

    @property
    def changes(self) -> bool:
        return self.method not in ("GET", "HEAD", "OPTIONS")

    @property
    def address(self) -> str:
        return re.sub(r"\{\w+(:\w+)?\}", "x1", self.path)


@dataclass(frozen=True)
class Visitor:
    """Somebody who asks. `scope` is None for who is nobody, and `refusal` what such a one is told.

    `unmeant`: what changes something is refused with 403, because nothing proves that it was meant. A `variant` of another
    visitor differs from it in nothing that a route could see: it asks a route of each sort only."""

    name: str
    scope: Scope | None
    headers: Mapping[str, str] = field(default_factory=dict)
    client: str = FAR
    refusal: int = 401
    unmeant: bool = False
    variant: bool = False

    def asks(self, route: Route) -> bool:
        """What is for everybody is asked elsewhere; what only reads need not be proven."""
        return route.scope is not None and (route.changes or not self.unmeant or self.expected(route) is not None)

    def expected(self, route: Route) -> int | None:
        """The status; None for whatever the route itself answers."""
        if route.scope is None:
            return None
        if self.scope is None:
            return self.refusal
        return 403 if not self.scope.covers(route.scope) or (self.unmeant and route.changes) else None


def routes_of(app: FastAPI) -> list[Route]:
    found = []
    for context in iter_route_contexts(app.routes):
        scopes = set(_scopes(getattr(context, "dependant", None)))
        widest = max(scopes, key=list(Scope).index) if scopes else None
        found += [
            Route(method, str(context.path), widest) for method in sorted(context.methods or ()) if method != "HEAD"
        ]
    return found


def unknown(app: FastAPI) -> list[str]:
    """What answers requests and is no route of ours: of a mounted application or a socket nobody knows what it demands."""
    found = [context.original_route for context in iter_route_contexts(app.routes)]
    return [f"{type(one).__name__} {getattr(one, 'path', '')}" for one in found if not isinstance(one, APIRoute)]


def _scopes(dependant: object) -> Iterator[Scope]:
    scope = getattr(getattr(dependant, "call", None), "scope", None)
    if isinstance(scope, Scope):
        yield scope
    for inner in getattr(dependant, "dependencies", ()):
        yield from _scopes(inner)


def wrong(app: FastAPI, visitors: list[Visitor], without: str = "") -> list[tuple[str, str, str, int, int | None]]:
    """Route by visitor, where the answer is another than it should be."""

    async def walk() -> list[tuple[str, str, str, int, int | None]]:
        found = []
        routes = [route for route in routes_of(app) if route.path != without]
        few = {(route.scope, route.changes, route.path.startswith("/api/")): route for route in routes}.values()
        for visitor in visitors:
            for route in filter(visitor.asks, few if visitor.variant else routes):
                lines = {**FORM, "accept": "application/json", **visitor.headers}
                answer = await sent(app, route.method, route.address, lines, b"", visitor.client)
                expected = visitor.expected(route)
                if not _fits(answer, expected):
                    found.append((visitor.name, route.method, route.path, answer.status, expected))
        return found

    backend, app.state.backend = app.state.backend, Nothing(app.state.backend.config)
    try:
        with capture_logs():
            return asyncio.run(walk())
    finally:
        app.state.backend = backend


class Nothing:
    """In place of the backend, but for the configuration: what a route would answer costs time and is tried elsewhere."""

    def __init__(self, config: object) -> None:
        self.config = config

    def __getattr__(self, name: str) -> object:
        raise HTTPException(418, "let in")


def _fits(answer: Answer, expected: int | None) -> bool:
    return answer.status == expected if expected is not None else answer.status not in (401, 403, 421, 429, 500)


def test_every_route_names_a_scope_or_is_known_to_be_for_everybody(standing: tuple[Service, Store, Clock]) -> None:
    """A route that declares nothing is open: that has to be written down with its reason."""
    app = standing[0].app
    assert unknown(app) == []
    open_ = {(route.method, route.path) for route in routes_of(app) if route.scope is None}
    assert open_ == set(PUBLIC)
    scopes = {(route.method, route.path): route.scope for route in routes_of(app)}
    assert scopes["POST", "/api/v1/audits"] is Scope.ACT
    assert {scope for (_, path), scope in scopes.items() if path.startswith("/access")} == {Scope.ADMIN}
    assert not [
        route for route in routes_of(app) if route.changes and route.scope is Scope.READ and route.path != "/logout"
    ]


def test_doors_that_are_no_routes_are_seen_by_the_table() -> None:
    """Else files or an application that somebody mounts would be open, and every test of this file would pass."""
    app = FastAPI(openapi_url=None)
    app.get("/known")(lambda: None)
    app.mount("/files", FastAPI())
    app.websocket("/socket")(lambda: None)
    app.add_route("/plain", lambda _request: None)  # type: ignore[arg-type, return-value]
    assert unknown(app) == ["Mount /files", "APIWebSocketRoute /socket", "Route /plain"]


def test_tokens_let_in_as_far_as_they_reach(standing: tuple[Service, Store, Clock]) -> None:
    """Read, act and admin; nobody without one, and nobody with one that is expired, revoked, forged or not whole."""
    built, store, clock = standing
    app = door(built, store, clock, {"tokens": True}, most=10_000).app
    given = {scope: token(store, scope, scope.value).text for scope in Scope}
    late = token(store, Scope.ADMIN, "late", lasts=NOW - NOW.replace(hour=8)).text
    back = token(store, Scope.ADMIN, "back")
    revoke(store, back.token, NOW, ADMIN)
    admin = given[Scope.ADMIN]
    forged = admin[:-1] + ("0" if admin[-1] != "0" else "1")
    clock.later(hours=2)
    visitors = [
        Visitor("nobody", None),
        Visitor("nobody nearby", None, client=LOOPBACK, headers={"host": "127.0.0.1:9464"}, variant=True),
        *(Visitor(scope.value, scope, {"authorization": f"Bearer {text}"}) for scope, text in given.items()),
        Visitor(
            "foreign origin, but a token",
            Scope.ADMIN,
            {"authorization": f"bearer {admin}", "origin": "null"},
            variant=True,
        ),
        Visitor("expired", None, {"authorization": f"Bearer {late}"}),
        Visitor("revoked", None, {"authorization": f"Bearer {back.text}"}),
        Visitor("forged", None, {"authorization": f"Bearer {forged}"}),
        Visitor("id only", None, {"authorization": f"Bearer {admin[:16]}"}, variant=True),
        Visitor("basic", None, {"authorization": f"Basic {admin}"}, variant=True),
        Visitor("the token as a session", None, {"cookie": f"parity_session={admin}"}, variant=True),
        Visitor("a proxy's word", None, {"x-forwarded-user": "root", "x-forwarded-groups": "platform"}, variant=True),
    ]
    assert wrong(app, visitors) == []


def test_sessions_let_in_and_only_forms_of_ours_change_anything(standing: tuple[Service, Store, Clock]) -> None:
    """Without the form's token, with another session's, or from another site's page, nothing is changed."""
    built, store, clock = standing
    front = door(built, store, clock, {"tokens": True}, url="http://parity.example.com")
    values = {scope: f"{number:x}" * 64 for number, scope in enumerate(Scope, 10)}
    forms = {}
    for scope, value in values.items():
        begun = session(store, value, scope)
        forms[scope] = front.gate.csrf(Identity("ada", scope, "session", begun.digest))
    cookies = {scope: {"cookie": f"parity_session={value}"} for scope, value in values.items()}
    admin = {**cookies[Scope.ADMIN], "x-csrf-token": forms[Scope.ADMIN]}
    visitors = [
        Visitor("no proof", Scope.ADMIN, cookies[Scope.ADMIN], unmeant=True),
        Visitor(
            "proof of another session",
            Scope.ADMIN,
            {**admin, "x-csrf-token": forms[Scope.ACT]},
            unmeant=True,
            variant=True,
        ),
        Visitor("foreign origin", Scope.ADMIN, {**admin, "origin": "https://evil.example"}, unmeant=True),
        Visitor(
            "same name, other port",
            Scope.ADMIN,
            {**admin, "origin": "http://parity.example.com:81"},
            unmeant=True,
            variant=True,
        ),
        Visitor("origin null", Scope.ADMIN, {**admin, "origin": "null"}, unmeant=True, variant=True),
        Visitor("cross-site", Scope.ADMIN, {**admin, "sec-fetch-site": "cross-site"}, unmeant=True),
        Visitor("same-site", Scope.ADMIN, {**admin, "sec-fetch-site": "same-site"}, unmeant=True, variant=True),
        Visitor("json without proof", Scope.ADMIN, {**cookies[Scope.ADMIN], **JSON}, unmeant=True, variant=True),
        Visitor("unknown session", None, {"cookie": f"parity_session={'f' * 64}"}, variant=True),
        Visitor("no session at all", None, {"cookie": "parity_session="}, variant=True),
    ]
    assert wrong(built.app, visitors) == []
    own = [
        Visitor(
            scope.value,
            scope,
            {**cookies[scope], "x-csrf-token": forms[scope], "sec-fetch-site": "same-origin", **origin},
        )
        for scope, origin in zip(Scope, itertools.cycle(({}, {"origin": "http://parity.example.com"})), strict=False)
    ]
    # Who logs out is nobody from then on: that is tried in test_login.py.
    assert wrong(built.app, own, without="/logout") == []


def test_this_machine_may_do_everything_and_nobody_else_anything(standing: tuple[Service, Store, Clock]) -> None:
    """Without a login: loopback, no proxy in between, a known name, and no page of somebody else's."""
    built, store, clock = standing
    app = door(built, store, clock, {}).app
    home = {"host": "localhost:9464"}
    visitors = [
        Visitor("far", None, refusal=403),
        Visitor("far, says near", None, {"host": "127.0.0.1"}, refusal=403, variant=True),
        Visitor("wrong host", None, {"host": "evil.example"}, LOOPBACK, refusal=421),
        Visitor("no host", None, {"host": ""}, LOOPBACK, refusal=421, variant=True),
        Visitor("passed on", None, {**home, "x-forwarded-for": "127.0.0.1"}, LOOPBACK, refusal=403, variant=True),
        Visitor("passed on, too", None, {**home, "forwarded": "for=127.0.0.1"}, LOOPBACK, refusal=403, variant=True),
        Visitor("a form without proof", Scope.ADMIN, home, LOOPBACK, unmeant=True),
        Visitor("a page elsewhere", Scope.ADMIN, {**home, "origin": "https://evil.example"}, LOOPBACK, unmeant=True),
        Visitor(
            "json of a browser",
            Scope.ADMIN,
            {**home, **JSON, "origin": "http://localhost:9464"},
            LOOPBACK,
            unmeant=True,
            variant=True,
        ),
    ]
    assert [one for one in wrong(app, visitors) if not _of_a_tool(one)] == []


def _of_a_tool(one: tuple[str, str, str, int, int | None]) -> bool:
    """A program of this machine, which sends no form, needs no proof for the API: see test_gate.py."""
    name, method, path, _, _ = one
    return name == "a form without proof" and path.startswith("/api/") and method != "POST"


def test_a_proxy_is_believed_at_its_own_address_only(standing: tuple[Service, Store, Clock]) -> None:
    """Elsewhere its headers mean nothing; and nobody gets in whose groups may do nothing."""
    built, store, clock = standing
    proxy = {"from": [f"{PROXY}/32"], "read": ["*"], "act": ["dev"], "admin": ["platform"]}
    app = door(built, store, clock, {"proxy": proxy}).app
    who = {"x-forwarded-user": "ada@example.com"}
    visitors = [
        Visitor("stranger", None, {**who, "x-forwarded-groups": "platform"}),
        Visitor("stranger nearby", None, {**who, "x-forwarded-groups": "platform"}, LOOPBACK, variant=True),
        Visitor("nobody through the proxy", None, client=PROXY, variant=True),
        Visitor("empty name", None, {"x-forwarded-user": " "}, PROXY, variant=True),
        Visitor("somebody", Scope.READ, who, PROXY, unmeant=True),
        Visitor("a developer", Scope.ACT, {**who, "x-forwarded-groups": "x, dev"}, PROXY, unmeant=True),
        Visitor("platform", Scope.ADMIN, {**who, "x-forwarded-groups": "platform"}, f"::ffff:{PROXY}", unmeant=True),
    ]
    assert wrong(app, visitors) == []
    app = door(built, store, clock, {"proxy": {"from": [f"{PROXY}/32"], "admin": ["platform"]}}).app
    assert wrong(app, [Visitor("in no group", None, {**who, "x-forwarded-groups": "dev"}, PROXY, refusal=403)]) == []


def test_pages_send_who_is_not_signed_in_to_the_login_and_back(standing: tuple[Service, Store, Clock]) -> None:
    """Every page, with what was asked for; the API says 401 in its own form."""
    built, store, clock = standing
    front = door(built, store, clock, {"tokens": True})
    for route in routes_of(built.app):
        if route.method != "GET" or route.scope is None:
            continue
        answer = front.get(f"{route.address}?a=b")
        if route.path.startswith("/api/"):
            assert (answer.status, answer.headers["content-type"]) == (401, "application/problem+json")
            assert answer.headers["www-authenticate"] == "Bearer"
        else:
            wanted = "/login" if route.address == "/login" else f"/login?next={route.address}%3Fa%3Db"
            assert (answer.status, answer.location) == (303, wanted), route
