"""The Socket Mode end of the stand-in for Slack: https://docs.slack.dev/apis/events-api/using-socket-mode"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve


class SocketMode:
    """Greets whoever comes with a ticket, hands out what is sent, and notes what was acknowledged.

    `served` counts the connections so far."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._tickets: set[str] = set()
        self._numbers = itertools.count(1)
        self._open: list[ServerConnection] = []
        self._acknowledged: set[str] = set()
        self.served = 0
        self._server: Server = serve(self._serve, "127.0.0.1", 0)
        self._thread = threading.Thread(target=self._server.serve_forever, name="slack-stand-in-socket")

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()

    def ticket(self) -> str:
        """The address of one connection; it works once."""
        with self._changed:
            ticket = f"ticket-{next(self._numbers)}"
            self._tickets.add(ticket)
        port = self._server.socket.getsockname()[1]
        return f"ws://127.0.0.1:{port}/link/?ticket={ticket}&app_id=A0PARITY00"

    def connections(self) -> int:
        with self._changed:
            return len(self._open)

    def wait_for_connections(self, number: int, seconds: float = 10.0) -> bool:
        return self.wait_for(lambda: self.connections() == number, seconds)

    def wait_for(self, holds: Callable[[], bool], seconds: float = 10.0) -> bool:
        """Wait for something to be true of the connections."""
        with self._changed:
            return self._changed.wait_for(holds, seconds)

    def send(self, kind: str, payload: Any, seconds: float) -> bool:
        """Send an envelope over the newest connection; whether it was acknowledged within `seconds`."""
        with self._changed:
            assert self._open, "no connection is open"
            envelope = f"envelope-{next(self._numbers)}"
            body = {
                "type": kind,
                "envelope_id": envelope,
                "accepts_response_payload": kind == "interactive",
                "payload": payload,
            }
            self._open[-1].send(json.dumps(body))
            return self._changed.wait_for(lambda: envelope in self._acknowledged, seconds)

    def refresh(self) -> None:
        """Ask every client to come back with a new connection, as Slack does every few hours."""
        with self._changed:
            for connection in self._open:
                connection.send(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))

    def cut(self) -> None:
        """Break every connection without a word."""
        with self._changed:
            connections = list(self._open)
        for connection in connections:
            connection.socket.shutdown(2)

    def _serve(self, connection: ServerConnection) -> None:
        request = connection.request
        ticket = parse_qs(urlsplit(request.path if request else "").query).get("ticket", [""])[0]
        with self._changed:
            if ticket not in self._tickets:
                return
            self._tickets.remove(ticket)
            self._open.append(connection)
            self.served += 1
            connection.send(json.dumps({"type": "hello", "num_connections": len(self._open)}))
            self._changed.notify_all()
        try:
            for message in connection:
                with self._changed:
                    self._acknowledged.add(json.loads(message).get("envelope_id", ""))
                    self._changed.notify_all()
        except ConnectionClosed:
            return
        finally:
            with self._changed:
                self._open.remove(connection)
                self._changed.notify_all()
