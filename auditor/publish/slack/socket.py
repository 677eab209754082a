"""Clicks over Socket Mode: a connection that this service opens, so that Slack needs no way in.

Every copy of the service may hold one; Slack sends a click over one of them, and acts do not care which.
https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import errno
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from http.client import HTTPException
from socket import SHUT_RDWR
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, cast

from slack_sdk.errors import SlackClientError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from auditor.errors import PublishError
from auditor.publish.slack.api import call, web_client

if TYPE_CHECKING:
    from auditor.publish.slack.clicks import Clicks

_log = logging.getLogger(__name__)
_TIMEOUT = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(minutes=5)


class SocketListener:
    """Keeps one connection open from `start` to `close`, and hands what comes over it to `clicks`.

    `pause` is the first one before a connection is tried again; it doubles up to five minutes. `look_every` is how soon
    a connection that broke is noticed.
    """

    def __init__(
        self,
        app_token: str,
        api_url: str,
        clicks: Clicks,
        *,
        pause: timedelta = timedelta(seconds=2),
        look_every: timedelta = timedelta(seconds=1),
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._clicks = clicks
        self._pause = pause
        self._look_every = look_every
        self._chance = chance
        self._stop = Event()
        self._client = _Client(app_token, api_url)
        self._client.socket_mode_request_listeners.append(self._received)
        self._thread = Thread(target=self._run, name="slack-socket", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def connected(self) -> bool:
        return bool(self._client.is_connected())

    def close(self) -> None:
        """Close the connection and end its threads."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._client.close()

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            if self._client.is_connected():
                failures = 0
                self._stop.wait(self._look_every.total_seconds())
                continue
            wait = self._connect(failures)
            failures = 0 if wait is None else failures + 1
            if wait is not None:
                self._stop.wait(wait.total_seconds())

    def _connect(self, failures: int) -> timedelta | None:
        """Try once; None where it worked, else how long to wait."""
        try:
            self._client.connect_to_new_endpoint()
        except PublishError as error:
            _log.log(logging.ERROR if error.permanent else logging.WARNING, "%s", error)
            wait = error.retry_after
        except (SlackClientError, OSError, HTTPException) as error:
            _log.warning("Slack: the connection for clicks broke off: %s", type(error).__name__)
            wait = None
        else:
            if self._client.is_connected():
                _log.info("Slack: connected for clicks.")
                return None
            wait = None
        backoff: timedelta = min(self._pause * 2 ** min(failures, 10), _LONGEST_PAUSE)
        return max(wait or timedelta(0), backoff * (0.5 + self._chance() / 2))

    def _received(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        if request.type != "interactive":
            client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
            return
        # A click that cannot be taken is not acknowledged: Slack then shows the person that it did not work.
        if self._clicks.take(request.payload):
            client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))


class _Ending:
    """A socket that says when the other end is gone. The library would ask a dead one again and again, without a pause."""

    def __init__(self, socket: Any, closing: Callable[[], bool]) -> None:
        self._socket = socket
        self._closing = closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def recv(self, size: int) -> bytes:
        received = bytes(self._socket.recv(size))
        if not received and not self._closing():
            raise ConnectionResetError(errno.ECONNRESET, "closed by the other end")
        return received


class _Client(SocketModeClient):
    """The library's client, but for when it connects: it would sleep where it is to slow down, and not wake to be closed."""

    def __init__(self, app_token: str, api_url: str) -> None:
        web = web_client(app_token, api_url, _TIMEOUT)
        super().__init__(
            app_token=app_token,
            logger=web.logger,
            web_client=web,
            auto_reconnect_enabled=False,
            concurrency=2,
        )

    def connect(self) -> None:
        super().connect()
        session = self.current_session
        if session is not None and session.sock is not None:
            session.sock = cast("Any", _Ending(session.sock, lambda: self.closed))

    def close(self) -> None:
        self.closed = True
        session = self.current_session
        if session is not None and session.sock is not None:
            # Wakes up the thread that reads, which would otherwise notice some seconds later.
            with suppress(OSError):
                session.sock.shutdown(SHUT_RDWR)
        super().close()

    def issue_new_wss_url(self) -> str:
        answer: Any = call(
            self.web_client.apps_connections_open, "open a connection for clicks", app_token=self.app_token
        )
        return str(answer["url"])
