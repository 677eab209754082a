"""What the shop's services say of themselves: version endpoints of both environments, on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# By environment and service. Production's storefront missed the last deployment.
VERSIONS = {
    "staging": {"storefront": "5.2.0", "api": "3.8.1", "recommendations": "0.9.4"},
    "prod": {"storefront": "5.1.3", "api": "3.8.1", "recommendations": "0.9.4"},
}


@contextmanager
def serving(port: int = 0) -> Iterator[str]:
    """Serve them on `port` of loopback (0: any); gives the address. Raises OSError where the port is taken."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        environment, _, service = self.path.strip("/").partition("/")
        version = VERSIONS.get(environment, {}).get(service)
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
