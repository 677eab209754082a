"""The stand-in of AWS: moto's server, in this process, on loopback where nobody asks for more."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from auditor.errors import AuditorError


class DemoError(AuditorError):
    """The demo could not be run. Its text says why, and what helps."""


@contextmanager
def serving(port: int = 0, host: str = "127.0.0.1") -> Iterator[str]:
    """Start it on `port` (0: any) of `host`; gives the address from this machine's view. Raises DemoError where moto is not installed."""
    try:
        from moto.server import ThreadedMotoServer
    except ImportError as error:
        raise DemoError(
            "the demo needs a stand-in of AWS, which is not installed: pip install 'parity-auditor[demo]'"
        ) from error
    # Hundreds of images that nobody of the demo uses would be put into every region of every account.
    os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address=host, port=port, verbose=False)
    server.start()
    _, chosen = server.get_host_and_port()
    try:
        yield f"http://127.0.0.1:{chosen}"
    finally:
        server.stop()
