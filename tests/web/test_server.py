"""The HTTP server that everything else is behind."""

from __future__ import annotations

import socket

from fastapi import FastAPI

from auditor.web.server import Server


def test_an_answer_is_sent_at_once() -> None:
    """Not when the client has acknowledged its beginning, which clients put off for 40 ms."""
    server = Server(FastAPI(), "127.0.0.1", 0)
    server.start()
    try:
        with socket.create_connection(("127.0.0.1", int(server.address.rpartition(":")[2]))) as client:
            client.sendall(b"GET /nowhere HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 404")
            # What a connection has of its listening socket cannot be seen from outside the loop's own objects.
            assert server._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    finally:
        server.stop()
