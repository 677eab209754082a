"""Recorded answers of real AWS APIs, and a loopback server that gives them again over HTTP in AWS's own protocols."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model

RECORDINGS = Path(__file__).resolve().parents[3].parent / "shared" / "aws-recordings"
# The credential scope of a signed request names services as botocore does; only load balancers of both generations are
# called the same, and told apart by the version of their API.
BALANCERS = "elasticloadbalancing"
CLASSIC_BALANCERS = b"Version=2012-06-01"


@dataclass(frozen=True)
class Recording:
    """One recorded answer: `data` as boto3 would return it, without ResponseMetadata."""

    operation: str
    name: str
    data: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.operation}/{self.name}"


def recordings(operation: str, folder: Path = RECORDINGS) -> list[Recording]:
    """Every recording of an operation (`rds.DescribeDBInstances`); none where the recordings are not at hand."""
    return [
        Recording(operation, path.name.removesuffix(".json"), _data(json.loads(path.read_text())))
        for path in sorted((folder / operation).glob("*.json"))
    ]


def _data(recorded: Mapping[str, Any]) -> dict[str, Any]:
    return {key: decoded(value) for key, value in recorded["data"].items() if key != "ResponseMetadata"}


def decoded(value: Any) -> Any:
    """The value with date objects (`{"__class__": "datetime", "year": ...}`) as aware UTC datetimes."""
    if isinstance(value, list):
        return [decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("__class__") == "datetime":
        parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        return datetime(*(value[part] for part in parts), tzinfo=UTC)
    return {key: decoded(item) for key, item in value.items()}


@dataclass(frozen=True)
class Refusal:
    """An error answer: AWS's code, and the HTTP status that it comes with."""

    code: str
    status: int = 400
    message: str = "not for you"


DENIED = Refusal("AccessDeniedException", 403)

CALLER = {"Account": "111122223333", "UserId": "U", "Arn": "arn:aws:iam::111122223333:user/auditor"}
Answer = Mapping[str, Any] | Refusal | Callable[[Mapping[str, Any]], Any]


@dataclass
class Stand:
    """A running stand-in. `answers` may be changed between two requests; `asked` holds (operation, parameters) so far."""

    endpoint_url: str
    answers: dict[str, Answer]
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def count(self, operation: str) -> int:
        return sum(1 for asked, _ in self.asked if asked == operation)


@contextmanager
def stand(answers: Mapping[str, Answer]) -> Iterator[Stand]:
    """A server on loopback that answers the operations in `answers` (`rds.DescribeDBInstances`).

    An answer is what boto3 should return, a `Refusal`, or a function of the request's parameters that gives either.
    Whatever is not in `answers` is refused as an unknown operation, but for who is asking.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    running = Stand(f"http://127.0.0.1:{server.server_port}", {"sts.GetCallerIdentity": CALLER, **answers})
    server.stand = running  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing: a test's output is its own."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        service = self._service(body)
        operation, parameters = self._operation(service, body)
        stand: Stand = self.server.stand  # type: ignore[attr-defined]
        name = f"{service}.{operation}"
        stand.asked.append((name, parameters))
        answer = stand.answers.get(name, Refusal("UnknownOperationException", 404))
        if callable(answer):
            answer = answer(parameters)
        if isinstance(answer, Refusal):
            self._send(answer.status, *_refused(service, answer))
            return
        model = get_service_model(service)
        serializer = get_serializer_class(service, _protocol(service))(model.operation_model(operation))
        reply = serializer.serialize(answer)
        self._send(reply["status_code"], str(reply["body"]), dict(reply["headers"]))

    do_GET = do_POST = do_PUT = _answer  # noqa: N815 - the names are the library's

    def _service(self, body: bytes) -> str:
        scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", self.headers.get("Authorization", ""))
        signed = scope[1] if scope else "sts"
        if signed == BALANCERS:
            return "elb" if CLASSIC_BALANCERS in body else "elbv2"
        return signed

    def _operation(self, service: str, body: bytes) -> tuple[str, Mapping[str, Any]]:
        target = self.headers.get("X-Amz-Target")
        if target:
            return target.rpartition(".")[2], json.loads(body or b"{}")
        if _protocol(service) in {"query", "ec2"}:
            form = dict(parse_qsl(body.decode(), keep_blank_values=True))
            return form["Action"], form
        return self._rest(service, body)

    def _rest(self, service: str, body: bytes) -> tuple[str, Mapping[str, Any]]:
        asked = urlsplit(self.path)
        query = dict(parse_qsl(asked.query, keep_blank_values=True))
        model = get_service_model(service)
        for name in model.operation_names:
            http = model.operation_model(name).http
            path = re.escape(http["requestUri"].partition("?")[0]).replace(r"\{", "{").replace(r"\}", "}")
            found = re.fullmatch(re.sub(r"\{(\w+)\\?\+?\}", r"(?P<\1>[^/]+)", path).rstrip("/") + "/?", asked.path)
            if found and http["method"] == self.command:
                return name, {key: unquote(value) for key, value in found.groupdict().items()} | query
        return f"{self.command} {asked.path}", query

    def _send(self, status: int, body: str, headers: Mapping[str, str]) -> None:
        data = body.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _protocol(service: str) -> str:
    return str(get_service_model(service).protocol)


def _refused(service: str, refusal: Refusal) -> tuple[str, dict[str, str]]:
    code, message = refusal.code, refusal.message
    if _protocol(service) in {"query", "ec2"}:
        error = f"<Error><Type>Sender</Type><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        return f"<ErrorResponse>{error}<RequestId>r-1</RequestId></ErrorResponse>", {"Content-Type": "text/xml"}
    return json.dumps({"__type": code, "message": message}), {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amzn-Errortype": code,
    }
