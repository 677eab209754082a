"""The repository that an installation's files lie in: where the locations in its reports begin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from auditor.publish.sources import Places, line_in

if TYPE_CHECKING:
    from auditor.model import Path as Steps

_LONGEST_FILE = 1_000_000


def places(folder: Path, otherwise: Path) -> Places:
    """Where relative locations begin (`folder`), and what paths are told relative to: git's root, else `otherwise`."""
    folder = folder.resolve()
    root = next((one for one in (folder, *folder.parents) if (one / ".git").exists()), otherwise)
    return Places(folder, root.resolve(), _line_of)


def _line_of(file: Path, steps: Steps, start: int) -> int | None:
    try:
        if file.stat().st_size > _LONGEST_FILE:
            return None
        return line_in(file.read_text(encoding="utf-8", errors="replace"), steps, start)
    except OSError:  # it was read elsewhere, or is gone: then its name has to do
        return None
