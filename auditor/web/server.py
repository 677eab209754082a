"""An HTTP server in a thread of its own."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import uvicorn

from auditor.errors import AuditorError
from auditor.loopback import is_loopback

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["ListenError", "Server", "is_loopback"]
_STARTED_SECONDS = 30.0
_GRACE_SECONDS = 3


class ListenError(AuditorError):
    """The address to listen on cannot be had."""


class Server:
    """Serves `app` at `host` and `port` (0: any that is free) from `start` to `stop`. The address is taken at once."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        self._socket = _listen(host, port)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            # Who the client is may not be for the client to say.
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    @property
    def address(self) -> str:
        """`http://127.0.0.1:9464`"""
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """Answer what was asked, for a few seconds at most, and close."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.create_server((place[0], place[1]), family=family, backlog=128)
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = "set serve.host and serve.port to an address of this machine that is free"
        raise ListenError(f"cannot listen on {host}:{port}: {reason}; {remedy}") from error
    # Its connections inherit it. The event loop would see to it only for sockets that were made with their protocol
    # named; without it the end of an answer waits 40 ms for the client's acknowledgement of its beginning.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
