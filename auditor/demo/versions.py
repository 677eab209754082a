"""What the shop's services say of themselves: version endpoints of both environments, on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# By environment and service. Production's storefront missed the last deployment.
VERSIONS: Mapping[str, Mapping[str, str]] = {
    "staging": {"storefront": "5.2.0", "api": "3.8.1", "recommendations": "0.9.4"},
    "prod": {"storefront": "5.1.3", "api": "3.8.1", "recommendations": "0.9.4"},
}


class Versions:
    """Which version of each service runs where; safe between threads. `url` is where the services say so."""

    def __init__(self, url: str = "") -> None:
        self.url = url
        self._running = {environment: dict(services) for environment, services in VERSIONS.items()}
        self._lock = threading.Lock()

    def deploy(self, environment: str, service: str, version: str) -> None:
        with self._lock:
            self._running[environment][service] = version

    def of(self, environment: str, service: str) -> str | None:
        with self._lock:
            return self._running.get(environment, {}).get(service)


@contextmanager
def serving(port: int = 0, host: str = "127.0.0.1") -> Iterator[Versions]:
    """Serve them on `port` (0: any) of `host`. Raises OSError where the port is taken."""
    versions = Versions()
    server = ThreadingHTTPServer((host, port), partial(_Handler, versions))
    server.daemon_threads = True
    versions.url = f"http://{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield versions
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, versions: Versions, *arguments: Any) -> None:
        self._versions = versions
        super().__init__(*arguments)

    def do_GET(self) -> None:
        environment, _, service = self.path.strip("/").partition("/")
        version = self._versions.of(environment, service)
        body = json.dumps(
            {"service": service, "version": version} if version else {"error": "no such service"}
        ).encode()
        self.send_response(200 if version else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing: the terminal belongs to the report."""
