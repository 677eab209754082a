"""The stand-in of AWS: moto's server, on loopback, in this process."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from auditor.errors import AuditorError


class DemoError(AuditorError):
    """The demo could not be run. Its text says why, and what helps."""


@contextmanager
def serving(port: int = 0) -> Iterator[str]:
    """Start it on `port` of loopback (0: any); gives the address. Raises DemoError where moto is not installed."""
    try:
        from moto.server import ThreadedMotoServer
    except ImportError as error:
        raise DemoError(
            "the demo needs a stand-in of AWS, which is not installed: pip install 'parity-auditor[demo]'"
        ) from error
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    host, chosen = server.get_host_and_port()
    try:
        yield f"http://{host}:{chosen}"
    finally:
        server.stop()
