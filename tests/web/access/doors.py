"""The whole application as the service puts it together, asked in this process; and what lets in or does not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI
from starlette.datastructures import Headers

from auditor.credentials import Actor, ApiToken, Deed, Issued, Scope, WebSession, digest, issue
from auditor.daemon.serve import Ground, Service
from auditor.daemon.systemd import Notifier
from auditor.redact import Redactor
from auditor.registry import Registry
from auditor.scrub import Scrubber
from auditor.settings import AuthSettings, ServeSettings
from auditor.store import Store
from auditor.web.access.gate import Gate
from auditor.web.access.throttle import Throttle
from tests.daemon.served import company

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
KEY = b"k" * 32
FAR = "203.0.113.9"
ADMIN = Actor("ada", "cli")
CONFIG = """\
environments:
  staging: {sources: [{collector: files, path: staging}]}
  prod: {sources: [{collector: files, path: prod}]}
serve: {host: 0.0.0.0, auth: {tokens: true}}
"""


@dataclass
class Clock:
    """Stands still until a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass(frozen=True)
class Answer:
    """What came back. `body` is empty where the answer was a stream, of which only the head was awaited."""

    status: int
    headers: Headers
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def location(self) -> str:
        return self.headers.get("location", "")

    @property
    def cookies(self) -> dict[str, str]:
        """What a browser would keep, by name."""
        pairs = (line.partition(";")[0].partition("=") for line in self.headers.getlist("set-cookie"))
        return {name: value for name, _, value in pairs}


@contextlib.contextmanager
def service(folder: Path, config: str = CONFIG) -> Iterator[tuple[Service, Store, Clock]]:
    """Put together as by `audit serve`, but not started: nothing listens and nothing is audited."""
    clock = Clock()
    ground = Ground(
        file=company(folder, config) / "auditor.yaml",
        key=KEY,
        registry=Registry.load(),
        redactor=Redactor(KEY),
        scrubber=Scrubber({}),
        notifier=Notifier(None),
        environ={},
        clock=clock,
    )
    loaded = ground.load()
    with Store.open(loaded.config.store, clock=clock) as store:
        built = Service(ground, loaded, store)
        try:
            yield built, store, clock
        finally:
            built.stop()


async def sent(
    app: FastAPI,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    client: str = FAR,
) -> Answer:
    """One request from the address `client`. Of a stream only the head is awaited."""
    place, _, query = path.partition("?")
    lines = {"host": "parity.example.com", "content-length": str(len(body)), **(headers or {})}
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": place,
        "raw_path": place.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in lines.items()],
        "client": (client, 50000),
        "server": ("127.0.0.1", 9464),
    }
    begun, gone = asyncio.Event(), asyncio.Event()
    start: dict[str, Any] = {}
    parts: list[bytes] = []
    given = False

    async def receive() -> dict[str, Any]:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
            if (b"content-type", b"text/event-stream; charset=utf-8") in message["headers"]:
                begun.set()
        else:
            parts.append(message.get("body", b""))

    running = asyncio.ensure_future(app(scope, receive, send))
    waiting = asyncio.ensure_future(begun.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    gone.set()
    if not running.done():
        running.cancel()
        parts.clear()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return Answer(start["status"], Headers(raw=start["headers"]), b"".join(parts))


@dataclass
class Door:
    """The application behind one gate, asked from one address."""

    app: FastAPI
    store: Store
    clock: Clock
    gate: Gate
    client: str = FAR
    jar: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: bytes = b"", client: str = "", **headers: str) -> Answer:
        """As a program; header names with `_` for `-`."""
        lines = {name.replace("_", "-"): value for name, value in headers.items()}
        return asyncio.run(sent(self.app, method, path, lines, body, client or self.client))

    def get(self, path: str, **headers: str) -> Answer:
        """As a browser, which keeps cookies."""
        return self._browse("GET", path, b"", headers)

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        """A form, as a browser sends it."""
        kind = {"content_type": "application/x-www-form-urlencoded"}
        return self._browse("POST", path, urlencode(fields).encode(), {**kind, **headers})

    def csrf(self, path: str = "/login") -> str:
        """What the forms of a page bring."""
        return self.get(path).text.partition('name="csrf" value="')[2].partition('"')[0]

    def sign_in(self, text: str, onward: str = "/") -> Answer:
        return self.post("/login", {"csrf": self.csrf(), "token": text, "next": onward})

    def _browse(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        kept = {"cookie": "; ".join(f"{name}={value}" for name, value in self.jar.items())} if self.jar else {}
        answer = self.ask(method, path, body, accept="text/html", **{**kept, **headers})
        self.jar.update(answer.cookies)
        self.jar = {name: value for name, value in self.jar.items() if value}
        return answer


def door(
    built: Service, store: Store, clock: Clock, auth: Mapping[str, Any], url: str | None = None, most: int = 10
) -> Door:
    """The application with `serve.auth` and `serve.url` of a test's own."""
    settings = ServeSettings(auth=AuthSettings.model_validate(auth), url=url)  # type: ignore[arg-type]
    throttle = Throttle(most)
    gate = Gate(lambda: settings, store, KEY, clock, lambda: {"parity.example.com"}, throttle=throttle)
    built.app.state.access = gate
    return Door(built.app, store, clock, gate)


def token(
    store: Store, scope: Scope = Scope.READ, name: str = "ci", lasts: timedelta | None = timedelta(days=1)
) -> Issued:
    return issue(store, name, scope, lasts, NOW, ADMIN)


def session(store: Store, value: str, scope: Scope, of: ApiToken | None = None) -> WebSession:
    """A session whose cookie holds `value`."""
    begun = WebSession(digest(value), "ada", scope, "token", NOW, NOW + timedelta(hours=12), of.id if of else None)
    store.begin_session(begun, Deed(NOW, "ada", "token", "login"))
    return begun
