"""Who is let in, beside the table: programs of this machine, forms, failures that are too many, proxies, metrics."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import Request
from structlog.testing import capture_logs

from auditor.config import load_config
from auditor.credentials import Scope, revoke
from auditor.daemon.serve import Service, _say_readable
from auditor.errors import StoreError
from auditor.registry import Registry
from auditor.store import Store
from auditor.web.access.origins import login_path, own_origin
from auditor.web.access.throttle import MOST_A_MINUTE, Throttle
from auditor.web.queries.pulses import Pulses
from auditor.web.views.live import changes
from tests.daemon.served import company
from tests.web.access.doors import ADMIN, CONFIG, NOW, Clock, Door, door, service, session, token

Standing = tuple[Service, Store, Clock]
HERE = "127.0.0.1"
HOST = "localhost:9464"
JSON = "application/json"
PAIR = b'{"left": "staging", "right": "prod"}'


def local(standing: Standing) -> Door:
    front = door(*standing, {})
    front.client = HERE
    return front


def test_a_program_of_this_machine_may_use_the_api_as_it_is(standing: Standing) -> None:
    """JSON without cookie or origin is no browser's; whatever looks like one brings proof, and a form always does."""
    front = local(standing)
    where = "/api/v1/audits"
    assert front.ask("POST", where, b"{}", host=HOST, content_type=JSON).status == 422
    for browser in ({"origin": f"http://{HOST}"}, {"sec_fetch_site": "same-origin"}, {"cookie": "a=b"}):
        assert front.ask("POST", where, b"{}", host=HOST, content_type=JSON, **browser).status == 403
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert front.ask("POST", where, PAIR, host=HOST, content_type=kind).status == 403
    assert front.ask("POST", "/access/tokens", b"{}", host=HOST, content_type=JSON).status == 403


def test_what_any_proxy_passed_on_is_not_this_machines(standing: Standing) -> None:
    """Proxies say in many ways that they are there; not all of them name the client."""
    front = local(standing)
    assert front.ask("GET", "/access", host=HOST).status == 200
    for name in ("x_forwarded_proto", "x_forwarded_host", "x_forwarded_user", "x_envoy_external_address", "via"):
        assert front.ask("GET", "/access", host=HOST, **{name: "x"}).status == 403, name
    # Neither a name nor an address within a name is an address of this machine.
    odd = ("evil.example#localhost", "evil.example@localhost", "localhost/api/v1/?", "localhost:9464, evil.example")
    for host in ("127.0.0.1.evil.example", "localhost.evil.example", "[::1", "2130706433", *odd):
        assert front.ask("GET", "/access", host=host).status == 421, host


def test_whoever_is_unknown_is_not_told_what_is_wrong_with_the_store(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names hosts, files and users; the log has it, and whoever may read is told."""

    def broken(*_: object) -> None:
        raise StoreError("store: postgresql://canary@db.internal/parity: connection refused")

    front = door(*standing, {"tokens": True})
    monkeypatch.setattr(front.store, "session", broken)
    with capture_logs() as logged:
        answer = front.ask("GET", "/api/v1/whoami", cookie=f"parity_session={'a' * 64}")
    assert (answer.status, "canary" in answer.text) == (503, False)
    assert any("canary" in str(line.get("error")) for line in logged)
    monkeypatch.setattr(front.store, "tokens", broken)
    text = token(front.store, Scope.ADMIN).text
    answer = front.ask("GET", "/api/v1/tokens", authorization=f"Bearer {text}")
    assert (answer.status, "canary" in answer.text) == (503, True)


def test_a_page_of_this_machine_proves_that_its_forms_are_its_own(standing: Standing) -> None:
    """The browser is given a cookie with the first page; the form's field and the header are worth the same."""
    front = local(standing)
    page = front.get("/access", host=HOST)
    assert page.status == 200
    (line,) = page.headers.getlist("set-cookie")
    assert line.startswith("parity_browser=")
    assert "HttpOnly" in line
    assert front.get("/access", host=HOST).headers.getlist("set-cookie") == []
    csrf = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    fields = {"name": "ada", "scope": "read", "lasts": "7d"}
    assert front.post("/access/tokens", fields, host=HOST).status == 403
    assert front.post("/access/tokens", {**fields, "csrf": csrf[:-1]}, host=HOST).status == 403
    assert front.post("/access/tokens", {**fields, "csrf": csrf}, host=HOST).status == 201
    assert front.post("/access/tokens", fields, host=HOST, x_csrf_token=csrf).status == 201
    assert front.post("/access/tokens", {**fields, "csrf": csrf}, host=HOST, origin=f"http://{HOST}").status == 201
    another = local(standing)
    another.get("/access", host=HOST)
    assert another.post("/access/tokens", {**fields, "csrf": csrf}, host=HOST).status == 403
    # A program asks for no page, so it is given no cookie.
    assert front.ask("GET", "/access", host=HOST).headers.getlist("set-cookie") == []


def test_copies_that_share_a_key_accept_each_others_forms_and_others_do_not(standing: Standing) -> None:
    """What forms bring is made from the key of the installation, and nothing else."""
    from auditor.settings import ServeSettings
    from auditor.web.access.gate import Gate
    from auditor.web.access.identity import Identity

    front = local(standing)
    identity = Identity("ada", Scope.ADMIN, "local", "0" * 64)
    same = Gate(ServeSettings, front.store, b"k" * 32, front.clock, frozenset)
    other = Gate(ServeSettings, front.store, b"x" * 32, front.clock, frozenset)
    assert same.csrf(identity) == front.gate.csrf(identity) != other.csrf(identity)
    assert front.gate.csrf(Identity("bob", Scope.ADMIN, "local", "0" * 64)) != front.gate.csrf(identity)
    assert front.gate.csrf(Identity("ci", Scope.ADMIN, "token")) == ""


def test_failures_are_slowed_down_and_nobody_else_is(standing: Standing) -> None:
    """The eleventh failure in a minute is told to wait; a valid token from the same address works all the same."""
    front = door(*standing, {"tokens": True})
    good = token(front.store).text
    bad = {"authorization": f"Bearer pa_{'0' * 12}_{'0' * 64}"}
    lines = len(front.store.trail(limit=1000))
    for _ in range(3):
        for _ in range(MOST_A_MINUTE):
            assert front.ask("GET", "/access", authorization=f"Bearer {good}").status == 403
    assert [front.ask("GET", "/access", **bad).status for _ in range(MOST_A_MINUTE)] == [401] * MOST_A_MINUTE
    refused = front.ask("GET", "/access", accept=JSON, **bad)
    assert refused.status == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert front.ask("GET", "/access", authorization=f"Bearer {good}").status == 403
    assert front.ask("GET", "/access", client="203.0.113.10", **bad).status == 401
    assert front.sign_in("pa_wrong").status == 429
    assert front.sign_in(good).status == 303
    # Programs with an old token do not fill the trail, nor do attempts that are slowed down.
    new = front.store.trail(limit=1000)
    assert [(deed.action, deed.outcome) for deed in new[: len(new) - lines]] == [("login", "done")]


def test_the_trail_takes_few_refusals_a_minute_from_all_the_world(standing: Standing) -> None:
    """Nobody can remove its lines, and whoever has no credential could else write without an end. The log has them all."""
    front = door(*standing, {"tokens": True})
    before = len(front.store.trail(limit=1000))
    fields = {"csrf": front.csrf(), "token": "x"}
    with capture_logs() as logged:
        for number in range(70):
            front.client = f"203.0.113.{number}"
            assert front.post("/login", fields).status == 401
    assert len(front.store.trail(limit=1000)) - before == 60
    assert sum("failed" in str(line["event"]) for line in logged) == 70


def test_whoever_is_shut_out_hears_nothing_more(standing: Standing) -> None:
    """A stream ends with the session, the token or the expiry of what it began with."""
    front = door(*standing, {"tokens": True})
    ground, issued = front.app.state.backend, token(front.store)
    session(front.store, "e" * 64, Scope.READ)
    for name, ends in (
        ("authorization", lambda: revoke(front.store, issued.token, NOW, ADMIN)),
        ("cookie", lambda: front.clock.later(hours=13)),
    ):
        value = {"authorization": f"Bearer {issued.text}", "cookie": f"parity_session={'e' * 64}"}[name]
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/events",
            "query_string": b"",
            "headers": [(name.encode(), value.encode())],
            "client": ("203.0.113.9", 1),
            "app": front.app,
        }

        async def heard(scope: dict[str, object], ends: Callable[[], object]) -> list[str]:
            stream = changes(Request(scope, asyncio.Event().wait), ground, Pulses(), 0.0)  # type: ignore[arg-type]
            said = [await anext(stream), await anext(stream)]
            ends()
            async with asyncio.timeout(10):
                return said + [one async for one in stream]

        assert [one.partition(":")[0] for one in asyncio.run(heard(scope, ends))] == ["retry", "event"], name


def test_hits_are_counted_for_one_at_a_time(standing: Standing) -> None:
    """Whoever may only read could else fill memory and threads; others are told to ask again, and may later."""
    front = local(standing)
    before, held, go = front.app.state.backend, threading.Event(), threading.Event()
    calls: list[int] = []

    def loaded() -> object:
        calls.append(1)
        # The first call is for the configuration; the second is made where hits are counted.
        if len(calls) == 2:
            held.set()
            assert go.wait(10)
        return before.loaded()

    front.app.state.backend = replace(before, loaded=loaded)
    answers: list[int] = []

    def lint() -> int:
        return front.ask("GET", "/api/v1/lint?hits=true&policy=default", host=HOST).status

    try:
        first = threading.Thread(target=lambda: answers.append(lint()))
        first.start()
        assert held.wait(10)
        assert lint() == 503
        assert front.ask("GET", "/api/v1/lint?policy=default", host=HOST).status == 200
        go.set()
        first.join(20)
        assert (answers, lint()) == ([200], 200)
    finally:
        go.set()
        front.app.state.backend = before


def test_one_home_counts_as_one_address_and_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A /64 of IPv6 is one home. With too many addresses the new ones count as one, until old ones are forgotten."""
    throttle = Throttle(2)
    assert [throttle.failed(f"2001:db8::{number}") is None for number in range(3)] == [True, True, False]
    assert throttle.failed("2001:db8:0:1::1") is None
    assert throttle.failed("::ffff:192.0.2.1") is None
    monkeypatch.setattr("auditor.web.access.throttle._MOST_ADDRESSES", 4)
    assert [throttle.failed(f"192.0.2.{number}") is None for number in range(10, 14)] == [True, True, True, False]
    assert len(throttle._storage.events) == 5


def test_who_is_used_and_when_is_remembered_now_and_then(standing: Standing) -> None:
    """Within an hour nothing is written; after it, the time."""
    front = door(*standing, {"tokens": True})
    issued = token(front.store)
    bearer = {"authorization": f"Bearer {issued.text}"}

    def used() -> object:
        found = front.store.token(issued.token.id)
        assert found is not None
        return found[0].used_at

    assert used() is None
    front.ask("GET", "/access", **bearer)
    assert used() == NOW
    front.clock.later(minutes=59)
    front.ask("GET", "/access", **bearer)
    assert used() == NOW
    front.clock.later(minutes=1)
    front.ask("GET", "/access", **bearer)
    assert used() == NOW + timedelta(hours=1)
    # A store that takes nothing any more can still be looked at.
    file = str(standing[0].reloader.loaded.config.store).removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as lite:
        lite.execute("CREATE TRIGGER full BEFORE UPDATE ON api_tokens BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        front.clock.later(hours=2)
        assert front.ask("GET", "/access", **bearer).status == 403
        lite.execute("DROP TRIGGER full")
    assert used() == NOW + timedelta(hours=1)


def test_the_service_asks_its_settings_at_every_request(tmp_path: Path) -> None:
    """A reload closes the metrics, opens another way in, and tells browsers to insist on https, at once."""
    with service(tmp_path) as (built, store, clock):
        gate = built.app.state.access
        front = Door(built.app, store, clock, gate)
        text = token(store).text
        bearer = {"authorization": f"Bearer {text}"}
        assert front.ask("GET", "/metrics").status == 200
        assert front.ask("GET", "/access", **bearer).status == 403
        file = tmp_path / "auditor.yaml"
        auth = "{tokens: true, metrics: read}"
        file.write_text(CONFIG.replace("{tokens: true}", f"{auth}, url: https://parity.example.com"))
        built.reload()
        assert front.ask("GET", "/metrics").status == 401
        answer = front.ask("GET", "/metrics", **bearer)
        assert answer.status == 200
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert front.get("/login").cookies.keys() == {"__Host-parity_browser"}
        file.write_text(CONFIG.replace("{tokens: true}", "{proxy: {from: [10.0.0.1/32], read: ['*']}}"))
        built.reload()
        assert front.ask("GET", "/access", **bearer).status == 401
        assert front.ask("GET", "/access", client="10.0.0.1", x_forwarded_user="ada").status == 403
        file.write_text(CONFIG.replace(", auth: {tokens: true}", ""))
        built.reload()
        # Wrong, since anybody would get in: what was right before stays in force.
        assert front.ask("GET", "/access").status == 401


@pytest.mark.parametrize(
    "serve, warned",
    [
        ("{host: 0.0.0.0, auth: {tokens: true}}", True),
        ("{host: 0.0.0.0, url: 'http://parity.example.com', auth: {tokens: true}}", True),
        ("{host: 0.0.0.0, url: 'https://parity.example.com', auth: {tokens: true}}", False),
        ("{host: 0.0.0.0, url: 'http://127.0.0.1:9464', auth: {tokens: true}}", False),
        ("{host: 127.0.0.1}", False),
    ],
)
def test_what_lets_in_and_can_be_read_on_the_way_is_warned_of(tmp_path: Path, serve: str, warned: bool) -> None:
    """Others than this machine, and no TLS in front, as far as the configuration says."""
    file = company(tmp_path, CONFIG.partition("serve:")[0] + f"serve: {serve}\n") / "auditor.yaml"
    with capture_logs() as said:
        _say_readable(load_config(file, registry=Registry.load(), environ={}))
    assert [line["log_level"] for line in said] == ["warning"] * warned


def test_a_page_behind_a_proxy_proves_that_its_forms_are_its_own(standing: Standing) -> None:
    """The proxy knows who it is, the cookie which browser: a form needs both."""
    proxy = {"from": ["10.20.0.0/16"], "admin": ["platform"]}
    front = door(*standing, {"proxy": proxy}, url="https://parity.example.com")
    front.client = "10.20.0.7"
    who = {"x_forwarded_user": "ada", "x_forwarded_groups": "platform"}
    csrf = front.get("/access", **who).text.partition('name="csrf" value="')[2].partition('"')[0]
    fields = {"csrf": csrf, "name": "ci", "scope": "read", "lasts": "7d"}
    own = {**who, "origin": "https://parity.example.com", "host": "10.1.1.1:9464"}
    assert front.post("/access/tokens", fields, **own).status == 201
    assert front.post("/access/tokens", fields, **{**own, "x_forwarded_user": "bob"}).status == 403
    assert front.post("/access/tokens", fields, **{**own, "origin": "https://evil.example"}).status == 403
    front.jar.clear()
    assert front.post("/access/tokens", fields, **own).status == 403
    # Only on the service's own machine is a program known by what it does not send.
    assert front.ask("POST", "/api/v1/audits", b"{}", **who, content_type=JSON).status == 403


def test_being_local_is_enough_beside_a_login_only_where_that_is_wanted(standing: Standing) -> None:
    """`local: true`: this machine as before, others with a token. A token that reads only reads only, here too."""
    near = {"host": HOST, "client": HERE}
    assert door(*standing, {"tokens": True}).ask("GET", "/access", **near).status == 401
    front = door(*standing, {"tokens": True, "local": True})
    assert front.ask("GET", "/access", **near).status == 200
    assert front.ask("GET", "/access").status == 401
    assert front.ask("GET", "/access", client=HERE, host="evil.example").status == 401
    assert front.ask("GET", "/access", **near, x_forwarded_for="10.0.0.1").status == 401
    text = token(front.store).text
    assert front.ask("GET", "/access", **near, authorization=f"Bearer {text}").status == 403
    assert front.ask("GET", "/access", **near, authorization="Bearer x").status == 401


def test_a_header_that_stands_twice_names_nobody(standing: Standing) -> None:
    """One of them was sent by whoever asks."""
    from tests.web.access.doors import sent

    front = door(*standing, {"proxy": {"from": ["10.20.0.0/16"], "user_header": "X-User", "read": ["*"]}})
    app, asked = front.app, {"host": "a", "x-user": "ada"}
    assert asyncio.run(sent(app, "GET", "/access", asked, client="10.20.0.7")).status == 403
    twice = {**asked, "X-User": "root"}
    assert asyncio.run(sent(app, "GET", "/access", twice, client="10.20.0.7")).status == 401
    assert front.get("/access", x_user="ada").status == 401


@pytest.mark.parametrize(
    "headers, url, own",
    [
        ({}, "", True),
        ({"origin": "http://a.example:80"}, "", True),
        ({"origin": "http://A.example"}, "", True),
        ({"origin": "https://a.example", "host": "a.example"}, "", True),
        ({"origin": "https://b.example"}, "", False),
        ({"origin": "https://b.example"}, "https://b.example/", True),
        ({"origin": "http://b.example"}, "https://b.example", False),
        ({"origin": "https://b.example:8443"}, "https://b.example", False),
        ({"origin": "null"}, "", False),
        ({"origin": ""}, "", False),
        ({"origin": "https://[::1"}, "", False),
        ({"origin": "http://a.example", "sec-fetch-site": "same-site"}, "", False),
        ({"sec-fetch-site": "none"}, "", True),
    ],
)
def test_a_request_is_the_services_own_only_by_name_and_port(headers: dict[str, str], url: str, own: bool) -> None:
    """The name that it was sent to, or the one that people use; a port that goes without saying is the same."""
    lines = {"host": "a.example", **headers}
    scope = {"type": "http", "headers": [(name.encode(), value.encode()) for name, value in lines.items()]}
    assert own_origin(Request(scope), url) is own


@pytest.mark.parametrize(
    "method, path, referer, back",
    [
        ("GET", "/findings", "", "/login?next=/findings"),
        ("GET", "/", "http://a.example/findings", "/login"),
        ("GET", "//evil.example", "", "/login"),
        ("POST", "/findings/f1/waive", "http://a.example/findings/f1?x=y", "/login?next=/findings/f1%3Fx%3Dy"),
        ("POST", "/findings/f1/waive", "http://evil.example/findings/f1", "/login"),
        ("POST", "/findings/f1/waive", "http://a.example//evil.example", "/login"),
        ("POST", "/findings/f1/waive", "http://[::1", "/login"),
        ("POST", "/findings/f1/waive", "", "/login"),
    ],
)
def test_the_login_goes_on_to_a_page_and_never_to_a_form(method: str, path: str, referer: str, back: str) -> None:
    """What was asked for; for what was sent, the page that it was sent from, if that is one of ours."""
    lines = [(b"host", b"a.example"), (b"referer", referer.encode())]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": lines, "server": ("a", 80)}
    assert login_path(Request(scope)) == back
