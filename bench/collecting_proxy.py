"""A stand-in of AWS that gives recorded answers after a fixed delay, any number of them at once.

    python -m bench.collecting_proxy UPSTREAM

It asks the server at UPSTREAM for what it has not been asked before and keeps the answer. What makes a question is who asks
(the access key), for which region and service, and for what; not when, nor the signature. Prints its address as the first
line, and ends when its standard input does. Under `/-/` it is told what to do: `POST /-/set {"delay": 0.08, "keep": false}`,
and asked what it saw since the last time: `GET /-/log`.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

_SCOPE = re.compile(rb"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/")
_NOTHING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
_DROPPED = {"connection", "content-length", "transfer-encoding", "date", "server"}
_AT_A_TIME = 4  # moto slows down when it is asked for more


class Recorded:
    """The answers so far, and what was asked since somebody looked: key, when it came, when it was answered."""

    def __init__(self, upstream: str) -> None:
        self._address = urlsplit(upstream).netloc
        self._answers: dict[bytes, bytes] = {}
        self._asking = ThreadPoolExecutor(_AT_A_TIME)
        self.delay = 0.0
        self.keep = True
        self.log: list[tuple[str, float, float, int]] = []
        self.unknown: list[str] = []

    def known(self, key: bytes) -> bytes | None:
        return self._answers.get(key)

    async def ask(self, key: bytes, method: str, target: str, headers: dict[str, str], body: bytes) -> bytes:
        """The answer of the server behind, kept for the next time."""
        if not self.keep:
            self.unknown.append(key.decode("utf-8", "replace"))
            return _NOTHING
        running = asyncio.get_running_loop()
        answer = await running.run_in_executor(self._asking, self._forward, method, target, headers, body)
        return self._answers.setdefault(key, answer)

    def _forward(self, method: str, target: str, headers: dict[str, str], body: bytes) -> bytes:
        connection = http.client.HTTPConnection(self._address, timeout=60)
        try:
            connection.request(method, target, body or None, {**headers, "connection": "close"})
            answer = connection.getresponse()
            told = answer.read()
        finally:
            connection.close()
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
        lines += [f"{name}: {value}" for name, value in answer.getheaders() if name.lower() not in _DROPPED]
        lines += [f"Content-Length: {len(told)}", "", ""]
        return "\r\n".join(lines).encode("latin-1") + (b"" if method == "HEAD" else told)


class Connection(asyncio.Protocol):
    """One kept-alive connection: HTTP/1.1, one request after the other, as botocore sends them."""

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded
        self._buffer = b""
        self._head: tuple[str, str, dict[str, str], bytes, int] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._head is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._head = _head(self._buffer[:end])
            self._buffer = self._buffer[end + 4 :]
            if self._head[2].get("expect", "").lower() == "100-continue":
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = self._head[4]
        if len(self._buffer) < length:
            return
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        head, self._head = self._head, None
        self._answer(head, body)

    def _answer(self, head: tuple[str, str, dict[str, str], bytes, int], body: bytes) -> None:
        method, target, headers, scope, _ = head
        if target.startswith("/-/"):
            self._transport.write(_told(self._recorded, method, target, body))
            return
        came = time.monotonic()
        said = headers.get("x-amz-target", "")
        key = b"\n".join((scope, method.encode(), target.encode(), said.encode(), _asked(body)))
        answer = self._recorded.known(key)
        if answer is not None:
            asyncio.get_running_loop().call_later(self._recorded.delay, self._send, key, came, answer)
            return
        task = asyncio.ensure_future(self._learn(key, came, method, target, headers, body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _learn(
        self, key: bytes, came: float, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> None:
        self._send(key, came, await self._recorded.ask(key, method, target, headers, body))

    def _send(self, key: bytes, came: float, answer: bytes) -> None:
        self._recorded.log.append((key.decode("utf-8", "replace"), came, time.monotonic(), int(answer[9:12])))
        if not self._transport.is_closing():
            self._transport.write(answer)


def _head(text: bytes) -> tuple[str, str, dict[str, str], bytes, int]:
    """Method, target, headers in lower case, whose request to what, and how long the body is."""
    first, *lines = text.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    found = _SCOPE.search(headers.get("authorization", "").encode("latin-1"))
    return method, target, headers, b"/".join(found.groups()) if found else b"", int(headers.get("content-length", 0))


def _asked(body: bytes) -> bytes:
    """The parameters, in one order: forms by name, JSON by key."""
    if body[:1] == b"{":
        return json.dumps(json.loads(body), sort_keys=True).encode()
    return b"&".join(sorted(body.split(b"&")))


def _told(recorded: Recorded, method: str, target: str, body: bytes) -> bytes:
    if method == "POST" and target == "/-/set":
        wanted = json.loads(body)
        recorded.delay, recorded.keep = float(wanted["delay"]), bool(wanted["keep"])
    answer = json.dumps({"log": recorded.log, "unknown": recorded.unknown}).encode()
    recorded.log, recorded.unknown = [], []
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer)


async def _serve(upstream: str) -> None:
    recorded = Recorded(upstream)
    running = asyncio.get_running_loop()
    server = await running.create_server(lambda: Connection(recorded), "127.0.0.1", 0, backlog=512)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(f"http://127.0.0.1:{port}\n")
    sys.stdout.flush()
    ended = asyncio.Event()
    running.add_reader(sys.stdin.fileno(), lambda: None if sys.stdin.buffer.raw.read(1) else ended.set())  # type: ignore[attr-defined]
    await ended.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
