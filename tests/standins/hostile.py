"""A web server on loopback that answers well, or in every way in which a far side can fail: for any collector over HTTP.

`with hostile(routes) as server:` serves `routes`, path (with query where one is given) -> JSON or `Answer`. Set
`server.fault` to one of FAULTS and every path answers like that; or `server.faults[path]` for one path only.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from auditor.model import GapReason

CANARY = "CaNaRy"
"""Stands in every bad answer: it must never be seen in a gap, a log or a report."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it goes over the wire."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


Routes = Mapping[str, Any] | Callable[[str], Any]

FAULTS: Mapping[str, GapReason] = {
    "401": GapReason.ACCESS_DENIED,
    "403": GapReason.ACCESS_DENIED,
    "404": GapReason.UNSUPPORTED,
    "429": GapReason.THROTTLED,
    "500": GapReason.UNREACHABLE,
    "half": GapReason.UNREACHABLE,  # a content-length that is never reached
    "broken": GapReason.MALFORMED,  # JSON that ends in the middle
    "page": GapReason.MALFORMED,  # a login page with status 200
    "endless": GapReason.TRUNCATED,  # more than anybody wants to read
    "elsewhere": GapReason.UNSUPPORTED,  # a redirect to another host
    "silent": GapReason.TIMEOUT,  # accepts, and says nothing
    "closed": GapReason.UNREACHABLE,  # hangs up without a word
}
"""How a far side fails -> the reason of the gap that it should leave."""


class Hostile:
    """The running server. `asked` is every request: path with query, and its headers by lower-case name."""

    def __init__(self, routes: Routes) -> None:
        self.routes = routes
        self.fault: str | None = None
        self.faults: dict[str, str] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.sent = 0
        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.owner = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, without a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def answer(self, path: str) -> Answer:
        """What stands at `path`: with its query, else without; 404 where nothing does."""
        if callable(self.routes):
            found = self.routes(path)
        else:
            found = self.routes.get(path, self.routes.get(path.partition("?")[0]))
        if found is None:
            return Answer(json.dumps({"message": f"nothing here {CANARY}"}).encode(), 404)
        return found if isinstance(found, Answer) else Answer(json.dumps(found).encode())


@contextlib.contextmanager
def hostile(routes: Routes) -> Iterator[Hostile]:
    """A server on a free port of loopback, stopped at the end."""
    server = Hostile(routes)
    server.start()
    try:
        yield server
    finally:
        server.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Silent."""

    def do_GET(self) -> None:
        owner: Hostile = self.server.owner  # type: ignore[attr-defined]
        owner.asked.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
        fault = owner.faults.get(self.path, owner.faults.get(self.path.partition("?")[0], owner.fault))
        with contextlib.suppress(ConnectionError):
            if fault is None:
                self._send(owner.answer(self.path))
            else:
                self._fail(owner, fault)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _fail(self, owner: Hostile, fault: str) -> None:
        if fault.isdigit():
            self._send(Answer(json.dumps({"message": CANARY}).encode(), int(fault)))
        elif fault == "broken":
            self._send(Answer(f'{{"items": [{{"name": "{CANARY}'.encode()))
        elif fault == "page":
            self._send(Answer(f"<html>{CANARY}</html>".encode(), headers={"content-type": "text/html"}))
        elif fault == "elsewhere":
            self._send(Answer(b"", 302, {"location": f"http://localhost.invalid/?token={CANARY}"}))
        else:
            self.close_connection = True
            getattr(self, f"_{fault}")(owner)

    def _half(self, owner: Hostile) -> None:
        self._head(1000)
        self.wfile.write(b'{"items": [')

    def _endless(self, owner: Hostile) -> None:
        """Ten gigabytes, as long as somebody reads."""
        self._head(10_000_000_000)
        block = b" " * 65_536
        while not owner.released.is_set() and owner.sent < 10_000_000_000:
            self.wfile.write(block)
            owner.sent += len(block)

    def _silent(self, owner: Hostile) -> None:
        owner.released.wait(60)

    def _closed(self, owner: Hostile) -> None:
        """Nothing is said."""

    def _head(self, length: int) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(length))
        self.end_headers()
