"""What every answer says to browsers, and how much of a request is read."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from structlog.testing import capture_logs

from auditor.web.app import State, create_app
from auditor.web.security import MOST_BYTES


def application(https: bool = False) -> FastAPI:
    app = create_app(State(dict, dict, lambda _: ("text/plain", b"")), https=lambda: https)

    @app.get("/fails")
    def fails() -> None:
        raise RuntimeError("canary")

    @app.get("/own")
    def own() -> Response:
        return Response(b"", headers={"cache-control": "public", "content-security-policy": "default-src 'none'"})

    @app.post("/reads")
    async def reads(request: Request) -> int:
        return len(await request.body())

    return app


def asked(app: FastAPI, method: str, path: str, **options: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://a.example") as client:
            return await client.request(method, path, **options)

    return asyncio.run(ask())


@pytest.mark.parametrize("path, status", [("/healthz", 200), ("/nowhere", 404), ("/fails", 500), ("/reads", 405)])
def test_every_answer_forbids_what_is_not_the_pages_own(path: str, status: int) -> None:
    """Answers, refusals and defects alike: no script, style, frame or form of others, nothing sniffed, nothing kept."""
    with capture_logs():
        answer = asked(application(), "GET", path)
    assert answer.status_code == status
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "font-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    told = {name: answer.headers[name] for name in ("x-content-type-options", "referrer-policy", "x-frame-options")}
    assert told == {"x-content-type-options": "nosniff", "referrer-policy": "same-origin", "x-frame-options": "DENY"}
    assert (
        answer.headers["cross-origin-opener-policy"] == answer.headers["cross-origin-resource-policy"] == "same-origin"
    )
    assert "camera=()" in answer.headers["permissions-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in answer.headers
    assert "server" not in answer.headers
    assert "canary" not in answer.text


def test_a_route_may_say_something_else_of_its_own_answer() -> None:
    """Once, and not beside what would be said otherwise; https is only insisted on where people use it."""
    answer = asked(application(https=True), "GET", "/own")
    assert answer.headers.get_list("cache-control") == ["public"]
    assert answer.headers.get_list("content-security-policy") == ["default-src 'none'"]
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_no_more_of_a_request_is_read_than_anybody_sends() -> None:
    """Whatever its head announced; the rest stays unread."""
    app = application()
    assert asked(app, "POST", "/reads", content=b"x" * MOST_BYTES).json() == MOST_BYTES

    async def endless() -> Any:
        while True:
            yield b"x" * 1_000_000

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://a.example") as client:
            return await client.post("/reads", content=endless())

    answer = asyncio.run(ask())
    assert answer.status_code == 413
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_more_is_read_of_clicks_than_of_forms() -> None:
    """Forms are taken apart before it is known who sends them: that may not take long."""
    app = application()

    @app.post("/slack/interactions")
    async def clicks(request: Request) -> int:
        return len(await request.body())

    much = b"&" * (MOST_BYTES + 1)
    assert asked(app, "POST", "/slack/interactions", content=much).json() == len(much)
    assert asked(app, "POST", "/reads", content=much).status_code == 413
    assert MOST_BYTES <= 500_000


def test_nobody_is_sent_to_where_the_request_says_that_it_came_to() -> None:
    """A slash too many is answered like any other unknown path, and leads nowhere."""
    answer = asked(application(), "GET", "/healthz/", headers={"host": "evil.example"})
    assert (answer.status_code, answer.headers.get("location")) == (404, None)
