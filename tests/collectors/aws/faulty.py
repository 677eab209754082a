"""A loopback proxy that stands between the product and a stand-in of AWS, and spoils chosen answers: real HTTP, real
sockets, and everything that no fault asks for passes through untouched."""

from __future__ import annotations

import http.client
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    """What is asked for. `operation` is the API's name, or `GET /path` for services that speak REST."""

    service: str
    operation: str
    region: str
    access_key: str
    protocol: str


@dataclass(frozen=True)
class Reply:
    """An answer as it goes over the wire."""

    status: int
    body: bytes
    content_type: str = "text/xml"
    headers: tuple[tuple[str, str], ...] = ()


# Gives the spoiled answer; None means: never answer.
Spoil = Callable[[Request], Reply | None]


@dataclass
class Fault:
    """Spoils every request that fits the patterns, but for the first `after` of them (a later page, say)."""

    spoil: Spoil
    operation: str = "*"
    service: str = "*"
    region: str = "*"
    access_key: str = "*"
    after: int = 0
    met: int = 0

    def hits(self, request: Request) -> bool:
        pairs = (
            (request.operation, self.operation),
            (request.service, self.service),
            (request.region, self.region),
            (request.access_key, self.access_key),
        )
        if not all(fnmatchcase(value, pattern) for value, pattern in pairs):
            return False
        self.met += 1
        return self.met > self.after


def refuse(code: str, status: int = 400, message: str = "refused by the test") -> Spoil:
    """An error of AWS's in the protocol of the request."""

    def spoil(request: Request) -> Reply:
        if request.protocol in ("json", "rest-json"):
            body = json.dumps({"__type": code, "message": message}).encode()
            return Reply(status, body, "application/x-amz-json-1.1", (("x-amzn-errortype", code),))
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        text = (
            f"<Response><Errors>{error}</Errors><RequestID>r-1</RequestID></Response>"
            if request.protocol == "ec2"
            else f"<ErrorResponse>{error}<RequestId>r-1</RequestId></ErrorResponse>"
        )
        return Reply(status, text.encode())

    return spoil


def denied() -> Spoil:
    """Not allowed, in the words of the service."""
    ec2, other = refuse("UnauthorizedOperation", 403), refuse("AccessDenied", 403)
    json_ = refuse("AccessDeniedException", 400)
    return lambda request: (ec2 if request.protocol == "ec2" else json_ if "json" in request.protocol else other)(
        request
    )


def throttled() -> Spoil:
    """Too many requests, in the words of the service."""
    ec2, other = refuse("RequestLimitExceeded", 503), refuse("Throttling", 400)
    json_ = refuse("ThrottlingException", 400)
    return lambda request: (ec2 if request.protocol == "ec2" else json_ if "json" in request.protocol else other)(
        request
    )


def expired() -> Spoil:
    """Credentials that were good once."""
    ec2, other = refuse("RequestExpired", 400), refuse("ExpiredToken", 403)
    json_ = refuse("ExpiredTokenException", 400)
    return lambda request: (ec2 if request.protocol == "ec2" else json_ if "json" in request.protocol else other)(
        request
    )


def region_disabled() -> Spoil:
    """What a region answers that the account has not enabled."""
    ec2, other = refuse("AuthFailure", 401), refuse("InvalidClientTokenId", 403)
    json_ = refuse("UnrecognizedClientException", 400)
    return lambda request: (ec2 if request.protocol == "ec2" else json_ if "json" in request.protocol else other)(
        request
    )


def html(status: int = 500) -> Spoil:
    """A page for people, as a gateway or a load balancer in between writes them."""
    return lambda _: Reply(status, b"<!doctype html><html><body><h1>Sorry</h1><br></body></html>", "text/html")


def broken() -> Spoil:
    """An answer that is announced as a good one and breaks off in the middle."""

    def spoil(request: Request) -> Reply:
        if "json" in request.protocol:
            return Reply(200, b'{"Parameters": [{"Name": "/a', "application/x-amz-json-1.1")
        return Reply(200, b"<Response><Result><Things><member><Name>a</Na")

    return spoil


def empty() -> Spoil:
    """A good answer in which nothing is said at all."""
    return lambda request: Reply(200, b"{}" if "json" in request.protocol else b"<Response><Result/></Response>")


def hang() -> Spoil:
    """No answer ever."""
    return lambda _: None


def literal(body: str, status: int = 200) -> Spoil:
    """Just this answer."""
    return lambda _: Reply(status, body.encode())


@dataclass
class Proxy:
    """A running proxy. `faults` may be changed at any time, the first that fits wins; `asked` is what was asked so far."""

    endpoint_url: str
    upstream: str
    faults: list[Fault] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, operation: str) -> int:
        return sum(1 for request in self.asked if request.operation == operation)

    def fault_for(self, request: Request) -> Fault | None:
        with self.lock:
            self.asked.append(request)
            return next((fault for fault in self.faults if fault.hits(request)), None)


@contextmanager
def faulty(upstream: str, *faults: Fault) -> Iterator[Proxy]:
    """A proxy before `upstream` with these faults, on a free port of loopback."""
    server = QuietServer(("127.0.0.1", 0), _Handler)
    proxy = Proxy(f"http://127.0.0.1:{server.server_port}", upstream, list(faults))
    server.proxy = proxy  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class QuietServer(ThreadingHTTPServer):
    """Says nothing of clients that hang up in the middle: they were killed, or tired of waiting."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing: a test's output is its own."""

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        proxy: Proxy = self.server.proxy  # type: ignore[attr-defined]
        request = _understood(self, body)
        fault = proxy.fault_for(request)
        reply = fault.spoil(request) if fault is not None else _forward(self, body, proxy.upstream)
        if reply is None:
            proxy.closing.wait(60)
            self.close_connection = True
            return
        self._send(reply)

    do_GET = do_POST = do_PUT = do_HEAD = _handle  # noqa: N815 - the names are the library's

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)


def _understood(handler: BaseHTTPRequestHandler, body: bytes) -> Request:
    scope = re.search(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/", handler.headers.get("Authorization", ""))
    access_key, region, service = scope.groups() if scope else ("", "", "")
    target = handler.headers.get("X-Amz-Target", "")
    if target:
        return Request(service, target.rpartition(".")[2], region, access_key, "json")
    action = parse_qs(body.decode("utf-8", "replace")).get("Action")
    if action:
        return Request(service, action[0], region, access_key, "ec2" if service == "ec2" else "query")
    operation = f"{handler.command} {urlsplit(handler.path).path}"
    return Request(service, operation, region, access_key, "rest-json")


def _forward(handler: BaseHTTPRequestHandler, body: bytes, upstream: str) -> Reply:
    address = urlsplit(upstream)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    headers = {name: value for name, value in handler.headers.items() if name.lower() not in ("host", "connection")}
    try:
        connection.request(handler.command, handler.path, body, headers | {"Host": address.netloc})
        answer = connection.getresponse()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower().startswith("x-amz")]
        return Reply(answer.status, answer.read(), answer.headers.get("Content-Type", "text/xml"), tuple(kept))
    finally:
        connection.close()
