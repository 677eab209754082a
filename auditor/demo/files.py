"""Lays out the folder that the demo leaves behind. Whatever is there already belongs to the user and stays."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path


def lay_out(folder: Path) -> bool:
    """Copy the demo's files into `folder`, but for those that are there. Whether any was."""
    kept = False
    with as_file(files("auditor.demo") / "folder") as source:
        for path in sorted(source.rglob("*")):
            if not path.is_file() or path.suffix == ".pyc":
                continue
            target = folder / path.relative_to(source)
            if target.exists():
                kept = True
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return kept
