"""Compare rendered output with a file in tests/golden/. `UPDATE_GOLDEN=1` writes the files instead."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "golden"


def same_as_golden(name: str, text: str) -> None:
    """Fail with the difference unless `text` is what `tests/golden/<name>` holds."""
    path = FOLDER / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        return
    expected = path.read_text(encoding="utf-8")
    assert text == expected, f"{name} changed; look at the difference, then run the tests once with UPDATE_GOLDEN=1"
