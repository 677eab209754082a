"""A stand-in for Slack on loopback: the Web API over HTTP, Socket Mode over a websocket, clicks, and faults on demand.

Stand-alone: `python -m tests.standins.slack --port 0` prints its address and the tokens as JSON, and runs until it is
stopped. `GET /_/messages?channel=parity` then shows what was posted.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import http.client
import itertools
import json
import signal
import threading
import time
import urllib.parse
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.standins.slack_socket import SocketMode
from tests.standins.slack_workspace import APP_TOKEN, BOT_TOKEN, Answer, Pace, Refused, Workspace

SIGNING_SECRET = "signing-secret-of-the-stand-in"
USER = ("U0ANA00001", "ana")
TEAM = "T0STANDIN1"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the next call of `method` (None: any).

    kind   `status` (an HTTP status), `ratelimited` (429 with `retry_after`), `error` (a code), and four that act
           `drop_before`, `drop_after`: the connection is closed before or after the call was carried out
           `hang_before`, `hang_after`: no answer until the stand-in is closed or `release` is called
    """

    kind: str
    method: str | None = "chat.postMessage"
    status: int = 500
    error: str = "internal_error"
    retry_after: int = 1


class SlackStandIn:
    """Runs from `start` (or `with`) to `close`. `workspace` holds what was posted, `api_url` is what clients are given."""

    def __init__(self, workspace: Workspace | None = None, *, port: int = 0) -> None:
        self.workspace = workspace or Workspace()
        self._faults: deque[Fault] = deque()
        self._released = threading.Event()
        self._numbers = itertools.count(1)
        stand_in = self

        class Handler(_Handler):
            owner = stand_in

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="slack-stand-in")
        self.socket = SocketMode()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    def start(self) -> Self:
        self._thread.start()
        self.socket.start()
        return self

    def close(self) -> None:
        self.release()
        self.socket.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def fail_next(self, *faults: Fault) -> None:
        """Let the next calls go wrong, one fault each, in this order."""
        with self.workspace.lock:
            self._faults += faults

    def release(self) -> None:
        """Let calls that hang end, without an answer."""
        self._released.set()

    def hangs(self) -> bool:
        return not self._released.wait(60)

    def take_fault(self, method: str) -> Fault | None:
        with self.workspace.lock:
            for fault in self._faults:
                if fault.method in (None, method):
                    self._faults.remove(fault)
                    return fault
        return None

    def payload(
        self, message: Answer, action_id: str, *, option: str | None = None, user: tuple[str, str] = USER
    ) -> Answer:
        """What Slack tells the app when `user` clicks on an element; `option` is the text of the chosen one."""
        for block in message["blocks"]:
            for element in block.get("elements", ()):
                if element.get("action_id") == action_id:
                    return self._payload(message, block, element, option, user)
        raise AssertionError(f"the message has no {action_id}")

    def _payload(
        self, message: Answer, block: Answer, element: Answer, option: str | None, user: tuple[str, str]
    ) -> Answer:
        number = next(self._numbers)
        channel = next(item for item in self.workspace.channels.values() if message in item.messages)
        action = {key: element[key] for key in ("action_id", "type", "text", "value") if key in element}
        action |= {"block_id": block["block_id"], "action_ts": f"{int(time.time())}.{number:06d}"}
        if option is not None:
            action["selected_option"] = next(item for item in element["options"] if item["text"]["text"] == option)
        return {
            "type": "block_actions",
            "user": {"id": user[0], "username": user[1], "name": user[1], "team_id": TEAM},
            "api_app_id": "A0PARITY00",
            "container": {"type": "message", "message_ts": message["ts"], "channel_id": channel.id},
            "trigger_id": f"{number}.{number}.stand-in",
            "team": {"id": TEAM, "domain": "stand-in"},
            "channel": {"id": channel.id, "name": channel.name},
            "message": {key: message[key] for key in ("ts", "text", "blocks", "bot_id")},
            "state": {"values": {}},
            "response_url": f"{self.url}/actions/{TEAM}/{number}/stand-in",
            "actions": [action],
        }

    def click(self, url: str, payload: Answer, *, at: float | None = None, secret: str = SIGNING_SECRET) -> int:
        """Post a click to the app, signed as Slack signs it at `at` (now). Returns the status of the answer."""
        body, headers = signed(payload, at=at, secret=secret)
        return post(url, body, headers)

    def press(self, payload: Answer, *, seconds: float = 3.0) -> bool:
        """Send a click over one of the open sockets. Whether it was acknowledged in time."""
        return self.socket.send("interactive", payload, seconds)


def signed(payload: Answer, *, at: float | None = None, secret: str = SIGNING_SECRET) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a click. https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    body = urllib.parse.urlencode({"payload": json.dumps(payload)}).encode()
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return body, {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest}",
    }


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        connection.request("POST", parts.path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


class _Handler(BaseHTTPRequestHandler):
    owner: SlackStandIn

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """What was posted, for whoever runs the stand-in by itself."""
        parts = urllib.parse.urlsplit(self.path)
        if parts.path != "/_/messages":
            self._answer(404, {"ok": False, "error": "unknown_page"})
            return
        channel = urllib.parse.parse_qs(parts.query).get("channel", ["parity"])[0]
        self._answer(200, {"ok": True, "messages": self.owner.workspace.messages(channel)})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        given = _arguments(self.headers.get_content_type(), body)
        try:
            if self.path.startswith("/actions/"):
                self.owner.workspace.respond(self.path, given)
                self._answer(200, {"ok": True})
                return
            if not self.path.startswith("/api/"):
                self._answer(404, {"ok": False, "error": "unknown_page"})
                return
            self._call(self.path.removeprefix("/api/"), given)
        except Refused as refused:
            headers = {"Retry-After": str(refused.body["retry_after"])} if "retry_after" in refused.body else {}
            self._answer(429 if headers else 200, refused.body, headers)

    def _call(self, method: str, given: Answer) -> None:
        fault = self.owner.take_fault(method)
        if fault and fault.kind in ("drop_before", "hang_before"):
            self._leave(fault)
            return
        if fault and fault.kind == "status":
            self._answer(fault.status, {"ok": False, "error": "internal_error"})
            return
        if fault and fault.kind == "ratelimited":
            raise Refused("ratelimited", retry_after=fault.retry_after)
        if fault and fault.kind == "error":
            raise Refused(fault.error)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or given.pop("token", None)
        if method == "apps.connections.open":
            self.owner.workspace.authorize_app(token)
            answer = {"ok": True, "url": self.owner.socket.ticket()}
        else:
            answer = self.owner.workspace.call(method, token, given)
        if fault:
            self._leave(fault)
            return
        self._answer(200, answer)

    def _leave(self, fault: Fault) -> None:
        if fault.kind.startswith("hang"):
            self.owner.hangs()
        self.close_connection = True

    def _answer(self, status: int, body: Answer, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True


def _arguments(content_type: str, body: bytes) -> Answer:
    if content_type == "application/json":
        return dict(json.loads(body or b"{}"))
    given: Answer = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
    for key in ("blocks", "metadata"):
        if key in given:
            given[key] = json.loads(given[key])
    return given


@contextmanager
def running(*, port: int = 0, pace: Pace | None = None) -> Iterator[SlackStandIn]:
    with SlackStandIn(Workspace(pace=pace), port=port) as stand_in:
        yield stand_in


def main() -> None:
    parser = argparse.ArgumentParser(description="A stand-in for Slack on loopback.")
    parser.add_argument("--port", type=int, default=0, help="port of the Web API; 0: any free one")
    parser.add_argument("--per-second", type=float, default=1.0, help="messages per second and channel; 0: no limit")
    parser.add_argument("--burst", type=int, default=5, help="messages to one channel that are taken at once")
    given = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    pace = Pace(given.per_second, given.burst) if given.per_second > 0 else None
    with running(port=given.port, pace=pace) as stand_in:
        known = {
            "api_url": stand_in.api_url,
            "token": BOT_TOKEN,
            "app_token": APP_TOKEN,
            "signing_secret": SIGNING_SECRET,
        }
        print(json.dumps(known), flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
