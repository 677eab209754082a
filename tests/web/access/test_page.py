"""/access: tokens made, shown once and taken back, sessions ended, the trail; and `note`, by which others add to it."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Annotated

import pytest
from fastapi import Depends, Request

from auditor.credentials import Deed, Scope, WebSession, digest, id_of
from auditor.daemon.serve import Service
from auditor.store import Store
from auditor.web.access import Identity, need
from auditor.web.access.trail import note
from tests.web.access.doors import CONFIG, FAR, NOW, Clock, Door, door, service, session, token

Standing = tuple[Service, Store, Clock]
HOSTILE = '<img src=x onerror=alert(1)>"'


@pytest.fixture
def admin(standing: Standing) -> Door:
    """Somebody who signed in with a token that may do everything."""
    front = door(*standing, {"tokens": True})
    assert front.sign_in(token(front.store, Scope.ADMIN, "root").text).status == 303
    return front


def test_a_token_is_made_shown_once_used_and_taken_back(admin: Door) -> None:
    """By whoever may; it is in no page after that, and what it opened ends with it."""
    csrf = admin.csrf("/access")
    made = admin.post("/access/tokens", {"csrf": csrf, "name": "pipeline", "scope": "act", "lasts": "30d"})
    assert made.status == 201
    assert made.headers["cache-control"] == "no-store"
    text = re.findall(r'<code id="issued">(pa_[0-9a-f_]+)</code>', made.text)[0]
    found = admin.store.token(str(id_of(text)))
    assert found is not None
    assert (found[0].scope, found[0].created_by, found[0].expires_at) == (
        Scope.ACT,
        "token:root",
        NOW + timedelta(days=30),
    )
    again = admin.get("/access").text
    assert "pipeline" in again
    assert text not in again
    program = door_of(admin)
    assert program.ask("GET", "/access", authorization=f"Bearer {text}").status == 403
    address = f"/access/tokens/{found[0].id}/revoke"
    assert f'action="{address}"' in again
    assert admin.post(address, {"csrf": "x"}).status == 403
    assert admin.post(address, {"csrf": csrf}).location == "/access"
    assert program.ask("GET", "/access", authorization=f"Bearer {text}").status == 401
    assert f'action="{address}"' not in admin.get("/access").text
    deeds = [(deed.actor, deed.via, deed.action, deed.address) for deed in admin.store.trail(limit=2)]
    assert deeds == [("token:root", "session", f"token.{what}", FAR) for what in ("revoke", "create")]
    assert admin.post("/access/tokens/nosuch/revoke", {"csrf": csrf}).status == 404


def door_of(front: Door) -> Door:
    """Another client of the same application."""
    return Door(front.app, front.store, front.clock, front.gate)


@pytest.mark.parametrize("name, lasts, said", [(HOSTILE, "30d", "a token's name has"), ("ci", "soon", "say how long")])
def test_what_cannot_be_made_is_said_beside_the_form(admin: Door, name: str, lasts: str, said: str) -> None:
    """With what was typed, as text."""
    answer = admin.post(
        "/access/tokens", {"csrf": admin.csrf("/access"), "name": name, "scope": "read", "lasts": lasts}
    )
    assert answer.status == 422
    assert said in unescape(answer.text).lower()
    assert "<img" not in answer.text


def test_somebodys_session_is_ended_by_who_may(admin: Door) -> None:
    """At once, with a line in the trail; names come from a provider and are text."""
    value = "7" * 64
    admin.store.begin_session(
        WebSession(digest(value), HOSTILE, Scope.ADMIN, "oidc", NOW, NOW + timedelta(hours=1)),
        Deed(NOW, HOSTILE, "oidc", "login", HOSTILE, detail=HOSTILE),
    )
    page = admin.get("/access")
    assert page.status == 200
    assert "<img" not in page.text
    assert "(you)" in page.text
    assert admin.post(f"/access/sessions/{digest(value)}/end", {"csrf": admin.csrf("/access")}).location == "/access"
    assert admin.store.session(digest(value), NOW) is None
    assert (admin.store.trail(limit=1)[0].action, admin.store.trail(limit=1)[0].subject) == ("session.end", HOSTILE)
    gone = admin.post(f"/access/sessions/{digest(value)}/end", {"csrf": admin.csrf("/access")})
    assert gone.status == 404


def test_the_trail_goes_back_page_by_page(admin: Door) -> None:
    """A hundred lines each, without tokens and sessions on the older ones; a number that is none is refused."""
    for number in range(150):
        admin.store.add_deed(Deed(NOW, f"actor-{number}-", "local", "waive"))
    first = admin.get("/access").text
    older = re.findall(r'href="(/access\?before=\d+)"', first)[0]
    second = admin.get(older).text
    assert ("actor-149-" in first, "actor-49-" in first) == (True, False)
    assert ("actor-149-" in second, "actor-49-" in second, 'action="/access/tokens"' in second) == (False, True, False)
    assert admin.get("/access?before=99999999999999999999").status == 422


def test_what_is_done_elsewhere_is_noted_with_who_did_it(admin: Door) -> None:
    """`note` takes actor, way and address from the request, whoever it was let in as."""

    @admin.app.post("/noted")
    def noted(request: Request, identity: Annotated[Identity, Depends(need(Scope.ACT))]) -> None:
        note(request, "waive", "f1", detail="until Monday")

    text = token(admin.store, Scope.ACT, "ci").text
    session(admin.store, "8" * 64, Scope.READ)
    assert admin.ask("POST", "/noted", authorization=f"Bearer {text}").status == 200
    assert admin.ask("POST", "/noted", cookie=f"parity_session={'8' * 64}").status == 403
    deed = admin.store.trail(limit=1)[0]
    assert (deed.actor, deed.via, deed.action, deed.subject, deed.outcome) == (
        "token:ci",
        "token",
        "waive",
        "f1",
        "done",
    )
    assert (deed.address, deed.detail, deed.at) == (FAR, "until Monday", NOW)


def test_where_nobody_is_asked_the_page_says_so(tmp_path: Path) -> None:
    """On one's own machine there is nothing to sign in at, and tokens let nobody in yet."""
    with service(tmp_path, CONFIG.partition("serve:")[0]) as (built, store, clock):
        gate = built.app.state.access
        front = Door(built.app, store, clock, gate, "127.0.0.1")
        page = front.get("/access", host="localhost")
        assert "Nobody signs in" in page.text
        assert "let nobody in at present" in page.text
        assert front.get("/login?next=/access", host="localhost").location == "/access"


def test_who_is_signed_in_elsewhere_is_sent_there(standing: Standing) -> None:
    """Behind a proxy that signs people in there is no form, and no way round it."""
    proxied = door(*standing, {"proxy": {"from": ["10.0.0.1/32"], "read": ["*"]}})
    assert "signed in by the proxy" in proxied.get("/login").text
    assert proxied.get("/access").status == 401
    assert "proxy that signs people in" in proxied.get("/access").text
