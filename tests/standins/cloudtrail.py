"""A stand-in of CloudTrail's LookupEvents on loopback: AWS's JSON protocol, its pages, its errors, its own limits."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.collectors.aws.faulty import QuietServer, Reply

ACCOUNT = "111122223333"


@dataclass(frozen=True)
class Asked:
    """One request, as it came."""

    region: str
    key: str
    value: str
    start: datetime
    end: datetime
    page: int


@dataclass
class Trail:
    """A running stand-in. `events` holds what happened by region; `replies` are given first, by region, one a request."""

    endpoint_url: str
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    page_size: int = 50
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, region: str, record: dict[str, Any], *names: str) -> None:
        """A record, and the names of the resources that CloudTrail would list for it."""
        record = {**record, "awsRegion": region}
        self.events.setdefault(region, []).append({"record": record, "names": names})

    def answer(self, region: str, body: dict[str, Any]) -> Reply:
        (attribute,) = body["LookupAttributes"]
        page = int(body.get("NextToken", "0"))
        asked = Asked(
            region,
            attribute["AttributeKey"],
            attribute["AttributeValue"],
            datetime.fromtimestamp(body["StartTime"], UTC),
            datetime.fromtimestamp(body["EndTime"], UTC),
            page,
        )
        with self.lock:
            self.asked.append(asked)
            if self.replies.get(region):
                return self.replies[region].pop(0)
            found = [event for event in self.events.get(region, []) if _fits(asked, event)]
        found.sort(key=lambda event: _at(event), reverse=True)
        size = min(self.page_size, body.get("MaxResults", 50))
        shown = [_event(event) for event in found[page * size : (page + 1) * size]]
        more = {"NextToken": str(page + 1)} if len(found) > (page + 1) * size else {}
        return good({"Events": shown, **more})


def good(body: Any) -> Reply:
    return Reply(200, json.dumps(body).encode(), "application/x-amz-json-1.1")


def error(code: str, message: str, status: int = 400) -> Reply:
    """An error as CloudTrail's JSON protocol spells it."""
    return Reply(status, json.dumps({"__type": code, "message": message}).encode(), "application/x-amz-json-1.1")


DENIED = error(
    "AccessDeniedException",
    f"User: arn:aws:sts::{ACCOUNT}:assumed-role/auditor/parity is not authorized to perform: cloudtrail:LookupEvents",
)
THROTTLED = error("ThrottlingException", "Rate exceeded")
SORRY = Reply(500, b"<!doctype html><html><body><h1>Sorry</h1></body></html>", "text/html")


@contextmanager
def cloudtrail() -> Iterator[Trail]:
    """A stand-in on a free port."""
    server = QuietServer(("127.0.0.1", 0), _Handler)
    trail = Trail(f"http://127.0.0.1:{server.server_port}")
    server.trail = trail  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield trail
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing: a test's output is its own."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        trail: Trail = self.server.trail  # type: ignore[attr-defined]
        scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/cloudtrail/", self.headers.get("Authorization", ""))
        asked = self.headers.get("X-Amz-Target", "").rpartition(".")[2] == "LookupEvents"
        reply = trail.answer(scope[1], body) if scope and asked else SORRY
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)


def _fits(asked: Asked, event: dict[str, Any]) -> bool:
    record = event["record"]
    wanted = {"ResourceName": event["names"], "ReadOnly": [str(record["readOnly"]).lower()]}[asked.key]
    return asked.value in wanted and asked.start <= _at(event) <= asked.end


def _at(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["record"]["eventTime"])


def _event(event: dict[str, Any]) -> dict[str, Any]:
    record = event["record"]
    arn = record["userIdentity"].get("arn", "")
    return {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": str(record["readOnly"]).lower(),
        "EventTime": _at(event).timestamp(),
        "EventSource": record["eventSource"],
        "Username": arn.rpartition("/")[2],
        "Resources": [{"ResourceType": "AWS::Any::Thing", "ResourceName": name} for name in event["names"]],
        "CloudTrailEvent": json.dumps(record),
    }
