"""The key that secrets are fingerprinted with: one per installation, never stored with what it made.

Fingerprints of one key can be compared with each other. Machines that share a store share the key: AUDITOR_KEY.
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from auditor.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VARIABLE = "AUDITOR_KEY"
FILE = ".auditor-key"
_SHORTEST = 16


def fingerprint_key(folder: Path, environ: Mapping[str, str]) -> bytes:
    """The key from AUDITOR_KEY, else from the file in `folder`, which is made when it is not there. Raises ConfigError."""
    given = environ.get(VARIABLE)
    if given:
        return _checked(given.encode(), f"the environment variable {VARIABLE}")
    path = folder / FILE
    try:
        if not path.exists():
            _make(path)
        return _checked(path.read_text(encoding="ascii", errors="replace").strip().encode(), str(path))
    except OSError as error:
        message = f"the key for fingerprints of secrets cannot be kept here: {error.strerror or error}"
        remedy = f"make the folder writable, or set {VARIABLE}"
        raise ConfigError([Problem(str(path), None, None, "", message, remedy)]) from error


def _make(path: Path) -> None:
    """Whole or not at all: of two that start at once, the one that comes second uses the key of the first."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()


def _checked(key: bytes, where: str) -> bytes:
    if len(key) < _SHORTEST:
        message = f"the key for fingerprints of secrets is shorter than {_SHORTEST} characters"
        raise ConfigError([Problem(where, None, None, "", message, "use a long random text, or remove it")])
    return key
